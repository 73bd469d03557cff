from fastmlp._core._data cimport Data, Rows
from fastmlp._core._pass cimport Pass
from fastmlp._core._passes cimport ForwardPass
from fastmlp._core._plan cimport Plan
from fastmlp._core._team cimport Team
from fastmlp._core._workspace cimport Workspace


cdef class NetworkCore:
    cdef:
        readonly Plan plan
        readonly object parameters
        readonly object statistics
        char *p
        char *s
        list idle  # prepared forward passes that nobody is using
        public object watcher  # of all forward passes, as a workspace's

    cdef Pass new_pass(self, const Rows *rows, Workspace workspace)
    cdef int check(self, const Rows *rows, dtype) except -1
    cdef int check_targets(self, Data data) except -1
    cdef int _check_pass(self, Workspace workspace, Data data, bint backward, Team team) except -1
    cdef ForwardPass forward_pass(self, Data data, team, bint backward, Py_ssize_t n_rows)
    cdef int run_forward(self, ForwardPass job, const Rows *rows, Team team) except -1
