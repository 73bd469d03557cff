"""Predictions of a network whose weights stay as they are: all that a pass needs is prepared, and kept.

A call takes a prepared pass from those that nobody is using, or makes one, and puts it back. Lists are changed with the
GIL, so no two calls have the same pass, and none waits for another.
"""

cimport numpy as cnp
from libc.string cimport memset

import numpy as np

from fastmlp._core._data cimport Rows, point_at
from fastmlp._core._kernels cimport (
    FM_GEMM_SCRATCH_BYTES,
    FM_N_COMPACTS,
    fm_compact_names,
    numbers_of,
)
from fastmlp._core._layers cimport DENSE
from fastmlp._core._memory cimport address
from fastmlp._core._network cimport NetworkCore
from fastmlp._core._pass cimport Layer, Pass, Tile
from fastmlp._core._passes cimport ForwardPass, forward_tile
from fastmlp._core._team cimport Team

from fastmlp._core._memory import aligned_empty

cnp.import_array()

COMPACT_KERNELS = numbers_of(fm_compact_names, FM_N_COMPACTS)

# Rows from which on a pass that is kept takes packed weights: fewer share what a panel costs to read.
cdef Py_ssize_t MIN_PACKED_ROWS = 48

# Multiply-adds of a row from which on letting go of the GIL pays.
cdef double MIN_WORK_WITHOUT_GIL = 100e3


cdef class FrozenNetwork:
    """Outputs of a network that nothing trains any more; any number of threads may call.

    Parameters
    ----------
    core : NetworkCore
    activates : bool
        Whether the outputs are activated.
    work_of_one : float
        Multiply-adds that are one thread's, whatever there is.
    """

    cdef:
        NetworkCore core
        bint activates
        bint in_place        # whether activated outputs may take the place of raw ones
        bint lets_go         # of the GIL for a row
        int last             # the layer whose outputs are asked for
        int typenum, other_typenum
        cnp.npy_intp most_few  # rows of `predict_few`
        cnp.npy_intp n_inputs
        cnp.npy_intp n_outputs
        list owners          # of compact weights
        list rows            # prepared passes over one row, each with a copy of it in the network's dtype
        list few             # over fewer than MIN_PACKED_ROWS, by one thread
        dict many            # over more, which have packed weights, by the number of threads

    def __init__(self, NetworkCore core, bint activates, double work_of_one):
        self.core, self.activates = core, activates
        self.last = core.plan.net.n_layers if activates else core.plan.net.raw
        self.n_inputs, self.n_outputs = core.plan.net.layers[0].outputs, core.plan.net.layers[self.last].outputs
        self.in_place = not activates or core.plan.net.layers[core.plan.net.n_layers].overwrites
        self.lets_go = core.plan.row_work > MIN_WORK_WITHOUT_GIL
        self.most_few = min(2 * core.plan.tile_rows, <cnp.npy_intp> (work_of_one / core.plan.forward_work(1)))
        if core.plan.uses_blas:
            self.most_few = 0
        self.typenum, self.other_typenum = cnp.NPY_FLOAT32, cnp.NPY_FLOAT64
        if core.plan.net.itemsize == 8:
            self.typenum, self.other_typenum = self.other_typenum, self.typenum
        # A list that is never short is not allocated anew for each element that is taken and put back.
        self.owners, self.rows, self.few, self.many = [], [None] * 4, [], {}

    def take_compact(self, int number, name, weights, scales=None):
        """Let passes over one row take these weights in dense layer `number`, from 1; whether there are kernels for it.

        bfloat16 are given as the floats that they stand for, int8 as such, with a scale for each column.
        """
        cdef:
            int place
            Layer *layer
            Py_ssize_t n_bytes, columns = self.core.plan.net.kernels.compact_columns
        if columns == 0 or 2 * (weights.shape[0] + 1) > <Py_ssize_t> FM_GEMM_SCRATCH_BYTES:
            return False
        place = 1
        while self.core.plan.net.layers[place].kind != DENSE or self.core.plan.net.layers[place].number != number:
            place += 1
        layer = &self.core.plan.net.layers[place]
        weights = np.require(weights, np.int8 if name == "int8" else np.float32, ["C", "A"])
        if weights.shape != (layer.inputs, layer.outputs):
            raise ValueError(f"weights have shape {weights.shape}; the layer takes {(layer.inputs, layer.outputs)}.")
        if scales is not None:
            scales = np.require(scales, np.float32, ["C", "A"])
        n_bytes = (layer.inputs + 1) // 2 * 2 * ((layer.outputs + columns - 1) // columns * columns)
        packed = aligned_empty((n_bytes * (1 if name == "int8" else 2),), np.uint8)
        layer.compact_kind = COMPACT_KERNELS[name]
        self.core.plan.net.kernels.compact_pack[layer.compact_kind](
            address(packed), address(weights), layer.inputs, layer.outputs
        )
        layer.compact, layer.compact_scales = address(packed), address(scales)
        self.owners.append((packed, scales))
        return True

    def predict_one(self, x, out=None):
        """Outputs of one row, ndarray of shape (n_outputs,), in `out` if there is one.

        None if x or out are not what can be read and written as they are: 1-D, contiguous, float.
        """
        cdef:
            Rows rows
            ForwardPass job
            Pass p
            Tile tile
            bint converts
        if not cnp.PyArray_Check(x) or not self.is_row(x, self.n_inputs):
            return None
        converts = cnp.PyArray_TYPE(x) != self.typenum
        if converts and cnp.PyArray_TYPE(x) != self.other_typenum:
            return None
        if out is None:
            out = cnp.PyArray_EMPTY(1, &self.n_outputs, self.typenum, 0)
        elif (
            not cnp.PyArray_Check(out) or not self.is_row(out, self.n_outputs)
            or cnp.PyArray_TYPE(out) != self.typenum or not cnp.PyArray_ISWRITEABLE(out) or overlap(x, out)
        ):
            return None
        pass_and_row = self.rows.pop()
        if pass_and_row is None:
            self.rows.append(None)
            pass_and_row = self.new_row()
        job = <ForwardPass> (<tuple> pass_and_row)[0]
        memset(&rows, 0, sizeof(Rows))
        rows.n_rows, rows.n_columns, rows.itemsize = 1, self.n_inputs, self.core.plan.net.itemsize
        rows.row_bytes = rows.itemsize * rows.n_columns
        rows.x = <char *> cnp.PyArray_DATA(x)
        if converts:
            rows.x = <char *> cnp.PyArray_DATA((<tuple> pass_and_row)[1])
            convert(rows.x, <char *> cnp.PyArray_DATA(x), self.n_inputs, rows.itemsize == 4)
        p = job.p
        p.rows = &rows
        p.raw = <char *> cnp.PyArray_DATA(out) if self.in_place else NULL
        p.activated = <char *> cnp.PyArray_DATA(out) if self.activates else NULL
        p.batch.n_rows = 1
        tile.first, tile.n_rows, tile.thread = 0, 1, 0
        if self.lets_go:
            with nogil:
                forward_tile(&p, &tile, self.last)
        else:
            forward_tile(&p, &tile, self.last)
        self.rows.append(pass_and_row)
        return out

    cdef bint is_row(self, x, cnp.npy_intp n):
        return cnp.PyArray_NDIM(x) == 1 and cnp.PyArray_DIM(x, 0) == n and cnp.PyArray_ISCARRAY_RO(x)

    cdef tuple new_row(self):
        return self.core.forward_pass(None, None, False, 1), cnp.PyArray_EMPTY(1, &self.n_inputs, self.typenum, 0)

    def predict_few(self, X, out=None):
        """Outputs of rows (n_samples, n_features) that one thread passes on at once.

        None if there are more of them, or X or out are not what can be read and written as they are: 2-D, C-contiguous,
        of the network's dtype.
        """
        cdef Rows rows
        cdef cnp.npy_intp[2] shape
        if not (
            cnp.PyArray_Check(X) and cnp.PyArray_NDIM(X) == 2 and cnp.PyArray_TYPE(X) == self.typenum
            and cnp.PyArray_ISCARRAY_RO(X) and cnp.PyArray_DIM(X, 1) == self.n_inputs
            and cnp.PyArray_DIM(X, 0) <= self.most_few
        ):
            return None
        shape[0], shape[1] = cnp.PyArray_DIM(X, 0), self.n_outputs
        if out is None:
            out = cnp.PyArray_EMPTY(2, shape, self.typenum, 0)
        elif not (
            cnp.PyArray_Check(out) and cnp.PyArray_NDIM(out) == 2 and cnp.PyArray_TYPE(out) == self.typenum
            and cnp.PyArray_ISCARRAY(out) and cnp.PyArray_DIM(out, 0) == shape[0]
            and cnp.PyArray_DIM(out, 1) == shape[1] and not overlap(X, out)
        ):
            return None
        memset(&rows, 0, sizeof(Rows))
        rows.n_rows, rows.n_columns, rows.itemsize = shape[0], self.n_inputs, self.core.plan.net.itemsize
        rows.row_bytes = rows.itemsize * rows.n_columns
        rows.x = <char *> cnp.PyArray_DATA(X)
        self.run(&rows, <char *> cnp.PyArray_DATA(out), None)
        return out

    def predict(self, X, Team team=None):
        """Outputs of any rows, C-contiguous and of the network's dtype; `team` shares them."""
        cdef Rows rows
        if not point_at(&rows, X, self.core.plan.net.itemsize == sizeof(float)):
            raise ValueError(f"X is no C-contiguous array of {self.core.plan.dtype} in two dimensions.")
        self.core.check(&rows, self.core.plan.dtype)
        out = np.empty((rows.n_rows, self.n_outputs), self.core.plan.dtype)
        self.run(&rows, address(out), team)
        return out

    cdef int run(self, const Rows *rows, char *out, Team team) except -1:
        cdef:
            ForwardPass job
            list idle
            Py_ssize_t n_rows = MIN_PACKED_ROWS
        if team is None and rows.n_rows < MIN_PACKED_ROWS:
            idle = self.few
        else:
            idle = self.many.setdefault(1 if team is None else team.n_threads, [])
            n_rows = max(rows.n_rows, 1 << 20)  # so that weights are packed
        job = <ForwardPass> idle.pop() if idle else self.core.forward_pass(None, team, False, n_rows)
        job.activates, job.out = self.activates, out
        job.out_row_bytes = self.n_outputs * self.core.plan.net.itemsize
        self.core.run_forward(job, rows, team)
        idle.append(job)
        return 0


cdef bint overlap(x, out):
    """Whether two contiguous arrays share memory, so that outputs would be written over what is still to be read."""
    cdef:
        const char *x_data = <char *> cnp.PyArray_DATA(x)
        const char *out_data = <char *> cnp.PyArray_DATA(out)
    return x_data < out_data + cnp.PyArray_NBYTES(out) and out_data < x_data + cnp.PyArray_NBYTES(x)


cdef void convert(char *out, const char *x, Py_ssize_t n, bint to_float32) noexcept nogil:
    cdef Py_ssize_t i
    for i in range(n):
        if to_float32:
            (<float *> out)[i] = <float> (<const double *> x)[i]
        else:
            (<double *> out)[i] = (<const float *> x)[i]
