"""From a call of ``fit`` or ``partial_fit`` to what is to be learnt, all of it checked.

Nothing here changes the model: what is found out of the data is returned as a value.
"""

import copy
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from scipy.sparse import issparse
from sklearn.base import is_regressor
from sklearn.model_selection import train_test_split

from fastmlp._checks import float_dtype
from fastmlp._typing import Matrix
from fastmlp._warn import warn
from fastmlp.estimators._arrays import Columns, check_rows, for_core
from fastmlp.estimators._fit import Fit
from fastmlp.estimators._parameters import check_callbacks, check_parameters, check_solver, scorer_of
from fastmlp.estimators._targets import Targets
from fastmlp.estimators._validation import GivenScorer, Validation, warn_of_other_scale
from fastmlp.training.problem import Problem
from fastmlp.training.solvers import SOLVERS, solvers_with_epochs


@dataclass(eq=False)
class Request:
    """One call of ``fit`` or ``partial_fit``.

    Attributes
    ----------
    model : estimator
    X, y, sample_weight
        As they were given.
    validation : tuple
        X_val, y_val and sample_weight_val as they were given.
    incremental : bool
        Whether this is ``partial_fit``.
    classes : array-like, list of array-like, or None
        As given to ``partial_fit``.
    """

    model: Any
    X: Matrix
    y: ArrayLike
    sample_weight: ArrayLike | None
    validation: tuple
    incremental: bool = False
    classes: ArrayLike | None = None

    def __post_init__(self):
        goes_on = self.incremental or self.model.warm_start
        self.before: Fit | None = self.model._fit if goes_on else None

    @property
    def max_iter(self) -> int:
        """The most epochs."""
        return 1 if self.incremental else self.model.max_iter

    @property
    def validates(self) -> bool:
        """Whether rows to validate on were given."""
        return self.validation[0] is not None

    @property
    def holds_out(self) -> bool:
        """Whether rows to validate on are to be taken from X."""
        return self.model.early_stopping and SOLVERS[self.model.solver].has_epochs and not self.validates


@dataclass(eq=False)
class Checked:
    """What a request asks to learn.

    Attributes
    ----------
    columns : Columns
    codec : Targets
    problem : Problem
        With all rows that weigh something.
    own_weight : ndarray of shape (n_samples,), or None
        The sample weights alone, without those of classes.
    callbacks : list of callable
    parameters : tuple
        As `check_parameters` returns them.
    is_unchanged : bool
        Whether parameters and codec are those of the fit that goes on.
    held_out : ndarray of intp, or None
        Rows of X to validate on.
    split_random_state : RandomState or None
        What they are drawn from.
    """

    columns: Columns
    codec: Targets
    problem: Problem
    own_weight: np.ndarray | None
    callbacks: list
    parameters: tuple
    is_unchanged: bool
    held_out: np.ndarray | None = None
    split_random_state: np.random.RandomState | None = None


def check_request(request: Request) -> Checked:
    """Check parameters and rows.

    Parameters
    ----------
    request : Request

    Returns
    -------
    Checked

    Raises
    ------
    ValueError
        If something of it is wrong; no network or randomness has been touched.
    """
    model, before = request.model, request.before
    parameters = check_parameters(model, () if before is None else before.checked)
    has_new_parameters = before is None or parameters is not before.checked
    check_validation_arguments(request)
    if not request.incremental or has_new_parameters:
        warn_of_what_is_ignored(request)
    if has_new_parameters:
        check_solver(model)
    callbacks = check_callbacks(model.callbacks)
    columns = None if before is None else before.columns
    dtype = _dtype_to_compute(request)
    columns, X, y, own_weight = check_rows(
        model, request.X, request.y, request.sample_weight, dtype, columns, is_part=request.incremental
    )
    codec = _codec_of(request, y, has_new_parameters)
    targets = codec.encode(y, X.dtype)
    weights = total_weight(codec, targets, own_weight, (targets, own_weight), X.dtype, is_part=request.incremental)
    rows = None if weights is None or np.all(weights) else np.flatnonzero(weights)
    problem = Problem(X, targets, weights, rows, codec.target_values)
    is_unchanged = before is not None and not has_new_parameters and codec is before.targets
    return Checked(columns, codec, problem, own_weight, callbacks, parameters, is_unchanged)


def _codec_of(request, y, has_new_parameters):
    codec: Any = None if request.before is None else request.before.targets
    may_stay = codec is not None and request.incremental and not has_new_parameters
    if may_stay and codec.goes_on_with(y, request.classes):
        return codec
    return request.model._recognize_targets(y, codec, request.incremental, request.classes, issparse(request.y))


def _dtype_to_compute(request):
    """The dtype of X, or a list of those that it may have."""
    wanted = request.model.dtype
    is_free = isinstance(wanted, str) and wanted == "auto"
    if request.before is None:
        return [np.float64, np.float32] if is_free else float_dtype(wanted)
    dtype = request.before.network.parameters.dtype
    if not is_free and float_dtype(wanted) != dtype:
        raise ValueError(
            f"dtype is {wanted!r}, but the model to continue computes in {dtype.name}; keep it, or set "
            "warm_start=False and use fit."
        )
    return dtype


def check_validation_arguments(request: Request) -> None:
    """Refuse rows to validate on that are not complete, are missing, or cannot be scored.

    Parameters
    ----------
    request : Request

    Raises
    ------
    ValueError
        If one of X_val and y_val is missing, or both where they are needed, or there is no such scorer.
    """
    if request.model.early_stopping and request.incremental and not request.validates:
        raise ValueError(
            "partial_fit does not support early_stopping=True without rows to validate on; pass X_val and y_val, "
            "set early_stopping=False, or use fit."
        )
    names = "X_val", "y_val", "sample_weight_val"
    given = [name for name, part in zip(names, request.validation, strict=True) if part is not None]
    if given and not {"X_val", "y_val"}.issubset(given):
        missing = next(name for name in names if name not in given)
        raise ValueError(f"{missing} is None, but {' and '.join(given)} came; pass X_val and y_val, or neither.")
    scorer_of(request.model)


def warn_of_what_is_ignored(request: Request) -> None:
    """Warn of parameters that do nothing in this call.

    No error, because a search may try them beside others with which they do.

    Parameters
    ----------
    request : Request
    """
    model = request.model
    has_epochs = SOLVERS[model.solver].has_epochs
    if model.early_stopping and not has_epochs:
        warn(
            f"early_stopping is True, which solver={model.solver!r} ignores: it holds out no rows, and ends where it "
            f"has converged. Set early_stopping=False, or use one of: {', '.join(solvers_with_epochs())}.",
            UserWarning,
        )
    if model.scoring is not None and not request.validates and not request.holds_out:
        remedy = ", set early_stopping=True" if has_epochs and not request.incremental else ""
        warn(
            f"scoring is {model.scoring!r}, which is ignored, because there are no rows to validate on. Pass X_val and "
            f"y_val{remedy}, or set scoring=None.",
            UserWarning,
        )


def total_weight(
    codec: Targets,
    targets: np.ndarray,
    sample_weight: np.ndarray | None,
    counted: tuple,
    dtype: np.dtype,
    *,
    is_part: bool = False,
) -> np.ndarray | None:
    """Sample weights times the weights of the classes, as the core reads them.

    Parameters
    ----------
    codec : Targets
    targets : ndarray
        Encoded.
    sample_weight : ndarray of shape (n_samples,), or None
    counted : tuple of ndarray
        Encoded targets and their sample weights, by whose frequencies 'balanced' goes.
    dtype : numpy.dtype
    is_part : bool, default=False
        As for `check_rows`.

    Returns
    -------
    ndarray of shape (n_samples,), or None for all ones

    Raises
    ------
    ValueError
        If they are 0 for all rows that are no part, or their sum or one divided by it is too large for the dtype.
    """
    weights = codec.weigh(targets, sample_weight, counted)
    if weights is None:
        return None
    with np.errstate(over="ignore", divide="ignore"):
        total = np.sum(weights, dtype=dtype)
        is_void = is_part and not np.any(weights)
        if not is_void and not (np.isfinite(total) and np.isfinite(1 / total)):
            names = "sample_weight" if weights is sample_weight else "sample_weight times class_weight"
            raise ValueError(f"{names} sums to {total:g}; scale it, so that its mean is near 1.")
    return for_core(weights.astype(dtype, copy=False))


def hold_out(request: Request, checked: Checked, random_state: np.random.RandomState) -> Checked:
    """Take rows to validate on out of those to learn from, if they are wanted.

    Parameters
    ----------
    request : Request
    checked : Checked
    random_state : RandomState

    Returns
    -------
    Checked

    Raises
    ------
    ValueError
        If there are too few rows, or too few of a class.
    """
    kept = None if request.before is None else request.before.split_random_state
    if not request.holds_out:
        checked.split_random_state = kept
        return checked
    problem, fraction = checked.problem, request.model.validation_fraction
    rows = np.arange(problem.n_rows, dtype=np.intp) if problem.rows is None else problem.rows
    strata = _strata(checked.codec, problem.targets, rows, fraction)
    # A fit that goes on draws from a copy, so that a failure leaves the one before as it was.
    drawn_from = random_state if kept is None else kept
    split_random_state = copy.deepcopy(drawn_from) if kept is None else kept
    if request.before is not None:
        drawn_from = copy.deepcopy(drawn_from)
    rows, held_out = train_test_split(rows, random_state=drawn_from, test_size=fraction, stratify=strata)
    return replace(
        checked,
        problem=replace(problem, rows=rows),
        held_out=held_out,
        split_random_state=split_random_state,
    )


def _strata(codec, targets, rows, fraction):
    """Classes in whose proportions rows are held out; None where that makes no sense, or there are too many."""
    n_validation = int(np.ceil(fraction * len(rows)))
    strata: Any = targets[rows] if targets.ndim == 1 else None
    counts: Any = np.zeros(0, int) if strata is None else np.bincount(strata)
    n_classes = np.count_nonzero(counts)
    if n_classes == 2 and 1 in counts:
        _refuse_rare_class(codec.classes, strata, counts)
    if n_validation < 2:
        raise ValueError(
            f"The validation set is too small: validation_fraction={fraction} of {len(rows)} "
            f"sample{'s' * (len(rows) > 1)} is {n_validation}, and 2 are needed. Increase 'validation_fraction' or "
            "the size of your dataset."
        )
    n_learnt, n_needed = len(rows) - n_validation, 2 if n_classes == 2 else 1
    if n_learnt < n_needed:
        raise ValueError(
            f"The training set is too small: validation_fraction={fraction} of {len(rows)} samples leaves {n_learnt}, "
            f"and {n_needed} {'are' if n_needed > 1 else 'is'} needed. Decrease 'validation_fraction' or pass "
            "more rows."
        )
    if n_classes > 2 and (1 in counts or min(n_validation, n_learnt) < n_classes):
        return None  # as scikit-learn always does with so many classes
    return strata


def _refuse_rare_class(classes, strata, counts):
    """Name the class that has one row, then say it by scikit-learn's words, which its tests look for."""
    (rare,) = classes[np.flatnonzero(counts == 1)[:1]].tolist()
    labels = strata.astype(bool) if np.array_equal(classes, [0, 1]) else classes[strata.astype(np.intp)]
    try:
        train_test_split(strata, stratify=labels[:, np.newaxis])
    except ValueError as error:
        raise ValueError(
            f"Class {rare!r} of y has only 1 member, and early_stopping needs 2, because it holds out rows of both "
            "classes. Pass more rows of it, pass X_val and y_val, or set early_stopping=False. scikit-learn says of "
            f"the split: {error}"
        ) from None


def validation_of(request: Request, checked: Checked, fit: Fit) -> Validation | None:
    """What judges the weights of the moment, on rows that were given or held out.

    Parameters
    ----------
    request : Request
        Its model shows `fit` already.
    checked : Checked
    fit : Fit

    Returns
    -------
    Validation or None

    Raises
    ------
    ValueError
        If the rows that were given cannot be used.
    """
    if request.validates:
        problem, given = _given_problem(request, checked, fit)
        if not request.incremental:  # a part of a stream need not be like the whole
            warn_of_other_scale(checked.problem, problem, fit.columns, is_regression=is_regressor(request.model))
    elif checked.held_out is not None:
        problem = replace(checked.problem, rows=checked.held_out, mean_weight=None)
        given = request.X, request.y, checked.own_weight
    else:
        return None
    scorer = scorer_of(request.model)
    if callable(scorer):
        scorer = GivenScorer(scorer, request.model, given, problem.rows)
    return Validation(fit.network, fit.targets, problem, scorer, request.model.n_jobs)


def _given_problem(request, checked, fit):
    model, codec, learnt = request.model, fit.targets, checked.problem
    dtype = fit.network.parameters.dtype
    try:
        X, y, sample_weight = request.validation
        _, X, y, own_weight = check_rows(model, X, y, sample_weight, dtype, fit.columns)
        targets = codec.encode(y, X.dtype)
        if targets.ndim != learnt.targets.ndim or targets.shape[1:] != learnt.targets.shape[1:]:
            raise ValueError(f"y has shape {y.shape}; pass the columns of the y that is trained on.")
        codec.check(targets)
        weights = total_weight(codec, targets, own_weight, (learnt.targets, checked.own_weight), X.dtype)
        rows = None if weights is None or np.all(weights) else np.flatnonzero(weights)
        problem = Problem(X, targets, weights, rows, codec.target_values)
        if problem.n_rows < 2 and is_regressor(model) and model.scoring is None:
            raise ValueError(
                f"R^2 of {problem.n_rows} row is not defined; pass two rows or more, or set scoring='loss'."
            )
    except (TypeError, ValueError) as error:
        raise ValueError(f"The rows to validate on, X_val and y_val, cannot be used: {error}") from error
    return problem, (*request.validation[:2], own_weight)
