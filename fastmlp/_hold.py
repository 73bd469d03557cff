"""One fit at a time holds a model: two that write into one network would corrupt its memory."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from weakref import WeakKeyDictionary

from fastmlp._fork import renew_after_fork

# Kept here, because a lock among an object's attributes could be neither copied nor pickled.
_locks: WeakKeyDictionary[object, threading.Lock] = WeakKeyDictionary()
_registry = threading.RLock()


class _Busy(threading.local):
    """The locks that this thread holds."""

    def __init__(self):
        self.locks = []


_busy = _Busy()


def _forget() -> None:
    _locks.clear()
    _busy.locks.clear()


renew_after_fork(_registry, _forget)


@contextmanager
def held(trained: object) -> Iterator[None]:
    """Wait until no other thread trains the object, and keep others waiting.

    Parameters
    ----------
    trained : estimator or Network

    Raises
    ------
    RuntimeError
        If this thread is training it already, as a callback that calls ``fit`` would.
    """
    with _registry:
        lock = _locks.setdefault(trained, threading.Lock())
    if lock in _busy.locks:
        raise RuntimeError(
            f"This {type(trained).__name__} is being trained, and a callback of that fit tries to train it again; "
            "train another one, for example a clone."
        )
    with lock:
        _busy.locks.append(lock)
        try:
            yield
        finally:
            _busy.locks.remove(lock)
