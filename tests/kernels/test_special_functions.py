"""exp, tanh, logistic, softplus and GELU over the whole range, against extended precision and mpmath."""

from functools import cache

import numpy as np
import pytest

from fastmlp.activations import ACTIVATIONS

MAX_ULP = 4

needs_wide_long_double = pytest.mark.skipif(
    np.finfo(np.longdouble).nmant <= 52, reason="long double is no wider than double here"
)


def evaluate(name, x):
    return ACTIVATIONS[name].forward(x[np.newaxis])[0]


def from_mpmath(function, x):
    """function(x) as long double: two doubles of digits, and an exponent that may be below that of doubles."""
    mpmath = pytest.importorskip("mpmath")
    with mpmath.workdps(40):
        parts = [mpmath.frexp(function(mpmath, mpmath.mpf(float(value)))) for value in x]
        high = [float(mantissa) for mantissa, _ in parts]
        low = [float(mantissa - h) for (mantissa, _), h in zip(parts, high, strict=True)]
    exponents = np.array([exponent for _, exponent in parts])
    return np.ldexp(np.array(high, np.longdouble) + np.array(low, np.longdouble), np.maximum(exponents, -16000))


def gelu(mpmath, x):
    return x * mpmath.erfc(-x / mpmath.sqrt(2)) / 2


def gelu_derivative(mpmath, x):
    return mpmath.erfc(-x / mpmath.sqrt(2)) / 2 + x * mpmath.npdf(x)


FUNCTIONS = {
    "exp": np.exp,
    "tanh": np.tanh,
    "logistic": lambda x: 1 / (1 + np.exp(-x)),
    "softplus": lambda x: np.logaddexp(0, x),
    # Long double has no erfc.
    "gelu": lambda x: from_mpmath(gelu, x),
}


@cache
def points(name, dtype):
    """Where results are normal, subnormal, zero or infinite; for GELU few enough for mpmath."""
    rng = np.random.default_rng(0)
    tiny = np.finfo(dtype).tiny
    few, wide = (40, 12) if name == "gelu" else (1, 110)
    wide *= 1 if dtype == "float32" else 7
    where = [
        rng.uniform(-wide, wide, 200_000 // few),
        rng.uniform(-12, 12, 100_000 // few),
        *(sign * np.geomspace(tiny / 1000, 1, 20_000 // few) for sign in (-1, 1)),
    ]
    if name == "gelu":  # the end of its tail
        where.append(rng.uniform(-15, -12, 2000) if dtype == "float32" else rng.uniform(-39, -36, 2000))
    else:  # every exponent
        patterns = rng.integers(0, 2**64, 100_000, np.uint64).astype(f"u{tiny.itemsize}").view(dtype)
        where.append(patterns[~np.isnan(patterns)])
    return np.concatenate(where).astype(dtype)


@cache
def exact_values(name, dtype):
    with np.errstate(over="ignore", under="ignore"):
        return FUNCTIONS[name](points(name, dtype).astype(np.longdouble))


@needs_wide_long_double
@pytest.mark.parametrize("name", FUNCTIONS)
def test_ulp(isa, dtype, name):
    x, exact = points(name, dtype), exact_values(name, dtype)
    with np.errstate(over="ignore", under="ignore"):
        rounded = exact.astype(dtype)
    got = evaluate(name, x)
    assert got.dtype == dtype
    finite = np.isfinite(rounded)
    np.testing.assert_array_equal(got[~finite], rounded[~finite])
    ulp = np.abs(got[finite].astype(np.longdouble) - exact[finite]) / np.spacing(np.abs(rounded[finite]))
    assert ulp.max() <= MAX_ULP, f"{name} is {ulp.max()} ULP off at {x[finite][ulp.argmax()]!r}"


@needs_wide_long_double
def test_gelu_derivative(isa, dtype):
    """To a few roundings of 1, near which its largest values are; it crosses 0 at -0.75."""
    x = points("gelu", dtype)[::5]
    got = ACTIVATIONS["gelu"].backward(np.ones((1, len(x)), dtype), x[np.newaxis], evaluate("gelu", x)[np.newaxis])[0]
    error = np.abs(got.astype(np.longdouble) - from_mpmath(gelu_derivative, x))
    assert error.max() <= MAX_ULP * np.finfo(dtype).eps, f"off by {error.max()} at {x[error.argmax()]!r}"


# h(0), h(-0), h(s), h(-s), h(1e4), h(-1e4), h(inf), h(-inf), h(NaN), where s is subnormal and stands for itself.
EXTREMES = {
    "exp": [1, 1, 1, 1, np.inf, 0, np.inf, 0, np.nan],
    "tanh": [0.0, -0.0, "s", "-s", 1, -1, 1, -1, np.nan],
    "logistic": [0.5, 0.5, 0.5, 0.5, 1, 0, 1, 0, np.nan],
    "softplus": [np.log(2)] * 4 + [1e4, 0, np.inf, 0, np.nan],
    "gelu": [0.0, -0.0, "s/2", "-s/2", 1e4, 0, np.inf, 0, np.nan],
}


@pytest.mark.parametrize("case", range(9), ids=["0", "-0", "s", "-s", "1e4", "-1e4", "inf", "-inf", "nan"])
@pytest.mark.parametrize("name", EXTREMES)
def test_extremes(isa, dtype, name, case):
    s = np.finfo(dtype).tiny / 4
    x = np.array([0.0, -0.0, s, -s, 1e4, -1e4, np.inf, -np.inf, np.nan], dtype)[case]
    expected = EXTREMES[name][case]
    expected = {"s": s, "-s": -s, "s/2": s / 2, "-s/2": -s / 2}.get(expected, expected)
    # Enough of them for whole registers and a rest.
    got = evaluate(name, np.full(67, x))
    np.testing.assert_allclose(got, np.full(67, expected, dtype), rtol=np.finfo(dtype).eps, atol=0)
    if x == 0 and expected == 0:
        np.testing.assert_array_equal(np.signbit(got), np.signbit(x))
