"""The oracle: the equations in plain NumPy and float64, written for reading, independent of the library's code."""

import numpy as np
from scipy.special import expit, logsumexp, softmax, xlogy

# h(z) and h'(z), the derivative from z rather than from the activation.
ACTIVATIONS = {
    "identity": (lambda z: z, lambda z: np.ones_like(z)),
    "relu": (lambda z: np.maximum(z, 0), lambda z: (z > 0).astype(float)),
    "tanh": (np.tanh, lambda z: 1 / np.cosh(z) ** 2),
    "logistic": (expit, lambda z: np.exp(-z) / (1 + np.exp(-z)) ** 2),
    "exp": (np.exp, np.exp),
}


def output(name, z):
    return softmax(z, axis=1) if name == "softmax" else ACTIVATIONS[name][0](z)


def sample_losses(loss, out_activation, z, y):
    """Divergence of each sample, (B,), from the output's pre-activations."""
    if loss == "log_loss" and out_activation == "softmax":
        return np.sum(y * (logsumexp(z, axis=1, keepdims=True) - z), axis=1)
    if loss == "log_loss":
        return np.sum(np.logaddexp(0, z) - y * z, axis=1)
    a = output(out_activation, z)
    if loss == "poisson":
        return np.sum(xlogy(y, y / a) - y + a, axis=1)
    squares = np.sum((y - a) ** 2, axis=1)
    return {
        "squared_error": 0.5 * squares,
        "sum_squared_error": squares,
        "mean_squared_error": squares / y.shape[1],
    }[loss]


def forward(coefs, intercepts, activations, X):
    """S1: pre-activations Z_1 ... Z_L and activations A_0 ... A_L."""
    zs, a_s = [], [X]
    for w, b, name in zip(coefs, intercepts, activations, strict=True):
        zs.append(a_s[-1] @ w + b)
        a_s.append(output(name, zs[-1]))
    return zs, a_s


def cost(coefs, intercepts, activations, loss, X, y, sample_weight=None):
    zs, _ = forward(coefs, intercepts, activations, X)
    return np.average(sample_losses(loss, activations[-1], zs[-1], y), weights=sample_weight)


def output_gradient(loss, a, y):
    """dC/dA_L of one sample's loss, for the losses and activations where it is a formula of its own."""
    if loss == "poisson":
        return 1 - y / a
    factor = {"squared_error": 1, "sum_squared_error": 2, "mean_squared_error": 2 / y.shape[1]}[loss]
    return factor * (a - y)


def output_delta(loss, out_activation, z, a, y):
    """S2, by the chain rule and not by the matched closed form, a sample at a time where a Jacobian is needed."""
    if loss != "log_loss":
        return output_gradient(loss, a, y) * ACTIVATIONS[out_activation][1](z)
    if out_activation == "logistic":
        return (-y / a + (1 - y) / (1 - a)) * ACTIVATIONS["logistic"][1](z)
    jacobians = [np.diag(row) - np.outer(row, row) for row in a]  # S6
    return np.stack([j.T @ (-t / row) for j, t, row in zip(jacobians, y, a, strict=True)])


def backward(coefs, intercepts, activations, loss, X, y, sample_weight=None):
    """S2 to S5: deltas D_1 ... D_L, gradients by weights and by biases."""
    zs, a_s = forward(coefs, intercepts, activations, X)
    weight = np.ones(len(X)) if sample_weight is None else sample_weight
    delta = output_delta(loss, activations[-1], zs[-1], a_s[-1], y) * (weight / weight.sum())[:, None]
    deltas = [delta]
    for layer in range(len(coefs) - 1, 0, -1):
        delta = (delta @ coefs[layer].T) * ACTIVATIONS[activations[layer - 1]][1](zs[layer - 1])
        deltas.insert(0, delta)
    coef_gradients = [a.T @ d for a, d in zip(a_s, deltas, strict=False)]
    return deltas, coef_gradients, [d.sum(axis=0) for d in deltas]


def central_difference(function, array, index, step=1e-5):
    """Derivative of function() by one element of an array it reads, with an error of order step^4."""
    original = array[index]
    values = []
    for k in (-2, -1, 1, 2):
        array[index] = original + k * step
        values.append(function())
    array[index] = original
    return (values[0] - 8 * values[1] + 8 * values[2] - values[3]) / (12 * step)
