"""One BLAS thread while a fit or a large prediction calls BLAS, whose bits depend on how many there are."""

import threading
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from functools import cache

from fastmlp._fork import renew_after_fork

_lock = threading.RLock()
_n_fits = 0


@cache
def _controller():
    from threadpoolctl import ThreadpoolController  # which comes with scikit-learn

    return ThreadpoolController()  # looking for the libraries takes milliseconds


class _Limit:
    """One BLAS thread until it is lifted.

    threadpoolctl lets one thread at a time limit OpenBLAS, and only that thread lift the limit. Overlapping fits may
    begin and end in different threads, so a thread of the limit's own does both.
    """

    def __init__(self):
        self._limiter = None
        self._is_set, self._may_end = threading.Event(), threading.Event()
        self._holder = threading.Thread(target=self._hold, daemon=True)
        self._holder.start()
        self._is_set.wait()

    def _hold(self):
        try:
            with _controller().limit(limits=1, user_api="blas") as self._limiter:
                self._is_set.set()
                self._may_end.wait()
        finally:
            self._is_set.set()

    def lift(self):
        self._may_end.set()
        self._holder.join()

    def lift_in_child(self):
        """Lift the limit in a forked process, which has no thread that holds it."""
        if self._limiter is not None:
            self._limiter.restore_original_limits()


_limit: _Limit | None = None


def _forget() -> None:
    global _n_fits, _limit
    if _limit is not None:
        _limit.lift_in_child()
    _n_fits, _limit = 0, None


renew_after_fork(_lock, _forget)


def one_blas_thread(*, needed: bool) -> AbstractContextManager[None]:
    """Limit BLAS to one thread, which for small products and vectors is much faster than waking a second one.

    The limit holds for the whole process, so overlapping fits share it: the first sets it, the last lifts it.

    Parameters
    ----------
    needed : bool
        Whether BLAS is called at all: through the network's kernel table, or through SciPy's optimizer.

    Returns
    -------
    context manager
    """
    return _shared_limit() if needed else _no_limit


_no_limit = nullcontext()


@contextmanager
def _shared_limit() -> Iterator[None]:
    global _n_fits, _limit
    with _lock:
        _n_fits += 1
        if _n_fits == 1:
            _limit = _Limit()
    try:
        yield
    finally:
        with _lock:
            _n_fits -= 1
            if _n_fits == 0 and _limit is not None:
                _limit.lift()
                _limit = None
