cdef enum:
    PAGE = 4096

cdef char *address(array) except? NULL
