"""Signals and max_time end what takes long, within a step, and what is left is what the steps taken have made."""

import signal
import threading
import time
import warnings
from contextlib import suppress

import numpy as np
import pytest
from numpy.testing import assert_array_equal
from sklearn.exceptions import ConvergenceWarning

from fastmlp import MLPClassifier, MLPRegressor, Perceptron
from fastmlp.activations import Activation
from fastmlp.losses import Loss
from fastmlp.training import run

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

# An epoch of this takes tens of seconds on one core, a step some hundredths; what comes late on a busy machine comes
# long before the epoch's end.
N_ROWS, HIDDEN = 200_000, (1024, 1024)
SOON = 5


@pytest.fixture(autouse=True)
def ctrl_c_interrupts():
    """As in a terminal: what a shell starts in the background ignores it."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.fixture(scope="module")
def rows():
    X = np.random.default_rng(0).normal(size=(N_ROWS, 64)).astype(np.float32)
    return X, (X[:, 0] > 0).astype(np.int64)


class Sent:
    """A signal that is sent some time after the start, and when it was."""

    def __init__(self, number, after=0.5):
        self._timer = threading.Timer(after, self._send, [number])

    def _send(self, number):
        self.time = time.monotonic()
        signal.pthread_kill(threading.main_thread().ident, number)

    def __enter__(self):
        self._timer.start()
        return self

    def __exit__(self, *_):
        self.late = time.monotonic() - self.time
        self._timer.join()


def model_of(**settings):
    return MLPClassifier(HIDDEN, **{"random_state": 0, "shuffle": False, "n_jobs": 1, "max_iter": 3} | settings)


def steps_alone(X, y, n_rows, **settings):
    """A fit that takes the first rows only, once, and is not disturbed."""
    return model_of(max_iter=1, **settings).fit(X[:n_rows], y[:n_rows])


@pytest.mark.parametrize("settings", [{}, {"n_jobs": 2}, {"callbacks": lambda info: None}, {"solver": "sgd"}])
def test_ctrl_c_leaves_the_last_step(rows, settings):
    with pytest.warns(UserWarning, match="interrupted by user after 0 epochs"), Sent(signal.SIGINT) as sent:
        model = model_of(**settings).fit(*rows)
    assert sent.late < SOON
    assert (model.stop_reason_, model.n_iter_, model.loss_curve_) == ("interrupted", 0, [])
    assert 0 < model.t_ < N_ROWS
    assert_array_equal(model.network_.parameters, steps_alone(*rows, model.t_, **settings).network_.parameters)


def test_ctrl_c_before_the_first_validation(rows):
    X, y = rows
    with pytest.warns(UserWarning, match="interrupted"), Sent(signal.SIGINT):
        model = model_of().set_params(early_stopping=True).fit(X, y, X_val=X[:50], y_val=y[:50])
    assert model.best_iter_ is None
    assert_array_equal([model.loss_, model.best_validation_score_], np.nan)
    assert_array_equal(model.network_.parameters, steps_alone(X, y, model.t_).network_.parameters)


class FailsOnDemand(Activation):
    """The identity, with what a signal's handler raises in a given place."""

    name = "fails_on_demand"
    error = None

    def forward(self, z):
        return z

    def backward(self, g, z, a):
        if self.error is not None:
            raise self.error
        return g


def best_of(model):
    return model.best_validation_score_ if model.early_stopping else model.best_loss_


@pytest.mark.parametrize("error", [KeyboardInterrupt, SystemExit])
@pytest.mark.parametrize("settings", [{"early_stopping": True}, {"solver": "sgd"}, {"solver": "lbfgs"}], ids=str)
def test_no_loss_and_no_score_where_none_was_measured(error, settings):
    """In the first epoch, and in that of a fit on other rows, which the best so far says nothing of."""
    X = np.random.default_rng(0).normal(size=(60, 3))
    activation = FailsOnDemand()
    model = MLPRegressor(
        hidden_layer_sizes=(2,), activation=activation, random_state=0, max_iter=3, warm_start=True, **settings
    )
    model.fit(X, X[:, 0])
    best, loss = best_of(model), model.loss_
    assert np.isfinite([best, loss]).all()
    activation.error = error
    with suppress(SystemExit), warnings.catch_warnings(action="ignore"):
        model.fit(X[:50], X[:50, 1])
    assert np.isnan(best_of(model))
    assert model.loss_ == loss
    new = MLPRegressor(**model.get_params())
    with suppress(SystemExit), warnings.catch_warnings(action="ignore"):
        new.fit(X, X[:, 0])
        assert_array_equal([best_of(new), new.loss_], np.nan)
    activation.error = None
    model.fit(X[:50], X[:50, 1])
    assert best_of(model) in (model.validation_scores_ or model.loss_curve_)


class AlarmError(Exception):
    pass


def test_a_handler_is_heard(rows):
    def ring(*_):
        raise AlarmError

    before = signal.signal(signal.SIGTERM, ring)
    model = model_of()
    try:
        with pytest.raises(AlarmError), Sent(signal.SIGTERM) as sent:
            model.fit(*rows)
    finally:
        signal.signal(signal.SIGTERM, before)
    assert sent.late < SOON
    assert not hasattr(model, "coefs_")


def test_a_handler_that_returns_changes_nothing(rows):
    X, y = rows
    rung = []
    before = signal.signal(signal.SIGALRM, lambda *_: rung.append(1))
    try:
        signal.setitimer(signal.ITIMER_REAL, 0.01, 0.01)
        disturbed = model_of(max_iter=1).fit(X[:5000], y[:5000])
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
    assert len(rung) > 1
    assert_array_equal(disturbed.network_.parameters, steps_alone(X, y, 5000).network_.parameters)


@pytest.mark.parametrize("n_jobs", [1, 2])
def test_max_time_cuts_an_epoch(rows, n_jobs):
    start = time.monotonic()
    told = []
    model = model_of(max_time=0.3, n_jobs=n_jobs, callbacks=told.append).fit(*rows)
    assert time.monotonic() - start < SOON
    assert (model.stop_reason_, model.n_iter_, [info.epoch for info in told]) == ("max_time", 1, [1])
    assert 0 < model.t_ < N_ROWS
    alone = steps_alone(*rows, model.t_)
    assert_array_equal(model.network_.parameters, alone.network_.parameters)
    assert model.loss_curve_ == alone.loss_curve_


def test_max_time_with_early_stopping_and_going_on(rows, monkeypatch):
    monkeypatch.setattr(run, "SECONDS_TO_VALIDATE", 60.0)  # as on a machine where nothing else runs
    X, y = rows
    settings = {"max_time": 0.2, "early_stopping": True, "warm_start": True}
    model = model_of(**settings).fit(X, y, X_val=X[:50], y_val=y[:50])
    first = model.t_
    assert (model.best_iter_, len(model.validation_scores_)) == (1, 1)
    model.fit(X, y, X_val=X[:50], y_val=y[:50])
    assert len(model.loss_curve_) == 2
    assert model._fit.solver.optimizer.n_steps * 200 == model.t_ > first


@pytest.mark.parametrize("n_jobs", [1, 2])
@pytest.mark.parametrize("settings", [{}, {"scoring": "loss"}, {"early_stopping": True}, {"solver": "lbfgs"}], ids=str)
def test_max_time_leaves_a_long_validation(rows, settings, n_jobs):
    X, y = rows
    told = []
    model = model_of(max_time=0.05, n_jobs=n_jobs, callbacks=told.append, **settings)
    start = time.monotonic()
    model.fit(X[:400], y[:400], X_val=X, y_val=y)
    assert time.monotonic() - start < SOON
    assert (model.stop_reason_, model.n_iter_, len(told)) == ("max_time", 1, 1)
    assert_array_equal([told[0].validation_score, *model.validation_scores_, *model.validation_loss_curve_], np.nan)
    assert model.best_iter_ is None
    assert model.best_validation_score_ is None or np.isnan(model.best_validation_score_)
    if "solver" not in settings:
        assert_array_equal(model.network_.parameters, steps_alone(X, y, 400).network_.parameters)
    # Nothing watches any more, and a fit that goes on finds all in its place.
    model.set_params(max_time=None, max_iter=2, warm_start=True).fit(X[:400], y[:400], X_val=X[:50], y_val=y[:50])
    assert np.isfinite(model.validation_scores_[1:]).all()


def test_max_time_within_the_predictions_of_a_scorer(rows):
    """Those of another thread by the same network go on."""
    X, y = rows
    beside = []
    thread = threading.Thread(target=lambda: beside.append(model.predict(X[:60000])))

    def scorer(model, X, y):
        if model.t_ > 0:
            thread.start()
            while True:
                model.predict(X)
        return 0.0

    model = model_of(max_time=0.05, scoring=scorer, early_stopping=True)
    model.fit(X[:400], y[:400], X_val=X[:1000], y_val=y[:1000])
    thread.join()
    assert model.stop_reason_ == "max_time"
    assert_array_equal(model.validation_scores_, np.nan)
    assert_array_equal(beside[0], model.predict(X[:60000]))


def test_a_short_validation_is_done_beyond_max_time(rows, monkeypatch):
    monkeypatch.setattr(run, "SECONDS_TO_VALIDATE", 60.0)  # as on a machine where nothing else runs
    X, y = rows
    model = model_of(max_time=1e-9, early_stopping=True).fit(X[:2000], y[:2000])
    assert (model.stop_reason_, model.best_iter_) == ("max_time", 1)


def test_a_step_is_taken_in_any_case(rows):
    X, y = rows
    model = model_of(max_time=1e-9).fit(X[:5000], y[:5000])
    assert (model.t_ >= 200, model.n_iter_, model.stop_reason_) == (True, 1, "max_time")
    lbfgs = model_of(max_time=1e-9, solver="lbfgs").fit(X[:2000], y[:2000])
    assert (lbfgs.n_iter_, lbfgs.stop_reason_) == (1, "max_time")


def test_lbfgs_that_goes_on_keeps_what_it_had_within_an_iteration(rows):
    X, y = rows
    model = model_of(max_iter=2, solver="lbfgs", warm_start=True).fit(X[:500], y[:500])
    curve, weights = list(model.loss_curve_), model.network_.parameters.copy()
    model.set_params(max_time=0.2, max_iter=100)
    start = time.monotonic()
    with pytest.warns(ConvergenceWarning, match="max_time=0.2 was over before lbfgs had finished an iteration"):
        model.fit(X, y)
    assert time.monotonic() - start < SOON
    assert (model.stop_reason_, model.n_iter_, model.loss_curve_) == ("max_time", 0, curve)
    assert_array_equal(model.network_.parameters, weights)
    model.set_params(max_time=None, max_iter=1).fit(X[:500], y[:500])
    assert len(model.loss_curve_) == 3
    assert model.loss_ < curve[-1]


def test_lbfgs_within_an_evaluation(rows):
    with pytest.warns(UserWarning, match="interrupted by user after 0 iterations"), Sent(signal.SIGINT) as sent:
        model = model_of(solver="lbfgs").fit(*rows)
    assert sent.late < SOON
    start = model_of(max_iter=1).partial_fit(rows[0][:2], rows[1][:2], classes=[0, 1])
    assert [w.shape for w in model.coefs_] == [w.shape for w in start.coefs_]


class Slow(Loss):
    """Written in Python, and slow, which no count of multiply-adds tells."""

    name = "slow"

    def values(self, a, y):
        time.sleep(0.01)
        return np.sum((a - y) ** 2, axis=1) / 2

    def gradient(self, a, y):
        return a - y


def test_max_time_with_a_slow_loss():
    X = np.random.default_rng(0).normal(size=(3000, 2))
    start = time.monotonic()
    model = MLPRegressor(hidden_layer_sizes=(2,), loss=Slow(), max_time=0.2, batch_size=1, random_state=0).fit(
        X, X[:, 0]
    )
    assert time.monotonic() - start < SOON
    assert model.stop_reason_ == "max_time"


@pytest.mark.parametrize("n_jobs", [1, 2])
@pytest.mark.parametrize("method", ["predict", "predict_proba"])
def test_ctrl_c_in_predictions(rows, n_jobs, method):
    X, y = rows
    model = model_of(n_jobs=n_jobs, max_iter=1).fit(X[:400], y[:400])
    X = X.repeat(3, axis=0)
    expected = model.predict(X[:10])
    with pytest.raises(KeyboardInterrupt), Sent(signal.SIGINT, 0.3) as sent:
        getattr(model, method)(X)
    assert sent.late < SOON
    assert_array_equal(model.predict(X[:10]), expected)


def test_ctrl_c_in_validation(rows):
    X, y = rows
    X_val, y_val = X.repeat(3, axis=0), y.repeat(3)
    with pytest.warns(UserWarning, match="interrupted by user after 0 epochs"), Sent(signal.SIGINT, 1) as sent:
        model = model_of().fit(X[:200], y[:200], X_val=X_val, y_val=y_val)
    assert sent.late < SOON
    assert model.t_ == 200


def test_ctrl_c_in_a_perceptrons_epoch(rows):
    X = np.tile(rows[0], (1, 20))
    noise = np.random.default_rng(0).integers(0, 2, len(X))
    with warnings.catch_warnings(), Sent(signal.SIGINT) as sent:
        warnings.simplefilter("ignore")
        model = Perceptron(max_iter=10_000, shuffle=False).fit(X, noise)
    assert sent.late < SOON
    assert model.n_iter_ == len(model.mistakes_curve_)


def test_a_teams_threads_sleep_in_a_callback(rows):
    X, y = rows
    spent = []

    def sleep(info):
        start = time.process_time()
        time.sleep(1)
        spent.append(time.process_time() - start)

    model_of(n_jobs=2, callbacks=sleep, max_iter=1).fit(X[:400], y[:400])
    assert spent[0] < 0.2
