"""The passes over one network, without the GIL.

1. `Plan` knows shapes, kernels and tiles; `NetworkCore` the flat parameters; `Workspace` owns the memory of one batch;
   `Data` points at the rows to learn from. None of them checks what Python has checked before.
2. A step has two phases. **Rows**: a tile of rows is gathered, goes forward through all layers, gets its output
   delta and goes back through all layers, while its activations are still in cache (S1 to S3). **Parameters**: a tile
   of rows of [W_l; b_l] gets its gradient over the whole batch (S4, S5), the penalties and the optimizer's step at
   once. All deltas are computed before any weight changes (S11).
3. Tiles are cut by shape alone. What needs all rows of a batch at once (batch normalization, activations and losses
   written in Python) makes one tile of them; what needs the whole gradient (clipping its norm) computes it first.
4. Memory is untyped (`char *`, offsets in bytes): the dtype is switched in `_blas`, in `_data` and in the kernel table,
   and the code here is written once.
5. Whatever goes wrong inside a pass is kept in the workspace, makes the pass's cost NaN, and is raised at its end.
"""

from libc.math cimport NAN, isfinite, sqrt
from libc.stdint cimport uint32_t, uint64_t
from libc.string cimport memcpy

import numpy as np

from fastmlp._core._activations cimport IN_PYTHON
from fastmlp._core._blas cimport gemm
from fastmlp._core._config cimport kernels_for
from fastmlp._core._data cimport Data
from fastmlp._core._kernels cimport (
    FM_ADAGRAD,
    FM_ADAM,
    FM_POWER_PRODUCT,
    FM_RANDOMIZED_LEAKY_RELU,
    FM_RMSPROP,
    FM_SGD,
    fm_activation_arguments,
    fm_kernels,
    fm_step,
)
from fastmlp._core._memory cimport address
from fastmlp._core._plan cimport Layer, Plan
from fastmlp._core._workspace cimport LayerMemory, Workspace

from fastmlp._core._activations import power_product_error

OPTIMIZER_KERNELS = {"sgd": FM_SGD, "rmsprop": FM_RMSPROP, "adagrad": FM_ADAGRAD, "adam": FM_ADAM}

# Of batch normalization, as in PyTorch: added to the variance, and the share of a batch in the running statistics.
cdef double BATCH_NORM_EPSILON = 1e-5
cdef double BATCH_NORM_MOMENTUM = 0.1

# One optimizer step.
cdef struct Step:
    int kernel
    char *moment_1
    char *moment_2
    fm_step scalars
    double shrink     # factor of the weights before the step, from decoupled weight decay
    double l1
    double l2
    double clip_norm  # infinite where the gradient is not clipped


cdef class NetworkCore:
    """Forward pass, backward pass and training steps of one network.

    Parameters
    ----------
    parameters : ndarray of shape (n_parameters,), float32 or float64, C-contiguous
        [W_1; b_1], [W_2; b_2], ..., each row-major, with batch normalization [W_l; shift_l; scale_l]: changed in place
        by `train`.
    statistics : ndarray of the same dtype
        [mean_l; variance_l] of each layer with batch normalization: changed in place by `train`.
    plan : Plan
    """

    cdef:
        readonly Plan plan
        readonly object parameters
        object statistics
        int n_layers
        Layer *layers
        Py_ssize_t itemsize
        char *p
        char *s
        const fm_kernels *kernels

    def __cinit__(self, parameters, statistics, Plan plan):
        if len(parameters) != plan.n_parameters or parameters.dtype != plan.dtype or statistics.dtype != plan.dtype:
            raise ValueError(f"The network has {plan.n_parameters} parameters of {plan.dtype}, not {len(parameters)}.")
        self.parameters, self.statistics, self.plan = parameters, statistics, plan
        self.n_layers, self.layers = plan.n_layers, plan.layers
        self.p, self.s = address(parameters), address(statistics)
        self.itemsize = parameters.dtype.itemsize
        self.kernels = kernels_for(self.itemsize)

    def all_finite(self):
        """Whether no parameter and no running statistic is NaN or infinite."""
        return bool(
            self.kernels.all_finite(self.p, self.plan.n_parameters)
            and self.kernels.all_finite(self.s, len(self.statistics))
        )

    def _check(self, Data data, bint has_targets):
        """Refuse data of another shape than the plan's, which would be read or written beyond its end."""
        if data.dtype != self.plan.dtype or data.n_columns != self.layers[0].outputs:
            raise ValueError(
                f"X has {data.n_columns} columns of {data.dtype}; this network takes {self.layers[0].outputs} of "
                f"{self.plan.dtype}."
            )
        if has_targets and data.n_targets not in (0, self.plan.n_targets):
            raise ValueError(f"y has {data.n_targets} columns; this network has {self.plan.n_targets} targets.")

    # Entry points: they hold the GIL only to unpack their arguments.

    def forward(self, Workspace workspace, Data data, out, bint activate_output, bint training=False, seed=0):
        """Write the outputs (or, not activated, the net inputs) of all rows of the data into `out`.

        Row tiles of the workspace's size are taken one by one, so memory does not grow with the rows.
        """
        cdef:
            char *target = address(out)
            char *z
            Py_ssize_t row = 0, rows
            Layer *last = &self.layers[self.n_layers]
            LayerMemory *memory = &workspace.layers[self.n_layers]
            bint by_way_of_z = activate_output and not last.overwrites
            size_t row_bytes = (last.outputs if activate_output else last.units) * self.itemsize
        self._check(data, False)
        if out.nbytes < data.n_rows * row_bytes or not out.flags.c_contiguous:
            raise ValueError(f"out has {out.nbytes} bytes, but {data.n_rows} rows of {row_bytes} are to be written.")
        workspace.begin_pass(training, seed)
        with nogil:
            while row < data.n_rows:
                rows = min(workspace.rows, data.n_rows - row)
                workspace.statistics_vary = training and rows > 1
                z = memory.z if by_way_of_z else target
                self.forward_tile(workspace, self.gather(workspace, data, row, 0, rows), z, 0, rows)
                if activate_output:
                    self.activate(workspace, self.n_layers, target, z, 0, rows)
                target += rows * row_bytes
                row += rows
        workspace.raise_error()

    def backward(self, Workspace workspace, Data data, gradient, bint training=False, seed=0):
        """One batch of all rows: fill the workspace's deltas and `gradient`, return (cost, sum of weights)."""
        cdef:
            double cost, weight_sum
            char *g = address(gradient)
        self._check(data, True)
        workspace.begin_pass(training, seed)
        with nogil:
            cost = self.rows_phase(workspace, data, 0, data.n_rows, &weight_sum, True)
            self.gradient_of_all(workspace, data, 0, data.n_rows, g)
        workspace.raise_error()
        return cost, weight_sum

    def cost(self, Workspace workspace, Data data, bint training=False, seed=0):
        """The cost of all rows as one batch."""
        cdef double cost, weight_sum
        self._check(data, True)
        workspace.begin_pass(training, seed)
        with nogil:
            cost = self.rows_phase(workspace, data, 0, data.n_rows, &weight_sum, False)
        workspace.raise_error()
        return cost

    def follow_batch_statistics(self, Workspace workspace):
        """Let the running statistics follow those of the workspace's last batch, of all its rows."""
        if workspace.statistics_vary:
            self.update_statistics(workspace, workspace.rows)

    def pull_back(self, Workspace workspace, Py_ssize_t rows):
        """After `forward_for_pull_back`: from the workspace's output_gradient to its deltas."""
        with nogil:
            self.activate_backward(workspace, self.n_layers, 0, rows)
            self.backward_tile(workspace, 0, rows)
        workspace.raise_error()

    def forward_for_pull_back(self, Workspace workspace, Data data):
        """A forward pass, as in prediction, that leaves everything in the workspace for the way back."""
        cdef LayerMemory *memory = &workspace.layers[self.n_layers]
        self._check(data, False)
        workspace.begin_pass(False, 0)
        workspace.statistics_vary = False
        with nogil:
            self.forward_tile(workspace, self.gather(workspace, data, 0, 0, data.n_rows), memory.z, 0, data.n_rows)
            self.activate(workspace, self.n_layers, memory.a, memory.z, 0, data.n_rows)
        workspace.raise_error()

    def input_gradient(self, Workspace workspace, out):
        """dC/dX = D_1 W_1^T of the last pass (S24), into `out` (rows, n_features)."""
        cdef:
            char *target = address(out)
            Layer *first = &self.layers[1]
            Py_ssize_t rows = len(out)
        with nogil:
            gemm(
                self.kernels, False, True, rows, first.inputs, first.units, workspace.layers[1].delta,
                first.units, self.weights(1), first.units, NULL, target, workspace.packed,
            )
            self.drop(workspace, 0, target, target, 0, rows)

    def train(
        self, Workspace workspace, Data data, Py_ssize_t first, Py_ssize_t batch_size,
        const double[:, ::1] steps, optimizer, double l1, double l2, double clip_norm, uint64_t seed,
    ):
        """Mini-batch steps from row `first`, one for each row of `steps`; the last batch may be short.

        A row of `steps` is (step size, factor by which the weights shrink before it). `clip_norm` is infinite for none.
        Returns the sum over batches of cost times rows. Where a batch's cost is NaN or infinite, training stops before
        that batch's step, and the sum is NaN or infinite too.
        """
        moments = optimizer.moments
        if not all(array.flags.writeable for array in (self.parameters, self.statistics, *moments)):
            raise ValueError("Parameters, statistics and moments are read-only; copy them first.")
        if any(moment.shape != self.parameters.shape or moment.dtype != self.parameters.dtype for moment in moments):
            raise ValueError("The optimizer's moments are those of another network; make a new optimizer.")
        self._check(data, True)
        cdef:
            Step step
            double cost, weight_sum, penalty, total = 0
            Py_ssize_t batch, rows
        step.kernel = OPTIMIZER_KERNELS[optimizer.kernel]
        step.moment_1 = address(moments[0])
        step.moment_2 = address(moments[1]) if len(moments) > 1 else NULL
        step.scalars.decay_1, step.scalars.decay_2 = optimizer.decay_1, optimizer.decay_2
        step.scalars.epsilon, step.scalars.nesterov = optimizer.epsilon, optimizer.nesterov
        step.clip_norm = clip_norm
        with nogil:
            for batch in range(steps.shape[0]):
                rows = min(batch_size, data.n_rows - first)
                workspace.begin_pass(True, seed + <uint64_t> batch)
                cost = self.rows_phase(workspace, data, first, rows, &weight_sum, True)
                if not isfinite(cost):
                    total = cost
                    break
                step.scalars.learning_rate, step.shrink = steps[batch, 0], steps[batch, 1]
                step.l1, step.l2 = l1 / weight_sum, l2 / weight_sum
                penalty = self.parameters_phase(workspace, data, first, rows, &step)
                if workspace.statistics_vary:
                    self.update_statistics(workspace, rows)
                total += (cost + penalty) * rows
                first += rows
        workspace.raise_error()
        return total

    # Phase one: rows.

    cdef double rows_phase(
        self, Workspace workspace, Data data, Py_ssize_t first, Py_ssize_t rows, double *weight_sum, bint goes_back,
    ) noexcept nogil:
        """Activations and, if it goes back, deltas of a batch; returns its cost, without the penalties."""
        cdef:
            Py_ssize_t row = 0, tile
            double loss = 0, scale
            const char *x
            LayerMemory *last = &workspace.layers[self.n_layers]
        weight_sum[0] = data.gather_weights(workspace.w, first, rows)
        scale = self.plan.loss_scale / weight_sum[0]
        workspace.statistics_vary = workspace.training and rows > 1
        while row < rows:
            tile = rows if self.plan.needs_whole_batch else min(self.plan.tile_rows, rows - row)
            x = self.gather(workspace, data, first + row, row, tile)
            data.gather_targets(
                workspace.y + row * self.plan.n_targets * self.itemsize, self.plan.n_targets, first + row, tile
            )
            self.forward_tile(
                workspace, x, last.z + row * self.layers[self.n_layers].units * self.itemsize, row, tile
            )
            loss += self.output_delta(
                workspace, NULL if data.w == NULL else workspace.w + row * self.itemsize, scale, row, tile
            )
            if goes_back:
                self.backward_tile(workspace, row, tile)
            row += tile
        return NAN if workspace.failed else scale * loss

    cdef const char *gather(
        self, Workspace workspace, Data data, Py_ssize_t first, Py_ssize_t row, Py_ssize_t rows,
    ) noexcept nogil:
        """A_0 of the data's rows `first` on, which are the batch's rows from `row` on."""
        cdef:
            LayerMemory *memory = &workspace.layers[0]
            Py_ssize_t offset = row * self.layers[0].outputs * self.itemsize
            const char *x = data.rows_in_place(first)
        if x == NULL:
            x = memory.a + offset
            data.gather_rows(memory.a + offset, first, rows)
        if workspace.training and self.layers[0].dropout > 0:
            self.drop(workspace, 0, memory.dropped + offset, x, row, rows)
            x = memory.dropped + offset
        return x

    cdef void forward_tile(
        self, Workspace workspace, const char *x, char *out, Py_ssize_t row, Py_ssize_t rows,
    ) noexcept nogil:
        """S1: Z_l = A_{l-1} W_l + b_l and A_l = h_l(Z_l), but the output's Z_L stays as it is, in `out`."""
        cdef:
            int depth
            Layer *layer
            LayerMemory *memory
            Py_ssize_t outputs_before
            const char *a = x
            char *z
        for depth in range(1, self.n_layers + 1):
            layer, memory = &self.layers[depth], &workspace.layers[depth]
            z = out if depth == self.n_layers else memory.z + row * layer.units * self.itemsize
            if layer.normalizes:
                self.normalized_net_input(workspace, depth, z, a, row, rows)
            else:
                gemm(
                    self.kernels, False, False, rows, layer.units, layer.inputs, a, layer.inputs, self.weights(depth),
                    layer.units, self.below_weights(depth), z, workspace.packed,
                )
            if depth < self.n_layers:
                outputs_before = row * layer.outputs * self.itemsize
                self.activate(workspace, depth, memory.a + outputs_before, z, row, rows)
                a = memory.a + outputs_before
                if workspace.training and layer.dropout > 0:
                    self.drop(workspace, depth, memory.dropped + outputs_before, a, row, rows)
                    a = memory.dropped + outputs_before

    cdef double output_delta(
        self, Workspace workspace, const char *weights, double scale, Py_ssize_t row, Py_ssize_t rows,
    ) noexcept nogil:
        """S2: D_L, by the closed form where loss and activation match, else by dC/dA_L; returns weight * loss."""
        cdef:
            Layer *layer = &self.layers[self.n_layers]
            LayerMemory *memory = &workspace.layers[self.n_layers]
            Py_ssize_t before = row * layer.units * self.itemsize
            Py_ssize_t outputs_before = row * layer.outputs * self.itemsize
            const char *y = workspace.y + row * self.plan.n_targets * self.itemsize
            double loss
        if self.plan.loss_is_matched:
            return self.kernels.loss[self.plan.loss_kernel](
                memory.delta + before, memory.z + before, y, weights, scale, rows, layer.outputs,
                &self.plan.loss_arguments,
            )
        self.activate(workspace, self.n_layers, memory.a + outputs_before, memory.z + before, row, rows)
        if self.plan.loss_kernel == IN_PYTHON:
            loss = self.python_loss(workspace, weights, scale, rows)
        else:
            loss = self.kernels.loss[self.plan.loss_kernel](
                memory.g + outputs_before, memory.a + outputs_before, y, weights, scale, rows, layer.outputs,
                &self.plan.loss_arguments,
            )
        self.activate_backward(workspace, self.n_layers, row, rows)
        return loss

    cdef void backward_tile(self, Workspace workspace, Py_ssize_t row, Py_ssize_t rows) noexcept nogil:
        """S3: D_l = J_l^T (D_{l+1} W_{l+1}^T), from the output delta down to layer 1."""
        cdef:
            int depth
            Layer *layer
            Layer *above
            char *g
        for depth in range(self.n_layers - 1, 0, -1):
            layer, above = &self.layers[depth], &self.layers[depth + 1]
            g = workspace.layers[depth].g + row * layer.outputs * self.itemsize
            gemm(
                self.kernels, False, True, rows, layer.outputs, above.units,
                workspace.layers[depth + 1].delta + row * above.units * self.itemsize, above.units,
                self.weights(depth + 1), above.units, NULL, g, workspace.packed,
            )
            if workspace.training and layer.dropout > 0:
                self.drop(workspace, depth, g, g, row, rows)
            self.activate_backward(workspace, depth, row, rows)
            if layer.normalizes:
                self.kernels.batch_norm_backward(
                    workspace.layers[depth].delta, workspace.layers[depth].shift_and_scale_gradient,
                    workspace.layers[depth].normalized, workspace.layers[depth].inverse,
                    self.batch_norm_scale(depth), rows, layer.units, workspace.statistics_vary,
                )

    # One layer's activation, dropout and normalization.

    cdef void activate(
        self, Workspace workspace, int depth, char *a, char *z, Py_ssize_t row, Py_ssize_t rows,
    ) noexcept nogil:
        """A_l = h_l(Z_l), into `a`."""
        cdef:
            Layer *layer = &self.layers[depth]
            int kernel = layer.activation if workspace.training else layer.fixed_activation
            fm_activation_arguments arguments
        if kernel == IN_PYTHON:
            self.python_forward(workspace, depth, a, z, rows)
        elif kernel == FM_RANDOMIZED_LEAKY_RELU:
            arguments = self.random_arguments(workspace, depth, row)
            self.kernels.activation_forward[kernel](a, z, rows, layer.units, &arguments)
        else:
            self.kernels.activation_forward[kernel](a, z, rows, layer.units, &layer.arguments)
            if kernel == FM_POWER_PRODUCT:
                self.check_domain(workspace, depth, a, z, rows)

    cdef void activate_backward(
        self, Workspace workspace, int depth, Py_ssize_t row, Py_ssize_t rows,
    ) noexcept nogil:
        """D_l = J_l^T dC/dA_l (S6), which for a component-wise activation is dC/dA_l * h_l'(Z_l)."""
        cdef:
            Layer *layer = &self.layers[depth]
            LayerMemory *memory = &workspace.layers[depth]
            Py_ssize_t before = row * layer.units * self.itemsize
            Py_ssize_t outputs_before = row * layer.outputs * self.itemsize
            int kernel = layer.activation if workspace.training else layer.fixed_activation
            fm_activation_arguments *arguments = &layer.arguments
            fm_activation_arguments with_key
        if kernel == IN_PYTHON:
            self.python_backward(workspace, depth, rows)
            return
        if kernel == FM_RANDOMIZED_LEAKY_RELU:
            with_key = self.random_arguments(workspace, depth, row)
            arguments = &with_key
        self.kernels.activation_backward[kernel](
            memory.delta + before, memory.g + outputs_before, memory.a + outputs_before, memory.z + before, rows,
            layer.units, arguments,
        )

    cdef void drop(
        self, Workspace workspace, int depth, char *out, const char *x, Py_ssize_t row, Py_ssize_t rows,
    ) noexcept nogil:
        """Dropout of a training pass, the same on the way forward and back (S13); `out` may be x."""
        cdef Layer *layer = &self.layers[depth]
        if workspace.training and layer.dropout > 0:
            self.kernels.dropout(
                out, x, rows, layer.outputs, layer.dropout, key_of(workspace.seed, 2 * depth), row
            )

    cdef fm_activation_arguments random_arguments(
        self, Workspace workspace, int depth, Py_ssize_t row,
    ) noexcept nogil:
        cdef fm_activation_arguments arguments = self.layers[depth].arguments
        arguments.key, arguments.first_row = key_of(workspace.seed, 2 * depth + 1), row
        return arguments

    cdef void normalized_net_input(
        self, Workspace workspace, int depth, char *z, const char *a, Py_ssize_t row, Py_ssize_t rows,
    ) noexcept nogil:
        """Z_l = scale * normalized(A_{l-1} W_l) + shift (S13), by the batch's statistics or the running ones."""
        cdef:
            Layer *layer = &self.layers[depth]
            LayerMemory *memory = &workspace.layers[depth]
            char *mean = self.s + layer.statistics * self.itemsize
            char *variance = mean + layer.units * self.itemsize
        gemm(
            self.kernels, False, False, rows, layer.units, layer.inputs, a, layer.inputs, self.weights(depth),
            layer.units, NULL, memory.normalized, workspace.packed,
        )
        if workspace.statistics_vary:
            mean, variance = memory.mean, memory.variance
            self.kernels.column_moments(mean, variance, memory.normalized, rows, layer.units)
        self.kernels.inverse_deviation(memory.inverse, variance, layer.units, BATCH_NORM_EPSILON)
        self.kernels.batch_norm_forward(
            z, memory.normalized, mean, memory.inverse, self.batch_norm_scale(depth), self.below_weights(depth), rows,
            layer.units,
        )

    cdef void update_statistics(self, Workspace workspace, Py_ssize_t rows) noexcept nogil:
        """Running mean and (unbiased) variance move towards those of the batch."""
        cdef:
            int depth
            Py_ssize_t units
            char *mean
        for depth in range(1, self.n_layers + 1):
            if self.layers[depth].normalizes:
                units, mean = self.layers[depth].units, self.s + self.layers[depth].statistics * self.itemsize
                self.kernels.running_update(mean, workspace.layers[depth].mean, units, BATCH_NORM_MOMENTUM, 1)
                self.kernels.running_update(
                    mean + units * self.itemsize, workspace.layers[depth].variance, units, BATCH_NORM_MOMENTUM,
                    rows / (rows - 1.0),
                )

    # Phase two: parameters.

    cdef double parameters_phase(
        self, Workspace workspace, Data data, Py_ssize_t first_row, Py_ssize_t rows, Step *step,
    ) noexcept nogil:
        """Gradient, penalties and optimizer step, tile by tile; returns the penalties before it."""
        cdef:
            int depth
            Layer *layer
            Py_ssize_t tile, i, last, start, n_weights
            double penalty = 0
            char *gradient
            bint clips = isfinite(step.clip_norm)
        if clips:
            self.gradient_of_all(workspace, data, first_row, rows, workspace.whole_gradient)
            self.clip(workspace.whole_gradient, step.clip_norm)
        for depth in range(1, self.n_layers + 1):
            layer = &self.layers[depth]
            tile = self.plan.parameter_tile_rows(depth)
            i = 0
            while i < layer.inputs:
                last = min(i + tile, layer.inputs)
                start = layer.offset + i * layer.units
                n_weights = (last - i) * layer.units
                if clips:
                    gradient = workspace.whole_gradient + start * self.itemsize
                else:
                    gradient = workspace.gradient
                    self.gradient_tile(workspace, data, first_row, depth, i, last, rows, gradient)
                penalty += self.update_weights(step, gradient, start, n_weights)
                if last == layer.inputs:  # what lies behind the last weights is neither penalized nor shrunk
                    self.update(
                        step, gradient + n_weights * self.itemsize, start + n_weights,
                        (1 + layer.normalizes) * layer.units, 0.0,
                    )
                i = last
        return penalty

    cdef double update_weights(
        self, Step *step, char *gradient, Py_ssize_t start, Py_ssize_t n,
    ) noexcept nogil:
        """Weight decay, penalties and step on weights `start` to `start + n`; returns their penalties before it."""
        cdef:
            double penalty = 0
            char *weights = self.p + start * self.itemsize
        if step.l1 > 0:
            penalty = step.l1 * self.kernels.add_l1_gradient(gradient, weights, n, step.l1)
        if step.shrink == 1:
            return penalty + 0.5 * step.l2 * self.update(step, gradient, start, n, step.l2)
        penalty += 0.5 * step.l2 * self.kernels.sum_of_squares(weights, n)
        self.kernels.scale(weights, n, step.shrink)
        self.update(step, gradient, start, n, step.l2)
        return penalty

    cdef double update(
        self, Step *step, const char *gradient, Py_ssize_t start, Py_ssize_t n, double l2,
    ) noexcept nogil:
        """The optimizer's step on parameters `start` to `start + n`; returns the sum of their squares before it."""
        cdef Py_ssize_t offset = start * self.itemsize
        return self.kernels.update[step.kernel](
            self.p + offset, step.moment_1 + offset,
            step.moment_2 + offset if step.moment_2 != NULL else NULL, gradient, n, l2, &step.scalars,
        )

    cdef void gradient_of_all(
        self, Workspace workspace, Data data, Py_ssize_t first_row, Py_ssize_t rows, char *out,
    ) noexcept nogil:
        """The gradient by all parameters, without penalties."""
        cdef int depth
        for depth in range(1, self.n_layers + 1):
            self.gradient_tile(
                workspace, data, first_row, depth, 0, self.layers[depth].inputs, rows,
                out + self.layers[depth].offset * self.itemsize,
            )

    cdef void clip(self, char *gradient, double clip_norm) noexcept nogil:
        """Scale a gradient that is longer than clip_norm down to it (S11)."""
        cdef double norm = sqrt(self.kernels.sum_of_squares(gradient, self.plan.n_parameters))
        if norm > clip_norm:
            self.kernels.scale(gradient, self.plan.n_parameters, clip_norm / norm)

    cdef void gradient_tile(
        self, Workspace workspace, Data data, Py_ssize_t first_row, int depth, Py_ssize_t first, Py_ssize_t last,
        Py_ssize_t rows, char *out,
    ) noexcept nogil:
        """Rows first to last of S5, dC/dW_l = A_{l-1}^T D_l, and below the last row of W_l S4, dC/db_l."""
        cdef:
            Layer *layer = &self.layers[depth]
            const char *a = self.batch_outputs(workspace, data, first_row, depth - 1)
        gemm(
            self.kernels, True, False, last - first, layer.units, rows, a + first * self.itemsize, layer.inputs,
            workspace.layers[depth].delta, layer.units, NULL, out, workspace.packed,
        )
        if last < layer.inputs:
            return
        out += (last - first) * layer.units * self.itemsize
        if layer.normalizes:
            memcpy(out, workspace.layers[depth].shift_and_scale_gradient, 2 * layer.units * self.itemsize)
        else:
            self.kernels.column_sums(out, workspace.layers[depth].delta, rows, layer.units)

    # Where things lie.

    cdef const char *batch_outputs(
        self, Workspace workspace, Data data, Py_ssize_t first_row, int depth,
    ) noexcept nogil:
        """What the next layer has read in this pass: A_l after dropout, and for l = 0 perhaps X itself."""
        cdef const char *x
        if workspace.training and self.layers[depth].dropout > 0:
            return workspace.layers[depth].dropped
        if depth == 0:
            x = data.rows_in_place(first_row)
            if x != NULL:
                return x
        return workspace.layers[depth].a

    cdef char *weights(self, int depth) noexcept nogil:
        return self.p + self.layers[depth].offset * self.itemsize

    cdef char *below_weights(self, int depth) noexcept nogil:
        """Biases, or shifts of batch normalization."""
        return self.weights(depth) + self.layers[depth].inputs * self.layers[depth].units * self.itemsize

    cdef char *batch_norm_scale(self, int depth) noexcept nogil:
        return self.below_weights(depth) + self.layers[depth].units * self.itemsize

    # What is written in Python, a batch at a time.

    cdef array_at(self, const char *memory, Py_ssize_t rows, Py_ssize_t columns):
        """A copy of the memory as an array, which a user may keep or change."""
        array = np.empty((rows, columns), self.plan.dtype)
        memcpy(address(array), memory, rows * columns * self.itemsize)
        return array

    cdef put_at(self, char *memory, array):
        """Copy an array of the right shape into the memory."""
        array = np.require(array, self.plan.dtype, ["C", "A"])
        memcpy(memory, address(array), array.nbytes)

    cdef void python_forward(
        self, Workspace workspace, int depth, char *a, const char *z, Py_ssize_t rows,
    ) noexcept with gil:
        cdef Layer *layer = &self.layers[depth]
        try:
            activation = self.plan.activations[depth]
            values = activation.forward(self.array_at(z, rows, layer.units))
            self.put_at(a, returned(values, (rows, layer.outputs), activation, "forward"))
        except BaseException as error:
            workspace.fail(error)

    cdef void python_backward(self, Workspace workspace, int depth, Py_ssize_t rows) noexcept with gil:
        cdef:
            Layer *layer = &self.layers[depth]
            LayerMemory *memory = &workspace.layers[depth]
        if workspace.failed:
            return
        try:
            activation = self.plan.activations[depth]
            delta = activation.backward(
                self.array_at(memory.g, rows, layer.outputs),
                self.array_at(memory.z, rows, layer.units),
                self.array_at(memory.a, rows, layer.outputs),
            )
            self.put_at(memory.delta, returned(delta, (rows, layer.units), activation, "backward"))
        except BaseException as error:
            workspace.fail(error)

    cdef double python_loss(
        self, Workspace workspace, const char *weights, double scale, Py_ssize_t rows,
    ) noexcept with gil:
        """Sum of weight * loss, and dC/dA_L into the workspace."""
        cdef:
            Layer *layer = &self.layers[self.n_layers]
            LayerMemory *memory = &workspace.layers[self.n_layers]
        if workspace.failed:
            return NAN
        try:
            a = self.array_at(memory.a, rows, layer.outputs)
            y = self.array_at(workspace.y, rows, self.plan.n_targets)
            w = np.ones((rows, 1), a.dtype) if weights == NULL else self.array_at(weights, rows, 1)
            loss = self.plan.loss
            values = returned(loss.values(a, y), (rows,), loss, "values")
            gradient = returned(loss.gradient(a, y), (rows, layer.outputs), loss, "gradient")
            self.put_at(memory.g, scale * w * gradient)
            return np.vdot(w.ravel().astype(np.float64), values)
        except BaseException as error:
            workspace.fail(error)
            return NAN

    cdef void check_domain(
        self, Workspace workspace, int depth, const char *a, const char *z, Py_ssize_t rows,
    ) noexcept nogil:
        """Refuse powers that do not exist, rather than let them look like divergence."""
        cdef Layer *layer = &self.layers[depth]
        if self.kernels.all_finite(a, rows * layer.outputs) or not self.kernels.all_finite(z, rows * layer.units):
            return
        with gil:
            workspace.fail(power_product_error(f"power_product in layer {depth}"))


def returned(array, shape, owner, method):
    """What a user's method has returned, if its shape is right."""
    array = np.asarray(array)
    if array.shape != shape:
        raise ValueError(
            f"{method} of {owner.name!r} returned an array of shape {array.shape}; return one of shape {shape}."
        )
    return array


cdef uint32_t key_of(uint64_t seed, uint64_t stream) noexcept nogil:
    """A key for each stream of each pass: the mixing function of splitmix64."""
    cdef uint64_t x = seed * <uint64_t> 0x9E3779B97F4A7C15 + stream * <uint64_t> 0xD1B54A32D192ED03
    x = (x ^ (x >> 30)) * <uint64_t> 0xBF58476D1CE4E5B9
    x = (x ^ (x >> 27)) * <uint64_t> 0x94D049BB133111EB
    return <uint32_t> (x >> 32)
