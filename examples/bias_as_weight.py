"""A bias is the weight of an input that is always 1: the same outputs and the same gradients (S19).

With rows as samples, [1, x] times [[1, b], [0, W]] is [1, x W + b]: one matrix in place of weights and biases.
"""

import numpy as np
from _pictures import DIVERGING, GREY, run, save
from matplotlib.figure import Figure

from fastmlp import Network
from fastmlp.activations import Activation

SIZES = (3, 4, 2)
N_SAMPLES = 5


class KeepFirst(Activation):
    """Tanh of every unit but the first, which hands on the 1."""

    name = "keep_first"

    def forward(self, z):
        return np.hstack([z[:, :1], np.tanh(z[:, 1:])])

    def backward(self, gradient, z, a):
        return np.hstack([gradient[:, :1], gradient[:, 1:] * (1 - a[:, 1:] ** 2)])


def augment(w, b):
    """[[1, b], [0, W]]."""
    return np.block([[np.ones((1, 1)), b], [np.zeros((len(w), 1)), w]])


def add_one(x):
    """[1, x] in each row."""
    return np.hstack([np.ones((len(x), 1)), x])


def build():
    """A network with weights and biases, and the one that has augmented matrices and no biases."""
    plain = Network(SIZES, activation="tanh", random_state=0)
    matrices = [augment(w, b) for w, b in zip(plain.coefs_, plain.intercepts_, strict=True)]
    no_biases = [np.zeros(matrix.shape[1]) for matrix in matrices]
    return plain, Network.from_weights(matrices, no_biases, activation=KeepFirst())


def compare():
    """Largest differences by what is compared, and what the picture shows of both networks."""
    plain, augmented = build()
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(N_SAMPLES, SIZES[0])), rng.normal(size=(N_SAMPLES, SIZES[-1]))
    ours, theirs = plain.backward(X, y), augmented.backward(add_one(X), add_one(y))
    # The first column makes the 1. It is no parameter, whatever its gradient: training has to leave it alone.
    pairs = {
        "outputs": [(plain.forward(X), augmented.forward(add_one(X))[:, 1:])],
        "the constant 1": [(np.ones(N_SAMPLES), augmented.forward(add_one(X))[:, 0])],
        "cost": [(ours.cost, theirs.cost)],
        "deltas": [(delta, with_one[:, 1:]) for delta, with_one in zip(ours.deltas, theirs.deltas, strict=True)],
        "gradients of biases": [(b, m[0, 1:]) for b, m in zip(ours.intercepts, theirs.coefs, strict=True)],
        "gradients of weights": [(w, m[1:, 1:]) for w, m in zip(ours.coefs, theirs.coefs, strict=True)],
        "gradient of inputs": [(ours.inputs, theirs.inputs[:, 1:])],
    }
    differences = {what: max(np.abs(np.subtract(*pair)).max() for pair in all_) for what, all_ in pairs.items()}
    return differences, (plain, ours), (augmented, theirs)


def draw_matrix(axes, matrix, title, fixed_columns=0):
    """Numbers on colours, the row of biases bold; grey on white what is no parameter."""
    colored = matrix.copy()
    colored[:, :fixed_columns] = 0
    axes.imshow(colored, cmap=DIVERGING, vmin=-1.6, vmax=1.6, aspect="auto")
    for (i, j), value in np.ndenumerate(matrix):
        color = GREY if j < fixed_columns else "white" if abs(value) > 1 else "black"
        number = f"{value:.0f}" if value in (0, 1) else f"{value:.2f}"
        axes.text(j, i, number, ha="center", va="center", color=color, weight="bold" if i == 0 else "normal")
    axes.set(xticks=[], yticks=[])
    axes.set_title(title, fontsize=9)
    axes.grid(False)
    axes.spines[:].set_visible(False)


def main(output):
    """Compare, print and draw."""
    differences, (plain, ours), (augmented, theirs) = compare()
    print(
        f"Network {'-'.join(map(str, SIZES))}, tanh, {N_SAMPLES} samples: weights and biases beside [[1, b], [0, W]]\n"
    )
    print(f"{'':24}{'largest difference':>20}")
    for what, difference in differences.items():
        print(f"{what:24}{difference:20.1e}")

    figure = Figure(figsize=(9, 5))
    figure.suptitle("Biases (bold) and weights, or one matrix whose first column only hands on the 1")
    rows = figure.subplots(2, 4, width_ratios=(4, 5, 4, 5))
    for layer, axes in enumerate(rows):
        l_ = layer + 1
        both = np.vstack([plain.intercepts_[layer], plain.coefs_[layer]])
        gradient = np.vstack([ours.intercepts[layer], ours.coefs[layer]])
        draw_matrix(axes[0], both, f"$b_{l_}$ and $W_{l_}$")
        draw_matrix(axes[1], augmented.coefs_[layer], f"$[[1, b_{l_}], [0, W_{l_}]]$", fixed_columns=1)
        draw_matrix(axes[2], gradient, f"gradients by $b_{l_}$ and $W_{l_}$")
        draw_matrix(axes[3], theirs.coefs[layer], "gradient by the matrix", fixed_columns=1)
        axes[0].set_ylabel(f"layer {l_}")
    save(figure, output / "bias_as_weight.png")
    return differences


if __name__ == "__main__":
    run(main)
