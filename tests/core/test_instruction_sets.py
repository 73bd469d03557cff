"""A network keeps the kernel table that it was made with, whatever FASTMLP_ISA becomes."""

from itertools import permutations

import numpy as np
import pytest

from fastmlp import MLPClassifier
from fastmlp._core import _config

ORDERS = list(permutations(_config.available_isas(), 2))


@pytest.mark.parametrize(("first", "second"), ORDERS)
@pytest.mark.parametrize("width", [24, 520])  # of which the second is packed
def test_another_table_between_calls(first, second, width, dtype, monkeypatch):
    X = np.random.default_rng(0).normal(size=(90, 40)).astype(dtype)
    y = (X[:, 0] > 0).astype(int)

    def trained(isas):
        model = MLPClassifier((width, 30), random_state=0)
        for isa, batch_size in zip(isas, (30, 64, 17), strict=True):
            monkeypatch.setenv("FASTMLP_ISA", isa)
            model.set_params(batch_size=batch_size).partial_fit(X, y, classes=[0, 1])
        return model, model.predict_proba(X)

    (model, probabilities), (expected, expected_probabilities) = trained([first, second, first]), trained([first] * 3)
    np.testing.assert_array_equal(model.network_.parameters, expected.network_.parameters)
    np.testing.assert_array_equal(probabilities, expected_probabilities)


@pytest.mark.parametrize(("first", "second"), ORDERS)
@pytest.mark.parametrize("trainable", [[1, 2, 3], "last"])
def test_another_table_and_other_layers_to_train(first, second, trainable, dtype, monkeypatch):
    """A new plan of the network keeps its table, and does not take memory that was made by another plan."""
    X = np.random.default_rng(0).normal(size=(90, 40)).astype(dtype)
    y = (X[:, 0] > 0).astype(int)

    def trained(isas):
        model = MLPClassifier((1032, 520), batch_size=45, random_state=0)
        monkeypatch.setenv("FASTMLP_ISA", isas[0])
        model.partial_fit(X, y, classes=[0, 1])
        monkeypatch.setenv("FASTMLP_ISA", isas[1])
        return model.set_params(trainable=trainable).partial_fit(X, y).network_.parameters

    np.testing.assert_array_equal(trained([first, second]), trained([first, first]))
