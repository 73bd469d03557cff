from fastmlp._core._kernels cimport fm_kernels, fm_product

# C = end(init + A B), as src_c/kernels.h explains it.
cdef void multiply(const fm_kernels *kernels, const fm_product *product, void *scratch) noexcept nogil
