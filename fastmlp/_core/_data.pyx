"""What to learn from, and how a batch of it is brought together without the GIL.

Rows `first` to `first + rows` of the data, in its order, are written to `out`.
"""

from libc.stddef cimport ptrdiff_t
from libc.stdint cimport int32_t, int64_t, uint8_t
from libc.string cimport memcpy, memset

import numpy as np
from scipy.sparse import issparse

from fastmlp._core._memory cimport address


cdef Py_ssize_t integer_at(const char *array, Py_ssize_t i, int item_bytes) noexcept nogil:
    if item_bytes == 1:
        return (<const uint8_t *> array)[i]
    if item_bytes == 4:
        return (<const int32_t *> array)[i]
    return (<const int64_t *> array)[i]


cdef class Data:
    """Rows, targets, weights, and the order to take them in.

    Parameters
    ----------
    X : ndarray or CSR array of shape (n_samples, n_features), C-contiguous, in the network's dtype
        The columns of each row of a CSR array in ascending order.
    targets : ndarray or None
        Of shape (n_samples, n_targets) in the network's dtype, or class numbers of shape (n_samples,) in bool, uint8 or
        int32. None for a forward pass.
    sample_weight : ndarray of shape (n_samples,) in the network's dtype, or None
    order : ndarray of intp, or None
        Rows of X in the order to visit them; may be changed between epochs, and may leave rows out.
    off, on : float, default=0 and 1
        What targets 0 and 1 become, for example smoothed ones, or -1 and 1.
    """

    def __cinit__(self, X, targets, sample_weight, order, double off=0.0, double on=1.0):
        self.n_rows = X.shape[0] if order is None else len(order)
        self.dtype, self.itemsize = X.dtype, X.dtype.itemsize
        self.n_columns, self.row_bytes = X.shape[1], X.shape[1] * self.itemsize
        # The arrays themselves, because a sparse X may exchange its own.
        x_arrays = (X.data, X.indices, X.indptr) if issparse(X) else (X,)
        self.owners = (*x_arrays, targets, sample_weight, order)
        for array in self.owners:
            if array is not None and not (array.flags.c_contiguous and array.flags.aligned):
                raise ValueError("X, targets, weights or order are not contiguous and aligned; copy them first.")
        if issparse(X):
            if X.format != "csr" or X.indices.dtype != X.indptr.dtype:
                raise ValueError("A sparse X has to be CSR, with indices and indptr of one dtype; use X.tocsr().")
            if not X.has_sorted_indices:
                raise ValueError("The column numbers in the rows of a sparse X are not in order; use X.sort_indices().")
            self.x, self.columns, self.starts = address(X.data), address(X.indices), address(X.indptr)
            self.index_bytes = X.indices.itemsize
        else:
            self.x = address(X)
        for name, array in [("targets", targets), ("sample_weight", sample_weight)]:
            if array is not None and array.dtype != X.dtype and not (name == "targets" and array.ndim == 1):
                raise ValueError(f"{name} are {array.dtype}, but X is {X.dtype}; give them one dtype.")
        if order is not None and len(order):
            if order.dtype != np.intp or order.min() < 0 or order.max() >= X.shape[0]:
                raise ValueError(f"rows have to be row numbers of X, from 0 to {X.shape[0] - 1}, as an array of intp.")
        self.n_targets = targets.shape[1] if targets is not None and targets.ndim == 2 else 0
        self.y = address(targets)
        self.label_bytes = 0 if targets is None or targets.ndim == 2 else targets.dtype.itemsize
        self.off, self.on = off, on
        self.w = address(sample_weight)
        self.order = <const Py_ssize_t *> address(order)

    cdef const char *rows_in_place(self, Py_ssize_t first) noexcept nogil:
        if self.order == NULL and self.columns == NULL:
            return self.x + first * self.row_bytes
        return NULL

    cdef void gather_rows(
        self, const fm_kernels *kernels, char *out, Py_ssize_t first, Py_ssize_t rows,
    ) noexcept nogil:
        """Copied where they are shuffled, made dense where they are sparse."""
        cdef Py_ssize_t i, j
        if self.columns == NULL:
            kernels.gather_rows(out, self.x, <const ptrdiff_t *> &self.order[first], rows, self.row_bytes)
            return
        memset(out, 0, rows * self.row_bytes)
        for i in range(first, first + rows):
            for j in range(self.row_start(i), self.row_end(i)):
                self.add(out, self.column(j), j)
            out += self.row_bytes

    cdef void gather_targets(
        self, char *out, Py_ssize_t n_targets, Py_ssize_t first, Py_ssize_t rows
    ) noexcept nogil:
        """Targets, with 0 and 1 as `off` and `on`; a class number becomes a row of `off` with one `on`."""
        cdef:
            Py_ssize_t i, j, source, label
            size_t n_bytes = n_targets * self.itemsize
            double[2] of_class
        of_class[0], of_class[1] = self.off, self.on
        for i in range(rows):
            source = self.source(first + i)
            if self.label_bytes == 0:
                memcpy(out, self.y + source * n_bytes, n_bytes)
                if self.off != 0 or self.on != 1:
                    for j in range(n_targets):
                        self.put(out, j, self.off + (self.on - self.off) * self.get(out, j))
            else:
                label = integer_at(self.y, source, self.label_bytes)
                if n_targets == 1:
                    self.put(out, 0, of_class[label != 0])  # not by a branch, which nothing could predict
                else:
                    memset(out, 0, n_bytes)
                    if self.off != 0:
                        for j in range(n_targets):
                            self.put(out, j, self.off)
                    self.put(out, label, self.on)
            out += n_bytes

    cdef void gather_weights(self, char *out, Py_ssize_t first, Py_ssize_t rows) noexcept nogil:
        cdef Py_ssize_t i
        for i in range(rows):
            self.put(out, i, self.get(self.w, self.source(first + i)))

    cdef double sum_of_weights(self, Py_ssize_t first, Py_ssize_t rows) noexcept nogil:
        cdef:
            Py_ssize_t i
            double total = 0
        if self.w == NULL:
            return <double> rows
        for i in range(rows):
            total += self.get(self.w, self.source(first + i))
        return total

    cdef Py_ssize_t row_start(self, Py_ssize_t i) noexcept nogil:
        return integer_at(self.starts, self.source(i), self.index_bytes)

    cdef Py_ssize_t row_end(self, Py_ssize_t i) noexcept nogil:
        return integer_at(self.starts, self.source(i) + 1, self.index_bytes)

    cdef Py_ssize_t column(self, Py_ssize_t stored) noexcept nogil:
        return integer_at(self.columns, stored, self.index_bytes)

    cdef Py_ssize_t source(self, Py_ssize_t i) noexcept nogil:
        """The row of X that comes as number `i`."""
        return i if self.order == NULL else self.order[i]

    cdef void add(self, char *array, Py_ssize_t i, Py_ssize_t j) noexcept nogil:
        """array[i] += stored value j: a CSR array may hold an element in parts."""
        if self.itemsize == sizeof(float):
            (<float *> array)[i] += (<const float *> self.x)[j]
        else:
            (<double *> array)[i] += (<const double *> self.x)[j]

    cdef double get(self, const char *array, Py_ssize_t i) noexcept nogil:
        if self.itemsize == sizeof(float):
            return (<const float *> array)[i]
        return (<const double *> array)[i]

    cdef void put(self, char *array, Py_ssize_t i, double value) noexcept nogil:
        if self.itemsize == sizeof(float):
            (<float *> array)[i] = <float> value
        else:
            (<double *> array)[i] = value
