from libc.stdint cimport uint32_t, uint64_t

from fastmlp._core._data cimport Data
from fastmlp._core._kernels cimport fm_activation_arguments, fm_kernels
from fastmlp._core._plan cimport Layer, ParameterTile, Plan
from fastmlp._core._workspace cimport Batch, Workspace


cdef class NetworkCore:
    cdef:
        readonly Plan plan
        readonly object parameters
        readonly object statistics
        int n_layers
        Layer *layers
        Py_ssize_t itemsize
        char *p
        char *s
        const fm_kernels *kernels

    cdef _check(self, Data data, bint has_targets, most_rows=*)
    cdef Batch batch_of(
        self, Data data, Py_ssize_t first, Py_ssize_t rows, bint training, uint64_t seed,
    ) noexcept nogil
    cdef double all_rows(self, Workspace workspace, Data data, Batch *batch, bint goes_back) noexcept nogil
    cdef double sum_of_losses(self, Workspace workspace, Data data, Batch *batch, bint goes_back) noexcept nogil
    cdef double rows_tile(
        self, Workspace workspace, Data data, Batch *batch, int thread, Py_ssize_t tile, Py_ssize_t n_tiles,
        bint goes_back,
    ) noexcept nogil
    cdef const char *gather(
        self, Workspace workspace, Data data, const Batch *batch, Py_ssize_t row, Py_ssize_t rows,
    ) noexcept nogil
    cdef void find_positions(
        self, Workspace workspace, Data data, const Batch *batch, Py_ssize_t row, Py_ssize_t rows,
    ) noexcept nogil
    cdef void forward_tile(
        self, Workspace workspace, Data data, const Batch *batch, int thread, const char *x, char *out,
        Py_ssize_t row, Py_ssize_t rows,
    ) noexcept nogil
    cdef void net_input(
        self, Workspace workspace, Data data, const Batch *batch, int thread, int depth, char *z, const char *a,
        const char *init, Py_ssize_t row, Py_ssize_t rows, bint relu,
    ) noexcept nogil
    cdef double output_delta(
        self, Workspace workspace, const Batch *batch, const char *weights, Py_ssize_t row, Py_ssize_t rows,
    ) noexcept nogil
    cdef void backward_tile(
        self, Workspace workspace, const Batch *batch, int thread, Py_ssize_t row, Py_ssize_t rows,
    ) noexcept nogil
    cdef void delta_product(
        self, Workspace workspace, int thread, int depth, char *out, Py_ssize_t row, Py_ssize_t rows,
        const char *mask,
    ) noexcept nogil
    cdef void pack_delta(
        self, Workspace workspace, const Batch *batch, int depth, Py_ssize_t row, Py_ssize_t rows,
    ) noexcept nogil
    cdef Py_ssize_t tile_offset(self, const ParameterTile *tile) noexcept nogil
    cdef void gradient_tile(
        self, Workspace workspace, Data data, const Batch *batch, int thread, Py_ssize_t number, char *out,
    ) noexcept nogil
    cdef void sparse_gradient(
        self, Workspace workspace, Data data, const Batch *batch, Py_ssize_t number, char *out,
    ) noexcept nogil
    cdef const char *batch_outputs(
        self, Workspace workspace, Data data, const Batch *batch, int depth,
    ) noexcept nogil
    cdef void activate(
        self, Workspace workspace, const Batch *batch, int depth, char *a, char *z, Py_ssize_t row, Py_ssize_t rows,
    ) noexcept nogil
    cdef void activate_backward(
        self, Workspace workspace, const Batch *batch, int depth, Py_ssize_t row, Py_ssize_t rows,
    ) noexcept nogil
    cdef void drop(
        self, const Batch *batch, int depth, char *out, const char *x, Py_ssize_t row, Py_ssize_t rows,
    ) noexcept nogil
    cdef fm_activation_arguments random_arguments(
        self, const Batch *batch, int depth, Py_ssize_t row,
    ) noexcept nogil
    cdef void normalized_net_input(
        self, Workspace workspace, Data data, const Batch *batch, int thread, int depth, char *z, const char *a,
        Py_ssize_t row, Py_ssize_t rows,
    ) noexcept nogil
    cdef void update_statistics(self, Workspace workspace, Py_ssize_t rows) noexcept nogil
    cdef char *weights(self, int depth) noexcept nogil
    cdef char *below_weights(self, int depth) noexcept nogil
    cdef char *batch_norm_scale(self, int depth) noexcept nogil
    cdef array_at(self, const char *memory, Py_ssize_t rows, Py_ssize_t columns)
    cdef put_at(self, char *memory, array)
    cdef void python_forward(
        self, Workspace workspace, int depth, char *a, const char *z, Py_ssize_t rows,
    ) noexcept with gil
    cdef void python_backward(self, Workspace workspace, int depth, Py_ssize_t rows) noexcept with gil
    cdef double python_loss(
        self, Workspace workspace, const char *weights, double scale, Py_ssize_t rows,
    ) noexcept with gil
    cdef void check_domain(
        self, Workspace workspace, int depth, const char *a, const char *z, Py_ssize_t rows,
    ) noexcept nogil
