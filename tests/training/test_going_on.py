"""What holds in a fit that goes on: patience and what is best, as far as rows and weights are those they belong to."""

import copy
import io
import pickle

import joblib
import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy.sparse import csr_array
from sklearn.metrics import accuracy_score, make_scorer

from fastmlp import MLPClassifier, MLPRegressor
from fastmlp.training.callbacks import Checkpoint, EarlyStopping

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

N_ROWS = 400
SETTINGS = dict(
    hidden_layer_sizes=(8,), learning_rate_init=0.02, tol=1e-3, max_iter=60, warm_start=True, random_state=0
)
WORLDS = {
    "early stopping": dict(early_stopping=True),
    "loss": {},
    "sgd adaptive": dict(solver="sgd", learning_rate="adaptive", learning_rate_init=0.1, max_iter=300),
    "early stopping adaptive": dict(
        solver="sgd", learning_rate="adaptive", learning_rate_init=0.1, early_stopping=True, max_iter=300
    ),
    "few epochs": dict(early_stopping=True, max_iter=25),
    "float32": dict(early_stopping=True, dtype="float32"),
    "batch_norm": dict(early_stopping=True, batch_norm=True),
    "callback": dict(callbacks=EarlyStopping(n_iter_no_change=5, tol=1e-3), n_iter_no_change=np.inf),
    "callback and score": dict(
        callbacks=EarlyStopping("validation_score", n_iter_no_change=5, tol=1e-3), early_stopping=True
    ),
}


def world(sign, seed):
    """Rows whose second feature counts for the target or against it."""
    X = np.random.default_rng(seed).normal(size=(N_ROWS, 4))
    return X, X[:, 0] + sign * X[:, 1]


OLD, NEW, OTHER = world(1, 0), world(-1, 1), world(-1, 2)


@pytest.mark.parametrize("through", ["memory", "pickle", "checkpoint"])
@pytest.mark.parametrize("kind", WORLDS)
def test_a_new_world_is_learnt(kind, through, tmp_path):
    """Old scores and old losses, which the new rows cannot reach at first, neither end the fit nor are the best."""
    model = MLPRegressor(**SETTINGS | WORLDS[kind]).fit(*OLD)
    assert model.score(*NEW) < 0.5 < model.score(*OLD)
    if through == "pickle":
        model = pickle.loads(pickle.dumps(model))
    elif through == "checkpoint":
        model.save_checkpoint(tmp_path / "model")
        model = joblib.load(tmp_path / "model")
    n_before = len(model.loss_curve_)
    model.fit(*NEW)
    assert model.score(*NEW) > 0.95
    if model.early_stopping:
        assert model.best_validation_score_ == np.nanmax(model.validation_scores_[n_before:])
        assert model.best_validation_score_ == model.validation_scores_[model.best_iter_ - 1]
    else:
        assert model.best_loss_ == min(model.loss_curve_[n_before:])


@pytest.mark.parametrize("layout", [np.asarray, csr_array])
def test_partial_fits_with_other_rows_to_validate_on(layout):
    """What the model claims is a score of the rows of the last call, by the weights that it has."""
    X_val, y_val = OTHER
    settings = SETTINGS | dict(early_stopping=True, learning_rate_init=0.1)
    model = MLPRegressor(**settings)
    for _ in range(20):
        model.partial_fit(layout(OLD[0]), OLD[1], X_val=layout(OLD[0]), y_val=OLD[1])
    assert model.best_validation_score_ > 0.9
    for _ in range(10):
        model.partial_fit(layout(NEW[0]), NEW[1], X_val=layout(X_val), y_val=y_val)
        assert_allclose(model.best_validation_score_, model.score(layout(X_val), y_val))
        assert model.best_validation_score_ == max(model.validation_scores_[20:])
    assert model.best_validation_score_ > 0.8


@pytest.mark.parametrize("change", ["a target", "a weight", "a row", "the scoring", "an order"])
def test_what_makes_other_rows(change):
    X_val, y_val = (part[:50].copy() for part in OTHER)
    weights = np.ones(50)
    model = MLPRegressor(**SETTINGS | dict(early_stopping=True, learning_rate_init=1e-9))
    call = dict(X_val=X_val, y_val=y_val, sample_weight_val=weights)
    model.partial_fit(*OLD, **call)
    model.partial_fit(*OLD, **call)
    assert model.best_validation_score_ == max(model.validation_scores_)
    if change == "a target":
        y_val[7] += 5
    elif change == "a weight":
        weights[7] = 3
    elif change == "a row":
        X_val[7] *= 5
    elif change == "an order":
        y_val[:] = y_val[::-1]
    else:
        model.set_params(scoring="neg_mean_squared_error")
    model.partial_fit(*OLD, **call)
    assert model.best_iter_ == 3
    assert model.best_validation_score_ == model.validation_scores_[2]


def test_parts_of_one_stream_keep_what_is_best():
    """Rows to learn from change with each call, those to validate on stay."""
    model = MLPRegressor(**SETTINGS | dict(early_stopping=True, learning_rate_init=0.2))
    for start in range(0, N_ROWS, 20):
        model.partial_fit(NEW[0][start : start + 20], NEW[1][start : start + 20], X_val=OTHER[0], y_val=OTHER[1])
    assert len(set(model.validation_scores_)) == N_ROWS // 20
    assert model.best_validation_score_ == max(model.validation_scores_)
    assert model.best_validation_score_ > model.validation_scores_[-1]
    assert_allclose(model.score(*OTHER), model.best_validation_score_)


@pytest.mark.parametrize("early_stopping", [False, True])
def test_patience_starts_anew_once_it_has_run_out(early_stopping):
    model = MLPRegressor(**SETTINGS | dict(early_stopping=early_stopping, tol=10.0, n_iter_no_change=4)).fit(*OLD)
    assert (model.stop_reason_, model.n_iter_) == ("no_improvement", 6)
    seen = model.network_.parameters.copy()
    started = []
    model.set_params(callbacks=lambda info: started.append(info.loss_from))
    model.fit(*OLD)
    assert (model.stop_reason_, model.n_iter_, started) == ("no_improvement", 6, [6] * 6)
    assert not np.array_equal(model.network_.parameters, seen)


def test_what_has_run_out_goes_on_from_what_the_model_shows():
    """Not from the last weights, which nobody sees: one step of gradient descent from the best ones tells."""
    settings = SETTINGS | dict(solver="sgd", momentum=0, alpha=0, learning_rate_init=0.3, early_stopping=True, tol=10.0)
    model = MLPRegressor(**settings | dict(batch_size=N_ROWS, n_iter_no_change=3, shuffle=False)).fit(
        *OLD, X_val=OLD[0], y_val=-OLD[1]
    )
    assert model.stop_reason_ == "no_improvement"
    assert model.best_iter_ < model.n_iter_
    by_hand = copy.deepcopy(model.network_)
    by_hand.step(*NEW, learning_rate=0.3)
    steps = []
    model.set_params(callbacks=lambda info: steps.append(info.model.network_.parameters.copy()), max_iter=2)
    model.fit(*NEW, X_val=OTHER[0], y_val=OTHER[1])
    assert_allclose(steps[0], by_hand.parameters)


class Cost:
    """A scorer, as an object and by its method."""

    def __init__(self, each):
        self.each = each

    def __call__(self, model, X, y):
        return -self.each * float(np.sum((model.predict(X) > 0.5) != (y > 0.5)))


def local_cost(each):
    def cost(y, predicted):
        return -each * float(np.sum((predicted > 0.5) != (y > 0.5)))

    return make_scorer(cost)


@pytest.mark.parametrize("through", ["memory", "pickle"])
@pytest.mark.parametrize(
    "make", [Cost, lambda each: Cost(each).__call__, local_cost], ids=["object", "method", "local"]
)
def test_another_scorer_of_the_same_name(make, through):
    model = MLPRegressor(**SETTINGS | dict(early_stopping=True, max_iter=4, scoring=make(1))).fit(*OLD)
    if through == "pickle":
        model.set_params(scoring=None)  # a function within a function cannot be pickled
        model = pickle.loads(pickle.dumps(model))
    model.set_params(scoring=make(1000)).fit(*OLD)
    assert model.best_validation_score_ == max(model.validation_scores_[4:]) < min(model.validation_scores_[:4])


@pytest.mark.parametrize(
    "scoring", [None, "r2", make_scorer(accuracy_score), Cost(1)], ids=["own", "name", "scorer", "object"]
)
@pytest.mark.parametrize("through", ["memory", "joblib"])
@pytest.mark.parametrize("callback", [None, EarlyStopping("validation_score", n_iter_no_change=4, tol=0.01)])
def test_fits_of_one_epoch_are_one_fit_until_patience_has_run_out(scoring, through, callback):
    make, y = (MLPRegressor, OLD[1]) if scoring in (None, "r2") else (MLPClassifier, OLD[1] > 0)
    settings = SETTINGS | dict(early_stopping=True, tol=0.01, learning_rate_init=0.05, scoring=scoring)
    settings |= dict(n_iter_no_change=5, callbacks=callback)
    whole = make(**settings | dict(max_iter=200)).fit(OLD[0], y)
    assert whole.stop_reason_ == ("callback" if callback else "no_improvement")
    parts = make(**settings | dict(max_iter=1))
    for _ in range(whole.n_iter_):
        parts.fit(OLD[0], y)
        if through == "joblib":
            file = io.BytesIO()
            joblib.dump(parts, file)
            parts = joblib.load(file)
    assert_array_equal(parts.network_.parameters, whole.network_.parameters)
    assert parts.stop_reason_ == whole.stop_reason_
    assert parts.validation_scores_ == whole.validation_scores_
    assert parts.best_iter_ == whole.best_iter_


def test_an_interrupted_fit_goes_on():
    """Ctrl-C neither ends patience nor moves what training goes on from."""

    def interrupt(info):
        if info.epoch == 7:
            raise KeyboardInterrupt

    settings = SETTINGS | dict(early_stopping=True, learning_rate_init=0.1, tol=0.01, max_iter=100)
    whole = MLPRegressor(**settings).fit(*OLD)
    assert whole.stop_reason_ == "no_improvement"
    model = MLPRegressor(**settings, callbacks=interrupt)
    with pytest.warns(UserWarning, match="interrupted by user"):
        model.fit(*OLD)
    assert model.n_iter_ == 7
    model.set_params(callbacks=None).fit(*OLD)
    assert_array_equal(model.network_.parameters, whole.network_.parameters)
    assert model.validation_scores_ == whole.validation_scores_


def assign_all(model, values):
    model.coefs_ = [np.full_like(w, values) for w in model.coefs_]


def assign_one(model, values):
    model.coefs_[0] = np.full_like(model.coefs_[0], values)


def edit_weight(model, values):
    model.coefs_[0][1, 2] = values


def edit_biases(model, values):
    model.intercepts_[-1][...] = values


def edit_parameters(model, values):
    model.network_.parameters[:] = values


def edit_statistics(model, values):
    model.network_.statistics[:] = 1 + values


def swap_units(model, values):
    """The same function by other weights."""
    order = np.arange(8)[::-1]
    model.coefs_[0][...], model.coefs_[1][...] = model.coefs_[0][:, order], model.coefs_[1][order]


EDITS = [assign_all, assign_one, edit_weight, edit_biases, edit_parameters, edit_statistics, swap_units]


@pytest.mark.parametrize("edit", EDITS)
@pytest.mark.parametrize("how", ["fit", "partial_fit", "copy", "pickled after", "checkpoint"])
def test_training_goes_on_from_assigned_weights(edit, how, tmp_path):
    """The first step is gradient descent from them, and the best is a score of what comes of them."""
    settings = SETTINGS | dict(solver="sgd", momentum=0, alpha=0, early_stopping=True, shuffle=False, max_iter=12)
    settings |= dict(batch_norm=edit is edit_statistics, batch_size=N_ROWS, tol=0, learning_rate_init=0.1)
    validation = dict(X_val=OTHER[0], y_val=OTHER[1])
    model = MLPRegressor(**settings).fit(*NEW, **validation)
    model = copy.deepcopy(model) if how == "copy" else model
    if how == "checkpoint":
        model.save_checkpoint(tmp_path / "model")
        model = joblib.load(tmp_path / "model")
    edit(model, 0.3)
    assigned = copy.deepcopy(model.network_)
    if how == "pickled after":
        model = pickle.loads(pickle.dumps(model))
    model.set_params(max_iter=1)
    getattr(model, "partial_fit" if how == "partial_fit" else "fit")(*NEW, **validation)
    if edit is not edit_statistics:
        assigned.step(*NEW, learning_rate=0.1)
        assert_allclose(model.network_.parameters, assigned.parameters)
    else:  # moved by a tenth from the assigned ones to the batch's
        assert np.all(np.abs(model.network_.statistics - assigned.statistics) > 0)
        assert np.all(model.network_.statistics > 0.8)
    assert model.best_iter_ == 13
    assert_allclose(model.best_validation_score_, model.score(*OTHER))


def test_untouched_weights_are_not_taken_for_assigned(tmp_path):
    """Neither by reading them, nor by writing the same."""
    settings = SETTINGS | dict(early_stopping=True, learning_rate_init=0.3, tol=0, max_iter=6)
    whole = MLPRegressor(**settings | dict(max_iter=12)).fit(*OLD)
    model = MLPRegressor(**settings).fit(*OLD)
    model.predict(OLD[0])
    model.coefs_ = [w.copy() for w in model.coefs_]
    model.save_checkpoint(tmp_path / "model")
    model.fit(*OLD)
    assert_array_equal(model.network_.parameters, whole.network_.parameters)


def test_weights_assigned_without_early_stopping():
    """The lowest loss belongs to the weights before, and ends nothing."""
    model = MLPRegressor(**SETTINGS | dict(n_iter_no_change=3, learning_rate_init=0.005)).fit(*OLD)
    model.coefs_ = [np.full_like(w, 1.5) for w in model.coefs_]
    n_before = len(model.loss_curve_)
    assert model.fit(*OLD).n_iter_ > 10
    assert model.loss_ < 0.1 * model.loss_curve_[n_before]
    assert model.best_loss_ == min(model.loss_curve_[n_before:])


def test_a_model_read_from_its_own_callback_and_edited(tmp_path):
    """A pickle of a running fit has the last weights: edited, they are the start, and no best is left from before."""
    stored = []

    def store(info):
        if info.epoch == 5:
            info.model.callbacks = None
            stored.append(pickle.dumps(info.model))

    settings = SETTINGS | dict(early_stopping=True, tol=0, max_iter=8, learning_rate_init=0.1)
    MLPRegressor(**settings, callbacks=store).fit(*OLD)
    model = pickle.loads(stored[0])
    model.coefs_ = [np.zeros_like(w) for w in model.coefs_]
    model.set_params(max_iter=1).fit(*OLD)
    assert model.best_iter_ == 6
    assert np.abs(model.coefs_[0]).max() < 0.5


def test_federated_averaging():
    """Clients start from the mean of all, and move away from it in each local fit."""
    parts = [(NEW[0][k::4], NEW[1][k::4]) for k in range(4)]
    settings = SETTINGS | dict(early_stopping=True, max_iter=5, learning_rate_init=0.01)
    clients = [MLPRegressor(**settings).fit(*part) for part in parts]
    before = np.mean([client.score(*OTHER) for client in clients])
    for _ in range(8):
        mean = np.mean([client.network_.parameters for client in clients], axis=0)
        for client, part in zip(clients, parts, strict=True):
            client.network_.parameters[:] = mean
            client.fit(*part)
            assert np.abs(client.network_.parameters - mean).max() > 1e-4
    assert np.mean([client.score(*OTHER) for client in clients]) > max(before, 0.7)


@pytest.mark.parametrize("n_iter", [4, 9])
def test_a_checkpoint_of_a_fit_that_is_not_to_go_on(n_iter, tmp_path):
    """Its patience and its best hold for the rows of that fit, and are forgotten for others."""
    settings = SETTINGS | dict(early_stopping=True, warm_start=False, max_iter=n_iter)
    MLPRegressor(**settings, callbacks=Checkpoint(tmp_path / "model", every=n_iter)).fit(*OLD)
    model = joblib.load(tmp_path / "model").set_params(warm_start=True, callbacks=None, max_iter=40)
    old_best = model.best_validation_score_
    same = copy.deepcopy(model).fit(*OLD)
    assert same.best_validation_score_ >= old_best
    model.fit(*NEW)
    assert model.best_iter_ > n_iter
    assert model.score(*NEW) > 0.9


def test_lowest_loss_of_lbfgs_on_other_rows():
    model = MLPRegressor(**SETTINGS | dict(solver="lbfgs", max_iter=15)).fit(*OLD)
    n_before = len(model.loss_curve_)
    model.fit(NEW[0], 100 * NEW[1])
    assert model.best_loss_ == min(model.loss_curve_[n_before:]) > min(model.loss_curve_[:n_before])
