"""L-BFGS on the flat parameters: SciPy decides the steps, the core computes cost and gradient."""

import math
import time

import numpy as np
from scipy.optimize import minimize

from fastmlp._core._data import Data
from fastmlp._core._workspace import Workspace
from fastmlp.network import Network
from fastmlp.training._progress import progress_of
from fastmlp.training.callbacks import EpochInfo
from fastmlp.training.loop import History, Observers, warn_interrupted

# Rows of one pass: bounds the workspace, and is many enough for the products to run at full speed.
MAX_BATCH_ROWS = 4096

# SciPy also stops where the cost changes by less than this share of itself. At the default tol, 1e-4, it is SciPy's own
# default; a smaller tol asks for more, and would ask in vain if this stayed.
LEAST_CHANGE = 2.220446049250313e-09

# By the status of SciPy's result; the others are a line search that found nothing better.
STOP_REASONS = {0: "converged", 1: "max_iter", 99: "callback"}


def train(
    network: Network,
    X: np.ndarray,
    targets: np.ndarray,
    sample_weight: np.ndarray | None,
    rows: np.ndarray | None,
    *,
    target_values: tuple[float, float],
    alpha: float,
    max_iter: int,
    max_fun: int,
    tol: float,
    history: History,
    observers: Observers,
) -> None:
    """Minimize the penalized cost over all rows, in place.

    Parameters
    ----------
    network : Network
    X, targets, sample_weight, rows, target_values
        As for ``Data``.
    alpha : float
        Strength of the L2 penalty, alpha / 2 |W|^2 / (sum of the sample weights).
    max_iter, max_fun : int
        The most iterations and evaluations.
    tol : float
        Largest component of the gradient at which it has converged.
    history : History
        Goes on here, its epochs being iterations. Its stop_reason becomes converged, max_iter, max_time, no_improvement
        (the line search found none), callback, interrupted, diverged or failed; in every case the network has the last
        parameters that were accepted.
    observers : Observers
        They are told of iterations as of epochs.
    """
    if rows is None:
        rows = np.arange(X.shape[0], dtype=np.intp)
    batches = [
        Data(X, targets, sample_weight, rows[first : first + MAX_BATCH_ROWS], *target_values)
        for first in range(0, len(rows), MAX_BATCH_ROWS)
    ]
    workspace = Workspace(network.core.plan, batches[0], batches[0].n_rows, backward=True)
    batch_gradient = np.empty_like(network.parameters)

    def cost_and_gradient(parameters):
        network.parameters[:] = parameters
        history.n_samples_seen += len(rows)
        cost, total_weight, gradient = 0.0, 0.0, np.zeros_like(parameters)
        for batch in batches:
            batch_cost, weight = network.core.backward(workspace, batch, batch_gradient)
            cost += weight * batch_cost
            gradient += weight * batch_gradient
            total_weight += weight
        for w, w_gradient in zip(network.split(parameters).coefs, network.split(gradient).coefs, strict=True):
            cost += 0.5 * alpha * np.vdot(w, w)
            w_gradient += alpha * w
        return cost / total_weight, gradient / total_weight

    history.n_epochs, history.stop_reason = 0, "converged"
    good_parameters = network.parameters.copy()
    progress = progress_of(max_iter) if observers.verbose else None
    deadline = math.inf if observers.max_time is None else time.monotonic() + observers.max_time

    def record(intermediate_result):
        loss, parameters = float(intermediate_result.fun), intermediate_result.x
        if np.isfinite(loss):
            # Nothing here lets a signal in between the two, so an interrupted fit has the weights of its last loss.
            good_parameters[:] = parameters
            history.loss_curve.append(loss)
            history.n_epochs += 1
        network.parameters[:] = parameters  # for all who look at the model
        score = validation_loss = None
        if observers.validate is not None:
            score, validation_loss = observers.validate()
            history.add_validation(score, validation_loss)
        info = EpochInfo(history.n_epochs, max_iter, loss, score, validation_loss, model=observers.model)
        if progress is not None:
            progress.report(info)
        stop_requests = [callback(info) for callback in observers.callbacks]
        if any(stop_requests):
            raise StopIteration
        if time.monotonic() >= deadline:
            history.stop_reason = "max_time"
            raise StopIteration
        if observers.before_epoch is not None:
            observers.before_epoch()

    if observers.before_epoch is not None:
        observers.before_epoch()
    try:
        result = minimize(
            cost_and_gradient,
            network.parameters.astype(np.float64),
            method="L-BFGS-B",
            jac=True,
            callback=record,
            options={"maxiter": max_iter, "maxfun": max_fun, "gtol": tol, "ftol": LEAST_CHANGE * min(1, tol / 1e-4)},
        )
    except KeyboardInterrupt:
        history.stop_reason = "interrupted"
        warn_interrupted(f"{history.n_epochs} iterations")
    except BaseException:
        history.stop_reason = "failed"
        raise
    else:
        if history.stop_reason != "max_time":
            history.stop_reason = STOP_REASONS.get(result.status, "no_improvement")
        if not (np.isfinite(result.fun) and np.isfinite(result.x).all()):
            history.stop_reason = "diverged"
    finally:
        if progress is not None:
            progress.close()
        # Not the last point tried, which may be no good, but the last one accepted.
        network.parameters[:] = good_parameters
    if history.stop_reason == "converged" and not history.loss_curve:  # where it started
        history.loss_curve.append(float(result.fun))
