"""Every name that an estimator lists can be asked for: completion, notebooks and other libraries do."""

import inspect

import numpy as np
import pytest
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from fastmlp import MLPClassifier, MLPRegressor, Network, Perceptron

X = np.random.default_rng(0).normal(size=(60, 4))
CODES = np.arange(60) % 3
TARGETS = {
    "integers": CODES,
    "booleans": CODES > 0,
    "floats": CODES.astype(float),
    "strings": np.array(list("abc"))[CODES],
    "objects": np.array(list("abc"), dtype=object)[CODES],
    "labels": np.eye(3, dtype=int)[CODES],
    "several targets": np.column_stack([CODES, (CODES + 1) % 2]) + 1,
}
SETTINGS = {"hidden_layer_sizes": (4,), "tol": 10.0, "n_iter_no_change": 1, "random_state": 0}


def models():
    for kind, y in TARGETS.items():
        yield f"classifier of {kind}", MLPClassifier(**SETTINGS), y
    yield "of distributions", MLPClassifier(**SETTINGS, loss="kl_divergence"), np.full((60, 2), 0.5)
    yield "hinge", MLPClassifier(**SETTINGS, loss="hinge"), CODES
    yield "early stopping", MLPClassifier((4,), early_stopping=True, tol=1.0), CODES
    yield "regressor", MLPRegressor(**SETTINGS), X[:, 0]
    yield "regressor of two", MLPRegressor(**SETTINGS), X[:, :2]
    yield "perceptron", Perceptron(), X[:, 0] > 0
    yield "in a pipeline", make_pipeline(StandardScaler(), MLPClassifier(**SETTINGS)), CODES
    yield "in a search", GridSearchCV(MLPClassifier(**SETTINGS), {"alpha": [0.1]}, cv=2), CODES


@pytest.mark.parametrize(("model", "y"), [pytest.param(model, y, id=name) for name, model, y in models()])
def test_names_of_a_model(model, y):
    for state in (model, model.fit(X, y)):
        names = [name for name in object.__dir__(state) if not name.startswith("__")]
        assert len(names) > 20
        for name in names:
            hasattr(state, name)  # raises what is no AttributeError
        assert set(dir(state)) <= {*object.__dir__(state)}
        assert len(inspect.getmembers(state)) > 20
        assert type(model).__name__ in state._repr_html_()


def test_names_of_a_partly_fitted_model():
    model = MLPClassifier((4,)).partial_fit(X, CODES, classes=[0, 1, 2])
    for name in object.__dir__(model):
        hasattr(model, name)


def test_names_of_a_network():
    network = Network([2, 3, 1], batch_norm=True)
    for name in dir(network):
        hasattr(network, name)
