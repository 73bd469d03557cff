from fastmlp._core._kernels cimport fm_activation_arguments, fm_loss_arguments

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


cdef class Plan:
    cdef:
        readonly int n_layers
        readonly Py_ssize_t n_parameters
        readonly Py_ssize_t n_targets
        readonly object dtype
        Py_ssize_t itemsize
        readonly Py_ssize_t tile_rows
        readonly bint needs_whole_batch
        Layer *layers                     # from 1; 0 is the input
        list activations
        object loss
        object levels
        int loss_kernel
        bint loss_is_matched
        double loss_scale
        fm_loss_arguments loss_arguments

    cdef _set_loss(self, out_activation)
    cdef Py_ssize_t parameter_tile_rows(self, int depth) noexcept nogil
    cdef Py_ssize_t largest_parameter_tile(self) noexcept nogil
