"""What the estimators share: parameters, checks, and the way from arrays to a trained network."""

from abc import ABCMeta, abstractmethod
from collections.abc import Sequence
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike
from sklearn.base import BaseEstimator
from sklearn.utils.validation import check_is_fitted

from fastmlp._hold import held
from fastmlp._names import explains_unknown_keywords
from fastmlp._typing import MatrixLike
from fastmlp._views import COMPUTED, ReadOnly
from fastmlp.deploy._mixin import DeployMixin
from fastmlp.estimators._arrays import check_X
from fastmlp.estimators._callbacks import CallbackSupportMixin
from fastmlp.estimators._docs import DocumentationLinkMixin
from fastmlp.estimators._fit import FittedAttributesMixin
from fastmlp.estimators._fitting import learn
from fastmlp.estimators._parameters import SHARED_CONSTRAINTS, SharedParameters, available_if
from fastmlp.estimators._problem import Request
from fastmlp.estimators._state import StoredStateMixin
from fastmlp.estimators._targets import Targets
from fastmlp.inspection._mixin import InspectionMixin
from fastmlp.training.solvers import SOLVERS, solvers_with_epochs


class BaseMLP(
    InspectionMixin,
    DeployMixin,
    StoredStateMixin,
    FittedAttributesMixin,
    CallbackSupportMixin,
    SharedParameters,
    DocumentationLinkMixin,
    BaseEstimator,
    metaclass=ABCMeta,
):
    """Shared half of the estimators; a subclass knows its targets and its predictions."""

    _parameter_constraints = SHARED_CONSTRAINTS
    _targets: Targets

    @abstractmethod
    def _recognize_targets(self, y, before, incremental, classes, sparse):
        """The codec of y.

        `before` is that of a fit that goes on, or None, `classes` are those given to partial_fit.
        """

    def _raw_outputs(self, X):
        """What the codec reads predictions from, for an already validated X."""
        activates = self._targets.reads_activated
        return self.network_.predict_raw(X, activate_output=activates, n_jobs=self.n_jobs)

    def _read_outputs(self, X, read):
        """What `read` makes of raw outputs, for an already validated X; only the result grows with the rows."""
        activates = self._targets.reads_activated
        return self.network_.read_outputs(X, read, activate_output=activates, n_jobs=self.n_jobs)

    @explains_unknown_keywords
    def fit(
        self,
        X: MatrixLike,
        y: ArrayLike,
        sample_weight: ArrayLike | None = None,
        *,
        X_val: MatrixLike | None = None,
        y_val: ArrayLike | None = None,
        sample_weight_val: ArrayLike | None = None,
    ) -> Self:
        """Train on X and y, from new weights unless ``warm_start`` is set.

        Parameters
        ----------
        X : array-like or sparse array of shape (n_samples, n_features)
            Finite numbers. If C-contiguous and of the computing dtype, or CSR, it is used where it is, never copied; a
            sparse X is not made dense.
        y : array-like of shape (n_samples,) or (n_samples, n_outputs)
            Targets.
        sample_weight : array-like of shape (n_samples,), default=None
            Not negative; all ones by default. A weight of zero is the same as leaving the row out, for ``classes_``
            too. A batch's loss is divided by its rows times the mean weight of all rows, so that steps follow the
            weighted mean loss of all rows on average (S10).
        X_val, y_val, sample_weight_val : like X, y and sample_weight, default=None
            Rows to validate on after each epoch, in place of those that ``early_stopping`` would hold out. Without
            ``early_stopping`` they only fill ``validation_loss_curve_`` and ``validation_scores_``. A pipeline passes
            X_val on as it is, unless it is built to transform it as it transforms X: call
            ``sklearn.set_config(enable_metadata_routing=True)``, build
            ``Pipeline(steps, transform_input=["X_val"])`` with ``set_fit_request(X_val=True, y_val=True)`` on this
            estimator, and pass X_val and y_val to the pipeline's ``fit``. A TransformedTargetRegressor passes y_val on
            as it is: fit its transformer to y, and pass ``transformer.transform(y_val.reshape(-1, 1)).ravel()``. A
            search that routes them here cuts them into folds if they have as many rows as X, as it does with all
            metadata.

        Returns
        -------
        self

        Raises
        ------
        ValueError
            If a parameter, a shape or a value is wrong; an earlier fit is kept. Also if training diverges: the model
            then has its last good weights.

        Warns
        -----
        ConvergenceWarning
            If ``max_iter`` is reached first, lbfgs gets nowhere, or ``early_stopping`` ends training at a best score
            below that of the most frequent class, or of the mean.
        UserWarning
            If ``batch_size`` is larger than the data, the user interrupts training, columns of X_val lie far outside
            those of X, or a regressor's y_val far outside y, or ``early_stopping`` or ``scoring`` is set where it does
            nothing.

        Notes
        -----
        Ctrl-C, and any other signal that Python handles, is heard within a tenth of a second or a step, in the midst of
        an epoch too. After Ctrl-C the model has the weights of the last step, with ``early_stopping`` the best ones
        once an epoch has been validated, and of lbfgs's last iteration; ``n_iter_`` and the curves count whole epochs
        only, ``t_`` every row that was learnt from. What else a handler raises leaves ``fit``: the model then shows its
        earlier fit, or, if that is gone on with, the weights of the last step.

        Examples
        --------
        >>> from fastmlp import MLPRegressor
        >>> X, y = [[0.0], [1.0], [2.0]], [0.0, 1.0, 2.0]
        >>> model = MLPRegressor(hidden_layer_sizes=4, learning_rate_init=0.1, tol=1e-3, random_state=0)
        >>> model = model.fit(X, y, X_val=[[0.5], [1.5]], y_val=[0.5, 1.5])
        >>> model.stop_reason_, len(model.validation_loss_curve_) == model.n_iter_
        ('no_improvement', True)
        """
        return self._learn(X, y, sample_weight, (X_val, y_val, sample_weight_val))

    def _has_epochs(self):
        solver = SOLVERS.get(self.solver) if isinstance(self.solver, str) else None
        if solver is None or not solver.has_epochs:
            raise AttributeError(
                f"partial_fit is not available with solver={self.solver!r}; use one of: "
                f"{', '.join(solvers_with_epochs())}."
            )
        return True

    @available_if(_has_epochs)
    @explains_unknown_keywords
    def partial_fit(
        self,
        X: MatrixLike,
        y: ArrayLike,
        sample_weight: ArrayLike | None = None,
        *,
        X_val: MatrixLike | None = None,
        y_val: ArrayLike | None = None,
        sample_weight_val: ArrayLike | None = None,
    ) -> Self:
        """Train for one epoch on X and y, continuing where the last call ended.

        Parameters
        ----------
        X : array-like or sparse array of shape (n_samples, n_features)
        y : array-like of shape (n_samples,) or (n_samples, n_outputs)
        sample_weight : array-like of shape (n_samples,), default=None
            As for ``fit``, but each row weighs what it is given, because the mean over all calls is not known: it
            should be near 1. A call with all weights 2 takes twice the gradient. A later call in which no row has
            weight is no epoch and changes nothing.
        X_val, y_val, sample_weight_val : like X, y and sample_weight, default=None
            As for ``fit``. With ``early_stopping``, ``stop_reason_`` is 'no_improvement' once patience has run out.

        Returns
        -------
        self

        Raises
        ------
        AttributeError
            If the solver is lbfgs, which has no epochs.
        ValueError
            As for ``fit``, and if ``early_stopping`` is set without X_val.

        Examples
        --------
        >>> from fastmlp import MLPRegressor
        >>> model = MLPRegressor(hidden_layer_sizes=4, random_state=0)
        >>> for _ in range(3):
        ...     model = model.partial_fit([[0.0], [1.0]], [0.0, 1.0])
        >>> len(model.loss_curve_)
        3
        """
        return self._learn(X, y, sample_weight, (X_val, y_val, sample_weight_val), incremental=True)

    def _learn(self, *given, **further):
        with held(self):
            learn(Request(self, *given, **further))
        return self

    @property
    def coefs_(self) -> list[np.ndarray]:
        """Weights W_l of each layer, list of ndarray of shape (fan_in, fan_out): views, not copies.

        Assigning to them, or to one of them, writes into the network, and a fit that goes on starts from what was
        written. (After ``early_stopping`` these are the best weights. If they are left as they are, a fit that goes on
        before patience has run out does so from the last ones, as if it had never stopped.)

        With batch normalization they are computed: it is folded into them, so that they predict the same without it.
        They cannot be written to then; ``network_.coefs_`` can.
        """
        return self._weights(0)

    @coefs_.setter
    def coefs_(self, values: Sequence[Any]) -> None:
        self._network_to_write().coefs_ = values

    @property
    def intercepts_(self) -> list[np.ndarray]:
        """Biases b_l of each layer, list of ndarray of shape (fan_out,): views, or computed, as ``coefs_``."""
        return self._weights(1)

    @intercepts_.setter
    def intercepts_(self, values: Sequence[Any]) -> None:
        self._network_to_write().intercepts_ = values

    def _weights(self, which):
        network = self.network_
        if network.is_plain:
            return (network.coefs_, network.intercepts_)[which]
        try:
            return ReadOnly(network.folded_weights()[which])
        except ValueError as error:  # hasattr is to say no
            raise AttributeError(str(error)) from error

    def _network_to_write(self):
        check_is_fitted(self)
        if not self.network_.is_plain:
            raise AttributeError(COMPUTED)
        return self.network_

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        tags.target_tags.multi_output = True
        return tags

    def _check_X(self, X):
        fit: Any = self._fit
        if fit is None:
            check_is_fitted(self)  # which says what to call
        return check_X(self, X, fit.columns, fit.network.parameters.dtype)
