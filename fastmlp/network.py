"""The network itself: its parameters, and the equations S1 to S6 and S24 on them."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from numbers import Integral, Real
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike
from sklearn.utils import check_array, check_random_state
from sklearn.utils.validation import _check_sample_weight, check_consistent_length

from fastmlp._core._data import Data
from fastmlp._core._memory import aligned_empty
from fastmlp._core._network import NetworkCore
from fastmlp._core._plan import Plan
from fastmlp._core._workspace import Workspace
from fastmlp._typing import RandomState
from fastmlp.activations import Activation, Increasing, get_activation
from fastmlp.initializers import INITIALIZERS
from fastmlp.losses import Loss, Quantile, get_loss

# Rows of one pass of `jacobian`: bounds its memory.
JACOBIAN_BLOCK_ROWS = 1024


class LayerViews(NamedTuple):
    """Views of a flat array of parameters or gradients, one of each for every layer."""

    coefs: list[np.ndarray]
    intercepts: list[np.ndarray]
    scales: list[np.ndarray | None]


@dataclass(frozen=True)
class Gradients:
    """What one backward pass computes.

    Attributes
    ----------
    cost : float
        C, the weighted mean over the samples of their loss.
    deltas : list of ndarray of shape (n_samples, units of layer l)
        D_l = dC/dZ_l for l = 1 ... L (S2, S3); with batch normalization by A_{l-1} W_l, which it normalizes.
    coefs : list of ndarray of shape (fan_in, units)
        dC/dW_l (S5).
    intercepts : list of ndarray of shape (units,)
        dC/db_l (S4).
    scales : list of ndarray of shape (units,), or None for layers without batch normalization
        Derivatives by its scales (S13).
    inputs : ndarray of shape (n_samples, n_features)
        dC/dX = D_1 W_1^T (S24).

    Examples
    --------
    >>> from fastmlp import Network
    >>> gradients = Network.from_weights([[[2.0]]], [[0.0]], activation=[]).backward([[3.0]], [5.0])
    >>> gradients.cost, gradients.deltas, gradients.coefs, gradients.inputs
    (0.5, [array([[1.]])], [array([[3.]])], array([[2.]]))
    """

    cost: float
    deltas: list[np.ndarray]
    coefs: list[np.ndarray]
    intercepts: list[np.ndarray]
    scales: list[np.ndarray | None]
    inputs: np.ndarray


class Views(list):
    """Parts of one array: what is assigned to a place is written into the part that is there.

    Copies and pickles are ordinary lists.
    """

    def __setitem__(self, place, values):
        parts, values = (self[place], values) if isinstance(place, slice) else ([self[place]], [values])
        if isinstance(place, slice):
            values = [np.array(value) for value in values]  # lest one be written before it is read
        elif np.may_share_memory(values[0], parts[0].base) and not np.may_share_memory(values[0], parts[0]):
            raise ValueError("The array to assign is another layer's own, which may change before it is read; copy it.")
        values = [np.asarray(value) for value in values]
        shapes = [value.shape for value in values], [part.shape for part in parts]
        if shapes[0] != shapes[1]:
            raise ValueError(f"The arrays to assign have shapes {shapes[0]}; pass arrays of shapes {shapes[1]}.")
        for part, value in zip(parts, values, strict=True):
            part[...] = value

    def _refuse(self, *args, **kwargs):
        raise TypeError("The layers of a network are fixed; assign to one of them, or to all of them.")

    append = clear = extend = insert = pop = remove = reverse = sort = _refuse
    __delitem__ = __iadd__ = __imul__ = _refuse

    def __reduce__(self):
        return list, (list(self),)


def writeable(array: np.ndarray) -> np.ndarray:
    """The array, or a copy if it came out of a file or another process as read-only memory."""
    if array.flags.writeable:
        return array
    copy = aligned_empty(array.shape, array.dtype)
    copy[...] = array
    return copy


class Network:
    """A multilayer perceptron: layers of units, each fully connected to the next.

    Z_l = A_{l-1} W_l + b_l and A_l = h_l(Z_l) for l = 1 ... L, with A_0 = X (S1; EE 541 unit 5, ECE 595 lecture 18).

    Parameters
    ----------
    sizes : sequence of int
        Units of every layer: inputs, hidden layers, outputs; at least two numbers. An activation that changes the
        width (maxout, product, power_product) passes on fewer outputs than its layer has units.
    activation : str, Activation or sequence of them, default="relu"
        One for all hidden layers, or one for each: a name of `fastmlp.activations.ACTIVATIONS` (S7), a built-in one
        with parameters such as ``LeakyReLU(slope=0.2)``, or your own.
    out_activation : str or Activation, default="identity"
        Of the output layer; it has to make sense with the loss.
    loss : str or Loss, default="squared_error"
        A name of `fastmlp.losses.LOSSES` (S10), one with parameters such as ``Huber(threshold=2)``, or your own.
    init : str or sequence of str, default="auto"
        Initial weights of all layers, or of each: a name of `fastmlp.initializers.INITIALIZERS`; biases then are 0.
        "auto" is what scikit-learn does: weights and biases uniform in +-sqrt(6 / (fan_in + fan_out)), with 2 in place
        of 6 for logistic layers (Glorot and Bengio 2010). "zeros" is for the last layer only.
    dropout : float or sequence of float, default=0.0
        Share of the outputs of all hidden layers, or of each, that a training pass sets to 0, the others being divided
        by 1 - dropout (S13; Srivastava et al. 2014). Below 1.
    input_dropout : float, default=0.0
        The same for the inputs.
    batch_norm : bool, default=False
        Whether hidden layers normalize their net input (S13; Ioffe and Szegedy 2015): in training by mean and (biased)
        variance of the batch, elsewhere by running ones, to which each step adds a tenth of the batch's. Biases then
        are the shifts. As in PyTorch, 1e-5 is added to the variance, and running variances are unbiased. Sample weights
        do not enter the statistics. A batch of one row is normalized by the running ones.
    dtype : {"float64", "float32"}, default="float64"
        Of parameters and computation. float32 is about twice as fast; float64 is right for checking.
    random_state : int, RandomState instance or None, default=None
        For the initial weights.

    Attributes
    ----------
    parameters : ndarray of shape (n_parameters,)
        [W_1; b_1], [W_2; b_2], ..., in one flat array; with batch normalization [W_l; shift_l; scale_l].
    coefs_ : list of ndarray of shape (fan_in, units)
        Weights W_l, views of `parameters`: writing into them, or assigning to them, changes the network.
    intercepts_ : list of ndarray of shape (units,)
        Biases b_l, views as well.
    scales_ : list of ndarray of shape (units,), or None for layers without batch normalization
        Its scales, views as well.
    running_means_, running_variances_ : list of ndarray of shape (units,), or None
        Its statistics for prediction, views of `statistics`.
    sizes, dropout, input_dropout, batch_norm : as given, checked
    activations_ : tuple of Activation
        Of the hidden layers.
    out_activation, loss : Activation, Loss

    Raises
    ------
    ValueError
        If the arguments do not make a network.

    Examples
    --------
    Forward and back through the network of Hagan's example in DATS 6202 (S20): all weights 1, all biases 0.

    >>> import numpy as np
    >>> from fastmlp import Network
    >>> net = Network.from_weights(
    ...     [np.ones((2, 2)), np.ones((2, 1))],
    ...     [np.zeros(2), np.zeros(1)],
    ...     activation="relu",
    ...     loss="sum_squared_error",
    ... )
    >>> net.forward([[1, 1]])
    array([[4.]])
    >>> net.backward([[1, 1]], [0]).deltas
    [array([[8., 8.]]), array([[8.]])]
    >>> net.step([[1, 1]], [0], learning_rate=0.1)
    16.0
    >>> net.intercepts_
    [array([-0.8, -0.8]), array([-0.8])]
    """

    def __init__(
        self,
        sizes: Sequence[int],
        *,
        activation: str | Activation | Sequence[str | Activation] = "relu",
        out_activation: str | Activation = "identity",
        loss: str | Loss = "squared_error",
        init: str | Sequence[str] = "auto",
        dropout: float | Sequence[float] = 0.0,
        input_dropout: float = 0.0,
        batch_norm: bool = False,
        dtype: str = "float64",
        random_state: RandomState = None,
    ):
        self.sizes = _check_sizes(sizes)
        n_hidden = len(self.sizes) - 2
        self.activations_ = check_activations(activation, n_hidden)
        self.out_activation = get_activation(out_activation, "out_activation")
        self.loss = get_loss(loss)
        _check_output(self.loss, self.out_activation, self.sizes[-1])
        self.dropout = check_dropout(dropout, n_hidden)
        self.input_dropout = _check_rate("input_dropout", input_dropout)
        self.batch_norm = bool(batch_norm)
        if dtype not in ("float32", "float64"):
            raise ValueError(f"dtype is {dtype!r}; use 'float32' or 'float64'.")
        initializers = check_init(init, n_hidden + 1)

        n_parameters, n_statistics = sum(map(math.prod, self._block_shapes())), 2 * sum(self._normalized_units())
        self._parameters = aligned_empty((n_parameters,), dtype, quarter=0)
        self.statistics = aligned_empty((n_statistics,), dtype)
        self._connect()
        self._initialize(initializers, check_random_state(random_state))

    @classmethod
    def from_weights(
        cls,
        coefs: Sequence[np.ndarray],
        intercepts: Sequence[np.ndarray],
        *,
        activation: str | Activation | Sequence[str | Activation] = "relu",
        out_activation: str | Activation = "identity",
        loss: str | Loss = "squared_error",
        dropout: float | Sequence[float] = 0.0,
        input_dropout: float = 0.0,
        batch_norm: bool = False,
        dtype: str = "float64",
    ) -> "Network":
        """Build a network from given weights and biases, which are copied.

        Parameters
        ----------
        coefs : sequence of array-like of shape (fan_in, units)
            W_1 to W_L; each fan_in is the number of outputs before it.
        intercepts : sequence of array-like of shape (units,)
            b_1 to b_L.
        activation, out_activation, loss, dropout, input_dropout, batch_norm, dtype
            As for the class.

        Returns
        -------
        Network

        Raises
        ------
        ValueError
            If the shapes do not chain, or a weight is not finite.

        Examples
        --------
        XOR by hard limits, which no back-propagation could have found (S14).

        >>> from fastmlp import Network
        >>> net = Network.from_weights(
        ...     [[[1, -1], [-1, 1]], [[1], [1]]],
        ...     [[-0.5, -0.5], [-0.5]],
        ...     activation="hard_limit",
        ...     out_activation="hard_limit",
        ... )
        >>> net.forward([[0, 0], [0, 1], [1, 0], [1, 1]]).ravel()
        array([0., 1., 1., 0.])
        """
        coefs = [np.asarray(w) for w in coefs]
        intercepts = [np.asarray(b) for b in intercepts]
        if not coefs or len(coefs) != len(intercepts):
            raise ValueError(
                f"coefs has {len(coefs)} and intercepts {len(intercepts)} arrays; pass one of each for every layer."
            )
        for layer, (w, b) in enumerate(zip(coefs, intercepts, strict=True), start=1):
            if w.ndim != 2 or b.shape != (w.shape[1],):
                raise ValueError(
                    f"Layer {layer} has coefs of shape {w.shape} and intercepts of shape {b.shape}; "
                    "pass (fan_in, fan_out) and (fan_out,)."
                )
        for name, arrays in [("coefs", coefs), ("intercepts", intercepts)]:
            for layer, array in enumerate(arrays, start=1):
                if array.dtype.kind not in "biuf" or not np.isfinite(array).all():
                    raise ValueError(f"{name} of layer {layer} are not all finite numbers; replace NaN and infinity.")
        activations = check_activations(activation, len(coefs) - 1)
        for layer, (before, after) in enumerate(pairwise(coefs), start=1):
            n_outputs = activations[layer - 1].n_outputs(before.shape[1])
            if n_outputs != after.shape[0]:
                raise ValueError(
                    f"coefs of layer {layer} give {n_outputs} outputs but those of layer {layer + 1} take "
                    f"{after.shape[0]} inputs; make the shapes chain."
                )
        network = cls(
            [coefs[0].shape[0], *(w.shape[1] for w in coefs)],
            activation=activations,
            out_activation=out_activation,
            loss=loss,
            dropout=dropout,
            input_dropout=input_dropout,
            batch_norm=batch_norm,
            dtype=dtype,
            random_state=0,
        )
        with np.errstate(over="ignore"):
            for view, given in zip(network.coefs_ + network.intercepts_, coefs + intercepts, strict=True):
                view[...] = given
        if not network.core.all_finite():
            raise ValueError(f"coefs or intercepts are too large for {dtype}; scale them, or use dtype='float64'.")
        return network

    @property
    def parameters(self) -> np.ndarray:
        """All parameters in one flat array of shape (n_parameters,): write into it, ``parameters[:] = w``."""
        return self._parameters

    @property
    def n_outputs(self) -> int:
        """Columns of the output."""
        return self.out_activation.n_outputs(self.sizes[-1])

    @property
    def n_targets(self) -> int:
        """Columns of the targets: those of the output, but for several quantiles of one target."""
        return self.loss.n_targets(self.n_outputs)

    @property
    def is_random(self) -> bool:
        """Whether training passes draw random numbers."""
        activations = (*self.activations_, self.out_activation)
        return self.input_dropout > 0 or any(self.dropout) or any(activation.is_random for activation in activations)

    def forward(self, X: ArrayLike) -> np.ndarray:
        """Outputs A_L (S1).

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)

        Returns
        -------
        ndarray of shape (n_samples, n_outputs)

        Raises
        ------
        ValueError
            If X is not finite or has another number of features.

        Examples
        --------
        >>> from fastmlp import Network
        >>> Network([3, 4, 2], random_state=0).forward([[1, 2, 3], [4, 5, 6]]).shape
        (2, 2)
        """
        return self.predict_raw(self._check_X(X), activate_output=True)

    def predict_raw(self, X, *, activate_output: bool = False, rows=None) -> np.ndarray:
        """Pre-activations of the output layer, Z_L, of an already validated X.

        Parameters
        ----------
        X : ndarray or CSR array of shape (n_samples, n_features), C-contiguous, of the network's dtype
        activate_output : bool, default=False
            Whether to apply the output activation.
        rows : ndarray of intp, default=None
            Take these rows of X, in this order, instead of all.

        Returns
        -------
        ndarray of shape (n_samples, n_outputs)
            Computed a tile of rows at a time: memory beyond the result does not grow with n_samples.

        Raises
        ------
        ValueError
            If X is of another dtype or has another number of columns.

        Examples
        --------
        >>> import numpy as np
        >>> from fastmlp import Network
        >>> net = Network.from_weights([[[2.0]]], [[1.0]], activation=[], out_activation="logistic", loss="log_loss")
        >>> net.predict_raw(np.array([[3.0]]))
        array([[7.]])
        """
        if X.dtype != self.parameters.dtype or X.shape[1] != self.sizes[0]:
            raise ValueError(
                f"X is {X.dtype} with {X.shape[1]} columns, but this network computes in {self.parameters.dtype} on "
                f"{self.sizes[0]}; use forward, which converts."
            )
        return self._raw_outputs(Data(X, None, None, rows), activate_output)

    def _raw_outputs(self, data, activate_output):
        out = np.empty((data.n_rows, self.n_outputs if activate_output else self.sizes[-1]), self.parameters.dtype)
        tile_rows = min(self._core.plan.tile_rows, data.n_rows)
        workspace = Workspace(self._core.plan, data, tile_rows, backward=False)
        self._core.forward(workspace, data, out, activate_output)
        return out

    def mean_loss(self, data: Data) -> float:
        """C of already encoded data (S10), as in prediction; memory does not grow with the rows.

        Parameters
        ----------
        data : Data
            Rows, targets and weights; no weight may be 0.

        Returns
        -------
        float

        Raises
        ------
        ValueError
            If they are not of this network's shapes and dtype.

        Examples
        --------
        >>> import numpy as np
        >>> from fastmlp import Network
        >>> from fastmlp._core._data import Data
        >>> net = Network.from_weights([[[2.0]]], [[0.0]], activation=[])
        >>> net.mean_loss(Data(np.array([[3.0], [1.0]]), np.array([[5.0], [2.0]]), None, None))
        0.25
        """
        tile_rows = min(self._core.plan.tile_rows, data.n_rows)
        workspace = Workspace(self._core.plan, data, tile_rows, backward=True)
        return self._core.mean_loss(workspace, data)

    def evaluate(self, data: Data, *, activate_output: bool = False) -> tuple[float, np.ndarray]:
        """C of already encoded data (S10), and the raw outputs of its rows, as in prediction.

        Parameters
        ----------
        data : Data
            Rows, targets and weights; no weight may be 0.
        activate_output : bool, default=False
            Whether outputs are A_L, and not Z_L.

        Returns
        -------
        tuple of float and ndarray of shape (n_samples, n_outputs)
            C as `mean_loss` returns it, and what `predict_raw` returns.

        Raises
        ------
        ValueError
            If they are not of this network's shapes and dtype.

        Examples
        --------
        >>> import numpy as np
        >>> from fastmlp import Network
        >>> from fastmlp._core._data import Data
        >>> net = Network.from_weights([[[2.0]]], [[0.0]], activation=[])
        >>> net.evaluate(Data(np.array([[3.0], [1.0]]), np.array([[5.0], [2.0]]), None, None))
        (0.25, array([[6.],
               [2.]]))
        """
        return self.mean_loss(data), self._raw_outputs(data, activate_output)

    def activations(
        self, X: ArrayLike, *, training: bool = False, random_state: RandomState = None
    ) -> list[np.ndarray]:
        """Activations of every layer, A_0 = X to A_L (S1).

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
        training : bool, default=False
            Whether to drop out, draw random slopes and normalize by this batch, as a training pass does.
        random_state : int, RandomState instance or None, default=None
            For what a training pass draws; the same int draws the same.

        Returns
        -------
        list of ndarray of shape (n_samples, outputs of layer l)
            After dropout.

        Raises
        ------
        ValueError
            If X is not finite or has another number of features.

        Examples
        --------
        >>> from fastmlp import Network
        >>> [a.shape for a in Network([3, 4, 2], random_state=0).activations([[1, 2, 3]])]
        [(1, 3), (1, 4), (1, 2)]
        """
        X = self._check_X(X)
        data = Data(X, None, None, None)
        workspace = Workspace(self._core.plan, data, len(X), backward=False)
        outputs = workspace.outputs if training else workspace.activations
        self._core.forward(workspace, data, outputs[-1], True, training, self._seed(training, random_state))
        return [X if outputs[0] is None else outputs[0], *outputs[1:]]

    def cost(
        self,
        X: ArrayLike,
        y: ArrayLike,
        sample_weight: ArrayLike | None = None,
        *,
        training: bool = False,
        random_state: RandomState = None,
    ) -> float:
        """C, the weighted mean over the samples of their loss, without a penalty (S10).

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
        y : array-like of shape (n_samples, n_targets), or (n_samples,) for one target
        sample_weight : array-like of shape (n_samples,), default=None
            Not negative; all ones by default.
        training, random_state
            As for `activations`.

        Returns
        -------
        float

        Raises
        ------
        ValueError
            As for `backward`, except that every activation is fine.

        Examples
        --------
        Half of the squared distance, where weights are 1 and biases 0.

        >>> from fastmlp import Network
        >>> Network.from_weights([[[1.0]]], [[0.0]], activation=[]).cost([[3.0]], [1.0])
        2.0
        """
        data = Data(*self._check_batch(X, y, sample_weight), None)
        workspace = Workspace(self._core.plan, data, data.n_rows, backward=True)
        return self._core.cost(workspace, data, training, self._seed(training, random_state))

    def backward(
        self,
        X: ArrayLike,
        y: ArrayLike,
        sample_weight: ArrayLike | None = None,
        *,
        training: bool = False,
        random_state: RandomState = None,
    ) -> Gradients:
        """Back-propagation over all rows as one batch (S2 to S6, S24).

        D_L = J_L^T dC/dA_L, D_l = J_l^T (D_{l+1} W_{l+1}^T), where for a component-wise activation J^T g is
        g * h'(Z_l); dC/dW_l = A_{l-1}^T D_l, dC/db_l the column sums of D_l (EE 541 unit 5, ECE 595 lecture 18).

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
        y : array-like of shape (n_samples, n_targets), or (n_samples,) for one target
        sample_weight : array-like of shape (n_samples,), default=None
            Not negative; all ones by default.
        training, random_state
            As for `activations`.

        Returns
        -------
        Gradients

        Raises
        ------
        ValueError
            If shapes do not fit the network or each other, values are not finite, targets are not what the loss is
            for, or an activation has derivative 0 everywhere (S8).

        Examples
        --------
        >>> from fastmlp import Network
        >>> gradients = Network.from_weights([[[1.0]]], [[0.0]], activation=[]).backward([[3.0]], [1.0])
        >>> gradients.deltas, gradients.coefs, gradients.intercepts, gradients.inputs
        ([array([[2.]])], [array([[6.]])], [array([2.])], array([[2.]]))
        """
        cost, gradient, workspace = self._backward(X, y, sample_weight, training, random_state)
        inputs = np.empty((workspace.rows, self.sizes[0]), gradient.dtype)
        self._core.input_gradient(workspace, inputs)
        views = self.split(gradient)
        return Gradients(cost, workspace.deltas[1:], views.coefs, views.intercepts, views.scales, inputs)

    def step(
        self,
        X: ArrayLike,
        y: ArrayLike,
        *,
        learning_rate: float,
        sample_weight: ArrayLike | None = None,
        random_state: RandomState = None,
    ) -> float:
        """One step of gradient descent on the batch, w <- w - learning_rate dC/dw (S11).

        All deltas are computed before any weight changes. It is a training pass: with dropout, and with batch
        normalization by the batch, whose statistics the running ones then follow.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
        y : array-like of shape (n_samples, n_targets), or (n_samples,) for one target
        learning_rate : float
        sample_weight : array-like of shape (n_samples,), default=None
        random_state : int, RandomState instance or None, default=None
            For what a training pass draws.

        Returns
        -------
        float
            The cost before the step.

        Raises
        ------
        ValueError
            As for `backward`; if learning_rate is not positive, or the cost is not finite.

        Examples
        --------
        >>> from fastmlp import Network
        >>> net = Network.from_weights([[[1.0]]], [[0.0]], activation=[])
        >>> net.step([[3.0]], [1.0], learning_rate=0.1)
        2.0
        >>> net.coefs_, net.intercepts_
        ([array([[0.4]])], [array([-0.2])])
        """
        if not isinstance(learning_rate, Real) or not 0 < learning_rate < np.inf:
            raise ValueError(f"learning_rate is {learning_rate!r}; pass a positive number.")
        cost, gradient, workspace = self._backward(X, y, sample_weight, True, random_state)
        if not np.isfinite(cost):
            raise ValueError(f"The cost is {cost}, so no step was taken; scale X and y, or use smaller weights.")
        self._parameters -= learning_rate * gradient
        self._core.follow_batch_statistics(workspace)
        return cost

    def jacobian(self, X: ArrayLike) -> np.ndarray:
        """Derivatives of every output by every input, dA_L / dX, of each sample (S24).

        One backward pass for each output, from the output side, so that every product is with a vector (S18).

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)

        Returns
        -------
        ndarray of shape (n_samples, n_outputs, n_features)

        Raises
        ------
        ValueError
            If X is not finite or has another number of features, or an activation has derivative 0 everywhere (S8).

        Examples
        --------
        >>> from fastmlp import Network
        >>> Network.from_weights([[[2.0], [3.0]]], [[0.0]], activation=[]).jacobian([[1.0, 1.0]])
        array([[[2., 3.]]])
        """
        self.check_trainable()
        X = self._check_X(X)
        out = np.empty((len(X), self.n_outputs, self.sizes[0]), X.dtype)
        for start in range(0, len(X), JACOBIAN_BLOCK_ROWS):
            block = X[start : start + JACOBIAN_BLOCK_ROWS]
            data = Data(block, None, None, None)
            workspace = Workspace(self._core.plan, data, len(block), backward=True)
            self._core.forward_for_pull_back(workspace, data)
            inputs = np.empty_like(block)
            for k in range(self.n_outputs):
                workspace.output_gradient[...] = np.eye(self.n_outputs, dtype=X.dtype)[k]
                self._core.pull_back(workspace)
                self._core.input_gradient(workspace, inputs)
                out[start : start + len(block), k] = inputs
        return out

    def check_trainable(self) -> None:
        """Refuse back-propagation through an activation whose derivative is 0 everywhere (S8).

        Raises
        ------
        ValueError
            If there is one.

        Examples
        --------
        >>> from fastmlp import Network
        >>> net = Network.from_weights([[[2.0]]], [[0.0]], activation=[], out_activation="hard_limit")
        >>> net.check_trainable()  # doctest: +ELLIPSIS
        Traceback (most recent call last):
            ...
        ValueError: Layer 1 has activation 'hard_limit', whose derivative is 0 everywhere, so that back-propagation...
        """
        for layer, activation in enumerate((*self.activations_, self.out_activation), start=1):
            if not activation.trainable:
                raise ValueError(
                    f"Layer {layer} has activation {activation.name!r}, whose derivative is 0 everywhere, so that "
                    "back-propagation cannot train through it; use Perceptron, whose rule needs no derivative, for a "
                    "single layer, Network.from_weights with weights you know, or an activation such as 'logistic'."
                )

    def split(self, flat: np.ndarray) -> LayerViews:
        """Views of a flat array of parameters or gradients by layer.

        Parameters
        ----------
        flat : ndarray of shape (n_parameters,)

        Returns
        -------
        LayerViews
            coefs, intercepts and scales: lists of ndarray of shape (fan_in, units), (units,) and (units,); None in
            place of scales without batch normalization.

        Examples
        --------
        >>> import numpy as np
        >>> from fastmlp import Network
        >>> Network([2, 1]).split(np.arange(3.0))
        LayerViews(coefs=[array([[0.],
               [1.]])], intercepts=[array([2.])], scales=[None])
        """
        coefs, intercepts, scales, start = [], [], [], 0
        for (rows, units), (fan_in, _) in zip(self._block_shapes(), self._weight_shapes(), strict=True):
            block = flat[start : start + rows * units].reshape(rows, units)
            start += rows * units
            coefs.append(block[:fan_in])
            intercepts.append(block[fan_in])
            scales.append(block[fan_in + 1] if rows > fan_in + 1 else None)
        return LayerViews(Views(coefs), Views(intercepts), Views(scales))

    @property
    def coefs_(self) -> list[np.ndarray]:
        """Weights W_l, views of `parameters`: writing into them, or assigning to them, changes the network."""
        return self._views.coefs

    @coefs_.setter
    def coefs_(self, values):
        self._views.coefs[:] = values

    @property
    def intercepts_(self) -> list[np.ndarray]:
        """Biases b_l, views as well."""
        return self._views.intercepts

    @intercepts_.setter
    def intercepts_(self, values):
        self._views.intercepts[:] = values

    @property
    def scales_(self) -> list[np.ndarray | None]:
        """Scales of the layers with batch normalization, views as well; None for the others."""
        return self._views.scales

    @property
    def core(self) -> NetworkCore:
        """The compiled passes over `parameters`."""
        return self._core

    def _backward(self, X, y, sample_weight, training, random_state):
        self.check_trainable()
        data = Data(*self._check_batch(X, y, sample_weight), None)
        workspace = Workspace(self._core.plan, data, data.n_rows, backward=True)
        gradient = np.empty_like(self.parameters)
        cost, _ = self._core.backward(workspace, data, gradient, training, self._seed(training, random_state))
        return cost, gradient, workspace

    def _seed(self, training, random_state):
        return check_random_state(random_state).randint(2**31 - 1) if training and self.is_random else 0

    def _normalized_units(self):
        return self.sizes[1:-1] if self.batch_norm else ()

    def _weight_shapes(self):
        fan_in = self.sizes[0]
        for units, activation in zip(self.sizes[1:], (*self.activations_, self.out_activation), strict=True):
            yield fan_in, units
            fan_in = activation.n_outputs(units)

    def _block_shapes(self):
        """Rows and columns of [W_l; b_l], with batch normalization of [W_l; shift_l; scale_l]."""
        shapes = list(self._weight_shapes())
        n_normalized = len(self._normalized_units())
        for layer, (fan_in, units) in enumerate(shapes):
            yield fan_in + 1 + (layer < n_normalized), units

    def _connect(self):
        """Make the views and the compiled core, which are derived from the parameters and never stored."""
        self._views = self.split(self.parameters)
        self.running_means_, self.running_variances_ = [None] * len(self.coefs_), [None] * len(self.coefs_)
        start = 0
        for layer, units in enumerate(self._normalized_units()):
            self.running_means_[layer] = self.statistics[start : start + units]
            self.running_variances_[layer] = self.statistics[start + units : start + 2 * units]
            start += 2 * units
        hidden = [
            (units, activation, dropout, self.batch_norm)
            for units, activation, dropout in zip(self.sizes[1:-1], self.activations_, self.dropout, strict=True)
        ]
        layers = [*hidden, (self.sizes[-1], self.out_activation, 0.0, False)]
        plan = Plan(self.sizes[0], self.input_dropout, layers, self.loss, self.parameters.dtype)
        self._core = NetworkCore(self.parameters, self.statistics, plan)

    def _initialize(self, initializers, random_state):
        # The output layer is drawn for the last hidden layer's activation, as scikit-learn does.
        gains = [activation.init_gain for activation in self.activations_]
        gains.append(gains[-1] if gains else get_activation("identity").init_gain)
        for w, b, gain, initializer in zip(self.coefs_, self.intercepts_, gains, initializers, strict=True):
            if initializer == "auto":
                bound = np.sqrt(gain / sum(w.shape))
                w[...] = random_state.uniform(-bound, bound, w.shape)
                b[...] = random_state.uniform(-bound, bound, b.shape)
            else:
                w[...] = INITIALIZERS[initializer](w.shape, random_state)
                b[...] = 0
        for b, scale, mean, variance in zip(
            self.intercepts_, self.scales_, self.running_means_, self.running_variances_, strict=True
        ):
            if scale is not None:
                b[...], scale[...], mean[...], variance[...] = 0, 1, 0, 1

    def __getstate__(self):
        derived = {"_views", "running_means_", "running_variances_", "_core"}
        return {name: value for name, value in self.__dict__.items() if name not in derived}

    def __setstate__(self, state):
        self.__dict__.update(state)
        self._parameters, self.statistics = writeable(self._parameters), writeable(self.statistics)
        self._connect()

    def _check_X(self, X):
        X = check_array(X, dtype=self.parameters.dtype, order="C", input_name="X")
        X = np.require(X, requirements="A")
        if X.shape[1] != self.sizes[0]:
            raise ValueError(f"X has {X.shape[1]} features; this network takes {self.sizes[0]}.")
        return X

    def _check_batch(self, X, y, sample_weight):
        X = self._check_X(X)
        y = check_array(y, dtype=self.parameters.dtype, order="C", ensure_2d=False, input_name="y")
        y = y.reshape(-1, 1) if y.ndim == 1 else y
        check_consistent_length(X, y)
        if y.shape[1] != self.n_targets:
            raise ValueError(f"y has {y.shape[1]} columns; this network has {self.n_targets} outputs.")
        self.loss.check_targets(y, self.out_activation)
        if sample_weight is not None:
            sample_weight = _check_sample_weight(sample_weight, X, dtype=X.dtype, ensure_non_negative=True, copy=False)
        return X, y, sample_weight


def _check_sizes(sizes):
    sizes = tuple(sizes) if np.iterable(sizes) else (sizes,)
    if len(sizes) < 2 or not all(isinstance(n, Integral) and 1 <= n < 2**31 for n in sizes):
        raise ValueError(f"sizes is {sizes}; pass the units of at least two layers, each a positive integer.")
    return tuple(int(n) for n in sizes)


def check_activations(activation, n_hidden: int) -> tuple[Activation, ...]:
    """One activation for each hidden layer, from one for all or a sequence."""
    activations = _one_for_each("activation", activation, n_hidden, "hidden layer")
    return tuple(get_activation(one) for one in activations)


def check_dropout(dropout, n_hidden: int) -> tuple[float, ...]:
    """One rate for each hidden layer, from one for all or a sequence."""
    return tuple(_check_rate("dropout", rate) for rate in _one_for_each("dropout", dropout, n_hidden, "hidden layer"))


def check_init(init, n_layers: int) -> list[str]:
    """One initializer for each layer, from one for all or a sequence."""
    initializers = _one_for_each("init", init, n_layers, "layer")
    for layer, name in enumerate(initializers, start=1):
        if name != "auto" and name not in INITIALIZERS:
            raise ValueError(f"init {name!r} is unknown; use one of auto, {', '.join(INITIALIZERS)}.")
        if name == "zeros" and layer < n_layers:
            raise ValueError(
                f"init is 'zeros' for layer {layer} of {n_layers}, whose units would all stay alike; use it for the "
                "last layer only, for example init=['he_normal', 'zeros']."
            )
    return initializers


def _one_for_each(name, value, n, what):
    values = list(value) if isinstance(value, (list, tuple)) else [value] * n
    if len(values) != n:
        raise ValueError(f"{name} is {value!r} for {n} {what}{'s' * (n != 1)}; pass one value, or one for each.")
    return values


def _check_rate(name, rate):
    if not isinstance(rate, Real) or not 0 <= rate < 1:
        raise ValueError(f"{name} is {rate!r}; pass the share to drop, at least 0 and less than 1.")
    return float(rate)


def _check_output(loss, out_activation, units):
    if out_activation.name == "softmax" and units == 1:
        raise ValueError(
            "out_activation is 'softmax' with one output, which is always 1; use 'logistic', or two outputs."
        )
    if isinstance(loss, Quantile) and isinstance(out_activation, Increasing):
        group_size, n_levels = out_activation.group_size or units, len(loss.levels)
        if n_levels > 1 and group_size != n_levels:
            raise ValueError(
                f"out_activation increasing keeps groups of {group_size} outputs in order, but loss 'quantile' has "
                f"{n_levels} levels for each target; use Increasing(group_size={n_levels})."
            )
    allowed = loss.out_activations
    if out_activation.in_python or not out_activation.trainable or allowed is None:
        return
    if out_activation.name not in allowed:
        raise ValueError(
            f"out_activation {out_activation.name!r} makes no sense with loss {loss.name!r}; use "
            f"{' or '.join(name for name in allowed)}."
        )
