"""Threads: the same bits for any number of them, beside whatever else runs in the process, and only where they pay."""

import _thread
import multiprocessing
import os
import subprocess
import sys
import textwrap
import threading
from concurrent.futures import ThreadPoolExecutor

import joblib
import numpy as np
import pytest
from numpy.testing import assert_array_equal
from scipy.sparse import csr_array

from fastmlp import MLPClassifier, MLPRegressor
from fastmlp.activations import Activation
from fastmlp.training import _threads

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

SETTINGS = [
    dict(),
    dict(solver="sgd", activation="tanh"),
    dict(batch_norm=True, weight_decay=0.01),
    dict(dropout=0.3, input_dropout=0.1, activation="randomized_leaky_relu"),
    dict(clip_norm=0.1, l1=0.01),
    dict(solver="rmsprop", batch_size=37),
]


@pytest.fixture
def every_thread_pays(monkeypatch):
    """As many threads as n_jobs says, however small the work."""
    monkeypatch.setattr(_threads, "MIN_WORK_A_THREAD", 1)
    monkeypatch.setattr(_threads, "MIN_WORK_A_FIT", 1)


@pytest.fixture
def table(rng):
    X = rng.normal(size=(700, 60))
    return X, np.argmax(X[:, :3], axis=1)


@pytest.fixture
def started(monkeypatch):
    """Sizes of the teams that have been started."""
    sizes = []
    real = _threads.Team

    def team(n_threads, **settings):
        sizes.append(n_threads)
        return real(n_threads, **settings)

    monkeypatch.setattr(_threads, "Team", team)
    return sizes


def fitted(X, y, n_jobs, **settings):
    parameters = dict(hidden_layer_sizes=(150, 90), max_iter=3, batch_size=256, random_state=0) | settings
    return MLPClassifier(**parameters, n_jobs=n_jobs).fit(X, y)


@pytest.mark.parametrize("settings", SETTINGS, ids=lambda settings: "-".join(settings) or "default")
def test_same_bits_for_any_number_of_threads(table, isa, dtype, settings, every_thread_pays, started):
    X, y = table
    expected = fitted(X.astype(dtype), y, 1, **settings)
    for n_jobs in (2, 3, 8):
        got = fitted(X.astype(dtype), y, n_jobs, **settings)
        assert_array_equal(got.network_.parameters, expected.network_.parameters)
        assert got.loss_curve_ == expected.loss_curve_
    assert started[0] == 1
    assert max(started) > 1


def test_same_bits_with_sample_weights_and_sparse_rows(rng, table, every_thread_pays):
    X = csr_array(np.where(rng.random((700, 300)) < 0.05, rng.random((700, 300)), 0))
    weights = rng.integers(0, 3, 700).astype(float)
    models = [
        MLPRegressor(hidden_layer_sizes=(150, 90), max_iter=3, random_state=0, n_jobs=n_jobs).fit(
            X, table[0][:, 0], sample_weight=weights
        )
        for n_jobs in (1, 2, 3, 8)
    ]
    for model in models[1:]:
        assert_array_equal(model.network_.parameters, models[0].network_.parameters)


def test_one_thread_where_more_do_not_pay(table, started):
    X, y = table
    fitted(X[:, :5], y, 8, hidden_layer_sizes=(10,))
    assert started == [1]


def test_threads_where_they_pay(rng, started, monkeypatch):
    monkeypatch.setattr(_threads, "n_all_cpus", lambda: 2)
    X = rng.normal(size=(2000, 200)).astype(np.float32)
    y = X[:, 0]
    for n_jobs, expected in [(None, 2), (-1, 2), (-2, 1), (1, 1), (2, 2)]:
        started.clear()
        MLPRegressor(hidden_layer_sizes=(300, 300), max_iter=1, n_jobs=n_jobs).fit(X, y)
        assert started == [expected]


def test_a_network_of_one_batch_tile_shares_its_parameters(rng, started, monkeypatch):
    """With a few rows in a batch the optimizer's work is what there is to share."""
    monkeypatch.setattr(_threads, "n_all_cpus", lambda: 2)
    X = rng.normal(size=(64, 300)).astype(np.float32)
    MLPRegressor(hidden_layer_sizes=(400, 400), batch_size=8, max_iter=5).fit(X, X[:, 0])
    assert started == [2]


@pytest.mark.parametrize("value", ["3", "3,2", " 3 "])
def test_omp_num_threads_is_a_limit(monkeypatch, value):
    monkeypatch.setattr(_threads, "n_all_cpus", lambda: 8)
    monkeypatch.setenv("OMP_NUM_THREADS", value)
    assert _threads.usable_cpus() == 3


@pytest.mark.parametrize("value", ["", "many", "0", "-1"])
def test_omp_num_threads_that_says_nothing(monkeypatch, value):
    monkeypatch.setattr(_threads, "n_all_cpus", lambda: 8)
    monkeypatch.setenv("OMP_NUM_THREADS", value)
    assert _threads.usable_cpus() == 8


@pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="this system has no CPU affinity")
def test_affinity_is_a_limit():
    """In a process of its own, which is left with one CPU."""
    program = textwrap.dedent(
        """
        import os
        os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
        from fastmlp.training._threads import usable_cpus
        print(usable_cpus())
        """
    )
    environment = {name: value for name, value in os.environ.items() if name != "OMP_NUM_THREADS"}
    result = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True, env=environment
    )
    assert result.stdout.strip() == "1"


def test_other_fits_are_counted(monkeypatch):
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    monkeypatch.setattr(_threads, "n_all_cpus", lambda: 8)
    with _threads.team_of(3):
        assert _threads.usable_cpus() == 5
        with _threads.team_of(5):
            assert _threads.usable_cpus() == 1
    assert _threads.usable_cpus() == 8


def cpus_seen():
    return _threads.usable_cpus()


@pytest.mark.parametrize("backend", ["threading", "loky"])
def test_inside_joblib(table, backend, every_thread_pays):
    X, y = table
    expected = fitted(X, y, 1).network_.parameters
    with joblib.parallel_config(backend=backend, n_jobs=2):
        seen = joblib.Parallel()(joblib.delayed(cpus_seen)() for _ in range(2))
        models = joblib.Parallel()(joblib.delayed(fitted)(X, y, n_jobs) for n_jobs in (None, 2, 2))
    assert seen == [1, 1]
    for model in models:
        assert_array_equal(model.network_.parameters, expected)


def fit_in_child(connection, X, y):
    connection.send(fitted(X, y, 2).network_.parameters)


@pytest.mark.skipif("fork" not in multiprocessing.get_all_start_methods(), reason="this system does not fork")
@pytest.mark.filterwarnings("ignore:.*multi-threaded.*fork:DeprecationWarning")
def test_after_fork(table, every_thread_pays):
    X, y = table
    expected = fitted(X, y, 2).network_.parameters
    context = multiprocessing.get_context("fork")
    ours, theirs = context.Pipe()
    child = context.Process(target=fit_in_child, args=(theirs, X, y))
    child.start()
    assert ours.poll(60)
    assert_array_equal(ours.recv(), expected)
    child.join(60)
    assert child.exitcode == 0


def test_two_python_threads_fit_different_models(table, every_thread_pays):
    X, y = table
    settings = [dict(random_state=seed, activation=activation) for seed in (1, 2) for activation in ("relu", "tanh")]
    expected = [fitted(X, y, 1, **one).network_.parameters for one in settings]
    with ThreadPoolExecutor(4) as pool:
        models = list(pool.map(lambda one: fitted(X, y, 3, **one), settings))
    for model, parameters in zip(models, expected, strict=True):
        assert_array_equal(model.network_.parameters, parameters)


def test_next_to_torch(table, every_thread_pays):
    torch = pytest.importorskip("torch")
    X, y = table
    expected = fitted(X, y, 1).network_.parameters
    a = torch.rand(300, 300)
    before = a @ a
    assert_array_equal(fitted(X, y, 2).network_.parameters, expected)
    assert torch.equal(a @ a, before)


def test_no_thread_outlives_its_fit(table, every_thread_pays):
    X, y = table

    def n_threads():
        return len(os.listdir("/proc/self/task")) if os.path.exists("/proc/self/task") else threading.active_count()

    before = n_threads()
    for n_jobs in (2, 3, 8):
        fitted(X, y, n_jobs)
    for _ in range(1000):  # they end by themselves, after the fit has returned
        if n_threads() <= before:
            break
        threading.Event().wait(0.01)
    assert n_threads() <= before


class Failing(Activation):
    name = "failing"

    def forward(self, z):
        raise RuntimeError("no forward today")

    def backward(self, gradient, z, a):
        return gradient


def test_an_error_ends_the_team(table, every_thread_pays):
    X, y = table
    for _ in range(3):
        with pytest.raises(RuntimeError, match="no forward today"):
            fitted(X, y, 3, activation=Failing())
    assert _threads._n_busy == 0
    fitted(X, y, 3)


def test_divergence_with_threads(table, every_thread_pays):
    X, y = table
    with pytest.raises(ValueError, match="diverged in epoch"):
        fitted(X * 1e150, y, 3, activation="identity", learning_rate_init=1e100, solver="sgd")
    assert _threads._n_busy == 0


def test_where_the_system_has_no_more_threads(table, every_thread_pays, monkeypatch):
    X, y = table
    expected = fitted(X, y, 1).network_.parameters
    started = []
    real = _thread.start_new_thread

    def start(function, arguments):
        if len(started) == 1:
            raise RuntimeError("can't start new thread")
        started.append(arguments)
        return real(function, arguments)

    monkeypatch.setattr("_thread.start_new_thread", start)
    assert_array_equal(fitted(X, y, 8).network_.parameters, expected)
    assert len(started) == 1


@pytest.mark.parametrize("n_jobs", [0, True, 1.5, "2"])
def test_bad_n_jobs(table, n_jobs):
    X, y = table
    with pytest.raises(ValueError, match="n_jobs"):
        fitted(X, y, n_jobs)
