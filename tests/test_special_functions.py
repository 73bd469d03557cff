"""exp, tanh and the logistic function over the whole range, against extended precision."""

import numpy as np
import pytest

from fastmlp import Network

FUNCTIONS = {
    "exp": np.exp,
    "tanh": np.tanh,
    "logistic": lambda x: 1 / (1 + np.exp(-x)),
}
MAX_ULP = 4


def evaluate(name, x):
    """h(x) by the library: a 1-1 network with weight 1 and bias 0."""
    head = {"activation": [], "out_activation": "exp", "loss": "poisson"}
    weights = [np.ones((1, 1))]
    if name != "exp":
        head, weights = {"activation": [name], "out_activation": "identity", "loss": "squared_error"}, weights * 2
    network = Network.from_weights(weights, [np.zeros(1)] * len(weights), dtype=x.dtype.name, **head)
    out = np.empty((len(x), 1), x.dtype)
    out[:] = network.predict_raw(x.reshape(-1, 1), activate_output=True)
    return out.ravel()


def points(name, dtype):
    tiny = np.finfo(dtype).tiny
    wide = np.linspace(-110 if dtype == "float32" else -750, 100 if dtype == "float32" else 720, 200_001)
    near_zero = np.concatenate([s * np.geomspace(tiny, 1, 20_000) for s in (-1, 1)])
    extremes = [0.0, -0.0, tiny / 4, -tiny / 4, 1e4, -1e4, np.inf, -np.inf]
    return np.concatenate([wide, np.linspace(-12, 12, 100_001), near_zero, extremes]).astype(dtype)


@pytest.mark.skipif(np.finfo(np.longdouble).nmant <= 52, reason="long double is no wider than double here")
@pytest.mark.parametrize("name", FUNCTIONS)
def test_ulp(isa, dtype, name):
    x = points(name, dtype)
    with np.errstate(over="ignore", under="ignore"):
        exact = FUNCTIONS[name](x.astype(np.longdouble))
        rounded = exact.astype(dtype)
    got = evaluate(name, x)
    finite = np.isfinite(rounded)
    np.testing.assert_array_equal(got[~finite], rounded[~finite])
    ulp = np.abs(got[finite].astype(np.longdouble) - exact[finite]) / np.spacing(np.abs(rounded[finite]))
    assert ulp.max() <= MAX_ULP, f"{name} is {ulp.max()} ULP off at {x[finite][ulp.argmax()]!r}"


@pytest.mark.parametrize("name", FUNCTIONS)
def test_nan_stays_nan(isa, dtype, name):
    # With enough other elements that vector code sees it.
    assert np.isnan(evaluate(name, np.full(67, np.nan, dtype))).all()
