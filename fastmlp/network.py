"""The network itself: its parameters, and the equations S1 to S5 on them."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from numbers import Integral

import numpy as np
from numpy.typing import ArrayLike
from scipy.sparse import issparse
from sklearn.utils import check_array, check_random_state
from sklearn.utils.validation import _check_sample_weight, check_consistent_length

from fastmlp._core._network import Data, NetworkCore, Workspace, aligned_empty
from fastmlp._typing import RandomState
from fastmlp.activations import ACTIVATIONS, HIDDEN_ACTIVATIONS
from fastmlp.losses import LOSSES


@dataclass(frozen=True)
class Gradients:
    """What one backward pass computes.

    Attributes
    ----------
    cost : float
        C, the weighted mean over the samples of their loss.
    deltas : list of ndarray of shape (n_samples, units of layer l)
        D_l = dC/dZ_l for l = 1 ... L (S2, S3).
    coefs : list of ndarray of shape (fan_in, fan_out)
        dC/dW_l (S5).
    intercepts : list of ndarray of shape (fan_out,)
        dC/db_l (S4).
    inputs : ndarray of shape (n_samples, n_features)
        dC/dX = D_1 W_1^T (S24).
    """

    cost: float
    deltas: list[np.ndarray]
    coefs: list[np.ndarray]
    intercepts: list[np.ndarray]
    inputs: np.ndarray


def writeable(array: np.ndarray) -> np.ndarray:
    """The array, or a copy if it came out of a file or another process as read-only memory."""
    if array.flags.writeable:
        return array
    copy = aligned_empty(array.shape, array.dtype)
    copy[...] = array
    return copy


class Network:
    """A multilayer perceptron: layers of units, each fully connected to the next.

    Parameters
    ----------
    sizes : sequence of int
        Units of every layer: inputs, hidden layers, outputs; at least two numbers.
    activation : str or sequence of str, default="relu"
        One of identity, relu, tanh, logistic for all hidden layers, or one for each.
    out_activation : str, default="identity"
        Of the output layer: identity, logistic, softmax or exp; it has to match the loss.
    loss : str, default="squared_error"
        squared_error (half of |y - a|^2), sum_squared_error (|y - a|^2) or mean_squared_error with identity;
        log_loss with logistic (each output on its own) or softmax; poisson with exp.
    dtype : {"float64", "float32"}, default="float64"
        Of parameters and computation. float32 is about twice as fast; float64 is right for checking.
    random_state : int, RandomState instance or None, default=None
        For the initial weights, drawn uniformly from +-sqrt(6 / (fan_in + fan_out)), with 2 in place of 6 for logistic
        layers (Glorot and Bengio 2010), as scikit-learn does.

    Attributes
    ----------
    parameters : ndarray of shape (n_parameters,)
        [W_1; b_1], [W_2; b_2], ..., in one flat array.
    coefs_ : list of ndarray of shape (fan_in, fan_out)
        Weights W_l, views of `parameters`: writing into them changes the network.
    intercepts_ : list of ndarray of shape (fan_out,)
        Biases b_l, views of `parameters`.

    Raises
    ------
    ValueError
        If sizes, names or the pair of loss and output activation make no network.

    Examples
    --------
    The worked example S20: one gradient-descent step of a 2-2-1 network.

    >>> import numpy as np
    >>> from fastmlp import Network
    >>> net = Network.from_weights(
    ...     [np.ones((2, 2)), np.ones((2, 1))], [np.zeros(2), np.zeros(1)],
    ...     activation="relu", out_activation="identity", loss="sum_squared_error",
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
        activation: str | Sequence[str] = "relu",
        out_activation: str = "identity",
        loss: str = "squared_error",
        dtype: str = "float64",
        random_state: RandomState = None,
    ):
        sizes = _check_sizes(sizes)
        activations = check_activations(activation, n_hidden=len(sizes) - 2)
        _check_loss(loss, out_activation)
        if dtype not in ("float32", "float64"):
            raise ValueError(f"dtype is {dtype!r}; use 'float32' or 'float64'.")

        self.sizes = sizes
        self.activations_ = activations
        self.out_activation = out_activation
        self.loss = loss
        n_parameters = sum((fan_in + 1) * fan_out for fan_in, fan_out in pairwise(sizes))
        self.parameters = aligned_empty(n_parameters, dtype)
        self._connect()
        self._initialize(check_random_state(random_state))

    @classmethod
    def from_weights(
        cls,
        coefs: Sequence[np.ndarray],
        intercepts: Sequence[np.ndarray],
        *,
        activation: str | Sequence[str] = "relu",
        out_activation: str = "identity",
        loss: str = "squared_error",
        dtype: str = "float64",
    ) -> "Network":
        """Build a network from given weights and biases, which are copied.

        Parameters
        ----------
        coefs : sequence of array-like of shape (fan_in, fan_out)
            W_1 to W_L; each fan_in is the fan_out before it.
        intercepts : sequence of array-like of shape (fan_out,)
            b_1 to b_L.
        activation, out_activation, loss, dtype
            As for the class.

        Returns
        -------
        Network

        Raises
        ------
        ValueError
            If the shapes do not chain.
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
        for layer, (before, after) in enumerate(pairwise(coefs), start=1):
            if before.shape[1] != after.shape[0]:
                raise ValueError(
                    f"coefs of layer {layer} give {before.shape[1]} outputs but those of layer {layer + 1} take "
                    f"{after.shape[0]} inputs; make the shapes chain."
                )
        sizes = [coefs[0].shape[0], *(w.shape[1] for w in coefs)]
        network = cls(
            sizes,
            activation=activation,
            out_activation=out_activation,
            loss=loss,
            dtype=dtype,
            random_state=0,
        )
        for view, given in zip(network.coefs_ + network.intercepts_, coefs + intercepts, strict=True):
            view[...] = given
        return network

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
        """
        if X.dtype != self.parameters.dtype or X.shape[1] != self.sizes[0]:
            raise ValueError(
                f"X is {X.dtype} with {X.shape[1]} columns, but this network computes in {self.parameters.dtype} on "
                f"{self.sizes[0]}; use forward, which converts."
            )
        n_rows = X.shape[0] if rows is None else len(rows)
        out = np.empty((n_rows, self.sizes[-1]), self.parameters.dtype)
        tile_rows = min(self._core.tile_rows, n_rows)
        workspace = Workspace(self._core, tile_rows, gather=rows is not None or issparse(X), training=False)
        self._core.forward(workspace, X, out, activate_output, rows)
        return out

    def activations(self, X: ArrayLike) -> list[np.ndarray]:
        """Activations of every layer, A_0 = X to A_L (S1).

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)

        Returns
        -------
        list of ndarray of shape (n_samples, units of layer l)

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
        workspace = Workspace(self._core, len(X), gather=False, training=False)
        self._core.forward(workspace, X, workspace.activations[-1], True)
        return [X, *workspace.activations[1:]]

    def cost(self, X: ArrayLike, y: ArrayLike, sample_weight: ArrayLike | None = None) -> float:
        """C, the weighted mean over the samples of their loss, without a penalty (S10).

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
        y : array-like of shape (n_samples, n_outputs), or (n_samples,) for one output
        sample_weight : array-like of shape (n_samples,), default=None
            Not negative; all ones by default.

        Returns
        -------
        float

        Raises
        ------
        ValueError
            As for ``backward``.

        Examples
        --------
        Half of the squared distance, where weights are 1 and biases 0.

        >>> from fastmlp import Network
        >>> Network.from_weights([[[1.0]]], [[0.0]], activation=[]).cost([[3.0]], [1.0])
        2.0
        """
        return self.backward(X, y, sample_weight).cost

    def backward(self, X: ArrayLike, y: ArrayLike, sample_weight: ArrayLike | None = None) -> Gradients:
        """Back-propagation over all rows as one batch (S2 to S5, S24).

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
        y : array-like of shape (n_samples, n_outputs), or (n_samples,) for one output
        sample_weight : array-like of shape (n_samples,), default=None
            Not negative; all ones by default.

        Returns
        -------
        Gradients

        Raises
        ------
        ValueError
            If shapes do not fit the network or each other, or values are not finite.

        Examples
        --------
        >>> from fastmlp import Network
        >>> gradients = Network.from_weights([[[1.0]]], [[0.0]], activation=[]).backward([[3.0]], [1.0])
        >>> gradients.deltas, gradients.coefs, gradients.intercepts, gradients.inputs
        ([array([[2.]])], [array([[6.]])], [array([2.])], array([[2.]]))
        """
        X, y, sample_weight = self._check_batch(X, y, sample_weight)
        workspace = Workspace(self._core, len(X), gather=False, training=True)
        gradient = np.empty_like(self.parameters)
        cost, _ = self._core.backward(workspace, Data(X, y, sample_weight, None), gradient)
        coefs, intercepts = self.split(gradient)
        deltas = workspace.deltas[1:]
        return Gradients(cost, deltas, coefs, intercepts, inputs=deltas[0] @ self.coefs_[0].T)

    def step(
        self, X: ArrayLike, y: ArrayLike, *, learning_rate: float, sample_weight: ArrayLike | None = None
    ) -> float:
        """One step of gradient descent on the batch, w <- w - learning_rate dC/dw (S11).

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
        y : array-like of shape (n_samples, n_outputs), or (n_samples,) for one output
        learning_rate : float
        sample_weight : array-like of shape (n_samples,), default=None

        Returns
        -------
        float
            The cost before the step.

        Raises
        ------
        ValueError
            As for ``backward``.

        Examples
        --------
        >>> from fastmlp import Network
        >>> net = Network.from_weights([[[1.0]]], [[0.0]], activation=[])
        >>> net.step([[3.0]], [1.0], learning_rate=0.1)
        2.0
        >>> net.coefs_, net.intercepts_
        ([array([[0.4]])], [array([-0.2])])
        """
        gradients = self.backward(X, y, sample_weight)
        for parameter, gradient in zip(
            self.coefs_ + self.intercepts_, gradients.coefs + gradients.intercepts, strict=True
        ):
            parameter -= learning_rate * gradient
        return gradients.cost

    def split(self, flat: np.ndarray) -> tuple[list[np.ndarray], list[np.ndarray]]:
        """Views of a flat array of parameters or gradients by layer.

        Parameters
        ----------
        flat : ndarray of shape (n_parameters,)

        Returns
        -------
        coefs : list of ndarray of shape (fan_in, fan_out)
        intercepts : list of ndarray of shape (fan_out,)

        Examples
        --------
        >>> import numpy as np
        >>> from fastmlp import Network
        >>> Network([2, 1]).split(np.arange(3.0))
        ([array([[0.],
               [1.]])], [array([2.])])
        """
        coefs, intercepts, start = [], [], 0
        for fan_in, fan_out in pairwise(self.sizes):
            end = start + fan_in * fan_out
            coefs.append(flat[start:end].reshape(fan_in, fan_out))
            start = end + fan_out
            intercepts.append(flat[end:start])
        return coefs, intercepts

    @property
    def core(self) -> NetworkCore:
        """The compiled passes over `parameters`."""
        return self._core

    def _connect(self):
        """Make the views and the compiled core, which are derived from the parameters and never stored."""
        self.coefs_, self.intercepts_ = self.split(self.parameters)
        loss = LOSSES[self.loss]
        activations = (*self.activations_, self.out_activation)
        self._core = NetworkCore(self.parameters, self.sizes, activations, loss.kernel, loss.scale(self.sizes[-1]))

    def _initialize(self, random_state):
        # The output layer is drawn for the last hidden layer's activation, as scikit-learn does.
        layer_activations = (*self.activations_, *(self.activations_[-1:] or ("identity",)))
        for w, b, activation in zip(self.coefs_, self.intercepts_, layer_activations, strict=True):
            bound = np.sqrt((2 if activation == "logistic" else 6) / sum(w.shape))
            w[...] = random_state.uniform(-bound, bound, w.shape)
            b[...] = random_state.uniform(-bound, bound, b.shape)

    def __getstate__(self):
        derived = {"coefs_", "intercepts_", "_core"}
        return {name: value for name, value in self.__dict__.items() if name not in derived}

    def __setstate__(self, state):
        self.__dict__.update(state)
        self.parameters = writeable(self.parameters)
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
        if y.shape[1] != self.sizes[-1]:
            raise ValueError(f"y has {y.shape[1]} columns; this network has {self.sizes[-1]} outputs.")
        if sample_weight is not None:
            sample_weight = _check_sample_weight(sample_weight, X, dtype=X.dtype, ensure_non_negative=True, copy=False)
        return X, y, sample_weight


def _check_sizes(sizes):
    sizes = tuple(sizes) if np.iterable(sizes) else (sizes,)
    if len(sizes) < 2 or not all(isinstance(n, Integral) and 1 <= n < 2**31 for n in sizes):
        raise ValueError(f"sizes is {sizes}; pass the units of at least two layers, each a positive integer.")
    return tuple(int(n) for n in sizes)


def check_activations(activation, n_hidden: int) -> tuple[str, ...]:
    """One activation name for each hidden layer, from one for all or a sequence."""
    activations = tuple(activation) if isinstance(activation, (list, tuple)) else (activation,) * n_hidden
    if len(activations) != n_hidden:
        raise ValueError(
            f"activation names {len(activations)} activations for {n_hidden} hidden layers; pass one name, "
            "or one for each hidden layer."
        )
    for name in activations:
        if name not in HIDDEN_ACTIVATIONS:
            raise ValueError(
                f"activation {name!r} is unknown for a hidden layer; use one of: {', '.join(HIDDEN_ACTIVATIONS)}."
            )
    return activations


def _check_loss(loss, out_activation):
    if loss not in LOSSES:
        raise ValueError(f"loss {loss!r} is unknown; use one of: {', '.join(LOSSES)}.")
    if out_activation not in ACTIVATIONS:
        raise ValueError(f"out_activation {out_activation!r} is unknown; use one of: {', '.join(ACTIVATIONS)}.")
    matching = LOSSES[loss].out_activations
    if out_activation not in matching:
        raise ValueError(
            f"out_activation {out_activation!r} does not match loss {loss!r}; use {' or '.join(matching)}."
        )
