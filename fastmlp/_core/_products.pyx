"""Matrix products: the kernel table's own, or BLAS where it leaves them out."""

from libc.string cimport memset

import numpy as np

from fastmlp._core._config cimport kernels_for
from fastmlp._core._kernels cimport FM_GEMM_SCRATCH_BYTES
from fastmlp._core._memory cimport address

from fastmlp._core._memory import aligned_empty

# Set by _blas as it is imported, which a table without products of its own asks for: SciPy is not needed before.
cdef blas_product through_blas = NULL


cdef void set_blas(blas_product function) noexcept:
    global through_blas
    through_blas = function


cdef void multiply(const fm_kernels *kernels, const fm_product *product, void *scratch) noexcept nogil:
    if kernels.gemm != NULL:
        kernels.gemm(product, scratch)
    else:
        through_blas(kernels, product)


cdef void *scratch_of(const Memory *memory, int thread) noexcept nogil:
    return memory.scratch + thread * FM_GEMM_SCRATCH_BYTES


# Made once, because that takes longer than a small product; the GIL keeps two products from sharing it.
product_scratch = aligned_empty((FM_GEMM_SCRATCH_BYTES,), np.uint8)


def product(a, b):
    """A B, of matrices of one dtype, float32 or float64, by the kernels that training uses: to show and time them."""
    a, b = np.require(a, requirements=["C", "A"]), np.require(b, a.dtype, ["C", "A"])
    if a.ndim != 2 or b.ndim != 2 or a.shape[1] != b.shape[0]:
        raise ValueError(f"a has shape {a.shape} and b {b.shape}; pass (m, k) and (k, n).")
    if a.dtype not in (np.float32, np.float64):
        raise ValueError(f"a is {a.dtype}; pass float32 or float64.")
    cdef:
        const fm_kernels *kernels = kernels_for(a.dtype.name)
        fm_product operands
    c = np.empty((a.shape[0], b.shape[1]), a.dtype)
    memset(&operands, 0, sizeof(fm_product))
    operands.c, operands.a, operands.b = address(c), address(a), address(b)
    operands.m, operands.n, operands.k = a.shape[0], b.shape[1], a.shape[1]
    operands.a_row, operands.a_col, operands.b_row, operands.b_col = operands.k, 1, operands.n, 1
    multiply(kernels, &operands, address(product_scratch))
    return c
