cdef char *address(array) except? NULL
