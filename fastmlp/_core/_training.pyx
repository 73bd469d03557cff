"""Training steps of one network, by a team of threads, without the GIL.

A step has two phases. **Rows**: each row tile goes there and back through all layers (S1 to S3). **Parameters**: a tile
of rows of [W_l; b_l] gets its gradient over the whole batch (S4, S5), the penalties and the optimizer's step at once,
and is packed for the next step while it is in cache. All deltas are computed before any weight changes (S11): the
threads meet after each phase, and share nothing within one. What needs the whole gradient first (clipping its norm) is
a phase more. Losses and penalties are kept tile by tile and added up in one order, so that neither the number of
threads nor who was faster can change a bit of the result.
"""

from libc.math cimport NAN, isfinite, sqrt
from libc.stdint cimport uint64_t

from fastmlp._core._data cimport Data
from fastmlp._core._kernels cimport FM_ADAGRAD, FM_ADAM, FM_RMSPROP, FM_SGD, fm_kernels, fm_step
from fastmlp._core._memory cimport address
from fastmlp._core._network cimport NetworkCore
from fastmlp._core._plan cimport Layer, ParameterTile
from fastmlp._core._team cimport Job, Team, Turn
from fastmlp._core._workspace cimport Batch, LayerMemory, Workspace

OPTIMIZER_KERNELS = {"sgd": FM_SGD, "rmsprop": FM_RMSPROP, "adagrad": FM_ADAGRAD, "adam": FM_ADAM}

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


cdef class Training(Job):
    """Mini-batch steps of one fit.

    Parameters
    ----------
    core : NetworkCore
    workspace : Workspace
    data : Data
    team : Team
    optimizer : fastmlp.training.optimizers.Optimizer
        Its moments and the network are changed in place.
    batch_size : int
    l1, l2, clip_norm : float
        Penalties, and the longest gradient, infinite for no limit.
    """

    cdef:
        NetworkCore core
        Workspace workspace
        Data data
        Team team
        object moments
        Py_ssize_t first
        Py_ssize_t batch_size
        const double[:, ::1] sizes
        Step step
        double l1
        double l2
        uint64_t seed
        double total

    def __init__(
        self, NetworkCore core, Workspace workspace, Data data, Team team, optimizer, Py_ssize_t batch_size, double l1,
        double l2, double clip_norm,
    ):
        moments = optimizer.moments
        if not all(array.flags.writeable for array in (core.parameters, core.statistics, *moments)):
            raise ValueError("Parameters, statistics and moments are read-only; copy them first.")
        if any(moment.shape != core.parameters.shape or moment.dtype != core.parameters.dtype for moment in moments):
            raise ValueError("The optimizer's moments are those of another network; make a new optimizer.")
        core._check(data, True)
        self.core, self.workspace, self.data, self.team, self.moments = core, workspace, data, team, moments
        self.batch_size, self.l1, self.l2 = batch_size, l1, l2
        self.step.kernel = OPTIMIZER_KERNELS[optimizer.kernel]
        self.step.moment_1 = address(moments[0])
        self.step.moment_2 = address(moments[1]) if len(moments) > 1 else NULL
        self.step.scalars.decay_1, self.step.scalars.decay_2 = optimizer.decay_1, optimizer.decay_2
        self.step.scalars.epsilon, self.step.scalars.nesterov = optimizer.epsilon, optimizer.nesterov
        self.step.clip_norm = clip_norm

    def run_steps(self, Py_ssize_t first, const double[:, ::1] sizes, uint64_t seed):
        """Steps from row `first`, one for each row of `sizes`; the last batch may be short.

        A row of `sizes` is (step size, factor by which the weights shrink before it). Returns the sum over batches of
        cost times rows. Where a batch's cost is NaN or infinite, training stops before that batch's step, and the sum
        is NaN or infinite too.
        """
        self.first, self.sizes, self.seed, self.total = first, sizes, seed, 0
        self.team.run(self)
        self.workspace.raise_error()
        return self.total

    cdef void run(self, int thread) noexcept nogil:
        cdef:
            Py_ssize_t number, tile, n_tiles, first = self.first
            double loss, norm
            Step step = self.step  # each thread has its own
            Turn turn
            Batch batch
        turn.thread, turn.phase = thread, 0
        self.packing_phase(&turn)
        for number in range(self.sizes.shape[0]):
            batch = self.core.batch_of(
                self.data, first, min(self.batch_size, self.data.n_rows - first), True, self.seed + <uint64_t> number
            )
            first += batch.rows
            n_tiles = self.core.plan.n_row_tiles(batch.rows)
            self.team.begin_phase(&turn, n_tiles)
            tile = self.team.take_tile(&turn)
            while tile >= 0:
                self.workspace.row_losses[tile] = self.core.rows_tile(
                    self.workspace, self.data, &batch, thread, tile, n_tiles, True
                )
                tile = self.team.take_tile(&turn)
            self.team.meet()
            loss = batch.scale * sum_of(self.workspace.row_losses, n_tiles)
            if self.workspace.failed or not isfinite(loss):  # which all threads see
                if thread == 0:
                    self.total = NAN if self.workspace.failed else loss
                return
            step.scalars.learning_rate, step.shrink = self.sizes[number, 0], self.sizes[number, 1]
            step.l1 = self.l1 * batch.scale / self.core.plan.loss_scale
            step.l2 = self.l2 * batch.scale / self.core.plan.loss_scale
            norm = 0
            if isfinite(step.clip_norm):
                self.gradient_phase(&turn, &batch)
                norm = sqrt(sum_of(self.workspace.squares, self.core.plan.n_parameter_tiles))
            if thread == 0 and batch.statistics_vary:
                self.core.update_statistics(self.workspace, batch.rows)
            self.parameters_phase(&turn, &batch, &step, norm)
            if thread == 0:
                loss += sum_of(self.workspace.penalties, self.core.plan.n_parameter_tiles)
                self.total += loss * batch.rows

    cdef void packing_phase(self, Turn *turn) noexcept nogil:
        """Weights into panels, before the first step: they may have been changed since the last call."""
        cdef Py_ssize_t number
        self.team.begin_phase(turn, self.core.plan.n_parameter_tiles)
        number = self.team.take_tile(turn)
        while number >= 0:
            pack_weights(self.core, self.workspace, &self.core.plan.parameter_tiles[number])
            number = self.team.take_tile(turn)
        self.team.meet()

    cdef void gradient_phase(self, Turn *turn, const Batch *batch) noexcept nogil:
        """The gradient of all parameters, and the sum of its squares, tile by tile."""
        cdef:
            ParameterTile *tile
            Py_ssize_t number
            char *gradient
        self.team.begin_phase(turn, self.core.plan.n_parameter_tiles)
        number = self.team.take_tile(turn)
        while number >= 0:
            tile = &self.core.plan.parameter_tiles[number]
            gradient = self.workspace.whole_gradient + self.core.tile_offset(tile) * self.core.itemsize
            self.core.gradient_tile(self.workspace, self.data, batch, turn.thread, number, gradient)
            self.workspace.squares[number] = self.core.kernels.sum_of_squares(
                gradient, tile_weights(self.core, tile) + tile_rest(self.core, tile)
            )
            number = self.team.take_tile(turn)
        self.team.meet()

    cdef void parameters_phase(self, Turn *turn, const Batch *batch, Step *step, double norm) noexcept nogil:
        """Gradient, penalties and step, tile by tile. `norm` is that of the gradient, where it may be clipped."""
        cdef:
            ParameterTile *tile
            Py_ssize_t number, start, n_weights, rest
            char *gradient
        self.team.begin_phase(turn, self.core.plan.n_parameter_tiles)
        number = self.team.take_tile(turn)
        while number >= 0:
            tile = &self.core.plan.parameter_tiles[number]
            start = self.core.tile_offset(tile)
            n_weights, rest = tile_weights(self.core, tile), tile_rest(self.core, tile)
            if isfinite(step.clip_norm):
                gradient = self.workspace.whole_gradient + start * self.core.itemsize
                if norm > step.clip_norm:
                    self.core.kernels.scale(gradient, n_weights + rest, step.clip_norm / norm)
            else:
                gradient = self.workspace.gradient_of(turn.thread, start * self.core.itemsize)
                self.core.gradient_tile(self.workspace, self.data, batch, turn.thread, number, gradient)
            self.workspace.penalties[number] = self.update(step, gradient, start, n_weights, rest)
            pack_weights(self.core, self.workspace, tile)
            number = self.team.take_tile(turn)
        self.team.meet()

    cdef double update(
        self, Step *step, char *gradient, Py_ssize_t start, Py_ssize_t n_weights, Py_ssize_t rest,
    ) noexcept nogil:
        """Weight decay, penalties and step on the weights from parameter `start` on, of which the penalties before it
        are returned; on the `rest` below them the step alone."""
        cdef:
            const fm_kernels *kernels = self.core.kernels
            Py_ssize_t offset = start * self.core.itemsize
            char *weights = self.core.p + offset
            double penalty = 0, squares = 0, squares_in_step
            bint shrinks = step.shrink != 1
        if step.l1 > 0:
            penalty = step.l1 * kernels.add_l1_gradient(gradient, weights, n_weights, step.l1)
        if shrinks:
            squares = kernels.sum_of_squares(weights, n_weights)
            kernels.scale(weights, n_weights, step.shrink)
        squares_in_step = kernels.update[step.kernel](
            weights, step.moment_1 + offset, step.moment_2 + offset if step.moment_2 != NULL else NULL, gradient,
            n_weights + rest, n_weights, step.l2, &step.scalars,
        )
        return penalty + 0.5 * step.l2 * (squares if shrinks else squares_in_step)


cdef double sum_of(const double *values, Py_ssize_t n) noexcept nogil:
    cdef:
        Py_ssize_t i
        double total = 0
    for i in range(n):
        total += values[i]
    return total


cdef Py_ssize_t tile_weights(NetworkCore core, const ParameterTile *tile) noexcept nogil:
    """Weights of a parameter tile."""
    return (tile.last - tile.first) * core.layers[tile.depth].units


cdef Py_ssize_t tile_rest(NetworkCore core, const ParameterTile *tile) noexcept nogil:
    """Parameters below them: biases, with batch normalization shifts and scales."""
    cdef Layer *layer = &core.layers[tile.depth]
    return (1 + layer.normalizes) * layer.units if tile.last == layer.inputs else 0


cdef void pack_weights(NetworkCore core, Workspace workspace, const ParameterTile *tile) noexcept nogil:
    """A tile's weights into panels, as the products of the next rows phase read them."""
    cdef:
        Layer *layer = &core.layers[tile.depth]
        LayerMemory *memory = &workspace.layers[tile.depth]
        Py_ssize_t width = core.kernels.panel_columns, rows = tile.last - tile.first
        char *weights = core.p + core.tile_offset(tile) * core.itemsize
    if memory.packed != NULL:
        core.kernels.pack(
            memory.packed + tile.first * width * core.itemsize, layer.inputs * width, weights, layer.units, 1, rows,
            layer.units,
        )
    if memory.packed_transpose != NULL:
        core.kernels.pack(
            memory.packed_transpose + tile.first * layer.units * core.itemsize, layer.units * width, weights, 1,
            layer.units, layer.units, rows,
        )
