from fastmlp._core._kernels cimport fm_kernels

# The table to use for a dtype, by its name. A network asks once, in its plan: two tables pack weights differently, and
# what they share would be read and written beyond its end.
cdef const fm_kernels *kernels_for(str dtype) except NULL
