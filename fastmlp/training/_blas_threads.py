"""One BLAS thread for as long as any fit runs that calls BLAS."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache

from threadpoolctl import ThreadpoolController

_lock = threading.Lock()
_n_fits = 0
_limit = None


@cache
def _controller():
    return ThreadpoolController()  # looking for the libraries takes milliseconds


@contextmanager
def one_blas_thread(*, needed: bool) -> Iterator[None]:
    """Limit BLAS to one thread, which for small products and vectors is much faster than waking a second one.

    The limit holds for the whole process, so overlapping fits share it: the first sets it, the last lifts it.

    Parameters
    ----------
    needed : bool
        Whether the fit calls BLAS at all: through the network's kernel table, or through SciPy's optimizer.
    """
    global _n_fits, _limit
    if not needed:
        yield
        return
    with _lock:
        _n_fits += 1
        if _n_fits == 1:
            _limit = _controller().limit(limits=1, user_api="blas")
    try:
        yield
    finally:
        with _lock:
            _n_fits -= 1
            if _n_fits == 0:
                _limit.restore_original_limits()
