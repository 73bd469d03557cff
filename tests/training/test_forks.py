"""A process that is forked while other threads of its parent fit."""

import multiprocessing
import threading

import numpy as np
import pytest
from numpy.testing import assert_array_equal
from threadpoolctl import threadpool_info

from fastmlp import MLPRegressor, Network, Perceptron, _blas_threads, _hold
from fastmlp.training import _threads

pytestmark = [
    pytest.mark.skipif("fork" not in multiprocessing.get_all_start_methods(), reason="this system does not fork"),
    pytest.mark.filterwarnings("ignore:.*multi-threaded.*fork:DeprecationWarning"),
    pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning"),
]

X = np.random.default_rng(0).normal(size=(30, 3))


def fitted(solver="lbfgs", callbacks=None, random_state=0, **others):
    model = MLPRegressor(hidden_layer_sizes=(2,), solver=solver, max_iter=3, random_state=random_state, **others)
    return model.set_params(callbacks=callbacks).fit(X, X[:, 0])


def blas_threads():
    return [library["num_threads"] for library in threadpool_info() if library["user_api"] == "blas"]


def in_child(function):
    """What the function returns in a forked child, which gets a minute for it."""
    context = multiprocessing.get_context("fork")
    ours, theirs = context.Pipe()
    child = context.Process(target=lambda: theirs.send(function()), daemon=True)
    child.start()
    try:
        assert ours.poll(60), "The child hangs."
        return ours.recv()
    finally:
        child.kill()
        child.join()


@pytest.mark.parametrize("lock", [_hold._registry, _threads._lock, _blas_threads._lock], ids=["hold", "team", "blas"])
def test_a_lock_that_another_thread_holds(lock):
    held, may_end = threading.Event(), threading.Event()

    def hold():
        with lock:
            held.set()
            may_end.wait(60)

    thread = threading.Thread(target=hold)
    thread.start()
    held.wait(60)
    threading.Timer(0.2, may_end.set).start()
    weights = in_child(lambda: fitted().network_.parameters)
    thread.join()
    assert_array_equal(weights, fitted().network_.parameters)


def is_drawing(source):
    lock = source._bit_generator.lock
    is_free = lock.acquire(blocking=False)
    if is_free:
        lock.release()
    return not is_free


@pytest.mark.parametrize("random_state", [None, np.random.RandomState(0)], ids=["global", "shared"])
def test_random_numbers_that_another_thread_draws(random_state):
    """The child draws its own weights from the same source."""
    source = np.random.mtrand._rand if random_state is None else random_state
    thread = threading.Thread(target=Network, args=([3000, 3000],), kwargs={"random_state": random_state})
    thread.start()
    while thread.is_alive() and not is_drawing(source):
        pass
    n_iter = in_child(lambda: fitted("adam", random_state=random_state).n_iter_)
    thread.join()
    assert n_iter == 3
    assert not is_drawing(source)


@pytest.mark.parametrize("make", [MLPRegressor, Perceptron, Network])
def test_a_shared_source_that_another_thread_has_waited_for(make):
    """A thread that has waited for a source has it before it has the GIL, without which it draws nothing."""
    source, held, may_end = np.random.RandomState(0), threading.Event(), threading.Event()
    if make is Network:
        Network([3, 1], random_state=source)
    else:
        make(random_state=source, max_iter=1).fit(X, np.arange(30) % 2)

    def hold():
        with source._bit_generator.lock:
            held.set()
            may_end.wait(60)

    thread = threading.Thread(target=hold)
    thread.start()
    held.wait(60)
    threading.Timer(0.2, may_end.set).start()
    assert in_child(lambda: fitted("adam", random_state=source).n_iter_) == 3
    thread.join()


@pytest.mark.parametrize("solver", ["adam", "lbfgs"])
def test_a_fit_of_another_thread(solver):
    """The child fits other models and, once its copy is alone, the same one; its BLAS has all its threads."""
    running, may_end = threading.Event(), threading.Event()
    threads_before = blas_threads()

    def wait(info):
        running.set()
        may_end.wait(60)

    model = MLPRegressor(hidden_layer_sizes=(2,), solver=solver, max_iter=1, random_state=0, callbacks=wait)
    thread = threading.Thread(target=model.fit, args=(X, X[:, 0]))
    thread.start()
    running.wait(60)
    n_threads, weights, again = in_child(
        lambda: (
            blas_threads(),
            fitted().network_.parameters,
            model.set_params(max_iter=3, callbacks=None).fit(X, X[:, 0]).network_.parameters,
        )
    )
    may_end.set()
    thread.join()
    assert n_threads == threads_before == blas_threads()
    assert_array_equal(weights, fitted().network_.parameters)
    assert_array_equal(again, fitted(solver).network_.parameters)


def test_children_of_a_busy_process():
    stop = threading.Event()

    def fit_on():
        while not stop.is_set():
            fitted()

    threads = [threading.Thread(target=fit_on) for _ in range(3)]
    for thread in threads:
        thread.start()
    try:
        children = [in_child(lambda: fitted().network_.parameters) for _ in range(20)]
    finally:
        stop.set()
        for thread in threads:
            thread.join()
    for weights in children:
        assert_array_equal(weights, fitted().network_.parameters)
