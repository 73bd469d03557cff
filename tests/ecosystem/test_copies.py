"""Copies of a model, deep and shallow."""

import copy
import io
import pickle

import joblib
import numpy as np
import pytest
from numpy.testing import assert_array_equal
from scipy.sparse import csr_array
from sklearn.model_selection import cross_validate

from fastmlp import Perceptron

from .short_fits import NUMBERS, X, Y, assert_same_weights, classifier, regressor

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


@pytest.mark.parametrize("settings", [dict(), dict(warm_start=True), dict(batch_norm=True, early_stopping=True)])
@pytest.mark.parametrize("method", ["fit", "partial_fit"])
def test_a_deep_copy_is_independent(settings, method):
    """Training it further changes nothing of the original, which goes on as if there were no copy."""
    if method == "partial_fit" and "early_stopping" in settings:
        settings = dict(batch_norm=True)
    model, alone = classifier(**settings).fit(X, Y), classifier(**settings).fit(X, Y)
    before, losses = model.predict_proba(X), list(model.loss_curve_)
    duplicate = copy.deepcopy(model)
    assert_array_equal(duplicate.predict_proba(X), before)
    getattr(duplicate, method)(X[::-1] + 1, Y)
    assert not np.array_equal(duplicate.predict_proba(X), before)
    assert_array_equal(model.predict_proba(X), before)
    assert model.loss_curve_ == losses
    assert_same_weights(getattr(model, method)(X, Y), getattr(alone, method)(X, Y))


def test_deep_copies_in_a_callback_are_the_models_of_their_epochs():
    copies = []
    regressor(callbacks=lambda info: copies.append(copy.deepcopy(info.model))).fit(X, NUMBERS)
    for n_epochs in (1, 7, 15):
        assert_array_equal(copies[n_epochs - 1].predict(X), regressor(max_iter=n_epochs).fit(X, NUMBERS).predict(X))


@pytest.mark.parametrize("make", [classifier, regressor])
def test_a_shallow_copy_fitted_anew_is_independent(make):
    y = Y if make is classifier else NUMBERS
    model = make().fit(X, y)
    before = model.predict(X)
    copy.copy(model).fit(X[::-1] + 1, y)
    assert_array_equal(model.predict(X), before)


def test_a_shallow_copy_shares_its_network():
    """As the word says, and as in scikit-learn: what continues the training of one changes the weights of both."""
    model = classifier().fit(X, Y)
    shallow = copy.copy(model)
    assert shallow.network_ is model.network_
    before = model.predict_proba(X)
    shallow.partial_fit(X[::-1] + 1, Y)
    assert not np.array_equal(model.predict_proba(X), before)
    assert_array_equal(model.predict_proba(X), shallow.predict_proba(X))
    assert len(model.loss_curve_) == 15  # but the original does not know of it


def test_a_perceptron_and_its_shallow_copy_are_independent():
    model = Perceptron(random_state=0).partial_fit(X, Y, classes=[0, 1, 2])
    before = model.coef_.copy()
    copy.copy(model).partial_fit(X[::-1], Y)
    assert_array_equal(model.coef_, before)


WIDE = np.random.default_rng(1).normal(size=(len(Y), 20_000))
LABELS = np.eye(3, dtype=int)[Y]
FITS = {
    "classifier": lambda: classifier().fit(X, Y),
    "words, float32": lambda: classifier(dtype="float32").fit(X, np.array(["a", "b", "c"])[Y]),
    "multilabel, sparse y": lambda: classifier().fit(X, csr_array(LABELS)),
    "several targets": lambda: classifier().fit(X, np.column_stack([Y + 5, Y > 0])),
    "early stopping": lambda: classifier(early_stopping=True).fit(X, Y),
    "batch normalization": lambda: classifier(batch_norm=True, dropout=0.1).fit(X, Y),
    "hinge": lambda: classifier(loss="hinge").fit(X, Y),
    "regressor": lambda: regressor().fit(X, NUMBERS),
    "numbers, lbfgs": lambda: regressor(solver="lbfgs").fit(X, X[:, :2]),
    "wide": lambda: classifier(hidden_layer_sizes=1, max_iter=2).fit(WIDE, Y),
    "wide, sparse": lambda: regressor(hidden_layer_sizes=(), max_iter=2).fit(csr_array(WIDE), NUMBERS),
    "names": lambda: regressor(max_iter=2).fit(table(), NUMBERS),
    "partial_fit": lambda: classifier().partial_fit(X, Y, classes=[0, 1, 2]),
    "warm start": lambda: classifier(warm_start=True, max_iter=2).fit(X, Y).fit(X, Y),
    "assigned": lambda: setattr_of(regressor().fit(X, NUMBERS), best_loss_=-1.0),
    "perceptron": lambda: Perceptron(random_state=0, max_iter=5).fit(X, Y),
}


def table():
    return pytest.importorskip("pandas").DataFrame(X, columns=[f"c{column}" for column in range(X.shape[1])])


def setattr_of(model, **values):
    for name, value in values.items():
        setattr(model, name, value)
    return model


def through_joblib(model):
    file = io.BytesIO()
    joblib.dump(model, file)
    return joblib.load(file)


COPIES = {
    "copy": copy.copy,
    "deepcopy": copy.deepcopy,
    "pickle": lambda model: pickle.loads(pickle.dumps(model)),
    "joblib": through_joblib,
}


def fitted_attributes(model):
    """All that a user can read of a fit, as it is printed, with every digit."""
    names = [name for name in dir(type(model)) + list(vars(model)) if name.endswith("_") and not name.startswith("_")]
    found = {name: getattr(model, name) for name in names if hasattr(model, name)}
    if "network_" in found:
        network = found.pop("network_")
        found |= {name: getattr(network, name) for name in ("parameters", "statistics", "sizes", "loss")}
        found["summary"] = model.summary()
    with np.printoptions(threshold=200_000, floatmode="unique"):
        return {name: repr(value) for name, value in found.items()}


@pytest.mark.parametrize("fit", FITS)
def test_copies_have_every_fitted_attribute(fit):
    """So that a model which comes back from another process tells what one tells that stayed here."""
    model = FITS[fit]()
    expected = fitted_attributes(model)
    assert "feature_importances_" in expected or fit in ("partial_fit", "perceptron")
    for name, duplicate in COPIES.items():
        assert fitted_attributes(duplicate(model)) == expected, name


def test_models_of_another_process_have_every_fitted_attribute():
    model = classifier(hidden_layer_sizes=2, max_iter=2)
    here, there = (
        cross_validate(model, WIDE, Y, cv=2, return_estimator=True, n_jobs=n_jobs)["estimator"] for n_jobs in (1, 2)
    )
    for one, other in zip(here, there, strict=True):
        assert fitted_attributes(one) == fitted_attributes(other)
