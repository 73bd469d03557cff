"""The passes over one network, without the GIL.

1. `NetworkCore` knows the shapes, the flat parameters and the kernels; `Workspace` owns the memory of one
   batch; `Data` points at the rows to learn from. None of them checks what Python has checked before.
2. A step has two phases. **Rows**: a tile of rows is gathered, goes forward through all layers, gets its output
   delta and goes back through all layers, while its activations are still in cache (S1 to S3). **Parameters**: a tile
   of rows of [W_l; b_l] gets its gradient over the whole batch (S4, S5), the penalty and the optimizer's step at
   once. All deltas are computed before any weight changes (S11).
3. Tiles are cut by shape alone.
4. Memory is untyped (`char *`, offsets in bytes): the dtype is switched in `_blas` and in the kernel table, and
   the code here is written once.
"""

from libc.math cimport isfinite
from libc.stdint cimport int32_t, int64_t, uint8_t, uintptr_t
from libc.stdlib cimport calloc, free
from libc.string cimport memcpy, memset

import numpy as np
from scipy.sparse import issparse

from fastmlp._core._blas cimport gemm
from fastmlp._core._config cimport kernels_for
from fastmlp._core._kernels cimport (
    FM_ADAM,
    FM_EXP,
    FM_GEMM_SCRATCH_BYTES,
    FM_IDENTITY,
    FM_LOG_LOSS_LOGISTIC,
    FM_LOG_LOSS_SOFTMAX,
    FM_LOGISTIC,
    FM_POISSON_EXP,
    FM_RELU,
    FM_SGD,
    FM_SOFTMAX,
    FM_SQUARED_ERROR_IDENTITY,
    FM_TANH,
    fm_kernels,
    fm_step,
)

ACTIVATION_KERNELS = {
    "identity": FM_IDENTITY,
    "relu": FM_RELU,
    "tanh": FM_TANH,
    "logistic": FM_LOGISTIC,
    "exp": FM_EXP,
    "softmax": FM_SOFTMAX,
}
MATCHED_LOSS_KERNELS = {
    ("squared_error", "identity"): FM_SQUARED_ERROR_IDENTITY,
    ("log_loss", "logistic"): FM_LOG_LOSS_LOGISTIC,
    ("log_loss", "softmax"): FM_LOG_LOSS_SOFTMAX,
    ("poisson", "exp"): FM_POISSON_EXP,
}
OPTIMIZER_KERNELS = {"sgd": FM_SGD, "adam": FM_ADAM}

# A row tile's activations and deltas should stay in a core's level-2 cache, but each tile packs the weights
# again, which more rows share.
cdef Py_ssize_t ROW_TILE_BYTES = 1<<20
cdef Py_ssize_t MIN_TILE_ROWS = 128
# A parameter tile's gradient, which the optimizer reads right after it is written.
cdef Py_ssize_t PARAMETER_TILE_BYTES = 1<<18
# Vector registers and cache lines are at most this wide.
cdef Py_ssize_t ALIGNMENT = 64


def aligned_empty(shape, dtype):
    """Uninitialized C-contiguous array that starts on a cache line."""
    dtype = np.dtype(dtype)
    n_bytes = int(np.prod(shape)) * dtype.itemsize
    memory = np.empty(n_bytes + ALIGNMENT, dtype=np.uint8)
    start = -memory.ctypes.data % ALIGNMENT
    return memory[start : start + n_bytes].view(dtype).reshape(shape)


cdef char *address(array) except? NULL:
    return NULL if array is None else <char *> <uintptr_t> array.ctypes.data


cdef Py_ssize_t integer_at(const char *array, Py_ssize_t i, int item_bytes) noexcept nogil:
    if item_bytes == 1:
        return (<const uint8_t *> array)[i]
    if item_bytes == 4:
        return (<const int32_t *> array)[i]
    return (<const int64_t *> array)[i]


cdef class Workspace:
    """Memory for batches of up to `rows` rows.

    Parameters
    ----------
    core : NetworkCore
    rows : int
    gather : bool
        Whether the rows of X have to be copied together, because they are shuffled or sparse.
    training : bool
        Whether there will be a backward pass, which needs deltas, targets and weights.
    """

    cdef readonly:
        # activations[l] and deltas[l] are (rows, units[l]); None where nothing needs them.
        list activations
        list deltas
        Py_ssize_t rows
        bint gathers
    cdef:
        object targets, weights, gradient, scratch  # own what the pointers below point at
        char **a
        char **d
        char *y
        char *w
        char *g
        void *packed

    def __cinit__(self, NetworkCore core, Py_ssize_t rows, bint gather, bint training):
        dtype = core.parameters.dtype
        units = core.units
        self.rows = rows
        self.gathers = gather
        self.activations = [aligned_empty((rows, n), dtype) for n in units]
        if not gather:
            self.activations[0] = None
        self.deltas = [aligned_empty((rows, n), dtype) if training else None for n in units]
        self.deltas[0] = None
        self.scratch = aligned_empty(FM_GEMM_SCRATCH_BYTES, np.uint8)
        if training:
            self.targets = aligned_empty((rows, units[-1]), dtype)
            self.weights = aligned_empty(rows, dtype)
            self.gradient = aligned_empty(core.largest_parameter_tile(), dtype)

        self.a = <char **> calloc(len(units), sizeof(char *))
        self.d = <char **> calloc(len(units), sizeof(char *))
        if self.a == NULL or self.d == NULL:
            raise MemoryError()
        for layer in range(len(units)):
            self.a[layer] = address(self.activations[layer])
            self.d[layer] = address(self.deltas[layer])
        self.y = address(self.targets)
        self.w = address(self.weights)
        self.g = address(self.gradient)
        self.packed = address(self.scratch)

    def __dealloc__(self):
        free(self.a)
        free(self.d)


cdef class Data:
    """What to learn from: rows, targets, weights, and the order to take them in.

    Parameters
    ----------
    X : ndarray or CSR array of shape (n_samples, n_features), C-contiguous, in the network's dtype
    targets : ndarray
        Of shape (n_samples, n_outputs) in the network's dtype, or class numbers of shape (n_samples,) in bool, uint8 or
        int32.
    sample_weight : ndarray of shape (n_samples,) in the network's dtype, or None
    order : ndarray of intp, or None
        Rows of X in the order to visit them; may be changed between epochs, and may leave rows out.
    """

    cdef:
        object owners
        readonly Py_ssize_t n_rows
        const char *x        # rows, or the stored values of a CSR array
        const char *columns  # of a CSR array; NULL where X is dense
        const char *starts   # of a CSR array's rows in its stored values
        int index_bytes      # of one element of `columns` or `starts`
        const char *y
        int label_bytes  # 0 where targets are not class numbers
        const char *w
        const Py_ssize_t *order

    def __cinit__(self, X, targets, sample_weight, order):
        self.owners = (X, targets, sample_weight, order)
        self.n_rows = X.shape[0] if order is None else len(order)
        if issparse(X):
            self.x = address(X.data)
            self.columns = address(X.indices)
            self.starts = address(X.indptr)
            self.index_bytes = X.indices.itemsize
        else:
            self.x = address(X)
        self.y = address(targets)
        self.label_bytes = 0 if targets.ndim == 2 else targets.dtype.itemsize
        self.w = address(sample_weight)
        self.order = <const Py_ssize_t *> address(order)


cdef class NetworkCore:
    """Forward pass, backward pass and training steps of one network.

    Parameters
    ----------
    parameters : ndarray of shape (n_parameters,), float32 or float64, C-contiguous
        [W_1; b_1], [W_2; b_2], ..., each row-major: changed in place by `train`.
    units : sequence of int
        Units of every layer, inputs first.
    activations : sequence of str
        Names for layers 1 to L.
    loss : str
        Its matched activation must be the last one.
    loss_scale : float
        The cost is this times the kernel's loss.
    """

    cdef:
        readonly object parameters
        readonly tuple units
        int n_layers
        Py_ssize_t *_units
        Py_ssize_t *_offsets  # of [W_l; b_l] in elements
        int *_activations
        int matched_loss
        double loss_scale
        readonly Py_ssize_t tile_rows
        Py_ssize_t itemsize
        char *p
        const fm_kernels *kernels

    def __cinit__(self, parameters, units, activations, loss, double loss_scale):
        cdef int layer
        self.parameters = parameters
        self.units = tuple(units)
        self.n_layers = len(units) - 1
        self.p = address(parameters)
        self.itemsize = parameters.dtype.itemsize
        self.kernels = kernels_for(self.itemsize)
        self.matched_loss = MATCHED_LOSS_KERNELS[loss, activations[-1]]
        self.loss_scale = loss_scale

        self._units = <Py_ssize_t *> calloc(self.n_layers + 1, sizeof(Py_ssize_t))
        self._offsets = <Py_ssize_t *> calloc(self.n_layers + 2, sizeof(Py_ssize_t))
        self._activations = <int *> calloc(self.n_layers + 1, sizeof(int))
        if self._units == NULL or self._offsets == NULL or self._activations == NULL:
            raise MemoryError()
        for layer in range(self.n_layers + 1):
            self._units[layer] = units[layer]
        for layer in range(1, self.n_layers + 1):
            self._activations[layer] = ACTIVATION_KERNELS[activations[layer - 1]]
            self._offsets[layer + 1] = (
                self._offsets[layer] + (self._units[layer - 1] + 1) * self._units[layer]
            )
        # Activations of every layer and deltas of all but the input, a row.
        row_bytes = self.itemsize * (2 * sum(self.units) - self.units[0])
        self.tile_rows = max(MIN_TILE_ROWS, ROW_TILE_BYTES // row_bytes)

    def __dealloc__(self):
        free(self._units)
        free(self._offsets)
        free(self._activations)

    def largest_parameter_tile(self):
        """Elements of the largest gradient that is computed at once, a bias row included."""
        return max(
            (min(self.parameter_tile_rows(layer), self.units[layer - 1]) + 1) * self.units[layer]
            for layer in range(1, self.n_layers + 1)
        )

    def all_finite(self):
        """Whether no parameter is NaN or infinite."""
        return bool(self.kernels.all_finite(self.p, len(self.parameters)))

    # Entry points: they hold the GIL only to unpack their arguments.

    def forward(self, Workspace workspace, X, out, bint activate_output, order=None):
        """Write the outputs (or, not activated, the pre-activations) of all rows of X into `out`.

        Row tiles of the workspace's size are taken one by one, so memory does not grow with the rows.
        """
        cdef:
            Data data = Data(X, out, None, order)
            char *target = address(out)
            Py_ssize_t row, rows, n_outputs = self._units[self.n_layers]
            const char *x
        with nogil:
            row = 0
            while row < data.n_rows:
                rows = min(workspace.rows, data.n_rows - row)
                x = self.gather_rows(workspace, data, row, 0, rows)
                self.forward_tile(workspace, x, target, 0, rows)
                if activate_output:
                    self.kernels.activation_forward[self._activations[self.n_layers]](
                        target, rows, n_outputs
                    )
                target += rows * n_outputs * self.itemsize
                row += rows

    def backward(self, Workspace workspace, Data data, gradient):
        """One batch of all rows: fill the workspace's deltas and `gradient`, return (cost, sum of weights)."""
        cdef:
            double cost, weight_sum
            char *g = address(gradient)
            const char *x
            int layer
        with nogil:
            cost = self.rows_phase(workspace, data, 0, data.n_rows, &weight_sum)
            x = self.batch_rows(workspace, data, 0)
            for layer in range(1, self.n_layers + 1):
                self.gradient_tile(
                    workspace, x, layer, 0, self._units[layer - 1], data.n_rows,
                    g + self._offsets[layer] * self.itemsize,
                )
        return cost, weight_sum

    def train(
        self, Workspace workspace, Data data, Py_ssize_t first, Py_ssize_t batch_size,
        const double[::1] learning_rates, double alpha, optimizer, list moments, double decay_1,
        double decay_2, double epsilon, bint nesterov,
    ):
        """Mini-batch steps from row `first`, one for each learning rate; the last batch may be short.

        Returns the sum over batches of cost times rows. Where a batch's cost is NaN or infinite, training stops before
        that batch's step, and the sum is NaN or infinite too.
        """
        if not all(array.flags.writeable for array in (self.parameters, *moments)):
            raise ValueError("Parameters and moments are read-only; copy them first.")
        cdef:
            fm_step step
            int kernel = OPTIMIZER_KERNELS[optimizer]
            char *moment_1 = address(moments[0])
            char *moment_2 = address(moments[1]) if len(moments) > 1 else NULL
            double cost, weight_sum, l2, squares, total = 0
            Py_ssize_t batch, rows
            const char *x
        step.decay_1, step.decay_2, step.epsilon, step.nesterov = decay_1, decay_2, epsilon, nesterov
        with nogil:
            for batch in range(learning_rates.shape[0]):
                rows = min(batch_size, data.n_rows - first)
                cost = self.rows_phase(workspace, data, first, rows, &weight_sum)
                if not isfinite(cost):
                    total = cost
                    break
                x = self.batch_rows(workspace, data, first)
                step.learning_rate = learning_rates[batch]
                l2 = alpha / weight_sum
                squares = self.parameters_phase(
                    workspace, x, rows, kernel, moment_1, moment_2, l2, &step
                )
                total += (cost + 0.5 * l2 * squares) * rows
                first += rows
        return total

    # Phase one: rows.

    cdef double rows_phase(
        self, Workspace workspace, Data data, Py_ssize_t first, Py_ssize_t rows, double *weight_sum,
    ) noexcept nogil:
        """Activations and deltas of a batch; returns its cost, without the penalty."""
        cdef:
            Py_ssize_t row = 0, tile, n_outputs = self._units[self.n_layers]
            double loss = 0, scale
            char *logits
            char *delta
            const char *x
        weight_sum[0] = self.gather_weights(workspace, data, first, rows)
        scale = self.loss_scale / weight_sum[0]
        while row < rows:
            tile = min(self.tile_rows, rows - row)
            x = self.gather_rows(workspace, data, first + row, row, tile)
            self.gather_targets(workspace, data, first + row, row, tile)
            logits = self.row_of(workspace.a[self.n_layers], row, self.n_layers)
            delta = self.row_of(workspace.d[self.n_layers], row, self.n_layers)
            self.forward_tile(workspace, x, logits, row, tile)
            loss += self.kernels.matched_loss[self.matched_loss](
                delta, logits, self.row_of(workspace.y, row, self.n_layers),
                NULL if data.w == NULL else workspace.w + row * self.itemsize, scale, tile, n_outputs,
            )
            self.backward_tile(workspace, row, tile)
            row += tile
        return scale * loss

    cdef void forward_tile(
        self, Workspace workspace, const char *x, char *out, Py_ssize_t row, Py_ssize_t rows,
    ) noexcept nogil:
        """S1: Z_l = A_{l-1} W_l + b_l and A_l = h_l(Z_l), but the output's Z_L stays as it is, in `out`."""
        cdef:
            int layer
            Py_ssize_t fan_in, fan_out
            const char *a = x
            char *z
        for layer in range(1, self.n_layers + 1):
            fan_in, fan_out = self._units[layer - 1], self._units[layer]
            z = out if layer == self.n_layers else self.row_of(workspace.a[layer], row, layer)
            gemm(
                self.kernels, False, False, rows, fan_out, fan_in, a, fan_in, self.weights(layer), fan_out,
                self.biases(layer), z, workspace.packed,
            )
            if layer < self.n_layers:
                self.kernels.activation_forward[self._activations[layer]](z, rows, fan_out)
            a = z

    cdef void backward_tile(self, Workspace workspace, Py_ssize_t row, Py_ssize_t rows) noexcept nogil:
        """S3: D_l = (D_{l+1} W_{l+1}^T) * h_l'(Z_l), from the output delta down to layer 1."""
        cdef:
            int layer
            Py_ssize_t fan_in, fan_out
            char *delta
        for layer in range(self.n_layers - 1, 0, -1):
            fan_in, fan_out = self._units[layer], self._units[layer + 1]
            delta = self.row_of(workspace.d[layer], row, layer)
            gemm(
                self.kernels, False, True, rows, fan_in, fan_out,
                self.row_of(workspace.d[layer + 1], row, layer + 1), fan_out,
                self.weights(layer + 1), fan_out, NULL, delta, workspace.packed,
            )
            self.kernels.activation_backward[self._activations[layer]](
                delta, self.row_of(workspace.a[layer], row, layer), rows, fan_in
            )

    # Phase two: parameters.

    cdef double parameters_phase(
        self, Workspace workspace, const char *x, Py_ssize_t rows, int optimizer, char *moment_1,
        char *moment_2, double l2, const fm_step *step,
    ) noexcept nogil:
        """Gradient, penalty and optimizer step, tile by tile; returns the sum of the squared weights before it."""
        cdef:
            int layer
            Py_ssize_t fan_in, fan_out, tile, i, last, start, n_weights
            double squares = 0
        for layer in range(1, self.n_layers + 1):
            fan_in, fan_out = self._units[layer - 1], self._units[layer]
            tile = self.parameter_tile_rows(layer)
            i = 0
            while i < fan_in:
                last = min(i + tile, fan_in)
                self.gradient_tile(workspace, x, layer, i, last, rows, workspace.g)
                start = self._offsets[layer] + i * fan_out
                n_weights = (last - i) * fan_out
                squares += self.update(optimizer, moment_1, moment_2, workspace.g, start, n_weights, l2, step)
                if last == fan_in:  # biases, which are not penalized, lie behind the last weights
                    self.update(
                        optimizer, moment_1, moment_2, workspace.g + n_weights * self.itemsize,
                        start + n_weights, fan_out, 0.0, step,
                    )
                i = last
        return squares

    cdef double update(
        self, int optimizer, char *moment_1, char *moment_2, const char *gradient, Py_ssize_t start,
        Py_ssize_t n, double l2, const fm_step *step,
    ) noexcept nogil:
        """The optimizer's step on parameters `start` to `start + n`; returns the sum of their squares before it."""
        cdef Py_ssize_t offset = start * self.itemsize
        return self.kernels.update[optimizer](
            self.p + offset, moment_1 + offset, moment_2 + offset if moment_2 != NULL else NULL, gradient, n,
            l2, step,
        )

    cdef void gradient_tile(
        self, Workspace workspace, const char *x, int layer, Py_ssize_t first, Py_ssize_t last,
        Py_ssize_t rows, char *out,
    ) noexcept nogil:
        """Rows first to last of S5, dC/dW_l = A_{l-1}^T D_l, and below the last row of W_l S4, dC/db_l."""
        cdef:
            Py_ssize_t fan_in = self._units[layer - 1], fan_out = self._units[layer]
            const char *a = x
        if layer > 1:
            a = workspace.a[layer - 1]
        gemm(
            self.kernels, True, False, last - first, fan_out, rows, a + first * self.itemsize, fan_in,
            workspace.d[layer], fan_out, NULL, out, workspace.packed,
        )
        if last == fan_in:
            self.kernels.column_sums(
                out + (last - first) * fan_out * self.itemsize, workspace.d[layer], rows, fan_out
            )

    cdef Py_ssize_t parameter_tile_rows(self, int layer) noexcept nogil:
        return max(1, PARAMETER_TILE_BYTES // (self._units[layer] * self.itemsize))

    # Where things lie.

    cdef char *row_of(self, const char *matrix, Py_ssize_t row, int layer) noexcept nogil:
        return <char *> matrix + row * self._units[layer] * self.itemsize

    cdef const char *weights(self, int layer) noexcept nogil:
        return self.p + self._offsets[layer] * self.itemsize

    cdef const char *biases(self, int layer) noexcept nogil:
        return self.weights(layer) + self._units[layer - 1] * self._units[layer] * self.itemsize

    # A batch is brought together: rows `first` to `first + rows` of the data, in its order, become the
    # workspace's rows from `row` on.

    cdef const char *batch_rows(self, Workspace workspace, Data data, Py_ssize_t first) noexcept nogil:
        """The address of A_0: gathered in the workspace, or in X itself where dense rows lie in order."""
        if data.order == NULL and data.columns == NULL:
            return self.row_of(data.x, first, 0)
        return workspace.a[0]

    cdef const char *gather_rows(
        self, Workspace workspace, Data data, Py_ssize_t first, Py_ssize_t row, Py_ssize_t rows,
    ) noexcept nogil:
        """Returns the address of the rows: copied if shuffled, made dense if sparse, else where they are."""
        cdef:
            char *out
            Py_ssize_t i, j, source
            size_t n_bytes = self._units[0] * self.itemsize
        if data.order == NULL and data.columns == NULL:
            return self.row_of(data.x, first, 0)
        out = self.row_of(workspace.a[0], row, 0)
        for i in range(rows):
            source = first + i if data.order == NULL else data.order[first + i]
            if data.columns == NULL:
                memcpy(out, self.row_of(data.x, source, 0), n_bytes)
            else:
                memset(out, 0, n_bytes)
                for j in range(
                    integer_at(data.starts, source, data.index_bytes),
                    integer_at(data.starts, source + 1, data.index_bytes),
                ):
                    self.add(out, integer_at(data.columns, j, data.index_bytes), data.x, j)
            out += n_bytes
        return self.row_of(workspace.a[0], row, 0)

    cdef void gather_targets(
        self, Workspace workspace, Data data, Py_ssize_t first, Py_ssize_t row, Py_ssize_t rows,
    ) noexcept nogil:
        """Dense targets are copied; class numbers become one-hot rows, or themselves where there is one output."""
        cdef:
            Py_ssize_t i, source, label, n_outputs = self._units[self.n_layers]
            size_t n_bytes = n_outputs * self.itemsize
            char *out = self.row_of(workspace.y, row, self.n_layers)
        for i in range(rows):
            source = first + i if data.order == NULL else data.order[first + i]
            if data.label_bytes == 0:
                memcpy(out, data.y + source * n_bytes, n_bytes)
            else:
                label = integer_at(data.y, source, data.label_bytes)
                if n_outputs == 1:
                    self.put(out, 0, <double> label)
                else:
                    memset(out, 0, n_bytes)
                    self.put(out, label, 1.0)
            out += n_bytes

    cdef double gather_weights(
        self, Workspace workspace, Data data, Py_ssize_t first, Py_ssize_t rows,
    ) noexcept nogil:
        """Returns their sum, by which a batch's loss and gradient are divided."""
        cdef:
            Py_ssize_t i, source
            double value, total = 0
        if data.w == NULL:
            return <double> rows
        for i in range(rows):
            source = first + i if data.order == NULL else data.order[first + i]
            if self.itemsize == sizeof(float):
                value = (<const float *> data.w)[source]
            else:
                value = (<const double *> data.w)[source]
            self.put(workspace.w, i, value)
            total += value
        return total

    cdef void add(self, char *array, Py_ssize_t i, const char *values, Py_ssize_t j) noexcept nogil:
        """array[i] += values[j]: a CSR array may hold an element in parts."""
        if self.itemsize == sizeof(float):
            (<float *> array)[i] += (<const float *> values)[j]
        else:
            (<double *> array)[i] += (<const double *> values)[j]

    cdef void put(self, char *array, Py_ssize_t i, double value) noexcept nogil:
        if self.itemsize == sizeof(float):
            (<float *> array)[i] = <float> value
        else:
            (<double *> array)[i] = value
