"""Gradients against central differences: every activation, loss, dtype and instruction set."""

import numpy as np
import pytest

from fastmlp.activations import HIDDEN_ACTIVATIONS
from fastmlp.losses import LOSSES

from . import reference
from .problems import HEADS, as_float64, make_problem


def test_heads_are_complete():
    """A new loss, or a new output activation for one, has to enter the table that the tests run over."""
    assert sorted(HEADS) == sorted((name, out) for name, loss in LOSSES.items() for out in loss.out_activations)


@pytest.mark.parametrize("activation", HIDDEN_ACTIVATIONS)
@pytest.mark.parametrize("head", HEADS, ids="-".join)
def test_against_central_differences(rng, isa, dtype, activation, head):
    """The library's gradient against differences of the reference's cost in float64, whatever the dtype."""
    network, X, y = make_problem(rng, [4, 6, 5, 3], activation, head, 17, dtype)
    X, y = X.astype(dtype).astype(float), y.astype(dtype).astype(float)
    gradients = network.backward(X, y)
    coefs, intercepts, activations = as_float64(network)

    def cost():
        return reference.cost(coefs, intercepts, activations, network.loss, X, y)

    scale = max(np.abs(g).max() for g in gradients.coefs)
    tolerance = scale * (1e-8 if dtype == "float64" else 1e-4)
    for arrays, got in [(coefs, gradients.coefs), (intercepts, gradients.intercepts), ([X], [gradients.inputs])]:
        for array, gradient in zip(arrays, got, strict=True):
            for index in np.ndindex(*array.shape):
                expected = reference.central_difference(cost, array, index)
                assert abs(gradient[index] - expected) <= tolerance
