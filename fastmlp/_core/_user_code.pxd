from fastmlp._core._pass cimport Pass, Tile

cdef void python_forward(const Pass *p, int place, char *a, const char *z, Py_ssize_t n_rows) noexcept with gil
cdef void python_backward(
    const Pass *p, const Tile *tile, int place, const char *a, const char *z
) noexcept with gil
cdef double python_loss(
    const Pass *p, const Tile *tile, const char *a, const char *weights, bint goes_back
) noexcept with gil
cdef void check_domain(const Pass *p, int place, const char *a, const char *z, Py_ssize_t n_rows) noexcept nogil
