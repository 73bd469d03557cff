from libc.stdint cimport uint64_t

from fastmlp._core._data cimport Rows
from fastmlp._core._pass cimport Batch, Net, ParameterTile, Pass, Tile
from fastmlp._core._plan cimport Plan
from fastmlp._core._team cimport Job, Team, Turn

cdef Batch batch_of(
    const Net *net, const Rows *rows, Py_ssize_t first, Py_ssize_t n_rows, bint training, uint64_t seed,
) noexcept nogil
cdef void forward_tile(const Pass *p, const Tile *tile, int last) noexcept nogil
cdef void backward_tile(const Pass *p, const Tile *tile, int first) noexcept nogil
cdef double rows_tile(const Pass *p, const Tile *tile, bint goes_back) noexcept nogil
# Row tile `number` of `n_tiles` of a batch of `n_rows`, whose first row is `place` in the workspace.
cdef Tile row_tile(
    Py_ssize_t place, Py_ssize_t n_rows, Py_ssize_t number, Py_ssize_t n_tiles, int thread
) noexcept nogil
cdef void gradient_tile(char *out, const Pass *p, const ParameterTile *tile, int thread) noexcept nogil
cdef double rows_phase(const Pass *p, Team team, Turn *turn, Py_ssize_t n_tiles, bint goes_back) noexcept nogil
cdef void gradient_phase(char *out, const Pass *p, Team team, Turn *turn, bint of_trained) noexcept nogil


# A batch there, and back with the gradient where that is asked for.
cdef class BatchPass(Job):
    cdef:
        Pass p
        Team team
        Py_ssize_t n_tiles
        char *gradient     # by all parameters; NULL for none
        bint of_trained    # by those that training changes only
        bint goes_back
        double loss        # sum of weight * loss


# Rows without end: forward only, block by block, each by one thread.
cdef class ForwardPass(Job):
    cdef:
        Plan plan
        object workspace
        Pass p
        Team team
        Py_ssize_t first_row    # of those that it takes
        Py_ssize_t n_rows
        Py_ssize_t block_rows
        char *out           # raw outputs of these rows, or activated ones
        size_t out_row_bytes
        bint activates
        double *losses      # of each block, weight * cost; NULL where only the outputs count
        double *weights     # of each block

    cdef void block(self, Py_ssize_t number, int thread) noexcept nogil
