"""Matrix products by BLAS, through SciPy. The only file that cimports scipy.linalg.cython_blas."""

from libc.string cimport memcpy, memset
from scipy.linalg.cython_blas cimport dgemm, sgemm

from fastmlp._core._kernels cimport FM_RELU, fm_activation_arguments, fm_kernels, fm_product
from fastmlp._core._products cimport set_blas


cdef void multiply(const fm_kernels *kernels, const fm_product *product) noexcept nogil:
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


set_blas(multiply)
