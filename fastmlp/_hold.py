"""One fit at a time holds a model: two that write into one network would corrupt its memory."""

import threading
from typing import Any
from weakref import WeakKeyDictionary

from fastmlp._fork import renew_after_fork

# Kept here, because a lock among an object's attributes could be neither copied nor pickled. They know their owner.
_locks: WeakKeyDictionary[object, Any] = WeakKeyDictionary()
_registry = threading.RLock()

renew_after_fork(_registry, _locks.clear)


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
            self._lock = _locks.setdefault(trained, threading.RLock())
        if self._lock._is_owned():
            raise RuntimeError(
                f"This {type(trained).__name__} is being trained, and a callback of that fit tries to train it again; "
                "train another one, for example a clone."
            )

    def __enter__(self) -> None:
        try:
            self._lock.acquire()
        except BaseException:  # Ctrl-C may come right behind the lock, and nobody would give it back
            if self._lock._is_owned():
                self._lock.release()
            raise

    def __exit__(self, *error: object) -> None:
        self._lock.release()
