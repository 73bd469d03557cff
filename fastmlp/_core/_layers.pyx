"""The kinds of layers: what each does with a tile of rows, there and back, and the gradient by its parameters.

A function is given the pass, the tile of rows, and the layer's place among all layers. It reads what the layer before
has made, and writes into its own memory; on the way back, it reads the derivative of the cost by its own outputs, and
writes that by the outputs of the layer before.
"""

from libc.stdint cimport uint32_t, uint64_t
from libc.string cimport memcpy, memset

from fastmlp._core._activations cimport IN_PYTHON
from fastmlp._core._data cimport column, gather_rows, row_end, row_start, rows_in_place
from fastmlp._core._kernels cimport (
    FM_POWER_PRODUCT,
    FM_RANDOMIZED_LEAKY_RELU,
    fm_activation_arguments,
    fm_product,
)
from fastmlp._core._pass cimport Layer, LayerMemory
from fastmlp._core._products cimport multiply, scratch_of
from fastmlp._core._user_code cimport check_domain, python_backward, python_forward

# Batch normalization, as in PyTorch: added to the variance, and the share of a batch in the running statistics.
cdef double BATCH_NORM_EPSILON = 1e-5
cdef double BATCH_NORM_MOMENTUM = 0.1


cdef char *outputs(const Pass *p, int place) noexcept nogil:
    cdef const char *x
    while p.net.layers[place].kind == DROPOUT and place > 0 and not drops(p, place):
        place -= 1
    if place == p.net.raw and p.raw != NULL:
        return p.raw
    if place == p.net.n_layers and p.activated != NULL:
        return p.activated
    if place == 0:
        if p.memory.reads_stored_values:
            return NULL
        x = rows_in_place(p.rows, p.batch.first)
        if x != NULL:
            return <char *> x
    return p.memory.layers[place].out


cdef inline char *inputs_of_tile(const Pass *p, const Tile *tile, int place) noexcept nogil:
    cdef char *all_rows = outputs(p, place - 1)
    return NULL if all_rows == NULL else all_rows + tile.first * p.net.layers[place].inputs * p.net.itemsize


cdef inline char *outputs_of_tile(const Pass *p, const Tile *tile, int place) noexcept nogil:
    return outputs(p, place) + tile.first * p.net.layers[place].outputs * p.net.itemsize


cdef inline char *grad_of_tile(const Pass *p, const Tile *tile, int place) noexcept nogil:
    return p.memory.layers[place].grad + tile.first * p.net.layers[place].outputs * p.net.itemsize


cdef inline char *matrix(const Pass *p, int place) noexcept nogil:
    return p.parameters + p.net.layers[place].offset * p.net.itemsize


cdef inline char *vectors(const Pass *p, int place) noexcept nogil:
    return p.parameters + p.net.layers[place].vectors * p.net.itemsize


# The input.

cdef void gather_inputs(const Pass *p, const Tile *tile) noexcept nogil:
    """Bring a tile's rows together, unless they are read where they are."""
    if p.memory.reads_stored_values:
        if p.memory.positions != NULL:
            find_positions(p, tile)
    elif rows_in_place(p.rows, p.batch.first) == NULL:
        gather_rows(
            p.rows, p.net.kernels, p.memory.layers[0].out + tile.first * <Py_ssize_t> p.rows.row_bytes,
            p.batch.first + tile.first, tile.n_rows,
        )


cdef void find_positions(const Pass *p, const Tile *tile) noexcept nogil:
    """Where in each sparse row the columns of each of layer 1's parameter tiles begin."""
    cdef:
        Py_ssize_t i, j, end, number, n_tiles = p.net.n_first_tiles
        Py_ssize_t *position = p.memory.positions + tile.first * (n_tiles + 1)
    for i in range(p.batch.first + tile.first, p.batch.first + tile.first + tile.n_rows):
        j, end = row_start(p.rows, i), row_end(p.rows, i)
        for number in range(n_tiles):
            position[number] = j
            while j < end and column(p.rows, j) < p.net.tiles[number].last:
                j += 1
        position[n_tiles] = end
        position += n_tiles + 1


# Dense: Z = A W + b (S1).

cdef void dense_forward(const Pass *p, const Tile *tile, int place) noexcept nogil:
    cdef:
        const Layer *layer = &p.net.layers[place]
        const char *bias = vectors(p, place) if layer.has_vectors else NULL
        fm_product product
    product.a, product.c = inputs_of_tile(p, tile, place), outputs_of_tile(p, tile, place)
    if product.a == NULL:
        sparse_forward(p, tile, <char *> product.c, bias)
        return
    if layer.compact != NULL and tile.n_rows == 1:
        p.net.kernels.compact_row[layer.compact_kind](
            product.c, product.a, layer.compact, layer.compact_scales, bias, layer.outputs, layer.inputs,
            layer.adds_relu, scratch_of(p.memory, tile.thread),
        )
        return
    product.b = matrix(p, place)
    product.a_row, product.a_col, product.b_row, product.b_col = layer.inputs, 1, layer.outputs, 1
    product.m, product.n, product.k = tile.n_rows, layer.outputs, layer.inputs
    product.packed, product.init = p.memory.layers[place].packed, bias
    product.relu, product.mask = layer.adds_relu, NULL
    multiply(p.net.kernels, &product, scratch_of(p.memory, tile.thread))


cdef void sparse_forward(const Pass *p, const Tile *tile, char *z, const char *bias) noexcept nogil:
    """Layer 1 by the stored values of X: each of them touches one row of W."""
    cdef:
        const Layer *layer = &p.net.layers[1]
        Py_ssize_t i, start
    for i in range(p.batch.first + tile.first, p.batch.first + tile.first + tile.n_rows):
        start = row_start(p.rows, i)
        p.net.kernels.sparse_row(
            z, p.rows.x + start * p.net.itemsize, p.rows.columns + start * p.rows.index_bytes, p.rows.index_bytes,
            row_end(p.rows, i) - start, matrix(p, 1), bias, layer.outputs, layer.adds_relu,
        )
        z += layer.outputs * p.net.itemsize


cdef void dense_backward(const Pass *p, const Tile *tile, int place) noexcept nogil:
    """D W^T (S3), with the weights transposed by strides, never by a copy; a ReLU before it masks the product."""
    cdef:
        const Layer *layer = &p.net.layers[place]
        fm_product product
    pack_delta(p, tile, place)
    if place == p.stop:
        return
    product.c, product.b = grad_of_tile(p, tile, place - 1), matrix(p, place)
    product.a = grad_of_tile(p, tile, place)
    product.a_row, product.a_col, product.b_row, product.b_col = layer.outputs, 1, 1, layer.outputs
    product.m, product.n, product.k = tile.n_rows, layer.inputs, layer.outputs
    product.packed, product.init = p.memory.layers[place].packed_transpose, NULL
    product.relu, product.mask = False, inputs_of_tile(p, tile, place) if layer.masks_delta else NULL
    multiply(p.net.kernels, &product, scratch_of(p.memory, tile.thread))


cdef void pack_delta(const Pass *p, const Tile *tile, int place) noexcept nogil:
    """A tile's D into panels, while it is in cache: all of the layer's gradient tiles will read them."""
    cdef:
        const LayerMemory *memory = &p.memory.layers[place]
        Py_ssize_t width = p.net.kernels.panel_columns, n_columns = p.net.layers[place].outputs
    if memory.packed_delta != NULL:
        p.net.kernels.pack(
            memory.packed_delta + tile.first * width * p.net.itemsize, p.batch.n_rows * width,
            grad_of_tile(p, tile, place), n_columns, 1, tile.n_rows, n_columns,
        )


cdef void dense_gradient(char *out, const Pass *p, const ParameterTile *tile, int thread) noexcept nogil:
    """The tile's rows of dC/dW = A^T D (S5)."""
    cdef:
        const Layer *layer = &p.net.layers[tile.layer]
        const LayerMemory *memory = &p.memory.layers[tile.layer]
        const char *a = outputs(p, tile.layer - 1)
        fm_product product
    if a == NULL:
        sparse_gradient(out, p, tile)
        return
    product.c, product.b, product.a = out, memory.grad, a + tile.first * p.net.itemsize
    product.a_row, product.a_col, product.b_row, product.b_col = 1, layer.inputs, layer.outputs, 1
    product.m, product.n, product.k = tile.last - tile.first, layer.outputs, p.batch.n_rows
    product.packed, product.init = memory.packed_delta, NULL
    product.relu, product.mask = False, NULL
    multiply(p.net.kernels, &product, scratch_of(p.memory, thread))


cdef void sparse_gradient(char *out, const Pass *p, const ParameterTile *tile) noexcept nogil:
    """The tile's rows of X^T D_1, of which only those of stored values are touched."""
    cdef:
        Py_ssize_t _, start, n_columns = p.net.layers[1].outputs
        Py_ssize_t *position = p.memory.positions + tile.number
        const char *delta = p.memory.layers[1].grad
    memset(out, 0, tile.n_matrix * p.net.itemsize)
    for _ in range(p.batch.n_rows):
        start = position[0]
        p.net.kernels.sparse_gradient(
            out, delta, p.rows.x + start * p.net.itemsize, p.rows.columns + start * p.rows.index_bytes,
            p.rows.index_bytes, position[1] - start, tile.first, n_columns,
        )
        position += p.net.n_first_tiles + 1
        delta += n_columns * p.net.itemsize


cdef void bias_gradient(char *out, const Pass *p, int place) noexcept nogil:
    """dC/db: the column sums of D (S4)."""
    p.net.kernels.column_sums(out, p.memory.layers[place].grad, p.batch.n_rows, p.net.layers[place].outputs)


cdef void pack_weights(const Pass *p, const ParameterTile *tile) noexcept nogil:
    """A tile's weights into panels, as the products of the next rows phase read them."""
    cdef:
        const Layer *layer = &p.net.layers[tile.layer]
        const LayerMemory *memory = &p.memory.layers[tile.layer]
        Py_ssize_t width = p.net.kernels.panel_columns, n_rows = tile.last - tile.first
        const char *weights = p.parameters + tile.offset * p.net.itemsize
    if memory.packed != NULL:
        p.net.kernels.pack(
            memory.packed + tile.first * width * p.net.itemsize, layer.inputs * width, weights, layer.outputs, 1,
            n_rows, layer.outputs,
        )
    if memory.packed_transpose != NULL:
        p.net.kernels.pack(
            memory.packed_transpose + tile.first * layer.outputs * p.net.itemsize, layer.outputs * width, weights, 1,
            layer.outputs, layer.outputs, n_rows,
        )


# Batch normalization (S13), by the batch's statistics or the running ones. Its batch is one tile.

cdef inline bint statistics_vary(const Pass *p, int place) noexcept nogil:
    return p.batch.statistics_vary and p.net.layers[place].is_trainable


cdef void batch_norm_forward(const Pass *p, const Tile *tile, int place) noexcept nogil:
    """Z = scale * normalized + shift; what was normalized stays in the memory of the layer before."""
    cdef:
        const Layer *layer = &p.net.layers[place]
        const LayerMemory *memory = &p.memory.layers[place]
        char *normalized = inputs_of_tile(p, tile, place)
        char *mean = p.statistics + layer.statistics * p.net.itemsize
        char *variance = mean + layer.outputs * p.net.itemsize
        char *shift = vectors(p, place)
        char *inverse = memory.inverse + tile.thread * layer.outputs * p.net.itemsize
    if statistics_vary(p, place):
        mean, variance = memory.mean, memory.variance
        p.net.kernels.column_moments(mean, variance, normalized, tile.n_rows, layer.outputs)
    p.net.kernels.inverse_deviation(inverse, variance, layer.outputs, BATCH_NORM_EPSILON)
    p.net.kernels.batch_norm_forward(
        outputs_of_tile(p, tile, place), normalized, mean, inverse, shift + layer.outputs * p.net.itemsize, shift,
        tile.n_rows, layer.outputs,
    )


cdef void batch_norm_backward(const Pass *p, const Tile *tile, int place) noexcept nogil:
    cdef:
        const Layer *layer = &p.net.layers[place]
        const LayerMemory *memory = &p.memory.layers[place]
        Py_ssize_t row_bytes = layer.outputs * p.net.itemsize
        const char *inverse = memory.inverse + tile.thread * row_bytes
        const char *scale = vectors(p, place) + row_bytes
    p.net.kernels.batch_norm_backward(
        grad_of_tile(p, tile, place), memory.vector_gradient, inputs_of_tile(p, tile, place), inverse, scale,
        tile.n_rows, layer.outputs, statistics_vary(p, place),
    )


cdef void batch_norm_gradient(char *out, const Pass *p, int place) noexcept nogil:
    """By shift and scale, which the way back has found."""
    memcpy(out, p.memory.layers[place].vector_gradient, 2 * p.net.layers[place].outputs * p.net.itemsize)


cdef void update_statistics(const Pass *p) noexcept nogil:
    """Running mean and (unbiased) variance move towards those of the batch."""
    cdef:
        int place
        Py_ssize_t n_columns
        double unbiased = p.batch.n_rows / (p.batch.n_rows - 1.0)
        char *mean
    for place in range(1, p.net.n_layers + 1):
        if p.net.layers[place].kind == BATCH_NORM and statistics_vary(p, place):
            n_columns = p.net.layers[place].outputs
            mean = p.statistics + p.net.layers[place].statistics * p.net.itemsize
            p.net.kernels.running_update(mean, p.memory.layers[place].mean, n_columns, BATCH_NORM_MOMENTUM, 1)
            p.net.kernels.running_update(
                mean + n_columns * p.net.itemsize, p.memory.layers[place].variance, n_columns, BATCH_NORM_MOMENTUM,
                unbiased,
            )


# Activations: A = h(Z) (S7), and D = J^T dC/dA on the way back (S6).

cdef void activation_forward(const Pass *p, const Tile *tile, int place) noexcept nogil:
    cdef:
        const Layer *layer = &p.net.layers[place]
        int kernel = layer.kernel if p.batch.training else layer.fixed_kernel
        char *a = outputs_of_tile(p, tile, place)
        char *z = inputs_of_tile(p, tile, place)
        fm_activation_arguments random
    if layer.is_in_product:
        return
    if kernel == IN_PYTHON:
        python_forward(p, place, a, z, tile.n_rows)
        return
    p.net.kernels.activation_forward[kernel](
        a, z, tile.n_rows, layer.inputs, arguments_of(p, tile, place, kernel, &random)
    )
    if kernel == FM_POWER_PRODUCT:
        check_domain(p, place, a, z, tile.n_rows)


cdef void activation_backward(const Pass *p, const Tile *tile, int place) noexcept nogil:
    cdef:
        const Layer *layer = &p.net.layers[place]
        int kernel = layer.kernel if p.batch.training else layer.fixed_kernel
        fm_activation_arguments random
    if layer.is_in_product_back:
        return
    if kernel == IN_PYTHON:
        python_backward(
            p, tile, place, outputs_of_tile(p, tile, place), inputs_of_tile(p, tile, place)
        )
        return
    p.net.kernels.activation_backward[kernel](
        grad_of_tile(p, tile, place - 1), grad_of_tile(p, tile, place), outputs_of_tile(p, tile, place),
        inputs_of_tile(p, tile, place), tile.n_rows, layer.inputs, arguments_of(p, tile, place, kernel, &random),
    )


cdef inline const fm_activation_arguments *arguments_of(
    const Pass *p, const Tile *tile, int place, int kernel, fm_activation_arguments *random
) noexcept nogil:
    """A layer's arguments; with what random slopes are drawn by, in `random`."""
    if kernel != FM_RANDOMIZED_LEAKY_RELU:
        return &p.net.layers[place].arguments
    random[0] = p.net.layers[place].arguments
    random.key, random.first_row = key_of(p.batch.seed, 2 * p.net.layers[place].number + 1), tile.first
    return random


# Dropout (S13): the mask is drawn on the way forward, and drawn again on the way back.

cdef inline bint drops(const Pass *p, int place) noexcept nogil:
    return p.batch.training and p.net.layers[place].rate > 0


cdef void dropout_forward(const Pass *p, const Tile *tile, int place) noexcept nogil:
    if drops(p, place):
        drop(p, tile, place, outputs_of_tile(p, tile, place), inputs_of_tile(p, tile, place))


cdef void dropout_backward(const Pass *p, const Tile *tile, int place) noexcept nogil:
    if drops(p, place):
        drop(p, tile, place, grad_of_tile(p, tile, place - 1), grad_of_tile(p, tile, place))


cdef void drop(const Pass *p, const Tile *tile, int place, char *out, const char *x) noexcept nogil:
    cdef const Layer *layer = &p.net.layers[place]
    p.net.kernels.dropout(
        out, x, tile.n_rows, layer.outputs, layer.rate, key_of(p.batch.seed, 2 * layer.number), tile.first
    )


cdef uint32_t key_of(uint64_t seed, uint64_t stream) noexcept nogil:
    """A key for each stream of each pass: the mixing function of splitmix64."""
    cdef uint64_t x = seed * <uint64_t> 0x9E3779B97F4A7C15 + stream * <uint64_t> 0xD1B54A32D192ED03
    x = (x ^ (x >> 30)) * <uint64_t> 0xBF58476D1CE4E5B9
    x = (x ^ (x >> 27)) * <uint64_t> 0x94D049BB133111EB
    return <uint32_t> (x >> 32)


# A learned scale: A diag(s).

cdef void scale_forward(const Pass *p, const Tile *tile, int place) noexcept nogil:
    p.net.kernels.scale_columns(
        outputs_of_tile(p, tile, place), inputs_of_tile(p, tile, place), vectors(p, place), tile.n_rows,
        p.net.layers[place].outputs,
    )


cdef void scale_backward(const Pass *p, const Tile *tile, int place) noexcept nogil:
    if place > p.stop:
        p.net.kernels.scale_columns(
            grad_of_tile(p, tile, place - 1), grad_of_tile(p, tile, place), vectors(p, place), tile.n_rows,
            p.net.layers[place].outputs,
        )


cdef void scale_gradient(char *out, const Pass *p, int place) noexcept nogil:
    p.net.kernels.column_products(
        out, p.memory.layers[place].grad, outputs(p, place - 1), p.batch.n_rows, p.net.layers[place].outputs
    )


# Embedding: codes become rows of tables.

cdef void embedding_forward(const Pass *p, const Tile *tile, int place) noexcept nogil:
    p.net.kernels.embed(
        outputs_of_tile(p, tile, place), inputs_of_tile(p, tile, place), matrix(p, place), tile.n_rows,
        p.net.layers[place].layout,
    )


cdef void embedding_backward(const Pass *p, const Tile *tile, int place) noexcept nogil:
    if place > p.stop:
        p.net.kernels.embed_backward(
            grad_of_tile(p, tile, place - 1), grad_of_tile(p, tile, place), tile.n_rows, p.net.layers[place].layout
        )


cdef void embedding_gradient(char *out, const Pass *p, const ParameterTile *tile, int thread) noexcept nogil:
    p.net.kernels.embedding_gradient(
        out, p.memory.layers[tile.layer].grad, outputs(p, tile.layer - 1), p.batch.n_rows,
        p.net.layers[tile.layer].layout, tile.block, tile.first, tile.last,
    )


# By the names that fastmlp/layers.py gives them.
KINDS = {
    "dense": DENSE, "batch_norm": BATCH_NORM, "activation": ACTIVATION, "dropout": DROPOUT, "scale": SCALE,
    "embedding": EMBEDDING,
}
KINDS_OF_LAYERS[<int> DENSE] = Kind(dense_forward, dense_backward, dense_gradient, bias_gradient)
KINDS_OF_LAYERS[<int> BATCH_NORM] = Kind(batch_norm_forward, batch_norm_backward, NULL, batch_norm_gradient)
KINDS_OF_LAYERS[<int> ACTIVATION] = Kind(activation_forward, activation_backward, NULL, NULL)
KINDS_OF_LAYERS[<int> DROPOUT] = Kind(dropout_forward, dropout_backward, NULL, NULL)
KINDS_OF_LAYERS[<int> SCALE] = Kind(scale_forward, scale_backward, NULL, scale_gradient)
KINDS_OF_LAYERS[<int> EMBEDDING] = Kind(embedding_forward, embedding_backward, embedding_gradient, NULL)
