"""Every built-in activation: values and derivatives as curves, or the Jacobian where outputs share inputs (S6, S7)."""

import textwrap

import numpy as np
from _pictures import BLUE, DIVERGING, ORANGE, run, save
from matplotlib.figure import Figure

from fastmlp.activations import ACTIVATIONS

Z = np.linspace(-4, 4, 401)[:, None]  # a batch of samples for a layer of one unit
UNITS = np.array([0.8, -0.5, 0.5, 2.0])  # one sample for a layer of four
N_COLUMNS = 5


def is_vector(activation):
    """Whether an output depends on other units than its own: its Jacobian is not diagonal."""
    jacobian = activation.jacobian(UNITS)
    return jacobian.shape[0] != jacobian.shape[1] or np.any(jacobian != np.diag(np.diag(jacobian)))


def curves(activation):
    """Values and derivatives at Z: a vector-Jacobian product with ones."""
    a = activation.forward(Z)
    return a, activation.backward(np.ones_like(a), Z, a)


def derivative_error(activation, step=1e-6):
    """Largest difference from central differences at UNITS, none of which is a kink."""
    differences = []
    for unit in np.eye(len(UNITS)) * step:
        above, below = activation.forward(np.array([UNITS + unit, UNITS - unit]))
        differences.append((above - below) / (2 * step))
    return np.abs(activation.jacobian(UNITS) - np.transpose(differences)).max()


def draw_curves(axes, activation):
    """Value and derivative."""
    for values, color, width, label in zip(
        curves(activation), (BLUE, ORANGE), (2.2, 1.5), ("value", "derivative"), strict=True
    ):
        axes.plot(Z, values, color=color, linewidth=width, label=label)
    axes.set(ylim=(-1.6, 3.2), xlim=(-4, 4), xticks=[-4, -2, 0, 2, 4])


def draw_jacobian(axes, activation):
    """The Jacobian at UNITS, a row for each output, with the outputs beside it."""
    jacobian, outputs = activation.jacobian(UNITS), activation.forward(UNITS[None])[0]
    largest = np.abs(jacobian).max()
    axes.imshow(jacobian, cmap=DIVERGING, vmin=-1.2 * largest, vmax=1.2 * largest, aspect="auto")
    for (i, j), value in np.ndenumerate(jacobian):
        color = "white" if abs(value) > 0.7 * largest else "black"
        axes.text(j, i, f"{value:.2f}" if value else "0", ha="center", va="center", fontsize=7.5, color=color)
    axes.set_xticks(range(len(UNITS)), [f"{z:g}" for z in UNITS])
    axes.set_yticks(range(len(outputs)), [f"{a:.2f}" for a in outputs])
    axes.grid(False)
    axes.spines[:].set_visible(False)


def main(output):
    """Check the derivatives against differences, print and draw."""
    vector = {name: is_vector(activation) for name, activation in ACTIVATIONS.items()}
    errors = {name: derivative_error(activation) for name, activation in ACTIVATIONS.items()}
    print(f"{'activation':24}{'derivative, beside differences':>32}")
    for name, error in errors.items():
        print(f"{name:24}{error:32.1e}")

    n_rows = -(-len(ACTIVATIONS) // N_COLUMNS)
    figure = Figure(figsize=(10, 2.05 * n_rows + 0.4))
    panels = figure.subplots(n_rows, N_COLUMNS).flat
    for axes, name in zip(panels, sorted(ACTIVATIONS, key=vector.get), strict=False):
        activation = ACTIVATIONS[name]
        (draw_jacobian if vector[name] else draw_curves)(axes, activation)
        axes.tick_params(labelsize=7)
        axes.set_title(f"{name}\n" + textwrap.fill(activation.formula, 30), fontsize=7.5)
    for axes in list(panels):  # what is left over
        axes.set_visible(False)
    handles, labels = figure.axes[0].get_legend_handles_labels()
    labels[1] += "; where outputs share inputs, the Jacobian: inputs below, outputs at the left"
    figure.legend(handles, labels, loc="outside upper center", ncols=2)
    save(figure, output / "activations_gallery.png")
    return errors


if __name__ == "__main__":
    run(main)
