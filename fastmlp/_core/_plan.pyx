"""How a network is computed: shapes, places, kernels and tiles, decided once before any pass."""

from cpython.mem cimport PyMem_Calloc, PyMem_Free
from libc.stddef cimport ptrdiff_t

import math

import numpy as np

from fastmlp._core._activations cimport IN_PYTHON, kernel_number, set_arguments
from fastmlp._core._config cimport kernels_for
from fastmlp._core._kernels cimport FM_N_LOSSES, FM_RELU, fm_loss_names, numbers_of
from fastmlp._core._layers cimport ACTIVATION, DENSE
from fastmlp._core._memory cimport address
from fastmlp._core._pass cimport Layer, Net, ParameterTile

from fastmlp._core._activations import ACTIVATION_KERNELS
from fastmlp._core._layers import KINDS

LOSS_KERNELS = numbers_of(fm_loss_names, FM_N_LOSSES)

# A forward pass: a tile's activations should stay in a core's level-2 cache, but each tile packs the weights again.
cdef Py_ssize_t FORWARD_TILE_BYTES = 1<<20
cdef Py_ssize_t MIN_FORWARD_TILE_ROWS = 128

# Training: a batch is halved into row tiles as long as each has work enough (multiply-adds: some 10 microseconds,
# because a smaller share is not worth what another core has to fetch for it) and fills the product's register tiles;
# where the weights do not fit into a core's caches, each tile reads them from further away, which more rows have to
# share. All from shapes alone, so that no number of threads changes a bit.
cdef double MIN_ROW_TILE_WORK = 600e3
cdef Py_ssize_t MIN_TILE_ROWS = 14, FULL_TILE_ROWS = 28
cdef Py_ssize_t TILE_ROWS_OVER_L2 = 56, TILE_ROWS_OVER_L3 = 128
cdef Py_ssize_t L2_BYTES = 1<<20, L3_BYTES = 1<<23
# What a forward pass takes of the work on a row there and back.
cdef double FORWARD_SHARE = 0.5
# What an element-wise pass over a unit costs, in multiply-adds.
cdef double UNIT_WORK = 40
# What the optimizer costs a parameter, in the same.
cdef double PARAMETER_WORK = 25

# A parameter tile's gradient, which the optimizer reads right after it is written, stays in the level-2 cache; several
# tiles a layer let threads share it. Their rows are a multiple of every panel's columns, so tiles pack whole panels.
cdef Py_ssize_t PARAMETER_TILE_BYTES = 1<<19
cdef Py_ssize_t PARAMETER_TILES_A_LAYER = 8
cdef Py_ssize_t MIN_PARAMETER_TILE = 2048
cdef Py_ssize_t PARAMETER_TILE_STEP = 32


# Multiply-adds of a product up to which OpenBLAS takes one thread by itself.
cdef Py_ssize_t SINGLE_THREADED_PRODUCT = 1<<18


cdef class Plan:
    """Shapes, places, kernels and tiles of one network.

    Parameters
    ----------
    n_inputs : int
    layers : sequence of fastmlp.layers.Layer
        The last two a dense one and the output's activation.
    loss : Loss
    dtype : numpy.dtype
    trainable : sequence of bool
        Whether training changes the layer, for each of them.
    before : Plan, default=None
        An earlier plan of the network, whose kernel table stays in use; None for the one that is chosen now.
    """

    def __cinit__(self, Py_ssize_t n_inputs, layers, loss, dtype, trainable, Plan before=None):
        cdef:
            Net *net = &self.net
            Py_ssize_t row_values = n_inputs
            Layer *layer
            int place, n_dense = 0
        net.owner, net.n_layers, net.raw = <void *> self, len(layers), len(layers) - 1
        self.dtype, net.itemsize = dtype, dtype.itemsize
        net.kernels = kernels_for(dtype.name) if before is None else before.net.kernels
        self.loss, self.owners = loss, []
        self.activations = [None]  # counted as layers are
        net.layers = <Layer *> PyMem_Calloc(net.n_layers + 1, sizeof(Layer))
        if net.layers == NULL:
            raise MemoryError()
        net.layers[0].outputs = n_inputs
        for place, description in enumerate(layers, start=1):
            layer = &net.layers[place]
            layer.is_trainable = trainable[place - 1]
            n_dense += description.kind == "dense"
            layer.number = n_dense
            self._add_layer(place, description)
            if description.kind == "dense":
                row_values += 2 * layer.outputs
                self.row_work += layer.outputs * ((1 if n_dense == 1 else 2) * layer.inputs + UNIT_WORK)
        self._fuse_relus()
        self._set_loss()
        self.tile_rows = max(MIN_FORWARD_TILE_ROWS, FORWARD_TILE_BYTES // (net.itemsize * row_values))
        self._cut_parameters(layers, trainable)

    cdef _add_layer(self, int place, layer):
        """What the core has to know of a layer; what its parameters are is the layer's own to say."""
        cdef:
            Layer *of_core = &self.net.layers[place]
            Py_ssize_t n_inputs = self.net.layers[place - 1].outputs
        of_core.kind, of_core.inputs, of_core.outputs = KINDS[layer.kind], n_inputs, layer.n_outputs(n_inputs)
        if n_inputs < 1 or of_core.outputs < 1:
            raise ValueError(
                f"Layer {of_core.number} has {n_inputs} units and {of_core.outputs} outputs; make both positive."
            )
        of_core.offset = of_core.vectors = self.n_parameters
        for block in layer.blocks(n_inputs):
            self.n_parameters += math.prod(block.shape)
            if len(block.shape) == 1:
                of_core.has_vectors = True
            else:
                of_core.vectors = self.n_parameters
        layout = layer.layout(n_inputs)
        self.owners.append(layout)
        of_core.layout = <const ptrdiff_t *> address(layout)
        of_core.rate = layer.rate if layer.kind == "dropout" else 0
        of_core.backward_in_place = layer.kind in ("batch_norm", "dropout")
        if layer.kind == "batch_norm":
            of_core.statistics = self.n_statistics
            self.n_statistics += 2 * n_inputs
            self.needs_whole_batch = True
        activation = getattr(layer, "activation", None)
        self.activations.append(activation)
        if activation is None:
            return
        same_width = of_core.outputs == n_inputs and not activation.in_python
        of_core.overwrites = activation.overwrites and same_width
        of_core.backward_in_place = activation.backward_in_place and same_width
        of_core.kernel = of_core.fixed_kernel = kernel_number(activation)
        if activation.in_python:
            self.needs_whole_batch = True
        else:
            of_core.fixed_kernel = ACTIVATION_KERNELS[activation.prediction_kernel]
            set_arguments(&of_core.arguments, activation, n_inputs)

    cdef _fuse_relus(self):
        """Let a dense layer's products do what a hidden ReLU beside it would."""
        cdef:
            int place
            Layer *layer
            Layer *before
            Layer *after
        for place in range(2, self.net.n_layers - 1):
            layer, before = &self.net.layers[place], &self.net.layers[place - 1]
            after = &self.net.layers[place + 1]
            if layer.kind == ACTIVATION and layer.kernel == FM_RELU:
                layer.is_in_product = before.adds_relu = before.kind == DENSE
                layer.is_in_product_back = after.masks_delta = after.kind == DENSE

    cdef _set_loss(self):
        cdef:
            Net *net = &self.net
            Py_ssize_t n_outputs = net.layers[net.n_layers].outputs
        out_activation = self.activations[-1]
        net.n_targets = self.loss.n_targets(n_outputs)
        net.loss_scale = self.loss.scale(n_outputs)
        if self.loss.in_python:
            net.loss_kernel, self.needs_whole_batch = IN_PYTHON, True
            return
        net.loss_is_matched, kernel = _choose_loss(self.loss.kernel, out_activation)
        net.loss_kernel = LOSS_KERNELS[kernel]
        net.loss_arguments.threshold = self.loss.threshold
        levels = np.array(self.loss.levels, np.float64)
        self.owners.append(levels)
        net.loss_arguments.levels = <const double *> address(levels)
        net.loss_arguments.n_levels = len(levels)
        net.loss_arguments.groups = net.layers[net.n_layers].arguments.groups

    cdef _cut_parameters(self, layers, trainable):
        """Parameter tiles, in the order of the parameters."""
        cdef:
            Net *net = &self.net
            int place
            Py_ssize_t number, n_trained = 0
        tiles = []
        for place, layer in enumerate(layers, start=1):
            blocks = layer.blocks(net.layers[place].inputs)
            _cut_layer(tiles, place, blocks, net.layers[place].offset, net.itemsize, trainable)
        net.n_tiles = len(tiles)
        net.tiles = <ParameterTile *> PyMem_Calloc(max(len(tiles), 1), sizeof(ParameterTile))
        net.trained = <ParameterTile *> PyMem_Calloc(max(len(tiles), 1), sizeof(ParameterTile))
        if net.tiles == NULL or net.trained == NULL:
            raise MemoryError()
        for number, tile in enumerate(tiles):
            net.tiles[number] = tile
            net.n_first_tiles += tile["layer"] == 1 and net.layers[1].kind == DENSE
            if trainable[tile["layer"] - 1]:
                net.trained[n_trained] = net.tiles[number]
                n_trained += 1
        net.n_trained = n_trained
        net.first_parameters = tiles[0]["layer"]
        net.first_trained = net.trained[0].layer if n_trained else net.n_layers

    cdef Py_ssize_t n_row_tiles(self, Py_ssize_t n_rows) noexcept nogil:
        """Into how many tiles a training batch is cut."""
        cdef:
            Py_ssize_t n_tiles = 1, least = FULL_TILE_ROWS, weight_bytes = self.n_parameters * self.net.itemsize
        if self.needs_whole_batch:
            return 1
        if n_rows < 2 * FULL_TILE_ROWS:
            least = MIN_TILE_ROWS
        if weight_bytes > L2_BYTES:
            least = TILE_ROWS_OVER_L3 if weight_bytes > L3_BYTES else TILE_ROWS_OVER_L2
            least = min(least, max(MIN_TILE_ROWS, n_rows // 2))
        while (
            n_tiles < MAX_ROW_TILES and n_rows >= 2 * n_tiles * least
            and n_rows * self.row_work >= 2 * n_tiles * MIN_ROW_TILE_WORK
        ):
            n_tiles *= 2
        return n_tiles

    @property
    def n_targets(self):
        """Columns of the targets."""
        return self.net.n_targets

    @property
    def uses_blas(self):
        """Whether the network's matrix products are left to BLAS."""
        return self.net.kernels.gemm == NULL

    def wakes_blas_threads(self, Py_ssize_t n_rows):
        """Whether a pass over so many rows calls BLAS for products that it may share among threads of its own."""
        cdef:
            Py_ssize_t place, largest = 0
        if not self.uses_blas:
            return False
        for place in range(1, self.net.n_layers + 1):
            largest = max(largest, self.net.layers[place].inputs * self.net.layers[place].outputs)
        return n_rows * largest > SINGLE_THREADED_PRODUCT

    def work(self, Py_ssize_t n_rows):
        """About how many multiply-adds a training step on so many rows takes, or what takes as long."""
        return self.row_work * n_rows + self.n_parameters * (n_rows + PARAMETER_WORK)

    def forward_work(self, Py_ssize_t n_rows):
        """The same for a forward pass."""
        return self.row_work * n_rows * FORWARD_SHARE

    def most_forward_threads(self, Py_ssize_t n_rows):
        """How many threads can share a forward pass; code in Python runs in one."""
        calls_python = self.loss.in_python or any(
            activation is not None and activation.in_python for activation in self.activations
        )
        return 1 if calls_python else (n_rows + self.tile_rows - 1) // self.tile_rows

    def most_threads(self, Py_ssize_t n_rows):
        """How many threads can share the larger phase of a step."""
        cdef double parameters_work = self.n_parameters * (n_rows + PARAMETER_WORK)
        row_tiles = self.n_row_tiles(n_rows)
        return max(row_tiles, self.net.n_tiles) if parameters_work > self.row_work * n_rows / 2 else row_tiles

    cdef Py_ssize_t largest_parameter_tile(self) noexcept nogil:
        """Elements of the largest gradient that is computed at once, the vectors below the matrix included."""
        cdef Py_ssize_t number, largest = 0
        for number in range(self.net.n_tiles):
            largest = max(largest, self.net.tiles[number].n)
        return largest

    def __dealloc__(self):
        PyMem_Free(self.net.layers)
        PyMem_Free(self.net.tiles)
        PyMem_Free(self.net.trained)


def _choose_loss(loss, out_activation):
    """(Whether it is computed from the output's net input, the name of the kernel.)"""
    if not out_activation.in_python:
        if out_activation.kernel == "identity":  # whose output is its net input
            return True, loss
        if f"{loss}_{out_activation.kernel}" in LOSS_KERNELS:
            return True, f"{loss}_{out_activation.kernel}"
    if out_activation.is_distribution and f"{loss}_distribution" in LOSS_KERNELS:
        return False, f"{loss}_distribution"
    return False, loss


def _cut_layer(tiles, place, blocks, offset, itemsize, trainable):
    """Append the tiles of a layer's parameters, which begin at `offset`."""
    for matrix, block in enumerate(blocks):
        if len(block.shape) == 1:
            continue
        n_rows, n_columns = block.shape
        rows = min(PARAMETER_TILE_BYTES // (n_columns * itemsize), n_rows // PARAMETER_TILES_A_LAYER)
        rows = max(rows, MIN_PARAMETER_TILE // n_columns)
        rows = max(rows - rows % PARAMETER_TILE_STEP, PARAMETER_TILE_STEP)
        for first in range(0, n_rows, rows):
            last = min(first + rows, n_rows)
            tiles.append(_tile(len(tiles), place, block, matrix, (first, last), offset))
            offset += (last - first) * n_columns
    vectors = [block for block in blocks if len(block.shape) == 1]
    if not vectors:
        return
    if any(block.penalty > 0 or block.rate != vectors[0].rate for block in vectors):
        raise ValueError(
            f"The vectors of layer {place}, {[block.name for block in vectors]}, have penalties or different rates; "
            "give them one rate and penalty=0."
        )
    last = tiles[-1] if tiles else None
    goes_with_last = (
        last is not None and not last["vectors"] and last["rate"] == vectors[0].rate
        and trainable[last["layer"] - 1] == trainable[place - 1]
    )
    if not goes_with_last:
        last = _tile(len(tiles), place, vectors[0], 0, (0, 0), offset)
        tiles.append(last)
    last["vectors"] = place
    last["n"] += sum(block.shape[0] for block in vectors)


def _tile(number, place, block, matrix, rows, offset):
    first, last = rows
    n_matrix = (last - first) * block.shape[-1]
    return {
        "layer": place, "block": matrix, "number": number, "first": first, "last": last, "vectors": 0,
        "offset": offset, "n_matrix": n_matrix, "n": n_matrix, "n_penalized": n_matrix if block.penalty > 0 else 0,
        "rate": block.rate, "penalty": block.penalty,
    }
