from fastmlp._core._kernels cimport fm_activation_arguments, fm_kernels, fm_loss_arguments

cdef struct Layer:
    Py_ssize_t inputs      # outputs of the layer before
    Py_ssize_t units       # d_l
    Py_ssize_t outputs     # e_l
    Py_ssize_t offset      # of [W_l; b_l] in the parameters; with batch normalization [W_l; shift; scale]
    Py_ssize_t statistics  # of [mean; variance] in the running statistics
    int activation         # kernel in training
    int fixed_activation   # kernel where nothing is random
    bint overwrites        # whether h(z) may take the place of z
    bint backward_in_place  # and dC/dz that of dC/da
    bint normalizes
    double dropout         # share of outputs that is dropped in training
    fm_activation_arguments arguments


cdef enum:
    MAX_ROW_TILES = 64

# Rows `first` to `last` of W_l, with which the rows below W_l go if `last` is its end.
cdef struct ParameterTile:
    int depth
    Py_ssize_t first
    Py_ssize_t last


cdef class Plan:
    cdef:
        readonly int n_layers
        readonly Py_ssize_t n_parameters
        readonly Py_ssize_t n_targets
        readonly object dtype
        Py_ssize_t itemsize
        const fm_kernels *kernels  # which all that computes this network goes by
        readonly Py_ssize_t tile_rows         # of a pass that only goes forward
        readonly bint needs_whole_batch
        ParameterTile *parameter_tiles    # those of layer 1 come first
        readonly Py_ssize_t n_parameter_tiles
        Py_ssize_t n_first_layer_tiles
        double row_work                   # multiply-adds of one row in the rows phase
        Layer *layers                     # from 1; 0 is the input
        list activations
        object loss
        object levels
        int loss_kernel
        bint loss_is_matched
        double loss_scale
        fm_loss_arguments loss_arguments

    cdef _set_loss(self, out_activation)
    cdef _cut_parameters(self)
    cdef Py_ssize_t n_row_tiles(self, Py_ssize_t rows) noexcept nogil
    cdef Py_ssize_t largest_parameter_tile(self) noexcept nogil
