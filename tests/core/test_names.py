"""What is asked of an activation, a loss or a solver by its name is true, and every kernel has its row."""

import numpy as np
import pytest

from fastmlp._core._activations import ACTIVATION_KERNELS
from fastmlp._core._plan import LOSS_KERNELS
from fastmlp._core._training import OPTIMIZER_KERNELS
from fastmlp.activations import ACTIVATIONS, PowerProduct
from fastmlp.losses import LOSSES
from fastmlp.training.optimizers import SOLVERS

from .. import reference

COMPONENTWISE = [name for name in reference.COMPONENTWISE if ACTIVATIONS[name].trainable]


def test_every_kernel_has_its_row():
    rows = [*ACTIVATIONS.values(), PowerProduct]
    assert ACTIVATION_KERNELS.keys() == {activation.kernel for activation in rows}
    assert {activation.prediction_kernel for activation in ACTIVATIONS.values()} <= ACTIVATION_KERNELS.keys()
    assert OPTIMIZER_KERNELS.keys() == {optimizer.kernel for optimizer in SOLVERS.values()}
    losses = {loss.kernel for loss in LOSSES.values()}
    matched = {f"{loss}_{other}" for loss in losses for other in [*ACTIVATION_KERNELS, "distribution"]}
    assert losses <= LOSS_KERNELS.keys() <= losses | matched


@pytest.mark.parametrize("name", COMPONENTWISE)
def test_ranges(name):
    """A range has both ends of the outputs, and an activation without one has outputs beyond any."""
    activation, z = ACTIVATIONS[name], np.array([[-1e4, -2.0, 0.0, 3.0, 1e4]])
    a = activation.forward(z)
    ends = activation.range or (-np.inf, np.inf)
    assert ends[0] <= a.min() <= a.max() <= ends[1]
    if activation.range is None:
        assert a.max() - a.min() > 1e3
    else:
        np.testing.assert_allclose([a.min(), a.max()], ends, atol=1e-3)


@pytest.mark.parametrize("name", [*COMPONENTWISE, "softmax"])
def test_probabilities(name):
    """They are those that lie between 0 and 1, and are 1/2 where two net inputs are 0."""
    activation = ACTIVATIONS[name]
    a = activation.forward([[0.0, 0.0], [1e4, -1e4], [3.0, -5.0]])
    assert activation.gives_probabilities == bool(np.all(a[0] == 0.5) and np.all((a >= 0) & (a <= 1)))


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_is_random(name):
    activation = ACTIVATIONS[name]
    assert activation.is_random == (activation.prediction_kernel != activation.kernel)


@pytest.mark.parametrize("name", LOSSES)
def test_someone_takes_the_loss(name):
    loss = LOSSES[name]
    assert loss.for_classifiers or loss.for_regressors
    assert loss.target_values == (0, 1) or loss.for_classifiers
