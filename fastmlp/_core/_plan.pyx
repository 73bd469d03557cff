"""How a network is computed: shapes, places, kernels and tiles, decided once before any pass."""

from cpython.mem cimport PyMem_Calloc, PyMem_Free

import numpy as np

from fastmlp._core._activations cimport IN_PYTHON, kernel_number, set_arguments
from fastmlp._core._config cimport kernels_for
from fastmlp._core._kernels cimport (
    FM_ABSOLUTE_ERROR,
    FM_HINGE,
    FM_HUBER,
    FM_KL_DIVERGENCE,
    FM_KL_DIVERGENCE_DISTRIBUTION,
    FM_KL_DIVERGENCE_LOGISTIC,
    FM_KL_DIVERGENCE_SOFTMAX,
    FM_LOG_LOSS,
    FM_LOG_LOSS_DISTRIBUTION,
    FM_LOG_LOSS_LOGISTIC,
    FM_LOG_LOSS_SOFTMAX,
    FM_POISSON,
    FM_POISSON_EXP,
    FM_POISSON_SOFTPLUS,
    FM_QUANTILE,
    FM_SQUARED_ERROR,
    FM_SQUARED_ERROR_IDENTITY,
)
from fastmlp._core._memory cimport address

from fastmlp._core._activations import ACTIVATION_KERNELS

# A loss with its matched output activation, computed from the output's net input.
MATCHED_LOSS_KERNELS = {
    ("squared_error", "identity"): FM_SQUARED_ERROR_IDENTITY,
    ("log_loss", "logistic"): FM_LOG_LOSS_LOGISTIC,
    ("log_loss", "softmax"): FM_LOG_LOSS_SOFTMAX,
    ("kl_divergence", "logistic"): FM_KL_DIVERGENCE_LOGISTIC,
    ("kl_divergence", "softmax"): FM_KL_DIVERGENCE_SOFTMAX,
    ("poisson", "exp"): FM_POISSON_EXP,
    ("poisson", "softplus"): FM_POISSON_SOFTPLUS,
}
# A loss with any other output activation, computed from the output.
LOSS_KERNELS = {
    "squared_error": FM_SQUARED_ERROR,
    "log_loss": FM_LOG_LOSS,
    "kl_divergence": FM_KL_DIVERGENCE,
    "poisson": FM_POISSON,
    "absolute_error": FM_ABSOLUTE_ERROR,
    "huber": FM_HUBER,
    "quantile": FM_QUANTILE,
    "hinge": FM_HINGE,
}
# Where the outputs of a sample are probabilities that sum to 1.
DISTRIBUTION_LOSS_KERNELS = {"log_loss": FM_LOG_LOSS_DISTRIBUTION, "kl_divergence": FM_KL_DIVERGENCE_DISTRIBUTION}

# Of a forward pass: a tile's activations should stay in a core's level-2 cache, but each tile packs the weights again.
cdef Py_ssize_t FORWARD_TILE_BYTES = 1<<20
cdef Py_ssize_t MIN_FORWARD_TILE_ROWS = 128

# Of training. A batch is halved into row tiles as long as each has work enough (multiply-adds: some 10 microseconds,
# because a smaller share is not worth what another core has to fetch for it) and fills the product's register tiles;
# where the weights do not fit into a core's caches, each tile reads them from further away, which more rows have to
# share. All from shapes alone, so that no number of threads changes a bit.
cdef double MIN_ROW_TILE_WORK = 600e3
cdef Py_ssize_t MIN_TILE_ROWS = 14, FULL_TILE_ROWS = 28
cdef Py_ssize_t TILE_ROWS_OVER_L2 = 56, TILE_ROWS_OVER_L3 = 128
cdef Py_ssize_t L2_BYTES = 1<<20, L3_BYTES = 1<<23
# What an element-wise pass over a unit costs, in multiply-adds.
cdef double UNIT_WORK = 40
# And what the optimizer costs a parameter.
cdef double PARAMETER_WORK = 25

# A parameter tile's gradient, which the optimizer reads right after it is written, stays in the level-2 cache; several
# tiles a layer let threads share it. Their rows are a multiple of every panel's columns, so tiles pack whole panels.
cdef Py_ssize_t PARAMETER_TILE_BYTES = 1<<19
cdef Py_ssize_t PARAMETER_TILES_A_LAYER = 8
cdef Py_ssize_t MIN_PARAMETER_TILE = 2048
cdef Py_ssize_t PARAMETER_TILE_STEP = 32


cdef class Plan:
    """Shapes, places, kernels and tiles of one network.

    Parameters
    ----------
    n_inputs : int
    input_dropout : float
    layers : sequence of (units, activation, dropout, batch_norm)
        Layers 1 to L.
    loss : Loss
    dtype : numpy.dtype
    """

    def __cinit__(self, Py_ssize_t n_inputs, double input_dropout, layers, loss, dtype):
        cdef:
            Py_ssize_t statistics_offset = 0, row_values = n_inputs
            Layer *layer
            int depth
        self.n_layers = len(layers)
        self.dtype, self.itemsize, self.kernels = dtype, dtype.itemsize, kernels_for(dtype.name)
        self.loss = loss
        self.activations = [None]  # counted as layers are
        self.layers = <Layer *> PyMem_Calloc(self.n_layers + 1, sizeof(Layer))
        if self.layers == NULL:
            raise MemoryError()
        self.layers[0].outputs, self.layers[0].dropout = n_inputs, input_dropout
        for depth, (units, activation, dropout, batch_norm) in enumerate(layers, start=1):
            layer = &self.layers[depth]
            layer.inputs, layer.units = self.layers[depth - 1].outputs, units
            layer.outputs = activation.n_outputs(units)
            layer.offset, layer.statistics = self.n_parameters, statistics_offset
            layer.dropout, layer.normalizes = dropout, batch_norm
            layer.activation = layer.fixed_activation = kernel_number(activation)
            if layer.outputs < 1 or layer.units < 1:
                raise ValueError(
                    f"Layer {depth} has {layer.units} units and {layer.outputs} outputs; make both positive."
                )
            same_width = layer.outputs == layer.units and not activation.in_python
            layer.overwrites = activation.overwrites and same_width
            layer.backward_in_place = activation.backward_in_place and same_width
            if layer.activation == IN_PYTHON:
                self.needs_whole_batch = True
            else:
                layer.fixed_activation = ACTIVATION_KERNELS[activation.prediction_kernel]
                set_arguments(&layer.arguments, activation, units)
            self.needs_whole_batch = self.needs_whole_batch or batch_norm
            self.activations.append(activation)
            self.n_parameters += (layer.inputs + 1 + layer.normalizes) * layer.units
            statistics_offset += 2 * layer.normalizes * layer.units
            row_values += 2 * layer.units
        self._set_loss(activation)
        self.tile_rows = max(MIN_FORWARD_TILE_ROWS, FORWARD_TILE_BYTES // (self.itemsize * row_values))
        self._cut_parameters()
        for depth in range(1, self.n_layers + 1):
            layer = &self.layers[depth]
            self.row_work += layer.units * ((1 if depth == 1 else 2) * layer.inputs + UNIT_WORK)

    cdef _set_loss(self, out_activation):
        cdef Py_ssize_t n_outputs = self.layers[self.n_layers].outputs
        self.n_targets = self.loss.n_targets(n_outputs)
        self.loss_scale = self.loss.scale(n_outputs)
        if self.loss.in_python:
            self.loss_kernel, self.needs_whole_batch = IN_PYTHON, True
            return
        matched = (self.loss.kernel, out_activation.kernel)
        self.loss_is_matched = matched in MATCHED_LOSS_KERNELS and not out_activation.in_python
        if self.loss_is_matched:
            self.loss_kernel = MATCHED_LOSS_KERNELS[matched]
        elif out_activation.is_distribution and self.loss.kernel in DISTRIBUTION_LOSS_KERNELS:
            self.loss_kernel = DISTRIBUTION_LOSS_KERNELS[self.loss.kernel]
        else:
            self.loss_kernel = LOSS_KERNELS[self.loss.kernel]
        self.loss_arguments.threshold = self.loss.threshold
        self.levels = np.array(self.loss.levels, np.float64)
        self.loss_arguments.levels = <const double *> address(self.levels)
        self.loss_arguments.n_levels = len(self.levels)
        self.loss_arguments.groups = self.layers[self.n_layers].arguments.groups

    def __dealloc__(self):
        PyMem_Free(self.layers)
        PyMem_Free(self.parameter_tiles)

    cdef _cut_parameters(self):
        cdef:
            Py_ssize_t rows, first
            Layer *layer
            ParameterTile *tile
        cuts = []
        for depth in range(1, self.n_layers + 1):
            layer = &self.layers[depth]
            rows = min(PARAMETER_TILE_BYTES // (layer.units * self.itemsize), layer.inputs // PARAMETER_TILES_A_LAYER)
            rows = max(rows, MIN_PARAMETER_TILE // layer.units)
            rows = max(rows - rows % PARAMETER_TILE_STEP, PARAMETER_TILE_STEP)
            cuts += [(depth, first, min(first + rows, layer.inputs)) for first in range(0, layer.inputs, rows)]
        self.n_parameter_tiles = len(cuts)
        self.n_first_layer_tiles = sum(depth == 1 for depth, _, _ in cuts)
        self.parameter_tiles = <ParameterTile *> PyMem_Calloc(len(cuts), sizeof(ParameterTile))
        if self.parameter_tiles == NULL:
            raise MemoryError()
        for number, cut in enumerate(cuts):
            tile = &self.parameter_tiles[number]
            tile.depth, tile.first, tile.last = cut

    cdef Py_ssize_t n_row_tiles(self, Py_ssize_t rows) noexcept nogil:
        """Into how many tiles a training batch is cut."""
        cdef:
            Py_ssize_t n_tiles = 1, least = FULL_TILE_ROWS, weight_bytes = self.n_parameters * self.itemsize
        if self.needs_whole_batch:
            return 1
        if rows < 2 * FULL_TILE_ROWS:
            least = MIN_TILE_ROWS
        if weight_bytes > L2_BYTES:
            least = TILE_ROWS_OVER_L3 if weight_bytes > L3_BYTES else TILE_ROWS_OVER_L2
            least = min(least, max(MIN_TILE_ROWS, rows // 2))
        while (
            n_tiles < MAX_ROW_TILES and rows >= 2 * n_tiles * least
            and rows * self.row_work >= 2 * n_tiles * MIN_ROW_TILE_WORK
        ):
            n_tiles *= 2
        return n_tiles

    @property
    def uses_blas(self):
        """Whether the network's matrix products are left to BLAS."""
        return self.kernels.gemm == NULL

    def work(self, Py_ssize_t rows):
        """About how many multiply-adds a training step on so many rows takes, or what takes as long."""
        return self.row_work * rows + self.n_parameters * (rows + PARAMETER_WORK)

    def most_threads(self, Py_ssize_t rows):
        """How many threads can share the larger phase of a step."""
        cdef double parameters_work = self.n_parameters * (rows + PARAMETER_WORK)
        row_tiles = self.n_row_tiles(rows)
        return max(row_tiles, self.n_parameter_tiles) if parameters_work > self.row_work * rows / 2 else row_tiles

    cdef Py_ssize_t largest_parameter_tile(self) noexcept nogil:
        """Elements of the largest gradient that is computed at once, the rows below the weights included."""
        cdef:
            Py_ssize_t number, rows, largest = 0
            Layer *layer
            ParameterTile *tile
        for number in range(self.n_parameter_tiles):
            tile = &self.parameter_tiles[number]
            layer = &self.layers[tile.depth]
            rows = tile.last - tile.first + 1 + layer.normalizes
            largest = max(largest, rows * layer.units)
        return largest
