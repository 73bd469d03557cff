"""The network itself: its parameters, and the equations S1 to S6 and S24 on them."""

from collections.abc import Callable, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, replace
from inspect import signature
from itertools import pairwise
from numbers import Integral, Real
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from fastmlp._blas_threads import one_blas_thread
from fastmlp._blocks import LEAST_PREDICTED_ROWS, Parts, row_blocks
from fastmlp._checks import check_array, check_random_state, check_same_length, check_sample_weight, float_dtype
from fastmlp._core._data import Data
from fastmlp._core._memory import aligned_empty
from fastmlp._core._network import NetworkCore
from fastmlp._core._plan import Plan
from fastmlp._names import explains_unknown_keywords, unknown
from fastmlp._typing import FloatType, Matrix, RandomState
from fastmlp._views import LayerViews, block_views, dense_views, writeable
from fastmlp.activations import Activation, Increasing, get_activation
from fastmlp.initializers import INITIALIZERS
from fastmlp.layers import Activate, BatchNorm, Dense, Dropout, Embedding, Layer, Scale
from fastmlp.losses import Loss, Quantile, get_loss
from fastmlp.training._threads import forward_threads, team_of

# Rows of one pass of `jacobian`: bounds its memory.
JACOBIAN_BLOCK_ROWS = 1024


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
    layers : list of dict of str to ndarray
        Derivatives by the parameters of each layer, as ``Network.layer_parameters_``.

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
    layers: list[dict[str, np.ndarray]]


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
    input_layers : sequence of Layer, default=()
        `fastmlp.layers.Scale` and `fastmlp.layers.Embedding` objects, which come before the first dense layer. Inputs
        are dropped out behind them.
    trainable : {"all", "last"} or sequence of int, default="all"
        Dense layers, from 1, that training changes; "last" is the output layer. What follows a dense layer (its batch
        normalization) is trained with it, the input layers are with layer 1. A layer that is not trained normalizes by
        its running statistics. Back-propagation ends at the lowest layer that is trained; `backward` gives all
        gradients nevertheless.
    dtype : {"float64", "float32"} or dtype, default="float64"
        Of parameters and computation, by its name or as ``numpy.float32`` and the like. float32 is about twice as fast;
        float64 is right for checking.
    random_state : int, RandomState instance or None, default=None
        For the initial weights.

    Attributes
    ----------
    parameters : ndarray of shape (n_parameters,)
        [W_1; b_1], [W_2; b_2], ..., in one flat array; with batch normalization [W_l; shift_l; scale_l]. Those of input
        layers come first.
    layers_ : tuple of Layer
        All layers, in order: dense ones, batch normalization, activations, dropout, and the input layers.
    layer_parameters_ : list of dict of str to ndarray
        The parameters of each of them by name, views as well.
    coefs_ : list of ndarray of shape (fan_in, units)
        Weights W_l, views of `parameters`: writing into them, or assigning to them, changes the network. With batch
        normalization or input layers they are not all that predictions take; `folded_weights` are.
    intercepts_ : list of ndarray of shape (units,)
        Biases b_l, with batch normalization its shifts; views as well.
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
    >>> net
    Network([2, 2, 1], loss='sum_squared_error')
    >>> net.forward([[1, 1]])
    array([[4.]])
    >>> net.backward([[1, 1]], [0]).deltas
    [array([[8., 8.]]), array([[8.]])]
    >>> net.step([[1, 1]], [0], learning_rate=0.1)
    16.0
    >>> net.intercepts_
    [array([-0.8, -0.8]), array([-0.8])]
    """

    @explains_unknown_keywords
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
        input_layers: Sequence[Layer] = (),
        trainable: str | Sequence[int] = "all",
        dtype: FloatType = "float64",
        random_state: RandomState = None,
    ):
        self.sizes: tuple[int, ...] = _check_sizes(sizes)
        n_hidden = len(self.sizes) - 2
        self.activations_: tuple[Activation, ...] = check_activations(activation, n_hidden)
        self.out_activation: Activation = get_activation(out_activation, "out_activation")
        self.loss: Loss = get_loss(loss)
        _check_output(self.loss, self.out_activation, self.sizes[-1])
        self.dropout: tuple[float, ...] = check_dropout(dropout, n_hidden)
        self.input_dropout: float = _check_rate("input_dropout", input_dropout)
        self.batch_norm: bool = bool(batch_norm)
        computing_dtype = float_dtype(dtype)
        self.layers_: tuple[Layer, ...] = (
            *_check_input_layers(input_layers),
            *self._own_layers(check_init(init, n_hidden + 1)),
        )
        self._trainable = check_trainable(trainable, n_hidden + 1)
        plan = self._plan(computing_dtype)
        self._parameters = aligned_empty((plan.n_parameters,), computing_dtype, quarter=0)
        self.statistics: np.ndarray = aligned_empty((plan.n_statistics,), computing_dtype)
        self._connect(plan)
        self._initialize(check_random_state(random_state))

    @classmethod
    def from_weights(
        cls,
        coefs: Sequence[Any],
        intercepts: Sequence[Any],
        *,
        activation: str | Activation | Sequence[str | Activation] = "relu",
        out_activation: str | Activation = "identity",
        loss: str | Loss = "squared_error",
        dropout: float | Sequence[float] = 0.0,
        input_dropout: float = 0.0,
        batch_norm: bool = False,
        dtype: FloatType = "float64",
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
            raise ValueError(
                f"coefs or intercepts are too large for {network.parameters.dtype}; scale them, or use dtype='float64'."
            )
        return network

    def __repr__(self) -> str:
        """The call that makes such a network, without what it does by default and what initial weights come from."""
        given = {
            "activation": _one_for_all(self.activations_),
            "out_activation": self.out_activation,
            "loss": self.loss,
            "dropout": _one_for_all(self.dropout),
            "input_dropout": self.input_dropout,
            "batch_norm": self.batch_norm,
            "input_layers": tuple(layer for layer in self.layers_ if isinstance(layer, (Scale, Embedding))),
            "trainable": self.trainable,
            "dtype": self.parameters.dtype.name,
        }
        defaults = signature(Network).parameters
        unlike_default = [
            f"{name}={value!r}"
            for name, value in given.items()
            if value is not None and repr(value) != repr(defaults[name].default)
        ]
        return f"Network({', '.join([str(list(self.sizes)), *unlike_default])})"

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
        return self._is_random

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

    def predict_raw(
        self, X: Matrix, *, activate_output: bool = False, rows: np.ndarray | None = None, n_jobs: int | None = 1
    ) -> np.ndarray:
        """Pre-activations of the output layer, Z_L, of an already validated X.

        Parameters
        ----------
        X : ndarray or CSR array of shape (n_samples, n_features), C-contiguous, of the network's dtype
        activate_output : bool, default=False
            Whether to apply the output activation.
        rows : ndarray of intp, default=None
            Take these rows of X, in this order, instead of all.
        n_jobs : int or None, default=1
            The most threads; None for as many as there are CPUs and the work pays for. They change no bit.

        Returns
        -------
        ndarray of shape (n_samples, n_outputs)
            Computed a block of rows at a time: memory beyond the result does not grow with n_samples.

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
        plan, n_rows = self._core.plan, X.shape[0] if rows is None else len(rows)
        n_threads = 1 if n_jobs == 1 else forward_threads(plan, n_jobs, n_rows)
        if n_threads == 1 and not plan.uses_blas:
            return self._core.predict(X, rows, activate_output)
        with one_blas_thread(needed=plan.wakes_blas_threads(n_rows)), _team_or_none(n_threads) as team:
            return self._core.predict(X, rows, activate_output, team)

    def read_outputs(
        self,
        X: Matrix,
        read: Callable[[np.ndarray], Any],
        *,
        activate_output: bool = False,
        n_jobs: int | None = 1,
    ) -> Any:
        """What a function makes of the outputs of an already validated X, a block of rows at a time.

        Parameters
        ----------
        X, activate_output, n_jobs
            As for `predict_raw`.
        read : callable
            Takes what `predict_raw` returns for some rows, and returns as many rows, an ndarray or a CSR matrix. What
            it takes is overwritten afterwards.

        Returns
        -------
        ndarray or CSR matrix
            Memory beyond it does not grow with n_samples, however many outputs there are.

        Raises
        ------
        ValueError
            As for `predict_raw`.

        Examples
        --------
        >>> import numpy as np
        >>> from fastmlp import Network
        >>> net = Network.from_weights([[[2.0, 3.0]]], [[0.0, 0.0]], activation=[])
        >>> net.read_outputs(np.array([[1.0], [-1.0]]), lambda outputs: outputs.argmax(axis=1))
        array([1, 0])
        """
        plan, n_rows = self._core.plan, X.shape[0]
        if n_rows <= LEAST_PREDICTED_ROWS:
            return read(self.predict_raw(X, activate_output=activate_output, n_jobs=n_jobs))
        row_bytes = self._parameters.itemsize * self.sizes[-1]
        n_threads = 1 if n_jobs == 1 else forward_threads(plan, n_jobs, n_rows)
        least_rows = max(LEAST_PREDICTED_ROWS, n_threads * plan.tile_rows)
        blocks = list(row_blocks(n_rows, row_bytes, least_rows=least_rows))
        if len(blocks) == 1:
            return read(self.predict_raw(X, activate_output=activate_output, n_jobs=n_jobs))
        parts = Parts(n_rows)

        def take(rows, outputs):
            parts.add(rows, read(outputs))

        with one_blas_thread(needed=plan.wakes_blas_threads(n_rows)), _team_or_none(n_threads) as team:
            self._core.predict_blocks(X, blocks, take, activate_output, team)
        return parts.joined()

    def evaluate(
        self, data: Data, *, activate_output: bool = False, n_jobs: int | None = 1
    ) -> tuple[float, np.ndarray]:
        """Mean loss and outputs of already encoded data, as in prediction, in one pass.

        Parameters
        ----------
        data : Data
            Rows, targets and weights; no weight may be 0.
        activate_output, n_jobs
            As for `predict_raw`.

        Returns
        -------
        float
            C (S10), the weighted mean.
        ndarray of shape (n_samples, n_outputs)
            What `predict_raw` returns.

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
        >>> net.evaluate(Data(np.array([[3.0], [1.0]]), np.array([[5.0], [2.0]])))
        (0.25, array([[6.],
               [2.]]))
        """
        plan = self._core.plan
        n_threads = 1 if n_jobs == 1 else forward_threads(plan, n_jobs, data.n_rows)
        with one_blas_thread(needed=plan.wakes_blas_threads(data.n_rows)), _team_or_none(n_threads) as team:
            return self._core.evaluate(data, activate_output, team)

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
        with one_blas_thread(needed=self._core.plan.wakes_blas_threads(data.n_rows)):
            return self._core.evaluate(data, with_outputs=False)[0]

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
            After dropout. A_0 of a training pass is what an embedding and dropout make of X.

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
        data = Data(X)
        workspace = self._core.workspace(data)
        outputs = workspace.outputs if training else workspace.activations
        self._core.forward(workspace, data, self._seed(training, random_state))
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
        data = Data(*self._check_batch(X, y, sample_weight))
        workspace = self._core.workspace(data, backward=True)
        return self._core.cost(workspace, data, self._seed(training, random_state))

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
        self.check_trainable()
        data = Data(*self._check_batch(X, y, sample_weight))
        workspace, seed = self._core.workspace(data, backward=True), self._seed(training, random_state)
        gradient, inputs = np.empty_like(self.parameters), np.empty((data.n_rows, self.sizes[0]), data.dtype)
        cost, _ = self._core.backward(workspace, data, gradient, seed)
        self._core.input_gradient(workspace, data, inputs, seed)
        blocks = block_views(gradient, self.sizes[0], self.layers_)
        views = dense_views(blocks, self.layers_)
        return Gradients(cost, workspace.deltas[1:], views.coefs, views.intercepts, views.scales, inputs, blocks)

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
        self.check_trainable()
        data = Data(*self._check_batch(X, y, sample_weight))
        workspace, gradient = self._core.workspace(data, backward=True), np.zeros_like(self.parameters)
        cost, _ = self._core.backward(workspace, data, gradient, self._seed(True, random_state), of_trained=True)
        if not np.isfinite(cost):
            raise ValueError(f"The cost is {cost}, so no step was taken; scale X and y, or use smaller weights.")
        for block, view in self._blocks(gradient):
            if block.rate != 1:
                view *= block.rate
        self._parameters -= learning_rate * gradient
        self._core.follow_batch_statistics(workspace, data)
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
        rows = self._check_X(X)
        out = np.empty((len(rows), self.n_outputs, self.sizes[0]), rows.dtype)
        for block in row_blocks(len(rows), rows.itemsize * sum(self.sizes), JACOBIAN_BLOCK_ROWS):
            data = Data(rows[block])
            workspace = self._core.workspace(data, backward=True)
            inputs = np.empty((data.n_rows, rows.shape[1]), rows.dtype)
            self._core.forward(workspace, data)
            for k in range(self.n_outputs):
                workspace.output_gradient[...] = 0
                workspace.output_gradient[:, k] = 1
                self._core.pull_back(workspace, data)
                self._core.input_gradient(workspace, data, inputs)
                out[block, k] = inputs
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
        return dense_views(block_views(flat, self.sizes[0], self.layers_), self.layers_)

    @property
    def coefs_(self) -> list[np.ndarray]:
        """Weights W_l, views of `parameters`: writing into them, or assigning to them, changes the network."""
        return self._views.coefs

    @coefs_.setter
    def coefs_(self, values: Sequence[Any]) -> None:
        self._views.coefs[:] = values

    @property
    def intercepts_(self) -> list[np.ndarray]:
        """Biases b_l, views as well."""
        return self._views.intercepts

    @intercepts_.setter
    def intercepts_(self, values: Sequence[Any]) -> None:
        self._views.intercepts[:] = values

    @property
    def scales_(self) -> list[np.ndarray | None]:
        """Scales of the layers with batch normalization, views as well; None for the others."""
        return self._views.scales

    @property
    def is_plain(self) -> bool:
        """Whether `coefs_`, `intercepts_` and activations are all that predictions take."""
        return all(layer.kind in ("dense", "activation", "dropout") for layer in self.layers_)

    def folded_weights(self) -> tuple[list[np.ndarray], list[np.ndarray]]:
        """Weights and biases with which dense layers and activations alone predict the same, to rounding.

        In prediction batch normalization is one factor f and one shift a unit (S13): W f takes the place of W, and
        b - f mean that of b, with f = scale / sqrt(variance + 1e-5). The factors of a Scale layer go into the rows of
        W_1.

        Returns
        -------
        coefs : list of ndarray of shape (fan_in, units)
        intercepts : list of ndarray of shape (units,)
            Copies, of the network's dtype.

        Raises
        ------
        ValueError
            If there is an Embedding, whose tables are no weights of its inputs.

        Examples
        --------
        >>> import numpy as np
        >>> from fastmlp import Network
        >>> net = Network([3, 4, 2], batch_norm=True, random_state=0)
        >>> net.statistics[:] = np.arange(1, 9)
        >>> coefs, intercepts = net.folded_weights()
        >>> plain = Network.from_weights(coefs, intercepts)
        >>> np.allclose(plain.forward([[1, 2, 3]]), net.forward([[1, 2, 3]]))
        True
        """
        coefs = [w.astype(np.float64) for w in self.coefs_]
        intercepts = [b.astype(np.float64) for b in self.intercepts_]
        for layer, parameters in zip(self.layers_, self.layer_parameters_, strict=True):
            if layer.kind == "embedding":
                raise ValueError(
                    "The network begins with an Embedding, which no weights of its inputs can stand for; read "
                    "layer_parameters_."
                )
            if layer.kind == "scale":
                coefs[0] *= parameters["scales"][:, np.newaxis]
        for layer, (scale, mean, variance) in enumerate(
            zip(self.scales_, self.running_means_, self.running_variances_, strict=True)
        ):
            if scale is not None and mean is not None and variance is not None:
                factor = scale / np.sqrt(variance.astype(np.float64) + BatchNorm.epsilon)
                coefs[layer] *= factor
                intercepts[layer] -= factor * mean
        dtype = self.parameters.dtype
        return [w.astype(dtype) for w in coefs], [b.astype(dtype) for b in intercepts]

    @property
    def core(self) -> NetworkCore:
        """The compiled passes over `parameters`."""
        return self._core

    @property
    def trainable(self) -> str | tuple[int, ...]:
        """Dense layers that training changes, as given: "all", "last" or their numbers, from 1. May be assigned to."""
        return self._trainable

    @trainable.setter
    def trainable(self, value: str | Sequence[int]) -> None:
        self._trainable = check_trainable(value, len(self.sizes) - 1)
        self._connect(self._plan(self.parameters.dtype, before=self._core.plan))

    def penalized(self, flat: np.ndarray) -> list[tuple[float, np.ndarray]]:
        """The parts of a flat array that training changes and penalizes, each with the factor of its penalty.

        Parameters
        ----------
        flat : ndarray of shape (n_parameters,)
            Of parameters or gradients.

        Returns
        -------
        list of (float, ndarray)
            Views.

        Examples
        --------
        >>> import numpy as np
        >>> from fastmlp import Network
        >>> Network([2, 2, 1], trainable="last").penalized(np.arange(9.0))
        [(1.0, array([[6.],
               [7.]]))]
        """
        trained = self._trained_layers()
        return [
            (block.penalty, view)
            for (block, view), is_trained in zip(self._blocks(flat), self._of_blocks(trained), strict=True)
            if is_trained and block.penalty > 0
        ]

    def _blocks(self, flat):
        """Each block of parameters, and its part of a flat array."""
        n_inputs = self.sizes[0]
        views = iter(block_views(flat, n_inputs, self.layers_))
        for layer in self.layers_:
            yield from zip(layer.blocks(n_inputs), next(views).values(), strict=True)
            n_inputs = layer.n_outputs(n_inputs)

    def _of_blocks(self, values):
        """One value for each block, from one for each layer."""
        n_inputs = self.sizes[0]
        for layer, value in zip(self.layers_, values, strict=True):
            yield from [value] * len(layer.blocks(n_inputs))
            n_inputs = layer.n_outputs(n_inputs)

    def _trained_layers(self):
        """Whether training changes a layer, for each of them: those between two dense layers go with the first."""
        n_dense = len(self.sizes) - 1
        numbers: Sequence[int]
        if isinstance(self._trainable, str):
            numbers = range(1 if self._trainable == "all" else n_dense, n_dense + 1)
        else:
            numbers = self._trainable
        number, trained = 0, []
        for layer in self.layers_:
            number += layer.kind == "dense"
            trained.append(max(number, 1) in numbers)
        return trained

    def _seed(self, training, random_state):
        """What a training pass draws by; None for a pass as in prediction."""
        if not training:
            return None
        return check_random_state(random_state).randint(2**31 - 1) if self.is_random else 0

    def _own_layers(self, initializers):
        """The layers that the constructor's other parameters make, in order."""
        if self.input_dropout:
            yield Dropout(self.input_dropout)
        # The output layer is drawn for the last hidden layer's activation, as scikit-learn does.
        gains = [activation.init_gain for activation in self.activations_]
        gains.append(gains[-1] if gains else get_activation("identity").init_gain)
        dense = [
            Dense(units, init=init, gain=gain)
            for units, init, gain in zip(self.sizes[1:], initializers, gains, strict=True)
        ]
        for layer, activation, dropout in zip(dense[:-1], self.activations_, self.dropout, strict=True):
            if self.batch_norm:
                yield replace(layer, has_bias=False)
                yield BatchNorm()
            else:
                yield layer
            yield Activate(activation)
            if dropout:
                yield Dropout(dropout)
        yield dense[-1]
        yield Activate(self.out_activation)

    def _plan(self, dtype, before=None):
        return Plan(self.sizes[0], self.layers_, self.loss, dtype, self._trained_layers(), before)

    def _connect(self, plan):
        """Make the compiled core and the views, which are derived from the parameters and never stored."""
        self._core = NetworkCore(self._parameters, self.statistics, plan)
        self.layer_parameters_: list[dict[str, np.ndarray]] = block_views(self.parameters, self.sizes[0], self.layers_)
        self._views = dense_views(self.layer_parameters_, self.layers_)
        self._is_random = any(layer.is_random for layer in self.layers_)
        self.running_means_: list[np.ndarray | None] = [None] * len(self.coefs_)
        self.running_variances_: list[np.ndarray | None] = [None] * len(self.coefs_)
        start = 0
        for layer, units in enumerate(self.sizes[1:-1] if self.batch_norm else ()):
            self.running_means_[layer] = self.statistics[start : start + units]
            self.running_variances_[layer] = self.statistics[start + units : start + 2 * units]
            start += 2 * units

    def _initialize(self, random_state):
        for layer, blocks in zip(self.layers_, self.layer_parameters_, strict=True):
            layer.initialize(list(blocks.values()), random_state)
        for mean, variance in zip(self.running_means_, self.running_variances_, strict=True):
            if mean is not None and variance is not None:
                mean[...], variance[...] = 0, 1

    def __getstate__(self) -> dict[str, Any]:
        derived = {"_views", "_is_random", "layer_parameters_", "running_means_", "running_variances_", "_core"}
        return {name: value for name, value in self.__dict__.items() if name not in derived}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        self._parameters, self.statistics = writeable(self._parameters), writeable(self.statistics)
        self._connect(self._plan(self._parameters.dtype))

    def _check_X(self, X):
        X = check_array(X, dtype=self.parameters.dtype, name="X")
        X = np.require(X, requirements="A")
        if X.shape[1] != self.sizes[0]:
            raise ValueError(f"X has {X.shape[1]} features; this network takes {self.sizes[0]}.")
        self.layers_[0].check_inputs(X)
        return X

    def _check_batch(self, X, y, sample_weight):
        X = self._check_X(X)
        y = check_array(y, dtype=self.parameters.dtype, name="y", ensure_2d=False)
        y = y.reshape(-1, 1) if y.ndim == 1 else y
        check_same_length(X, y)
        if y.shape[1] != self.n_targets:
            raise ValueError(f"y has {y.shape[1]} columns; this network has {self.n_targets} outputs.")
        self.loss.check_targets(y, self.out_activation)
        if sample_weight is not None:
            sample_weight = check_sample_weight(sample_weight, X)
        return X, y, sample_weight


def _one_for_all(values):
    """What all layers have, else a list of what each has; None if there are no layers."""
    if not values:
        return None
    return values[0] if all(value == values[0] for value in values) else list(values)


def _team_or_none(n_threads):
    return nullcontext() if n_threads == 1 else team_of(n_threads)


def _check_sizes(sizes):
    sizes = tuple(sizes) if np.iterable(sizes) else (sizes,)
    if len(sizes) < 2 or not all(isinstance(n, Integral) and 1 <= int(n) < 2**31 for n in sizes):
        raise ValueError(f"sizes is {sizes}; pass the units of at least two layers, each a positive integer.")
    return tuple(int(n) for n in sizes)


def _check_input_layers(layers):
    layers = tuple(layers)
    for layer in layers:
        if not isinstance(layer, (Scale, Embedding)):
            raise ValueError(f"input_layers has {layer!r}; pass fastmlp.layers.Scale and Embedding objects.")
    if any(isinstance(layer, Embedding) for layer in layers[1:]):
        raise ValueError(
            f"input_layers is {layers}, but only the first may be an Embedding, because it reads codes as X has them; "
            "put it first, and all columns of codes into one."
        )
    return layers


def check_trainable(trainable: str | Sequence[int], n_layers: int) -> str | tuple[int, ...]:
    """The layers to train, as ``Network.trainable`` keeps them."""
    if isinstance(trainable, str) and trainable in ("all", "last"):
        return trainable
    numbers = () if isinstance(trainable, str) or not np.iterable(trainable) else tuple(trainable)
    if not numbers or not all(isinstance(n, Integral) and 1 <= n <= n_layers for n in numbers):
        raise ValueError(
            f"trainable is {trainable!r}; pass 'all', 'last', or numbers of dense layers from 1 to {n_layers}."
        )
    return tuple(int(n) for n in numbers)


def check_activations(
    activation: str | Activation | Sequence[str | Activation], n_hidden: int
) -> tuple[Activation, ...]:
    """One activation for each hidden layer, from one for all or a sequence."""
    activations = _one_for_each("activation", activation, n_hidden, "hidden layer")
    return tuple(get_activation(one) for one in activations)


def check_dropout(dropout: float | Sequence[float], n_hidden: int) -> tuple[float, ...]:
    """One rate for each hidden layer, from one for all or a sequence."""
    return tuple(_check_rate("dropout", rate) for rate in _one_for_each("dropout", dropout, n_hidden, "hidden layer"))


def check_init(init: str | Sequence[str], n_layers: int) -> list[str]:
    """One initializer for each layer, from one for all or a sequence."""
    initializers = _one_for_each("init", init, n_layers, "layer")
    for layer, name in enumerate(initializers, start=1):
        if name != "auto" and name not in INITIALIZERS:
            raise ValueError(unknown("init", name, ["auto", *INITIALIZERS]))
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
    if not isinstance(rate, Real) or not 0 <= float(rate) < 1:
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
