"""Activations, losses, networks and instruction sets that cannot be."""

import numpy as np
import pytest

from fastmlp import MLPRegressor, Network
from fastmlp.activations import ELU, Increasing, LeakyReLU, Maxout, PowerProduct, RandomizedLeakyReLU
from fastmlp.losses import Huber, Quantile

from ..wrong_calls import NUMBERS, X


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: LeakyReLU(slope=2), r"slope is 2; pass a number in \[0, 1\]"),
        (lambda: RandomizedLeakyReLU(lower=0.5, upper=0.1), r"upper is 0.1; pass a number in \[0.5, 1\]"),
        (lambda: ELU(alpha=0), "alpha is 0; pass a number"),
        (lambda: Maxout(group_size=0), "group_size is 0; pass a positive integer"),
        (lambda: Increasing(group_size=1.5), "group_size is 1.5; pass a positive integer"),
        (lambda: PowerProduct([1, 2]), "exponents is .*; pass a finite matrix"),
        (
            lambda: PowerProduct([[0.5]]).forward([[-1.0]]),
            "negative input with a fractional exponent.*keep its inputs positive",
        ),
        (lambda: PowerProduct([[-1]]).forward([[0.0]]), "zero with a negative one"),
        (lambda: Huber(threshold=0), "threshold is 0; pass a positive number"),
        (lambda: Quantile([0.5, 0.1]), r"levels is \[0.5, 0.1\]; pass numbers between 0 and 1, in increasing order"),
        (lambda: Quantile(1.0), "levels is 1.0; pass numbers between 0 and 1"),
        (
            lambda: Network([2, 1], out_activation="softmax", loss="log_loss"),
            "'softmax' with one output.*use 'logistic'",
        ),
        (
            lambda: Network([2, 4], out_activation="increasing", loss=Quantile([0.1, 0.9])),
            r"keeps groups of 4 outputs in order, but .* 2 levels for each target; use Increasing\(group_size=2\)",
        ),
        (
            lambda: Network.from_weights([[[1e300]]], [[0.0]], activation=[], dtype="float32"),
            "too large for float32; scale them, or use dtype='float64'",
        ),
        (lambda: Network([1, 1]).step([[1.0]], [1.0], learning_rate=np.nan), "learning_rate is nan; pass a positive"),
        (lambda: Network([1, 1]).step([[1e200]], [1e200], learning_rate=0.1), "cost is inf, so no step was taken"),
        (lambda: Network([2, 3], loss=Quantile([0.1, 0.9])), "has 3 outputs, but loss 'quantile' with 2 levels"),
    ],
)
def test_bad_objects(make, message):
    with pytest.raises(ValueError, match=message):
        make()


def test_bad_isa(monkeypatch):
    monkeypatch.setenv("FASTMLP_ISA", "sse9")
    with pytest.raises(ValueError, match="FASTMLP_ISA is 'sse9'.*unset it or use one of: generic"):
        MLPRegressor().fit(X, NUMBERS)
