cdef extern from "team.h" nogil:
    ctypedef struct fm_barrier:
        pass
    ctypedef struct fm_share:
        pass


cdef class Job:
    # What each thread of a team does; the team's own threads never hold the GIL while they do.
    cdef void run(self, int thread) noexcept nogil


# One thread's way through a phase: the tiles that it takes.
cdef struct Turn:
    int thread
    int phase          # which set of shares is in use
    int tried
    Py_ssize_t n_tiles
    Py_ssize_t next    # of a team of one


cdef class Team:
    cdef:
        readonly int n_threads
        object memory
        int home          # CPU of the first thread
        fm_barrier *barrier
        fm_share *shares  # two sets: while one is in use, the other is cleared
        Job job
        bint closing

    cdef run(self, Job job)
    cdef void meet(self) noexcept nogil
    cdef void begin_phase(self, Turn *turn, Py_ssize_t n_tiles) noexcept nogil
    cdef Py_ssize_t take_tile(self, Turn *turn) noexcept nogil
