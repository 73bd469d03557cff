"""Schedules, scorers and callbacks that cannot work are refused, most of them before training."""

import numpy as np
import pytest

from fastmlp import MLPClassifier, MLPRegressor
from fastmlp.training.callbacks import Checkpoint, EarlyStopping, LearningRateLogger, ScoreMonitor
from fastmlp.training.schedules import Cosine, Exponential, OneCycle, Step, WarmUp

from ..wrong_calls import EPOCHS, LABELS, NUMBERS, X, check_refused, fitted_with

pytestmark = pytest.mark.usefixtures("count_epochs")


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Step(every=0), "every is 0; pass a finite number above 0"),
        (lambda: Exponential(decay=np.nan), "decay is nan; pass a finite number above 0"),
        (lambda: Cosine(final=-1), "final is -1; pass a finite number of at least 0"),
        (lambda: OneCycle(rise=1), "rise is 1; pass a share of the epochs between 0 and 1"),
        (lambda: WarmUp(then="cosine"), "then is 'cosine'; pass a Schedule, for example Cosine"),
        (lambda: Checkpoint("model.joblib", every=0), "every is 0; pass a positive number of epochs"),
        (lambda: Checkpoint("model.joblib", every=1.5), "every is 1.5; pass a positive number of epochs"),
        (lambda: EarlyStopping(monitor="accuracy"), "monitor is 'accuracy'; pass 'loss', 'validation_loss' or"),
    ],
)
def test_bad_objects(make, message):
    with pytest.raises(ValueError, match=message):
        make()


def test_a_schedule_that_fails_later():
    rates = {0: 0.001, 1: np.inf}
    model = MLPRegressor(learning_rate=rates.get, random_state=0)
    check_refused(
        model, ValueError, "learning_rate gives inf in epoch 1; make", lambda m: m.fit(X, NUMBERS), n_epochs=1
    )


def scoring_without_weights(model, X, y):
    raise RuntimeError("no score")


NOT_NUMBERS = [lambda m, X, y: "good", lambda m, X, y: None, lambda m, X, y: np.ones(2), lambda m, X, y: np.nan]


@pytest.mark.parametrize("scoring", NOT_NUMBERS, ids=["str", "None", "array", "nan"])
@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_scoring_that_gives_no_number(scoring):
    model = fitted_with(scoring=scoring, early_stopping=True)
    with pytest.raises(ValueError, match="scoring returned .*; it has to return a finite number"):
        model.fit(X, NUMBERS)
    assert not EPOCHS


@pytest.mark.parametrize(
    ("make", "parameters", "data", "message"),
    [
        (MLPRegressor, dict(scoring="accuracy"), {}, "scoring is 'accuracy', .*: continuous is not supported; choose"),
        (MLPRegressor, dict(scoring=scoring_without_weights), {}, "scoring is <function .*: no score; choose"),
        (
            MLPRegressor,
            dict(scoring="neg_max_error"),
            dict(sample_weight=np.arange(40.0)),
            "scoring is 'neg_max_error', .*unexpected keyword argument 'sample_weight'; choose one that .* takes",
        ),
        (MLPClassifier, dict(scoring="f1"), {}, "scoring is 'f1', which cannot judge .* multiclass .*; choose"),
        (MLPClassifier, dict(scoring="neg_log_loss", loss="hinge"), {}, "scoring is 'neg_log_loss', .*predict_proba"),
    ],
    ids=["accuracy", "function", "weights", "f1", "hinge"],
)
def test_scoring_that_does_not_suit(make, parameters, data, message):
    y = LABELS if make is MLPClassifier else NUMBERS
    estimator = make(early_stopping=True, validation_fraction=0.4, **parameters)
    check_refused(estimator, ValueError, message, lambda model: model.fit(X, y, **data))


def test_scoring_of_rows_that_do_not_suit():
    """One class among the rows to validate on has no log-loss."""
    call = dict(X_val=X[:1], y_val=LABELS[:1])
    message = "scoring is 'neg_log_loss', which cannot judge the rows to validate on: .*contains only one label"
    check_refused(MLPClassifier(scoring="neg_log_loss"), ValueError, message, lambda m: m.fit(X, LABELS, **call))


@pytest.mark.parametrize(
    ("callback", "message"),
    [
        (EarlyStopping("validation_score"), "monitor is 'validation_score', but there are no rows to validate on"),
        (EarlyStopping("validation_loss"), "monitor is 'validation_loss', but there are no rows to validate on; pass"),
        (ScoreMonitor(X[:, :2], NUMBERS), "ScoreMonitor cannot score the model by scoring=None: X has 2 features"),
        (ScoreMonitor(X, NUMBERS, "accuracy"), "ScoreMonitor cannot score .*'accuracy': continuous is not supported"),
        (ScoreMonitor(X, NUMBERS, 3), "ScoreMonitor cannot score the model by scoring=3: .*'scoring'"),
        (Checkpoint("model.joblib"), "The model cannot be pickled: .*; pass functions that are defined at the top"),
    ],
    ids=["score", "loss", "width", "accuracy", "number", "lambda"],
)
@pytest.mark.parametrize("by_protocol", [False, True])
def test_callbacks_that_do_not_suit(callback, message, by_protocol, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    model = fitted_with(callbacks=[lambda info: None])
    if by_protocol and hasattr(model, "set_callbacks"):
        model.set_callbacks(callback)
    else:
        model.callbacks.append(callback)
    before = model.predict(X)
    with pytest.raises(ValueError, match=message):
        model.fit(X, NUMBERS)
    assert not EPOCHS
    np.testing.assert_array_equal(model.predict(X), before)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("callback", [EarlyStopping, Checkpoint, LearningRateLogger])
@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_a_class_as_a_callback(callback):
    model = fitted_with(callbacks=callback)
    with pytest.raises(ValueError, match=f"callbacks holds the class {callback.__name__}; pass an object of it"):
        model.fit(X, NUMBERS)
    assert not EPOCHS


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.parametrize(
    ("path", "error", "message"),
    [
        (
            "missing/model.joblib",
            FileNotFoundError,
            "path is 'missing/model.joblib', but there is no folder '.*missing'",
        ),
        (".", IsADirectoryError, "path is '.', which is a folder; pass the name of a file"),
        (3, ValueError, "path is 3; pass the name of a file"),
    ],
)
def test_a_checkpoint_that_cannot_be_written_is_seen_before_training(tmp_path, monkeypatch, path, error, message):
    monkeypatch.chdir(tmp_path)
    model = fitted_with(callbacks=Checkpoint(path, every=1))
    with pytest.raises(error, match=message):
        model.fit(X, NUMBERS)
    assert not EPOCHS


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_a_checkpoint_where_nothing_can_be_written(tmp_path, monkeypatch):
    def refuse(*args, **kwargs):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("os.open", refuse)  # folders' modes do not count for a superuser
    model = fitted_with(callbacks=Checkpoint(tmp_path / "model.joblib", every=1))
    with pytest.raises(PermissionError, match=r"path is '.*', but nothing can be written to '.*': Permission denied;"):
        model.fit(X, NUMBERS)
    assert not EPOCHS


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_the_scoring_of_a_monitor_is_seen_before_training():
    with pytest.raises(ValueError, match="scoring"):
        ScoreMonitor(X, NUMBERS, scoring="no_such_score")


@pytest.mark.parametrize(
    "parameters", [dict(n_iter_no_change=0), dict(n_iter_no_change="a"), dict(tol=np.nan), dict(tol="a")], ids=str
)
def test_the_patience_of_early_stopping(parameters):
    name, value = next(iter(parameters.items()))
    with pytest.raises(ValueError, match=f"{name} is {value!r}; pass"):
        EarlyStopping(**parameters)
