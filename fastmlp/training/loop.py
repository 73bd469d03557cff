"""The training loop: epochs over shuffled mini-batches, until something says stop."""

import math
import time
from collections.abc import Callable, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from sklearn.exceptions import ConvergenceWarning

from fastmlp._core._data import Data
from fastmlp._core._training import Training
from fastmlp._core._workspace import Workspace, workspace_kind
from fastmlp._threads import n_threads, team_of
from fastmlp._warn import warn
from fastmlp.network import Network, writeable
from fastmlp.training._progress import progress_of
from fastmlp.training.callbacks import EpochInfo
from fastmlp.training.optimizers import Optimizer
from fastmlp.training.schedules import Constant
from fastmlp.training.stopping import Patience

# Step sizes are handed over for this many batches at once: whole epochs as a rule, and half a megabyte at most.
BATCHES_PER_CALL = 1 << 16
EXCHANGE_BLOCK = 1 << 16
# Rows by which an epoch's last step is judged: few, because there may be an epoch in every call.
ROWS_TO_JUDGE_LAST_STEP = 8


class DivergenceError(ValueError):
    """The loss or a weight became NaN or infinite."""


def divergence_message(moment: str, kept: str) -> str:
    """What happened in an epoch or iteration, what the model keeps, and what to try."""
    return (
        f"Training diverged in {moment}: the loss or a weight became NaN or infinite. Solver produced non-finite "
        "parameter weights. The input data may contain large values and need to be preprocessed: scale X (for example "
        f"with StandardScaler), scale large regression targets, or lower learning_rate_init. The model keeps {kept}."
    )


def warn_interrupted(progress: str) -> None:
    """Say that the user ended training, and after how much of it."""
    warn(f"Training interrupted by user after {progress}; the model keeps what it has learnt.", UserWarning)


@dataclass
class History:
    """What training has gone through.

    Attributes
    ----------
    loss_curve, validation_scores, validation_losses, learning_rates : list of float
        One value an epoch, over all fits that continue each other; those of validation up to the last epoch that had
        one, and NaN for earlier ones without.
    best_epoch : int or None
        The epoch of those whose weights are kept, from 1; None where it is the last.
    n_samples_seen : int
        Over all those fits.
    n_epochs : int
        Of the last fit.
    stop_reason : str
        Of the last fit (S21): max_iter, max_time, no_improvement, callback, interrupted, diverged, failed (a callback,
        or a loss or activation in Python, raised), or converged (lbfgs).
    """

    loss_curve: list[float] = field(default_factory=list)
    validation_scores: list[float] = field(default_factory=list)
    validation_losses: list[float] = field(default_factory=list)
    learning_rates: list[float] = field(default_factory=list)
    best_epoch: int | None = None
    n_samples_seen: int = 0
    n_epochs: int = 0
    stop_reason: str = ""

    def add_validation(self, score: float, loss: float) -> None:
        """Note what rows to validate on gave after the last epoch."""
        for curve, value in ((self.validation_scores, score), (self.validation_losses, loss)):
            curve += [math.nan] * (len(self.loss_curve) - 1 - len(curve)) + [value]


@dataclass
class Observers:
    """Who judges, is told of, and may end a fit.

    Attributes
    ----------
    model : estimator
        That is being trained.
    callbacks : sequence of callable
        Each is called after every epoch with an `EpochInfo`; any true return value ends training.
    before_epoch : callable, default=None
        Called before every epoch.
    validate : callable, default=None
        Returns (score, mean loss) on held-out rows, by the current weights.
    max_time : float or None, default=None
        Seconds after which no further epoch begins.
    verbose : bool, default=False
        Whether to show progress.
    """

    model: Any = None
    callbacks: Sequence[Callable[[EpochInfo], bool | None]] = ()
    before_epoch: Callable[[], None] | None = None
    validate: Callable[[], tuple[float, float]] | None = None
    max_time: float | None = None
    verbose: bool = False


class Snapshot:
    """A copy of what training changes in a network, to go back to.

    Parameters
    ----------
    network : Network
    """

    def __init__(self, network: Network):
        self.network = network
        self.parameters, self.statistics = network.parameters.copy(), network.statistics.copy()

    def take(self) -> None:
        """Copy the network as it is."""
        self.parameters[:], self.statistics[:] = self.network.parameters, self.network.statistics

    def restore(self) -> None:
        """Make the network what it was."""
        self.network.parameters[:], self.network.statistics[:] = self.parameters, self.statistics

    def exchange(self) -> None:
        """Make the network what it was, and keep what it is."""
        for ours, theirs in (
            (self.parameters, self.network.parameters),
            (self.statistics, self.network.statistics),
        ):
            for start in range(0, len(ours), EXCHANGE_BLOCK):  # not all at once, which would take a third array
                block = slice(start, start + EXCHANGE_BLOCK)
                ours[block], theirs[block] = theirs[block], ours[block].copy()

    def __setstate__(self, state):
        self.__dict__.update(state)
        self.parameters, self.statistics = writeable(self.parameters), writeable(self.statistics)


@dataclass
class Trainer:
    """Trains one network; what it remembers lets a later call continue where this one ended.

    Attributes
    ----------
    network : Network
    optimizer : Optimizer
    schedule : Constant or a subclass
    patience : Patience
        Watches the validation score if the best weights are kept, else the training loss.
    alpha, l1 : float
        Strengths of the penalties (alpha / 2 |W|^2 + l1 sum |W|) / (sum of a batch's sample weights) on top of its mean
        loss, alpha's as in scikit-learn (S12).
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
    # With keep_best: the best weights while training runs, the last ones in between.
    _other: Snapshot | None = field(default=None, init=False, repr=False)
    # In which the last epoch took its rows: places among them.
    _order: np.ndarray | None = field(default=None, init=False, repr=False)
    _is_running: bool = field(default=False, init=False, repr=False)
    _workspace: Workspace | None = field(default=None, init=False, repr=False)

    def train(
        self,
        X: np.ndarray,
        targets: np.ndarray,
        sample_weight: np.ndarray | None,
        rows: np.ndarray | None,
        *,
        max_iter: int,
        target_values: tuple[float, float] = (0.0, 1.0),
        observers: Observers | None = None,
    ) -> None:
        """Run up to `max_iter` epochs.

        Parameters
        ----------
        X, targets, sample_weight
            As for ``Data``.
        rows : ndarray of intp, or None
            Rows to learn from, in the order to take them unless they are shuffled. None: all as they lie.
        max_iter : int
            The most epochs.
        target_values : tuple of float, default=(0.0, 1.0)
            What targets 0 and 1 become, as for ``Data``.
        observers : Observers, default=None

        Raises
        ------
        DivergenceError
            Without best weights to keep, when the loss or a weight becomes NaN or infinite. The network then has the
            weights of the last epoch before that.
        """
        core, history = self.network.core, self.history
        observers = observers or Observers()
        order, taken = None, rows
        if self.shuffle:
            order = self._order_to_shuffle(X.shape[0] if rows is None else len(rows))
            taken = order if rows is None else rows.copy()
        data = Data(X, targets, sample_weight, taken, *target_values)
        n_steps, is_random = max_iter * -(-data.n_rows // self.batch_size), self.network.is_random
        good = self._begin()
        history.n_epochs, history.stop_reason = 0, "max_iter"
        progress = progress_of(max_iter) if observers.verbose else None
        deadline = math.inf if observers.max_time is None else time.monotonic() + observers.max_time
        try:
            with team_of(n_threads(core.plan, self.n_jobs, self.batch_size, n_steps)) as team:
                steps = Training(
                    core,
                    self._workspace_for(data, team.n_threads),
                    data,
                    team,
                    self.optimizer,
                    self.batch_size,
                    self.l1,
                    self.alpha,
                    np.inf if self.clip_norm is None else self.clip_norm,
                )
                for epoch in range(1, max_iter + 1):
                    if observers.before_epoch is not None:
                        observers.before_epoch()
                    if self.shuffle:
                        self.random_state.shuffle(order)
                        if taken is not order:
                            np.take(rows, order, out=taken)
                    learning_rate = self.schedule.learning_rate
                    loss = self._run_epoch(steps, data.n_rows, is_random)
                    if not (math.isfinite(loss) and self._last_step_was_good(data)):
                        history.stop_reason = "diverged"
                        break
                    score, validation_loss = (None, None) if observers.validate is None else observers.validate()
                    self._record(epoch, data.n_rows, loss, learning_rate, score, validation_loss)
                    is_best = self.patience.update(score if self.keep_best else loss)
                    if is_best and self.keep_best:
                        history.best_epoch = len(history.loss_curve)
                    if is_best or not self.keep_best:
                        good.take()
                    info = EpochInfo(epoch, max_iter, loss, score, validation_loss, learning_rate, observers.model)
                    if progress is not None:
                        progress.report(info)
                    self.schedule.epoch_ends(history.n_samples_seen)
                    if self.patience.exhausted and not self._lower_learning_rate(progress):
                        history.stop_reason = "no_improvement"
                    # Last, so that what a callback stores is what the next epoch begins with.
                    stop_requests = [callback(info) for callback in observers.callbacks]
                    if any(stop_requests):
                        history.stop_reason = "callback"
                    if history.stop_reason == "max_iter" and epoch < max_iter and time.monotonic() >= deadline:
                        history.stop_reason = "max_time"
                    if history.stop_reason != "max_iter":
                        break
                if self.keep_best and history.best_epoch is None:  # no epoch's score was a finite number
                    history.stop_reason = "diverged"
        except KeyboardInterrupt:
            history.stop_reason = "interrupted"
            warn_interrupted(f"{history.n_epochs} epochs")
        except BaseException:
            history.stop_reason = "failed"
            raise
        finally:
            if progress is not None:
                progress.close()
            self._end(good)
        if history.stop_reason == "diverged":
            if self.keep_best and history.best_epoch is None:
                raise DivergenceError(divergence_message("epoch 1", "the weights it had before"))
            moment = f"epoch {history.n_epochs + 1}"
            if not self.keep_best:
                kept = f"those of epoch {history.n_epochs}" if history.n_epochs else "those it had before"
                raise DivergenceError(divergence_message(moment, f"its last good weights, {kept}"))
            history.validation_scores.append(float("nan"))
            history.validation_losses.append(float("nan"))
            kept = "the weights with the best validation score"
            warn(divergence_message(moment, kept), ConvergenceWarning)

    def continue_from(self, before: "Trainer") -> None:
        """Take over another trainer's history, patience, place in the data and memory.

        Parameters
        ----------
        before : Trainer
            Of the same network.
        """
        self.history = before.history
        self._workspace, self._order = before._workspace, before._order
        if before.patience.higher_is_better == self.patience.higher_is_better:
            self.patience.best, self.patience.count = before.patience.best, before.patience.count
            self._other, self._is_running = before._other, before._is_running

    @contextmanager
    def as_ended(self):
        """While a fit runs: the network as it would be if training ended here, for as long as the context lasts."""
        best = self._other if self.keep_best and self._is_running else None
        if best is None:
            yield
            return
        best.exchange()
        self._is_running = False
        try:
            yield
        finally:
            best.exchange()
            self._is_running = True

    def _begin(self):
        """The weights to go back to, and, where the best are kept, those of the last epoch in the network."""
        if self._other is None:
            good = Snapshot(self.network)
        else:
            good = self._other
            if not self._is_running:  # as in a model that was pickled by a callback
                good.exchange()
        if self.keep_best:
            self._other = good
        self._is_running = True
        return good

    def _end(self, good):
        self._is_running = False
        if self.keep_best:
            good.exchange()
        elif self.history.stop_reason == "diverged" or not self.network.core.all_finite():
            good.restore()
        if not self.continues:  # as much as the parameters, and 8 bytes a row
            self._other = self._order = None

    def _order_to_shuffle(self, n_rows):
        """What the next epoch shuffles further: the order that the last one left, if it had as many rows."""
        if self._order is None or len(self._order) != n_rows:
            self._order = np.arange(n_rows, dtype=np.intp)
        return self._order

    def _last_step_was_good(self, data):
        """Whether weights and loss are finite after an epoch's last step; after each other one the next one looks."""
        core = self.network.core
        return core.all_finite() and core.loss_is_finite(self._workspace, data, ROWS_TO_JUDGE_LAST_STEP)

    def _record(self, epoch, n_rows, loss, learning_rate, score, validation_loss):
        history = self.history
        history.n_epochs = epoch
        history.n_samples_seen += n_rows
        history.loss_curve.append(loss)
        history.learning_rates.append(learning_rate)
        if score is not None:
            history.add_validation(score, validation_loss)

    def _workspace_for(self, data, n_threads):
        """The last call's workspace if it fits, because filling new pages costs more than a small epoch."""
        needed = (self.network.core.plan, data, self.batch_size, True, True, self.clip_norm is not None, n_threads)
        if self._workspace is None or self._workspace.kind != workspace_kind(*needed):
            self._workspace = Workspace(*needed)
        return self._workspace

    def __getstate__(self):
        return {**self.__dict__, "_workspace": None}

    def __setstate__(self, state):
        self.__dict__.update(state)
        if self._order is not None:
            self._order = writeable(self._order)

    def _run_epoch(self, steps, n_rows, is_random):
        """Mean cost of one pass over the data; NaN or infinite as soon as one batch's is."""
        n_batches = -(-n_rows // self.batch_size)
        # One number for the epoch, and only where something is random: the order of rows stays scikit-learn's.
        seed = self.random_state.randint(2**31 - 1) << 32 if is_random else 0
        total = 0.0
        for first in range(0, n_batches, BATCHES_PER_CALL):
            rates = self.schedule.rates(first, min(BATCHES_PER_CALL, n_batches - first), n_batches)
            if self.weight_decay > 0 and self.weight_decay * rates.max() >= 1:
                raise ValueError(
                    f"weight_decay is {self.weight_decay:g} and learning_rate reaches {rates.max():g}, whose product, "
                    "the share of the weights that each step takes away, has to be less than 1; lower one of them."
                )
            sizes = np.empty((len(rates), 2))
            sizes[:, 0], sizes[:, 1] = self.optimizer.step_sizes(rates), 1 - self.weight_decay * rates
            total += steps.run_steps(first * self.batch_size, sizes, seed + first)
            if not math.isfinite(total):
                break
        return total / n_rows

    def _lower_learning_rate(self, progress):
        lowered = self.schedule.plateau_reached()
        if lowered:
            self.patience.count = 0
        if progress is not None:
            action = f"Setting learning rate to {self.schedule.learning_rate:f}" if lowered else "Stopping."
            progress.say(f"{self.patience} {action}")
        return lowered
