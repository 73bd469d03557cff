"""Names of files to be written."""

import os


def check_path(path: str | os.PathLike[str]) -> str:
    """Refuse the name of a file that cannot be written.

    Parameters
    ----------
    path : str or path-like

    Returns
    -------
    str
        The absolute path.

    Raises
    ------
    ValueError
        If it is no path.
    FileNotFoundError, IsADirectoryError
        If its folder is not there, or it is one itself.
    """
    if not isinstance(path, (str, os.PathLike)):
        raise ValueError(f"path is {path!r}; pass the name of a file.")
    absolute = os.path.abspath(path)
    folder = os.path.dirname(absolute)
    if not os.path.isdir(folder):
        raise FileNotFoundError(f"path is {os.fspath(path)!r}, but there is no folder {folder!r}; make it first.")
    if os.path.isdir(absolute):
        raise IsADirectoryError(f"path is {os.fspath(path)!r}, which is a folder; pass the name of a file.")
    return absolute
