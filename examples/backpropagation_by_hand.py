"""One step of back-propagation with numbers small enough to follow, as in DATS 6202 (S20; S1 to S5, S11, S24).

Every line is worked out here with NumPy, and again by fastmlp's Network; the two are compared.
"""

import numpy as np
from _pictures import BLUE, GREEN, RED, run, save
from matplotlib.figure import Figure

from fastmlp import Network

X, Y, LEARNING_RATE = np.array([[1.0, 1.0]]), np.array([[0.0]]), 0.1
UNITS = {"x1": (0, 1), "x2": (0, 0), "h1": (1, 1), "h2": (1, 0), "y": (2, 0.5)}


def by_hand():
    """Every number of the step, by name."""
    W1, b1, W2, b2 = np.ones((2, 2)), np.zeros(2), np.ones((2, 1)), np.zeros(1)
    Z1 = X @ W1 + b1
    A1 = np.maximum(Z1, 0)
    Z2 = A1 @ W2 + b2
    A2 = Z2
    D2 = 2 * (A2 - Y) * 1
    D1 = (D2 @ W2.T) * (Z1 > 0)
    dW2, db2 = A1.T @ D2, D2.sum(axis=0)
    dW1, db1 = X.T @ D1, D1.sum(axis=0)
    numbers = {"Z1": Z1, "A1": A1, "Z2": Z2, "A2": A2, "C": (A2 - Y) ** 2, "D2": D2, "D1": D1, "dX": D1 @ W1.T}
    for name, w, dw in (("W2", W2, dW2), ("b2", b2, db2), ("W1", W1, dW1), ("b1", b1, db1)):
        numbers |= {f"d{name}": dw, f"new_{name}": w - LEARNING_RATE * dw}
    return numbers


def by_network():
    """The same numbers from the library."""
    net = Network.from_weights(
        [np.ones((2, 2)), np.ones((2, 1))], [np.zeros(2), np.zeros(1)], activation="relu", loss="sum_squared_error"
    )
    _, A1, A2 = net.activations(X)
    gradients = net.backward(X, Y)
    found = {"A1": A1, "A2": A2, "C": gradients.cost}
    found |= {"D1": gradients.deltas[0], "D2": gradients.deltas[1], "dX": gradients.inputs}
    for layer in (1, 2):
        found |= {f"dW{layer}": gradients.coefs[layer - 1], f"db{layer}": gradients.intercepts[layer - 1]}
    net.step(X, Y, learning_rate=LEARNING_RATE)
    for layer in (1, 2):
        found |= {f"new_W{layer}": net.coefs_[layer - 1], f"new_b{layer}": net.intercepts_[layer - 1]}
    return found


LECTURE = """\
Two inputs, two ReLU units, one linear output; all weights 1, all biases 0.
The sample x = {x} should give y = {y}; the cost is C = (a_2 - y)^2.

Forward
  S1  Z_1 = X W_1 + b_1               = {Z1}
      A_1 = relu(Z_1)                 = {A1}
  S1  Z_2 = A_1 W_2 + b_2             = {Z2}
      A_2 = Z_2                       = {A2}
      C = (A_2 - Y)^2                 = {C}

Backward: how C answers to each net input
  S2  D_2 = 2 (A_2 - Y) * 1           = {D2}           linear: the derivative is 1
  S3  D_1 = (D_2 W_2^T) * relu'(Z_1)  = {D1}      both net inputs are positive: relu' = 1

Gradients
  S5  dC/dW_2 = A_1^T D_2             = {dW2}
  S4  dC/db_2 = column sums of D_2    = {db2}
  S5  dC/dW_1 = X^T D_1               = {dW1}
  S4  dC/db_1 = column sums of D_1    = {db1}
  S24 dC/dX   = D_1 W_1^T             = {dX}

Step of gradient descent, {eta} down each gradient, all at once
  S11 W_2 = {new_W2}
      b_2 = {new_b2}
      W_1 = {new_W1}
      b_1 = {new_b1}
"""


def show(array):
    """A matrix in one line, without the dust of rounding."""
    return str(np.round(np.asarray(array), 12).tolist())


def draw(axes, title, color, unit_labels, line_labels, backwards=False):
    """The network with a number in each unit and on each connection."""
    axes.scatter(*zip(*UNITS.values(), strict=True), s=1100, color="white", edgecolor=color, linewidth=2, zorder=2)
    for name, label in unit_labels.items():
        axes.text(*UNITS[name], label, ha="center", va="center")
    for (source, sink), label in line_labels.items():
        start, end = np.array([UNITS[source], UNITS[sink]])
        style = {"arrowstyle": "<|-" if backwards else "-|>", "color": color, "shrinkA": 18, "shrinkB": 18}
        axes.annotate("", end, start, arrowprops=style)
        x, y = start + (0.5 if start[1] == end[1] or sink == "y" else 0.34) * (end - start)  # not where lines cross
        axes.text(
            x,
            y,
            label,
            ha="center",
            va="center",
            fontsize=8,
            bbox={"facecolor": "white", "edgecolor": "none", "pad": 1},
        )
    axes.set(title=title, xlim=(-0.3, 2.3), ylim=(-0.35, 1.35))
    axes.axis("off")


def main(output):
    """Print the lecture, compare with the library, draw the passes."""
    numbers, library = by_hand(), by_network()
    print(LECTURE.format(x=show(X), y=show(Y), eta=LEARNING_RATE, **{k: show(v) for k, v in numbers.items()}))
    difference = max(np.abs(np.subtract(numbers[name], value)).max() for name, value in library.items())
    print(f"The library's numbers, all {len(library)}: largest difference {difference:.1e}")

    connections = [("x1", "h1"), ("x1", "h2"), ("x2", "h1"), ("x2", "h2"), ("h1", "y"), ("h2", "y")]

    def on_lines(kind):
        """All entries of a matrix are the same here: one for the hidden layer's lines, one for the output's."""
        return {line: f"{numbers[kind + ('W2' if line[1] == 'y' else 'W1')][0, 0]:.3g}" for line in connections}

    figure = Figure(figsize=(9.5, 2.9))
    forward, backward, after = figure.subplots(1, 3)
    inputs = {"x1": "1", "x2": "1"}
    activations = inputs | {"h1": "2", "h2": "2", "y": "4"}
    deltas = {"x1": "16", "x2": "16", "h1": "8", "h2": "8", "y": "8"}
    biases = inputs | {"h1": "-0.8", "h2": "-0.8", "y": "-0.8"}
    draw(forward, "Forward: activations, and weights", BLUE, activations, dict.fromkeys(connections, "1"))
    draw(backward, "Backward: dC/dX and deltas, and dC/dW", RED, deltas, on_lines("d"), backwards=True)
    draw(after, "After a step of 0.1: biases, and weights", GREEN, biases, on_lines("new_"))
    save(figure, output / "backpropagation_by_hand.png")
    return numbers, library


if __name__ == "__main__":
    run(main)
