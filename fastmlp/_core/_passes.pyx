"""The way of a batch through a network: tiles of rows there and back, then the gradient by tiles of the parameters.

1. A row tile is gathered, goes forward through all layers, gets its output delta and goes back through all layers,
   while its outputs are still in cache (S1 to S3).
2. A parameter tile's gradient, over the whole batch, comes after (S4, S5). Training does each step of the optimizer at
   the same time (`_training`); lbfgs and `Network.backward` take the gradient itself (`BatchPass`).
3. Tiles are cut by shape alone, and shared by the threads of a team. What needs all rows of a batch at once (batch
   normalization, activations and losses written in Python) makes one tile of them.
4. Losses are kept tile by tile and added up in one order, so that no number of threads changes a bit.
"""

from libc.math cimport NAN

from fastmlp._core._activations cimport IN_PYTHON
from fastmlp._core._data cimport expected_weight, gather_targets, gather_weights
from fastmlp._core._layers cimport KINDS_OF_LAYERS, gather_inputs, outputs
from fastmlp._core._pass cimport Layer
from fastmlp._core._user_code cimport python_loss
from fastmlp._core._workspace cimport glance


cdef Batch batch_of(
    const Net *net, const Rows *rows, Py_ssize_t first, Py_ssize_t n_rows, bint training, uint64_t seed,
) noexcept nogil:
    cdef Batch batch
    batch.first, batch.n_rows = first, n_rows
    batch.scale = net.loss_scale / expected_weight(rows, first, n_rows)
    batch.training, batch.seed = training, seed
    batch.statistics_vary = training and n_rows > 1
    return batch


cdef void forward_tile(const Pass *p, const Tile *tile, int last) noexcept nogil:
    """S1: gathered rows through the layers up to `last`."""
    cdef int place
    gather_inputs(p, tile)
    for place in range(1, last + 1):
        KINDS_OF_LAYERS[p.net.layers[place].kind].forward(p, tile, place)


cdef void backward_tile(const Pass *p, const Tile *tile, int first) noexcept nogil:
    """S3, S6: from the derivative by the outputs of layer `first` back to those of the lowest layer that needs one."""
    cdef int place
    for place in range(first, max(p.stop, 1) - 1, -1):
        KINDS_OF_LAYERS[p.net.layers[place].kind].backward(p, tile, place)


cdef double rows_tile(const Pass *p, const Tile *tile, bint goes_back) noexcept nogil:
    """One tile of a batch's rows, there and back; returns the sum of weight * loss."""
    cdef:
        double loss
        char *weights = NULL
    gather_targets(
        p.rows, p.memory.targets + tile.first * p.net.n_targets * p.net.itemsize, p.net.n_targets,
        p.batch.first + tile.first, tile.n_rows,
    )
    if p.rows.w != NULL:
        weights = p.memory.weights + tile.first * p.net.itemsize
        gather_weights(p.rows, weights, p.batch.first + tile.first, tile.n_rows)
    forward_tile(p, tile, p.net.raw)
    loss = output_delta(p, tile, weights, goes_back)
    if goes_back:
        backward_tile(p, tile, p.net.raw)
    return loss


cdef double output_delta(const Pass *p, const Tile *tile, const char *weights, bint goes_back) noexcept nogil:
    """S2: D_L, by the closed form where loss and activation match, else by dC/dA_L; returns weight * loss.

    If it does not go back, only the loss is meant.
    """
    cdef:
        int place = p.net.raw if p.net.loss_is_matched else p.net.n_layers
        const Layer *layer = &p.net.layers[place]
        Py_ssize_t before = tile.first * layer.outputs * p.net.itemsize
        double loss
    if not p.net.loss_is_matched:
        KINDS_OF_LAYERS[layer.kind].forward(p, tile, place)
    if p.net.loss_kernel == IN_PYTHON:
        loss = python_loss(p, tile, outputs(p, place) + before, weights, goes_back)
    else:
        loss = p.net.kernels.loss[p.net.loss_kernel](
            p.memory.layers[place].grad + before, outputs(p, place) + before,
            p.memory.targets + tile.first * p.net.n_targets * p.net.itemsize, weights, p.batch.scale, tile.n_rows,
            layer.outputs, &p.net.loss_arguments,
        )
    if goes_back and not p.net.loss_is_matched:
        KINDS_OF_LAYERS[layer.kind].backward(p, tile, place)
    return loss


cdef Tile row_tile(
    Py_ssize_t place, Py_ssize_t n_rows, Py_ssize_t number, Py_ssize_t n_tiles, int thread
) noexcept nogil:
    cdef:
        Tile tile
        Py_ssize_t first = number * n_rows // n_tiles
    tile.first, tile.n_rows, tile.thread = place + first, (number + 1) * n_rows // n_tiles - first, thread
    return tile


cdef void gradient_tile(char *out, const Pass *p, const ParameterTile *tile, int thread) noexcept nogil:
    """A parameter tile's gradient over the whole batch: that of rows of a matrix, and of the vectors below it."""
    if tile.n_matrix > 0:
        KINDS_OF_LAYERS[p.net.layers[tile.layer].kind].gradient(out, p, tile, thread)
    if tile.vectors > 0:
        KINDS_OF_LAYERS[p.net.layers[tile.vectors].kind].vector_gradient(
            out + tile.n_matrix * p.net.itemsize, p, tile.vectors
        )


# What the threads of a team do together; each of them calls these.

cdef double rows_phase(const Pass *p, Team team, Turn *turn, Py_ssize_t n_tiles, bint goes_back) noexcept nogil:
    """All row tiles; once the threads have met, each gets the sum of weight * loss, NaN if the pass has failed."""
    cdef:
        Tile tile
        Py_ssize_t number
        double loss = 0
    team.begin_phase(turn, n_tiles)
    if turn.thread == 0:
        glance(p.memory)
    number = team.take_tile(turn)
    while number >= 0 and not p.memory.failed:
        tile = row_tile(0, p.batch.n_rows, number, n_tiles, turn.thread)
        p.memory.row_losses[number] = rows_tile(p, &tile, goes_back)
        number = team.take_tile(turn)
        if number >= 0 and turn.thread == 0:
            glance(p.memory)
    team.meet()
    for number in range(n_tiles):
        loss += p.memory.row_losses[number]
    return NAN if p.memory.failed else loss


cdef void gradient_phase(char *out, const Pass *p, Team team, Turn *turn, bint of_trained) noexcept nogil:
    """The gradient into `out`, laid out as the parameters, and the sum of its squares tile by tile where it is kept."""
    cdef:
        const ParameterTile *tiles = p.net.trained if of_trained else p.net.tiles
        const ParameterTile *tile
        Py_ssize_t number
        char *gradient
    team.begin_phase(turn, p.net.n_trained if of_trained else p.net.n_tiles)
    number = team.take_tile(turn)
    while number >= 0:
        tile = &tiles[number]
        gradient = out + tile.offset * p.net.itemsize
        gradient_tile(gradient, p, tile, turn.thread)
        if p.memory.squares != NULL:
            p.memory.squares[number] = p.net.kernels.sum_of_squares(gradient, tile.n)
        number = team.take_tile(turn)
    team.meet()


cdef class BatchPass(Job):
    cdef void run(self, int thread) noexcept nogil:
        cdef:
            Turn turn
            double loss
        turn.thread, turn.phase = thread, 0
        loss = rows_phase(&self.p, self.team, &turn, self.n_tiles, self.goes_back)
        if thread == 0:
            self.loss = loss
        if self.gradient != NULL and not self.p.memory.failed:
            gradient_phase(self.gradient, &self.p, self.team, &turn, self.of_trained)


cdef class ForwardPass(Job):
    cdef void run(self, int thread) noexcept nogil:
        cdef:
            Turn turn
            Py_ssize_t number, n_blocks = (self.n_rows + self.block_rows - 1) // self.block_rows
        turn.thread, turn.phase = thread, 0
        self.team.begin_phase(&turn, n_blocks)
        number = self.team.take_tile(&turn)
        while number >= 0 and not self.p.memory.failed:
            self.block(number, thread)
            number = self.team.take_tile(&turn)
            if number >= 0 and thread == 0:
                glance(self.p.memory)

    cdef void block(self, Py_ssize_t number, int thread) noexcept nogil:
        """A block of rows in the thread's part of the workspace."""
        cdef:
            Pass p = self.p
            Py_ssize_t first = number * self.block_rows, place = thread * self.block_rows, n_tiles, i
            Py_ssize_t n_rows = min(self.block_rows, self.n_rows - first)
            char *out = self.out + (first - place) * <Py_ssize_t> self.out_row_bytes
            bint in_place = not self.activates or p.net.layers[p.net.n_layers].overwrites
            double loss = 0
            Tile tile
        p.batch = batch_of(
            p.net, p.rows, self.first_row + first, n_rows, self.p.batch.training, self.p.batch.seed
        )
        p.batch.first -= place
        if self.out != NULL:
            p.raw = out if in_place else NULL
            p.activated = out if self.activates else NULL
        if self.losses == NULL:
            tile = row_tile(place, n_rows, 0, 1, thread)
            forward_tile(&p, &tile, p.net.n_layers if self.activates else p.net.raw)
            return
        # The activated outputs replace the raw ones only once the loss has read these.
        n_tiles = self.plan.n_row_tiles(n_rows)
        for i in range(n_tiles):
            tile = row_tile(place, n_rows, i, n_tiles, thread)
            loss += rows_tile(&p, &tile, False)
        self.weights[number] = p.net.loss_scale / p.batch.scale
        self.losses[number] = NAN if p.memory.failed else p.batch.scale * loss
        if self.activates and p.net.loss_is_matched:
            tile = row_tile(place, n_rows, 0, 1, thread)
            KINDS_OF_LAYERS[p.net.layers[p.net.n_layers].kind].forward(&p, &tile, p.net.n_layers)
