from fastmlp._core._pass cimport Net

cdef enum:
    MAX_ROW_TILES = 64


cdef class Plan:
    cdef:
        Net net
        readonly Py_ssize_t n_parameters
        readonly Py_ssize_t n_statistics
        readonly object dtype
        readonly Py_ssize_t tile_rows      # of a pass that only goes forward
        readonly bint needs_whole_batch
        double row_work                    # multiply-adds of one row in the rows phase
        readonly list activations          # None in the place of a layer that is none
        readonly object loss
        list owners                        # what pointers in the net refer to

    cdef _add_layer(self, int place, layer)
    cdef _fuse_relus(self)
    cdef _set_loss(self)
    cdef _cut_parameters(self, layers, trainable)
    cdef Py_ssize_t n_row_tiles(self, Py_ssize_t n_rows) noexcept nogil
    cdef Py_ssize_t largest_parameter_tile(self) noexcept nogil
