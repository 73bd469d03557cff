"""Files that are written: their names, and how one takes the place of another at once."""

import fcntl
import os
import re
import secrets
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import BinaryIO

# Names of files that are being written.
TEMPORARY = re.compile(r"\.checkpoint-[0-9a-f]{16}")


def check_path(path: str | os.PathLike[str]) -> str:
    """Refuse the name of a file that cannot be written.

    Parameters
    ----------
    path : str or path-like

    Returns
    -------
    str
        The absolute path, that of its target for a link.

    Raises
    ------
    ValueError
        If it is no path, or that of a device or a pipe.
    FileNotFoundError, IsADirectoryError
        If its folder is not there, or it is one itself.
    OSError
        If there can be no such file, because the name is too long, say.
    """
    if not isinstance(path, (str, os.PathLike)):
        raise ValueError(f"path is {path!r}; pass the name of a file.")
    given = f"path is {os.fspath(path)!r}"
    try:
        absolute = os.path.realpath(path)
        mode = _mode_of(absolute)
    except OSError as error:
        raise type(error)(f"{given}, which no file can have: {error.strerror}; choose another name.") from error
    except ValueError as error:
        raise ValueError(f"{given}, which no file can have: {error}; choose another name.") from error
    folder = os.path.dirname(absolute)
    if not os.path.isdir(folder):
        raise FileNotFoundError(f"{given}, but there is no folder {folder!r}; make it first.")
    if mode is not None and stat.S_ISDIR(mode):
        raise IsADirectoryError(f"{given}, which is a folder; pass the name of a file.")
    if mode is not None and not stat.S_ISREG(mode):
        raise ValueError(f"{given}, which is a device, a pipe or a socket; pass the name of a file.")
    return absolute


@contextmanager
def written_file(path: str | os.PathLike, *, takes_place: bool = True) -> Iterator[BinaryIO]:
    """A new file, which in the end takes the place of another one at once, and has its rights if it was there.

    Where it is not finished, the other one stays as it is.

    Parameters
    ----------
    path : str or path-like
        Name of the other one.
    takes_place : bool, default=True
        False for a trial, of which nothing is left.

    Yields
    ------
    file

    Raises
    ------
    ValueError, OSError
        As by `check_path`, and where nothing can be written; the message names `path`.
    """
    absolute = check_path(path)
    folder = os.path.dirname(absolute)
    _remove_leftovers(folder)
    try:
        with _temporary_file(folder, _mode_of(absolute)) as (file, name):
            yield file
            file.flush()
            os.fsync(file.fileno())
            if takes_place:
                os.replace(name, absolute)
    except OSError as error:
        raise type(error)(
            f"path is {os.fspath(path)!r}, but nothing can be written to {folder!r}: {error.strerror}; choose another "
            "folder."
        ) from error


@contextmanager
def _temporary_file(folder: str, mode: int | None) -> Iterator[tuple[BinaryIO, str]]:
    """A file and its name, which is gone in the end."""
    rights = 0o666 if mode is None else stat.S_IMODE(mode)  # at no time more than the other file's
    descriptor, name = _create_locked(folder, rights)
    try:
        with open(descriptor, "wb") as file:
            if mode is not None:
                os.fchmod(descriptor, rights)  # which the process's mask may have lowered
            yield file, name
    finally:
        with suppress(FileNotFoundError):
            os.unlink(name)


def _create_locked(folder: str, rights: int) -> tuple[int, str]:
    """A new file with a name of its own, and a lock that tells others that it is in use."""
    while True:
        name = os.path.join(folder, f".checkpoint-{secrets.token_hex(8)}")
        descriptor = os.open(name, os.O_CREAT | os.O_EXCL | os.O_WRONLY, rights)
        with suppress(OSError):  # a file system without locks
            fcntl.flock(descriptor, fcntl.LOCK_EX)
        if os.fstat(descriptor).st_nlink > 0:
            return descriptor, name
        os.close(descriptor)  # another process saw it before it was locked, and has removed it


def _remove_leftovers(folder: str) -> None:
    """Remove what processes of this user that were killed have left of files they were writing.

    A living process, on another machine too, holds a lock on its file; where there are no locks, nothing is removed.
    """
    with suppress(OSError):  # somebody else may be faster
        for name in os.listdir(folder):
            if TEMPORARY.fullmatch(name):
                _remove_unless_held(os.path.join(folder, name))


def _remove_unless_held(name: str) -> None:
    with suppress(OSError):
        descriptor = os.open(name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
        try:
            status = os.fstat(descriptor)
            if stat.S_ISREG(status.st_mode) and status.st_uid == os.geteuid():
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                os.unlink(name)
        finally:
            os.close(descriptor)


def _mode_of(path: str) -> int | None:
    """Kind and rights of a file; None where there is none."""
    try:
        return os.stat(path).st_mode
    except FileNotFoundError:
        return None
