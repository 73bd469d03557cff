"""Training steps of one network, by a team of threads, without the GIL.

A step has two phases. **Rows**: each row tile goes there and back through all layers (S1 to S3). **Parameters**: a tile
of rows of [W_l; b_l] gets its gradient over the whole batch (S4, S5), the penalties and the optimizer's step at once,
and is packed for the next step while it is in cache. All deltas are computed before any weight changes (S11): the
threads meet after each phase, and share nothing within one. What needs the whole gradient first (clipping its norm) is
a phase more. Losses and penalties are kept tile by tile and added up in one order, so that neither the number of
threads nor who was faster can change a bit of the result.
"""

from libc.math cimport INFINITY, isfinite, sqrt
from libc.stdint cimport uint64_t

from fastmlp._core._data cimport Data
from fastmlp._core._kernels cimport FM_N_OPTIMIZERS, fm_kernels, fm_optimizer_names, fm_step, numbers_of
from fastmlp._core._layers cimport pack_weights, update_statistics
from fastmlp._core._memory cimport PAGE, address
from fastmlp._core._network cimport NetworkCore
from fastmlp._core._pass cimport Net, ParameterTile, Pass, Tile
from fastmlp._core._passes cimport batch_of, gradient_phase, gradient_tile, row_tile, rows_phase, rows_tile
from fastmlp._core._team cimport Job, Team, Turn
from fastmlp._core._workspace cimport Workspace

OPTIMIZER_KERNELS = numbers_of(fm_optimizer_names, FM_N_OPTIMIZERS)

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
    rule : object
        Its attributes are what a step goes by: ``optimizer``, whose moments and the network are changed in place,
        ``batch_size``, the penalties ``l1`` and ``alpha``, and ``clip_norm``, the longest gradient, None for no limit.
    """

    cdef:
        NetworkCore core
        readonly Workspace workspace
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
        readonly Py_ssize_t n_taken  # steps of the last call of run_steps, and the sum over them of cost times rows
        readonly double total
        Pass p             # of the first batch; each thread has its own

    def __init__(self, NetworkCore core, Workspace workspace, Data data, Team team, rule):
        optimizer = rule.optimizer
        moments = optimizer.moments
        if not all(array.flags.writeable for array in (core.parameters, core.statistics, *moments)):
            raise ValueError("Parameters, statistics and moments are read-only; copy them first.")
        if any(moment.shape != core.parameters.shape or moment.dtype != core.parameters.dtype for moment in moments):
            raise ValueError("The optimizer's moments are those of another network; make a new optimizer.")
        core.check_targets(data)
        workspace.check(core.plan, data, rule.batch_size, True, True, team.n_threads)
        self.core, self.workspace, self.data, self.team, self.moments = core, workspace, data, team, moments
        self.batch_size, self.l1, self.l2 = rule.batch_size, rule.l1, rule.alpha
        self.step.kernel = OPTIMIZER_KERNELS[optimizer.kernel]
        self.step.moment_1 = address(moments[0])
        self.step.moment_2 = address(moments[1]) if len(moments) > 1 else NULL
        self.step.scalars.decay_1, self.step.scalars.decay_2 = optimizer.decay_1, optimizer.decay_2
        self.step.scalars.epsilon, self.step.scalars.nesterov = optimizer.epsilon, optimizer.nesterov
        self.step.clip_norm = INFINITY if rule.clip_norm is None else rule.clip_norm
        if rule.clip_norm is not None:
            workspace.make_whole_gradient(core.plan.n_parameters)
        self.p = core.new_pass(&data.rows, workspace)
        self.p.stop = core.plan.net.first_trained
        workspace.expect_glances(core.plan, core.plan.work(rule.batch_size) / core.plan.n_row_tiles(rule.batch_size))

    def is_finite(self, Py_ssize_t n_rows):
        """Whether all weights are finite, and in prediction the weighted losses of the first `n_rows` rows."""
        cdef:
            Pass p = self.p
            Tile tile
            double loss
        p.batch = batch_of(p.net, p.rows, 0, min(n_rows, p.rows.n_rows, self.workspace.rows), False, 0)
        tile = row_tile(0, p.batch.n_rows, 0, 1, 0)
        if not self.core.all_finite():
            return False
        with nogil:
            loss = rows_tile(&p, &tile, False)
        self.workspace.raise_error()
        return bool(isfinite(loss))

    def run_steps(self, Py_ssize_t first, const double[:, ::1] sizes, uint64_t seed):
        """Steps from row `first`, one for each row of `sizes`; the last batch may be short.

        A row of `sizes` is (step size, factor by which the weights shrink before it). Returns the sum over batches of
        cost times rows. Where a batch's cost is NaN or infinite, training stops before that batch's step, and the sum
        is NaN or infinite too. It also stops before a step where a signal's handler or the workspace's watcher raises.
        """
        self.first, self.sizes, self.seed, self.total, self.n_taken = first, sizes, seed, 0, 0
        self.team.run(self)
        self.workspace.raise_error()
        return self.total

    cdef void run(self, int thread) noexcept nogil:
        cdef:
            Pass p = self.p
            const Net *net = p.net
            Py_ssize_t number, n_tiles, first = self.first
            double loss, norm, row_scale
            Step step = self.step  # each thread has its own
            Turn turn
        turn.thread, turn.phase = thread, 0
        self.packing_phase(&p, &turn)
        for number in range(self.sizes.shape[0]):
            p.batch = batch_of(
                net, p.rows, first, min(self.batch_size, p.rows.n_rows - first), True, self.seed + <uint64_t> number
            )
            first += p.batch.n_rows
            n_tiles = self.core.plan.n_row_tiles(p.batch.n_rows)
            loss = p.batch.scale * rows_phase(&p, self.team, &turn, n_tiles, True)
            if not isfinite(loss):  # which all threads see
                if thread == 0 and not p.memory.failed:
                    self.total = loss
                return
            step.scalars.learning_rate, step.shrink = self.sizes[number, 0], self.sizes[number, 1]
            if self.l1 > 0 or self.l2 > 0:  # divisions are a part of what a step on one row takes
                # A row counts once against penalties where weights are small, so that these do not grow.
                row_scale = min(p.batch.scale, net.loss_scale / p.batch.n_rows)
                step.l1, step.l2 = self.l1 * row_scale / net.loss_scale, self.l2 * row_scale / net.loss_scale
            norm = 0
            if isfinite(step.clip_norm):
                gradient_phase(p.memory.whole_gradient, &p, self.team, &turn, True)
                norm = sqrt(sum_of(p.memory.squares, net.n_trained))
            if thread == 0 and p.batch.statistics_vary:
                update_statistics(&p)
            self.parameters_phase(&p, &turn, &step, norm)
            if thread == 0:
                loss += sum_of(p.memory.penalties, net.n_trained)
                self.total += loss * p.batch.n_rows
                self.n_taken = number + 1

    cdef void packing_phase(self, const Pass *p, Turn *turn) noexcept nogil:
        """Weights into panels, before the first step: they may have been changed since the last call."""
        cdef Py_ssize_t number
        self.team.begin_phase(turn, p.net.n_tiles)
        number = self.team.take_tile(turn)
        while number >= 0:
            pack_weights(p, &p.net.tiles[number])
            number = self.team.take_tile(turn)
        self.team.meet()

    cdef void parameters_phase(self, const Pass *p, Turn *turn, const Step *step, double norm) noexcept nogil:
        """Gradient, penalties and step, tile by tile. `norm` is that of the gradient, where it may be clipped."""
        cdef:
            const ParameterTile *tile
            Py_ssize_t number, offset
            char *gradient
        self.team.begin_phase(turn, p.net.n_trained)
        number = self.team.take_tile(turn)
        while number >= 0:
            tile = &p.net.trained[number]
            offset = tile.offset * p.net.itemsize
            if isfinite(step.clip_norm):
                gradient = p.memory.whole_gradient + offset
                if norm > step.clip_norm:
                    p.net.kernels.scale(gradient, tile.n, step.clip_norm / norm)
            else:
                # As far from the parameters in a page as a whole array of gradients would be.
                gradient = p.memory.gradients + turn.thread * p.memory.thread_gradient_bytes + offset % PAGE
                gradient_tile(gradient, p, tile, turn.thread)
            p.memory.penalties[number] = update(p, tile, step, gradient)
            pack_weights(p, tile)
            number = self.team.take_tile(turn)
        self.team.meet()


cdef double update(const Pass *p, const ParameterTile *tile, const Step *step, char *gradient) noexcept nogil:
    """Weight decay, penalties and step on a tile's parameters; returns the penalties before it.

    Penalties are those of the first `n_penalized`; on the others the step alone is done.
    """
    cdef:
        const fm_kernels *kernels = p.net.kernels
        Py_ssize_t offset = tile.offset * p.net.itemsize
        char *parameters = p.parameters + offset
        double penalty = 0, squares = 0, squares_in_step, shrink = step.shrink
        double l1 = step.l1 * tile.penalty, l2 = step.l2 * tile.penalty
        fm_step scalars = step.scalars
    scalars.learning_rate *= tile.rate
    if tile.rate * tile.penalty != 1:
        shrink = 1 - (1 - shrink) * tile.rate * tile.penalty
    if l1 > 0:
        penalty = l1 * kernels.add_l1_gradient(gradient, parameters, tile.n_penalized, l1)
    if shrink != 1:
        squares = kernels.sum_of_squares(parameters, tile.n_penalized)
        kernels.scale(parameters, tile.n_penalized, shrink)
    squares_in_step = kernels.update[step.kernel](
        parameters, step.moment_1 + offset, step.moment_2 + offset if step.moment_2 != NULL else NULL, gradient,
        tile.n, tile.n_penalized, l2, &scalars,
    )
    return penalty + 0.5 * l2 * (squares if shrink != 1 else squares_in_step)


cdef double sum_of(const double *values, Py_ssize_t n) noexcept nogil:
    cdef:
        Py_ssize_t i
        double total = 0
    for i in range(n):
        total += values[i]
    return total
