"""A fit as a value: what a model shows of it, and which one it shows after a failure."""

import copy

import numpy as np
import pytest
from numpy.testing import assert_array_equal

from fastmlp import MLPClassifier, MLPRegressor, Network
from fastmlp.training.callbacks import Callback

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

X = np.random.default_rng(0).normal(size=(40, 3))
Y = X.sum(axis=1)
SETTINGS = {"hidden_layer_sizes": (4,), "max_iter": 2, "random_state": 0}


class Refusing(Callback):
    """It has seen a model before it refuses it."""

    def check(self, model, has_validation):
        self.seen = model, model.network_
        raise ValueError("not this one")


@pytest.mark.parametrize("warm_start", [False, True])
def test_what_is_tried_sees_the_new_fit_and_leaves_the_earlier_one(warm_start):
    model = MLPRegressor(**SETTINGS, warm_start=warm_start).fit(X, Y)
    fit, parameters, curve = model._fit, model.network_.parameters.copy(), list(model.loss_curve_)
    refusing = Refusing()
    with pytest.raises(ValueError, match="not this one"):
        model.set_params(callbacks=refusing).fit(X, Y)
    assert refusing.seen[0] is model
    assert (refusing.seen[1] is model.network_) == warm_start
    assert model._fit is fit
    assert_array_equal(model.network_.parameters, parameters)
    assert model.loss_curve_ == curve


def test_a_first_fit_that_fails_leaves_nothing():
    model = MLPRegressor(**SETTINGS, callbacks=Refusing())
    before = dict(vars(model))
    with pytest.raises(ValueError, match="not this one"):
        model.fit(X, Y)
    assert vars(model) == before
    assert not hasattr(model, "n_features_in_")


def test_callbacks_see_the_fit_that_runs():
    seen = []
    model = MLPClassifier((4,), max_iter=2, random_state=0).fit(X, Y > 0)
    model.set_params(callbacks=lambda info: seen.append((info.model.n_features_in_, list(info.model.classes_))))
    model.fit(X[:, :2], np.arange(40) % 3)
    assert seen == [(2, [0, 1, 2])] * 2


def test_a_failure_in_training_shows_the_earlier_fit():
    def fail(info):
        raise RuntimeError("no more")

    model = MLPRegressor(**SETTINGS).fit(X, Y)
    fit = model._fit
    with pytest.raises(RuntimeError, match="no more"):
        model.set_params(callbacks=fail).fit(X[:, :2], Y)
    assert model._fit is fit
    assert model.n_features_in_ == 3
    with pytest.raises(RuntimeError, match="no more"):
        model.set_params(warm_start=True).fit(X, Y)
    assert model._fit is not fit
    assert model.network_ is fit.network
    assert model.stop_reason_ == "failed"


def test_attributes_are_those_of_the_fit():
    model = MLPRegressor(**SETTINGS)
    with pytest.raises(AttributeError, match="'MLPRegressor' object has no attribute 'n_iter_' before it is fitted"):
        _ = model.n_iter_
    model.fit(X, Y)
    assert model.n_iter_ == 2
    model.n_iter_ = 3
    assert copy.copy(model).n_iter_ == model.n_iter_ == 3
    assert model.fit(X, Y).n_iter_ == 2
    assert not hasattr(model, "feature_names_in_")
    model.network_ = network = Network([3, 4, 1], random_state=1)
    assert model.network_ is network
    assert_array_equal(model.predict(X), network.forward(X).ravel())


def test_a_copy_that_is_fitted_shows_another_fit():
    model = MLPRegressor(**SETTINGS).fit(X, Y)
    shallow = copy.copy(model)
    assert shallow.network_ is model.network_
    shallow.fit(X[:, :2], Y)
    assert (model.n_features_in_, shallow.n_features_in_) == (3, 2)


@pytest.mark.parametrize(
    "changed",
    [
        dict(alpha=1.0),
        dict(learning_rate_init=0.1),
        dict(solver="sgd"),
        dict(shuffle=False),
        dict(clip_norm=1e-3),
        dict(batch_size=7),
    ],
    ids=lambda changed: next(iter(changed)),
)
def test_a_parameter_that_changes_between_calls_counts(changed):
    """A call that finds it unchanged goes on as it is; then a pickle, which is rebuilt, has to agree."""
    model = MLPRegressor(**SETTINGS).partial_fit(X, Y).partial_fit(X, Y)
    trainer = model._fit.solver
    twin, same = copy.deepcopy(model), copy.deepcopy(model)
    model.set_params(**changed).partial_fit(X, Y)
    assert model._fit.solver is not trainer
    twin.set_params(**changed)
    for name, value in twin.get_params().items():
        twin.set_params(**{name: value})
    assert_array_equal(twin.partial_fit(X, Y).network_.parameters, model.network_.parameters)
    assert not np.array_equal(same.partial_fit(X, Y).network_.parameters, model.network_.parameters)


def test_a_trainer_goes_on_where_nothing_changes():
    model = MLPRegressor(**SETTINGS).partial_fit(X, Y)
    trainer, network = model._fit.solver, model.network_
    for n in (1, 5, 40):
        model.partial_fit(X[:n], Y[:n])
    assert model._fit.solver is trainer
    assert trainer.network is network
    model.fit(X, Y)
    assert model._fit.solver is not trainer
