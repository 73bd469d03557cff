"""Arrays as the core needs them, and where they lie."""

from cpython.buffer cimport PyBUF_SIMPLE, PyBuffer_Release, PyObject_GetBuffer
from libc.stdint cimport uintptr_t

import math

import numpy as np

cdef extern from *:
    """
    #ifndef FASTMLP_DEBUG
    #define FASTMLP_DEBUG 0
    #endif
    """
    bint FASTMLP_DEBUG


def aligned_empty(shape, dtype, quarter=None):
    """Uninitialized C-contiguous array that starts on a cache line, or at the given quarter of a page.

    A loop that reads and writes several arrays stalls where their addresses agree in the last 12 bits: the CPU takes a
    load for one of what it has just stored. Arrays that are walked together start at different quarters.
    """
    dtype = np.dtype(dtype)
    n_bytes = math.prod(shape) * dtype.itemsize
    step, offset = (ALIGNMENT, 0) if quarter is None else (PAGE, quarter % 4 * PAGE // 4)
    memory = np.empty(n_bytes + step, dtype=np.uint8)
    start = (offset - <uintptr_t> address(memory)) % step
    return np.ndarray(shape, dtype, memory, start)


cdef char *address(array) except? NULL:
    """Of the first element of a C-contiguous array; NULL for None."""
    cdef Py_buffer view
    if array is None:
        return NULL
    PyObject_GetBuffer(array, &view, PyBUF_SIMPLE)
    PyBuffer_Release(&view)
    return <char *> view.buf


if FASTMLP_DEBUG:
    from fastmlp._core import _exact_memory

    aligned_empty = _exact_memory.aligned_empty
