"""Callbacks: functions, fastmlp's own, scikit-learn's protocol; and the progress that verbose shows."""

import contextlib
import copy
import io
import pickle
import sys
import warnings
from types import SimpleNamespace

import joblib
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import clone
from sklearn.datasets import make_regression
from sklearn.metrics import r2_score
from sklearn.model_selection import GridSearchCV, cross_validate
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from fastmlp import MLPClassifier, MLPRegressor
from fastmlp.training.callbacks import Callback, Checkpoint, EarlyStopping, EpochInfo, LearningRateLogger, ScoreMonitor
from fastmlp.training.stopping import Patience

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

X, Y = make_regression(120, n_features=4, noise=5.0, random_state=0)
Y = Y / Y.std()
SETTINGS = dict(hidden_layer_sizes=6, max_iter=8, tol=0, random_state=0)

sklearn_callback = pytest.importorskip("sklearn.callback")


def count(call):
    """What a test puts something in place of."""


def counted_score(model, X, y):
    count("score")
    return model.score(X, y)


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


class WithCurve:
    """A model, as far as a callback looks at it."""

    def __init__(self):
        self.loss_curve_ = []


def test_early_stopping_is_patience(rng):
    """It stops where patience, told of the same losses one by one, runs out."""
    for _ in range(50):
        losses = rng.normal(size=30).cumsum()
        for tol, n_iter_no_change in ((0.0, 2), (0.5, 3), (0.1, float("inf"))):
            stopping, patience = (
                EarlyStopping("loss", n_iter_no_change, tol),
                Patience(tol, n_iter_no_change, higher_is_better=False),
            )
            model = WithCurve()
            for epoch, loss in enumerate(losses, 1):
                patience.update(loss)
                model.loss_curve_.append(loss)
                assert stopping(EpochInfo(epoch, 30, loss, model=model)) == patience.exhausted


class CountingList(list):
    """A list that counts the elements read of it."""

    n_read = 0

    def __iter__(self):
        self.n_read += len(self)
        return super().__iter__()

    def __getitem__(self, place):
        self.n_read += len(range(*place.indices(len(self)))) if isinstance(place, slice) else 1
        return super().__getitem__(place)


@pytest.mark.parametrize("make", [EarlyStopping, LearningRateLogger, lambda: ScoreMonitor(X, Y)])
def test_an_epoch_costs_the_same_however_many_there_were(make):
    """Each value of a curve is read once, for as many epochs as there are."""
    model, callback = MLPRegressor(**SETTINGS).fit(X, Y), make()
    history = model._fit.history
    history.loss_curve, history.learning_rates = CountingList(), CountingList()
    for epoch in range(1, 201):
        history.loss_curve.append(1 / epoch)
        history.learning_rates.append(0.1)
        callback(EpochInfo(epoch, 200, 1 / epoch, model=model))
    assert history.loss_curve.n_read <= 200
    assert history.learning_rates.n_read == 0


def test_early_stopping_of_models_in_turns():
    """Whose curves it follows one beside the other."""
    stopping = EarlyStopping(n_iter_no_change=2, tol=10.0)
    models = [MLPRegressor(**SETTINGS, callbacks=stopping) for _ in range(2)]
    reasons = [[model.partial_fit(X, Y).stop_reason_ for model in models] for _ in range(5)]
    assert reasons == [["max_iter"] * 2] * 3 + [["callback"] * 2] * 2
    assert pickle.loads(pickle.dumps(models[0])).partial_fit(X, Y).stop_reason_ == "callback"
    assert copy.copy(models[0]).partial_fit(X, Y).stop_reason_ == "callback"


def test_early_stopping_has_patience_again():
    """In a fit after one that it has ended; and where the rows to validate on are others."""
    settings = {**SETTINGS, "max_iter": 30, "warm_start": True}
    model = MLPRegressor(**settings, callbacks=EarlyStopping(n_iter_no_change=2, tol=10.0)).fit(X, Y)
    for _ in range(2):
        assert (model.fit(X, Y).n_iter_, model.stop_reason_) == (4, "callback")
        model = pickle.loads(pickle.dumps(model))
    model.set_params(callbacks=EarlyStopping("validation_score", n_iter_no_change=2, tol=10.0))
    reasons = [model.partial_fit(X, Y, X_val=X[:k], y_val=Y[:k]).stop_reason_ for k in (60, 60, 60, 60, 50, 50, 50, 50)]
    assert reasons == (["max_iter"] * 3 + ["callback"]) * 2


@pytest.mark.parametrize("monitor", ["validation_loss", "validation_score"])
def test_epochs_without_validation_are_none_of_patience(monitor):
    """The first epoch that has a value does not end a fit, nor is it the best for ever."""
    model = MLPRegressor(**{**SETTINGS, "max_iter": 30}, warm_start=True).fit(X, Y)
    model.set_params(callbacks=EarlyStopping(monitor, tol=0)).fit(X, Y, X_val=X, y_val=Y)
    assert model.n_iter_ == 30
    model.set_params(callbacks=EarlyStopping(monitor, n_iter_no_change=2, tol=10)).fit(X, Y, X_val=X, y_val=Y)
    assert model.n_iter_ == 1


@pytest.mark.parametrize(
    "make",
    [
        lambda path: dict(callbacks=Checkpoint(path, every=1000)),
        lambda path: dict(scoring=counted_score),
        lambda path: dict(callbacks=ScoreMonitor(X, Y, counted_score)),
    ],
    ids=["checkpoint", "scoring", "monitor"],
)
def test_what_goes_on_is_not_tried_again(make, tmp_path, monkeypatch):
    """It would cost each partial_fit a checkpoint, or a second score."""
    calls = []
    monkeypatch.setattr(MLPRegressor, "_write_checkpoint", lambda self, file: calls.append(file))
    monkeypatch.setattr(sys.modules[__name__], "count", calls.append)
    model = MLPRegressor(**SETTINGS, **make(tmp_path / "model.joblib")).partial_fit(X, Y, X_val=X, y_val=Y)
    n_calls = len(calls)
    for _ in range(3):
        model.partial_fit(X, Y, X_val=X, y_val=Y)
    assert n_calls == (1 if "callbacks" in vars(model) and isinstance(model.callbacks, Checkpoint) else 2)
    assert len(calls) == n_calls + (0 if isinstance(model.callbacks, Checkpoint) else 3)


@pytest.mark.parametrize("method", ["fit", "partial_fit"])
@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        (dict(scoring="neg_log_loss"), "scoring is 'neg_log_loss', which cannot judge the rows to validate on"),
        (dict(scoring=lambda m, X, y: "good"), "scoring returned 'good'"),
        (dict(callbacks=ScoreMonitor(X[:, :2], Y)), "ScoreMonitor cannot score the model"),
        (dict(callbacks=[Checkpoint("new"), lambda info: None]), "The model cannot be pickled"),
        (dict(learning_rate=lambda epoch: -1.0), "learning_rate gives -1 in epoch 0"),
    ],
    ids=["scorer", "no number", "monitor", "checkpoint", "schedule"],
)
@pytest.mark.parametrize("validated_before", [False, True])
def test_what_is_new_in_a_fit_that_goes_on_is_tried(
    method, parameters, message, validated_before, tmp_path, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    validation = dict(X_val=X[:50], y_val=Y[:50])
    model = MLPRegressor(**SETTINGS, warm_start=True).fit(X, Y, **(validation if validated_before else {}))
    before, losses = model.network_.parameters.copy(), list(model.loss_curve_)
    with pytest.raises(ValueError, match=message):
        getattr(model.set_params(**parameters), method)(X, Y, **validation)
    assert_array_equal(model.network_.parameters, before)
    assert (model.loss_curve_, model.stop_reason_) == (losses, "max_iter")
    model.set_params(scoring=None, callbacks=None, learning_rate="constant")
    assert pickle.loads(pickle.dumps(model)).partial_fit(X, Y).loss_ < losses[-1]


def test_what_is_new_beside_a_callback_is_tried(tmp_path):
    """A checkpoint that was tried before may fail for the sake of another parameter."""
    checkpoint = Checkpoint(tmp_path / "model", every=1000)
    model = MLPRegressor(**SETTINGS, callbacks=[checkpoint]).partial_fit(X, Y)
    model.callbacks.append(lambda info: None)
    with pytest.raises(ValueError, match="The model cannot be pickled"):
        model.partial_fit(X, Y)
    model.callbacks.pop()
    with pytest.raises(ValueError, match="The model cannot be pickled"):
        model.set_params(learning_rate=lambda epoch: 0.1).partial_fit(X, Y)
    model.set_params(learning_rate="constant").partial_fit(X, Y)
    checkpoint.path = tmp_path
    with pytest.raises(IsADirectoryError):
        model.partial_fit(X, Y)
    assert len(model.loss_curve_) == 2


def test_a_scorer_is_tried_on_other_rows():
    """Which it may not be able to judge."""
    labels = (Y > 0).astype(int)
    model = MLPClassifier(**SETTINGS, scoring="neg_log_loss").partial_fit(
        X, labels, classes=[0, 1], X_val=X, y_val=labels
    )
    one_class = labels == 1
    with pytest.raises(ValueError, match="cannot judge the rows to validate on"):
        model.partial_fit(X, labels, X_val=X[one_class], y_val=labels[one_class])
    assert len(model.loss_curve_) == 1


def test_a_scorer_that_refuses_what_random_weights_predict():
    """It is tried on y itself, which it has to suit."""
    y = Y - Y.min() + 0.1
    settings = {**SETTINGS, "learning_rate_init": 0.05}
    for seed in range(5):
        untrained = MLPRegressor(**settings | dict(random_state=seed, learning_rate_init=1e-9, max_iter=1)).fit(X, y)
        if untrained.predict(X).min() < 0:
            break
    else:
        pytest.fail("no network predicts negative numbers")
    monitor = ScoreMonitor(X[:1], y[:1], "neg_mean_squared_log_error")
    MLPRegressor(**settings, out_activation="exp", callbacks=monitor, scoring="neg_mean_squared_log_error").fit(
        X, y, X_val=X, y_val=y
    )
    assert len(monitor.scores) == SETTINGS["max_iter"]


@pytest.mark.parametrize("monitor", ["loss", "validation_score"])
def test_early_stopping_over_partial_fits(monitor):
    """What counts is the curve over all calls, though each is an epoch of its own."""
    stopping = EarlyStopping(monitor, n_iter_no_change=2, tol=10.0)
    model = MLPRegressor(**SETTINGS, callbacks=stopping)
    reasons = []
    for validates in (False, True, True, True, True, True):
        held_out = dict(X_val=X, y_val=Y) if validates or monitor != "loss" else {}
        reasons.append(model.partial_fit(X, Y, **held_out).stop_reason_)
    assert reasons == ["max_iter"] * 3 + ["callback"] * 3


def test_clones_in_threads_have_patience_and_scores_of_their_own():
    """scikit-learn's clones share callbacks; which thread is told first must not matter."""
    monitor = ScoreMonitor(X, Y)
    settings = {**SETTINGS, "max_iter": 200, "learning_rate_init": 0.02, "n_jobs": 1}
    model = MLPRegressor(**settings).set_callbacks(EarlyStopping(n_iter_no_change=2, tol=0.01), monitor)

    def lengths(n_jobs):
        with joblib.parallel_config("threading"):
            fits = cross_validate(model, X, Y, cv=4, n_jobs=n_jobs, return_estimator=True)["estimator"]
        scores = [monitor._scores_of[fitted] for fitted in fits]
        for fitted, of_fit in zip(fits, scores, strict=True):
            assert of_fit[-1] == fitted.score(X, Y)
        return [(fitted.n_iter_, len(of_fit)) for fitted, of_fit in zip(fits, scores, strict=True)]

    alone = lengths(1)
    assert len({n_iter for n_iter, _ in alone}) > 1
    assert all(n_iter == n_scores < 200 for n_iter, n_scores in alone)
    assert lengths(4) == alone


@pytest.mark.parametrize("solver", ["adam", "lbfgs"])
@pytest.mark.parametrize("early_stopping", [False, True])
@pytest.mark.filterwarnings("ignore:early_stopping is True, which solver='lbfgs' ignores")
def test_the_model_is_up_to_date_when_it_is_told_of(solver, early_stopping):
    """All that a fit leaves, a callback finds, as of the epoch."""
    names = ["n_iter_", "t_", "loss_", "loss_curve_", "validation_scores_", "best_loss_", "best_validation_score_"]

    def attributes(model):
        return {name: copy.copy(getattr(model, name)) for name in [*names, "best_iter_"]}

    settings = dict(solver=solver, early_stopping=early_stopping)
    seen = []
    model = MLPRegressor(**SETTINGS | settings, callbacks=lambda info: seen.append(attributes(info.model)))
    model.fit(X, Y, X_val=X[:30], y_val=Y[:30])
    for epoch in (1, 5):
        until = MLPRegressor(**SETTINGS | settings).set_params(callbacks=lambda info, last=epoch: info.epoch == last)
        expected = attributes(until.fit(X, Y, X_val=X[:30], y_val=Y[:30]))
        if solver == "lbfgs":
            del expected["t_"], seen[epoch - 1]["t_"]  # evaluations, of which the last line search may have had more
        assert seen[epoch - 1] == expected


def test_learning_rates():
    logger = LearningRateLogger()
    model = MLPRegressor(**SETTINGS, learning_rate=lambda epoch: 0.1 / (1 + epoch), callbacks=logger).fit(X, Y)
    assert logger.learning_rates == model.learning_rate_curve_ == [0.1 / (1 + epoch) for epoch in range(8)]
    model.partial_fit(X, Y)
    assert len(logger.learning_rates) == 9


def test_scores_over_partial_fits():
    monitor = ScoreMonitor(X, Y)
    model, other = MLPRegressor(**SETTINGS, callbacks=monitor), MLPRegressor(**SETTINGS, callbacks=monitor)
    expected = [model.partial_fit(X, Y).score(X, Y) for _ in range(3)]
    assert monitor.scores == expected
    other.partial_fit(X, Y)
    assert len(monitor.scores) == 1
    expected.append(model.partial_fit(X, Y).score(X, Y))
    assert monitor.scores == expected
    loaded = pickle.loads(pickle.dumps(model))
    assert loaded.callbacks.scores == expected
    expected.append(loaded.partial_fit(X, Y).score(X, Y))
    assert loaded.callbacks.scores == expected


def test_lines_where_nobody_watches(capsys):
    MLPRegressor(**SETTINGS, verbose=True, early_stopping=True).fit(X, Y)
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith("Iteration 1, loss = ")
    assert lines[1].startswith("Validation score: ")
    assert len(lines) == 16


@pytest.mark.parametrize("solver", ["adam", "lbfgs"])
def test_bar_in_a_terminal(capsys, monkeypatch, solver):
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True, raising=False)
    monkeypatch.setenv("COLUMNS", "100")
    MLPRegressor(**SETTINGS, verbose=True, solver=solver).fit(X, Y, X_val=X, y_val=Y)
    out = capsys.readouterr().out
    assert "loss=" in out
    assert "validation score=" in out
    assert "epoch/s" in out or "s/epoch" in out


def test_lines_in_a_terminal_without_a_size(capsys, monkeypatch):
    """There a bar would be nothing at all."""
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True, raising=False)
    monkeypatch.setenv("COLUMNS", "0")
    MLPRegressor(**SETTINGS, verbose=True).fit(X, Y)
    assert capsys.readouterr().out.startswith("Iteration 1")


def test_lines_where_there_is_no_tqdm(capsys, monkeypatch):
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True, raising=False)
    monkeypatch.setenv("COLUMNS", "100")
    monkeypatch.setitem(sys.modules, "tqdm", None)
    monkeypatch.setitem(sys.modules, "tqdm.auto", None)
    MLPRegressor(**SETTINGS, verbose=True).fit(X, Y)
    assert capsys.readouterr().out.startswith("Iteration 1")


def test_bar_in_a_notebook(capsys, monkeypatch):
    """Its output is no terminal, and a line an epoch would fill the page."""
    shell = SimpleNamespace(kernel=object())
    monkeypatch.setitem(sys.modules, "IPython", SimpleNamespace(get_ipython=lambda: shell))
    MLPRegressor(**SETTINGS, verbose=True).fit(X, Y)
    out = capsys.readouterr().out
    assert "loss=" in out
    assert "Iteration" not in out
    assert out.count("\n") <= 2


class Writer(list):
    """A console of which no more can be said than that it can be written to."""

    write = list.append


class Broken(Writer):
    """A pipe that nobody reads any more, which is found out later than it is asked whether it is a terminal."""

    def isatty(self):
        return True

    def write(self, text):
        super().write(text)
        if len(self) > 3:
            raise BrokenPipeError


class Closed(io.StringIO):
    def __init__(self):
        super().__init__()
        self.close()


@pytest.mark.parametrize("stream", [lambda: None, Writer, Broken, Closed, lambda: 3])
@pytest.mark.parametrize(
    "others", [dict(), dict(solver="lbfgs"), dict(early_stopping=True, n_iter_no_change=1)], ids=str
)
def test_where_there_is_no_console(monkeypatch, stream, others):
    """What can be shown is, and the fit is the same as a silent one."""
    expected = MLPRegressor(**SETTINGS | others).fit(X, Y)
    stream = stream()
    monkeypatch.setattr(sys, "stdout", stream)
    monkeypatch.setenv("COLUMNS", "100")
    model = MLPRegressor(**SETTINGS | others, verbose=True).fit(X, Y)
    monkeypatch.undo()
    assert_array_equal(model.network_.parameters, expected.network_.parameters)
    assert model.stop_reason_ == expected.stop_reason_
    if type(stream) is Writer:
        assert "".join(stream).startswith("Iteration 1, loss = ")


def show_warning(message, category, *place):
    """As Python does, and not pytest."""
    sys.stderr.write(f"{category.__name__}: {message}")


@pytest.mark.parametrize("stream", [lambda: None, Writer, Broken, Closed, lambda: 3])
def test_warnings_where_there_is_no_console(monkeypatch, stream):
    with warnings.catch_warnings(action="always"):
        monkeypatch.setattr(warnings, "showwarning", show_warning)
        monkeypatch.setattr(sys, "stderr", stream := stream())
        model = MLPRegressor(**SETTINGS).fit(X, Y)
    monkeypatch.undo()
    assert model.n_iter_ == SETTINGS["max_iter"]
    if type(stream) is Writer:
        assert "ConvergenceWarning" in "".join(stream)


def test_bar_is_full_where_a_fit_ends_by_itself(capsys, monkeypatch):
    """Elsewhere a notebook shows it as failed."""
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True, raising=False)
    monkeypatch.setenv("COLUMNS", "100")
    for ends, shown in ((lambda info: info.epoch == 3, "3/3"), (lambda info: 1 / 0, "1/8")):
        with contextlib.suppress(ZeroDivisionError):
            MLPRegressor(**SETTINGS, verbose=True, callbacks=ends).fit(X, Y)
        assert shown in capsys.readouterr().out.rstrip("\n").rpartition("\r")[2]


@pytest.mark.parametrize("make", [lambda: EarlyStopping("accuracy"), lambda: EarlyStopping(monitor=None)])
def test_wrong_monitor(make):
    with pytest.raises(ValueError, match="pass 'loss', 'validation_loss' or 'validation_score'"):
        make()


def test_set_callbacks_takes_no_functions():
    with pytest.raises(TypeError, match="FitCallback protocol"):
        MLPClassifier().set_callbacks(print)
