"""Matrix products: the kernel table's own, or BLAS through SciPy where the table has none.

The only file that cimports scipy.linalg.cython_blas, and one of the two places that switch on the dtype.
"""

from libc.string cimport memcpy, memset
from scipy.linalg.cython_blas cimport dgemm, sgemm

import numpy as np

from fastmlp._core._config cimport kernels_for
from fastmlp._core._kernels cimport FM_GEMM_SCRATCH_BYTES, FM_RELU, fm_activation_arguments
from fastmlp._core._memory cimport address

from fastmlp._core._memory import aligned_empty


cdef void multiply(const fm_kernels *kernels, const fm_product *product, void *scratch) noexcept nogil:
    """C = end(init + A B)."""
    cdef:
        Py_ssize_t i
        size_t row_bytes = <size_t> product.n * kernels.itemsize
        char *c = <char *> product.c
        # BLAS is column-major: it sees the transposes, and C^T = B^T A^T.
        char *op_a = b"N" if product.a_col == 1 else b"T"
        char *op_b = b"N" if product.b_col == 1 else b"T"
        int rows = <int> product.n, columns = <int> product.m, depth = <int> product.k
        # Of a matrix of one row or column, either stride may be the smaller one; BLAS asks for one row's length.
        int ld_a = <int> max(product.a_row, product.a_col, product.k if product.a_col == 1 else product.m)
        int ld_b = <int> max(product.b_row, product.b_col, product.n if product.b_col == 1 else product.k)
        int ld_c = <int> product.n
        float one_f32 = 1, beta_f32 = product.init != NULL
        double one_f64 = 1, beta_f64 = product.init != NULL
        fm_activation_arguments nothing
    if kernels.gemm != NULL:
        kernels.gemm(product, scratch)
        return
    if product.init != NULL:
        for i in range(product.m):
            memcpy(c + <size_t> i * row_bytes, product.init, row_bytes)
    if kernels.itemsize == sizeof(float):
        sgemm(op_b, op_a, &rows, &columns, &depth, &one_f32, <float *> product.b, &ld_b, <float *> product.a, &ld_a,
              &beta_f32, <float *> c, &ld_c)
    else:
        dgemm(op_b, op_a, &rows, &columns, &depth, &one_f64, <double *> product.b, &ld_b, <double *> product.a, &ld_a,
              &beta_f64, <double *> c, &ld_c)
    memset(&nothing, 0, sizeof(nothing))
    if product.relu:
        kernels.activation_forward[<int> FM_RELU](c, c, product.m, product.n, &nothing)
    if product.mask != NULL:
        kernels.activation_backward[<int> FM_RELU](c, c, product.mask, product.mask, product.m, product.n, &nothing)


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
        fm_product of
    c = np.empty((a.shape[0], b.shape[1]), a.dtype)
    memset(&of, 0, sizeof(fm_product))
    of.c, of.a, of.b = address(c), address(a), address(b)
    of.m, of.n, of.k = a.shape[0], b.shape[1], a.shape[1]
    of.a_row, of.a_col, of.b_row, of.b_col = of.k, 1, of.n, 1
    multiply(kernels, &of, address(product_scratch))
    return c
