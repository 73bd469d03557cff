"""The losses (S10), one row or one small class each, and the base class for your own.

A new loss is a row here, and a body in ``src_c/losses.inl.h`` whose name stands in a list of ``src_c/kernels.h``.
"""

from dataclasses import dataclass
from numbers import Real
from typing import Any

import numpy as np

from fastmlp._names import unknown
from fastmlp.activations import ACTIVATIONS, Activation, Increasing, PowerProduct

__all__ = [
    "LOSSES",
    "AbsoluteError",
    "CrossEntropy",
    "Hinge",
    "Huber",
    "LogCosh",
    "Loss",
    "Poisson",
    "Quantile",
    "SquaredError",
    "get_loss",
]

ANY: tuple[str, ...] = (*(name for name, activation in ACTIVATIONS.items() if activation.trainable), PowerProduct.name)
ANY_BUT_SOFTMAX: tuple[str, ...] = tuple(name for name in ANY if name != "softmax")


class Loss:
    """The divergence of one sample from its targets y and outputs a. Subclass it to write your own in Python.

    A subclass sets ``name`` and defines `values` and `gradient`, which are called with all rows of a batch at once, and
    `values` after an epoch with a few of them, to see whether they are finite. It works wherever the name of a built-in
    loss does, with every output activation (`out_activations` None), only slower.

    Attributes
    ----------
    name : str
        For messages.
    formula : str
        For readers.
    out_activations : tuple of str, or None
        Output activations that make sense; None for all.
    for_classifiers, for_regressors : bool
        Whether the classifier, and the regressor, take the loss by its name. They take any object.
    target_values : tuple of float
        What targets 0 and 1 of a classifier become in the loss.
    takes_distributions : bool
        Whether rows of y may be distributions over a classifier's classes, soft targets.
    sums_outputs : bool
        Whether it is a sum over outputs that are numbers of their own; ``tol`` then goes by the mean over them.

    Examples
    --------
    >>> import numpy as np
    >>> from fastmlp import Network
    >>> from fastmlp.losses import Loss
    >>> class FourthPower(Loss):
    ...     name = "fourth_power"
    ...
    ...     def values(self, a, y):
    ...         return np.sum((a - y) ** 4, axis=1)
    ...
    ...     def gradient(self, a, y):
    ...         return 4 * (a - y) ** 3
    >>> Network.from_weights([[[1.0]]], [[0.0]], activation=[], loss=FourthPower()).backward([[3.0]], [1.0]).deltas
    [array([[32.]])]
    """

    name: str = "loss"
    formula: str = ""
    out_activations: tuple[str, ...] | None = None
    for_classifiers: bool = True
    for_regressors: bool = True
    target_values: tuple[float, float] = (0.0, 1.0)
    takes_distributions: bool = False
    sums_outputs: bool = False
    # Whether the core has to call values and gradient; if not, `kernel` names what it runs.
    in_python: bool = True
    kernel: str | None = None

    def values(self, a: np.ndarray, y: np.ndarray, /) -> np.ndarray:
        """The loss of each sample.

        Parameters
        ----------
        a : ndarray of shape (n_samples, n_outputs)
        y : ndarray of shape (n_samples, n_targets)

        Returns
        -------
        ndarray of shape (n_samples,)
        """
        raise NotImplementedError(
            f"Loss {self.name!r} has no values in Python; of a built-in one Network.cost gives their mean, in your own "
            "define values(self, a, y)."
        )

    def gradient(self, a: np.ndarray, y: np.ndarray, /) -> np.ndarray:
        """The derivatives of each sample's loss by its outputs.

        Parameters
        ----------
        a : ndarray of shape (n_samples, n_outputs)
        y : ndarray of shape (n_samples, n_targets)

        Returns
        -------
        ndarray of shape (n_samples, n_outputs)
        """
        raise NotImplementedError(
            f"Loss {self.name!r} has no gradient in Python; of a built-in one Network.backward gives the deltas, in "
            "your own define gradient(self, a, y)."
        )

    @property
    def default_out_activation(self) -> str | Activation:
        """Output activation that a regressor chooses for it."""
        return "identity"

    def scale(self, n_outputs: int) -> float:
        """Factor between the kernel's loss and this one."""
        return 1.0

    def n_outputs(self, n_targets: int) -> int:
        """Outputs of a network for targets of `n_targets` columns."""
        return n_targets

    def n_targets(self, n_outputs: int) -> int:
        """Columns of the targets of a network with `n_outputs` outputs."""
        return n_outputs

    def check_targets(self, y: np.ndarray, out_activation: Activation) -> None:
        """Refuse targets that the loss is not for.

        Parameters
        ----------
        y : ndarray of shape (n_samples, n_targets)
        out_activation : Activation

        Raises
        ------
        ValueError
        """

    def __repr__(self) -> str:
        return repr(self.name)


class BuiltinLoss(Loss):
    """A loss with kernels in C, whose parameters are these unless it says otherwise."""

    in_python: bool = False
    for_classifiers: bool = False
    sums_outputs: bool = True
    kernel: str
    out_activations: tuple[str, ...]
    threshold: float = 0.0
    levels: Any = (0.5,)

    def __init_subclass__(cls) -> None:
        if "values" in cls.__dict__ or "gradient" in cls.__dict__:  # a user's own, which the core has to call
            cls.in_python = True


@dataclass(frozen=True, repr=False)
class SquaredError(BuiltinLoss):
    """The squared distance |y - a|^2 in one of its scalings.

    Parameters
    ----------
    name, formula : str
    factor : float, default=1.0
        Multiple of 1/2 |y - a|^2.
    averages : bool, default=False
        Whether it is divided by the number of outputs.
    for_classifiers : bool, default=False

    Examples
    --------
    >>> from fastmlp.losses import LOSSES
    >>> LOSSES["sum_squared_error"].formula
    '|y - a|^2'
    """

    name: str
    formula: str
    factor: float = 1.0
    averages: bool = False
    for_classifiers: bool = False
    kernel = "squared_error"
    out_activations = ANY

    def scale(self, n_outputs: int) -> float:
        """Multiple of 1/2 |y - a|^2."""
        return self.factor / n_outputs if self.averages else self.factor

    @property
    def sums_outputs(self) -> bool:  # type: ignore[override]  # read only
        """Whether it does not average."""
        return not self.averages


@dataclass(frozen=True, repr=False)
class CrossEntropy(BuiltinLoss):
    """Log-loss or KL divergence, of classes (softmax) or of each output on its own.

    Parameters
    ----------
    name, formula : str
    out_activations : tuple of str
    takes_distributions : bool, default=False

    Examples
    --------
    >>> from fastmlp.losses import LOSSES
    >>> LOSSES["log_loss"].out_activations
    ('softmax', 'logistic', 'hard_sigmoid')
    """

    name: str
    formula: str
    out_activations: tuple[str, ...]
    takes_distributions: bool = False
    for_classifiers = True
    for_regressors = False
    sums_outputs = False

    @property
    def kernel(self) -> str:  # type: ignore[override]  # read only
        """The kernel's name is the loss's."""
        return self.name

    def check_targets(self, y: np.ndarray, out_activation: Activation) -> None:
        """Refuse what is no distribution."""
        if np.any(y < 0) or np.any(y > 1):
            raise ValueError(
                f"y has values from {y.min():g} to {y.max():g}, but loss {self.name!r} needs probabilities from 0 to 1."
            )
        if out_activation.is_distribution:
            starts = np.cumsum([0, *(out_activation.group_sizes or ())[:-1]])
            sums = np.add.reduceat(y, starts, axis=1, dtype=np.float64).ravel()
            off = np.abs(sums - 1)
            if len(off) and off.max() > 1e-3:
                raise ValueError(
                    f"A row of y sums to {sums[off.argmax()]:g}, but loss {self.name!r} with {out_activation.name} "
                    "needs rows that sum to 1; divide each row by its sum."
                )


@dataclass(frozen=True, repr=False)
class AbsoluteError(BuiltinLoss):
    """|y - a|, summed over the outputs.

    Examples
    --------
    >>> from fastmlp import Network
    >>> Network.from_weights([[[1.0]]], [[0.0]], activation=[], loss="absolute_error").cost([[3.0]], [1.0])
    2.0
    """

    name = kernel = "absolute_error"
    formula = "sum |y - a|, with derivative 0 at y = a"
    out_activations = ANY_BUT_SOFTMAX


@dataclass(frozen=True)
class Huber(BuiltinLoss):
    """Squared error that turns linear: with e = y - a, e^2 / 2 where |e| <= t, and t (|e| - t / 2) beyond (S10).

    Parameters
    ----------
    threshold : float, default=1.0
        t, in the units of y; positive. 1, as in PyTorch, suits targets of unit variance. Huber (1964),
        doi:10.1214/aoms/1177703732.

    Raises
    ------
    ValueError
        If the threshold is not positive.

    Examples
    --------
    >>> from fastmlp import MLPRegressor
    >>> from fastmlp.losses import Huber
    >>> MLPRegressor(loss=Huber(threshold=0.5)).loss
    Huber(threshold=0.5)
    """

    threshold: float = 1.0
    name = kernel = "huber"
    formula = "sum of e^2 / 2 where |e| <= t, else t (|e| - t / 2), e = y - a"
    out_activations = ANY_BUT_SOFTMAX

    def __post_init__(self) -> None:
        if not (isinstance(self.threshold, Real) and 0 < self.threshold < np.inf):
            raise ValueError(f"threshold is {self.threshold!r}; pass a positive number.")


@dataclass(frozen=True, repr=False)
class LogCosh(BuiltinLoss):
    """A smooth absolute error: e^2 / 2 near 0, |e| - log 2 far from it, e = y - a.

    Examples
    --------
    >>> from fastmlp import Network
    >>> round(Network.from_weights([[[1.0]]], [[0.0]], activation=[], loss="log_cosh").cost([[101.0]], [1.0]), 3)
    99.307
    """

    name = kernel = "log_cosh"
    formula = "sum log cosh(y - a)"
    out_activations = ANY_BUT_SOFTMAX


@dataclass(frozen=True)
class Quantile(BuiltinLoss):
    """The pinball loss, whose minimum is a quantile: with e = y - a, q e where e > 0 and (q - 1) e where e < 0 (S10).

    With several levels a network has one output for each level of each target, target by target. The output activation
    ``increasing``, which the estimators choose then, keeps them from crossing.

    Parameters
    ----------
    levels : float or sequence of float, default=(0.5,)
        q, each between 0 and 1, in increasing order. 0.5 is the median. Koenker and Bassett (1978),
        doi:10.2307/1913643.

    Raises
    ------
    ValueError
        If the levels are not that.

    Examples
    --------
    >>> from fastmlp import MLPRegressor
    >>> from fastmlp.losses import Quantile
    >>> MLPRegressor(loss=Quantile([0.1, 0.5, 0.9])).loss
    Quantile(levels=(0.1, 0.5, 0.9))
    """

    levels: Any = (0.5,)  # float or sequence of float; a tuple from then on
    name = kernel = "quantile"
    formula = "sum of q e where e > 0, else (q - 1) e, e = y - a"
    out_activations = ANY_BUT_SOFTMAX

    def __post_init__(self) -> None:
        levels = tuple(np.atleast_1d(np.asarray(self.levels, dtype=np.float64)).tolist())
        if not levels or not all(0 < q < 1 for q in levels) or any(np.diff(levels) <= 0):
            raise ValueError(f"levels is {self.levels!r}; pass numbers between 0 and 1, in increasing order.")
        object.__setattr__(self, "levels", levels)

    def n_outputs(self, n_targets: int) -> int:
        """One for each level of each target."""
        return n_targets * len(self.levels)

    def n_targets(self, n_outputs: int) -> int:
        """Outputs in groups of the levels."""
        if n_outputs % len(self.levels):
            raise ValueError(
                f"The network has {n_outputs} outputs, but loss 'quantile' with {len(self.levels)} levels needs a "
                "multiple of that: one output for each level of each target."
            )
        return n_outputs // len(self.levels)

    @property
    def default_out_activation(self) -> str | Activation:
        """For one level identity, for several increasing."""
        return "identity" if len(self.levels) == 1 else Increasing(group_size=len(self.levels))


@dataclass(frozen=True, repr=False)
class Poisson(BuiltinLoss):
    """Half the Poisson deviance, of counts.

    Examples
    --------
    >>> from fastmlp import MLPRegressor
    >>> model = MLPRegressor("poisson", hidden_layer_sizes=(), solver="lbfgs", alpha=0, random_state=0)
    >>> model.fit([[0.0], [0.0]], [1, 3]).predict([[0.0]]).round(2)
    array([2.])
    """

    name = kernel = "poisson"
    formula = "sum (y log(y / a) - y + a)"
    out_activations = ("exp", "softplus")
    default_out_activation = "exp"

    def check_targets(self, y: np.ndarray, out_activation: Activation) -> None:
        """Refuse negative counts."""
        if np.any(y < 0):
            raise ValueError(f"y has {y.min():g}, but loss='poisson' needs y >= 0; shift y or use squared_error.")


@dataclass(frozen=True, repr=False)
class Hinge(BuiltinLoss):
    """The hinge loss of targets -1 and 1, each output on its own.

    Examples
    --------
    >>> from fastmlp import Network
    >>> Network.from_weights([[[1.0]]], [[0.0]], activation=[], loss="hinge").cost([[0.25]], [1.0])
    0.75
    """

    name = kernel = "hinge"
    formula = "sum max(0, 1 - y a), y = -1 or 1"
    out_activations = ("identity", "tanh", "hard_tanh")
    for_classifiers = True
    sums_outputs = False
    for_regressors = False
    target_values = (-1.0, 1.0)

    def check_targets(self, y: np.ndarray, out_activation: Activation) -> None:
        """Refuse targets without a side."""
        if not np.all(np.abs(y) == 1):
            raise ValueError("y has values other than -1 and 1, which loss 'hinge' needs; use 2 * y - 1 for 0 and 1.")


LOSSES: dict[str, Loss] = {
    row.name: row
    for row in [
        SquaredError("squared_error", "1/2 |y - a|^2", 1.0, for_classifiers=True),
        SquaredError("sum_squared_error", "|y - a|^2", 2.0),
        SquaredError("mean_squared_error", "|y - a|^2 / n_outputs", 2.0, averages=True),
        CrossEntropy(
            "log_loss",
            "-sum y log a (softmax), -sum (y log a + (1 - y) log(1 - a)) (others)",
            ("softmax", "logistic", "hard_sigmoid"),
        ),
        CrossEntropy(
            "kl_divergence",
            "sum y log(y / a) (softmax), and the same of 1 - y and 1 - a (logistic)",
            ("softmax", "logistic"),
            takes_distributions=True,
        ),
        AbsoluteError(),
        Huber(),
        LogCosh(),
        Quantile(),
        Poisson(),
        Hinge(),
    ]
}


def get_loss(loss: str | Loss) -> Loss:
    """The loss of a name, or the one given.

    Parameters
    ----------
    loss : str or Loss

    Returns
    -------
    Loss

    Raises
    ------
    ValueError
        If there is none of that name.

    Examples
    --------
    >>> from fastmlp.losses import get_loss
    >>> get_loss("huber")
    Huber(threshold=1.0)
    """
    if isinstance(loss, Loss):
        return loss
    if not isinstance(loss, str) or loss not in LOSSES:
        raise ValueError(unknown("loss", loss, LOSSES, or_else=", or a Loss object"))
    return LOSSES[loss]
