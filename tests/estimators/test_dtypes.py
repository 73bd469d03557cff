"""A dtype may be given by its name, as a scalar type or as a dtype; the model is the same."""

import copy
import pickle

import numpy as np
import pytest
from numpy.testing import assert_array_equal
from scipy.sparse import csr_array
from sklearn.base import clone
from sklearn.model_selection import GridSearchCV

from fastmlp import MLPClassifier, MLPRegressor, Network
from fastmlp.estimators import _parameters

from ..wrong_calls import LABELS, NUMBERS, X

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

SAME = [
    ("float32", np.float32),
    ("float32", np.dtype("float32")),
    ("float32", "single"),
    ("float64", np.float64),
    ("float64", np.dtype(float)),
    ("float64", float),
]
COPIES = [clone, copy.deepcopy, lambda model: pickle.loads(pickle.dumps(model))]


def model_of(dtype, kind=MLPRegressor, **parameters):
    return kind(
        (3,) if kind is MLPClassifier else "squared_error", dtype=dtype, max_iter=3, random_state=0, **parameters
    )


@pytest.mark.parametrize("kind", [MLPClassifier, MLPRegressor])
@pytest.mark.parametrize("solver", ["adam", "lbfgs"])
@pytest.mark.parametrize(("name", "dtype"), SAME, ids=str)
def test_models_are_the_same(name, dtype, kind, solver):
    y = LABELS if kind is MLPClassifier else NUMBERS
    expected = model_of(name, kind, solver=solver).fit(X, y)
    model = model_of(dtype, kind, solver=solver)
    for same in [model, *(make_copy(model) for make_copy in COPIES)]:
        assert same.get_params()["dtype"] == dtype
        same.fit(X, y)
        assert same.network_.parameters.dtype == name
        assert_array_equal(same.network_.parameters, expected.network_.parameters)
    sparse = model_of(dtype, kind, solver=solver).fit(csr_array(X), y).network_.parameters
    assert_array_equal(sparse, model_of(name, kind, solver=solver).fit(csr_array(X), y).network_.parameters)


@pytest.mark.parametrize(("name", "dtype"), SAME, ids=str)
def test_going_on(name, dtype, monkeypatch):
    """Neither another spelling nor a copy is another dtype, and one that stays is not checked again."""
    model = model_of(dtype).partial_fit(X, NUMBERS)
    for one in [pickle.loads(pickle.dumps(model)), model]:
        one.partial_fit(X, NUMBERS)
        one.set_params(dtype=name).partial_fit(X, NUMBERS)
        one.set_params(dtype=dtype).partial_fit(X, NUMBERS)
        assert len(one.loss_curve_) == 4
        with pytest.raises(ValueError, match=r"^dtype is .*, but the model to continue computes in"):
            one.set_params(dtype=np.float64 if name == "float32" else np.float32).partial_fit(X, NUMBERS)
        one.set_params(dtype=dtype).partial_fit(X, NUMBERS)
    monkeypatch.setattr(_parameters, "validate_parameter_constraints", None)
    one.partial_fit(X, NUMBERS)


def test_search():
    search = GridSearchCV(model_of("auto"), {"dtype": [np.float32, np.dtype("float64"), "float32"]}, cv=2)
    scores = search.fit(X, NUMBERS).cv_results_["mean_test_score"]
    assert scores[0] == scores[2]
    assert np.isfinite(scores).all()


@pytest.mark.parametrize(("name", "dtype"), SAME, ids=str)
def test_networks(name, dtype):
    expected, network = (Network([3, 2, 1], dtype=one, random_state=0) for one in (name, dtype))
    assert network.parameters.dtype == name
    assert_array_equal(network.parameters, expected.parameters)
    weights = [[[0.1]]], [[0.2]]
    assert Network.from_weights(*weights, activation=[], dtype=dtype).parameters.dtype == name


OTHERS = [np.float16, np.int32, int, "i4", np.dtype(">f4"), np.dtype("f4,f4"), "(", "f8,", None, 32, X, [], {}, str]


@pytest.mark.parametrize("dtype", OTHERS, ids=lambda dtype: repr(dtype)[:20])
def test_other_dtypes(dtype):
    with pytest.raises(ValueError, match=r"(?s)^dtype is .*; use 'float32' or 'float64'"):
        Network([2, 1], dtype=dtype)
    with pytest.raises(
        ValueError, match=r"(?s)^The 'dtype' parameter of MLPRegressor must be a str among {'auto', 'float32'"
    ):
        MLPRegressor(dtype=dtype).fit(X, NUMBERS)
