"""L-BFGS on the flat parameters: SciPy decides the steps, the core computes cost and gradient."""

import math
from dataclasses import dataclass, field
from typing import Any, ClassVar, Self

import numpy as np
from scipy.optimize import minimize

from fastmlp._core._team import Team
from fastmlp._core._workspace import Workspace
from fastmlp._warn import warn_convergence
from fastmlp.network import Network
from fastmlp.training._threads import n_threads, team_of
from fastmlp.training.problem import Problem
from fastmlp.training.run import DivergenceError, History, Observers, Run
from fastmlp.training.snapshot import Snapshot
from fastmlp.training.solver import Solver

# Rows of one pass, and bytes of their outputs and derivatives: they bound the workspace, and are many enough for the
# products to run at full speed.
MAX_BATCH_ROWS = 4096
MAX_BATCH_BYTES = 1 << 28

# SciPy also stops where the cost changes by less than this share of itself. At the default tol, 1e-4, it is SciPy's own
# default; a smaller tol asks for more, and would ask in vain if this stayed.
LEAST_CHANGE = 2.220446049250313e-09

# By the status of SciPy's result; the others are a line search that found nothing better.
STOP_REASONS = {0: "converged", 1: "max_iter", 99: "callback"}


class PenalizedCost:
    """The cost of all rows with its L2 penalty, and its gradient, as functions of the parameters.

    Parameters
    ----------
    network : Network
        It has, after a call, the parameters of the call.
    problem : Problem
    alpha : float
    team : Team

    Attributes
    ----------
    workspace : Workspace
        Of all passes.
    first, first_slope : float
        The cost of the first call, and the largest component of its gradient; NaN before.
    """

    first = first_slope = math.nan

    def __init__(self, network: Network, problem: Problem, alpha: float, team: Team):
        self.network: Network = network
        self.alpha: float = alpha
        self.team: Team = team
        row_bytes = 2 * network.parameters.itemsize * sum(network.sizes)
        self._batches = problem.blocks(row_bytes, most_rows=MAX_BATCH_ROWS, most_bytes=MAX_BATCH_BYTES)
        self._n_rows = problem.n_rows
        first, plan = self._batches[0], network.core.plan
        self.workspace: Workspace = Workspace(plan, first, first.n_rows, backward=True, n_threads=team.n_threads)
        self._batch_gradient = np.zeros_like(network.parameters)  # what is not trained keeps its 0
        places = network.penalized(np.arange(len(network.parameters)))
        self._penalized = [(penalty, slice(w.flat[0], w.flat[-1] + 1)) for penalty, w in places]

    def __call__(self, parameters: np.ndarray) -> tuple[float, np.ndarray]:
        """Cost and gradient."""
        core = self.network.core
        core.parameters[:] = parameters
        cost, total_weight, gradient = 0.0, 0.0, np.zeros_like(parameters)
        for batch in self._batches:
            batch_cost, weight = core.backward(
                self.workspace, batch, self._batch_gradient, team=self.team, of_trained=True
            )
            with np.errstate(over="ignore", invalid="ignore"):  # divergence, which has a message of its own
                cost += weight * batch_cost
                gradient += weight * self._batch_gradient
            total_weight += weight
        share = min(1.0, total_weight / self._n_rows)  # so that penalties do not grow where weights are small
        for penalty, place in self._penalized:
            w, alpha = parameters[place], self.alpha * share * penalty
            cost += 0.5 * alpha * np.vdot(w, w)
            gradient[place] += alpha * w
        cost, gradient = cost / total_weight, gradient / total_weight
        if math.isnan(self.first):
            self.first, self.first_slope = float(cost), float(np.abs(gradient).max())
        return cost, gradient


@dataclass
class LBFGS(Solver):
    """Minimizes the penalized cost over all rows.

    Attributes
    ----------
    network : Network
    alpha : float
        Strength of the L2 penalty, alpha / 2 |W|^2 / max(rows, sum of the sample weights).
    max_fun : int
        The most evaluations of cost and gradient.
    tol : float
        Largest component of the gradient at which it has converged.
    n_jobs : int or None
        The most threads; None for as many as there are CPUs and the work pays for.
    history : History
        Its epochs are iterations.
    """

    has_epochs = False
    refuses: ClassVar = {
        "dropout": 0,
        "input_dropout": 0,
        "batch_norm": False,
        "l1": 0,
        "weight_decay": 0,
        "clip_norm": None,
    }
    calls_blas = announces_one_more = True
    random_state, batch_size, continues = None, 0, False

    network: Network
    alpha: float
    max_fun: int
    tol: float
    n_jobs: int | None = None
    history: History = field(default_factory=History)

    @classmethod
    def from_settings(
        cls,
        settings: Any,
        network: Network,
        n_rows: int,
        random_state: np.random.RandomState,
        *,
        history: History | None = None,
        before: Solver | None = None,
        one_epoch: bool = False,
        is_unchanged: bool = False,
    ) -> Self:
        """A solver that starts anew; only the history goes on."""
        history = History() if history is None else history.continued(cls.has_epochs)
        return cls(network, settings.alpha, settings.max_fun, settings.tol, settings.n_jobs, history)

    def train(self, problem: Problem, *, max_iter: int, observers: Observers | None = None) -> None:
        """Run up to `max_iter` iterations.

        As after every end, the network has the last parameters that were accepted if this raises DivergenceError.
        """
        observers = observers or Observers()
        self.history.begin_fit(observers, max_iter)
        comparable = self.history.loss_curve[self.history.loss_from :]
        self.history.keeps_best, self.history.best = False, min(comparable, default=math.inf)
        good = Snapshot(self.network)
        batch_rows, n_batches = min(problem.n_rows, MAX_BATCH_ROWS), -(-problem.n_rows // MAX_BATCH_ROWS)
        threads = n_threads(self.network.core.plan, self.n_jobs, batch_rows, max_iter * n_batches)
        try:
            with (
                Run(self.history, max_iter, observers, stop_reason="converged", unit="iteration") as run,
                team_of(threads) as team,
            ):
                cost = PenalizedCost(self.network, problem, self.alpha, team)
                self._minimize(cost, run, good, problem.n_rows)
        finally:
            good.restore()  # not the last point tried, which may be no good, but the last one accepted
        if self.history.stop_reason == "diverged":
            raise DivergenceError(run.divergence_message())
        if self.history.stop_reason == "max_time" and self.history.n_epochs == 0:
            warn_convergence(
                f"max_time={observers.max_time:g} was over before lbfgs had finished an iteration, so the model keeps "
                "the weights it had. Raise max_time, or choose a solver that takes steps over batches."
            )

    def _minimize(self, cost, run, good, n_rows):
        network, history = self.network, self.history
        is_first = not history.loss_curve

        def counted_cost(parameters):
            result = cost(parameters)
            history.n_samples_seen += n_rows
            return result

        def end_iteration(intermediate_result):
            loss = float(intermediate_result.fun)
            if not math.isfinite(loss):
                run.stop("diverged")
                raise StopIteration
            network.parameters[:] = intermediate_result.x  # for all who look at the model
            validation = run.validate(network)
            good.take()
            info = run.record(loss, validation)
            history.best = min(history.best, loss)
            run.show(info)
            if run.tell(info):
                raise StopIteration
            run.begin_epoch()

        # A fit that goes on has weights already that an iteration has accepted.
        cost.workspace.watcher = lambda: run.check_time(has_begun=history.n_epochs > 0 or not is_first)
        run.begin_epoch()
        result = minimize(
            counted_cost,
            network.parameters.astype(np.float64),
            method="L-BFGS-B",
            jac=True,
            callback=end_iteration,
            options={
                "maxiter": run.max_iter,
                "maxfun": self.max_fun,
                "gtol": self.tol,
                "ftol": LEAST_CHANGE * min(1, self.tol / 1e-4),
            },
        )
        if not run.stopped:
            run.stop(STOP_REASONS.get(result.status, "no_improvement"))
        if not (np.isfinite(result.fun) and np.isfinite(result.x).all()):
            run.stop("diverged")
        elif history.stop_reason in ("converged", "no_improvement"):
            self._report_standstill(cost, run, is_first=is_first)

    def _report_standstill(self, cost, run, *, is_first):
        """Note the loss of a fit that ends where it started, and warn where that is no minimum."""
        history, start = self.history, cost.first
        if not history.loss_curve:
            history.best = start
            history.loss_curve.append(start)
        stands_still = history.n_epochs == 0 or start - history.loss_curve[-1] <= LEAST_CHANGE * abs(start)
        # A fit that goes on may begin so near a minimum that its first step is lost in rounding.
        if cost.first_slope > self.tol and stands_still and (is_first or history.n_epochs == 0):
            warn_convergence(
                f"lbfgs failed to converge: it found no lower loss than that of the weights it began with, {start:g}, "
                f"although the gradient has a component of {cost.first_slope:g} there, and tol is {self.tol:g}. "
                f"{run.advice() or 'Raise tol, or scale X and large regression targets.'}"
            )

    def not_converged(self, max_iter: int, advice: str) -> str:
        """Message on the limits, either of which may have ended the fit."""
        return (
            f"lbfgs failed to converge after {self.history.n_epochs} iteration(s): it reached max_iter={max_iter} or "
            f"max_fun={self.max_fun}. {advice or 'Increase it, or scale X.'}"
        )
