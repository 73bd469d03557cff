cdef enum:
    ALIGNMENT = 64  # vector registers and cache lines are at most this wide
    PAGE = 4096

cdef char *address(array) except? NULL
