# What a pass over rows is about, as structures: a function that takes part in one is given a `Pass` and a `Tile`.
# Memory is untyped (`char *`), because the dtype is the kernel table's.

from libc.stddef cimport ptrdiff_t
from libc.stdint cimport uint64_t

from fastmlp._core._data cimport Rows
from fastmlp._core._kernels cimport fm_activation_arguments, fm_kernels, fm_loss_arguments

# One layer, of whatever kind. Layer 0 is the input, the last one the output's activation.
cdef struct Layer:
    int kind                # place in the table of kinds, _layers.pyx
    int number              # l in the equations: dense layer l and what follows it; 0 before the first
    Py_ssize_t inputs       # columns of the layer before
    Py_ssize_t outputs      # and its own
    Py_ssize_t offset       # where its parameters begin: matrices, and below them vectors
    Py_ssize_t vectors      # where its vectors begin
    bint has_vectors
    bint is_trainable
    bint overwrites         # its output may take the place of its input
    bint backward_in_place  # and the derivative by its input that of the derivative by its output
    # dense: what the matrix product does on its way out
    bint adds_relu          # the ReLU after it
    bint masks_delta        # the derivative of the ReLU before it, on the way back
    const char *compact     # its weights in fewer bytes, for passes over one row; NULL for none
    int compact_kind
    const char *compact_scales
    # activation
    bint is_in_product      # it is such a ReLU
    bint is_in_product_back
    int kernel              # in training
    int fixed_kernel        # where nothing is random
    fm_activation_arguments arguments
    # batch normalization
    Py_ssize_t statistics   # where [mean; variance] begin in the running statistics
    # dropout
    double rate
    # embedding
    const ptrdiff_t *layout

# Rows `first` to `last` of a matrix of parameters, and the vectors that lie below its end.
cdef struct ParameterTile:
    int layer
    int block                # which matrix of the layer
    int number
    Py_ssize_t first
    Py_ssize_t last
    int vectors              # the layer whose vectors these are; 0 for none
    Py_ssize_t offset        # of its first parameter
    Py_ssize_t n_matrix      # parameters of the rows
    Py_ssize_t n             # and all of them
    Py_ssize_t n_penalized   # of these, from the first on
    double rate              # factor of the learning rate
    double penalty           # factor of the penalties

# A network, as its plan has decided it.
cdef struct Net:
    void *owner              # the Plan
    const fm_kernels *kernels
    Py_ssize_t itemsize
    int n_layers             # the last one's number
    int raw                  # the layer whose outputs are the raw ones: the last dense one
    int first_parameters     # the lowest layer that has parameters
    int first_trained        # the lowest layer that training changes
    Layer *layers
    ParameterTile *tiles
    Py_ssize_t n_tiles
    Py_ssize_t n_first_tiles  # those of layer 1, if it is dense, come first
    ParameterTile *trained   # those that training changes
    Py_ssize_t n_trained
    Py_ssize_t n_targets
    int loss_kernel
    bint loss_is_matched     # computed from the raw outputs
    double loss_scale
    fm_loss_arguments loss_arguments

# What a batch needs of one layer, a row each; pointers may coincide.
cdef struct LayerMemory:
    char *out                # what the layer makes
    char *grad               # dC/d out
    # Batch normalization, a column each:
    char *mean
    char *variance
    char *inverse            # 1 / sqrt(variance + epsilon), one row for each thread
    char *vector_gradient    # by shift and by scale
    # Dense, in panels, as src_c/kernels.h explains them, or NULL:
    char *packed             # W
    char *packed_transpose   # W^T
    char *packed_delta       # D

# When the first thread of a pass looks up from its work, as `glance` of `_workspace` says.
cdef struct Watch:
    Py_ssize_t interval      # glances between two readings of the clock
    Py_ssize_t left          # until the next one
    double due               # the time of the next look

# The memory of one batch, as a Workspace owns it.
cdef struct Memory:
    void *owner              # the Workspace
    LayerMemory *layers
    char *targets
    char *weights
    char *whole_gradient
    char *gradients          # of one parameter tile, one for each thread
    Py_ssize_t thread_gradient_bytes
    char *scratch            # of products, one for each thread
    double *row_losses       # one for each row tile
    double *penalties        # and for each parameter tile
    double *squares
    bint reads_stored_values  # of a sparse X; else a batch is made dense
    Py_ssize_t *positions    # (rows, tiles of layer 1 + 1): which of these belong to which parameter tile
    Watch watch
    bint failed              # user code, or a look, which has left its error with the owner

# The rows of one pass, and how they are taken.
cdef struct Batch:
    Py_ssize_t first         # row of the data, in its order
    Py_ssize_t n_rows
    double scale             # of each sample's loss in the batch's
    uint64_t seed            # of random numbers
    bint training            # whether numbers are drawn, and batch normalization goes by the batch
    bint statistics_vary     # whether it has rows enough to do that

cdef struct Pass:
    const Net *net
    char *parameters
    char *statistics
    Memory *memory
    const Rows *rows
    Batch batch
    char *raw                # where the raw outputs go; NULL for the memory of their layer
    char *activated          # the same for the activated ones
    int stop                 # the lowest layer whose outputs get a derivative

# The rows of a batch that go through all layers together, and the thread that takes them.
cdef struct Tile:
    Py_ssize_t first         # row of the workspace; the batch's `first` is the data's row for 0
    Py_ssize_t n_rows
    int thread
