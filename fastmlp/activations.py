"""The activations, one row each (S7).

A new activation is a row here and a body in ``src_c/activations.inl.h``, under the same name.
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class Activation:
    """What is known about one activation.

    Attributes
    ----------
    name : str
        As passed to the estimators, and of the kernel.
    formula : str
        h(z).
    derivative : str
        h'(z), in terms of a = h(z) where that is how it is computed.
    hidden : bool
        Whether hidden layers may use it; the others are for the output only.
    """

    name: str
    formula: str
    derivative: str
    hidden: bool = True


ACTIVATIONS = {
    row.name: row
    for row in [
        Activation("identity", "z", "1"),
        Activation("relu", "max(z, 0)", "1 where z > 0, else 0 (so 0 at z = 0, a valid subgradient: S8)"),
        Activation("tanh", "tanh(z)", "1 - a^2"),
        Activation("logistic", "1 / (1 + exp(-z))", "a (1 - a)"),
        Activation("exp", "exp(z)", "a", hidden=False),
        Activation("softmax", "exp(z_i) / sum_j exp(z_j)", "diag(a) - a a^T", hidden=False),
    ]
}
HIDDEN_ACTIVATIONS = tuple(name for name, row in ACTIVATIONS.items() if row.hidden)
