"""Files of checkpoints: their rights, what they may not replace, and what killed processes leave."""

import contextlib
import fcntl
import os
import signal
import socket
import stat
import subprocess
import sys
import threading
import time

import joblib
import numpy as np
import pytest

from fastmlp import MLPRegressor
from fastmlp.training.callbacks import Checkpoint

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

X = np.random.default_rng(0).normal(size=(40, 3))
Y = X.sum(axis=1)
SETTINGS = dict(hidden_layer_sizes=(4,), max_iter=3, random_state=0)


@pytest.fixture
def model():
    return MLPRegressor(**SETTINGS).fit(X, Y)


@pytest.mark.parametrize("mode", [0o600, 0o640, 0o664, 0o400])
@pytest.mark.parametrize("through_link", [False, True])
def test_a_file_keeps_its_rights(model, tmp_path, mode, through_link):
    path = tmp_path / "model"
    path.touch()
    path.chmod(mode)
    given = path
    if through_link:
        given = tmp_path / "link"
        given.symlink_to(path)
    seen = []

    class Watched(MLPRegressor):
        def _write_checkpoint(self, file):
            seen.append(stat.S_IMODE(os.fstat(file.fileno()).st_mode))
            joblib.dump(model, file)

    watched = Watched(**SETTINGS).fit(X, Y)
    watched.save_checkpoint(given)
    assert stat.S_IMODE(path.stat().st_mode) == mode == seen[0]
    assert joblib.load(given).n_iter_ == 3


def test_at_no_time_more_may_read_it_than_before(model, tmp_path, monkeypatch):
    """Whatever the process's mask allows."""
    path = tmp_path / "model"
    path.touch()
    path.chmod(0o600)
    created = []

    def open_and_note(name, flags, mode=0o777, **kwargs):
        descriptor = os_open(name, flags, mode, **kwargs)
        if flags & os.O_CREAT:
            created.append(stat.S_IMODE(os.fstat(descriptor).st_mode))
        return descriptor

    os_open = os.open
    monkeypatch.setattr("os.open", open_and_note)
    model.save_checkpoint(path)
    assert created == [0o600]


def fifo(folder):
    os.mkfifo(folder / "fifo")
    return folder / "fifo"


# No real device: a fault would replace it where the tests run as a superuser.
def link_to_a_fifo(folder):
    (folder / "link").symlink_to(fifo(folder))
    return folder / "link"


def unix_socket(folder):
    with contextlib.chdir(folder), socket.socket(socket.AF_UNIX) as server:  # whose paths have to be short
        server.bind("socket")
    return folder / "socket"


def link_to_itself(folder):
    (folder / "loop").symlink_to(folder / "loop")
    return folder / "loop"


def below_a_file(folder):
    (folder / "file").touch()
    return folder / "file" / "model"


def link_to_no_folder(folder):
    (folder / "link").symlink_to(folder / "missing" / "model")
    return folder / "link"


@pytest.mark.parametrize("by_callback", [False, True])
@pytest.mark.parametrize(
    ("make", "error", "message"),
    [
        (fifo, ValueError, "fifo', which is a device, a pipe or a socket; pass the name of a file"),
        (unix_socket, ValueError, "socket', which is a device, a pipe or a socket; pass the name of a file"),
        (link_to_a_fifo, ValueError, "link', which is a device, a pipe or a socket; pass the name of a file"),
        (link_to_itself, OSError, "loop', which no file can have: .*; choose another name"),
        (lambda folder: folder, IsADirectoryError, "which is a folder; pass the name of a file"),
        (lambda folder: folder / ("a" * 300), OSError, "a{300}', which no file can have: File name too long; choose"),
        (lambda folder: f"{folder}/{'a/' * 3000}m", OSError, "which no file can have: File name too long; choose"),
        (lambda folder: f"{folder}/a\0b", ValueError, "which no file can have: embedded null byte; choose"),
        (below_a_file, OSError, "model', which no file can have: Not a directory; choose another name"),
        (link_to_no_folder, FileNotFoundError, "link', but there is no folder '.*missing'; make it first"),
    ],
)
def test_names_that_no_file_can_have(tmp_path, make, error, message, by_callback):
    """They are refused before training, and what is there stays."""
    path, epochs = make(tmp_path), []
    names = sorted(os.listdir(tmp_path))
    kinds = [stat.S_IFMT(os.lstat(tmp_path / name).st_mode) for name in names]
    if by_callback:
        write = MLPRegressor(**SETTINGS, callbacks=[epochs.append, Checkpoint(path)]).fit
        arguments = X, Y
    else:
        write, arguments = MLPRegressor(**SETTINGS).fit(X, Y).save_checkpoint, (path,)
    with pytest.raises(error, match=r"path is '.*" + message):
        write(*arguments)
    assert not epochs
    assert sorted(os.listdir(tmp_path)) == names
    assert [stat.S_IFMT(os.lstat(tmp_path / name).st_mode) for name in names] == kinds


def test_a_full_disk_names_the_path(model, tmp_path, monkeypatch):
    def refuse(descriptor):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", refuse)
    with pytest.raises(OSError, match=r"path is '.*model', but nothing can be written to '.*': No space left"):
        model.save_checkpoint(tmp_path / "model")
    assert not list(tmp_path.iterdir())


def test_a_new_path_is_tried_where_a_fit_goes_on(tmp_path):
    model = MLPRegressor(**SETTINGS, warm_start=True).fit(X, Y)
    before = model.network_.parameters.copy()
    for path, error in ((tmp_path / "no" / "model", FileNotFoundError), (tmp_path / ("a" * 300), OSError)):
        model.set_params(callbacks=Checkpoint(path))
        for train in (model.fit, model.partial_fit):
            with pytest.raises(error, match="path is"):
                train(X, Y)
    assert len(model.loss_curve_) == 3
    np.testing.assert_array_equal(model.network_.parameters, before)


KILLED = """
import os, signal, sys
import joblib, numpy as np
from fastmlp import MLPRegressor
X = np.random.default_rng(0).normal(size=(40, 3))
model = MLPRegressor(hidden_layer_sizes=(4,), max_iter=300, tol=0).fit(X, X[:, 0])
def dump(model, file):
    file.write(b"some of it")
    file.flush()
    print("writes", flush=True)
    sys.stdin.readline()
joblib.dump = dump
model.save_checkpoint(sys.argv[1])
"""


@pytest.fixture
def writing(tmp_path):
    """A process in the middle of a checkpoint, and the file that it writes."""
    command = [sys.executable, "-W", "ignore", "-c", KILLED, str(tmp_path / "theirs")]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert process.stdout.readline() == b"writes\n"
    (file,) = tmp_path.glob(".checkpoint-*")
    yield process, file
    process.kill()
    process.wait()
    process.stdin.close()
    process.stdout.close()


@pytest.mark.parametrize("by_trial", [False, True])
def test_what_killed_processes_left_is_removed(model, tmp_path, writing, by_trial):
    """But not while they live, nor what is somebody else's."""
    process, file = writing
    others = [tmp_path / ".checkpoint-mine", tmp_path / ".checkpoint-0123456789abcdef.txt", tmp_path / "model.joblib"]
    for other in others:
        other.touch()
    (tmp_path / ".checkpoint-00112233aabbccdd").mkdir()

    def save():
        if by_trial:
            Checkpoint(tmp_path / "model").rehearse(model)
        else:
            model.save_checkpoint(tmp_path / "model")

    save()
    assert file.exists()
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert file.exists()
    save()
    assert not file.exists()
    assert all(other.exists() for other in [*others, tmp_path / ".checkpoint-00112233aabbccdd"])
    assert (tmp_path / "model").exists() != by_trial


def test_a_living_process_ends_its_checkpoint_beside_others(model, tmp_path, writing):
    process, file = writing
    for _ in range(3):
        model.save_checkpoint(tmp_path / "ours")
    process.communicate(b"go on\n")
    assert process.returncode == 0
    assert (tmp_path / "theirs").read_bytes() == b"some of it"
    assert not file.exists()


def test_a_file_that_is_removed_before_it_is_locked(model, tmp_path, monkeypatch):
    """As another process does that looks in between: another one is made."""
    lock, removed = fcntl.flock, []

    def remove_once(file, kind):
        if not removed:
            removed.extend(tmp_path.glob(".checkpoint-*"))
            removed[0].unlink()
        lock(file, kind)

    monkeypatch.setattr("fcntl.flock", remove_once)
    model.save_checkpoint(tmp_path / "model")
    assert removed
    assert joblib.load(tmp_path / "model").n_iter_ == 3


def test_without_locks_nothing_is_removed(model, tmp_path, monkeypatch):
    def refuse(file, kind):
        raise OSError(37, "No locks available")

    left = tmp_path / ".checkpoint-0123456789abcdef"
    left.touch()
    monkeypatch.setattr("fcntl.flock", refuse)
    model.save_checkpoint(tmp_path / "model")
    assert left.exists()
    assert joblib.load(tmp_path / "model").n_iter_ == 3


def test_many_threads_share_a_folder(tmp_path):
    """No one takes another's file for one that is left."""
    errors, end = [], time.monotonic() + 0.5
    models = [MLPRegressor(**SETTINGS).fit(X, Y) for _ in range(6)]

    def save(k):
        try:
            while time.monotonic() < end:
                models[k].save_checkpoint(tmp_path / f"model {k % 3}")
        except Exception as error:
            errors.append(error)

    threads = [threading.Thread(target=save, args=(k,)) for k in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not errors
    assert sorted(os.listdir(tmp_path)) == ["model 0", "model 1", "model 2"]
    assert all(joblib.load(tmp_path / f"model {k}").n_iter_ == 3 for k in range(3))
