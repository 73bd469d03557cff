from fastmlp._core._kernels cimport fm_kernels, fm_product
from fastmlp._core._pass cimport Memory

ctypedef void (*blas_product)(const fm_kernels *, const fm_product *) noexcept nogil

# C = end(init + A B), as src_c/kernels.h explains it.
cdef void multiply(const fm_kernels *kernels, const fm_product *product, void *scratch) noexcept nogil
cdef void *scratch_of(const Memory *memory, int thread) noexcept nogil
cdef void set_blas(blas_product function) noexcept
