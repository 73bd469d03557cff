"""The losses, one row each (S10), with the output activations that match them (S2).

A new loss is a row here and a body in ``src_c/losses.inl.h``.
"""

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True)
class Loss:
    """What is known about one loss.

    Attributes
    ----------
    name : str
        As passed to the estimators.
    formula : str
        The divergence of one sample, from targets y and outputs a, summed over the outputs.
    kernel : str
        The kernel that computes it up to a constant factor.
    scale : callable
        That factor, from the number of outputs.
    out_activations : tuple of str
        Output activations h for which the delta is `scale` times (h(z) - y).
    """

    name: str
    formula: str
    kernel: str
    scale: Callable[[int], float]
    out_activations: tuple[str, ...]


LOSSES = {
    row.name: row
    for row in [
        Loss("squared_error", "1/2 |y - a|^2", "squared_error", lambda n_outputs: 1.0, ("identity",)),
        Loss("sum_squared_error", "|y - a|^2", "squared_error", lambda n_outputs: 2.0, ("identity",)),
        Loss(
            "mean_squared_error",
            "|y - a|^2 / n_outputs",
            "squared_error",
            lambda n_outputs: 2.0 / n_outputs,
            ("identity",),
        ),
        Loss(
            "log_loss",
            "-sum y log a (softmax), -sum (y log a + (1 - y) log(1 - a)) (logistic)",
            "log_loss",
            lambda n_outputs: 1.0,
            ("softmax", "logistic"),
        ),
        Loss("poisson", "sum (y log(y / a) - y + a)", "poisson", lambda n_outputs: 1.0, ("exp",)),
    ]
}
