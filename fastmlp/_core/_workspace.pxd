from libc.stdint cimport uint64_t

from fastmlp._core._plan cimport Plan

# What a batch needs of one layer, a row each; pointers may coincide.
cdef struct LayerMemory:
    char *z           # net input
    char *a           # h(z); the same as z where the activation may overwrite it
    char *dropped     # a after dropout
    char *normalized  # net input before scale and shift
    char *g           # dC/dA_l; the same as delta where the kernel may overwrite it
    char *delta       # dC/dZ_l; with batch normalization in the end by what was normalized
    # And a column each, of batch normalization:
    char *mean
    char *variance
    char *inverse     # 1 / sqrt(variance + epsilon)
    char *shift_and_scale_gradient


cdef class Workspace:
    cdef readonly:
        # activations[l] (rows, outputs of layer l), and outputs[l], the same after dropout, which only training fills;
        # deltas[l] (rows, units); and output_gradient, dC/dA_L.
        list activations
        list outputs
        list deltas
        object output_gradient
        Py_ssize_t rows
        bint gathers
        bint has_whole_gradient
    cdef:
        list owners
        object error
        object dtype
        LayerMemory *layers
        char *y
        char *w
        char *gradient        # of one parameter tile
        char *whole_gradient
        void *packed
        bint failed
        bint training         # whether this pass draws random numbers and normalizes by its batch
        bint statistics_vary  # whether it has rows enough to do that
        uint64_t seed         # of this pass

    cdef array(self, shape, char **pointer, quarter=*)
    cdef rows_of(self, Py_ssize_t columns, char **pointer)
    cdef void begin_pass(self, bint training, uint64_t seed) noexcept nogil
    cdef void fail(self, error) noexcept
    cdef int raise_error(self) except -1
