"""Callbacks: functions, fastmlp's own, scikit-learn's protocol; and the progress that verbose shows."""

import sys

import pytest
from numpy.testing import assert_allclose
from sklearn.base import clone
from sklearn.datasets import make_regression
from sklearn.metrics import r2_score
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from fastmlp import MLPClassifier, MLPRegressor
from fastmlp.training.callbacks import Callback, EarlyStopping, LearningRateLogger, ScoreMonitor

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

X, Y = make_regression(120, n_features=4, noise=5.0, random_state=0)
Y = Y / Y.std()
SETTINGS = dict(hidden_layer_sizes=6, max_iter=8, tol=0, random_state=0)

sklearn_callback = pytest.importorskip("sklearn.callback")


class Recorder(Callback):
    """All it is told."""

    def __init__(self, stop_at=None):
        self.events = []
        self.stop_at = stop_at

    def __call__(self, info):
        self.events.append(info.epoch)
        return info.epoch == self.stop_at

    def setup(self, estimator, context):
        self.events.append("setup")

    def teardown(self, estimator, context):
        self.events.append("teardown")


@pytest.mark.parametrize("solver", ["adam", "lbfgs"])
def test_functions_are_told_each_epoch(solver):
    told = []
    model = MLPRegressor(**SETTINGS, solver=solver, callbacks=[told.append, lambda info: info.epoch == 5]).fit(X, Y)
    assert [info.epoch for info in told] == [1, 2, 3, 4, 5]
    assert [info.loss for info in told] == model.loss_curve_
    assert model.stop_reason_ == "callback"
    assert all(info.model is model and info.max_iter == 8 for info in told)


def test_the_model_predicts_with_its_weights_of_the_moment():
    scores = []
    MLPRegressor(**SETTINGS, callbacks=lambda info: scores.append(r2_score(Y, info.model.predict(X)))).fit(X, Y)
    for n_epochs in (1, 8):
        model = MLPRegressor(**{**SETTINGS, "max_iter": n_epochs}).fit(X, Y)
        assert_allclose(scores[n_epochs - 1], model.score(X, Y))


@pytest.mark.parametrize("solver", ["adam", "lbfgs"])
def test_scikit_learns_protocol(solver):
    recorder = Recorder(stop_at=3)
    model = MLPRegressor(**SETTINGS, solver=solver).set_callbacks(recorder).fit(X, Y)
    assert recorder.events == ["setup", 1, 2, 3, "teardown"]
    assert model.stop_reason_ == "callback"


@pytest.mark.parametrize("solver", ["adam", "lbfgs"])
def test_scoring_monitor_of_scikit_learn(solver):
    """It is given a model as of the end of each epoch, and the data as they came."""
    monitor = sklearn_callback.ScoringMonitor(scoring="r2")
    own = ScoreMonitor(X, Y, scoring="r2")
    model = MLPRegressor(**SETTINGS, solver=solver, callbacks=own).set_callbacks(monitor).fit(X, Y)
    rows = [row for row in monitor.get_logs().data if row["task_name"] == "epoch" and "r2" in row]
    assert_allclose([row["r2"] for row in rows], own.scores)
    assert_allclose(own.scores[-1], model.score(X, Y))


def test_progress_bar_of_scikit_learn(capsys):
    pytest.importorskip("rich")
    MLPRegressor(**SETTINGS).set_callbacks(sklearn_callback.ProgressBar()).fit(X, Y)
    assert "MLPRegressor" in capsys.readouterr().out


def test_progress_below_a_search(capsys):
    """A meta-estimator hands its callbacks down, and the epochs are tasks below its own."""
    pytest.importorskip("rich")
    pipeline = make_pipeline(StandardScaler(), MLPRegressor(**SETTINGS))
    search = GridSearchCV(pipeline, {"mlpregressor__alpha": [0.0, 1.0]}, cv=2)
    search.set_callbacks(sklearn_callback.ProgressBar(max_propagation_depth=None)).fit(X, Y)
    assert "MLPRegressor" in capsys.readouterr().out
    assert not hasattr(search.best_estimator_[-1], "_parent_callback_ctx")


def test_teardown_after_a_failure():
    def fail(info):
        raise RuntimeError("no more")

    recorder = Recorder()
    with pytest.raises(RuntimeError, match="no more"):
        MLPRegressor(**SETTINGS, callbacks=fail).set_callbacks(recorder).fit(X, Y)
    assert recorder.events == ["setup", "teardown"]


def test_clones_share_callbacks_as_in_scikit_learn():
    recorder = Recorder()
    clone(MLPRegressor(**SETTINGS).set_callbacks(recorder)).fit(X, Y)
    assert recorder.events[0] == "setup"


@pytest.mark.parametrize("monitor", ["loss", "validation_loss", "validation_score"])
def test_early_stopping(monitor):
    stopping = EarlyStopping(monitor, n_iter_no_change=2, tol=10.0)
    model = MLPRegressor(**SETTINGS, callbacks=stopping)
    for _ in range(2):  # it starts anew with each fit
        assert model.fit(X, Y, X_val=X, y_val=Y).n_iter_ == 4
    assert model.stop_reason_ == "callback"


def test_early_stopping_without_rows_to_validate_on():
    with pytest.raises(ValueError, match="monitor is 'validation_loss', but there are no rows to validate on; pass X_"):
        MLPRegressor(**SETTINGS, callbacks=EarlyStopping("validation_loss")).fit(X, Y)


def test_learning_rates():
    logger = LearningRateLogger()
    model = MLPRegressor(**SETTINGS, learning_rate=lambda epoch: 0.1 / (1 + epoch), callbacks=logger).fit(X, Y)
    assert logger.learning_rates == model.learning_rate_curve_ == [0.1 / (1 + epoch) for epoch in range(8)]


def test_lines_where_nobody_watches(capsys):
    MLPRegressor(**SETTINGS, verbose=True, early_stopping=True).fit(X, Y)
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith("Iteration 1, loss = ")
    assert lines[1].startswith("Validation score: ")
    assert len(lines) == 16


@pytest.mark.parametrize("solver", ["adam", "lbfgs"])
def test_bar_in_a_terminal(capsys, monkeypatch, solver):
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True, raising=False)
    MLPRegressor(**SETTINGS, verbose=True, solver=solver).fit(X, Y, X_val=X, y_val=Y)
    out = capsys.readouterr().out
    assert "loss=" in out
    assert "validation score=" in out
    assert "epoch/s" in out or "s/epoch" in out


def test_lines_where_there_is_no_tqdm(capsys, monkeypatch):
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True, raising=False)
    monkeypatch.setitem(sys.modules, "tqdm", None)
    MLPRegressor(**SETTINGS, verbose=True).fit(X, Y)
    assert capsys.readouterr().out.startswith("Iteration 1")


@pytest.mark.parametrize("make", [lambda: EarlyStopping("accuracy"), lambda: EarlyStopping(monitor=None)])
def test_wrong_monitor(make):
    with pytest.raises(ValueError, match="pass 'loss', 'validation_loss' or 'validation_score'"):
        make()


def test_set_callbacks_takes_no_functions():
    with pytest.raises(TypeError, match="FitCallback protocol"):
        MLPClassifier().set_callbacks(print)
