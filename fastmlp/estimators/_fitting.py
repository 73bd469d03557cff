"""From what is to be learnt to a fit: network, solver, and the run that trains them."""

from dataclasses import replace
from functools import partial
from operator import is_
from typing import Any

import numpy as np

from fastmlp._blas_threads import one_blas_thread
from fastmlp._checks import check_random_state
from fastmlp._hold import held
from fastmlp._warn import warn_convergence
from fastmlp.estimators._callbacks import FitTasks, is_watched, with_callbacks
from fastmlp.estimators._fit import Fit
from fastmlp.estimators._parameters import KnownScoring, hidden_sizes, parameter_values
from fastmlp.estimators._problem import Checked, Request, check_request, hold_out, validation_of
from fastmlp.inspection._diagnose import fault_of_data, likeliest_fault, quick_evidence, worse_than_constant
from fastmlp.network import Network, check_activations, check_dropout, check_trainable
from fastmlp.training.callbacks import Callback
from fastmlp.training.problem import Problem
from fastmlp.training.run import DivergenceError, Observers, warn_interrupted
from fastmlp.training.solver import Solver
from fastmlp.training.solvers import SOLVERS, solvers_with_epochs


def learn(request: Request) -> None:
    """Train a model as a call of ``fit`` or ``partial_fit`` asks for.

    A later part of a stream in which no row has weight is no epoch, and changes nothing.

    While the fit runs, the model shows it, and keeps it in the end. After a failure it shows the earlier fit again,
    unless the new one has weights that are better than those, or goes on with those.

    Parameters
    ----------
    request : Request

    Raises
    ------
    ValueError
        If something is wrong with the request, or training diverges.
    """
    model, earlier = request.model, request.model._fit
    checked = check_request(request)
    if checked.problem.n_rows == 0:  # a part of a stream
        if request.before is None:
            raise ValueError(
                "partial_fit begins with rows whose weights, sample_weight times class_weight, are all 0; begin with "
                "other rows, and pass such as these later, where they change nothing."
            )
        return
    checked, fit, solver = begin(request, checked)
    model._show(fit)  # what scorers and callbacks look at from here on
    try:
        observers = observers_of(request, checked, fit)
    except BaseException:
        model._show(earlier)
        raise
    try:
        if is_watched(model):
            _train_as_task(model, request, checked.problem, solver, observers)
        else:
            _train(request, checked.problem, solver, observers)
        if not request.incremental:
            _add_importances(request, checked.problem, fit)
    except BaseException as error:
        if not _is_worth_keeping(fit, request, error, earlier):
            model._show(earlier)
        raise
    finally:
        if fit.history.stop_reason == "diverged":
            fit.solver = None  # its moments are no good either
    if not request.incremental:
        _warn_of_end(model, checked.problem, solver)


def _warn_of_end(model, problem, solver):
    """Warn of a fit that max_iter has ended, or that patience has ended before any weights were of use."""
    history = solver.history
    if history.stop_reason == "max_iter":
        warn_convergence(solver.not_converged(model.max_iter, _advice(likeliest_fault, model, problem)))
    elif history.stop_reason == "no_improvement" and history.keeps_best:
        evidence = quick_evidence(model, problem)
        worse = worse_than_constant(evidence)
        if worse is not None:
            cause = likeliest_fault(evidence)
            remedy = worse.change if cause is None or cause.name == worse.name else str(cause)
            warn_convergence(f"Early stopping ended training after {history.n_epochs} epochs: {worse.what} {remedy}")


def begin(request: Request, checked: Checked) -> tuple[Checked, Fit, Solver]:
    """The fit as it is before training.

    Parameters
    ----------
    request : Request
    checked : Checked

    Returns
    -------
    tuple of Checked, Fit and Solver
        The problem without the rows that are held out, and what will be trained on it.
    """
    model, before = request.model, request.before
    solver_before = None if before is None else before.solver
    if solver_before is None or solver_before.random_state is None:
        random_state = check_random_state(model.random_state)
    else:
        random_state = solver_before.random_state
    network = _network_of(request, checked, random_state)
    checked = hold_out(request, checked, random_state)
    # What comes in parts has no mean that is known: each row's weight counts as it is.
    checked.problem = checked.problem.in_steps(mean_weight=1.0 if request.incremental else None)
    solver = SOLVERS[model.solver].from_settings(
        model,
        network,
        checked.problem.n_rows,
        random_state,
        history=None if before is None else before.history,
        before=solver_before if before is not None and before.is_intact else None,
        one_epoch=request.incremental,
        is_unchanged=checked.is_unchanged,
    )
    fit = Fit(
        checked.columns,
        checked.codec,
        network,
        solver.history,
        solver,
        checked.split_random_state,
        moment_bytes=len(solver.moments) * network.parameters.nbytes,
        batch_rows=solver.batch_size,
        validates_on_given=request.validates,
        checked=checked.parameters,
    )
    return checked, fit, solver


def observers_of(request: Request, checked: Checked, fit: Fit) -> Observers:
    """Who judges and is told of a fit, each of them tried.

    Parameters
    ----------
    request : Request
    checked : Checked
    fit : Fit

    Returns
    -------
    Observers

    Raises
    ------
    ValueError
        If the rows to validate on, a scorer or a callback would fail in the course of the fit.
    """
    model, before = request.model, request.before
    validation = validation_of(request, checked, fit)
    # The parts of a stream are of one kind, and their losses are compared.
    loss_rows = None if request.incremental else (checked.problem.identity(), model.alpha, model.l1)
    validation_rows = None if validation is None else (validation.problem.identity(), KnownScoring(model.scoring))
    if validation is not None and (before is None or before.history.validation_rows != validation_rows):
        validation.check()
    callbacks = [*checked.callbacks, *getattr(model, "_skl_callbacks", [])]
    if callbacks:
        check_observing_callbacks(request, callbacks, fit, has_validation=validation is not None)
    return Observers(
        model,
        checked.callbacks,
        validate=validation,
        max_time=model.max_time,
        verbose=model.verbose,
        advise=None if request.incremental else partial(_advice, fault_of_data, model, checked.problem),
        loss_rows=loss_rows,
        validation_rows=validation_rows,
    )


def _advice(find, model, problem):
    finding = find(quick_evidence(model, problem))
    return "" if finding is None else str(finding)


def check_observing_callbacks(request: Request, callbacks: list, fit: Fit, *, has_validation: bool) -> None:
    """Check this package's callbacks, and let them rehearse where the fit before had not the same ones.

    Parameters
    ----------
    request : Request
    callbacks : list of callable
        All of the model's.
    fit : Fit
        It remembers what has been rehearsed.
    has_validation : bool

    Raises
    ------
    ValueError, OSError
        If a callback would fail in the course of the fit.
    """
    model = request.model
    own = [callback for callback in callbacks if isinstance(callback, Callback)]
    if not own:
        return
    for callback in own:
        callback.check(model, has_validation=has_validation)
    fit.rehearsed = (*parameter_values(model), *callbacks)
    before = () if request.before is None else request.before.rehearsed
    if len(before) != len(fit.rehearsed) or not all(map(is_, before, fit.rehearsed)):
        for callback in own:
            callback.rehearse(model)


def _train(request: Request, problem: Problem, solver: Solver, observers: Observers) -> None:
    network = solver.network
    calls_blas = solver.calls_blas or network.core.plan.uses_blas
    with held(network), one_blas_thread(needed=calls_blas):  # a shallow copy of the model shares the network
        solver.train(problem, max_iter=request.max_iter, observers=observers)


@with_callbacks
def _train_as_task(model: Any, request: Request, problem: Problem, solver: Solver, observers: Observers) -> None:
    """Train, and tell scikit-learn's callbacks of it."""
    max_epochs = request.max_iter + solver.announces_one_more
    tasks = FitTasks(model, max_epochs, request.X, request.y, request.sample_weight)
    callbacks = [*observers.callbacks, tasks.end_epoch]
    _train(request, problem, solver, replace(observers, callbacks=callbacks, before_epoch=tasks.begin_epoch))
    tasks.close()


def _add_importances(request, problem, fit):
    try:
        fit.importances = request.model._importances_after_fit(problem.X, problem.rows)
    except KeyboardInterrupt:  # as in training, it ends the fit and loses nothing
        warn_interrupted(f"{fit.history.n_epochs} epochs")


def _is_worth_keeping(fit, request, error, earlier):
    """Whether a fit that failed is better than the earlier one."""
    if request.before is not None:  # it has changed the earlier one's network
        return True
    # It has good weights, or at least there are no better ones than random.
    return isinstance(error, DivergenceError) and (fit.n_epochs_kept > 0 or earlier is None)


def _network_of(request: Request, checked: Checked, random_state: np.random.RandomState) -> Network:
    """A new network, or the one to go on with, that suits parameters and data."""
    model, before, codec, targets = request.model, request.before, checked.codec, checked.problem.targets
    if before is not None and before.is_intact and checked.is_unchanged:
        codec.check(targets)
        return before.network
    n_units = codec.out_activation.n_units(codec.n_outputs)
    if codec.out_activation.n_outputs(n_units) != codec.n_outputs:
        raise ValueError(
            f"out_activation {codec.out_activation.name!r} makes {codec.out_activation.n_outputs(n_units)} outputs of "
            f"{n_units} units, but {codec.n_outputs} are needed; define its n_units(n_outputs)."
        )
    sizes = (checked.columns.n_features, *hidden_sizes(model.hidden_layer_sizes), n_units)
    if before is None:
        network = Network(
            sizes,
            activation=model.activation,
            out_activation=codec.out_activation,
            loss=codec.loss,
            init=model.init,
            dropout=model.dropout,
            input_dropout=model.input_dropout,
            batch_norm=model.batch_norm,
            trainable=model.trainable,
            dtype=checked.problem.X.dtype.name,
            random_state=random_state,
        )
    else:
        network = before.network
        _check_unchanged(model, codec, sizes, network)
    network.check_trainable()
    n_targets = targets.shape[1] if targets.ndim == 2 else codec.n_outputs
    if network.n_targets != n_targets:
        raise ValueError(
            f"loss {network.loss.name!r} makes {network.n_targets} targets of {network.n_outputs} outputs, but y "
            f"has {n_targets}; use another loss, or define its n_targets(n_outputs) and n_outputs(n_targets)."
        )
    if SOLVERS[model.solver].refuses and network.is_random:
        raise ValueError(
            f"activation 'randomized_leaky_relu' draws its slopes anew in every pass, but solver={model.solver!r} "
            f"follows one fixed cost; use 'leaky_relu', or one of: {', '.join(solvers_with_epochs())}."
        )
    codec.check(targets)
    trainable = check_trainable(model.trainable, len(sizes) - 1)
    if trainable != network.trainable:
        network.trainable = trainable
    return network


def _check_unchanged(model, codec, sizes, network):
    """Refuse to go on with another network than the one there is."""
    n_hidden = len(sizes) - 2
    for name, is_now, was in [
        ("layer sizes", sizes, network.sizes),
        ("hidden activations", check_activations(model.activation, n_hidden), network.activations_),
        ("output and loss", (codec.out_activation, codec.loss), (network.out_activation, network.loss)),
        ("dropout", check_dropout(model.dropout, n_hidden), network.dropout),
        ("input_dropout", model.input_dropout, network.input_dropout),
        ("batch_norm", model.batch_norm, network.batch_norm),
    ]:
        if is_now != was:
            raise ValueError(
                f"The model to continue has {name} {was}, but data and parameters now ask for {is_now}; keep them, or "
                "set warm_start=False and use fit."
            )
