from libc.stdint cimport uint64_t

from fastmlp._core._data cimport Data
from fastmlp._core._plan cimport Plan

# One pass's rows, and how they are taken.
cdef struct Batch:
    Py_ssize_t first      # row of the data, in its order
    Py_ssize_t rows
    double scale          # of each sample's loss in the batch's
    uint64_t seed         # of random numbers
    bint training         # whether numbers are drawn, and batch normalization goes by the batch
    bint statistics_vary  # whether it has rows enough to do that

# What a batch needs of one layer, a row each; pointers may coincide.
cdef struct LayerMemory:
    char *z           # net input
    char *a           # h(z); the same as z where the activation may overwrite it
    char *dropped     # a after dropout
    char *normalized  # net input before scale and shift
    char *g           # dC/dA_l; the same as delta where the kernel may overwrite it
    char *delta       # dC/dZ_l; with batch normalization in the end by what was normalized
    # A column each, of batch normalization:
    char *mean
    char *variance
    char *inverse     # 1 / sqrt(variance + epsilon)
    char *shift_and_scale_gradient
    # In panels, as src_c/kernels.h explains them, or NULL:
    char *packed             # W_l
    char *packed_transpose   # W_l^T
    char *packed_delta       # D_l


cdef class Workspace:
    cdef readonly:
        # activations[l] (rows, outputs of layer l), and outputs[l], the same after dropout, which only training fills;
        # deltas[l] (rows, units); and output_gradient, dC/dA_L.
        list activations
        list outputs
        list deltas
        object output_gradient
        Py_ssize_t rows
        object kind  # what it was made for: two of one kind can take each other's place
    cdef:
        list owners
        object error
        object dtype
        LayerMemory *layers
        char *y
        char *w
        char *whole_gradient
        Py_ssize_t thread_gradient_bytes
        char *gradients         # of one parameter tile, one for each thread
        char *scratch           # of products, one for each thread
        double *row_losses      # one for each row tile
        double *penalties       # and for each parameter tile
        double *squares
        bint is_sparse          # X is read by its stored values
        Py_ssize_t *positions   # (rows, tiles of layer 1 + 1): which of these belong to which parameter tile
        Batch last              # of the last pass
        bint failed

    cdef array(self, shape, char **pointer, quarter=*)
    cdef rows_of(self, Py_ssize_t columns, char **pointer)
    cdef doubles(self, Py_ssize_t n)
    cdef _pack_layers(self, Plan plan)
    cdef void *scratch_of(self, int thread) noexcept nogil
    cdef char *gradient_of(self, int thread, size_t offset) noexcept nogil
    cdef void fail(self, error) noexcept
    cdef int raise_error(self) except -1
