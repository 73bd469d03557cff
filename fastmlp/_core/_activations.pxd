from fastmlp._core._kernels cimport fm_activation_arguments

# In place of a kernel's number, for an activation that is written in Python.
cdef enum:
    IN_PYTHON = -1

cdef int kernel_number(activation) except -2
cdef int set_arguments(fm_activation_arguments *arguments, activation, Py_ssize_t units) except -1
