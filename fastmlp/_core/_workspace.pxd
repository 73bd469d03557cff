from fastmlp._core._data cimport Data
from fastmlp._core._pass cimport Memory
from fastmlp._core._plan cimport Plan


cdef class Workspace:
    cdef readonly:
        # activations[l] (rows, outputs of layer l), and outputs[l], the same after dropout, which only training fills;
        # deltas[l] (rows, units); and output_gradient, dC/dA_L.
        list activations
        list outputs
        list deltas
        object output_gradient
        Py_ssize_t rows
        object kind  # what it was made for: two of one kind can take each other's place
    cdef public object watcher  # called in the midst of long passes; what it raises ends them
    cdef:
        Memory memory
        list owners
        object error
        object dtype

    cdef int check(
        self, Plan plan, Data data, Py_ssize_t rows, bint backward, bint packs=*, int n_threads=*
    ) except -1
    cdef make_whole_gradient(self, Py_ssize_t n_parameters)
    cdef array(self, shape, char **pointer, quarter=*)
    cdef double *doubles(self, Py_ssize_t n) except NULL
    cdef _make_outputs(self, Plan plan, bint gathers, int n_threads)
    cdef _make_gradients(self, Plan plan)
    cdef _pack_layers(self, Plan plan, bint backward)
    cdef int raise_error(self) except -1
    cdef void expect_glances(self, Plan plan, double work) noexcept

cdef void glance(Memory *memory) noexcept nogil
