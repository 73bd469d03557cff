"""Parameters go round as scikit-learn's tools take them."""

import inspect

import numpy as np
import pytest
from numpy.testing import assert_array_equal
from sklearn.base import clone
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import StandardScaler

from fastmlp import MLPClassifier, MLPRegressor, Perceptron
from fastmlp.activations import LeakyReLU
from fastmlp.losses import Huber
from fastmlp.training.callbacks import EarlyStopping
from fastmlp.training.schedules import Cosine, WarmUp

from .short_fits import NUMBERS, SETTINGS, X, Y, assert_same_weights, classifier

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


ANOTHER_VALUE = dict(
    hidden_layer_sizes=(4, 3),
    activation=LeakyReLU(slope=0.2),
    solver="rmsprop",
    alpha=0.1,
    batch_size=30,
    learning_rate=WarmUp(2, then=Cosine()),
    learning_rate_init=0.02,
    power_t=0.3,
    max_iter=3,
    shuffle=False,
    random_state=3,
    tol=0.5,
    verbose=False,
    warm_start=True,
    momentum=0.5,
    nesterovs_momentum=False,
    early_stopping=True,
    validation_fraction=0.3,
    beta_1=0.5,
    beta_2=0.6,
    epsilon=1e-4,
    n_iter_no_change=np.inf,
    max_fun=20,
    out_activation="softmax",
    loss="kl_divergence",
    dropout=[0.1, 0.2],
    input_dropout=0.1,
    batch_norm=True,
    l1=0.01,
    weight_decay=0.02,
    clip_norm=1.5,
    label_smoothing=0.1,
    class_weight={0: 1.0, 1: 2.0, 2: 3.0},
    init=["he_normal", "orthogonal", "zeros"],
    trainable=[2, 3],
    scoring="balanced_accuracy",
    max_time=60.0,
    callbacks=[EarlyStopping("validation_loss")],
    dtype="float32",
    n_jobs=1,
    eta0=0.5,
)


@pytest.mark.parametrize("estimator", [MLPClassifier, MLPRegressor, Perceptron])
def test_every_parameter_goes_round(estimator):
    """Constructor, get_params, set_params and clone agree about all of them, and none is changed by a fit."""
    names = set(inspect.signature(estimator).parameters)
    values = {name: value for name, value in ANOTHER_VALUE.items() if name in names}
    if estimator is MLPRegressor:
        values |= dict(out_activation="tanh", loss=Huber(threshold=0.5), scoring="r2")
    assert set(values) == names == set(estimator().get_params())
    model = estimator(**values)
    given = model.get_params()
    assert all(given[name] is values[name] for name in names)
    cloned, later = clone(model), estimator().set_params(**values)
    for name in names - {"callbacks"}:  # which have a state of their own, and no equality
        assert cloned.get_params()[name] == later.get_params()[name] == values[name], name
    if "callbacks" in names:
        assert cloned.callbacks[0] is not model.callbacks[0]
    target = NUMBERS if estimator is MLPRegressor else Y
    assert_array_equal(model.fit(X, target).predict(X), cloned.fit(X, target).predict(X))
    assert all(model.get_params()[name] is values[name] for name in names)


def test_nested_parameters_reach_the_model():
    pipeline = Pipeline([("scale", StandardScaler()), ("mlp", MLPClassifier())])
    pipeline.set_params(**{f"mlp__{name}": value for name, value in SETTINGS.items()}).fit(X, Y)
    scaled = StandardScaler().fit_transform(X)
    assert_same_weights(pipeline[-1], classifier().fit(scaled, Y))
