"""The memory of one batch on its way through a network."""

from cpython.mem cimport PyMem_Calloc, PyMem_Free

import numpy as np

from fastmlp._core._data cimport Data
from fastmlp._core._kernels cimport FM_FAR_BYTES, FM_GEMM_SCRATCH_BYTES
from fastmlp._core._memory cimport PAGE, address
from fastmlp._core._plan cimport MAX_ROW_TILES, Layer, Plan

from fastmlp._core._memory import aligned_empty

# W_l and D_l are read in place, unless their rows are FM_FAR_BYTES apart, and with few rows in a batch even then.
cdef Py_ssize_t MIN_ROWS_TO_PACK = 29
# W_l^T always has to be packed, so that is done while W_l is in cache; but one row is multiplied by another way.
cdef Py_ssize_t MIN_ROWS_TO_PACK_TRANSPOSE = 2


cdef Py_ssize_t n_panels(Py_ssize_t columns, Py_ssize_t width):
    return (columns + width - 1) // width


def workspace_kind(
    Plan plan, Data data, Py_ssize_t rows, bint backward, bint trains=False, bint whole_gradient=False, int n_threads=1
):
    """What decides a workspace's size: two of one plan and kind can take each other's place."""
    by_stored_values = data.columns != NULL and plan.layers[0].dropout == 0
    gathers = data.rows_in_place(0) == NULL and not by_stored_values
    return rows, gathers, by_stored_values, backward, trains, whole_gradient, n_threads


cdef class Workspace:
    """Memory for batches of up to `rows` rows, and what goes wrong in a pass over one.

    Parameters
    ----------
    plan : Plan
    data : Data
        What the batches will be of: their rows have to be copied together if they are shuffled, or sparse and to be
        dropped out.
    rows : int
    backward : bool
        Whether there will be a backward pass, which needs deltas, targets and weights.
    trains : bool, default=False
        Whether it is for training steps, which keep weights packed for all row tiles.
    whole_gradient : bool, default=False
        Whether a training step needs the gradient of all parameters at once.
    n_threads : int, default=1
    """

    def __cinit__(
        self, Plan plan, Data data, Py_ssize_t rows, bint backward, bint trains=False, bint whole_gradient=False,
        int n_threads=1,
    ):
        cdef:
            int depth
            Layer *layer
            LayerMemory *memory
            bint gather
        self.dtype = plan.dtype
        self.rows = rows
        self.kind = workspace_kind(plan, data, rows, backward, trains, whole_gradient, n_threads)
        _, gather, self.is_sparse, *_ = self.kind
        self.owners = []
        self.activations, self.outputs, self.deltas = [], [], []
        self.layers = <LayerMemory *> PyMem_Calloc(plan.n_layers + 1, sizeof(LayerMemory))
        if self.layers == NULL:
            raise MemoryError()
        for depth in range(plan.n_layers + 1):
            layer, memory = &plan.layers[depth], &self.layers[depth]
            activation, delta = None, None
            if depth > 0 or gather:
                activation = self.rows_of(layer.outputs, &memory.a)
            if depth > 0:
                if layer.overwrites:
                    memory.z = memory.a
                else:
                    self.rows_of(layer.units, &memory.z)
                if backward:
                    delta = self.rows_of(layer.units, &memory.delta)
                    memory.g = memory.delta
                    gradient = delta
                    if not layer.backward_in_place:
                        gradient = self.rows_of(layer.outputs, &memory.g)
                    self.output_gradient = gradient
            output = activation
            if layer.dropout > 0:
                output = self.rows_of(layer.outputs, &memory.dropped)
            if layer.normalizes:
                self.rows_of(layer.units, &memory.normalized)
                self.array((layer.units,), &memory.mean)
                self.array((layer.units,), &memory.variance)
                self.array((layer.units,), &memory.inverse)
                self.array((2, layer.units), &memory.shift_and_scale_gradient)
            self.activations.append(activation)
            self.outputs.append(output)
            self.deltas.append(delta)
        self.array((n_threads, FM_GEMM_SCRATCH_BYTES // plan.itemsize), &self.scratch)
        if backward:
            self.array((rows, plan.n_targets), &self.y)
            self.array((rows,), &self.w)
            largest = plan.largest_parameter_tile()
            # Whole pages, and one more for `gradient_of`.
            self.thread_gradient_bytes = (largest * plan.itemsize + 2 * PAGE - 1) // PAGE * PAGE
            self.array((n_threads, self.thread_gradient_bytes // plan.itemsize), &self.gradients, quarter=3)
            if self.is_sparse:
                positions = np.empty((rows, plan.n_first_layer_tiles + 1), np.intp)
                self.owners.append(positions)
                self.positions = <Py_ssize_t *> address(positions)
        if whole_gradient:
            self.array((plan.n_parameters,), &self.whole_gradient, quarter=3)
        if trains:
            self.row_losses = <double *> address(self.doubles(MAX_ROW_TILES))
            self.penalties = <double *> address(self.doubles(plan.n_parameter_tiles))
            self.squares = <double *> address(self.doubles(plan.n_parameter_tiles))
            self._pack_layers(plan)

    def __dealloc__(self):
        PyMem_Free(self.layers)

    cdef _pack_layers(self, Plan plan):
        """Memory for the packed operands of a training step, where they pay."""
        cdef:
            Py_ssize_t width = plan.kernels.panel_columns
            int depth
            Layer *layer
            LayerMemory *memory
        if width == 0:
            return
        for depth in range(1, plan.n_layers + 1):
            layer, memory = &plan.layers[depth], &self.layers[depth]
            if (
                self.rows >= MIN_ROWS_TO_PACK and layer.units * plan.itemsize >= FM_FAR_BYTES
                and not (depth == 1 and self.is_sparse)
            ):
                self.array((n_panels(layer.units, width), layer.inputs, width), &memory.packed)
                if layer.inputs >= MIN_ROWS_TO_PACK:
                    self.array((n_panels(layer.units, width), self.rows, width), &memory.packed_delta)
            if depth > 1 and self.rows >= MIN_ROWS_TO_PACK_TRANSPOSE and layer.units > 1 and layer.inputs > 1:
                self.array((n_panels(layer.inputs, width), layer.units, width), &memory.packed_transpose)

    cdef array(self, shape, char **pointer, quarter=None):
        memory = aligned_empty(shape, self.dtype, quarter)
        self.owners.append(memory)
        pointer[0] = address(memory)
        return memory

    cdef rows_of(self, Py_ssize_t columns, char **pointer):
        return self.array((self.rows, columns), pointer)

    cdef doubles(self, Py_ssize_t n):
        memory = np.zeros(n, np.float64)
        self.owners.append(memory)
        return memory

    cdef void *scratch_of(self, int thread) noexcept nogil:
        return self.scratch + thread * FM_GEMM_SCRATCH_BYTES

    cdef char *gradient_of(self, int thread, size_t offset) noexcept nogil:
        """Memory for the gradient by parameters from `offset` bytes on, as far from them in a page as a whole array."""
        return self.gradients + thread * self.thread_gradient_bytes + offset % PAGE

    cdef void fail(self, error) noexcept:
        if not self.failed:  # what comes after the first error follows from it
            self.error, self.failed = error, True

    cdef int raise_error(self) except -1:
        if self.failed:
            error, self.error, self.failed = self.error, None, False
            raise error
        return 0
