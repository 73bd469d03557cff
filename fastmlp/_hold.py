"""One fit at a time holds a model: two that write into one network would corrupt its memory."""

import threading
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


class held:  # noqa: N801  # used as a function; a generator would take as long as half a step on one row
    """Wait until no other thread trains an object, and keep others waiting, in a with statement.

    Parameters
    ----------
    trained : estimator or Network

    Raises
    ------
    RuntimeError
        If this thread is training it already, as a callback that calls ``fit`` would.
    """

    __slots__ = ("_lock",)

    def __init__(self, trained: object):
        with _registry:
            self._lock = _locks.setdefault(trained, threading.Lock())
        if self._lock in _busy.locks:
            raise RuntimeError(
                f"This {type(trained).__name__} is being trained, and a callback of that fit tries to train it again; "
                "train another one, for example a clone."
            )

    def __enter__(self) -> None:
        self._lock.acquire()
        _busy.locks.append(self._lock)

    def __exit__(self, *error: object) -> None:
        _busy.locks.remove(self._lock)
        self._lock.release()
