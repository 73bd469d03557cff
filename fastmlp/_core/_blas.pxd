from fastmlp._core._kernels cimport fm_kernels

# C (m, n) = 1 init + op(A) op(B), row-major; op transposes where its flag is set; init is a row or NULL.
cdef void gemm(
    const fm_kernels *kernels, bint transpose_a, bint transpose_b, Py_ssize_t m, Py_ssize_t n, Py_ssize_t k,
    const char *a, Py_ssize_t lda, const char *b, Py_ssize_t ldb, const char *init, char *c, void *scratch,
) noexcept nogil
