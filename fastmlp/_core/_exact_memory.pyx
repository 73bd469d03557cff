"""Arrays of a debug build: they end where their memory ends, and begin as NaN.

Those of _memory have up to a page behind them, in which a loop could go too far unseen by a sanitizer.
"""

from cpython.buffer cimport PyBuffer_FillInfo
from libc.stdlib cimport free
from libc.string cimport memset

import math

import numpy as np

from fastmlp._core._memory cimport ALIGNMENT


cdef extern from "<stdlib.h>" nogil:
    int posix_memalign(void **memory, size_t alignment, size_t size)


cdef class Block:
    """Memory of so many bytes, all of them 0xFF, which makes NaN of any floating-point number."""

    cdef void *memory
    cdef Py_ssize_t size

    def __cinit__(self, size):
        self.size = size
        if posix_memalign(&self.memory, ALIGNMENT, size):
            raise MemoryError(f"{size} bytes")
        memset(self.memory, 0xFF, size)

    def __dealloc__(self):
        free(self.memory)

    def __getbuffer__(self, Py_buffer *buffer, int flags):
        PyBuffer_FillInfo(buffer, self, self.memory, self.size, 0, flags)


def aligned_empty(shape, dtype, quarter=None):
    """As _memory's, but never at a quarter of a page."""
    dtype = np.dtype(dtype)
    return np.ndarray(shape, dtype, buffer=Block(math.prod(shape) * dtype.itemsize))
