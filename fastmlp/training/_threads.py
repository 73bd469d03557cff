"""How many threads a fit or a prediction is given."""

import os
import threading
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from functools import cache
from numbers import Integral

from fastmlp._core._plan import Plan
from fastmlp._core._team import Team
from fastmlp._fork import renew_after_fork

# A step's share of work, in multiply-adds, below which another thread brings less than its meetings and what it has to
# fetch from the other core cost; and that of all steps together, below which starting it costs more (some 100
# microseconds). docs/performance.md shows the measurement.
MIN_WORK_A_THREAD = 1.25e6
MIN_WORK_A_FIT = 50e6

_lock = threading.RLock()
_n_busy = 0


def _forget() -> None:
    global _n_busy
    _n_busy = 0


renew_after_fork(_lock, _forget)


def n_all_cpus() -> int:
    """CPUs of this process, by affinity, cgroup quota and ``LOKY_MAX_CPU_COUNT``.

    Returns
    -------
    int
    """
    affinity = frozenset(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else None
    return _count_cpus(affinity, os.environ.get("LOKY_MAX_CPU_COUNT"))


@cache
def _count_cpus(affinity, limit):
    import joblib  # which comes with scikit-learn; only work that is large enough asks for it

    return joblib.cpu_count()  # reads files, for as long as a small epoch takes; what else it looks at is the key


def usable_cpus() -> int:
    """CPUs for a fit that was not told how many threads to take.

    Those this process may use (affinity, cgroup quota, ``LOKY_MAX_CPU_COUNT``), at most ``OMP_NUM_THREADS``, less those
    of other fits that are running; one inside a joblib worker, which has its share of the CPUs by being one.

    Returns
    -------
    int
    """
    from joblib.parallel import get_active_backend

    if get_active_backend()[0].nesting_level:
        return 1
    n_cpus = n_all_cpus()
    limit = os.environ.get("OMP_NUM_THREADS", "").split(",")[0].strip()
    if limit.isdigit() and int(limit) > 0:
        n_cpus = min(n_cpus, int(limit))
    return max(1, n_cpus - _n_busy)


def n_threads(plan: Plan, n_jobs: int | None, batch_size: int, n_steps: int) -> int:
    """Threads that pay for training steps of one batch size.

    Parameters
    ----------
    plan : Plan
    n_jobs : int or None
        The most there may be; None for the usable CPUs, -1 for all CPUs, -2 for all but one ...
    batch_size, n_steps : int

    Returns
    -------
    int
    """
    work = plan.work(batch_size)
    most = min(int(work // MIN_WORK_A_THREAD), plan.most_threads(batch_size))
    if n_jobs == 1 or most <= 1 or work * n_steps < MIN_WORK_A_FIT:
        return 1
    return _allowed(most, n_jobs)


def forward_threads(plan: Plan, n_jobs: int | None, n_rows: int) -> int:
    """Threads that pay for one forward pass over rows.

    Parameters
    ----------
    plan : Plan
    n_jobs : int or None
        As for `n_threads`.
    n_rows : int

    Returns
    -------
    int
    """
    if n_jobs == 1 or plan.forward_work(n_rows) < MIN_WORK_A_FIT:
        return 1
    return _allowed(plan.most_forward_threads(n_rows), n_jobs)


def _allowed(most, n_jobs):
    """At most so many threads, and as many as n_jobs and this process's CPUs allow."""
    if n_jobs is None:
        return min(most, usable_cpus())
    return min(most, n_jobs if n_jobs > 0 else max(1, n_all_cpus() + 1 + n_jobs))


def check_n_jobs(n_jobs: object) -> None:
    """Refuse what is no number of threads.

    Parameters
    ----------
    n_jobs : object

    Raises
    ------
    ValueError
        If it is neither None nor an integer other than 0.
    """
    if n_jobs is not None and (not isinstance(n_jobs, Integral) or isinstance(n_jobs, bool) or n_jobs == 0):
        raise ValueError(
            f"n_jobs is {n_jobs!r}; pass the most threads to use, -1 for all CPUs, or None for what the work pays for."
        )


def team_of(n_threads: int) -> AbstractContextManager[Team]:
    """A team for the length of a fit, whose CPUs other fits do not count on.

    Parameters
    ----------
    n_threads : int

    Returns
    -------
    context manager of Team
    """
    return Team(1) if n_threads == 1 else _counted_team(n_threads)


@contextmanager
def _counted_team(n_threads: int) -> Iterator[Team]:
    global _n_busy
    with _lock:
        _n_busy += n_threads
    try:
        with Team(n_threads, may_spin=_n_busy <= n_all_cpus()) as team:
            yield team
    finally:
        with _lock:
            _n_busy -= n_threads
