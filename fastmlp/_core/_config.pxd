from fastmlp._core._kernels cimport fm_kernels

# The table to use for a dtype of `itemsize` bytes.
cdef const fm_kernels *kernels_for(size_t itemsize) except NULL
