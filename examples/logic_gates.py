"""AND, OR and XOR: what a single-layer perceptron can separate, and what takes a hidden layer (S14)."""

import warnings

import numpy as np
from _pictures import BLUE, GREY, ORANGE, run, save
from matplotlib.colors import ListedColormap
from matplotlib.figure import Figure
from sklearn.exceptions import ConvergenceWarning

from fastmlp import MLPClassifier, Network, Perceptron

CORNERS = np.array([[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]])
GATES = {"AND": np.array([0, 0, 0, 1]), "OR": np.array([0, 1, 1, 1]), "XOR": np.array([0, 1, 1, 0])}
N_SEEDS = 100


def train_perceptron(gate):
    """The perceptron rule, one corner at a time, until an epoch has no mistake or for 100 epochs."""
    with warnings.catch_warnings(action="ignore", category=ConvergenceWarning):  # XOR; separated_ tells
        return Perceptron(max_iter=100, random_state=0).fit(CORNERS, GATES[gate])


def given_network():
    """The network of DATS 6202 for XOR: a hard limit says 1 where its net input is at least 0.

    The first hidden unit finds "x1 and not x2", the second "x2 and not x1", the output one of them.
    """
    return Network.from_weights(
        [[[1, -1], [-1, 1]], [[1], [1]]],
        [[-0.5, -0.5], [-0.5]],
        activation="hard_limit",
        out_activation="hard_limit",
    )


def train_mlp(gate, seed):
    """Eight tanh units and one logistic output, by L-BFGS on the log-loss."""
    model = MLPClassifier((8,), "tanh", solver="lbfgs", alpha=1e-3, max_iter=500, random_state=seed)
    return model.fit(CORNERS, GATES[gate])


def count_solved(n_seeds=N_SEEDS):
    """How many trained networks, from different initial weights, are right in all four corners of XOR."""
    return sum(train_mlp("XOR", seed).score(CORNERS, GATES["XOR"]) == 1 for seed in range(n_seeds))


def draw_regions(axes, predict, targets, title, points=CORNERS, labels=("$x_1$", "$x_2$")):
    """The plane coloured by the prediction, the four corners by what they should be."""
    line = np.linspace(-0.5, 1.5, 201)
    plane = np.stack(np.meshgrid(line, line), axis=-1).reshape(-1, 2)
    regions = np.reshape(predict(plane), (201, 201))
    colors = ListedColormap([BLUE, ORANGE])
    axes.imshow(regions, cmap=colors, vmin=0, vmax=1, alpha=0.35, origin="lower", extent=(-0.5, 1.5, -0.5, 1.5))
    for marker, target, color in (("o", 0, BLUE), ("s", 1, ORANGE)):
        axes.scatter(*points[targets == target].T, marker=marker, s=90, color=color, edgecolor="black", zorder=3)
    axes.grid(False)
    axes.set(title=title, xlabel=labels[0], ylabel=labels[1], xticks=[0, 1], yticks=[0, 1])


def main(output):
    """Train, count, print and draw."""
    perceptrons = {gate: train_perceptron(gate) for gate in GATES}
    given, mlps = given_network(), {gate: train_mlp(gate, seed=0) for gate in GATES}
    n_solved = count_solved()

    print(f"{'gate':6}{'perceptron rule':26}{'epochs':>8}{'given weights':>16}{'trained MLP':>14}")
    for gate, targets in GATES.items():
        perceptron = perceptrons[gate]
        separated = "separated" if perceptron.separated_ else "not separated"
        given_right = f"{np.sum(given.forward(CORNERS)[:, 0] == targets)} of 4" if gate == "XOR" else ""
        mlp_right = f"{np.sum(mlps[gate].predict(CORNERS) == targets)} of 4"
        print(f"{gate:6}{separated:26}{perceptron.n_iter_:8}{given_right:>16}{mlp_right:>14}")
    print(f"\n{n_solved} of {N_SEEDS} MLPs (8 tanh units, L-BFGS, random initial weights) solve XOR.")

    figure = Figure(figsize=(8, 5.6))
    (top, bottom) = figure.subplots(2, 3)
    for axes, (gate, perceptron) in zip(top, perceptrons.items(), strict=True):
        result = f"separated after {perceptron.n_iter_} epochs" if perceptron.separated_ else "cannot be separated"
        draw_regions(axes, perceptron.predict, GATES[gate], f"Perceptron, {gate}:\n{result}")

    xor = GATES["XOR"]
    draw_regions(bottom[0], lambda plane: given.forward(plane)[:, 0], xor, "Given weights, XOR:\nseparated")
    # What the given hidden layer makes of the corners: (0, 0) and (1, 1) become one, and one line is enough.
    hidden = given.activations(CORNERS)[1]
    title = "The same, seen from\nits hidden layer: one line is enough"
    draw_regions(bottom[1], lambda plane: plane.sum(axis=1) >= 0.5, xor, title, hidden, ("$a_1$", "$a_2$"))
    bottom[1].annotate("(0, 0) and\n(1, 1)", (0, 0), (-0.44, -0.4), color=GREY, fontsize=8)
    draw_regions(bottom[2], mlps["XOR"].predict, xor, f"Trained, XOR: separated\nfrom {n_solved} of {N_SEEDS} seeds")
    save(figure, output / "logic_gates.png")
    return {"separated": {gate: p.separated_ for gate, p in perceptrons.items()}, "n_solved": n_solved, "given": given}


if __name__ == "__main__":
    run(main)
