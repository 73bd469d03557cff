"""Networks and data that several test files use."""

import inspect

import numpy as np
from sklearn.datasets import load_iris
from sklearn.preprocessing import scale as standardized

from fastmlp import Network
from fastmlp.activations import ACTIVATIONS, PowerProduct
from fastmlp.losses import LOSSES

from . import reference

IRIS_X, IRIS_Y = load_iris(return_X_y=True)
IRIS_X = standardized(IRIS_X)

TRAINABLE = [name for name, activation in ACTIVATIONS.items() if activation.trainable]

# Every loss with every output activation it goes with.
HEADS = [(name, out) for name, loss in LOSSES.items() for out in loss.out_activations if out in TRAINABLE]

# Every loss once.
ONE_HEAD_A_LOSS = [(name, loss.out_activations[0]) for name, loss in LOSSES.items()]

# Where a component-wise activation has no derivative.
KINKS = {
    "relu": [0],
    "leaky_relu": [0],
    "randomized_leaky_relu": [0],
    "elu": [0],
    "selu": [0],
    "hard_tanh": [-1, 1],
    "hard_sigmoid": [-3, 3],
}
# Weights are this much larger, so that both sides of the kinks are met, or smaller, so that nothing explodes.
GAINS = {"hard_sigmoid": 3.0, "exp": 0.5}


def integer_powers(units):
    """A PowerProduct with exponents 0, 1 and 2, which takes inputs of any sign."""
    return power_product([1, 0, 2, 0], units)


def square_powers(units):
    """A PowerProduct with as many outputs as units, which take one another's place if the core confuses them."""
    return PowerProduct(np.roll(np.eye(units), 1, axis=0) + np.eye(units))


def fractional_powers(units):
    """A PowerProduct with exponents from -1 to 1, which takes positive inputs."""
    return power_product([0.5, -1, 0, 1, 0, -0.5], units)


def power_product(pattern, units):
    places = np.add.outer(np.arange(units), np.arange(max(1, units // 2)))
    return PowerProduct(np.take(np.asarray(pattern, dtype=float), places, mode="wrap"))


def fitting_units(activation, units):
    """The number of units, or the next larger one that makes whole groups."""
    if isinstance(activation, str):
        activation = ACTIVATIONS.get(activation)  # the library refuses a name that it does not know
    size = 2 if getattr(activation, "name", None) == "product" else getattr(activation, "group_size", None) or 1
    return -(-units // size) * size


def name_of(choice):
    """For the ids of tests: the name of an activation or a loss, with its parameters."""
    if isinstance(choice, (list, tuple)):
        return "-".join(map(name_of, choice))
    if inspect.isfunction(choice):
        return choice.__name__
    if not hasattr(choice, "name"):
        return str(choice)
    parameters = ", ".join(f"{name}={getattr(choice, name)}" for name in parameters_of(choice))
    return f"{choice.name}({parameters})"


def parameters_of(choice):
    """Names of the parameters of an activation or a loss; those that users define have none here."""
    function = (reference.ACTIVATIONS | reference.LOSSES).get(choice.name, lambda: None)
    return [name for name in inspect.signature(function).parameters if name != "out_activation"]


def reference_activation(activation):
    return reference.ACTIVATIONS[activation.name](
        **{name: getattr(activation, name) for name in parameters_of(activation)}
    )


def reference_loss(loss, out_activation):
    parameters = {name: getattr(loss, name) for name in parameters_of(loss)}
    return reference.LOSSES[loss.name](out_activation.name, **parameters)


def as_reference(network):
    """Weights and biases in float64, activations and loss, as the functions of the reference take them."""
    return (
        [w.astype(np.float64) for w in network.coefs_],
        [b.astype(np.float64) for b in network.intercepts_],
        [reference_activation(activation) for activation in (*network.activations_, network.out_activation)],
        reference_loss(network.loss, network.out_activation),
    )


def targets_for(rng, loss, out_activation, a):
    """Targets of the kind a loss is for, away from where it has a kink at outputs a."""
    n_samples, n_outputs = a.shape
    if loss.name in ("log_loss", "kl_divergence"):
        # Probabilities that float32 holds exactly; in every other row zeros and ones.
        if out_activation.name == "softmax":
            hard = np.eye(n_outputs)[rng.integers(0, n_outputs, n_samples)]
            soft = rng.multinomial(8, np.full(n_outputs, 1 / n_outputs), n_samples) / 8
        else:
            hard = rng.integers(0, 2, a.shape).astype(float)
            soft = rng.integers(0, 9, a.shape) / 8
        return np.where(np.arange(n_samples)[:, None] % 2, hard, soft)
    if loss.name == "poisson":
        return rng.poisson(2.0, a.shape).astype(float)
    if loss.name == "hinge":
        y = rng.choice([-1.0, 1.0], a.shape)
        return np.where(np.abs(1 - y * a) < 0.05, -y, y)
    if loss.name in ("absolute_error", "huber", "quantile"):
        kinks = [-loss.threshold, loss.threshold] if loss.name == "huber" else [0]
        a = a.reshape(n_samples, -1, len(loss.levels) if loss.name == "quantile" else 1)
        y = a.mean(axis=2) + rng.normal(size=a.shape[:2])
        error = y[:, :, None] - a
        near = np.any([np.abs(error - kink).min(axis=2) < 0.05 for kink in kinks], axis=0)
        return np.where(near, a.max(axis=2) + max(kinks) + 0.1, y)
    return rng.normal(size=a.shape)


def distance_from_kinks(activation, z):
    """How far pre-activations are from where an activation has no derivative."""
    if activation.name == "maxout":
        groups = np.sort(z.reshape(len(z), -1, activation.group_size), axis=2)
        return np.diff(groups[:, :, -2:], axis=2).min(initial=np.inf)
    return min((np.abs(z - kink).min() for kink in KINKS.get(activation.name, [])), default=np.inf)


def needs_positive(activation):
    return activation.name == "power_product" and np.any(np.mod(activation.exponents, 1))


def draw_parameters(rng, network):
    """Random parameters, in float32's precision whatever the dtype, of a size at which activations are not linear."""
    activations = [*network.activations_, network.out_activation]
    gains = [GAINS.get(activation.name, 1.0) for activation in activations]
    if network.loss.name == "log_loss":
        gains[-1] = 1.0
    for w, b, activation, gain in zip(network.coefs_, network.intercepts_, activations, gains, strict=True):
        w[...] = np.float32(rng.normal(size=w.shape) * gain / np.sqrt(len(w)))
        b[...] = np.float32(rng.normal(size=b.shape) * gain / 2)
        if needs_positive(activation):
            w[...] = np.abs(w)
            b[...] = np.float32(np.abs(b) + 0.25)
    for scale in network.scales_ or []:
        if scale is not None:
            scale[...] = np.float32(rng.uniform(0.5, 1.5, scale.shape))


class NoSuchDataError(AssertionError):
    """Data that keep away from all kinks were not found."""


def make_problem(rng, sizes, activations, head, n_samples, dtype="float64", *, margin=1e-3, **settings):
    """A network with random weights, and X, y for it: the same numbers for every dtype.

    Activations and losses are names or objects, or a function of the number of units that returns an activation. Sizes
    grow to whole groups. No pre-activation, and no output, is nearer than `margin` to where a derivative jumps.
    """
    loss, out_activation = head
    hidden = list(activations) if isinstance(activations, (list, tuple)) else [activations] * (len(sizes) - 2)
    layers = [*hidden, out_activation]
    units = [fitting_units(layer, n) for layer, n in zip(layers, sizes[1:], strict=True)]
    layers = [layer(n) if inspect.isfunction(layer) else layer for layer, n in zip(layers, units, strict=True)]
    network = Network(
        [sizes[0], *units],
        activation=layers[:-1],
        out_activation=layers[-1],
        loss=loss,
        dtype=dtype,
        random_state=0,
        **settings,
    )
    objects = [*network.activations_, network.out_activation]
    for _ in range(1000):
        draw_parameters(rng, network)
        X = np.float32(rng.normal(size=(n_samples, sizes[0]))).astype(float)
        coefs, intercepts, reference_activations, _ = as_reference(network)
        with np.errstate(over="ignore"):
            zs, a_s = reference.forward(coefs, intercepts, reference_activations, X)
        far = all(distance_from_kinks(activation, z) > margin for activation, z in zip(objects, zs, strict=True))
        if network.loss.name == "log_loss" and network.out_activation.name == "hard_sigmoid":
            far &= np.abs(zs[-1]).max() < 2.8  # where it is 0 or 1 the loss may be infinite
        if any(activation.name == "power_product" for activation in objects):
            far &= (
                max(np.abs(a).max() for a in [*a_s[:-1], zs[-1]]) < 10
            )  # where differences do not step over what is near
        if far:
            y = targets_for(rng, network.loss, network.out_activation, a_s[-1])
            return network, X, np.float32(y).astype(float)
    raise NoSuchDataError(
        f"No data keeps a distance of {margin} from all kinks; ask for fewer samples or a smaller one."
    )


def assert_same(got, expected, tolerance):
    """Compare lists of arrays: no error is larger than `tolerance` times the largest component of its array.

    Small components are differences of large numbers, and have their errors. An array that is small as a whole is
    measured by a thousandth of the largest component of all.
    """
    assert [g.shape for g in got] == [e.shape for e in expected]
    largest = [np.abs(e).max() for e in expected]
    for number, (g, e, scale) in enumerate(zip(got, expected, largest, strict=True)):
        error = np.abs(g - e).max() / max(scale, max(largest) / 1000)
        assert error <= tolerance, f"array {number} is off by {error:.2g} of its largest component"


def all_gradients(gradients):
    """Gradients by weights, biases and inputs in one list."""
    return [*gradients.coefs, *gradients.intercepts, gradients.inputs]
