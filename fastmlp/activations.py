"""The activations (S7), one row or one small class each, and the base class for your own.

A new activation is a row here, and a body in ``src_c/activations.inl.h`` whose name stands in a list of
``src_c/kernels.h``.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from numbers import Integral, Real
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from fastmlp._core import _activations
from fastmlp._names import unknown

__all__ = [
    "ACTIVATIONS",
    "ELU",
    "Activation",
    "Elementwise",
    "Increasing",
    "LeakyReLU",
    "Maxout",
    "PowerProduct",
    "Product",
    "RandomizedLeakyReLU",
    "Softmax",
    "get_activation",
]


class Activation:
    """What a layer does to its net input: a = h(z). Subclass it to write your own in Python.

    A subclass sets ``name`` and defines `forward` and `backward`, and `n_outputs` where it changes the width. Both are
    called with all rows of a batch at once. An instance works wherever the name of a built-in activation does, only
    slower, because its batches are not cut into tiles that stay in cache. To be cloned and pickled with an estimator it
    has to be copyable: keep its parameters in attributes.

    Attributes
    ----------
    name : str
        For messages.
    formula, derivative : str
        h(z) and its derivative, for readers.
    trainable : bool
        False where the derivative is 0 everywhere, so that no gradient passes through.
    gives_probabilities : bool
        Whether outputs are probabilities, 1/2 where all net inputs of the sample are 0.
    range : tuple of float, or None
        For a component-wise activation (low, high), the ends of its outputs, near which hardly a gradient passes; None
        where there is no such end on both sides.
    is_random : bool
        Whether training passes draw random numbers.
    init_gain : float
        Numerator g of the bound sqrt(g / (fan_in + fan_out)) of weights that ``init="auto"`` draws uniformly.

    Examples
    --------
    >>> import numpy as np
    >>> from fastmlp import Network
    >>> from fastmlp.activations import Activation
    >>> class Softsign(Activation):
    ...     name = "softsign"
    ...
    ...     def forward(self, z):
    ...         return z / (1 + np.abs(z))
    ...
    ...     def backward(self, gradient, z, a):
    ...         return gradient / (1 + np.abs(z)) ** 2
    >>> Network([2, 3, 1], activation=Softsign(), random_state=0).backward(np.eye(2), [0, 1]).inputs.shape
    (2, 2)
    """

    name: str = "activation"
    formula: str = ""
    derivative: str = ""
    trainable: bool = True
    gives_probabilities: bool = False
    range: tuple[float, float] | None = None
    is_random: bool = False
    init_gain: float = 6.0
    # Whether the core has to call forward and backward; if not, `kernel` names what it runs.
    in_python: bool = True
    kernel: str | None = None
    # Whether a may take the place of z, because the way back needs a only.
    overwrites: bool = False
    # Whether dC/dz may take the place of dC/da on the way back.
    backward_in_place: bool = False
    # Whether the outputs of a sample are probabilities that sum to 1, or those of each group of so many outputs are.
    is_distribution: bool = False
    group_sizes: Sequence[int] | None = None

    def n_units(self, n_outputs: int) -> int:
        """Columns of z for a of `n_outputs` columns, the other way round than `n_outputs`.

        Parameters
        ----------
        n_outputs : int

        Returns
        -------
        int
        """
        return n_outputs

    def n_outputs(self, units: int) -> int:
        """Columns of a for z of `units` columns.

        Parameters
        ----------
        units : int

        Returns
        -------
        int

        Raises
        ------
        ValueError
            If the activation cannot take that many units.
        """
        return units

    def forward(self, z: np.ndarray, /) -> np.ndarray:
        """Values a = h(z), as in prediction.

        Parameters
        ----------
        z : ndarray of shape (n_samples, units)
            Not to be changed.

        Returns
        -------
        ndarray of shape (n_samples, n_outputs)
        """
        raise NotImplementedError(f"Activation {self.name!r} has no forward; define forward(self, z).")

    def backward(self, gradient: np.ndarray, z: np.ndarray, a: np.ndarray, /) -> np.ndarray:
        """The vector-Jacobian product J^T g of each sample (S6): dC/dz from dC/da.

        Parameters
        ----------
        gradient : ndarray of shape (n_samples, n_outputs)
            g = dC/da.
        z : ndarray of shape (n_samples, units)
        a : ndarray of shape (n_samples, n_outputs)
            h(z).

        Returns
        -------
        ndarray of shape (n_samples, units)
        """
        raise NotImplementedError(f"Activation {self.name!r} has no backward; define backward(self, gradient, z, a).")

    def jacobian(self, z: ArrayLike) -> np.ndarray:
        """The full Jacobian da_m / dz_i of one sample (S6).

        Parameters
        ----------
        z : array-like of shape (units,)

        Returns
        -------
        ndarray of shape (n_outputs, units)
            Diagonal for a component-wise activation.

        Examples
        --------
        >>> from fastmlp.activations import ACTIVATIONS
        >>> ACTIVATIONS["softmax"].jacobian([0.0, 0.0])
        array([[ 0.25, -0.25],
               [-0.25,  0.25]])
        """
        z = np.asarray(z)
        if z.ndim != 1:
            raise ValueError(f"z has shape {z.shape}; pass one sample, (units,).")
        z = z if z.dtype == np.float32 else z.astype(np.float64)
        n_outputs = self.n_outputs(len(z))
        rows = np.tile(z, (n_outputs, 1))
        return self.backward(np.eye(n_outputs, dtype=z.dtype), rows, self.forward(rows))

    def __repr__(self) -> str:
        return repr(self.name)


class BuiltinActivation(Activation):
    """An activation with kernels in C."""

    # What kernels read of power_product and of softmax in groups.
    exponent_matrix: np.ndarray | None = None
    groups: np.ndarray | None = None
    in_python: bool = False
    overwrites: bool = True
    backward_in_place: bool = True
    is_random: bool = False
    kernel: str

    def __init_subclass__(cls) -> None:
        if "forward" in cls.__dict__ or "backward" in cls.__dict__:  # a user's own, which the core has to call
            cls.in_python, cls.overwrites, cls.is_random = True, False, False

    @property
    def prediction_kernel(self) -> str | None:
        """Kernel where nothing is random."""
        return self.kernel

    def constants(self, units: int) -> Sequence[float]:
        """Numbers that the kernel reads for a layer of `units`, at most three."""
        return ()

    def forward(self, z: ArrayLike) -> np.ndarray:
        """Values a = h(z), as in prediction.

        Parameters
        ----------
        z : array-like of shape (n_samples, units)

        Returns
        -------
        ndarray of shape (n_samples, n_outputs)
            float32 for float32, else float64.
        """
        return _activations.forward(self, z)

    def backward(self, gradient: ArrayLike, z: ArrayLike, a: ArrayLike) -> np.ndarray:
        """The vector-Jacobian product J^T g of each sample (S6), as in prediction.

        Parameters
        ----------
        gradient, a : array-like of shape (n_samples, n_outputs)
        z : array-like of shape (n_samples, units)

        Returns
        -------
        ndarray of shape (n_samples, units)
        """
        return _activations.backward(self, gradient, z, a)


@dataclass(frozen=True, repr=False)
class Elementwise(BuiltinActivation):
    """An activation without parameters, a row of `ACTIVATIONS`.

    Attributes
    ----------
    name, formula, derivative, source : str
        What it is called, h(z), h'(z) with its subgradient at a kink (S8), and where it comes from.
    trainable, gives_probabilities, range, init_gain
        As in `Activation`.

    Examples
    --------
    >>> from fastmlp.activations import ACTIVATIONS
    >>> ACTIVATIONS["relu"].formula, ACTIVATIONS["relu"].forward([[-1.0, 2.0]])
    ('max(z, 0)', array([[0., 2.]]))
    """

    name: str
    formula: str
    derivative: str
    overwrites: bool = True
    trainable: bool = True
    gives_probabilities: bool = False
    range: tuple[float, float] | None = None
    init_gain: float = 6.0
    source: str = ""
    kernel: str = ""
    kernel_constants: tuple[float, ...] = ()

    def __post_init__(self) -> None:
        object.__setattr__(self, "kernel", self.kernel or self.name)

    def constants(self, units: int) -> Sequence[float]:
        """Numbers that the kernel reads."""
        return self.kernel_constants


@dataclass(frozen=True)
class LeakyReLU(BuiltinActivation):
    """z where z > 0, else slope z (S7). At z = 0 its derivative is `slope`, a valid subgradient (S8).

    Parameters
    ----------
    slope : float, default=0.01
        From 0 to 1. Maas, Hannun and Ng (2013).

    Examples
    --------
    >>> from fastmlp.activations import LeakyReLU
    >>> LeakyReLU(slope=0.25).forward([[-4.0, 4.0]])
    array([[-1.,  4.]])
    """

    slope: float = 0.01
    name = kernel = "leaky_relu"
    formula = "z where z > 0, else slope z"
    derivative = "1 where a > 0, else slope"

    def __post_init__(self) -> None:
        _check_range("slope", self.slope, 0, 1)

    def constants(self, units: int) -> Sequence[float]:
        """The slope."""
        return (self.slope,)


@dataclass(frozen=True)
class RandomizedLeakyReLU(BuiltinActivation):
    """A leaky ReLU whose slope is drawn anew for each unit of each sample in training (S7).

    In prediction the slope is the mean, (lower + upper) / 2.

    Parameters
    ----------
    lower, upper : float, default=1/8 and 1/3
        Between which slopes are drawn uniformly; 0 <= lower <= upper <= 1. The defaults are those of Xu, Wang, Chen and
        Li (2015), arXiv:1505.00853, as in PyTorch.

    Examples
    --------
    >>> from fastmlp.activations import RandomizedLeakyReLU
    >>> RandomizedLeakyReLU(lower=0.25, upper=0.75).forward([[-4.0, 4.0]])
    array([[-2.,  4.]])
    """

    lower: float = 1 / 8
    upper: float = 1 / 3
    name = kernel = "randomized_leaky_relu"
    formula = "z where z > 0, else slope z, slope random"
    derivative = "1 where z > 0, else slope"
    overwrites = False
    is_random = True
    prediction_kernel = "leaky_relu"

    def __post_init__(self) -> None:
        _check_range("lower", self.lower, 0, 1)
        _check_range("upper", self.upper, self.lower, 1)

    def constants(self, units: int) -> Sequence[float]:
        """Mean, lower and upper slope."""
        return (self.lower + self.upper) / 2, self.lower, self.upper


@dataclass(frozen=True)
class ELU(BuiltinActivation):
    """z where z > 0, else alpha (exp(z) - 1) (S7). Its derivative at 0 is `alpha`.

    Parameters
    ----------
    alpha : float, default=1.0
        Positive; 1 makes the derivative continuous. Clevert, Unterthiner and Hochreiter (2016), arXiv:1511.07289.

    Examples
    --------
    >>> from fastmlp.activations import ELU
    >>> ELU(alpha=2.0).forward([[-1e4, 3.0]])
    array([[-2.,  3.]])
    """

    alpha: float = 1.0
    name = kernel = "elu"
    formula = "z where z > 0, else alpha (exp(z) - 1)"
    derivative = "1 where a > 0, else a + alpha"

    def __post_init__(self) -> None:
        _check_range("alpha", self.alpha, 0, np.inf, open_ends=True)

    def constants(self, units: int) -> Sequence[float]:
        """The value at minus infinity, and the scale that selu adds."""
        return self.alpha, 1.0


@dataclass(frozen=True)
class Maxout(BuiltinActivation):
    """The largest of each group of consecutive units (S7): the layer has units / group_size outputs.

    The gradient goes to the first of the largest, the others get 0 (S8, S9). Goodfellow et al. (2013), arXiv:1302.4389.

    Parameters
    ----------
    group_size : int, default=2

    Examples
    --------
    >>> from fastmlp.activations import Maxout
    >>> Maxout(group_size=2).forward([[1.0, 2.0, 7.0, 3.0]])
    array([[2., 7.]])
    """

    group_size: int = 2
    name = kernel = "maxout"
    formula = "max of each group"
    derivative = "1 for the first largest of its group, else 0"
    overwrites = backward_in_place = False

    def __post_init__(self) -> None:
        _check_count("group_size", self.group_size)

    def constants(self, units: int) -> Sequence[float]:
        """The size of a group."""
        return (self.group_size,)

    def n_outputs(self, units: int) -> int:
        """The number of groups; `units` has to be a multiple of their size."""
        return _n_groups(units, self.group_size, self)

    def n_units(self, n_outputs: int) -> int:
        """A group for each output."""
        return n_outputs * self.group_size


@dataclass(frozen=True)
class Product(BuiltinActivation):
    """Products of consecutive pairs, a_i = z_{2i-1} z_{2i} (S7): the layer has half as many outputs as units.

    Examples
    --------
    >>> from fastmlp.activations import Product
    >>> Product().forward([[2.0, 3.0, -1.0, 4.0]])
    array([[ 6., -4.]])
    """

    name = kernel = "product"
    formula = "z_{2i-1} z_{2i}"
    derivative = "the other factor"
    overwrites = backward_in_place = False

    def n_outputs(self, units: int) -> int:
        """Half of `units`, which has to be even."""
        return _n_groups(units, 2, self)

    def n_units(self, n_outputs: int) -> int:
        """A pair for each output."""
        return 2 * n_outputs


@dataclass(frozen=True)
class PowerProduct(BuiltinActivation):
    """Products of powers, a_i = prod_l z_l^exponents[l, i], with fixed exponents (S7).

    Negative inputs are fine where their exponents are whole numbers. Zero to the power 0 is 1. A negative input with a
    fractional exponent, or zero with a negative one, has no value: forward passes and training raise ValueError.
    Where an exponent between 0 and 1 makes the slope at zero infinite, 0 is used.

    Parameters
    ----------
    exponents : array-like of shape (units, n_outputs)

    Examples
    --------
    >>> from fastmlp.activations import PowerProduct
    >>> PowerProduct([[1, 0.5], [2, 0]]).forward([[4.0, 3.0]])
    array([[36.,  2.]])
    """

    exponents: Any
    name = kernel = "power_product"
    formula = "prod_l z_l^exponents[l, i]"
    derivative = "exponents[l, i] z_l^(exponents[l, i] - 1) prod_{m != l} z_m^exponents[m, i]"
    overwrites = backward_in_place = False

    def __post_init__(self) -> None:
        matrix = np.array(self.exponents, dtype=np.float64, order="C")
        if matrix.ndim != 2 or matrix.size == 0 or not np.isfinite(matrix).all():
            raise ValueError(f"exponents is {self.exponents!r}; pass a finite matrix of shape (units, n_outputs).")
        object.__setattr__(self, "exponents", tuple(map(tuple, matrix.tolist())))
        matrix.flags.writeable = False
        object.__setattr__(self, "exponent_matrix", matrix)

    def n_outputs(self, units: int) -> int:
        """Columns of the exponents, whose rows have to be `units`."""
        if units != len(self.exponents):
            raise ValueError(
                f"exponents of power_product have {len(self.exponents)} rows, but the layer has {units} units; give "
                "one row for each."
            )
        return len(self.exponents[0])

    def n_units(self, n_outputs: int) -> int:
        """Rows of the exponents, whose columns have to be `n_outputs`."""
        if n_outputs != len(self.exponents[0]):
            raise ValueError(
                f"exponents of power_product have {len(self.exponents[0])} columns, but {n_outputs} outputs are "
                "needed; give one column for each."
            )
        return len(self.exponents)


@dataclass(frozen=True, repr=False)
class Softmax(BuiltinActivation):
    """exp(z_i) / sum_j exp(z_j): probabilities of classes that exclude each other (S7, S9). Bridle (1990).

    Parameters
    ----------
    group_sizes : sequence of int, default=None
        For several targets at once: how many consecutive units are the classes of each, in order; every group is a
        softmax of its own. None for one group of all units.

    Raises
    ------
    ValueError
        If a size is not a positive integer.

    Examples
    --------
    >>> from fastmlp.activations import Softmax
    >>> Softmax(group_sizes=[2, 3]).forward([[1.0, 1.0, 5.0, 5.0, 5.0]]).round(2)
    array([[0.5 , 0.5 , 0.33, 0.33, 0.33]])
    """

    group_sizes: Sequence[int] | None = None
    name = kernel = "softmax"
    formula = "exp(z_i) / sum_j exp(z_j)"
    derivative = "J = diag(a) - a a^T"
    source = "Bridle (1990)"
    is_distribution = gives_probabilities = True

    def __post_init__(self) -> None:
        if self.group_sizes is None:
            return
        sizes = tuple(self.group_sizes)
        if not sizes:
            raise ValueError("group_sizes is empty; pass the number of classes of each target, or None.")
        for size in sizes:
            _check_count("group_sizes", size)
        object.__setattr__(self, "group_sizes", tuple(map(int, sizes)))
        object.__setattr__(self, "groups", np.array(self.group_sizes, dtype=np.intp))

    def __repr__(self) -> str:
        return super().__repr__() if self.group_sizes is None else f"Softmax(group_sizes={self.group_sizes})"

    def n_outputs(self, units: int) -> int:
        """As many as units, which have to be those of the groups."""
        if self.group_sizes is not None and sum(self.group_sizes) != units:
            raise ValueError(
                f"group_sizes of softmax is {self.group_sizes}, {sum(self.group_sizes)} units in all, but the layer "
                f"has {units}; make them equal."
            )
        return units


@dataclass(frozen=True)
class Increasing(BuiltinActivation):
    """In each group of consecutive units, a_1 = z_1 and a_k = a_{k-1} + softplus(z_k): outputs that cannot cross.

    The output activation for several quantiles at once.

    Parameters
    ----------
    group_size : int, default=None
        None for one group of all units.

    Examples
    --------
    >>> import numpy as np
    >>> from fastmlp.activations import Increasing
    >>> a = Increasing().forward([[1.0, -3.0, 5.0]])
    >>> bool(np.all(np.diff(a) > 0))
    True
    """

    group_size: int | None = None
    name = kernel = "increasing"
    formula = "a_1 = z_1, a_k = a_{k-1} + log(1 + exp(z_k))"
    derivative = "1 / (1 + exp(-z_k)) for all outputs from k on"
    overwrites = False

    def __post_init__(self) -> None:
        if self.group_size is not None:
            _check_count("group_size", self.group_size)

    def n_outputs(self, units: int) -> int:
        """As many as units, which have to be a multiple of the group's size."""
        _n_groups(units, self.group_size or units, self)
        return units

    def constants(self, units: int) -> Sequence[float]:
        """The size of a group."""
        return (self.group_size or units,)


def _check_range(name, value, lower, upper, *, open_ends=False):
    inside = isinstance(value, Real) and (lower < value < upper if open_ends else lower <= value <= upper)
    if not inside:
        brackets = "()" if open_ends else "[]"
        raise ValueError(f"{name} is {value!r}; pass a number in {brackets[0]}{lower}, {upper}{brackets[1]}.")


def _check_count(name, value):
    if not isinstance(value, Integral) or value < 1:
        raise ValueError(f"{name} is {value!r}; pass a positive integer.")


def _n_groups(units, group_size, activation):
    if units % group_size:
        raise ValueError(
            f"{activation.name} takes units in groups of {group_size}, but the layer has {units} units; make it a "
            f"multiple of {group_size}."
        )
    return units // group_size


ACTIVATIONS: dict[str, BuiltinActivation] = {
    row.name: row
    for row in [
        Elementwise("identity", "z", "1"),
        Elementwise("hard_limit", "1 where z >= 0, else 0", "0", source="McCulloch and Pitts (1943)", trainable=False),
        Elementwise(
            "relu",
            "max(z, 0)",
            "1 where a > 0, else 0 (so 0 at z = 0, a valid subgradient: S8)",
            source="Nair and Hinton (2010)",
        ),
        LeakyReLU(),
        RandomizedLeakyReLU(),
        ELU(),
        Elementwise(
            "selu",
            "1.0507 z where z > 0, else 1.7581 (exp(z) - 1)",
            "1.0507 where a > 0, else a + 1.7581",
            kernel="elu",
            source="Klambauer et al. (2017), arXiv:1706.02515",
            kernel_constants=(1.6732632423543772, 1.0507009873554805),
        ),
        Elementwise("softplus", "log(1 + exp(z))", "1 - exp(-a)", source="Dugas et al. (2001)"),
        Elementwise(
            "gelu",
            "z Phi(z), Phi the normal distribution function",
            "Phi(z) + z phi(z)",
            source="Hendrycks and Gimpel (2016), arXiv:1606.08415",
            overwrites=False,
        ),
        Elementwise(
            "silu",
            "z s, s = 1 / (1 + exp(-z))",
            "s (1 + z (1 - s))",
            source="Elfwing, Uchibe and Doya (2018), arXiv:1702.03118",
            overwrites=False,
        ),
        Elementwise(
            "mish",
            "z t, t = tanh(log(1 + exp(z)))",
            "t + z s (1 - t^2), s = 1 / (1 + exp(-z))",
            source="Misra (2019), arXiv:1908.08681",
            overwrites=False,
        ),
        Elementwise(
            "logistic",
            "1 / (1 + exp(-z))",
            "a (1 - a)",
            gives_probabilities=True,
            range=(0, 1),
            init_gain=2.0,
        ),
        Elementwise("tanh", "tanh(z)", "1 - a^2", range=(-1, 1)),
        Elementwise("hard_tanh", "z, at least -1 and at most 1", "1 where -1 < a < 1, else 0", range=(-1, 1)),
        Elementwise("softsign", "z / (1 + abs(z))", "(1 - abs(a))^2", source="Bergstra et al. (2009)", range=(-1, 1)),
        Elementwise(
            "hard_sigmoid",
            "z / 6 + 1/2, at least 0 and at most 1",
            "1/6 where 0 < a < 1, else 0",
            gives_probabilities=True,
            range=(0, 1),
        ),
        Elementwise("exp", "exp(z)", "a"),
        Softmax(),
        Maxout(),
        Product(),
        Increasing(),
    ]
}


def get_activation(activation: str | Activation, parameter: str = "activation") -> Activation:
    """The activation of a name, or the one given.

    Parameters
    ----------
    activation : str or Activation
    parameter : str, default="activation"
        For messages.

    Returns
    -------
    Activation

    Raises
    ------
    ValueError
        If there is none of that name.

    Examples
    --------
    >>> from fastmlp.activations import get_activation
    >>> get_activation("leaky_relu")
    LeakyReLU(slope=0.01)
    """
    if isinstance(activation, Activation):
        return activation
    if isinstance(activation, str) and activation == PowerProduct.name:
        raise ValueError(f"{parameter} 'power_product' needs its exponents; pass PowerProduct(exponents).")
    if not isinstance(activation, str) or activation not in ACTIVATIONS:
        raise ValueError(unknown(parameter, activation, ACTIVATIONS, or_else=", or an Activation object"))
    return ACTIVATIONS[activation]
