from fastmlp._core._kernels cimport fm_kernels


cdef class Data:
    cdef:
        object owners
        readonly object dtype
        readonly Py_ssize_t n_rows
        readonly Py_ssize_t n_columns
        readonly Py_ssize_t n_targets  # 0 where they are class numbers
        Py_ssize_t itemsize
        size_t row_bytes     # of one row of X made dense
        const char *x        # rows, or the stored values of a CSR array
        const char *columns  # of a CSR array; NULL where X is dense
        const char *starts   # of a CSR array's rows in its stored values
        int index_bytes      # of one element of `columns` or `starts`
        const char *y
        int label_bytes      # 0 where targets are not class numbers
        double off, on
        const char *w
        const Py_ssize_t *order

    # Rows `first` on as they lie in X, or NULL where they have to be gathered.
    cdef const char *rows_in_place(self, Py_ssize_t first) noexcept nogil
    cdef void gather_rows(
        self, const fm_kernels *kernels, char *out, Py_ssize_t first, Py_ssize_t rows,
    ) noexcept nogil
    cdef void gather_targets(
        self, char *out, Py_ssize_t n_targets, Py_ssize_t first, Py_ssize_t rows
    ) noexcept nogil
    cdef void gather_weights(self, char *out, Py_ssize_t first, Py_ssize_t rows) noexcept nogil
    # By which a batch's loss and gradient are divided; without weights the number of rows.
    cdef double sum_of_weights(self, Py_ssize_t first, Py_ssize_t rows) noexcept nogil
    # Of a CSR array: where the stored values of row `i` of the data's order begin and end, and the column of one.
    cdef Py_ssize_t row_start(self, Py_ssize_t i) noexcept nogil
    cdef Py_ssize_t row_end(self, Py_ssize_t i) noexcept nogil
    cdef Py_ssize_t column(self, Py_ssize_t stored) noexcept nogil
    cdef Py_ssize_t source(self, Py_ssize_t i) noexcept nogil
    cdef void add(self, char *array, Py_ssize_t i, Py_ssize_t j) noexcept nogil
    cdef double get(self, const char *array, Py_ssize_t i) noexcept nogil
    cdef void put(self, char *array, Py_ssize_t i, double value) noexcept nogil
