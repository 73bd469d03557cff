"""A network as a table."""

from dataclasses import dataclass
from html import escape

from fastmlp.network import Network

HEADINGS = ("Layer", "Units", "Activation", "Weights", "Parameters", "Memory")
TO_THE_RIGHT = (False, True, False, False, True, True)


@dataclass(frozen=True)
class LayerSummary:
    """One layer.

    Attributes
    ----------
    name : str
        "hidden 0", "hidden 1", ..., numbered as for ``transform``, or "output".
    units : int
        Columns of its net input.
    activation : str
        Its name, and whether the layer is normalized.
    weights_shape : tuple of int
        (fan_in, units).
    n_parameters : int
        Weights, biases and scales.
    n_bytes : int
        Memory for these.
    """

    name: str
    units: int
    activation: str
    weights_shape: tuple[int, int]
    n_parameters: int
    n_bytes: int


@dataclass(frozen=True, repr=False)
class Summary:
    """What a network is made of, and the memory it takes; ``print`` it, or let a notebook show it.

    Attributes
    ----------
    title : str
        What the network is of.
    dtype : str
        Of parameters and computation.
    layers : tuple of LayerSummary
    moment_bytes : int
        Of the optimizer's running averages; 0 where training keeps none.
    batch_rows : int
        Rows of a training step; 0 where there were no steps.
    batch_bytes : int
        Of the activations A_0 to A_L and deltas D_1 to D_L of such a batch.

    Examples
    --------
    >>> from fastmlp import MLPRegressor
    >>> summary = MLPRegressor(hidden_layer_sizes=2, solver="lbfgs").fit([[0.0], [1.0]], [0, 1]).summary()
    >>> summary.n_parameters, summary.n_bytes
    (7, 56)
    """

    title: str
    dtype: str
    layers: tuple[LayerSummary, ...]
    moment_bytes: int
    batch_rows: int
    batch_bytes: int

    @property
    def n_parameters(self) -> int:
        """Of all layers."""
        return sum(layer.n_parameters for layer in self.layers)

    @property
    def n_bytes(self) -> int:
        """Memory for the parameters of all layers."""
        return sum(layer.n_bytes for layer in self.layers)

    def _rows(self):
        rows = [
            (
                layer.name,
                str(layer.units),
                layer.activation,
                f"{layer.weights_shape[0]} x {layer.weights_shape[1]}",
                f"{layer.n_parameters:,}",
                in_words(layer.n_bytes),
            )
            for layer in self.layers
        ]
        return [*rows, ("total", "", "", "", f"{self.n_parameters:,}", in_words(self.n_bytes))]

    def _notes(self):
        notes = []
        if self.moment_bytes:
            notes.append(f"Optimizer's moments: {in_words(self.moment_bytes)}.")
        if self.batch_rows:
            batch = f"a batch of {self.batch_rows} row{'s' if self.batch_rows > 1 else ''}"
            notes.append(f"Activations and deltas of {batch}: {in_words(self.batch_bytes)}.")
        return notes

    def __str__(self) -> str:
        table = [HEADINGS, *self._rows()]
        widths = [max(map(len, column)) for column in zip(*table, strict=True)]
        lines = [
            "  ".join(
                cell.rjust(width) if right else cell.ljust(width)
                for cell, width, right in zip(row, widths, TO_THE_RIGHT, strict=True)
            ).rstrip()
            for row in table
        ]
        return "\n".join([f"{self.title}, {self.dtype}", *lines, *self._notes()])

    __repr__ = __str__

    def _repr_html_(self):
        def line(cells, tag):
            aligned = [
                f"<{tag} style='text-align: {'right' if right else 'left'}'>{escape(cell)}</{tag}>"
                for cell, right in zip(cells, TO_THE_RIGHT, strict=True)
            ]
            return f"<tr>{''.join(aligned)}</tr>"

        lines = [line(HEADINGS, "th"), *(line(row, "td") for row in self._rows())]
        notes = "".join(f"<p>{escape(note)}</p>" for note in self._notes())
        return f"<table><caption>{escape(self.title)}, {self.dtype}</caption>{''.join(lines)}</table>{notes}"


def summarize(network: Network, title: str, moment_bytes: int, batch_rows: int) -> Summary:
    """Summary of a network, and of what training it takes."""
    names = [f"hidden {number}" for number in range(len(network.sizes) - 2)] + ["output"]
    activations = [*network.activations_, network.out_activation]
    itemsize = network.parameters.itemsize
    layers, row_items = [], network.sizes[0]
    for name, activation, w, b, scale in zip(
        names, activations, network.coefs_, network.intercepts_, network.scales_, strict=True
    ):
        n_parameters = w.size + b.size + (0 if scale is None else scale.size)
        kind = activation.name if scale is None else f"{activation.name}, normalized"
        layers.append(LayerSummary(name, w.shape[1], kind, w.shape, n_parameters, n_parameters * itemsize))
        row_items += activation.n_outputs(w.shape[1]) + w.shape[1]
    return Summary(
        title,
        network.parameters.dtype.name,
        tuple(layers),
        moment_bytes,
        batch_rows,
        batch_rows * row_items * itemsize,
    )


def in_words(n_bytes: int) -> str:
    """An amount of memory, for readers."""
    amount = float(n_bytes)
    for unit in ("KiB", "MiB"):
        amount /= 1024
        if amount < 1024:
            return f"{amount:.1f} {unit}"
    return f"{amount / 1024:.1f} GiB"
