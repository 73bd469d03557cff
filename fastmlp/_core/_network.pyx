"""What can be asked of one network: entry points that unpack their arguments, and let go of the GIL.

`Plan` knows shapes, kernels and tiles; `NetworkCore` the flat parameters; `Workspace` owns the memory of one batch;
`Data` points at the rows to learn from. None of them checks what Python has checked before, but for what would be read
or written beyond its end. Whatever goes wrong inside a pass is kept in the workspace, makes the pass's cost NaN, and is
raised at its end.
"""

from libc.string cimport memset

import numpy as np

from fastmlp._core._data cimport point_at
from fastmlp._core._layers cimport pack_weights, update_statistics
from fastmlp._core._memory cimport address
from fastmlp._core._pass cimport LayerMemory, Tile
from fastmlp._core._passes cimport BatchPass, backward_tile, batch_of, forward_tile, row_tile
from fastmlp._core._team cimport Team

# One thread, which is no thread of its own.
cdef Team alone = Team(1)

# Rows that are passed on with the GIL: letting go of it and taking it again would cost more than others could win.
cdef double MAX_WORK_WITH_GIL = 50e3


cdef class NetworkCore:
    """Forward and backward passes of one network.

    Parameters
    ----------
    parameters : ndarray of shape (n_parameters,), float32 or float64, C-contiguous
        Those of one layer after the other, as `fastmlp.layers` lists them. Training changes them in place.
    statistics : ndarray of the same dtype
        [mean; variance] of each layer of batch normalization. Training changes them in place.
    plan : Plan
    """

    def __cinit__(self, parameters, statistics, Plan plan):
        for name, array, size in [
            ("parameters", parameters, plan.n_parameters), ("statistics", statistics, plan.n_statistics)
        ]:
            if array.shape != (size,) or array.dtype != plan.dtype:
                raise ValueError(
                    f"{name} is {array.dtype} of shape {array.shape}; this network takes {plan.dtype} of "
                    f"shape ({size},)."
                )
        self.parameters, self.statistics, self.plan = parameters, statistics, plan
        self.p, self.s = address(parameters), address(statistics)
        self.idle = []

    def all_finite(self):
        """Whether no parameter and no running statistic is NaN or infinite."""
        return bool(
            self.plan.net.kernels.all_finite(self.p, self.plan.n_parameters)
            and self.plan.net.kernels.all_finite(self.s, len(self.statistics))
        )

    def workspace(self, Data data, rows=None, bint backward=False):
        """Memory for passes of one thread over `rows` rows of the data at once; all of them by default."""
        return Workspace(self.plan, data, data.rows.n_rows if rows is None else rows, backward)

    cdef Pass new_pass(self, const Rows *rows, Workspace workspace):
        cdef Pass p
        memset(&p, 0, sizeof(Pass))
        p.net, p.parameters, p.statistics = &self.plan.net, self.p, self.s
        p.memory, p.rows, p.stop = &workspace.memory, rows, self.plan.net.first_parameters
        return p

    cdef int check(self, const Rows *rows, dtype) except -1:
        """Refuse rows of another shape or dtype than the plan's, which would be read beyond their end."""
        if rows.n_columns != self.plan.net.layers[0].outputs or dtype != self.plan.dtype:
            raise ValueError(
                f"X is {dtype} with {rows.n_columns} columns, but this network computes in {self.plan.dtype} on "
                f"{self.plan.net.layers[0].outputs}; use forward, which converts."
            )
        return 0

    cdef int check_targets(self, Data data) except -1:
        cdef Py_ssize_t n_targets = self.plan.net.n_targets
        self.check(&data.rows, data.dtype)
        if data.rows.y == NULL and data.rows.n_rows > 0:
            raise ValueError("There are no targets; pass some with X.")
        if data.rows.label_bytes == 0 and data.rows.n_targets != n_targets:
            raise ValueError(f"y has {data.rows.n_targets} columns; this network has {n_targets} targets.")
        if data.rows.n_labels > max(n_targets, 2):
            raise ValueError(
                f"y has the class number {data.rows.n_labels - 1}; this network has {max(n_targets, 2)} classes."
            )
        return 0

    # Forward only.

    def predict(self, X, order=None, bint activate_output=False, Team team=None):
        """Outputs (or, not activated, net inputs of the output layer) of all rows, a block at a time.

        X is an ndarray or a CSR array, `order` which rows of it to take, and `team` shares the blocks.
        """
        cdef:
            Rows rows
            ForwardPass job = None
            Data data = None
            bint is_float32 = self.plan.net.itemsize == sizeof(float)
            bint in_place = team is None and order is None and point_at(&rows, X, is_float32)
            # Passes over many rows pack weights, which may have changed by the next one.
            bint is_prepared = in_place and rows.n_rows <= 2 * self.plan.tile_rows
            int last = self.plan.net.n_layers if activate_output else self.plan.net.raw
            Py_ssize_t n_columns = self.plan.net.layers[last].outputs
        if in_place:
            self.check(&rows, self.plan.dtype)
        else:
            data = Data(X, None, None, order)
            self.check(&data.rows, data.dtype)
            rows = data.rows
        if is_prepared and self.idle:
            job = <ForwardPass> self.idle.pop()
        else:
            job = self.forward_pass(data, team, False, self.plan.tile_rows if is_prepared else rows.n_rows)
        out = np.empty((rows.n_rows, n_columns), self.plan.dtype)
        job.activates, job.out = activate_output, address(out)
        job.out_row_bytes = n_columns * self.plan.net.itemsize
        self.run_forward(job, &rows, team)
        if is_prepared and not self.idle and self.watcher is None:
            self.idle.append(job)
        return out

    cdef int run_forward(self, ForwardPass job, const Rows *rows, Team team) except -1:
        """Rows through a pass, whose outputs have a place."""
        job.p.rows, job.n_rows = rows, rows.n_rows
        if team is not None:
            job.team = team
            team.run(job)
        elif rows.n_rows * self.plan.row_work <= MAX_WORK_WITH_GIL:
            job.run(0)
        else:
            with nogil:
                job.run(0)
        return (<Workspace> job.p.memory.owner).raise_error()

    def predict_blocks(self, X, blocks, take, bint activate_output=False, Team team=None):
        """Let `take` have each of the slices `blocks` of the rows, and what `predict` returns for it.

        The outputs are in memory that the next block overwrites; the first block is the largest.
        """
        cdef:
            Data data = Data(X)
            ForwardPass job = self.forward_pass(data, team, False, data.rows.n_rows)
            int last = self.plan.net.n_layers if activate_output else self.plan.net.raw
            Py_ssize_t n_columns = self.plan.net.layers[last].outputs
        self.check(&data.rows, data.dtype)
        out = np.empty((blocks[0].stop, n_columns), self.plan.dtype)
        job.p.rows, job.activates, job.out = &data.rows, activate_output, address(out)
        job.out_row_bytes = n_columns * self.plan.net.itemsize
        for rows in blocks:
            job.first_row, job.n_rows = rows.start, rows.stop - rows.start
            (alone if team is None else team).run(job)
            (<Workspace> job.p.memory.owner).raise_error()
            take(rows, out[: job.n_rows])

    def evaluate(self, Data data, bint activate_output=False, Team team=None, bint with_outputs=True):
        """(weighted mean loss, outputs as of `predict` or None) of all rows, as in prediction, in one pass."""
        cdef:
            ForwardPass job
            int last = self.plan.net.n_layers if activate_output else self.plan.net.raw
            Py_ssize_t n_columns = self.plan.net.layers[last].outputs
            Py_ssize_t n_blocks
            double total = 0, total_weight = 0
        self.check_targets(data)
        job = self.forward_pass(data, team, True, data.rows.n_rows)
        n_blocks = (data.rows.n_rows + job.block_rows - 1) // job.block_rows
        out = np.empty((data.rows.n_rows, n_columns), self.plan.dtype) if with_outputs else None
        sums = np.empty((2, n_blocks))
        job.p.rows, job.n_rows, job.activates, job.out = &data.rows, data.rows.n_rows, activate_output, address(out)
        job.out_row_bytes = n_columns * self.plan.net.itemsize
        job.losses, job.weights = <double *> address(sums), <double *> address(sums) + n_blocks
        if team is not None:
            team.run(job)
        else:
            with nogil:
                job.run(0)
        (<Workspace> job.p.memory.owner).raise_error()
        for number in range(n_blocks):
            total += job.weights[number] * job.losses[number]
            total_weight += job.weights[number]
        return total / total_weight, out

    cdef ForwardPass forward_pass(self, Data data, team, bint backward, Py_ssize_t n_rows):
        """Memory and settings for a pass over blocks of rows; the caller sets rows and outputs."""
        cdef:
            ForwardPass job = ForwardPass()
            int n_threads = 1 if team is None else team.n_threads
            bint packs
        job.block_rows = max(1, min(self.plan.tile_rows, n_rows))
        packs = n_rows > 2 * n_threads * job.block_rows
        workspace = Workspace(
            self.plan, data, n_threads * job.block_rows, backward, packs and not backward, n_threads
        )
        workspace.watcher = self.watcher
        job.plan, job.team, job.workspace = self.plan, alone if team is None else team, workspace
        job.p = self.new_pass(NULL, workspace)
        workspace.expect_glances(self.plan, self.plan.forward_work(job.block_rows))
        if packs and not backward:
            for number in range(self.plan.net.n_tiles):
                pack_weights(&job.p, &self.plan.net.tiles[number])
        return job

    def forward(self, Workspace workspace, Data data, seed=None):
        """All rows as one batch, into the workspace's activations; a training pass fills its outputs too.

        It is a training pass, here and below, if there is a seed for what it draws.
        """
        cdef:
            Pass p = self.new_pass(&data.rows, workspace)
            Tile tile = row_tile(0, data.rows.n_rows, 0, 1, 0)
        self._check_pass(workspace, data, False, None)
        p.batch = batch_of(p.net, p.rows, 0, data.rows.n_rows, seed is not None, seed or 0)
        with nogil:
            forward_tile(&p, &tile, p.net.n_layers)
        workspace.raise_error()

    # There and back.

    def backward(
        self, Workspace workspace, Data data, gradient, seed=None, Team team=None, bint of_trained=False
    ):
        """One batch of all rows: fill the workspace's deltas and `gradient`, return (cost, sum of weights).

        With `of_trained` deltas and gradient are those that training needs, and the others stay as they are.
        """
        cdef BatchPass job = self._batch_pass(workspace, data, seed, team)
        if len(gradient) != self.plan.n_parameters or gradient.dtype != self.plan.dtype:
            raise ValueError(f"gradient has {len(gradient)} elements; the network has {self.plan.n_parameters}.")
        job.goes_back, job.of_trained, job.gradient = True, of_trained, address(gradient)
        if of_trained:
            job.p.stop = self.plan.net.first_trained
        job.team.run(job)
        workspace.raise_error()
        return job.p.batch.scale * job.loss, self.plan.net.loss_scale / job.p.batch.scale

    def cost(self, Workspace workspace, Data data, seed=None):
        """The cost of all rows as one batch."""
        cdef BatchPass job = self._batch_pass(workspace, data, seed, None)
        job.team.run(job)
        workspace.raise_error()
        return job.p.batch.scale * job.loss

    cdef int _check_pass(self, Workspace workspace, Data data, bint backward, Team team) except -1:
        self.check(&data.rows, data.dtype)
        return workspace.check(
            self.plan, data, data.rows.n_rows, backward, False, 1 if team is None else team.n_threads
        )

    def _batch_pass(self, Workspace workspace, Data data, seed, Team team):
        cdef BatchPass job = BatchPass()
        self.check_targets(data)
        self._check_pass(workspace, data, True, team)
        job.p, job.team = self.new_pass(&data.rows, workspace), alone if team is None else team
        job.p.batch = batch_of(&self.plan.net, &data.rows, 0, data.rows.n_rows, seed is not None, seed or 0)
        job.n_tiles = self.plan.n_row_tiles(data.rows.n_rows)
        workspace.expect_glances(self.plan, self.plan.work(data.rows.n_rows) / job.n_tiles)
        return job

    def follow_batch_statistics(self, Workspace workspace, Data data):
        """Let the running statistics follow those of the workspace's last training pass, which was over the data."""
        cdef Pass p = self.new_pass(NULL, workspace)
        self._check_pass(workspace, data, False, None)
        p.batch.n_rows, p.batch.statistics_vary = data.rows.n_rows, data.rows.n_rows > 1
        if p.batch.statistics_vary:
            update_statistics(&p)

    # From any derivative by the outputs back to the inputs.

    def pull_back(self, Workspace workspace, Data data):
        """Fill the workspace's deltas, after `forward` of the data: from its output_gradient down."""
        cdef:
            Pass p = self.new_pass(&data.rows, workspace)
            Tile tile = row_tile(0, data.rows.n_rows, 0, 1, 0)
        self._check_pass(workspace, data, True, None)
        p.batch = batch_of(p.net, p.rows, 0, data.rows.n_rows, False, 0)
        with nogil:
            backward_tile(&p, &tile, p.net.n_layers)
        workspace.raise_error()

    def input_gradient(self, Workspace workspace, Data data, out, seed=None):
        """dC/dX = D_1 W_1^T of the last pass (S24), into `out` (rows, n_features)."""
        cdef:
            Pass p = self.new_pass(&data.rows, workspace)
            Tile tile = row_tile(0, data.rows.n_rows, 0, 1, 0)
            LayerMemory *layers = workspace.memory.layers
            int place
        self._check_pass(workspace, data, True, None)
        if out.shape != (data.rows.n_rows, self.plan.net.layers[0].outputs) or out.dtype != self.plan.dtype:
            raise ValueError(f"out has shape {out.shape}; it has to be that of X.")
        p.batch = batch_of(p.net, p.rows, 0, data.rows.n_rows, seed is not None, seed or 0)
        p.stop = 0
        # Below the lowest layer with parameters all are as wide as X, and may share its gradient's memory.
        for place in range(self.plan.net.first_parameters):
            layers[place].grad = address(out)
        with nogil:
            backward_tile(&p, &tile, self.plan.net.first_parameters)
        for place in range(self.plan.net.first_parameters):
            layers[place].grad = NULL
