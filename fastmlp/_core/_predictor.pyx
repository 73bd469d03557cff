"""One row at a time."""
cimport numpy as cnp
from libc.string cimport memset
from fastmlp._core._data cimport Rows
from fastmlp._core._network cimport NetworkCore
from fastmlp._core._pass cimport Pass, Tile
from fastmlp._core._passes cimport ForwardPass, forward_tile

cnp.import_array()

cdef class RowPredictor:
    cdef NetworkCore core
    cdef list idle
    cdef int typenum
    cdef cnp.npy_intp n_inputs
    cdef cnp.npy_intp n_outputs
    cdef int last
    cdef bint in_place
    cdef bint activates

    def __init__(self, NetworkCore core, bint activate):
        self.core = core
        self.activates = activate
        self.last = core.plan.net.n_layers if activate else core.plan.net.raw
        self.n_inputs, self.n_outputs = core.plan.net.layers[0].outputs, core.plan.net.layers[self.last].outputs
        self.typenum = cnp.NPY_FLOAT32 if core.plan.net.itemsize == 4 else cnp.NPY_FLOAT64
        self.in_place = not activate or core.plan.net.layers[core.plan.net.n_layers].overwrites
        self.idle = [core.forward_pass(None, None, False, 1)]

    def predict_one(self, x, out=None):
        cdef Rows rows
        cdef ForwardPass job
        cdef Pass p
        cdef Tile tile
        if not cnp.PyArray_Check(x) or cnp.PyArray_TYPE(x) != self.typenum or cnp.PyArray_NDIM(x) != 1 or cnp.PyArray_DIM(x, 0) != self.n_inputs or not cnp.PyArray_ISCARRAY_RO(x):
            raise ValueError("x")
        if out is None:
            out = cnp.PyArray_EMPTY(1, &self.n_outputs, self.typenum, 0)
        elif not cnp.PyArray_Check(out) or cnp.PyArray_TYPE(out) != self.typenum or cnp.PyArray_SIZE(out) != self.n_outputs or not cnp.PyArray_ISCARRAY(out):
            raise ValueError("out")
        memset(&rows, 0, sizeof(Rows))
        rows.n_rows, rows.n_columns = 1, self.n_inputs
        rows.itemsize = self.core.plan.net.itemsize
        rows.row_bytes = rows.itemsize * rows.n_columns
        rows.x = <char *> cnp.PyArray_DATA(x)
        job = <ForwardPass> self.idle.pop()
        p = job.p
        p.rows = &rows
        p.raw = <char *> cnp.PyArray_DATA(out) if self.in_place else NULL
        p.activated = <char *> cnp.PyArray_DATA(out) if self.activates else NULL
        p.batch.first, p.batch.n_rows = 0, 1
        tile.first, tile.n_rows, tile.thread = 0, 1, 0
        forward_tile(&p, &tile, self.last)
        self.idle.append(job)
        return out
