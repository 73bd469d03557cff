"""A multilayer perceptron as an adaptive filter: trained first, then going on with every sample (S17).

An unknown system turns the last four values of a signal into another, with a non-linearity, and it drifts. LMS and
NLMS, the linear adaptive filters, are there to compare; their steps are close to the best of a search.
"""

import numpy as np
from _pictures import BLUE, GREEN, GREY, ORANGE, PURPLE, RED, run, save
from matplotlib.figure import Figure

from fastmlp import MLPRegressor

N_TAPS, N_BEFORE, N_STEADY, N_DRIFT = 4, 3000, 500, 3500
NOISE, WINDOW = 0.05, 200
DRIFT_STARTS = N_STEADY


def simulate(seed=0):
    """Windows of the signal and the system's answers: first as it was, then drifting."""
    rng = np.random.default_rng(seed)
    n = N_BEFORE + N_STEADY + N_DRIFT
    signal = rng.normal(size=n + N_TAPS - 1)
    X = np.lib.stride_tricks.sliding_window_view(signal, N_TAPS)[:, ::-1].copy()
    # Two directions in the space of the taps turn, by 90 degrees in the end.
    angle = np.clip((np.arange(n) - N_BEFORE - N_STEADY) / N_DRIFT, 0, 1) * np.pi / 2
    first, second = np.array([0.8, 0.5, 0.3, 0.1]), np.array([-0.3, 0.6, -0.5, 0.5])
    u = np.cos(angle) * (X @ first) + np.sin(angle) * (X @ second)
    v = np.cos(angle) * (X @ second) - np.sin(angle) * (X @ first)
    y = np.tanh(1.5 * u) + 0.5 * v**2 + NOISE * rng.normal(size=n)
    return X[:N_BEFORE], y[:N_BEFORE], X[N_BEFORE:], y[N_BEFORE:]


def lms(X, y, step, weights=None, normalized=False):
    """Errors before each update, and the weights: w <- w + step e x, with NLMS divided by |x|^2."""
    weights = np.zeros(X.shape[1]) if weights is None else weights.copy()
    errors = np.empty(len(y))
    for i, (x, target) in enumerate(zip(X, y, strict=True)):
        errors[i] = target - weights @ x
        weights += step * errors[i] * x / (x @ x if normalized else 1)
    return errors, weights


def add_one(X):
    """A column of ones, so that a linear filter has a bias too."""
    return np.hstack([X, np.ones((len(X), 1))])


def train(X, y):
    """The network as it is before it is put to use."""
    layers = {"hidden_layer_sizes": (24,), "activation": "tanh"}
    return MLPRegressor(**layers, learning_rate_init=0.01, batch_size=32, max_iter=500, random_state=0).fit(X, y)


def go_on(model, X, y, step):
    """Errors before each update of all layers by plain gradient descent, one sample at a time."""
    model.set_params(solver="sgd", momentum=0, nesterovs_momentum=False, learning_rate_init=step, batch_size=1, alpha=0)
    errors = np.empty(len(y))
    for i in range(len(y)):
        sample = X[i : i + 1]
        errors[i] = y[i] - model.predict(sample)[0]
        model.partial_fit(sample, y[i : i + 1])
    return errors


def last_layer_only(model, X, y, step):
    """The same with the hidden layer fixed: LMS on what it makes of the inputs."""
    network = model.network_
    features = add_one(network.activations(X)[-2])
    weights = np.append(network.coefs_[-1][:, 0], network.intercepts_[-1])
    return lms(features, y, step, weights)[0]


def study(seed=0):
    """Errors of every filter on the samples after training."""
    X_before, y_before, X, y = simulate(seed)
    linear = {}
    for name, step, normalized in (("LMS", 0.01, False), ("NLMS", 0.05, True)):
        _, weights = lms(add_one(X_before), y_before, step, normalized=normalized)
        linear[name] = lms(add_one(X), y, step, weights, normalized)[0]
    model = train(X_before, y_before)
    fixed = y - model.predict(X)
    last = last_layer_only(model, X, y, step=0.02)
    return linear | {
        "MLP, fixed": fixed,
        "MLP, last layer goes on": last,
        "MLP, goes on": go_on(model, X, y, step=0.03),
    }


def main(output):
    """Run the filters, print and draw their squared errors."""
    errors = study()
    parts = {"before drift": slice(0, DRIFT_STARTS), "first half": slice(DRIFT_STARTS, DRIFT_STARTS + N_DRIFT // 2),
             "second half": slice(DRIFT_STARTS + N_DRIFT // 2, None)}  # fmt: skip
    table = {name: [np.mean(e[part] ** 2) for part in parts.values()] for name, e in errors.items()}
    print(f"Mean squared errors (noise alone: {NOISE**2:.4f}) before the system drifts, and while it does:\n")
    print(f"{'':26}" + "".join(f"{part:>15}" for part in parts))
    for name, row in table.items():
        print(f"{name:26}" + "".join(f"{value:15.4f}" for value in row))

    figure = Figure(figsize=(8.5, 4))
    axes = figure.subplots()
    for (name, e), color in zip(errors.items(), (PURPLE, GREEN, ORANGE, RED, BLUE), strict=True):
        running = np.convolve(e**2, np.ones(WINDOW) / WINDOW, mode="valid")
        width = 4 if name == "LMS" else 1.8  # NLMS lies on top of it
        axes.semilogy(np.arange(WINDOW, len(e) + 1), running, color=color, label=name, linewidth=width)
    axes.axhline(NOISE**2, color=GREY, linestyle=":", label="noise alone")
    axes.axvline(DRIFT_STARTS, color=GREY, linewidth=1)
    axes.annotate(" drift begins", (DRIFT_STARTS, axes.get_ylim()[1]), va="top", color=GREY)
    axes.set(
        xlabel="sample",
        ylabel=f"squared error, mean of {WINDOW}",
        title="A system that drifts, and filters that follow it or do not",
    )
    figure.legend(loc="outside right center")
    save(figure, output / "adaptive_filter.png")
    return table


if __name__ == "__main__":
    run(main)
