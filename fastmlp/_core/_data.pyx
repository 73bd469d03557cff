"""What to learn from, and how a batch of it is brought together without the GIL.

Rows `first` to `first + n_rows` of the data, in its order, are written to `out`.
"""

from cpython.buffer cimport PyBUF_C_CONTIGUOUS, PyBUF_FORMAT, PyBuffer_Release, PyObject_CheckBuffer, PyObject_GetBuffer
from libc.stddef cimport ptrdiff_t
from libc.stdint cimport int32_t, int64_t, uint8_t, uintptr_t
from libc.string cimport memcpy, memset

import numpy as np

from fastmlp._core._memory cimport address


cdef class Data:
    """Rows, targets, weights, and the order to take them in.

    Parameters
    ----------
    X : ndarray or CSR array of shape (n_samples, n_features), C-contiguous, in the network's dtype
        The columns of each row of a CSR array in ascending order.
    targets : ndarray, default=None
        Of shape (n_samples, n_targets) in the network's dtype, or class numbers of shape (n_samples,) in bool, uint8 or
        int32. None for a forward pass.
    sample_weight : ndarray of shape (n_samples,) in the network's dtype, default=None
    order : ndarray of intp, default=None
        Rows of X in the order to visit them; may be changed between epochs, and may leave rows out.
    off, on : float, default=0 and 1
        What targets 0 and 1 become, for example smoothed ones, or -1 and 1.
    mean_weight : float, default=0
        A batch's loss and gradient are divided by its rows times this; 0 for the mean weight of its own rows.
    """

    def __cinit__(
        self, X, targets=None, sample_weight=None, order=None, double off=0.0, double on=1.0, double mean_weight=0.0
    ):
        cdef:
            Rows *rows = &self.rows
            Py_ssize_t i, label
        if X.ndim != 2:
            raise ValueError(f"X has {X.ndim} dimensions; pass rows of columns.")
        rows.n_rows = X.shape[0] if order is None else len(order)
        self.dtype, rows.itemsize = X.dtype, X.dtype.itemsize
        rows.n_columns, rows.row_bytes = X.shape[1], X.shape[1] * rows.itemsize
        is_sparse = hasattr(X, "indptr")
        # The arrays themselves, because a sparse X may exchange its own.
        x_arrays = (X.data, X.indices, X.indptr) if is_sparse else (X,)
        self.owners = (*x_arrays, targets, sample_weight, order)
        for array in self.owners:
            if array is not None and not (array.flags.c_contiguous and array.flags.aligned):
                raise ValueError("X, targets, weights or order are not contiguous and aligned; copy them first.")
        if is_sparse:
            if X.format != "csr" or X.indices.dtype != X.indptr.dtype:
                raise ValueError("A sparse X has to be CSR, with indices and indptr of one dtype; use X.tocsr().")
            if not X.has_sorted_indices:
                raise ValueError("The column numbers in the rows of a sparse X are not in order; use X.sort_indices().")
            rows.x, rows.columns, rows.starts = address(X.data), address(X.indices), address(X.indptr)
            rows.index_bytes = X.indices.itemsize
        else:
            rows.x = address(X)
        for name, array in [("targets", targets), ("sample_weight", sample_weight)]:
            if array is not None and len(array) != X.shape[0]:
                raise ValueError(f"{name} has {len(array)} rows, but X has {X.shape[0]}; pass one for each row.")
            if array is not None and array.dtype != X.dtype and not (name == "targets" and array.ndim == 1):
                raise ValueError(f"{name} are {array.dtype}, but X is {X.dtype}; give them one dtype.")
        if order is not None and len(order):
            if order.dtype != np.intp or order.min() < 0 or order.max() >= X.shape[0]:
                raise ValueError(f"rows have to be row numbers of X, from 0 to {X.shape[0] - 1}, as an array of intp.")
        rows.n_targets = targets.shape[1] if targets is not None and targets.ndim == 2 else 0
        rows.y = address(targets)
        rows.label_bytes = 0 if targets is None or targets.ndim == 2 else targets.dtype.itemsize
        if rows.label_bytes > 0 and targets.dtype not in (np.bool_, np.uint8, np.int32):
            raise ValueError(f"Class numbers are {targets.dtype}; pass bool, uint8 or int32, or targets as columns.")
        rows.off, rows.on = off, on
        rows.w, rows.mean_weight = address(sample_weight), mean_weight
        rows.order = <const Py_ssize_t *> address(order)
        if rows.label_bytes > 0:
            for i in range(rows.n_rows):
                label = integer_at(rows.y, source(rows, i), rows.label_bytes)
                if label < 0:
                    raise ValueError(f"A class number is {label}; they begin at 0.")
                rows.n_labels = max(rows.n_labels, label + 1)

    @property
    def n_rows(self):
        """Rows that will be visited."""
        return self.rows.n_rows

    @property
    def n_targets(self):
        """Columns of the targets, 0 where they are class numbers."""
        return self.rows.n_targets

    @property
    def labels(self):
        """Whether the targets are class numbers."""
        return self.rows.label_bytes > 0


cdef bint point_at(Rows *rows, X, bint is_float32) except -1:
    """Quicker than a `Data`, for a few rows; what X is made of has to outlive the rows."""
    cdef:
        Py_buffer view
        Py_ssize_t itemsize = sizeof(float) if is_float32 else sizeof(double)
        char format = c"f" if is_float32 else c"d"
        bint fits
    if not PyObject_CheckBuffer(X):
        return False
    try:
        PyObject_GetBuffer(X, &view, PyBUF_C_CONTIGUOUS | PyBUF_FORMAT)
    except (BufferError, ValueError):
        return False
    fits = (
        view.ndim == 2 and view.itemsize == itemsize and view.format != NULL
        and view.format[0] == format and view.format[1] == 0
        and <uintptr_t> view.buf % <uintptr_t> itemsize == 0
    )
    if fits:
        memset(rows, 0, sizeof(Rows))
        rows.x, rows.n_rows, rows.n_columns = <const char *> view.buf, view.shape[0], view.shape[1]
        rows.itemsize, rows.row_bytes = itemsize, view.shape[1] * itemsize
    PyBuffer_Release(&view)
    return fits


cdef const char *rows_in_place(const Rows *rows, Py_ssize_t first) noexcept nogil:
    if rows.order == NULL and rows.columns == NULL:
        return rows.x + first * <Py_ssize_t> rows.row_bytes
    return NULL


cdef void gather_rows(
    const Rows *rows, const fm_kernels *kernels, char *out, Py_ssize_t first, Py_ssize_t n_rows,
) noexcept nogil:
    """Copied where they are shuffled, made dense where they are sparse."""
    cdef Py_ssize_t i, j
    if rows.columns == NULL:
        kernels.gather_rows(out, rows.x, <const ptrdiff_t *> &rows.order[first], n_rows, rows.row_bytes)
        return
    memset(out, 0, n_rows * rows.row_bytes)
    for i in range(first, first + n_rows):
        for j in range(row_start(rows, i), row_end(rows, i)):
            add(rows, out, column(rows, j), j)
        out += rows.row_bytes


cdef void gather_targets(
    const Rows *rows, char *out, Py_ssize_t n_targets, Py_ssize_t first, Py_ssize_t n_rows
) noexcept nogil:
    """Targets, with 0 and 1 as `off` and `on`; a class number becomes a row of `off` with one `on`."""
    cdef:
        Py_ssize_t i, j, place, label
        size_t n_bytes = n_targets * rows.itemsize
        double[2] of_class
    of_class[0], of_class[1] = rows.off, rows.on
    for i in range(n_rows):
        place = source(rows, first + i)
        if rows.label_bytes == 0:
            memcpy(out, rows.y + place * n_bytes, n_bytes)
            if rows.off != 0 or rows.on != 1:
                for j in range(n_targets):
                    put(rows, out, j, rows.off + (rows.on - rows.off) * get(rows, out, j))
        else:
            label = integer_at(rows.y, place, rows.label_bytes)
            if n_targets == 1:
                put(rows, out, 0, of_class[label != 0])  # not by a branch, which nothing could predict
            else:
                memset(out, 0, n_bytes)
                if rows.off != 0:
                    for j in range(n_targets):
                        put(rows, out, j, rows.off)
                put(rows, out, label, rows.on)
        out += n_bytes


cdef void gather_weights(const Rows *rows, char *out, Py_ssize_t first, Py_ssize_t n_rows) noexcept nogil:
    cdef Py_ssize_t i
    for i in range(n_rows):
        put(rows, out, i, get(rows, rows.w, source(rows, first + i)))


cdef double expected_weight(const Rows *rows, Py_ssize_t first, Py_ssize_t n_rows) noexcept nogil:
    cdef:
        Py_ssize_t i
        double total = 0
    if rows.w == NULL:
        return <double> n_rows
    if rows.mean_weight > 0:
        return n_rows * rows.mean_weight
    for i in range(n_rows):
        total += get(rows, rows.w, source(rows, first + i))
    return total


cdef Py_ssize_t row_start(const Rows *rows, Py_ssize_t i) noexcept nogil:
    return integer_at(rows.starts, source(rows, i), rows.index_bytes)


cdef Py_ssize_t row_end(const Rows *rows, Py_ssize_t i) noexcept nogil:
    return integer_at(rows.starts, source(rows, i) + 1, rows.index_bytes)


cdef Py_ssize_t column(const Rows *rows, Py_ssize_t stored) noexcept nogil:
    return integer_at(rows.columns, stored, rows.index_bytes)


cdef inline Py_ssize_t source(const Rows *rows, Py_ssize_t i) noexcept nogil:
    """The row of X that comes as number `i`."""
    return i if rows.order == NULL else rows.order[i]


cdef inline Py_ssize_t integer_at(const char *array, Py_ssize_t i, int item_bytes) noexcept nogil:
    if item_bytes == 1:
        return (<const uint8_t *> array)[i]
    if item_bytes == 4:
        return (<const int32_t *> array)[i]
    return (<const int64_t *> array)[i]


cdef inline void add(const Rows *rows, char *array, Py_ssize_t i, Py_ssize_t j) noexcept nogil:
    """array[i] += stored value j: a CSR array may hold an element in parts."""
    if rows.itemsize == sizeof(float):
        (<float *> array)[i] += (<const float *> rows.x)[j]
    else:
        (<double *> array)[i] += (<const double *> rows.x)[j]


cdef inline double get(const Rows *rows, const char *array, Py_ssize_t i) noexcept nogil:
    if rows.itemsize == sizeof(float):
        return (<const float *> array)[i]
    return (<const double *> array)[i]


cdef inline void put(const Rows *rows, char *array, Py_ssize_t i, double value) noexcept nogil:
    if rows.itemsize == sizeof(float):
        (<float *> array)[i] = <float> value
    else:
        (<double *> array)[i] = value
