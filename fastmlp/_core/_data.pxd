from fastmlp._core._kernels cimport fm_kernels

# Rows to pass through a network, as pointers. The order, where there is one, says which row comes when.
cdef struct Rows:
    Py_ssize_t n_rows
    Py_ssize_t n_columns
    Py_ssize_t itemsize
    size_t row_bytes       # a row of X made dense
    const char *x          # rows, or the stored values of a CSR array
    const char *columns    # of a CSR array; NULL where X is dense
    const char *starts     # where a CSR array's rows begin in its stored values
    int index_bytes        # size of one element of `columns` or `starts`
    const char *y
    Py_ssize_t n_targets   # 0 where they are class numbers
    int label_bytes        # size of a class number; 0 where targets are none
    Py_ssize_t n_labels    # one more than the largest class number
    double off             # what targets 0 and 1 become
    double on
    const char *w
    double mean_weight     # by which a row counts where a batch is divided by its rows; 0 for the batch's own mean
    const Py_ssize_t *order


cdef class Data:
    cdef:
        Rows rows
        object owners
        readonly object dtype

# Let `rows` point at a dense X of the dtype; False where X is none that can be read in place.
cdef bint point_at(Rows *rows, X, bint is_float32) except -1

# Rows `first` on as they lie in X, or NULL where they have to be gathered.
cdef const char *rows_in_place(const Rows *rows, Py_ssize_t first) noexcept nogil
cdef void gather_rows(
    const Rows *rows, const fm_kernels *kernels, char *out, Py_ssize_t first, Py_ssize_t n_rows,
) noexcept nogil
cdef void gather_targets(
    const Rows *rows, char *out, Py_ssize_t n_targets, Py_ssize_t first, Py_ssize_t n_rows
) noexcept nogil
cdef void gather_weights(const Rows *rows, char *out, Py_ssize_t first, Py_ssize_t n_rows) noexcept nogil
# By which a batch's loss and gradient are divided: its rows times the mean weight, which is their sum of weights where
# the mean is their own, and without weights the number of rows.
cdef double expected_weight(const Rows *rows, Py_ssize_t first, Py_ssize_t n_rows) noexcept nogil
# In a CSR array: where the stored values of row `i` in order begin and end, and the column of one of them.
cdef Py_ssize_t row_start(const Rows *rows, Py_ssize_t i) noexcept nogil
cdef Py_ssize_t row_end(const Rows *rows, Py_ssize_t i) noexcept nogil
cdef Py_ssize_t column(const Rows *rows, Py_ssize_t stored) noexcept nogil
