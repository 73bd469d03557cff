"""What the estimators share: parameters, checks, and the way from arrays to a trained network."""

import copy
from abc import ABCMeta, abstractmethod
from numbers import Integral
from typing import Self

import numpy as np
from numpy.typing import ArrayLike
from scipy.sparse import issparse
from sklearn.base import BaseEstimator, is_regressor
from sklearn.exceptions import ConvergenceWarning
from sklearn.metrics import check_scoring
from sklearn.model_selection import train_test_split
from sklearn.utils import check_random_state
from sklearn.utils._param_validation import validate_parameter_constraints
from sklearn.utils.metaestimators import available_if
from sklearn.utils.validation import _check_sample_weight, check_is_fitted, column_or_1d, validate_data

from fastmlp._blocks import row_blocks
from fastmlp._hold import held
from fastmlp._threads import check_n_jobs
from fastmlp._typing import MatrixLike
from fastmlp._warn import warn
from fastmlp.estimators._arrays import for_core
from fastmlp.estimators._callbacks import CallbackSupportMixin, fit_tasks, with_callbacks
from fastmlp.estimators._docs import DocumentationLinkMixin
from fastmlp.estimators._parameters import SHARED_CONSTRAINTS
from fastmlp.estimators._state import StoredStateMixin
from fastmlp.estimators._targets import Targets
from fastmlp.estimators._validation import GivenScorer, Validation
from fastmlp.inspection._mixin import InspectionMixin
from fastmlp.network import Network, check_activations, check_dropout
from fastmlp.training import lbfgs
from fastmlp.training._blas_threads import one_blas_thread
from fastmlp.training.callbacks import Callback
from fastmlp.training.loop import (
    DivergenceError,
    History,
    Observers,
    Trainer,
    divergence_message,
    warn_interrupted,
)
from fastmlp.training.optimizers import SOLVERS
from fastmlp.training.schedules import SCHEDULES, Adaptive, ByProgress, Constant, InverseScaling
from fastmlp.training.stopping import Patience

STOCHASTIC_SOLVERS = tuple(SOLVERS)

# What a solver that follows one fixed, smooth cost cannot take, with the value that is none of it.
NOT_FOR_LBFGS = {
    "dropout": 0,
    "input_dropout": 0,
    "batch_norm": False,
    "l1": 0,
    "weight_decay": 0,
    "clip_norm": None,
}

# A change of one of these starts the optimizer anew where training continues.
OPTIMIZER_PARAMETERS = (
    "solver",
    "learning_rate",
    "learning_rate_init",
    "power_t",
    *dict.fromkeys(name for optimizer in SOLVERS.values() for name in optimizer.settings),
)


class BaseMLP(
    InspectionMixin,
    StoredStateMixin,
    CallbackSupportMixin,
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
        return self.network_.predict_raw(X, activate_output=self._targets.reads_activated)

    def _in_blocks(self, X, read):
        """What `read` makes of raw outputs, a block of rows at a time, so that only the result grows with the rows."""
        blocks = list(row_blocks(X.shape[0]))
        if len(blocks) == 1:
            return read(self._raw_outputs(X))
        out = None
        for rows in blocks:
            block = read(self._raw_outputs(X[rows]))
            if out is None:
                out = np.empty((X.shape[0], *block.shape[1:]), block.dtype)
            out[rows] = block
        return out

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
            too.
        X_val, y_val, sample_weight_val : like X, y and sample_weight, default=None
            Rows to validate on after each epoch, in place of those that ``early_stopping`` would hold out. Without
            ``early_stopping`` they only fill ``validation_loss_curve_`` and ``validation_scores_``. A search that
            routes them here cuts them into folds if they have as many rows as X, as it does with all metadata.

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
            If ``max_iter`` is reached first.
        UserWarning
            If ``batch_size`` is larger than the data, or the user interrupts training.

        Examples
        --------
        >>> from fastmlp import MLPRegressor
        >>> X, y = [[0.0], [1.0], [2.0]], [0.0, 1.0, 2.0]
        >>> model = MLPRegressor(hidden_layer_sizes=4, learning_rate_init=0.1, tol=1e-3, random_state=0)
        >>> model = model.fit(X, y, X_val=[[0.5], [1.5]], y_val=[0.5, 1.5])
        >>> model.stop_reason_, len(model.validation_loss_curve_) == model.n_iter_
        ('no_improvement', True)
        """
        return self._fit(X, y, sample_weight, (X_val, y_val, sample_weight_val), incremental=False)

    def _is_stochastic(self):
        if self.solver not in STOCHASTIC_SOLVERS:
            raise AttributeError(
                f"partial_fit is not available with solver={self.solver!r}; use one of: "
                f"{', '.join(STOCHASTIC_SOLVERS)}."
            )
        return True

    @available_if(_is_stochastic)
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
        return self._fit(X, y, sample_weight, (X_val, y_val, sample_weight_val), incremental=True)

    def _fit(self, X, y, sample_weight, validation, *, incremental, classes=None):
        with held(self):
            return self._fit_alone(X, y, sample_weight, validation, incremental, classes)

    def _fit_alone(self, X, y, sample_weight, validation, incremental, classes):
        before = self.__dict__.copy()
        resume = hasattr(self, "network_") and (incremental or self.warm_start)
        given = X, y, sample_weight
        try:
            X, targets, sample_weight, rows, observers = self._prepare(*given, validation, resume, incremental, classes)
        except BaseException:
            self._restore(before)
            raise
        try:
            self._run(X, targets, sample_weight, rows, 1 if incremental else self.max_iter, observers, given)
            if not incremental:
                try:
                    self._importances = self._importances_after_fit(X, rows)
                except KeyboardInterrupt:  # as in training, it ends the fit and loses nothing
                    warn_interrupted(f"{self.n_iter_} epochs")
        except DivergenceError:
            # The model keeps its last good weights, but those of an earlier fit rather than random ones.
            kept_epoch = self.best_iter_ if self._keeps_best else self.n_iter_
            if not kept_epoch and not resume and "network_" in before:
                self._restore(before)
            raise
        except BaseException:
            if not resume:
                self._restore(before)
            raise
        if self.stop_reason_ == "max_iter" and not incremental:
            self._warn_not_converged()
        return self

    def _prepare(self, X, y, sample_weight, validation, resume, incremental, classes):
        """Check everything, and make all that training needs: data for the core, rows, and observers."""
        given = X, y
        self._check_parameters()
        validates = self._check_validation(validation, incremental)
        self._check_solver()
        callbacks = self._check_callbacks()
        X, targets, own_weight = self._check_training_data(X, y, sample_weight, resume, incremental, classes)
        sample_weight = self._total_weight(targets, own_weight, (targets, own_weight), X.dtype)
        trainer = getattr(self, "_trainer", None) if resume else None
        random_state = check_random_state(self.random_state) if trainer is None else trainer.random_state
        self._make_network(X, targets, resume, random_state)
        rows, validation_rows = self._split(targets, sample_weight, validates, resume, random_state)
        if self.solver in STOCHASTIC_SOLVERS:
            self._make_trainer(X.shape[0] if rows is None else len(rows), random_state, resume, incremental)
            self._set_fitted(self._trainer.history, self._trainer.patience.best)
        else:
            self._trainer = None  # an earlier one knows another course
            if not resume:
                self._set_fitted(History(), np.inf)
        self._importances = None

        validate = None
        if validates:
            validate = self._given_validation(validation, targets, own_weight)
        elif validation_rows is not None:
            judged = *given, own_weight
            validate = self._validation(X, targets, sample_weight, validation_rows, judged)
        if validate is not None and not (resume and incremental):  # which has been tried
            validate.check()
        for callback in [*callbacks, *getattr(self, "_skl_callbacks", [])]:
            if isinstance(callback, Callback):
                callback.check(self, has_validation=validate is not None)
        observers = Observers(self, callbacks, validate=validate, max_time=self.max_time, verbose=self.verbose)
        return X, targets, sample_weight, rows, observers

    @with_callbacks
    def _run(self, X, targets, sample_weight, rows, max_iter, observers, given):
        """Train, and tell scikit-learn's callbacks of it."""
        tasks = fit_tasks(self, max_iter + (self.solver == "lbfgs"), *given)
        if tasks is not None:
            observers.callbacks = [*observers.callbacks, tasks.end_epoch]
            observers.before_epoch = tasks.begin_epoch
        # The network too, which a shallow copy of the model shares.
        calls_blas = self.solver == "lbfgs" or self.network_.core.plan.uses_blas
        with held(self.network_), one_blas_thread(needed=calls_blas):
            if self.solver in STOCHASTIC_SOLVERS:
                self._train(X, targets, sample_weight, rows, max_iter, observers)
            else:
                self._train_lbfgs(X, targets, sample_weight, rows, observers)
        if tasks is not None:
            tasks.close()

    def _restore(self, attributes):
        self.__dict__.clear()
        self.__dict__.update(attributes)

    def _check_parameters(self):
        # Not by get_params, which inspects the constructor's signature at a tenth of a small epoch's cost.
        parameters = {name: getattr(self, name) for name in self._parameter_constraints}
        validate_parameter_constraints(self._parameter_constraints, parameters, caller_name=type(self).__name__)
        check_n_jobs(self.n_jobs)

    def _check_solver(self):
        if self.solver in STOCHASTIC_SOLVERS:
            return
        for name, none in NOT_FOR_LBFGS.items():
            value = getattr(self, name)
            if np.any(value) if none is not None else value is not None:
                raise ValueError(
                    f"{name} is {value!r}, but solver='lbfgs' follows one fixed, smooth cost over all rows; set "
                    f"{name}={none!r}, or use one of: {', '.join(STOCHASTIC_SOLVERS)}."
                )

    def _check_validation(self, validation, incremental):
        """Whether there are rows to validate on, all of what belongs to them."""
        if self.early_stopping and incremental and validation[0] is None:
            raise ValueError(
                "partial_fit does not support early_stopping=True without rows to validate on; pass X_val and y_val, "
                "set early_stopping=False, or use fit."
            )
        names = "X_val", "y_val", "sample_weight_val"
        given = [name for name, part in zip(names, validation, strict=True) if part is not None]
        if given and not {"X_val", "y_val"}.issubset(given):
            missing = next(name for name in names if name not in given)
            raise ValueError(f"{missing} is None, but {' and '.join(given)} came; pass X_val and y_val, or neither.")
        self._scorer()
        return bool(given)

    def _scorer(self):
        """What judges rows that are validated on: a function of (model, X, y), 'loss', or None for the own score."""
        if self.scoring is None or (isinstance(self.scoring, str) and self.scoring == "loss"):
            return self.scoring
        return check_scoring(self, self.scoring)

    def _given_validation(self, validation, training_targets, training_weight):
        X, y, sample_weight = validation
        training_dtype = self.network_.parameters.dtype
        try:
            X, y, sample_weight = self._check_data(X, y, sample_weight, training_dtype, reset=False)
            targets = self._targets.encode(y, X.dtype)
            if targets.ndim != training_targets.ndim or targets.shape[1:] != training_targets.shape[1:]:
                raise ValueError(f"y has shape {y.shape}; pass the columns of the y that is trained on.")
            self._targets.check(targets)
            weights = self._total_weight(targets, sample_weight, (training_targets, training_weight), X.dtype)
            rows = None if weights is None or np.all(weights) else np.flatnonzero(weights)
            n_rows = X.shape[0] if rows is None else len(rows)
            if n_rows < 2 and is_regressor(self) and self.scoring is None:
                raise ValueError(f"R^2 of {n_rows} row is not defined; pass two rows or more, or set scoring='loss'.")
        except ValueError as error:
            raise ValueError(f"The rows to validate on, X_val and y_val, cannot be used: {error}") from error
        return self._validation(X, targets, weights, rows, (validation[0], validation[1], sample_weight))

    def _validation(self, X, targets, sample_weight, rows, given):
        scorer = self._scorer()
        if callable(scorer):
            scorer = GivenScorer(scorer, self, given, rows)
        return Validation(self.network_, self._targets, X, targets, sample_weight, rows, scorer)

    def _check_callbacks(self):
        if self.callbacks is None:
            return []
        callbacks = self.callbacks if isinstance(self.callbacks, (list, tuple)) else [self.callbacks]
        for callback in callbacks:
            if not callable(callback):
                raise ValueError(
                    f"callbacks holds {callback!r}, which cannot be called; pass functions of one EpochInfo."
                )
            if isinstance(callback, type):
                raise ValueError(f"callbacks holds the class {callback.__name__}; pass an object of it.")
        return callbacks

    def _check_training_data(self, X, y, sample_weight, resume, incremental, classes):
        if resume:
            dtype = self.network_.parameters.dtype
            if self.dtype not in ("auto", dtype.name):
                raise ValueError(
                    f"dtype is {self.dtype!r}, but the model to continue computes in {dtype.name}; keep it, or set "
                    "warm_start=False and use fit."
                )
        else:
            dtype = [np.float64, np.float32] if self.dtype == "auto" else self.dtype
        sparse, before = issparse(y), self._targets if resume else None
        X, y, sample_weight = self._check_data(X, y, sample_weight, dtype, reset=not resume)
        self._targets = self._recognize_targets(y, before, incremental, classes, sparse)
        return X, self._targets.encode(y, X.dtype), sample_weight

    def _check_data(self, X, y, sample_weight, dtype, *, reset):
        """Arrays as the core reads them; rows without weight have labels and targets of others."""
        X, y = validate_data(
            self,
            X,
            y,
            accept_sparse="csr",
            dtype=dtype,
            order="C",
            multi_output=True,
            y_numeric=is_regressor(self),
            reset=reset,
        )
        X = for_core(X)
        y = y.toarray() if issparse(y) else y
        y = column_or_1d(y, warn=True) if y.ndim == 2 and y.shape[1] == 1 else y
        if sample_weight is not None:
            sample_weight = _check_sample_weight(sample_weight, X, dtype=X.dtype, ensure_non_negative=True)
            if not np.all(sample_weight):
                y = y.copy()
                y[sample_weight == 0] = y[np.argmax(sample_weight > 0)]
        return X, y, sample_weight

    def _total_weight(self, targets, sample_weight, counted, dtype):
        weights = self._targets.weigh(targets, sample_weight, counted)
        if weights is None:
            return None
        with np.errstate(over="ignore", divide="ignore"):
            total = np.sum(weights, dtype=dtype)
            if total > 0 and not (np.isfinite(total) and np.isfinite(1 / total)):
                names = "sample_weight" if weights is sample_weight else "sample_weight times class_weight"
                raise ValueError(f"{names} sums to {total:g}; scale it, so that its mean is near 1.")
        return for_core(weights.astype(dtype, copy=False))

    def _make_network(self, X, targets, resume, random_state):
        out_activation, loss, n_outputs = self._targets.out_activation, self._targets.loss, self._targets.n_outputs
        n_units = out_activation.n_units(n_outputs)
        if out_activation.n_outputs(n_units) != n_outputs:
            raise ValueError(
                f"out_activation {out_activation.name!r} makes {out_activation.n_outputs(n_units)} outputs of "
                f"{n_units} units, but {n_outputs} are needed; define its n_units(n_outputs)."
            )
        sizes = (X.shape[1], *self._hidden_sizes(), n_units)
        if resume:
            self._check_unchanged(sizes, out_activation, loss)
        else:
            self.network_ = Network(
                sizes,
                activation=self.activation,
                out_activation=out_activation,
                loss=loss,
                init=self.init,
                dropout=self.dropout,
                input_dropout=self.input_dropout,
                batch_norm=self.batch_norm,
                dtype=X.dtype.name,
                random_state=random_state,
            )
            self._trainer = self._split_random_state = None
        network = self.network_
        network.check_trainable()
        n_targets = targets.shape[1] if targets.ndim == 2 else n_outputs
        if network.n_targets != n_targets:
            raise ValueError(
                f"loss {network.loss.name!r} makes {network.n_targets} targets of {network.n_outputs} outputs, but y "
                f"has {n_targets}; use another loss, or define its n_targets(n_outputs) and n_outputs(n_targets)."
            )
        if self.solver == "lbfgs" and network.is_random:
            raise ValueError(
                "activation 'randomized_leaky_relu' draws its slopes anew in every pass, but solver='lbfgs' follows "
                f"one fixed cost; use 'leaky_relu', or one of: {', '.join(STOCHASTIC_SOLVERS)}."
            )
        self._targets.check(targets)

    def _check_unchanged(self, sizes, out_activation, loss):
        """Refuse to go on with another network than the one there is."""
        network = self.network_
        for name, is_now, was in [
            ("layer sizes", sizes, network.sizes),
            ("hidden activations", check_activations(self.activation, len(sizes) - 2), network.activations_),
            ("output and loss", (out_activation, loss), (network.out_activation, network.loss)),
            ("dropout", check_dropout(self.dropout, len(sizes) - 2), network.dropout),
            ("input_dropout", self.input_dropout, network.input_dropout),
            ("batch_norm", self.batch_norm, network.batch_norm),
        ]:
            if is_now != was:
                raise ValueError(
                    f"The model to continue has {name} {was}, but data and parameters now ask for {is_now}; keep them, "
                    "or set warm_start=False and use fit."
                )

    def _hidden_sizes(self):
        sizes = self.hidden_layer_sizes
        if isinstance(sizes, Integral):
            sizes = [sizes]
        elif isinstance(sizes, (dict, set, str)) or not np.iterable(sizes):
            raise ValueError(f"hidden_layer_sizes is {sizes!r}; pass one positive integer a layer.")
        sizes = list(sizes)
        if not all(isinstance(n, Integral) for n in sizes):
            raise ValueError(f"hidden_layer_sizes is {sizes}; pass one positive integer a layer.")
        if not all(n > 0 for n in sizes):
            raise ValueError(f"hidden_layer_sizes must be > 0, got {sizes}; pass one positive integer a layer.")
        return sizes

    def _split(self, targets, sample_weight, validates, resume, random_state):
        """Rows to train on and rows to validate on; None for all and for none."""
        rows = None
        if sample_weight is not None and not np.all(sample_weight):
            rows = np.flatnonzero(sample_weight)
        if validates or not self.early_stopping or self.solver not in STOCHASTIC_SOLVERS:
            return rows, None
        rows = np.arange(len(targets), dtype=np.intp) if rows is None else rows
        n_validation = int(np.ceil(self.validation_fraction * len(rows)))
        strata = targets[rows] if targets.ndim == 1 else None
        counts = [] if strata is None else np.bincount(strata)
        n_classes = np.count_nonzero(counts)
        if n_classes == 2 and 1 in counts:
            strata = strata[:, np.newaxis]  # which the split refuses by scikit-learn's words for it
        elif n_validation < 2:
            raise ValueError(
                f"The validation set is too small: validation_fraction={self.validation_fraction} of {len(rows)} "
                f"sample{'s' * (len(rows) > 1)} is {n_validation}, and 2 are needed. Increase 'validation_fraction' or "
                "the size of your dataset."
            )
        elif n_classes > 2 and (1 in counts or min(n_validation, len(rows) - n_validation) < n_classes):
            strata = None  # as scikit-learn always does with so many classes
        # A fit that goes on holds out the same rows, or it would be judged by rows it has learnt from.
        if resume and self._split_random_state is not None:
            random_state = self._split_random_state
        else:
            self._split_random_state = copy.deepcopy(random_state)
        if resume:  # what fails after this leaves the fit before as it was
            random_state = copy.deepcopy(random_state)
        return train_test_split(rows, random_state=random_state, test_size=self.validation_fraction, stratify=strata)

    def _make_trainer(self, n_rows, random_state, resume, incremental):
        batch_size = min(200, n_rows) if self.batch_size == "auto" else self.batch_size
        if batch_size > n_rows:
            warn(
                f"Got `batch_size` larger than sample size ({batch_size} > {n_rows}). It is going to be clipped.",
                UserWarning,
            )
        single_row_goes_on = resume and incremental and n_rows == 1
        if self.batch_norm and min(batch_size, n_rows) == 1 and not single_row_goes_on:
            raise ValueError(
                "batch_norm=True needs batches of at least two samples, but they have one sample; raise batch_size, "
                "pass more rows, or set batch_norm=False."
            )
        before = self._trainer
        if before is not None and before.network is not self.network_:
            before = None
        settings = tuple(getattr(self, name) for name in OPTIMIZER_PARAMETERS)
        if before is not None and settings == self._optimizer_settings:
            optimizer, schedule = before.optimizer, copy.copy(before.schedule)
            if isinstance(schedule, ByProgress):
                schedule.go_on(0 if incremental else self.max_iter)
        else:
            optimizer, schedule = self._new_optimizer(), self._new_schedule()
        patience = Patience(self.tol, self.n_iter_no_change, higher_is_better=self.early_stopping)
        self._optimizer_settings = settings
        trainer = Trainer(
            self.network_,
            optimizer,
            schedule,
            patience,
            alpha=self.alpha,
            l1=self.l1,
            weight_decay=self.weight_decay,
            clip_norm=self.clip_norm,
            batch_size=min(batch_size, n_rows),
            shuffle=self.shuffle,
            random_state=random_state,
            continues=incremental or self.warm_start,
            keep_best=self.early_stopping,
            n_jobs=self.n_jobs,
        )
        if before is not None:
            trainer.continue_from(before)
        elif resume:
            trainer.history = self._history_so_far()
        self._trainer = trainer

    def _history_so_far(self):
        """Of a model without a trainer: out of a file, or fitted by lbfgs, whose iterations are no epochs."""
        was_lbfgs = not self.learning_rate_curve_
        if was_lbfgs != (self.solver == "lbfgs"):
            return History()
        n_epochs = len(self.loss_curve_)
        return History(
            loss_curve=list(self.loss_curve_),
            # Without that of an epoch that diverged.
            validation_scores=(self.validation_scores_ or [])[:n_epochs],
            validation_losses=(self.validation_loss_curve_ or [])[:n_epochs],
            learning_rates=list(self.learning_rate_curve_),
            n_samples_seen=self.t_,
        )

    def _new_optimizer(self):
        return SOLVERS[self.solver].from_settings(self.network_.parameters, self)

    def _new_schedule(self):
        if self.learning_rate == "constant":
            return Constant(self.learning_rate_init)
        if self.learning_rate == "invscaling":
            return InverseScaling(self.learning_rate_init, self.power_t)
        if self.learning_rate == "adaptive":
            return Adaptive(self.learning_rate_init)
        schedule = SCHEDULES[self.learning_rate] if isinstance(self.learning_rate, str) else self.learning_rate
        return ByProgress(self.learning_rate_init, schedule, n_epochs=self.max_iter)

    def _train(self, X, targets, sample_weight, rows, max_iter, observers):
        trainer = self._trainer
        self._keep_up(observers, trainer.history, lambda: trainer.patience.best)
        try:
            trainer.train(
                X,
                targets,
                sample_weight,
                rows,
                max_iter=max_iter,
                target_values=self._targets.target_values,
                observers=observers,
            )
        finally:
            self._set_fitted(trainer.history, best=trainer.patience.best)
            if trainer.history.stop_reason == "diverged":
                self._trainer = None  # its moments are no good either

    def _train_lbfgs(self, X, targets, sample_weight, rows, observers):
        history = self._history_so_far()

        def best():
            return min(history.loss_curve, default=np.inf)

        self._keep_up(observers, history, best)
        try:
            lbfgs.train(
                self.network_,
                X,
                targets,
                sample_weight,
                rows,
                target_values=self._targets.target_values,
                alpha=self.alpha,
                max_iter=self.max_iter,
                max_fun=self.max_fun,
                tol=self.tol,
                history=history,
                observers=observers,
            )
        finally:
            self._set_fitted(history, best())
        if self.stop_reason_ == "diverged":
            kept = f"its last good weights, those of iteration {self.n_iter_}"
            raise DivergenceError(divergence_message(f"iteration {self.n_iter_ + 1}", kept))

    def _keep_up(self, observers, history, best):
        """Let fitted attributes be those of the moment when callbacks look at them."""
        self._set_fitted(history, best())
        if observers.callbacks:
            observers.callbacks = [lambda info: self._set_progress(history, best()), *observers.callbacks]

    @property
    def _keeps_best(self):
        """Whether a fit ends with the weights of the best validation score, not with the last ones."""
        return self.early_stopping and self.solver in STOCHASTIC_SOLVERS

    def _set_fitted(self, history, best):
        self.n_layers_ = len(self.network_.sizes)
        self.n_outputs_ = self.network_.n_outputs
        self.out_activation_ = self.network_.out_activation.name
        self.loss_curve_ = history.loss_curve
        self.learning_rate_curve_ = history.learning_rates
        self._set_progress(history, best)

    def _set_progress(self, history, best):
        """What changes from epoch to epoch, or ends with the last one."""
        keeps_best = self._keeps_best
        self.n_iter_ = history.n_epochs
        self.t_ = history.n_samples_seen
        self.stop_reason_ = history.stop_reason
        self.loss_ = history.loss_curve[-1] if history.loss_curve else np.inf
        self.validation_scores_ = history.validation_scores or None
        self.validation_loss_curve_ = history.validation_losses or None
        self.best_loss_ = None if keeps_best else best
        self.best_validation_score_ = best if keeps_best else None
        self.best_iter_ = history.best_epoch if keeps_best else None

    def _warn_not_converged(self):
        # They begin as scikit-learn's do, by which programs may filter them.
        if self.solver in STOCHASTIC_SOLVERS:
            message = (
                f"Stochastic Optimizer: Maximum iterations ({self.max_iter}) reached and the optimization hasn't "
                "converged yet. Increase max_iter, or scale X, or change learning_rate_init."
            )
        else:
            message = (
                f"lbfgs failed to converge after {self.n_iter_} iteration(s): it reached max_iter={self.max_iter} or "
                f"max_fun={self.max_fun}. Increase it, or scale X."
            )
        warn(message, ConvergenceWarning)

    @property
    def coefs_(self) -> list[np.ndarray]:
        """Weights W_l of each layer, list of ndarray of shape (fan_in, fan_out): views, not copies.

        Assigning to them, or to one of them, writes into the network. (After ``early_stopping`` a fit that goes on does
        so from the last weights of the fit before, not from the best ones, which these are.)
        """
        return self.network_.coefs_

    @coefs_.setter
    def coefs_(self, values):
        check_is_fitted(self)
        self.network_.coefs_ = values

    @property
    def intercepts_(self) -> list[np.ndarray]:
        """Biases b_l of each layer, list of ndarray of shape (fan_out,): views, not copies."""
        return self.network_.intercepts_

    @intercepts_.setter
    def intercepts_(self, values):
        check_is_fitted(self)
        self.network_.intercepts_ = values

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        tags.target_tags.multi_output = True
        return tags

    def _check_X(self, X):
        check_is_fitted(self)
        X = validate_data(self, X, accept_sparse="csr", dtype=self.network_.parameters.dtype, order="C", reset=False)
        return for_core(X)
