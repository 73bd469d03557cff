"""Matrix products: the kernel table's own, or BLAS through SciPy where the table has none.

The only file that cimports scipy.linalg.cython_blas, and one of the two places that switch on the dtype.
"""

from libc.string cimport memcpy
from scipy.linalg.cython_blas cimport dgemm, sgemm

import numpy as np

from fastmlp._core._config cimport kernels_for
from fastmlp._core._kernels cimport FM_GEMM_SCRATCH_BYTES
from fastmlp._core._memory cimport address

from fastmlp._core._memory import aligned_empty


cdef void gemm(
    const fm_kernels *kernels, bint transpose_a, bint transpose_b, Py_ssize_t m, Py_ssize_t n, Py_ssize_t k,
    const char *a, Py_ssize_t lda, const char *b, Py_ssize_t ldb, const char *init, char *c, void *scratch,
) noexcept nogil:
    """C = 1 init + op(A) op(B), with C of m rows and n contiguous columns."""
    if kernels.gemm != NULL:
        kernels.gemm(
            c, n,
            a, 1 if transpose_a else lda, lda if transpose_a else 1,
            b, 1 if transpose_b else ldb, ldb if transpose_b else 1,
            init, m, n, k, scratch,
        )
        return

    cdef Py_ssize_t i
    cdef size_t row_bytes = <size_t> n * kernels.itemsize
    if init != NULL:
        for i in range(m):
            memcpy(c + <size_t> i * row_bytes, init, row_bytes)

    # BLAS is column-major: it sees the transposes, and C^T = op(B)^T op(A)^T.
    cdef char *op_a = b"T" if transpose_a else b"N"
    cdef char *op_b = b"T" if transpose_b else b"N"
    cdef int rows = <int> n, columns = <int> m, depth = <int> k
    cdef int ld_a = <int> lda, ld_b = <int> ldb, ld_c = <int> n
    cdef float one_f32 = 1, beta_f32 = init != NULL
    cdef double one_f64 = 1, beta_f64 = init != NULL
    if kernels.itemsize == sizeof(float):
        sgemm(op_b, op_a, &rows, &columns, &depth, &one_f32, <float *> b, &ld_b, <float *> a, &ld_a,
              &beta_f32, <float *> c, &ld_c)
    else:
        dgemm(op_b, op_a, &rows, &columns, &depth, &one_f64, <double *> b, &ld_b, <double *> a, &ld_a,
              &beta_f64, <double *> c, &ld_c)


# Made once, because that takes longer than a small product; the GIL keeps two products from sharing it.
product_scratch = aligned_empty(FM_GEMM_SCRATCH_BYTES, np.uint8)


def product(a, b):
    """A B, of matrices of one dtype, float32 or float64, by the kernels that training uses: to show and time them."""
    a, b = np.require(a, requirements=["C", "A"]), np.require(b, a.dtype, ["C", "A"])
    if a.ndim != 2 or b.ndim != 2 or a.shape[1] != b.shape[0]:
        raise ValueError(f"a has shape {a.shape} and b {b.shape}; pass (m, k) and (k, n).")
    if a.dtype not in (np.float32, np.float64):
        raise ValueError(f"a is {a.dtype}; pass float32 or float64.")
    cdef const fm_kernels *kernels = kernels_for(a.dtype.itemsize)
    c = np.empty((a.shape[0], b.shape[1]), a.dtype)
    gemm(
        kernels, False, False, a.shape[0], b.shape[1], a.shape[1], address(a), a.shape[1], address(b),
        b.shape[1], NULL, address(c), address(product_scratch),
    )
    return c
