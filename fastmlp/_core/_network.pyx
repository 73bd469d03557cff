"""The passes over one network, without the GIL.

1. `Plan` knows shapes, kernels and tiles; `NetworkCore` the flat parameters; `Workspace` owns the memory of one batch;
   `Data` points at the rows to learn from. None of them checks what Python has checked before.
2. Here is what a pass does with a tile of rows: it is gathered, goes forward through all layers, gets its output delta
   and goes back through all layers, while its activations are still in cache (S1 to S3); and the gradient of a tile of
   rows of [W_l; b_l] over the whole batch (S4, S5). `_training` makes steps of these, with one thread or several.
3. Tiles are cut by shape alone. What needs all rows of a batch at once (batch normalization, activations and losses
   written in Python) makes one tile of them.
4. Memory is untyped (`char *`, offsets in bytes): the dtype is switched in `_blas`, in `_data` and in the kernel table,
   and the code here is written once.
5. Whatever goes wrong inside a pass is kept in the workspace, makes the pass's cost NaN, and is raised at its end.
"""

from libc.math cimport NAN, isfinite
from libc.stdint cimport uint32_t, uint64_t
from libc.string cimport memcpy, memset

import numpy as np

from fastmlp._core._activations cimport IN_PYTHON
from fastmlp._core._blas cimport multiply
from fastmlp._core._data cimport Data
from fastmlp._core._kernels cimport (
    FM_POWER_PRODUCT,
    FM_RANDOMIZED_LEAKY_RELU,
    FM_RELU,
    fm_activation_arguments,
    fm_product,
)
from fastmlp._core._memory cimport address
from fastmlp._core._plan cimport Layer, ParameterTile, Plan
from fastmlp._core._workspace cimport Batch, LayerMemory, Workspace

from fastmlp._core._activations import power_product_error

# Of batch normalization, as in PyTorch: added to the variance, and the share of a batch in the running statistics.
cdef double BATCH_NORM_EPSILON = 1e-5
cdef double BATCH_NORM_MOMENTUM = 0.1


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

    def __cinit__(self, parameters, statistics, Plan plan):
        if len(parameters) != plan.n_parameters or parameters.dtype != plan.dtype or statistics.dtype != plan.dtype:
            raise ValueError(f"The network has {plan.n_parameters} parameters of {plan.dtype}, not {len(parameters)}.")
        self.parameters, self.statistics, self.plan = parameters, statistics, plan
        self.n_layers, self.layers = plan.n_layers, plan.layers
        self.p, self.s = address(parameters), address(statistics)
        self.itemsize = parameters.dtype.itemsize
        self.kernels = plan.kernels

    def all_finite(self):
        """Whether no parameter and no running statistic is NaN or infinite."""
        return bool(
            self.kernels.all_finite(self.p, self.plan.n_parameters)
            and self.kernels.all_finite(self.s, len(self.statistics))
        )

    cdef _check(self, Data data, bint has_targets, most_rows=None):
        """Refuse data of another shape than the plan's, or of more rows, which would be read or written beyond its
        end."""
        if most_rows is not None and data.n_rows > most_rows:
            raise ValueError(f"X has {data.n_rows} rows; this workspace takes {most_rows}.")
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
            Py_ssize_t row = 0
            Layer *last = &self.layers[self.n_layers]
            LayerMemory *memory = &workspace.layers[self.n_layers]
            bint by_way_of_z = activate_output and not last.overwrites
            size_t row_bytes = (last.outputs if activate_output else last.units) * self.itemsize
            Batch batch
            const char *x
            uint64_t seed_value = seed
        self._check(data, False)
        if out.nbytes < data.n_rows * row_bytes or not out.flags.c_contiguous:
            raise ValueError(f"out has {out.nbytes} bytes, but {data.n_rows} rows of {row_bytes} are to be written.")
        with nogil:
            while row < data.n_rows:
                batch = self.batch_of(data, row, min(workspace.rows, data.n_rows - row), training, seed_value)
                z = memory.z if by_way_of_z else target
                x = self.gather(workspace, data, &batch, 0, batch.rows)
                self.forward_tile(workspace, data, &batch, 0, x, z, 0, batch.rows)
                if activate_output:
                    self.activate(workspace, &batch, self.n_layers, target, z, 0, batch.rows)
                target += batch.rows * row_bytes
                row += batch.rows
        workspace.raise_error()

    def backward(self, Workspace workspace, Data data, gradient, bint training=False, seed=0):
        """One batch of all rows: fill the workspace's deltas and `gradient`, return (cost, sum of weights)."""
        cdef:
            double cost
            char *g = address(gradient)
            Batch batch
            uint64_t seed_value = seed
            Py_ssize_t number
            ParameterTile *tile
        self._check(data, True, workspace.rows)
        with nogil:
            batch = self.batch_of(data, 0, data.n_rows, training, seed_value)
            cost = self.all_rows(workspace, data, &batch, True)
            for number in range(self.plan.n_parameter_tiles):
                tile = &self.plan.parameter_tiles[number]
                self.gradient_tile(workspace, data, &batch, 0, number, g + self.tile_offset(tile) * self.itemsize)
        workspace.raise_error()
        return cost, self.plan.loss_scale / batch.scale

    def cost(self, Workspace workspace, Data data, bint training=False, seed=0):
        """The cost of all rows as one batch."""
        cdef:
            double cost
            Batch batch
            uint64_t seed_value = seed
        self._check(data, True, workspace.rows)
        with nogil:
            batch = self.batch_of(data, 0, data.n_rows, training, seed_value)
            cost = self.all_rows(workspace, data, &batch, False)
        workspace.raise_error()
        return cost

    def loss_is_finite(self, Workspace workspace, Data data, Py_ssize_t n_rows):
        """Whether the losses of the first `n_rows` rows are, as in prediction, whatever they weigh."""
        cdef:
            double loss
            Batch batch
        self._check(data, True)
        with nogil:
            batch = self.batch_of(data, 0, min(n_rows, data.n_rows, workspace.rows), False, 0)
            loss = self.sum_of_losses(workspace, data, &batch, False)
        workspace.raise_error()
        return isfinite(loss)

    def mean_loss(self, Workspace workspace, Data data):
        """The weighted mean loss of all rows, as in prediction, batches of the workspace's size one by one."""
        cdef:
            double weight, total = 0, total_weight = 0
            Py_ssize_t row = 0
            Batch batch
        self._check(data, True)
        with nogil:
            while row < data.n_rows:
                batch = self.batch_of(data, row, min(workspace.rows, data.n_rows - row), False, 0)
                weight = self.plan.loss_scale / batch.scale
                total += weight * self.all_rows(workspace, data, &batch, False)
                total_weight += weight
                row += batch.rows
        workspace.raise_error()
        return total / total_weight

    def follow_batch_statistics(self, Workspace workspace):
        """Let the running statistics follow those of the workspace's last batch, of all its rows."""
        if workspace.last.statistics_vary:
            self.update_statistics(workspace, workspace.rows)

    def pull_back(self, Workspace workspace):
        """After `forward_for_pull_back`: from the workspace's output_gradient to its deltas."""
        cdef Batch *batch = &workspace.last
        with nogil:
            self.activate_backward(workspace, batch, self.n_layers, 0, batch.rows)
            self.backward_tile(workspace, batch, 0, 0, batch.rows)
        workspace.raise_error()

    def forward_for_pull_back(self, Workspace workspace, Data data):
        """A forward pass, as in prediction, that leaves everything in the workspace for the way back."""
        cdef:
            LayerMemory *memory = &workspace.layers[self.n_layers]
            Batch batch
            const char *x
        self._check(data, False, workspace.rows)
        with nogil:
            batch = self.batch_of(data, 0, data.n_rows, False, 0)
            x = self.gather(workspace, data, &batch, 0, batch.rows)
            self.forward_tile(workspace, data, &batch, 0, x, memory.z, 0, batch.rows)
            self.activate(workspace, &batch, self.n_layers, memory.a, memory.z, 0, batch.rows)
        workspace.last = batch
        workspace.raise_error()

    def input_gradient(self, Workspace workspace, out):
        """dC/dX = D_1 W_1^T of the last pass (S24), into `out` (rows, n_features)."""
        cdef:
            char *target = address(out)
            Py_ssize_t rows = len(out)
        with nogil:
            self.delta_product(workspace, 0, 1, target, 0, rows, NULL)
            self.drop(&workspace.last, 0, target, target, 0, rows)

    # A batch, tile by tile.

    cdef Batch batch_of(
        self, Data data, Py_ssize_t first, Py_ssize_t rows, bint training, uint64_t seed,
    ) noexcept nogil:
        cdef Batch batch
        batch.first, batch.rows = first, rows
        batch.scale = self.plan.loss_scale / data.sum_of_weights(first, rows)
        batch.training, batch.seed = training, seed
        batch.statistics_vary = training and rows > 1
        return batch

    cdef double all_rows(self, Workspace workspace, Data data, Batch *batch, bint goes_back) noexcept nogil:
        """The rows phase of one thread: activations and, if it goes back, deltas of a batch; returns its cost."""
        return batch.scale * self.sum_of_losses(workspace, data, batch, goes_back)

    cdef double sum_of_losses(
        self, Workspace workspace, Data data, Batch *batch, bint goes_back,
    ) noexcept nogil:
        """The same, but returns the sum of weight * loss."""
        cdef:
            Py_ssize_t tile, n_tiles = self.plan.n_row_tiles(batch.rows)
            double loss = 0
        for tile in range(n_tiles):
            loss += self.rows_tile(workspace, data, batch, 0, tile, n_tiles, goes_back)
        workspace.last = batch[0]
        return NAN if workspace.failed else loss

    cdef double rows_tile(
        self, Workspace workspace, Data data, Batch *batch, int thread, Py_ssize_t tile, Py_ssize_t n_tiles,
        bint goes_back,
    ) noexcept nogil:
        """One of n_tiles of a batch's rows, there and back; returns the sum of weight * loss."""
        cdef:
            Py_ssize_t row = tile * batch.rows // n_tiles
            Py_ssize_t rows = (tile + 1) * batch.rows // n_tiles - row
            LayerMemory *last = &workspace.layers[self.n_layers]
            const char *x = self.gather(workspace, data, batch, row, rows)
            char *weights = workspace.w + row * self.itemsize
            double loss
        data.gather_targets(
            workspace.y + row * self.plan.n_targets * self.itemsize, self.plan.n_targets, batch.first + row, rows
        )
        if data.w == NULL:
            weights = NULL
        else:
            data.gather_weights(weights, batch.first + row, rows)
        self.forward_tile(
            workspace, data, batch, thread, x, last.z + row * self.layers[self.n_layers].units * self.itemsize, row,
            rows,
        )
        loss = self.output_delta(workspace, batch, weights, row, rows)
        if goes_back:
            self.backward_tile(workspace, batch, thread, row, rows)
        return loss

    cdef const char *gather(
        self, Workspace workspace, Data data, const Batch *batch, Py_ssize_t row, Py_ssize_t rows,
    ) noexcept nogil:
        """A_0 of the batch's rows from `row` on; NULL where they are read by their stored values."""
        cdef:
            LayerMemory *memory = &workspace.layers[0]
            Py_ssize_t offset = row * self.layers[0].outputs * self.itemsize
            const char *x
        if workspace.is_sparse:
            if workspace.positions != NULL:
                self.find_positions(workspace, data, batch, row, rows)
            return NULL
        x = data.rows_in_place(batch.first + row)
        if x == NULL:
            x = memory.a + offset
            data.gather_rows(self.kernels, memory.a + offset, batch.first + row, rows)
        if batch.training and self.layers[0].dropout > 0:
            self.drop(batch, 0, memory.dropped + offset, x, row, rows)
            x = memory.dropped + offset
        return x

    cdef void find_positions(
        self, Workspace workspace, Data data, const Batch *batch, Py_ssize_t row, Py_ssize_t rows,
    ) noexcept nogil:
        """Where in each sparse row the columns of each of layer 1's parameter tiles begin."""
        cdef:
            Py_ssize_t i, j, end, tile, n_tiles = self.plan.n_first_layer_tiles
            Py_ssize_t *position = workspace.positions + row * (n_tiles + 1)
        for i in range(row, row + rows):
            j, end = data.row_start(batch.first + i), data.row_end(batch.first + i)
            for tile in range(n_tiles):
                position[tile] = j
                while j < end and data.column(j) < self.plan.parameter_tiles[tile].last:
                    j += 1
            position[n_tiles] = end
            position += n_tiles + 1

    cdef void forward_tile(
        self, Workspace workspace, Data data, const Batch *batch, int thread, const char *x, char *out,
        Py_ssize_t row, Py_ssize_t rows,
    ) noexcept nogil:
        """S1: Z_l = A_{l-1} W_l + b_l and A_l = h_l(Z_l), but the output's Z_L stays as it is, in `out`."""
        cdef:
            int depth
            Layer *layer
            LayerMemory *memory
            Py_ssize_t outputs_before
            const char *a = x
            char *z
            bint is_hidden, fuses_relu
        for depth in range(1, self.n_layers + 1):
            layer, memory = &self.layers[depth], &workspace.layers[depth]
            is_hidden = depth < self.n_layers
            z = memory.z + row * layer.units * self.itemsize if is_hidden else out
            fuses_relu = is_hidden and layer.activation == FM_RELU and not layer.normalizes
            if layer.normalizes:
                self.normalized_net_input(workspace, data, batch, thread, depth, z, a, row, rows)
            else:
                self.net_input(
                    workspace, data, batch, thread, depth, z, a, self.below_weights(depth), row, rows, fuses_relu
                )
            if is_hidden:
                outputs_before = row * layer.outputs * self.itemsize
                if not fuses_relu:
                    self.activate(workspace, batch, depth, memory.a + outputs_before, z, row, rows)
                a = memory.a + outputs_before
                if batch.training and layer.dropout > 0:
                    self.drop(batch, depth, memory.dropped + outputs_before, a, row, rows)
                    a = memory.dropped + outputs_before

    cdef void net_input(
        self, Workspace workspace, Data data, const Batch *batch, int thread, int depth, char *z, const char *a,
        const char *init, Py_ssize_t row, Py_ssize_t rows, bint relu,
    ) noexcept nogil:
        """z = A_{l-1} W_l + init, or its positive part; by the stored values of X where a is NULL."""
        cdef:
            Layer *layer = &self.layers[depth]
            fm_product product
            Py_ssize_t i, start
        if a == NULL:
            for i in range(rows):
                start = data.row_start(batch.first + row + i)
                self.kernels.sparse_row(
                    z, data.x + start * self.itemsize, data.columns + start * data.index_bytes, data.index_bytes,
                    data.row_end(batch.first + row + i) - start, self.weights(depth), init, layer.units, relu,
                )
                z += layer.units * self.itemsize
            return
        product.c, product.a, product.b = z, a, self.weights(depth)
        product.a_row, product.a_col, product.b_row, product.b_col = layer.inputs, 1, layer.units, 1
        product.m, product.n, product.k = rows, layer.units, layer.inputs
        product.packed, product.init = workspace.layers[depth].packed, init
        product.relu, product.mask = relu, NULL
        multiply(self.kernels, &product, workspace.scratch_of(thread))

    cdef double output_delta(
        self, Workspace workspace, const Batch *batch, const char *weights, Py_ssize_t row, Py_ssize_t rows,
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
                memory.delta + before, memory.z + before, y, weights, batch.scale, rows, layer.outputs,
                &self.plan.loss_arguments,
            )
        self.activate(workspace, batch, self.n_layers, memory.a + outputs_before, memory.z + before, row, rows)
        if self.plan.loss_kernel == IN_PYTHON:
            loss = self.python_loss(workspace, weights, batch.scale, rows)
        else:
            loss = self.kernels.loss[self.plan.loss_kernel](
                memory.g + outputs_before, memory.a + outputs_before, y, weights, batch.scale, rows, layer.outputs,
                &self.plan.loss_arguments,
            )
        self.activate_backward(workspace, batch, self.n_layers, row, rows)
        return loss

    cdef void backward_tile(
        self, Workspace workspace, const Batch *batch, int thread, Py_ssize_t row, Py_ssize_t rows,
    ) noexcept nogil:
        """S3: D_l = J_l^T (D_{l+1} W_{l+1}^T), from the output delta down to layer 1."""
        cdef:
            int depth
            Layer *layer
            LayerMemory *memory
            Py_ssize_t outputs_before
            bint drops, fuses_relu
        self.pack_delta(workspace, batch, self.n_layers, row, rows)
        for depth in range(self.n_layers - 1, 0, -1):
            layer, memory = &self.layers[depth], &workspace.layers[depth]
            outputs_before = row * layer.outputs * self.itemsize
            drops = batch.training and layer.dropout > 0
            fuses_relu = layer.activation == FM_RELU and not drops
            self.delta_product(
                workspace, thread, depth + 1, memory.g + outputs_before, row, rows,
                memory.a + outputs_before if fuses_relu else NULL,
            )
            if drops:
                self.drop(batch, depth, memory.g + outputs_before, memory.g + outputs_before, row, rows)
            if not fuses_relu:
                self.activate_backward(workspace, batch, depth, row, rows)
            if layer.normalizes:
                self.kernels.batch_norm_backward(
                    memory.delta, memory.shift_and_scale_gradient, memory.normalized, memory.inverse,
                    self.batch_norm_scale(depth), rows, layer.units, batch.statistics_vary,
                )
            self.pack_delta(workspace, batch, depth, row, rows)

    cdef void delta_product(
        self, Workspace workspace, int thread, int depth, char *out, Py_ssize_t row, Py_ssize_t rows,
        const char *mask,
    ) noexcept nogil:
        """D_l W_l^T, with the weights transposed by strides, never by a copy of the matrix; 0 where mask is not > 0."""
        cdef:
            Layer *layer = &self.layers[depth]
            fm_product product
        product.c, product.b = out, self.weights(depth)
        product.a = workspace.layers[depth].delta + row * layer.units * self.itemsize
        product.a_row, product.a_col, product.b_row, product.b_col = layer.units, 1, 1, layer.units
        product.m, product.n, product.k = rows, layer.inputs, layer.units
        product.packed, product.init = workspace.layers[depth].packed_transpose, NULL
        product.relu, product.mask = False, mask
        multiply(self.kernels, &product, workspace.scratch_of(thread))

    cdef void pack_delta(
        self, Workspace workspace, const Batch *batch, int depth, Py_ssize_t row, Py_ssize_t rows,
    ) noexcept nogil:
        """A tile's D_l into panels, while it is in cache: all of the layer's gradient tiles will read them."""
        cdef:
            Layer *layer = &self.layers[depth]
            LayerMemory *memory = &workspace.layers[depth]
            Py_ssize_t width = self.kernels.panel_columns
        if memory.packed_delta != NULL:
            self.kernels.pack(
                memory.packed_delta + row * width * self.itemsize, batch.rows * width,
                memory.delta + row * layer.units * self.itemsize, layer.units, 1, rows, layer.units,
            )

    # Gradients by the parameters.

    cdef Py_ssize_t tile_offset(self, const ParameterTile *tile) noexcept nogil:
        """Of a tile's first weight in the parameters."""
        return self.layers[tile.depth].offset + tile.first * self.layers[tile.depth].units

    cdef void gradient_tile(
        self, Workspace workspace, Data data, const Batch *batch, int thread, Py_ssize_t number, char *out,
    ) noexcept nogil:
        """The tile's rows of S5, dC/dW_l = A_{l-1}^T D_l, and below the last row of W_l S4, dC/db_l."""
        cdef:
            ParameterTile *tile = &self.plan.parameter_tiles[number]
            Layer *layer = &self.layers[tile.depth]
            LayerMemory *memory = &workspace.layers[tile.depth]
            Py_ssize_t n_weights = (tile.last - tile.first) * layer.units
            fm_product product
        if tile.depth == 1 and workspace.is_sparse:
            self.sparse_gradient(workspace, data, batch, number, out)
        else:
            product.c, product.b = out, memory.delta
            product.a = self.batch_outputs(workspace, data, batch, tile.depth - 1) + tile.first * self.itemsize
            product.a_row, product.a_col, product.b_row, product.b_col = 1, layer.inputs, layer.units, 1
            product.m, product.n, product.k = tile.last - tile.first, layer.units, batch.rows
            product.packed, product.init = memory.packed_delta, NULL
            product.relu, product.mask = False, NULL
            multiply(self.kernels, &product, workspace.scratch_of(thread))
        if tile.last < layer.inputs:
            return
        out += n_weights * self.itemsize
        if layer.normalizes:
            memcpy(out, memory.shift_and_scale_gradient, 2 * layer.units * self.itemsize)
        else:
            self.kernels.column_sums(out, memory.delta, batch.rows, layer.units)

    cdef void sparse_gradient(
        self, Workspace workspace, Data data, const Batch *batch, Py_ssize_t number, char *out,
    ) noexcept nogil:
        """The tile's rows of X^T D_1, of which only those of stored values are touched."""
        cdef:
            ParameterTile *tile = &self.plan.parameter_tiles[number]
            Layer *layer = &self.layers[1]
            Py_ssize_t _, start
            Py_ssize_t *position = workspace.positions + number
            const char *delta = workspace.layers[1].delta
        memset(out, 0, (tile.last - tile.first) * layer.units * self.itemsize)
        for _ in range(batch.rows):
            start = position[0]
            self.kernels.sparse_gradient(
                out, delta, data.x + start * self.itemsize, data.columns + start * data.index_bytes, data.index_bytes,
                position[1] - start, tile.first, layer.units,
            )
            position += self.plan.n_first_layer_tiles + 1
            delta += layer.units * self.itemsize

    cdef const char *batch_outputs(
        self, Workspace workspace, Data data, const Batch *batch, int depth,
    ) noexcept nogil:
        """What the next layer has read in this pass: A_l after dropout, and for l = 0 perhaps X itself."""
        cdef const char *x
        if batch.training and self.layers[depth].dropout > 0:
            return workspace.layers[depth].dropped
        if depth == 0:
            x = data.rows_in_place(batch.first)
            if x != NULL:
                return x
        return workspace.layers[depth].a

    # One layer's activation, dropout and normalization.

    cdef void activate(
        self, Workspace workspace, const Batch *batch, int depth, char *a, char *z, Py_ssize_t row, Py_ssize_t rows,
    ) noexcept nogil:
        """A_l = h_l(Z_l), into `a`."""
        cdef:
            Layer *layer = &self.layers[depth]
            int kernel = layer.activation if batch.training else layer.fixed_activation
            fm_activation_arguments arguments
        if kernel == IN_PYTHON:
            self.python_forward(workspace, depth, a, z, rows)
        elif kernel == FM_RANDOMIZED_LEAKY_RELU:
            arguments = self.random_arguments(batch, depth, row)
            self.kernels.activation_forward[kernel](a, z, rows, layer.units, &arguments)
        else:
            self.kernels.activation_forward[kernel](a, z, rows, layer.units, &layer.arguments)
            if kernel == FM_POWER_PRODUCT:
                self.check_domain(workspace, depth, a, z, rows)

    cdef void activate_backward(
        self, Workspace workspace, const Batch *batch, int depth, Py_ssize_t row, Py_ssize_t rows,
    ) noexcept nogil:
        """D_l = J_l^T dC/dA_l (S6), which for a component-wise activation is dC/dA_l * h_l'(Z_l)."""
        cdef:
            Layer *layer = &self.layers[depth]
            LayerMemory *memory = &workspace.layers[depth]
            Py_ssize_t before = row * layer.units * self.itemsize
            Py_ssize_t outputs_before = row * layer.outputs * self.itemsize
            int kernel = layer.activation if batch.training else layer.fixed_activation
            fm_activation_arguments *arguments = &layer.arguments
            fm_activation_arguments with_key
        if kernel == IN_PYTHON:
            self.python_backward(workspace, depth, rows)
            return
        if kernel == FM_RANDOMIZED_LEAKY_RELU:
            with_key = self.random_arguments(batch, depth, row)
            arguments = &with_key
        self.kernels.activation_backward[kernel](
            memory.delta + before, memory.g + outputs_before, memory.a + outputs_before, memory.z + before, rows,
            layer.units, arguments,
        )

    cdef void drop(
        self, const Batch *batch, int depth, char *out, const char *x, Py_ssize_t row, Py_ssize_t rows,
    ) noexcept nogil:
        """Dropout of a training pass, the same on the way forward and back (S13); `out` may be x."""
        cdef Layer *layer = &self.layers[depth]
        if batch.training and layer.dropout > 0:
            self.kernels.dropout(
                out, x, rows, layer.outputs, layer.dropout, key_of(batch.seed, 2 * depth), row
            )

    cdef fm_activation_arguments random_arguments(
        self, const Batch *batch, int depth, Py_ssize_t row,
    ) noexcept nogil:
        cdef fm_activation_arguments arguments = self.layers[depth].arguments
        arguments.key, arguments.first_row = key_of(batch.seed, 2 * depth + 1), row
        return arguments

    cdef void normalized_net_input(
        self, Workspace workspace, Data data, const Batch *batch, int thread, int depth, char *z, const char *a,
        Py_ssize_t row, Py_ssize_t rows,
    ) noexcept nogil:
        """Z_l = scale * normalized(A_{l-1} W_l) + shift (S13), by the batch's statistics or the running ones."""
        cdef:
            Layer *layer = &self.layers[depth]
            LayerMemory *memory = &workspace.layers[depth]
            char *mean = self.s + layer.statistics * self.itemsize
            char *variance = mean + layer.units * self.itemsize
        self.net_input(workspace, data, batch, thread, depth, memory.normalized, a, NULL, row, rows, False)
        if batch.statistics_vary:
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

    # Where things lie.

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
