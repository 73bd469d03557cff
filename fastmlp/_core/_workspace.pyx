"""The memory of one batch on its way through a network."""

from cpython.exc cimport PyErr_CheckSignals
from cpython.mem cimport PyMem_Calloc, PyMem_Free

import numpy as np

from fastmlp._core._data cimport Data, rows_in_place
from fastmlp._core._kernels cimport FM_FAR_BYTES, FM_GEMM_SCRATCH_BYTES
from fastmlp._core._layers cimport ACTIVATION, BATCH_NORM, DENSE, DROPOUT
from fastmlp._core._memory cimport PAGE, address
from fastmlp._core._pass cimport Layer, LayerMemory, Watch
from fastmlp._core._plan cimport MAX_ROW_TILES, Plan

from fastmlp._core._memory import aligned_empty


cdef extern from "team.h" nogil:
    double fm_seconds()


# What waits for a look in the midst of a pass waits this long at most, or as long as a tile takes. A look takes the
# GIL, and so at worst, beside busy threads of Python, some 5 milliseconds.
cdef double SECONDS_A_LOOK = 0.05
# Multiply-adds, of microseconds to a millisecond, between two readings of the clock, which take 25 nanoseconds each.
cdef double WORK_A_READING = 400e3
# W and D are read in place, unless their rows are FM_FAR_BYTES apart, and with few rows in a batch even then.
cdef Py_ssize_t MIN_ROWS_TO_PACK = 29
# W^T always has to be packed, so that is done while W is in cache. A batch of one row uses gemv, which reads W in
# place.
cdef Py_ssize_t MIN_ROWS_TO_PACK_TRANSPOSE = 2


cdef Py_ssize_t n_panels(Py_ssize_t columns, Py_ssize_t width):
    return (columns + width - 1) // width


def workspace_kind(
    Plan plan, Data data, Py_ssize_t rows, bint backward, bint packs=False, int n_threads=1
):
    """What a workspace is made for: two of one kind, which have one plan, can take each other's place."""
    by_stored_values = data is not None and data.rows.columns != NULL and plan.net.layers[1].kind == DENSE
    gathers = data is not None and rows_in_place(&data.rows, 0) == NULL and not by_stored_values
    return rows, gathers, by_stored_values, backward, packs, n_threads, plan


cdef class Workspace:
    """Memory for batches of up to `rows` rows, and what goes wrong in a pass over one.

    Parameters
    ----------
    plan : Plan
    data : Data or None
        What the batches will be of: their rows have to be copied together if they are shuffled, or sparse and not read
        by a dense layer. None for rows that are dense and lie in order.
    rows : int
    backward : bool
        Whether there will be a backward pass, which needs deltas, targets and weights.
    packs : bool, default=False
        Whether weights are kept packed for all row tiles, as training steps and passes over many rows do.
    n_threads : int, default=1
    """

    def __cinit__(
        self, Plan plan, Data data, Py_ssize_t rows, bint backward, bint packs=False, int n_threads=1
    ):
        cdef:
            Memory *memory = &self.memory
            Py_ssize_t itemsize = plan.net.itemsize
        self.dtype = plan.dtype
        self.rows = rows
        self.kind = workspace_kind(plan, data, rows, backward, packs, n_threads)
        self.owners = []
        memory.owner = <void *> self
        memory.reads_stored_values = self.kind[2]
        memory.layers = <LayerMemory *> PyMem_Calloc(plan.net.n_layers + 1, sizeof(LayerMemory))
        if memory.layers == NULL:
            raise MemoryError()
        self._make_outputs(plan, self.kind[1], n_threads)
        self.array((n_threads, FM_GEMM_SCRATCH_BYTES // itemsize), &memory.scratch)
        # A row of losses and penalties for each tile: small, so there in any case.
        memory.row_losses = self.doubles(MAX_ROW_TILES)
        if backward:
            self._make_gradients(plan)
            self.array((rows, plan.net.n_targets), &memory.targets)
            self.array((rows,), &memory.weights)
            # Whole pages, and one more, so that a tile's gradient can lie as far from its parameters as it should.
            memory.thread_gradient_bytes = (plan.largest_parameter_tile() * itemsize + 2 * PAGE - 1) // PAGE * PAGE
            self.array((n_threads, memory.thread_gradient_bytes // itemsize), &memory.gradients, quarter=3)
            if memory.reads_stored_values:
                positions = np.empty((rows, plan.net.n_first_tiles + 1), np.intp)
                self.owners.append(positions)
                memory.positions = <Py_ssize_t *> address(positions)
        if packs and backward:
            memory.penalties, memory.squares = self.doubles(plan.net.n_tiles), self.doubles(plan.net.n_tiles)
        if packs and plan.net.kernels.panel_columns > 0:
            self._pack_layers(plan, backward)

    cdef int check(
        self, Plan plan, Data data, Py_ssize_t rows, bint backward, bint packs=False, int n_threads=1
    ) except -1:
        """Refuse a pass that would read or write beyond this memory, or where there is none."""
        most_rows, gathers, by_stored_values, has_gradients, has_packed, most_threads, own_plan = self.kind
        if own_plan is not plan:
            raise ValueError("The workspace is that of another network, or of other layers to train; make a new one.")
        if rows > most_rows or n_threads > most_threads:
            raise ValueError(
                f"The workspace is for {most_rows} rows and {most_threads} threads, not for {rows} and {n_threads}; "
                "make a new one."
            )
        if (backward and not has_gradients) or (packs and not has_packed):
            raise ValueError("The workspace is for another kind of pass; make a new one.")
        if (gathers, by_stored_values) != workspace_kind(plan, data, rows, backward)[1:3]:
            raise ValueError("The workspace is for data of another layout; make a new one.")
        return 0

    def __dealloc__(self):
        PyMem_Free(self.memory.layers)

    cdef _make_outputs(self, Plan plan, bint gathers, int n_threads):
        """What each layer makes; an activation may take the place of its net input."""
        cdef:
            int place
            const Layer *layer
            LayerMemory *memory
            Py_ssize_t width
        self.activations, self.outputs = [None], [None]
        output = None
        for place in range(plan.net.n_layers + 1):
            layer, memory = &plan.net.layers[place], &self.memory.layers[place]
            if layer.overwrites:
                memory.out = self.memory.layers[place - 1].out
            elif place > 0 or gathers:
                output = self.array((self.rows, layer.outputs), &memory.out)
            if place == 0:
                self.activations[0] = self.outputs[0] = output
            elif layer.kind == ACTIVATION:
                self.activations.append(output)
                self.outputs.append(output)
            elif layer.kind == DROPOUT:
                self.outputs[layer.number] = output
            elif layer.kind == BATCH_NORM:
                width = layer.outputs
                self.array((width,), &memory.mean)
                self.array((width,), &memory.variance)
                self.array((n_threads, width), &memory.inverse)
                self.array((2, width), &memory.vector_gradient)

    cdef _make_gradients(self, Plan plan):
        """dC/d(outputs) of each layer from the last down to the lowest with parameters; some may take one another's."""
        cdef:
            int place
            LayerMemory *memory = self.memory.layers
        self.deltas = [None] * (plan.net.layers[plan.net.n_layers].number + 1)
        gradient = self.array((self.rows, plan.net.layers[plan.net.n_layers].outputs), &memory[plan.net.n_layers].grad)
        self.output_gradient = gradient
        for place in range(plan.net.n_layers - 1, plan.net.first_parameters - 1, -1):
            if plan.net.layers[place + 1].backward_in_place:
                memory[place].grad = memory[place + 1].grad
            else:
                gradient = self.array((self.rows, plan.net.layers[place].outputs), &memory[place].grad)
            if plan.net.layers[place].kind == DENSE:
                self.deltas[plan.net.layers[place].number] = gradient

    cdef _pack_layers(self, Plan plan, bint backward):
        """Memory for the packed operands of products, where they pay."""
        cdef:
            Py_ssize_t width = plan.net.kernels.panel_columns
            int place
            const Layer *layer
            LayerMemory *memory
        for place in range(1, plan.net.n_layers + 1):
            layer, memory = &plan.net.layers[place], &self.memory.layers[place]
            if layer.kind != DENSE:
                continue
            if (
                self.rows >= MIN_ROWS_TO_PACK and layer.outputs * plan.net.itemsize >= FM_FAR_BYTES
                and not (place == 1 and self.memory.reads_stored_values)
            ):
                self.array((n_panels(layer.outputs, width), layer.inputs, width), &memory.packed)
                if backward and layer.inputs >= MIN_ROWS_TO_PACK:
                    self.array((n_panels(layer.outputs, width), self.rows, width), &memory.packed_delta)
            if (
                backward and place > plan.net.first_trained and self.rows >= MIN_ROWS_TO_PACK_TRANSPOSE
                and layer.outputs > 1 and layer.inputs > 1
            ):
                self.array((n_panels(layer.inputs, width), layer.outputs, width), &memory.packed_transpose)

    cdef make_whole_gradient(self, Py_ssize_t n_parameters):
        """Memory for the gradient of all parameters at once, for steps that clip its norm."""
        if self.memory.whole_gradient == NULL:
            self.array((n_parameters,), &self.memory.whole_gradient, quarter=3)

    cdef array(self, shape, char **pointer, quarter=None):
        memory = aligned_empty(shape, self.dtype, quarter)
        self.owners.append(memory)
        pointer[0] = address(memory)
        return memory

    cdef double *doubles(self, Py_ssize_t n) except NULL:
        memory = np.zeros(max(n, 1), np.float64)
        self.owners.append(memory)
        return <double *> address(memory)

    def fail(self, error):
        """Keep what user code has raised; what comes after the first error follows from it."""
        if not self.memory.failed:
            self.error, self.memory.failed = error, True

    cdef void expect_glances(self, Plan plan, double work) noexcept:
        """Say how much work, in multiply-adds, a pass does between two glances; code in Python may do any."""
        self.memory.watch.interval = 1 if plan.needs_whole_batch else <Py_ssize_t> max(1.0, WORK_A_READING / work)

    cdef int raise_error(self) except -1:
        if self.memory.failed:
            error, self.error, self.memory.failed = self.error, None, False
            raise error
        return 0


cdef void glance(Memory *memory) noexcept nogil:
    """Between tiles of rows, in the thread that has called the pass: look whether to go on, when it is time to.

    Signals are heard, and the workspace's watcher is asked, some 20 times a second. What either raises makes the pass
    fail, as an error of user code does: it ends before it changes any weight, and raises the error.
    """
    cdef Watch *watch = &memory.watch
    watch.left -= 1
    if watch.left > 0:
        return
    watch.left = watch.interval
    if fm_seconds() >= watch.due:
        look(memory)
        watch.due = fm_seconds() + SECONDS_A_LOOK


cdef void look(Memory *memory) noexcept with gil:
    workspace = <Workspace> memory.owner
    try:
        PyErr_CheckSignals()
        if workspace.watcher is not None:
            workspace.watcher()
    except BaseException as error:
        workspace.fail(error)
