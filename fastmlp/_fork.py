"""What a forked process keeps of the locks and counts that its parent shared between threads."""

import os
from collections.abc import Callable
from threading import RLock
from typing import Any, Generic, TypeVar
from weakref import WeakSet

import numpy as np

Value = TypeVar("Value")

# Those of random numbers, and those of them that a fork holds at the moment.
_locks: WeakSet[Any] = WeakSet()
_held: list[Any] = []
_registry = RLock()


def renew_after_fork(lock: "RLock", forget: Callable[[], None]) -> None:
    """Let no fork copy a lock that another thread holds, and no child go by what the parent's threads were doing.

    Parameters
    ----------
    lock : RLock
        A fork waits for it, so nothing that takes long may be done under it.
    forget : callable
        Is called in the child, under the lock.
    """

    def begin_child() -> None:
        forget()
        lock.release()

    if hasattr(os, "register_at_fork"):
        os.register_at_fork(before=lock.acquire, after_in_parent=lock.release, after_in_child=begin_child)


def forks_wait_for(source: np.random.RandomState) -> None:
    """Let forks wait for each draw from a source that threads may share, as they do for NumPy's global one.

    NumPy draws under a lock of the source, and many numbers without the GIL.

    Parameters
    ----------
    source : RandomState
    """
    with _registry:
        _locks.add(source._bit_generator.lock)


def _hold_sources() -> None:
    _registry.acquire()
    # A set, because a thread cannot acquire a lock of NumPy 2.0 twice.
    for lock in {np.random.mtrand._rand._bit_generator.lock, *_locks}:
        lock.acquire()
        _held.append(lock)


def _release_sources() -> None:
    while _held:
        _held.pop().release()
    _registry.release()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(before=_hold_sources, after_in_parent=_release_sources, after_in_child=_release_sources)


class computed_once(Generic[Value]):  # noqa: N801  # a decorator, named as functools.cached_property is
    """A property that is computed when it is first asked for.

    ``functools.cached_property`` has a lock before Python 3.12, which a fork copies while another thread holds it.

    Parameters
    ----------
    function : callable
        Computes the value of an object.
    """

    def __init__(self, function: Callable[[Any], Value]):
        self._function: Callable[[Any], Value] = function
        self.__doc__ = function.__doc__

    def __set_name__(self, owner: type, name: str) -> None:
        self._name = name

    def __get__(self, instance: Any, owner: type | None = None) -> Value:
        value = instance.__dict__[self._name] = self._function(instance)
        return value
