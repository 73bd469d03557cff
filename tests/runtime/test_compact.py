"""Weights of fewer bytes: their rounding, their kernels, and predictors with them."""

import pickle
import threading

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.datasets import load_digits

from fastmlp import MLPClassifier
from fastmlp._core._config import available_isas
from fastmlp.runtime import _engine
from fastmlp.runtime._engine import NetworkStage, Settings, _with_fewer_bytes
from fastmlp.runtime._quantize import quantize, to_bfloat16
from fastmlp.runtime.steps import Activate, Dense, apply

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

RNG = np.random.default_rng(0)
KINDS = ["bfloat16", "int8"]


def test_bfloat16_is_the_nearest():
    """Of all numbers with 8 bits of mantissa; ties go to the even one."""
    mantissas = np.arange(128, 256)
    grid = np.sort(np.concatenate([mantissas * 2.0**exponent for exponent in range(-9, -4)]))
    weights = RNG.uniform(grid[1], grid[-2], 3000).astype(np.float32)
    nearest = grid[np.abs(weights[:, None].astype(np.float64) - grid).argmin(axis=1)]
    assert_array_equal(to_bfloat16(weights), nearest.astype(np.float32))
    assert_array_equal(to_bfloat16(-weights), -nearest.astype(np.float32))
    between = ((grid[:-1] + grid[1:]) / 2).astype(np.float32)
    even = np.where((to_bfloat16(grid[:-1].astype(np.float32)).view(np.uint32) >> 16) % 2 == 0, grid[:-1], grid[1:])
    assert_array_equal(to_bfloat16(between), even.astype(np.float32))
    assert_array_equal(to_bfloat16(np.zeros(3, np.float32)), np.zeros(3))


def test_int8_scales():
    """Never worse than the scale of the largest weight, and often better."""
    weights = RNG.normal(size=(40, 30)).astype(np.float32)
    weights[:, 11] = 0
    numbers, scales = quantize(weights)
    assert numbers.dtype == np.int8
    assert np.abs(numbers.astype(int)).max() <= 127
    plain = np.abs(weights).max(axis=0) / 127
    plain[11] = 1
    by_largest = np.square(np.rint(weights / plain) * plain - weights).sum(axis=0)
    chosen = np.square(numbers * scales - weights).sum(axis=0)
    assert (chosen <= by_largest * 1.0001).all()
    assert (chosen < 0.99 * by_largest).any()
    assert_array_equal(numbers[:, 11], 0)


def stage_of(steps, weights):
    settings = Settings("float32", weights, 1)
    chain, compact = _with_fewer_bytes(steps, weights)
    return NetworkStage(chain, settings, compact), chain


@pytest.mark.usefixtures("isa")
@pytest.mark.parametrize("weights", KINDS)
@pytest.mark.parametrize("shape", [(1, 1), (2, 64), (3, 65), (7, 127), (50, 128), (64, 200), (784, 513), (2049, 40)])
@pytest.mark.parametrize("relu", [False, True])
def test_a_row_by_rounded_weights(weights, shape, relu, monkeypatch):
    """Beside float64 products of the rounded weights; int8 rounds the row too, to some 14 bits."""
    monkeypatch.setattr(_engine, "MIN_COMPACT_WEIGHTS", 0)
    fan_in, units = shape
    steps = [Dense(RNG.normal(size=shape).astype(np.float32), RNG.normal(size=units).astype(np.float32))]
    steps += [Activate("relu"), Dense(np.eye(units, dtype=np.float32), np.zeros(units, np.float32))] if relu else []
    stage, rounded = stage_of(steps, weights)
    row = RNG.normal(size=fan_in).astype(np.float32)
    expected = apply(rounded, row[np.newaxis].astype(np.float64))[0]
    size = np.abs(row) @ np.abs(rounded[0].weights) + 1
    assert_allclose(stage.predict_one(row) / size, expected / size, atol=1e-6 if weights == "bfloat16" else 1e-4)
    assert_allclose(stage(np.tile(row, (40, 1)))[7] / size, expected / size, atol=1e-6)


@pytest.mark.usefixtures("isa")
@pytest.mark.parametrize("weights", KINDS)
@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf, 0.0, 1e-40, 1e30])
def test_unusual_rows(weights, value, monkeypatch):
    """What is not finite is not made finite, and what is small or large is not lost."""
    monkeypatch.setattr(_engine, "MIN_COMPACT_WEIGHTS", 0)
    stage, rounded = stage_of([Dense(RNG.normal(size=(20, 70)).astype(np.float32), np.ones(70, np.float32))], weights)
    row = np.full(20, value, dtype=np.float32)
    given = stage.predict_one(row)
    if np.isfinite(value):
        expected = apply(rounded, row[np.newaxis].astype(np.float64))[0]
        assert_allclose(given, expected, rtol=1e-3, atol=abs(value) * 1e-3)
    else:
        assert not np.isfinite(given).any()


@pytest.fixture(scope="module")
def digits():
    X, y = load_digits(return_X_y=True)
    X = (X / 16).astype(np.float32)
    return X, y, MLPClassifier((512, 512), max_iter=15, random_state=0, batch_size=128).fit(X, y)


@pytest.mark.parametrize(("weights", "difference"), [("bfloat16", 0.02), ("int8", 0.05)])
def test_probabilities_stay_near(digits, weights, difference):
    X, _, model = digits
    predictor, expected = model.compile(weights=weights), model.predict_proba(X)
    rows = np.array([predictor.predict_one(row) for row in X])
    assert 0 < np.abs(rows - expected).max() < difference
    assert np.mean(rows.argmax(axis=1) == expected.argmax(axis=1)) > 0.998
    assert_allclose(predictor(X), rows, atol=1e-3)
    labels = model.compile(weights=weights, out="labels")
    assert [labels.predict_one(row) for row in X[:50]] == rows[:50].argmax(axis=1).tolist()


@pytest.mark.parametrize("weights", KINDS)
def test_copies_and_threads(digits, weights):
    X, _, model = digits
    predictor = model.compile(weights=weights)
    expected = [predictor.predict_one(row) for row in X[:100]]
    assert weights in repr(predictor)
    copied = pickle.loads(pickle.dumps(predictor))
    assert_array_equal([copied.predict_one(row) for row in X[:100]], expected)
    wrong = []

    def call():
        given = [predictor.predict_one(row) for row in X[:100]]
        wrong.append(not np.array_equal(given, expected))

    threads = [threading.Thread(target=call) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not any(wrong)
    assert len(wrong) == 8


@pytest.mark.skipif("avx2" not in available_isas(), reason="the baseline has no kernels for fewer bytes")
def test_small_layers_keep_their_weights():
    model = MLPClassifier((20,), max_iter=2, random_state=0).fit(*load_digits(return_X_y=True))
    X = load_digits().data[:5]
    assert_array_equal(model.compile(weights="int8")(X), model.compile(weights="float32")(X))
