"""A team of threads for the length of a fit.

They are Python's own threads, each inside one function without the GIL, which meet at a barrier of C11 atomics. No
OpenMP: two of its runtimes in one process, next to other libraries, crash or wait for each other for ever. Nothing of
a team outlives its fit, so nothing is there to break when the process forks afterwards.
"""

import _thread

import numpy as np

from fastmlp._core._memory cimport address

from fastmlp._core._memory import aligned_empty


cdef extern from "team.h" nogil:
    int fm_current_cpu()
    void fm_leave_cpu(int cpu)
    void fm_barrier_init(fm_barrier *barrier, unsigned n_threads, int may_spin)
    void fm_barrier_resize(fm_barrier *barrier, unsigned n_threads)
    void fm_barrier_wait(fm_barrier *barrier)
    Py_ssize_t fm_take_tile(fm_share *shares, int n_threads, int thread, int *tried, Py_ssize_t n_tiles)
    void fm_share_reset(fm_share *share)


cdef class Job:
    cdef void run(self, int thread) noexcept nogil:
        pass


cdef class Team:
    """Threads that do one job after the other together; the caller is the first of them.

    Used as a context manager, whose end ends the threads.

    Parameters
    ----------
    n_threads : int
        The caller included.
    may_spin : bool, default=True
        Whether each has a CPU of its own, so that who waits need not let another run first.
    """

    def __cinit__(self, int n_threads, bint may_spin=True):
        if n_threads < 1:
            raise ValueError(f"n_threads is {n_threads}; pass at least 1.")
        self.n_threads = n_threads
        self.memory = aligned_empty((sizeof(fm_barrier) + 2 * n_threads * sizeof(fm_share),), np.uint8)
        self.barrier = <fm_barrier *> address(self.memory)
        self.shares = <fm_share *> (address(self.memory) + sizeof(fm_barrier))
        fm_barrier_init(self.barrier, n_threads, may_spin)

    def __enter__(self):
        # Not threading.Thread, whose bookkeeping takes longer than a small epoch. Each lets go of the team as it ends.
        self.home = fm_current_cpu()
        for number in range(1, self.n_threads):
            try:
                _thread.start_new_thread(self._work, (number,))
            except RuntimeError:  # the system has no more of them: go on with those there are
                self.n_threads = number
                fm_barrier_resize(self.barrier, number)
                break
        return self

    def __exit__(self, *_):
        self.closing = True
        with nogil:
            self.meet()

    def _work(self, int thread):
        with nogil:
            fm_leave_cpu(self.home)
            while True:
                self.meet()
                if self.closing:
                    break
                self.job.run(thread)
                self.meet()

    cdef run(self, Job job):
        """All threads do the job; returns when they are done."""
        cdef int i
        if self.n_threads == 1:  # several callers may share a team that has no threads
            with nogil:
                job.run(0)
            return
        if self.job is not None:
            raise RuntimeError("The team is busy with another job; take one team in each thread.")
        for i in range(2 * self.n_threads):
            fm_share_reset(&self.shares[i])
        self.job = job
        with nogil:
            self.meet()
            job.run(0)
            self.meet()
        self.job = None

    cdef void meet(self) noexcept nogil:
        """Wait for all threads of the team."""
        if self.n_threads > 1:
            fm_barrier_wait(self.barrier)

    cdef void begin_phase(self, Turn *turn, Py_ssize_t n_tiles) noexcept nogil:
        """Before a phase's first tile. Threads have to meet between the end of a phase and the next one's begin."""
        turn.phase = 1 - turn.phase
        turn.tried = turn.next = 0
        turn.n_tiles = n_tiles
        # The other set was used before the threads met last, and will be after they meet next.
        fm_share_reset(&self.shares[(1 - turn.phase) * self.n_threads + turn.thread])

    cdef Py_ssize_t take_tile(self, Turn *turn) noexcept nogil:
        """The next tile for this thread, or -1."""
        if self.n_threads == 1:
            turn.next += 1
            return turn.next - 1 if turn.next <= turn.n_tiles else -1
        return fm_take_tile(
            &self.shares[turn.phase * self.n_threads], self.n_threads, turn.thread, &turn.tried, turn.n_tiles
        )
