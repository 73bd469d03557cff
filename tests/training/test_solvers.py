"""What every solver does in a run, whichever it is: one interface, one course of things."""

import signal
import time

import numpy as np
import pytest
from numpy.testing import assert_array_equal

from fastmlp import MLPClassifier, MLPRegressor, Network
from fastmlp.training.lbfgs import LBFGS
from fastmlp.training.problem import Problem
from fastmlp.training.run import DivergenceError, History, Observers, Run
from fastmlp.training.solvers import SOLVERS, solvers_with_epochs
from fastmlp.training.stochastic import Trainer

MAX_ITER = 6


class Settings:
    """Parameters as an estimator has them."""

    def __init__(self, solver, **changed):
        vars(self).update(MLPRegressor(solver=solver, tol=0.0, n_iter_no_change=MAX_ITER).get_params(), **changed)


@pytest.fixture
def problem(rng):
    X = rng.normal(size=(90, 4))
    return Problem(X, np.sin(X[:, :1]))


@pytest.fixture(params=SOLVERS)
def name(request):
    return request.param


def solver_of(name, problem, **settings):
    network = Network([problem.X.shape[1], 8, 1], activation=["tanh"], random_state=0)
    return SOLVERS[name].from_settings(Settings(name, **settings), network, problem.n_rows, np.random.RandomState(0))


@pytest.fixture
def solver(name, problem):
    return solver_of(name, problem)


def test_names():
    assert SOLVERS["lbfgs"] is LBFGS
    assert [name for name in SOLVERS if SOLVERS[name] is Trainer] == solvers_with_epochs()
    for made in SOLVERS.values():
        assert made.has_epochs != bool(made.refuses)
        assert set(made.refuses) <= set(MLPClassifier().get_params())


def test_a_run_ends_with_the_last_epoch(solver, problem):
    before = solver.network.parameters.copy()
    solver.train(problem, max_iter=MAX_ITER)
    history = solver.history
    assert history.stop_reason == "max_iter"
    assert history.n_epochs == len(history.loss_curve) == MAX_ITER
    assert history.best == min(history.loss_curve) < history.loss_curve[0]
    assert history.n_samples_seen >= MAX_ITER * problem.n_rows
    assert not np.array_equal(solver.network.parameters, before)


def test_the_order_of_things(solver, problem):
    """Each epoch is announced, judged by its weights, and told, to one callback after the other."""
    events = []

    def judge():
        events.append(("judged", solver.network.parameters.copy()))
        return 0.5, 0.25

    def tell(number):
        return lambda info: events.append((f"told {number}", solver.network.parameters.copy(), info))

    observers = Observers(
        "the model", [tell(1), tell(2)], before_epoch=lambda: events.append(("announced",)), validate=judge
    )
    solver.train(problem, max_iter=3, observers=observers)
    names = [event[0] for event in events]
    assert names[:12] == ["announced", "judged", "told 1", "told 2"] * 3
    assert names[12:] in ([], ["announced"])
    assert solver.announces_one_more or len(names) == 12
    for judged, told in zip(events[1:12:4], events[2:12:4], strict=True):
        assert_array_equal(judged[1], told[1])
    infos = [event[2] for event in events[:12] if event[0] == "told 1"]
    assert [info.epoch for info in infos] == [1, 2, 3]
    assert [info.loss for info in infos] == solver.history.loss_curve
    assert all((info.validation_score, info.validation_loss, info.max_iter) == (0.5, 0.25, 3) for info in infos)
    assert all(info.model == "the model" for info in infos)
    assert all((info.learning_rate is None) == (not solver.has_epochs) for info in infos)
    assert solver.history.validation_scores == [0.5] * 3
    assert solver.history.validation_losses == [0.25] * 3


def test_all_callbacks_are_told_before_one_ends_the_run(solver, problem):
    told = []
    callbacks = [lambda info: info.epoch == 2, lambda info: told.append(info.epoch)]
    solver.train(problem, max_iter=MAX_ITER, observers=Observers(callbacks=callbacks))
    assert solver.history.stop_reason == "callback"
    assert told == [1, 2]


def test_max_time(solver, problem):
    observers = Observers(callbacks=[lambda info: time.sleep(0.01)], max_time=0.015)
    solver.train(problem, max_iter=MAX_ITER, observers=observers)
    assert solver.history.stop_reason == "max_time"
    assert 1 <= solver.history.n_epochs < MAX_ITER


def test_no_time_is_short_after_the_last_epoch(solver, problem):
    solver.train(problem, max_iter=1, observers=Observers(max_time=1e-9))
    assert solver.history.stop_reason == "max_iter"


def test_an_interruption_keeps_the_last_epoch(solver, problem):
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    weights = []

    def interrupt(info):
        weights.append(solver.network.parameters.copy())
        if info.epoch == 3:
            signal.raise_signal(signal.SIGINT)

    try:
        with pytest.warns(UserWarning, match=r"interrupted by user after 3 (epochs|iterations)"):
            solver.train(problem, max_iter=MAX_ITER, observers=Observers(callbacks=[interrupt]))
    finally:
        signal.signal(signal.SIGINT, before)
    assert solver.history.stop_reason == "interrupted"
    assert len(solver.history.loss_curve) == 3
    assert_array_equal(solver.network.parameters, weights[-1])


@pytest.mark.parametrize("where", ["callbacks", "before_epoch", "validate"])
def test_a_failure_is_noted(solver, problem, where):
    def fail(*args):
        raise RuntimeError("from outside")

    observers = Observers(**{where: [fail] if where == "callbacks" else fail})
    with pytest.raises(RuntimeError, match="from outside"):
        solver.train(problem, max_iter=MAX_ITER, observers=observers)
    assert solver.history.stop_reason == "failed"
    assert np.isfinite(solver.network.parameters).all()


def test_divergence_keeps_good_weights(solver, problem):
    before = solver.network.parameters.copy()
    worse = Problem(problem.X, problem.targets * 1e300)
    with pytest.raises(DivergenceError, match=r"diverged in (epoch|iteration) 1: .* good weights, those it had before"):
        solver.train(worse, max_iter=MAX_ITER)
    assert solver.history.stop_reason == "diverged"
    assert solver.history.loss_curve == []
    assert_array_equal(solver.network.parameters, before)


def test_rows_of_a_problem(name, problem):
    """A solver learns from the rows of the problem alone."""
    rows = np.arange(0, 90, 2)
    some = Problem(problem.X, problem.targets, rows=rows)
    alone = Problem(problem.X[rows], problem.targets[rows])
    solvers = [solver_of(name, of, shuffle=False) for of in (some, alone)]
    for solver, of in zip(solvers, (some, alone), strict=True):
        solver.train(of, max_iter=3)
    assert_array_equal(solvers[0].network.parameters, solvers[1].network.parameters)
    assert_array_equal(rows, np.arange(0, 90, 2))


def test_same_bits_for_any_number_of_threads(name, rng, monkeypatch):
    monkeypatch.setattr("fastmlp.training._threads.MIN_WORK_A_THREAD", 1)
    monkeypatch.setattr("fastmlp.training._threads.MIN_WORK_A_FIT", 1)
    X = rng.normal(size=(5000, 40))
    problem = Problem(X, np.sin(X[:, :1]))
    solvers = [solver_of(name, problem, n_jobs=n_jobs) for n_jobs in (1, 2, 3)]
    for solver in solvers:
        solver.train(problem, max_iter=2)
        assert_array_equal(solver.network.parameters, solvers[0].network.parameters)
        assert solver.history.loss_curve == solvers[0].history.loss_curve


def test_a_run_starts_a_history_anew():
    history = History(loss_curve=[2.0], n_epochs=1, stop_reason="callback")
    with Run(history, 3, stop_reason="converged") as run:
        assert (history.n_epochs, history.stop_reason) == (0, "converged")
        assert run.tell(run.record(1.0, n_rows=5)) is False
    assert (history.n_epochs, history.loss_curve, history.n_samples_seen) == (1, [2.0, 1.0], 5)


def test_histories_of_iterations_and_of_epochs_do_not_mix():
    epochs = History(loss_curve=[1.0], learning_rates=[0.1], validation_scores=[0.5, np.nan], n_samples_seen=9)
    assert epochs.continued(has_epochs=False) == History()
    continued = epochs.continued(has_epochs=True)
    assert (continued.loss_curve, continued.validation_scores, continued.n_samples_seen) == ([1.0], [0.5], 9)
    continued.loss_curve.append(0.5)
    assert epochs.loss_curve == [1.0]
