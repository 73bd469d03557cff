"""What a forked process keeps of the locks and counts that its parent shared between threads."""

import os
from collections.abc import Callable
from threading import RLock


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
