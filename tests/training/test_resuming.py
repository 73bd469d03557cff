"""Going on: n fits of one epoch are one fit of n, through pickles and checkpoints too."""

import io
import pickle
import time

import joblib
import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.datasets import make_classification

from fastmlp import MLPClassifier, MLPRegressor, Perceptron
from fastmlp.training.callbacks import Checkpoint
from fastmlp.training.schedules import Cosine, Exponential

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

N_EPOCHS = 6
SETTINGS = dict(hidden_layer_sizes=(9, 5), batch_size=32, tol=0, n_iter_no_change=50, random_state=3)
VARIANTS = {
    "adam": {},
    "sgd adaptive": dict(solver="sgd", learning_rate="adaptive", n_iter_no_change=1, tol=0.01),
    "rmsprop invscaling": dict(solver="rmsprop", learning_rate="invscaling"),
    "exponential": dict(learning_rate=Exponential(0.9)),
    "function": dict(learning_rate=lambda epoch: 0.01 / (1 + epoch)),
    "dropout and batch_norm": dict(dropout=0.3, batch_norm=True),
    "early stopping": dict(early_stopping=True, learning_rate_init=0.1),
    "not shuffled": dict(shuffle=False),
    "zero weights": dict(class_weight={0: 0.0, 1: 1.0, 2: 1.0}),
}


@pytest.fixture(scope="module")
def table():
    return make_classification(230, n_features=7, n_informative=5, n_classes=3, random_state=0)


def assert_same_model(model, whole):
    assert_array_equal(model.network_.parameters, whole.network_.parameters)
    assert_array_equal(model.network_.statistics, whole.network_.statistics)
    assert model.loss_curve_ == whole.loss_curve_
    assert model.validation_scores_ == whole.validation_scores_
    assert model.learning_rate_curve_ == whole.learning_rate_curve_
    assert model.best_iter_ == whole.best_iter_
    assert model.t_ == whole.t_


@pytest.mark.parametrize("variant", VARIANTS)
@pytest.mark.parametrize("through", ["memory", "joblib", "checkpoint"])
def test_fits_of_one_epoch_are_one_fit(table, tmp_path, variant, through):
    settings = SETTINGS | VARIANTS[variant]
    if through != "memory" and variant == "function":
        pytest.skip("A lambda cannot be pickled.")
    whole = MLPClassifier(**settings, max_iter=N_EPOCHS).fit(*table)
    parts = MLPClassifier(**settings, max_iter=1, warm_start=True)
    for _ in range(whole.n_iter_):
        parts.fit(*table)
        if through == "joblib":
            file = io.BytesIO()
            joblib.dump(parts, file)
            parts = joblib.load(file)
        elif through == "checkpoint":
            parts.save_checkpoint(tmp_path / "model.joblib")
            parts = joblib.load(tmp_path / "model.joblib")
    assert_same_model(parts, whole)


@pytest.mark.parametrize("variant", sorted(set(VARIANTS) - {"early stopping"}))
def test_partial_fits_are_one_fit(table, variant):
    whole = MLPClassifier(**SETTINGS | VARIANTS[variant], max_iter=N_EPOCHS).fit(*table)
    parts = MLPClassifier(**SETTINGS | VARIANTS[variant])
    for _ in range(whole.n_iter_):
        parts.partial_fit(*table, classes=[0, 1, 2])
        if variant != "function":
            parts = pickle.loads(pickle.dumps(parts))
    assert_same_model(parts, whole)


@pytest.mark.parametrize("variant", sorted(set(VARIANTS) - {"function"}))
def test_from_a_checkpoint_on(table, tmp_path, variant):
    """What a fit wrote half-way, and a new process reads, ends where the fit itself has ended."""
    path = tmp_path / "model.joblib"
    settings = SETTINGS | VARIANTS[variant]
    whole = MLPClassifier(**settings, max_iter=N_EPOCHS, callbacks=Checkpoint(path, every=4)).fit(*table)
    resumed = joblib.load(path)
    assert len(resumed.loss_curve_) == 4
    if settings.get("early_stopping"):
        assert resumed.score(*table) > 0  # it has the best weights so far, and goes on from the last
    resumed.set_params(warm_start=True, max_iter=whole.n_iter_ - 4, callbacks=None).fit(*table)
    assert_same_model(resumed, whole)
    assert [file.name for file in tmp_path.iterdir()] == ["model.joblib"]


def test_a_resumed_fit_ends_where_it_would_have(table, tmp_path):
    """By what the documentation says to do, again and again, and whatever the schedule."""
    path = tmp_path / "model.joblib"
    settings = SETTINGS | dict(max_iter=9, learning_rate="cosine")
    whole = MLPClassifier(**settings, callbacks=Checkpoint(path, every=5)).fit(*table)
    model = joblib.load(path)
    for callbacks in (lambda info: info.epoch == 2, None):
        left = model.max_iter - model.n_iter_
        model.set_params(warm_start=True, max_iter=left, callbacks=callbacks).fit(*table)
    assert_same_model(model, whole)


def test_checkpoints_of_partial_fits(table, tmp_path):
    path = tmp_path / "model.joblib"
    model = MLPClassifier(**SETTINGS, callbacks=Checkpoint(path, every=4))
    for _ in range(N_EPOCHS):
        model.partial_fit(*table, classes=[0, 1, 2])
    resumed = joblib.load(path).set_params(callbacks=None)
    assert len(resumed.loss_curve_) == 4
    for _ in range(N_EPOCHS - 4):
        resumed.partial_fit(*table)
    assert_same_model(resumed, model)


def test_the_file_of_a_checkpoint(table, tmp_path):
    """It has the rights of any new file, and a link stays a link."""
    model = MLPClassifier(**SETTINGS, max_iter=1).fit(*table)
    (tmp_path / "other").touch()
    (tmp_path / "folder").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "folder" / "model")
    model.save_checkpoint(tmp_path / "link")
    model.save_checkpoint(tmp_path / "model")
    assert (tmp_path / "link").is_symlink()
    for name in ("model", "folder/model"):
        assert (tmp_path / name).stat().st_mode == (tmp_path / "other").stat().st_mode
        assert joblib.load(tmp_path / name).n_iter_ == 1


@pytest.mark.parametrize("kept", [2, 3, 4])
def test_from_a_pickle_in_a_callback_on(table, kept):
    """Which has the last weights, where the best are to be kept, whether or not these are the best so far."""
    pickled = []

    def store(info):
        if info.epoch == kept:
            info.model.callbacks = None
            pickled.append(pickle.dumps(info.model))

    settings = SETTINGS | dict(early_stopping=True, warm_start=True, learning_rate_init=0.3)
    whole = MLPClassifier(**settings, max_iter=N_EPOCHS, callbacks=store).fit(*table)
    resumed = pickle.loads(pickled[0]).set_params(max_iter=N_EPOCHS - kept).fit(*table)
    assert_same_model(resumed, whole)


def test_a_schedule_with_an_end_goes_on_to_it(table, tmp_path):
    path = tmp_path / "model.joblib"
    settings = SETTINGS | dict(learning_rate=Cosine(), max_iter=N_EPOCHS)
    whole = MLPClassifier(**settings, callbacks=Checkpoint(path, every=4)).fit(*table)
    resumed = joblib.load(path).set_params(warm_start=True, callbacks=lambda info: len(info.model.loss_curve_) == 6)
    assert_same_model(resumed.fit(*table), whole)


@pytest.mark.parametrize("max_iter", [3, 10, 14])
def test_an_unfinished_schedule_is_finished_and_starts_anew(table, max_iter):
    """No epoch is wasted on the rate of 0 that it ends with."""
    settings = SETTINGS | dict(learning_rate="cosine", learning_rate_init=1.0, warm_start=True)
    model = MLPClassifier(**settings, max_iter=10, callbacks=lambda info: info.epoch == 6).fit(*table)
    model.set_params(callbacks=None, max_iter=max_iter).fit(*table)
    first = [(1 + np.cos(np.pi * epoch / 10)) / 2 for epoch in range(10)]
    second = [(1 + np.cos(np.pi * epoch / (max_iter - 4))) / 2 for epoch in range(max_iter - 4)]
    assert_allclose(model.learning_rate_curve_, (first + second)[: 6 + max_iter], atol=1e-12)


def test_a_schedule_stays_at_its_end_in_partial_fit(table):
    model = MLPClassifier(**SETTINGS, learning_rate="cosine", learning_rate_init=1.0, max_iter=2)
    for _ in range(4):
        model.partial_fit(*table, classes=[0, 1, 2])
    assert_allclose(model.learning_rate_curve_, [1, 0.5, 0, 0], atol=1e-12)


def test_a_checkpoint_leaves_no_trace_in_later_pickles(table, tmp_path):
    """What is read back is a model like any other: its pickles hold moments only if it is to go on."""
    model = MLPRegressor(hidden_layer_sizes=(300, 300), max_iter=2, warm_start=True).fit(*table)
    model.save_checkpoint(tmp_path / "model.joblib")
    loaded = joblib.load(tmp_path / "model.joblib").set_params(warm_start=False).fit(*table)
    assert len(pickle.dumps(loaded)) < 1.1 * loaded.network_.parameters.nbytes


def test_lbfgs_after_epochs(table, tmp_path):
    """The history is that of the solver that ran last, in a checkpoint too, and no moments of another one are left."""
    model = MLPRegressor(hidden_layer_sizes=5, max_iter=4, warm_start=True, random_state=0).fit(*table)
    model.set_params(solver="lbfgs").fit(*table)
    losses = list(model.loss_curve_)
    model.save_checkpoint(tmp_path / "model.joblib")
    assert len(losses) == model.n_iter_
    assert model.loss_curve_ == joblib.load(tmp_path / "model.joblib").loss_curve_ == losses
    assert "moments" not in str(model.summary())


def test_epochs_after_lbfgs(table):
    """Its evaluations are no samples that the step size goes by, and its iterations no epochs."""
    settings = dict(hidden_layer_sizes=5, max_iter=4, warm_start=True, random_state=0)
    model = MLPRegressor(**settings, solver="lbfgs").fit(*table)
    iterations = len(model.loss_curve_)
    assert len(model.fit(*table).loss_curve_) == 2 * iterations
    model.set_params(solver="sgd", learning_rate="invscaling").fit(*table)
    fresh = MLPRegressor(**settings, solver="sgd", learning_rate="invscaling").fit(*table)
    assert len(model.loss_curve_) == 4
    assert model.learning_rate_curve_ == fresh.learning_rate_curve_
    assert model.t_ == fresh.t_


def test_a_failed_fit_that_goes_on_keeps_the_history(table):
    def fail(info):
        raise RuntimeError("no more")

    model = MLPRegressor(hidden_layer_sizes=5, solver="lbfgs", max_iter=4, warm_start=True, random_state=0).fit(*table)
    losses = list(model.loss_curve_)
    with pytest.raises(RuntimeError, match="no more"):
        model.set_params(callbacks=fail).fit(*table)
    assert model.loss_curve_[:-1] == losses
    assert (model.stop_reason_, model.n_iter_) == ("failed", 1)


def test_a_failed_checkpoint_leaves_the_one_before(table, tmp_path):
    path = tmp_path / "model.joblib"
    model = MLPClassifier(**SETTINGS, max_iter=2).fit(*table)
    model.save_checkpoint(path)
    written = path.read_bytes()
    model.set_params(callbacks=lambda info: None)
    with pytest.raises(ValueError, match=r"cannot be pickled.*pass functions that are defined at the top of a module"):
        model.save_checkpoint(path)
    assert path.read_bytes() == written
    assert len(list(tmp_path.iterdir())) == 1


def test_size_of_a_pickle(table):
    """Little more than the weights; moments only where the model is to go on."""
    X, y = table
    model = MLPRegressor(hidden_layer_sizes=(300, 300), max_iter=3).fit(X, y)
    weights = model.network_.parameters.nbytes
    assert len(pickle.dumps(model)) < 1.1 * weights
    assert len(pickle.dumps(model.set_params(early_stopping=True).fit(X, y))) < 1.1 * weights
    assert len(pickle.dumps(model.set_params(warm_start=True).fit(X, y))) > 3 * weights
    assert len(pickle.dumps(model.set_params(warm_start=False).partial_fit(X, y, X_val=X, y_val=y))) > 3 * weights


@pytest.mark.parametrize("hidden_layer_sizes", [(), (1,), (5,), (100,)])
def test_size_of_a_pickle_of_a_wide_model(hidden_layer_sizes):
    """Beside the weights it has importances, which are no more than the first layer's."""
    X = np.random.default_rng(0).normal(size=(10, 20_000))
    model = MLPRegressor(hidden_layer_sizes=hidden_layer_sizes, max_iter=1).fit(X, X[:, 0])
    pickled = pickle.dumps(model)
    assert len(pickled) < 1.1 * model.network_.parameters.nbytes + 8 * 20_000
    assert_array_equal(pickle.loads(pickled).feature_importances_, model.feature_importances_)


def test_a_model_without_its_moments_goes_on(table):
    model = pickle.loads(pickle.dumps(MLPClassifier(**SETTINGS, max_iter=3).fit(*table)))
    model.partial_fit(*table)
    assert len(model.loss_curve_) == 4
    assert model.t_ == 4 * len(table[1])


@pytest.mark.parametrize("make", [MLPClassifier, MLPRegressor, Perceptron])
def test_state_of_another_version(table, make):
    model = make(max_iter=1).fit(*table)
    state = model.__getstate__()
    state["_fastmlp_state_version"] += 1
    name = make.__name__
    with pytest.raises(ValueError, match=rf"{name} was stored in version 3 .* reads version 2; use the fastmlp that"):
        make().__setstate__(state)


@pytest.mark.parametrize("solver", ["adam", "lbfgs"])
def test_max_time(table, solver):
    model = MLPRegressor(solver=solver, max_iter=10**6, max_fun=10**6, max_time=0.2, tol=0, n_iter_no_change=10**6)
    begin = time.perf_counter()
    model.fit(*table)
    assert model.stop_reason_ == "max_time"
    assert 0.2 <= time.perf_counter() - begin < 2
    assert model.n_iter_ == len(model.loss_curve_) > 1


def test_max_time_stops_between_epochs(table):
    """It takes whole epochs, which are those of a fit that stopped there by itself."""
    stopped = MLPClassifier(**SETTINGS, max_time=1e-9).fit(*table)
    one = MLPClassifier(**SETTINGS, max_iter=1).fit(*table)
    assert stopped.n_iter_ == 1
    assert_allclose(stopped.network_.parameters, one.network_.parameters, rtol=0)
