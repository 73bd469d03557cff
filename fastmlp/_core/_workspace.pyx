"""The memory of one batch on its way through a network."""

from cpython.mem cimport PyMem_Calloc, PyMem_Free
from libc.stdint cimport uint64_t

import numpy as np

from fastmlp._core._kernels cimport FM_GEMM_SCRATCH_BYTES
from fastmlp._core._memory cimport address
from fastmlp._core._plan cimport Layer, Plan

from fastmlp._core._memory import aligned_empty


cdef class Workspace:
    """Memory for batches of up to `rows` rows, and the state of one pass over a batch.

    Parameters
    ----------
    plan : Plan
    rows : int
    gather : bool
        Whether the rows of X have to be copied together, because they are shuffled or sparse.
    backward : bool
        Whether there will be a backward pass, which needs deltas, targets and weights.
    whole_gradient : bool, default=False
        Whether the gradient of all parameters is needed at once.
    """

    def __cinit__(self, Plan plan, Py_ssize_t rows, bint gather, bint backward, bint whole_gradient=False):
        cdef:
            int depth
            Layer *layer
            LayerMemory *memory
        self.dtype = plan.dtype
        self.rows = rows
        self.gathers = gather
        self.has_whole_gradient = whole_gradient
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
        scratch = aligned_empty(FM_GEMM_SCRATCH_BYTES, np.uint8)
        self.owners.append(scratch)
        self.packed = address(scratch)
        if backward:
            self.array((rows, plan.n_targets), &self.y)
            self.array((rows,), &self.w)
            self.array((plan.largest_parameter_tile(),), &self.gradient, quarter=3)
        if whole_gradient:
            self.array((plan.n_parameters,), &self.whole_gradient, quarter=3)

    def __dealloc__(self):
        PyMem_Free(self.layers)

    cdef array(self, shape, char **pointer, quarter=None):
        memory = aligned_empty(shape, self.dtype, quarter)
        self.owners.append(memory)
        pointer[0] = address(memory)
        return memory

    cdef rows_of(self, Py_ssize_t columns, char **pointer):
        return self.array((self.rows, columns), pointer)

    cdef void begin_pass(self, bint training, uint64_t seed) noexcept nogil:
        self.training = training
        self.seed = seed

    cdef void fail(self, error) noexcept:
        if not self.failed:  # what comes after the first error follows from it
            self.error, self.failed = error, True

    cdef int raise_error(self) except -1:
        if self.failed:
            error, self.error, self.failed = self.error, None, False
            raise error
        return 0
