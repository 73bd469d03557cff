"""One BLAS thread for as long as any fit runs that calls BLAS."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache

from threadpoolctl import ThreadpoolController

from fastmlp._core import _config

_lock = threading.Lock()
_n_fits = 0
_limit = None


@cache
def _controller():
    return ThreadpoolController()  # looking for the libraries takes milliseconds


@contextmanager
def one_blas_thread(*, scipy_calls_blas: bool) -> Iterator[None]:
    """Limit BLAS to one thread, which for small products and vectors is much faster than waking a second one.

    The limit holds for the whole process, so overlapping fits share it: the first sets it, the last lifts it.

    Parameters
    ----------
    scipy_calls_blas : bool
        Whether a fit calls it through SciPy, as lbfgs does, even where the core has products of its own.
    """
    global _n_fits, _limit
    if _config.has_own_gemm() and not scipy_calls_blas:
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
