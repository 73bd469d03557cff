from fastmlp._core._pass cimport Pass, ParameterTile, Tile

cdef enum:
    DENSE
    BATCH_NORM
    ACTIVATION
    DROPOUT
    SCALE
    EMBEDDING
    N_KINDS

# What a kind of layer does. `place` is the layer's among all.
cdef struct Kind:
    # A tile of rows, from the outputs of the layer before to its own.
    void (*forward)(const Pass *, const Tile *, int place) noexcept nogil
    # Back: from dC/d(its outputs) to dC/d(its inputs).
    void (*backward)(const Pass *, const Tile *, int place) noexcept nogil
    # The gradient by rows of one of its matrices, over the whole batch, into the first argument; NULL without one.
    void (*gradient)(char *, const Pass *, const ParameterTile *, int thread) noexcept nogil
    # And that by its vectors.
    void (*vector_gradient)(char *, const Pass *, int place) noexcept nogil

cdef Kind[N_KINDS] KINDS_OF_LAYERS

# Outputs of a layer in this pass, of all rows of the batch; NULL where a sparse X is read by its stored values.
cdef char *outputs(const Pass *p, int place) noexcept nogil
cdef void gather_inputs(const Pass *p, const Tile *tile) noexcept nogil
cdef void pack_weights(const Pass *p, const ParameterTile *tile) noexcept nogil
cdef void update_statistics(const Pass *p) noexcept nogil
