"""The oracle: the equations in plain NumPy and float64, written for reading, independent of the library's code.

An activation or a loss is a name, or what the function of that name returns: "elu" or elu(alpha=0.5).
Everything but Jacobians takes any number of leading axes, so that a stack of networks is one call: samples are the
last axis but one, units the last.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from scipy.special import expit, logsumexp, ndtr, xlogy
from scipy.special import softmax as scipy_softmax


@dataclass(frozen=True)
class Activation:
    """h(z) of a batch and its Jacobian J[m, i] = dh_m/dz_i for one sample; h'(z) too where h is component-wise."""

    name: str
    forward: Callable
    jacobian: Callable
    derivative: Callable | None = None


# S7, component-wise: h(z) and h'(z), the derivative from z rather than from the activation. At a kink h'(z) is the
# subgradient that the documentation states (S8).


def componentwise(name, forward, derivative):
    return Activation(name, forward, lambda z: np.diag(derivative(z)), derivative)


def sech_squared(z):
    return 1 / np.cosh(np.minimum(np.abs(z), 300)) ** 2


def softplus_of(z):
    return np.logaddexp(0, z)


def identity():
    return componentwise("identity", lambda z: z, np.ones_like)


def hard_limit():
    return componentwise("hard_limit", lambda z: (z >= 0).astype(float), np.zeros_like)


def relu():
    return componentwise("relu", lambda z: np.maximum(z, 0), lambda z: (z > 0).astype(float))


def leaky_relu(slope=0.01):
    return componentwise("leaky_relu", lambda z: np.where(z > 0, z, slope * z), lambda z: np.where(z > 0, 1.0, slope))


def randomized_leaky_relu(lower=1 / 8, upper=1 / 3):
    """In prediction: with the mean slope."""
    return replace(leaky_relu((lower + upper) / 2), name="randomized_leaky_relu")


def elu(alpha=1.0):
    return componentwise(
        "elu",
        lambda z: np.where(z > 0, z, alpha * np.expm1(np.minimum(z, 0))),
        lambda z: np.where(z > 0, 1.0, alpha * np.exp(np.minimum(z, 0))),
    )


def selu():
    scale, unit = 1.0507009873554804934193349852946, elu(alpha=1.6732632423543772848170429916717)
    return componentwise("selu", lambda z: scale * unit.forward(z), lambda z: scale * unit.derivative(z))


def softplus():
    return componentwise("softplus", softplus_of, expit)


def gelu():
    return componentwise(
        "gelu",
        lambda z: z * ndtr(z),
        lambda z: ndtr(z) + z * np.exp(-(z**2) / 2) / math.sqrt(2 * math.pi),
    )


def silu():
    return componentwise("silu", lambda z: z * expit(z), lambda z: expit(z) + z * expit(z) * expit(-z))


def softsign():
    return componentwise("softsign", lambda z: z / (1 + np.abs(z)), lambda z: 1 / (1 + np.abs(z)) ** 2)


def mish():
    return componentwise(
        "mish",
        lambda z: z * np.tanh(softplus_of(z)),
        lambda z: np.tanh(softplus_of(z)) + z * sech_squared(softplus_of(z)) * expit(z),
    )


def logistic():
    return componentwise("logistic", expit, lambda z: expit(z) * expit(-z))


def tanh():
    return componentwise("tanh", np.tanh, sech_squared)


def hard_tanh():
    return componentwise("hard_tanh", lambda z: np.clip(z, -1, 1), lambda z: (np.abs(z) < 1).astype(float))


def hard_sigmoid():
    return componentwise(
        "hard_sigmoid", lambda z: np.clip(z / 6 + 0.5, 0, 1), lambda z: np.where(np.abs(z) < 3, 1 / 6, 0.0)
    )


def exp():
    return componentwise("exp", np.exp, np.exp)


# S6 and S7, vector activations: one component of the output depends on several of z.


def softmax():
    def jacobian(z):
        a = scipy_softmax(z)
        j = np.zeros((len(z), len(z)))
        for m in range(len(z)):
            for i in range(len(z)):
                j[m, i] = a[m] * ((m == i) - a[i])
        return j

    return Activation("softmax", lambda z: scipy_softmax(z, axis=-1), jacobian)


def maxout(group_size=2):
    """Largest of each group of consecutive units; S9: the first largest takes the whole gradient."""

    def forward(z):
        return np.stack([z[..., i : i + group_size].max(axis=-1) for i in range(0, z.shape[-1], group_size)], axis=-1)

    def jacobian(z):
        j = np.zeros((len(z) // group_size, len(z)))
        for m in range(len(j)):
            group = list(z[m * group_size : (m + 1) * group_size])
            j[m, m * group_size + group.index(max(group))] = 1
        return j

    return Activation("maxout", forward, jacobian)


def product():
    """Products of units 0 and 1, 2 and 3, ..."""

    def jacobian(z):
        j = np.zeros((len(z) // 2, len(z)))
        for m in range(len(j)):
            j[m, 2 * m] = z[2 * m + 1]
            j[m, 2 * m + 1] = z[2 * m]
        return j

    return Activation("product", lambda z: z[..., 0::2] * z[..., 1::2], jacobian)


def power_product(exponents):
    """a_i = prod_l z_l^exponents[l, i]."""
    exponents = np.asarray(exponents, dtype=float)

    def forward(z):
        return np.prod(z[..., :, None] ** exponents, axis=-2)

    def jacobian(z):
        n_units, n_outputs = exponents.shape
        j = np.zeros((n_outputs, n_units))
        for i in range(n_outputs):
            for unit in range(n_units):
                power = exponents[unit, i]
                if power != 0:
                    others = [z[k] ** exponents[k, i] for k in range(n_units) if k != unit]
                    j[i, unit] = power * z[unit] ** (power - 1) * math.prod(others)
        return j

    return Activation("power_product", forward, jacobian)


def increasing(group_size=None):
    """In each group of consecutive units a_1 = z_1, a_k = a_{k-1} + softplus(z_k)."""

    def forward(z):
        size = group_size or z.shape[-1]
        a = np.empty_like(z)
        for k in range(z.shape[-1]):
            a[..., k] = z[..., k] if k % size == 0 else a[..., k - 1] + softplus_of(z[..., k])
        return a

    def jacobian(z):
        size = group_size or len(z)
        j = np.zeros((len(z), len(z)))
        for k in range(len(z)):
            first = k - k % size
            for i in range(first, k + 1):
                j[k, i] = 1 if i == first else expit(z[i])
        return j

    return Activation("increasing", forward, jacobian)


COMPONENTWISE = {
    function.__name__: function
    for function in [
        identity,
        hard_limit,
        relu,
        leaky_relu,
        randomized_leaky_relu,
        elu,
        selu,
        softplus,
        gelu,
        silu,
        mish,
        logistic,
        tanh,
        hard_tanh,
        softsign,
        hard_sigmoid,
        exp,
    ]
}
VECTOR = {function.__name__: function for function in [softmax, maxout, product, power_product, increasing]}
ACTIVATIONS = COMPONENTWISE | VECTOR


def activation_of(activation):
    return ACTIVATIONS[activation]() if isinstance(activation, str) else activation


def pull_back(activation, z, gradient):
    """J^T g of every sample."""
    if activation.derivative is not None:
        return gradient * activation.derivative(z)
    return np.stack([activation.jacobian(row).T @ g for row, g in zip(z, gradient, strict=True)])


# S10. Each function takes the name of the output activation first.


@dataclass(frozen=True)
class Loss:
    """Divergence of each sample from outputs a and targets y, and its gradient dC/da.

    from_logits is the divergence again, from z, where output activation and loss are matched: it cannot overflow.
    """

    values: Callable
    gradient: Callable
    from_logits: Callable | None = None


def scaled_squares(factor):
    return Loss(
        lambda a, y: factor(a) * np.sum((y - a) ** 2, axis=-1),
        lambda a, y: factor(a) * 2 * (a - y),
    )


def squared_error(out_activation):
    return scaled_squares(lambda a: 1 / 2)


def sum_squared_error(out_activation):
    return scaled_squares(lambda a: 1)


def mean_squared_error(out_activation):
    return scaled_squares(lambda a: 1 / a.shape[-1])


def entropy(y):
    return -xlogy(y, y)


def binary_values(a, y):
    return -np.sum(xlogy(y, a) + xlogy(1 - y, 1 - a), axis=-1)


def binary_from_logits(z, y):
    return np.sum(softplus_of(z) - y * z, axis=-1)


def binary_gradient(a, y):
    return -y / a + (1 - y) / (1 - a)


def multiclass_values(a, y):
    return -np.sum(xlogy(y, a), axis=-1)


def multiclass_from_logits(z, y):
    return np.sum(y * (logsumexp(z, axis=-1, keepdims=True) - z), axis=-1)


def multiclass_gradient(a, y):
    return -y / a


def log_loss(out_activation):
    if out_activation == "softmax":
        return Loss(multiclass_values, multiclass_gradient, multiclass_from_logits)
    return Loss(binary_values, binary_gradient, binary_from_logits if out_activation == "logistic" else None)


def kl_divergence(out_activation):
    """The cross-entropy less the entropy of the targets, which is constant."""
    if out_activation == "softmax":
        return Loss(
            lambda a, y: multiclass_values(a, y) - np.sum(entropy(y), axis=-1),
            multiclass_gradient,
            lambda z, y: multiclass_from_logits(z, y) - np.sum(entropy(y), axis=-1),
        )
    return Loss(
        lambda a, y: binary_values(a, y) - np.sum(entropy(y) + entropy(1 - y), axis=-1),
        binary_gradient,
        lambda z, y: binary_from_logits(z, y) - np.sum(entropy(y) + entropy(1 - y), axis=-1),
    )


def absolute_error(out_activation):
    return Loss(lambda a, y: np.sum(np.abs(y - a), axis=-1), lambda a, y: np.sign(a - y))


def huber(out_activation, threshold=1.0):
    def values(a, y):
        distance = np.abs(y - a)
        near, far = distance**2 / 2, threshold * (distance - threshold / 2)
        return np.sum(np.where(distance <= threshold, near, far), axis=-1)

    return Loss(values, lambda a, y: np.clip(a - y, -threshold, threshold))


def log_cosh(out_activation):
    return Loss(lambda a, y: np.sum(np.logaddexp(y - a, a - y) - np.log(2), axis=-1), lambda a, y: np.tanh(a - y))


def quantile(out_activation, levels=(0.5,)):
    """Output t K + k is level k, of K, of target t."""
    q = np.asarray(levels, dtype=float)

    def error(a, y):
        return y[..., :, None] - a.reshape(*a.shape[:-1], -1, len(q))

    def values(a, y):
        e = error(a, y)
        return np.sum(np.maximum(q * e, (q - 1) * e), axis=(-2, -1))

    def gradient(a, y):
        e = error(a, y)
        return np.where(e > 0, -q, np.where(e < 0, 1 - q, 0.0)).reshape(a.shape)

    return Loss(values, gradient)


def poisson(out_activation):
    return Loss(
        lambda a, y: np.sum(xlogy(y, y / a) - y + a, axis=-1),
        lambda a, y: 1 - y / a,
        (lambda z, y: np.sum(xlogy(y, y) - y * z - y + np.exp(z), axis=-1)) if out_activation == "exp" else None,
    )


def hinge(out_activation):
    return Loss(
        lambda a, y: np.sum(np.maximum(0, 1 - y * a), axis=-1),
        lambda a, y: np.where(y * a < 1, -y, 0.0),
    )


LOSSES = {
    function.__name__: function
    for function in [
        squared_error,
        sum_squared_error,
        mean_squared_error,
        log_loss,
        kl_divergence,
        absolute_error,
        huber,
        log_cosh,
        quantile,
        poisson,
        hinge,
    ]
}


def loss_of(loss, out_activation):
    return LOSSES[loss](out_activation.name) if isinstance(loss, str) else loss


# The two passes.


@dataclass(frozen=True)
class Gradients:
    """Deltas D_1 ... D_L, and gradients by weights, biases and inputs."""

    deltas: list
    coefs: list
    intercepts: list
    inputs: np.ndarray


def forward(coefs, intercepts, activations, X):
    """S1: pre-activations Z_1 ... Z_L and activations A_0 ... A_L."""
    zs, a_s = [], [X]
    for w, b, activation in zip(coefs, intercepts, activations, strict=True):
        zs.append(a_s[-1] @ w + b)
        a_s.append(activation_of(activation).forward(zs[-1]))
    return zs, a_s


def cost(coefs, intercepts, activations, loss, X, y, sample_weight=None):
    """C: the weighted mean over the samples of their divergence."""
    zs, a_s = forward(coefs, intercepts, activations, X)
    loss = loss_of(loss, activation_of(activations[-1]))
    values = loss.from_logits(zs[-1], y) if loss.from_logits else loss.values(a_s[-1], y)
    return np.average(values, axis=-1, weights=sample_weight)


def backward(coefs, intercepts, activations, loss, X, y, sample_weight=None):
    """S2 to S5 and S24, the output delta by the chain rule and never by a matched closed form."""
    zs, a_s = forward(coefs, intercepts, activations, X)
    activations = [activation_of(activation) for activation in activations]
    weight = np.ones(len(X)) if sample_weight is None else np.asarray(sample_weight)
    # dC/dA_L, and on the way down dC/dA_l.
    gradient = loss_of(loss, activations[-1]).gradient(a_s[-1], y) * (weight / weight.sum())[:, None]
    deltas = []
    for w, activation, z in zip(coefs[::-1], activations[::-1], zs[::-1], strict=True):
        deltas.insert(0, pull_back(activation, z, gradient))
        gradient = deltas[0] @ w.T
    coef_gradients = [a.T @ d for a, d in zip(a_s[:-1], deltas, strict=True)]
    return Gradients(deltas, coef_gradients, [d.sum(axis=0) for d in deltas], inputs=gradient)


# S11: what the k-th step of a solver, of size eta, adds to weights w with gradient g. `memory` holds the moments, which
# start at 0; settings are the estimators' parameters.


def sgd(memory, g, eta, k, *, momentum, nesterovs_momentum):
    v = memory["v"] = momentum * memory["v"] - eta * g
    return momentum * v - eta * g if nesterovs_momentum else v


def rmsprop(memory, g, eta, k, *, beta_2, epsilon):
    v = memory["v"] = beta_2 * memory["v"] + (1 - beta_2) * g**2
    return -eta * g / (np.sqrt(v) + epsilon)


def adagrad(memory, g, eta, k, *, epsilon):
    s = memory["s"] = memory["s"] + g**2
    return -eta * g / (np.sqrt(s) + epsilon)


def adam(memory, g, eta, k, *, beta_1, beta_2, epsilon):
    m = memory["m"] = beta_1 * memory["m"] + (1 - beta_1) * g
    v = memory["v"] = beta_2 * memory["v"] + (1 - beta_2) * g**2
    return -eta * np.sqrt(1 - beta_2**k) / (1 - beta_1**k) * m / (np.sqrt(v) + epsilon)


def lion(memory, g, eta, k, *, beta_1, beta_2):
    m = memory["m"]
    memory["m"] = beta_2 * m + (1 - beta_2) * g
    return -eta * np.sign(beta_1 * m + (1 - beta_1) * g)


SOLVERS = {"sgd": sgd, "rmsprop": rmsprop, "adagrad": adagrad, "adam": adam, "adamw": adam, "lion": lion}


# Differences with an error of order step^4.


def weighted_difference(values, step):
    """Derivative from values at -2, -1, 1 and 2 steps."""
    return (values[0] - 8 * values[1] + 8 * values[2] - values[3]) / (12 * step)


def central_difference(function, array, index, step=1e-5):
    """Derivative of function() by one element of an array it reads."""
    original = array[index]
    values = []
    for k in (-2, -1, 1, 2):
        array[index] = original + k * step
        values.append(function())
    array[index] = original
    return weighted_difference(values, step)


def gradient_by_differences(function, array, step):
    """Gradient by every element of an array, of a function that maps a stack of such arrays to a number for each."""
    steps = np.array([-2, -1, 1, 2])[:, None, None] * step * np.eye(array.size)
    stack = array + steps.reshape(-1, *array.shape)
    return weighted_difference(function(stack).reshape(4, *array.shape), step)


def backward_by_differences(coefs, intercepts, activations, loss, X, y, sample_weight=None, step=1e-4):
    """What `backward` returns but the deltas, from values of `cost` alone."""

    def replaced(arrays, layer, array):
        return [*arrays[:layer], array, *arrays[layer + 1 :]]

    def by_coefs(layer):
        return lambda stack: cost(replaced(coefs, layer, stack), intercepts, activations, loss, X, y, sample_weight)

    def by_intercepts(layer):
        return lambda stack: cost(
            coefs, replaced(intercepts, layer, stack[:, None]), activations, loss, X, y, sample_weight
        )

    return Gradients(
        deltas=[],
        coefs=[gradient_by_differences(by_coefs(layer), w, step) for layer, w in enumerate(coefs)],
        intercepts=[gradient_by_differences(by_intercepts(layer), b, step) for layer, b in enumerate(intercepts)],
        inputs=gradient_by_differences(
            lambda stack: cost(coefs, intercepts, activations, loss, stack, y, sample_weight), X, step
        ),
    )
