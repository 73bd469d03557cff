"""Stochastic solvers: steps of an optimizer over shuffled mini-batches."""

import copy
import math
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from fastmlp._core._data import Data
from fastmlp._core._team import Team
from fastmlp._core._training import Training
from fastmlp._core._workspace import Workspace, workspace_kind
from fastmlp._warn import warn, warn_convergence
from fastmlp.network import Network, writeable
from fastmlp.training._threads import n_threads, team_of
from fastmlp.training.callbacks import EpochInfo
from fastmlp.training.optimizers import SOLVERS, Optimizer
from fastmlp.training.problem import Problem, checksum
from fastmlp.training.run import DivergenceError, History, Observers, Run, TimeIsUpError
from fastmlp.training.schedules import Constant, schedule_from_settings
from fastmlp.training.snapshot import Snapshot
from fastmlp.training.solver import Solver
from fastmlp.training.stopping import Patience

# Parameters of an estimator that optimizer and schedule are made of.
RATE_PARAMETERS = (
    "solver",
    "learning_rate",
    "learning_rate_init",
    "power_t",
    *dict.fromkeys(name for optimizer in SOLVERS.values() for name in optimizer.settings),
)

# Step sizes are handed over for this many batches at once: whole epochs as a rule, and half a megabyte at most.
BATCHES_PER_CALL = 1 << 16
# Rows by which an epoch's last step is judged: few, because there may be an epoch in every call.
ROWS_TO_JUDGE_LAST_STEP = 8


@dataclass
class Trainer(Solver):
    """Trains one network; what it remembers lets a later call continue where this one ended.

    Attributes
    ----------
    network : Network
    optimizer : Optimizer
    schedule : Constant or a subclass
    patience : Patience
        Watches the validation score if the best weights are kept, else the training loss.
    alpha, l1 : float
        Strengths of the penalties (alpha / 2 |W|^2 + l1 sum |W|) / n on top of the mean loss of a batch; n is its rows,
        times the mean weight of all rows where that is above 1 (S12).
    weight_decay : float
        Each step first shrinks the weights by the factor 1 - learning_rate weight_decay.
    clip_norm : float or None
        A longer gradient of a batch's loss, before penalties, is scaled down to this length.
    batch_size : int
        Rows of each step, at most all there are; the last batch of an epoch may be shorter.
    shuffle : bool
        Whether each epoch visits the rows in a new random order.
    random_state : RandomState
        For that order, dropout and random slopes.
    continues : bool
        Whether a later call may go on from here, which then takes the rows in the order that this one left them in.
    keep_best : bool
        Whether the network has, in the end, the weights with the best validation score; training goes on from the last.
    n_jobs : int or None
        The most threads; None for as many as there are CPUs and the work pays for.
    history : History
    rate_settings : tuple
        Parameters that made optimizer and schedule; a change of one of them starts both anew.
    """

    network: Network
    optimizer: Optimizer
    schedule: Constant
    patience: Patience
    alpha: float
    l1: float
    weight_decay: float
    clip_norm: float | None
    batch_size: int
    shuffle: bool
    random_state: np.random.RandomState
    continues: bool = False
    keep_best: bool = False
    n_jobs: int | None = None
    history: History = field(default_factory=History)
    rate_settings: tuple[Any, ...] = ()
    # With keep_best: the best weights while training runs, the last ones in between.
    _kept_weights: Snapshot | None = field(default=None, init=False, repr=False)
    # Places among the rows, in the order in which the last epoch took them.
    _order: np.ndarray | None = field(default=None, init=False, repr=False)
    _is_running: bool = field(default=False, init=False, repr=False)
    # Checksum of the network as training left it; None while it runs, or where that is not asked for.
    _left: int | None = field(default=None, init=False, repr=False)
    _asks_for_edits: bool = field(default=False, init=False, repr=False)
    _workspace: Workspace | None = field(default=None, init=False, repr=False)

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
    ) -> "Trainer":
        """A trainer that goes on with optimizer, schedule and all that is remembered, where there is one before."""
        batch_size = batch_size_for(
            settings, n_rows, goes_on_by_a_row=history is not None and one_epoch and n_rows == 1
        )
        before = before if isinstance(before, Trainer) else None
        if before is not None and before.continues and is_unchanged and one_epoch:
            before.batch_size = batch_size
            before.schedule.extend(0)
            return before
        rate_settings = tuple([getattr(settings, name) for name in RATE_PARAMETERS])
        if before is not None and rate_settings == before.rate_settings:
            optimizer, schedule = before.optimizer, copy.copy(before.schedule)
            schedule.extend(0 if one_epoch else settings.max_iter)
        else:
            optimizer = SOLVERS[settings.solver].from_settings(network.parameters, settings)
            schedule = schedule_from_settings(settings)
        watches_loss = not settings.early_stopping or settings.scoring == "loss"
        patience = Patience(
            settings.tol,
            settings.n_iter_no_change,
            higher_is_better=settings.early_stopping,
            n_terms=network.n_outputs if watches_loss and network.loss.sums_outputs else 1,
        )
        trainer = cls(
            network,
            optimizer,
            schedule,
            patience,
            alpha=settings.alpha,
            l1=settings.l1,
            weight_decay=settings.weight_decay,
            clip_norm=settings.clip_norm,
            batch_size=batch_size,
            shuffle=settings.shuffle,
            random_state=random_state,
            continues=one_epoch or settings.warm_start,
            keep_best=settings.early_stopping,
            n_jobs=settings.n_jobs,
            rate_settings=rate_settings,
        )
        if before is not None:
            trainer.continue_from(before)
        elif history is not None:
            trainer.history = history.continued(cls.has_epochs)
            trainer.history.start_anew()
        return trainer

    @property
    def moments(self) -> list[np.ndarray]:
        """The optimizer's moments."""
        return self.optimizer.moments

    def train(self, problem: Problem, *, max_iter: int, observers: Observers | None = None) -> None:
        """Run up to `max_iter` epochs.

        It raises DivergenceError only where there are no best weights to keep. The network then has the weights of the
        last epoch before that.
        """
        self._go_on(observers or Observers(), max_iter)
        self.history.keeps_best, self.history.best = self.keep_best, self.patience.best
        order, taken = self._orders(problem)
        data = problem.data(taken)
        good = self._begin()
        try:
            with Run(self.history, max_iter, observers) as run, team_of(self._n_threads(data, max_iter)) as team:
                steps = self._steps(data, team)
                steps.workspace.watcher = lambda: run.check_time(has_begun=steps.n_taken > 0)
                for _ in range(max_iter):
                    run.begin_epoch()
                    self._shuffle(problem, order, taken)
                    if not self._train_epoch(run, steps, data, good):
                        break
                # No epoch's score was a finite number.
                if self.keep_best and self.history.best_epoch is None and not run.left_validation:
                    run.stop("diverged")
        finally:
            self._end(good)
        if self.history.stop_reason == "diverged":
            self._report_divergence(run)

    def _go_on(self, observers: Observers, max_iter: int) -> None:
        """Start patience, and what is the best, anew where they do not hold any more.

        They hold for the rows that they were measured on, and for weights that training has left. Training that has run
        out of patience is over, so that a later one begins with the weights that the model shows; but not one of a
        single epoch, as ``partial_fit`` is, because n of these are one training.
        """
        loss_changed, validation_changed = self.history.begin_fit(observers, max_iter)
        is_new = validation_changed if self.keep_best else loss_changed
        # Not for a row at a time, where it would take as long as the step.
        self._asks_for_edits = (observers.validation_rows if self.keep_best else observers.loss_rows) is not None
        is_edited = self._asks_for_edits and self._left is not None and self._left != self._checksum()
        self._left = None
        if is_edited or (self.patience.exhausted and max_iter > 1):
            self.history.start_anew()
            is_new = True
        if is_new:
            self._kept_weights = None
            self.patience.start()
            self.schedule.patience_starts()
        if math.isinf(self.patience.best):
            self.history.best_epoch = None

    def _checksum(self) -> int | None:
        return checksum(self.network.parameters, self.network.statistics) if self._asks_for_edits else None

    def _orders(self, problem):
        """The places that each epoch shuffles further, and the rows of X at these places; None as they lie."""
        if not self.shuffle:
            return None, None
        if self._order is None or len(self._order) != problem.n_rows:
            self._order = np.arange(problem.n_rows, dtype=np.intp)
        return self._order, self._order if problem.rows is None else problem.rows.copy()

    def _shuffle(self, problem, order, taken):
        if order is None:
            return
        self.random_state.shuffle(order)
        if taken is not order:
            np.take(problem.rows, order, out=taken)

    def _n_threads(self, data: Data, max_iter: int) -> int:
        """As many threads as pay for all steps."""
        n_steps = max_iter * -(-data.n_rows // self.batch_size)
        return n_threads(self.network.core.plan, self.n_jobs, self.batch_size, n_steps)

    def _steps(self, data: Data, team: Team) -> Training:
        return Training(self.network.core, self._workspace_for(data, team.n_threads), data, team, self)

    def _train_epoch(self, run: Run, steps: Training, data: Data, good: Snapshot) -> bool:
        """Train for one epoch, and let it be judged and told; whether there may be another one."""
        learning_rate, n_seen = self.schedule.learning_rate, self.history.n_samples_seen
        loss = self._take_steps(run, steps, data.n_rows)
        # A step finds out whether the one before was good, and the last one is judged here.
        if not (math.isfinite(loss) and steps.is_finite(ROWS_TO_JUDGE_LAST_STEP)):
            run.stop("diverged")
            self.history.n_samples_seen = n_seen
            return False
        info = run.record(loss, run.validate(self.network), learning_rate=learning_rate)
        self._keep(info, good, run)
        run.show(info)
        self.schedule.epoch_ends(self.history.n_samples_seen)
        if self.patience.exhausted and not self._lower_learning_rate(run):
            run.stop("no_improvement")
        return not run.tell(info)

    def _take_steps(self, run, steps, n_rows):
        """Mean cost of one pass over the data; NaN or infinite as soon as one batch's is.

        The pass is cut short when the time is up. Whatever ends it, the steps taken, and their rows, are counted.
        """
        n_batches = -(-n_rows // self.batch_size)
        # One number for the epoch, and only where something is random: the order of rows stays scikit-learn's.
        seed = self.random_state.randint(2**31 - 1) << 32 if self.network.is_random else 0
        total, n_taken = 0.0, 0
        for first in range(0, n_batches, BATCHES_PER_CALL):
            sizes = self._sizes(first, n_batches)
            try:
                steps.run_steps(first * self.batch_size, sizes, seed + first)
            except TimeIsUpError:
                run.stop("max_time")
            finally:
                n_rows_taken = min(steps.n_taken * self.batch_size, n_rows - first * self.batch_size)
                self.optimizer.n_steps += steps.n_taken
                self.history.n_samples_seen += n_rows_taken
            total, n_taken = total + steps.total, n_taken + n_rows_taken
            if run.stopped or not math.isfinite(total):
                break
        return total / max(n_taken, 1)

    def _sizes(self, first, n_batches):
        """Step size, and the factor by which weights shrink before it, of steps `first` on of an epoch."""
        rates = self.schedule.rates(first, min(BATCHES_PER_CALL, n_batches - first), n_batches)
        sizes = np.empty((len(rates), 2))
        sizes[:, 0], sizes[:, 1] = self.optimizer.step_sizes(rates), 1
        if self.weight_decay == 0:
            return sizes
        if self.weight_decay * rates.max() >= 1:
            raise ValueError(
                f"weight_decay is {self.weight_decay:g} and learning_rate reaches {rates.max():g}, whose product, "
                "the share of the weights that each step takes away, has to be less than 1; lower one of them."
            )
        sizes[:, 1] -= self.weight_decay * rates
        return sizes

    def _keep(self, info: EpochInfo, good: Snapshot, run: Run) -> None:
        """Copy the weights of an epoch, if they are the best or each epoch's are kept."""
        if self.keep_best and run.left_validation:
            return
        value = info.validation_score if self.keep_best else info.loss
        is_best = value is not None and self.patience.update(value)
        self.history.best = self.patience.best
        if is_best and self.keep_best:
            self.history.best_epoch = len(self.history.loss_curve)
        # Nothing can spoil the weights after an epoch that is the last and unwatched.
        if is_best if self.keep_best else not run.ends_unwatched:
            good.take()

    def _lower_learning_rate(self, run):
        lowered = self.schedule.plateau_reached()
        if lowered:
            self.patience.count = 0
        action = f"Setting learning rate to {self.schedule.learning_rate:f}" if lowered else "Stopping."
        run.say(f"{self.patience} {action}")
        return lowered

    def _begin(self) -> Snapshot:
        """The weights to go back to, and, where the best are kept, those of the last epoch in the network."""
        if self._kept_weights is None:
            good = Snapshot(self.network)
        else:
            good = self._kept_weights
            if not self._is_running:  # as in a model that was pickled by a callback
                good.exchange()
        if self.keep_best:
            self._kept_weights = good
        self._is_running = True
        return good

    def _end(self, good: Snapshot) -> None:
        """Leave the best weights in the network, or good ones."""
        self._is_running = False
        if self._workspace is not None:
            self._workspace.watcher = None
        if self.keep_best:
            if self.history.best_epoch is None and self.history.stop_reason != "diverged":
                good.take()  # no epoch was validated in time: what the last step has left is better than nothing
            good.exchange()
        elif self.history.stop_reason == "diverged" or not self.network.core.all_finite():
            good.restore()
        if not self.continues:  # as much as the parameters, and 8 bytes a row
            self._kept_weights = self._order = None
        self._left = self._checksum()

    def _report_divergence(self, run: Run) -> None:
        if not self.keep_best:
            raise DivergenceError(run.divergence_message())
        if self.history.best_epoch is None:
            raise DivergenceError(run.divergence_message(kept="the weights it had before", epoch=1))
        self.history.validation_scores.append(math.nan)
        self.history.validation_losses.append(math.nan)
        warn_convergence(run.divergence_message(kept="the weights with the best validation score"))

    def not_converged(self, max_iter: int, advice: str) -> str:
        """Message that begins as scikit-learn's does, by which programs may filter it."""
        return (
            f"Stochastic Optimizer: Maximum iterations ({max_iter}) reached and the optimization hasn't converged yet. "
            f"{advice or 'Increase max_iter, or scale X, or change learning_rate_init.'}"
        )

    def continue_from(self, before: "Trainer") -> None:
        """Take over another trainer's history, patience, place in the data and memory.

        Parameters
        ----------
        before : Trainer
            A trainer of the same network.
        """
        self.history = before.history
        self._workspace, self._order, self._left = before._workspace, before._order, before._left
        if before.patience.higher_is_better == self.patience.higher_is_better:
            self.patience.best, self.patience.count = before.patience.best, before.patience.count
            self._kept_weights, self._is_running = before._kept_weights, before._is_running

    @contextmanager
    def as_ended(self) -> Iterator[None]:
        """While a fit runs: the network as it would be if training ended here, for as long as the context lasts."""
        if not self._is_running:
            yield
            return
        best = self._kept_weights if self.keep_best else None
        if best is not None:
            best.exchange()
        self._is_running, self._left = False, self._checksum()
        try:
            yield
        finally:
            if best is not None:
                best.exchange()
            self._is_running, self._left = True, None

    def _workspace_for(self, data, n_threads):
        """The last call's workspace if it fits, because filling new pages costs more than a small epoch."""
        needed = (self.network.core.plan, data, self.batch_size, True, True, n_threads)
        if self._workspace is None or self._workspace.kind != workspace_kind(*needed):
            self._workspace = Workspace(*needed)
        return self._workspace

    def __getstate__(self) -> dict[str, Any]:
        left = self._checksum() if self._is_running and self._left is None else self._left
        return {**self.__dict__, "_workspace": None, "_left": left}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        if self._order is not None:
            self._order = writeable(self._order)


def batch_size_for(settings: Any, n_rows: int, *, goes_on_by_a_row: bool) -> int:
    """Rows of each step.

    Parameters
    ----------
    settings : object
        With the estimators' ``batch_size`` and ``batch_norm``.
    n_rows : int
        Rows to learn from.
    goes_on_by_a_row : bool
        Whether a network that has been trained goes on by one row, which its running statistics normalize.

    Returns
    -------
    int
        At most `n_rows`.

    Raises
    ------
    ValueError
        If batches are to be normalized and have one row.
    """
    batch_size = min(200, n_rows) if settings.batch_size == "auto" else settings.batch_size
    if batch_size > n_rows:
        warn(
            f"Got `batch_size` larger than sample size ({batch_size} > {n_rows}). It is going to be clipped.",
            UserWarning,
        )
    if settings.batch_norm and min(batch_size, n_rows) == 1 and not goes_on_by_a_row:
        raise ValueError(
            "batch_norm=True needs batches of at least two samples, but they have one sample; raise batch_size, "
            "pass more rows, or set batch_norm=False."
        )
    return min(batch_size, n_rows)
