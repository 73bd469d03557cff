"""The kinds of layers, one small class each: what parameters they have, and with which values these begin.

A network is a list of them. What a kind does to a tile of rows, there and back, is in ``_core/_layers.pyx``, under the
kind's name. A new kind is a class here, its functions and their row in the table there, and a body in ``src_c``.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from numbers import Integral, Real
from typing import ClassVar, NamedTuple

import numpy as np

from fastmlp.activations import Activation
from fastmlp.initializers import INITIALIZERS

__all__ = ["Activate", "BatchNorm", "Block", "Dense", "Dropout", "Embedding", "Layer", "Scale"]


class Block(NamedTuple):
    """One array of a layer's parameters.

    Attributes
    ----------
    name : str
        As ``Network.layer_parameters_`` calls it.
    shape : tuple of int
        A matrix is cut into tiles of rows; vectors lie below it and go with its last tile.
    rate : float
        Factor of the learning rate.
    penalty : float
        Factor of alpha, l1 and weight_decay; 0 for none.

    Examples
    --------
    >>> from fastmlp.layers import Dense
    >>> Dense(3).blocks(2)[1]
    Block(name='biases', shape=(3,), rate=1.0, penalty=0.0)
    """

    name: str
    shape: tuple[int, ...]
    rate: float = 1.0
    penalty: float = 1.0


@dataclass(frozen=True)
class Layer:
    """What every kind can tell of itself.

    Attributes
    ----------
    kind : str
        Its name in the core.
    is_random : bool
        Whether training passes draw random numbers in it.

    Examples
    --------
    >>> from fastmlp.layers import Dropout
    >>> Dropout(0.5).n_outputs(10), Dropout(0.5).blocks(10)
    (10, [])
    """

    kind: ClassVar[str]

    @property
    def is_random(self) -> bool:
        """Only of the kinds that say so."""
        return False

    def n_outputs(self, n_inputs: int) -> int:
        """Columns that the layer makes of `n_inputs`.

        Parameters
        ----------
        n_inputs : int

        Returns
        -------
        int
        """
        return n_inputs

    def blocks(self, n_inputs: int) -> list[Block]:
        """Parameters of the layer, in the order in which they lie in memory.

        Parameters
        ----------
        n_inputs : int

        Returns
        -------
        list of Block
        """
        return []

    def initialize(self, blocks: Sequence[np.ndarray], random_state: np.random.RandomState) -> None:
        """Give the parameters their first values.

        Parameters
        ----------
        blocks : sequence of ndarray
            To write into, one for each of `blocks`.
        random_state : RandomState
        """

    def check_inputs(self, X: np.ndarray) -> None:
        """Refuse what the layer cannot read, if it is the first.

        Parameters
        ----------
        X : ndarray of shape (n_samples, n_features)

        Raises
        ------
        ValueError
            If there is any of it.
        """

    def layout(self, n_inputs: int) -> np.ndarray | None:
        """Whole numbers that the kind's kernels are given, or None.

        Parameters
        ----------
        n_inputs : int

        Returns
        -------
        ndarray of intp, or None
        """
        return None


@dataclass(frozen=True)
class Dense(Layer):
    """Z = A W + b: every unit takes every input (S1).

    Parameters
    ----------
    units : int
    has_bias : bool, default=True
        Whether there is b; batch normalization shifts instead.
    init : str, default="auto"
        A name of `fastmlp.initializers.INITIALIZERS`, or "auto": weights and biases uniform in
        +-sqrt(gain / (fan_in + fan_out)).
    gain : float, default=6.0
        Of "auto".
    rate, bias_rate : float, default=1.0
        Factors of the learning rate.
    penalty : float, default=1.0
        Factor of the penalties of W; b has none.

    Examples
    --------
    >>> from fastmlp.layers import Dense
    >>> [block.shape for block in Dense(3).blocks(2)]
    [(2, 3), (3,)]
    """

    units: int
    has_bias: bool = True
    init: str = "auto"
    gain: float = 6.0
    rate: float = 1.0
    bias_rate: float = 1.0
    penalty: float = 1.0
    kind: ClassVar[str] = "dense"

    def n_outputs(self, n_inputs: int) -> int:
        """One for each unit."""
        return self.units

    def blocks(self, n_inputs: int) -> list[Block]:
        """W, and below it b."""
        weights = Block("weights", (n_inputs, self.units), self.rate, self.penalty)
        return [weights, Block("biases", (self.units,), self.bias_rate, 0.0)][: 1 + self.has_bias]

    def initialize(self, blocks: Sequence[np.ndarray], random_state: np.random.RandomState) -> None:
        """As scikit-learn does for "auto", else by the initializer, with biases of 0."""
        weights, *biases = blocks
        drawn: np.ndarray | float
        if self.init == "auto":
            bound = np.sqrt(self.gain / sum(weights.shape))
            weights[...] = random_state.uniform(-bound, bound, weights.shape)
            # Drawn without a bias too, so that batch normalization changes no other layer's weights.
            drawn = random_state.uniform(-bound, bound, self.units)
        else:
            weights[...] = INITIALIZERS[self.init](weights.shape, random_state)
            drawn = 0.0
        for b in biases:
            b[...] = drawn


@dataclass(frozen=True)
class BatchNorm(Layer):
    """z = scale (x - mean) / sqrt(variance + 1e-5) + shift, column by column (S13; Ioffe and Szegedy 2015).

    Examples
    --------
    >>> from fastmlp.layers import BatchNorm
    >>> [block.name for block in BatchNorm().blocks(4)]
    ['shifts', 'scales']
    """

    kind: ClassVar[str] = "batch_norm"
    # As BATCH_NORM_EPSILON of the core.
    epsilon: ClassVar[float] = 1e-5

    def blocks(self, n_inputs: int) -> list[Block]:
        """Shifts and scales."""
        return [Block(name, (n_inputs,), penalty=0.0) for name in ("shifts", "scales")]

    def initialize(self, blocks: Sequence[np.ndarray], random_state: np.random.RandomState) -> None:
        """Neither shift nor scale anything."""
        shifts, scales = blocks
        shifts[...], scales[...] = 0, 1


@dataclass(frozen=True)
class Activate(Layer):
    """A = h(Z) (S7).

    Parameters
    ----------
    activation : Activation

    Examples
    --------
    >>> from fastmlp.activations import Maxout
    >>> from fastmlp.layers import Activate
    >>> Activate(Maxout(2)).n_outputs(6)
    3
    """

    activation: Activation
    kind: ClassVar[str] = "activation"

    @property
    def is_random(self) -> bool:
        """Whether the activation is."""
        return self.activation.is_random

    def n_outputs(self, n_inputs: int) -> int:
        """As many as the activation makes of so many units."""
        return self.activation.n_outputs(n_inputs)


@dataclass(frozen=True)
class Dropout(Layer):
    """In training, each element is 0 with probability `rate`, and divided by 1 - rate otherwise (S13).

    Parameters
    ----------
    rate : float

    Examples
    --------
    >>> from fastmlp.layers import Dropout
    >>> Dropout(0.25)
    Dropout(rate=0.25)
    """

    rate: float
    kind: ClassVar[str] = "dropout"

    @property
    def is_random(self) -> bool:
        """Always."""
        return True


@dataclass(frozen=True)
class Scale(Layer):
    """A learned factor for each column, which is a layer of diagonal weights: it begins with 1.

    Parameters
    ----------
    rate : float, default=1.0
        Factor of the learning rate.

    Examples
    --------
    >>> from fastmlp import Network
    >>> from fastmlp.layers import Scale
    >>> Network([3, 1], input_layers=[Scale()]).layer_parameters_[0]
    {'scales': array([1., 1., 1.])}
    """

    rate: float = 1.0
    kind: ClassVar[str] = "scale"

    def __post_init__(self) -> None:
        _check_factor("rate", self.rate)

    def blocks(self, n_inputs: int) -> list[Block]:
        """One factor a column."""
        return [Block("scales", (n_inputs,), self.rate, 0.0)]

    def initialize(self, blocks: Sequence[np.ndarray], random_state: np.random.RandomState) -> None:
        """Scale nothing."""
        blocks[0][...] = 1


@dataclass(frozen=True)
class Embedding(Layer):
    """Columns of whole numbers become rows of learned tables; the other columns stay as they are, and come first.

    A code has to be one of 0 ... n_codes - 1, as OrdinalEncoder makes them. Guo and Berkhahn (2016), arXiv:1604.06737.

    Parameters
    ----------
    columns : sequence of int
        Columns of X that hold codes.
    n_codes : sequence of int
        How many there are of each.
    widths : sequence of int
        Length of the rows of each table.
    rate, penalty : float, default=1.0
        Factors of the learning rate and of the penalties.

    Raises
    ------
    ValueError
        If the sequences do not fit each other.

    Examples
    --------
    The second column of two becomes three.

    >>> from fastmlp import Network
    >>> from fastmlp.layers import Embedding
    >>> network = Network([2, 1], input_layers=[Embedding(columns=[1], n_codes=[5], widths=[3])], random_state=0)
    >>> network.coefs_[0].shape, network.forward([[0.5, 4.0]]).shape
    ((4, 1), (1, 1))
    """

    columns: Sequence[int]
    n_codes: Sequence[int]
    widths: Sequence[int]
    rate: float = 1.0
    penalty: float = 1.0
    kind: ClassVar[str] = "embedding"

    def __post_init__(self) -> None:
        for name, lower in (("columns", 0), ("n_codes", 1), ("widths", 1)):
            values = tuple(getattr(self, name))
            if not values or not all(isinstance(value, Integral) and int(value) >= lower for value in values):
                raise ValueError(f"{name} is {getattr(self, name)!r}; pass whole numbers of at least {lower}.")
            object.__setattr__(self, name, tuple(int(value) for value in values))
        if len(set(self.columns)) != len(self.columns) or not len(self.columns) == len(self.n_codes) == len(
            self.widths
        ):
            raise ValueError(
                f"columns, n_codes and widths are {self.columns}, {self.n_codes} and {self.widths}; pass one of each "
                "for every column of codes, and no column twice."
            )
        _check_factor("rate", self.rate)
        _check_factor("penalty", self.penalty)

    def n_outputs(self, n_inputs: int) -> int:
        """The columns that are no codes, and the rows of the tables."""
        self._check_columns(n_inputs)
        return n_inputs - len(self.columns) + sum(self.widths)

    def blocks(self, n_inputs: int) -> list[Block]:
        """One table for each column of codes."""
        shapes = zip(self.columns, zip(self.n_codes, self.widths, strict=True), strict=True)
        return [Block(f"table_{column}", shape, self.rate, self.penalty) for column, shape in shapes]

    def initialize(self, blocks: Sequence[np.ndarray], random_state: np.random.RandomState) -> None:
        """Normal with variance 1 / width, so that rows have length 1 on average."""
        for table in blocks:
            table[...] = random_state.normal(0, 1 / math.sqrt(table.shape[1]), table.shape)

    def layout(self, n_inputs: int) -> np.ndarray:
        """As ``src_c/embedding.inl.h`` explains it."""
        plain = [column for column in range(n_inputs) if column not in set(self.columns)]
        tables = zip(self.columns, self.n_codes, self.widths, strict=True)
        numbers = [n_inputs, self.n_outputs(n_inputs), len(plain), len(self.columns), *plain]
        return np.array([*numbers, *(number for table in tables for number in table)], dtype=np.intp)

    def check_inputs(self, X: np.ndarray) -> None:
        """Refuse codes without a row."""
        for column, n_codes in zip(self.columns, self.n_codes, strict=True):
            codes = X[:, column]
            wrong = (codes < 0) | (codes >= n_codes) | (codes % 1 != 0)
            if np.any(wrong):
                raise ValueError(
                    f"X has {codes[wrong][0]:g} in column {column}, whose codes are 0 to {n_codes - 1}; encode it, for "
                    "example by OrdinalEncoder, or give the Embedding more n_codes."
                )

    def _check_columns(self, n_inputs):
        if max(self.columns) >= n_inputs:
            raise ValueError(
                f"columns of an Embedding are {self.columns}, but it has {n_inputs} inputs; pass numbers from 0 to "
                f"{n_inputs - 1}."
            )


def _check_factor(name, value):
    if not isinstance(value, Real) or not 0 <= float(value) < np.inf:
        raise ValueError(f"{name} is {value!r}; pass a finite number of at least 0.")
