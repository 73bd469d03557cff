"""What a network checks of arrays, beside scikit-learn's checks of the same."""

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_array_equal
from scipy.sparse import csr_array
from sklearn.utils import check_array as sklearn_check_array
from sklearn.utils import check_random_state as sklearn_check_random_state
from sklearn.utils.validation import _check_sample_weight

from fastmlp._checks import check_array, check_random_state, check_sample_weight

X = np.random.default_rng(0).normal(size=(6, 3))
ARRAYS = {
    "float64": X,
    "float32": X.astype(np.float32),
    "Fortran": np.asfortranarray(X),
    "steps": X[::2, ::-1],
    "integers": (X * 10).astype(int),
    "booleans": X > 0,
    "list": X.tolist(),
    "objects": X.astype(object),
    "numbers as text": X.astype(str),
    "text": np.full((2, 2), "a"),
    "table": pd.DataFrame(X),
    "nullable": pd.DataFrame({"a": pd.array([1, 2], dtype="Int64"), "b": pd.array([0.5, 1.5], dtype="Float64")}),
    "nullable with NA": pd.DataFrame({"a": pd.array([1, None], dtype="Int64")}),
    "table of text": pd.DataFrame({"a": ["x", "y"]}),
    "column": pd.Series(X[:, 0]),
    "one dimension": X[:, 0],
    "number": 1.0,
    "None": None,
    "three dimensions": X[np.newaxis],
    "no rows": X[:0],
    "no columns": X[:, :0],
    "sparse": csr_array(X),
    "matrix": X.view(np.matrix),
    "complex": X + 1j,
    "NaN": np.where(X.max() == X, np.nan, X),
    "infinity": np.where(X.max() == X, np.inf, X),
    "infinity, then NaN": [[np.inf, np.nan], [-np.inf, 1.0]],
    "too large": X * 1e300,
    "too large a sum": np.full((4, 2), 1e308),
    "of several lengths": [[1.0], [1.0, 2.0]],
}


# Versions of scikit-learn since which it refuses these, or says so in these words.
SINCE = {"three dimensions": "1.7", "zeros": "1.9"}


def needs_its_scikit_learn(name):
    pytest.importorskip("sklearn", minversion=SINCE.get(name))


def outcome(check, *args, **kwargs):
    """What a call returns, or the class and the words of its error."""
    try:
        return check(*args, **kwargs)
    except (TypeError, ValueError) as error:
        return type(error), " ".join(str(error).split())


def assert_same_outcome(got, expected):
    if isinstance(expected, np.ndarray):
        assert_array_equal(got, expected, strict=True)
        assert got.flags.c_contiguous
        return
    assert got[0] is expected[0]
    # Ours are shorter here and there.
    assert expected[1].startswith(got[1][:40])


@pytest.mark.filterwarnings("ignore:(overflow|invalid value) encountered:RuntimeWarning")
@pytest.mark.parametrize("name", sorted(set(ARRAYS) - {"column"}))  # which theirs calls by its type
def test_arrays(name, dtype):
    needs_its_scikit_learn(name)
    array = ARRAYS[name]
    expected = outcome(sklearn_check_array, array, dtype=dtype, order="C", input_name="X")
    assert_same_outcome(outcome(check_array, array, dtype=dtype, name="X"), expected)


@pytest.mark.filterwarnings("ignore:(overflow|invalid value) encountered:RuntimeWarning")
@pytest.mark.parametrize("name", ARRAYS)
def test_targets(name, dtype):
    needs_its_scikit_learn(name)
    array = ARRAYS[name]
    expected = outcome(sklearn_check_array, array, dtype=dtype, order="C", ensure_2d=False, input_name="y")
    got = outcome(check_array, array, dtype=dtype, name="y", ensure_2d=False)
    if name in ("number", "None"):  # theirs says no word about y
        assert got[0] is TypeError
    else:
        assert_same_outcome(got, expected)


@pytest.mark.parametrize("name", ["float64", "float32"])
def test_nothing_is_copied_that_fits(name):
    array = ARRAYS[name]
    memory = np.asarray(array)
    assert np.shares_memory(check_array(array, dtype=memory.dtype, name="X"), memory)


WEIGHTS = {
    "weights": np.arange(6.0),
    "integers": [1, 2, 3, 4, 5, 6],
    "one number": 2.5,
    "column": np.ones((6, 1)),
    "too few": np.ones(5),
    "zeros": np.zeros(6),
    "negative": [1, 2, 3, 4, 5, -6],
    "NaN": [1, 2, 3, 4, 5, np.nan],
    "text": "balanced",
    "three dimensions": np.ones((6, 1, 1)),
    "sparse": csr_array(np.ones((6, 1))),
}


@pytest.mark.parametrize("name", WEIGHTS)
def test_sample_weights(name, dtype):
    needs_its_scikit_learn(name)
    weights, rows = WEIGHTS[name], X.astype(dtype)
    expected = outcome(_check_sample_weight, weights, rows, dtype=rows.dtype, ensure_non_negative=True)
    assert_same_outcome(outcome(check_sample_weight, weights, rows), expected)


@pytest.mark.parametrize("seed", [0, np.int64(7), np.random.RandomState(3)], ids=str)
def test_seeds(seed):
    state = check_random_state(seed).get_state()
    for got, expected in zip(state, sklearn_check_random_state(seed).get_state(), strict=True):
        assert_array_equal(got, expected)


def test_global_random_numbers():
    assert check_random_state(None) is sklearn_check_random_state(None) is check_random_state(np.random)


@pytest.mark.parametrize("seed", ["a", 1.5, np.random.default_rng(0)], ids=["text", "float", "generator"])
def test_bad_seeds(seed):
    with pytest.raises(ValueError, match="cannot be used to seed a numpy.random.RandomState instance"):
        check_random_state(seed)
    with pytest.raises(ValueError, match="cannot be used to seed a numpy.random.RandomState instance"):
        sklearn_check_random_state(seed)
