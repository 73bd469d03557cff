"""The training loop: epochs over shuffled mini-batches, until something says stop."""

import math
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np
from sklearn.exceptions import ConvergenceWarning

from fastmlp._core._data import Data
from fastmlp._core._training import train
from fastmlp._core._workspace import Workspace, workspace_kind
from fastmlp.network import Network
from fastmlp.training._threads import n_threads, team_of
from fastmlp.training.optimizers import Optimizer
from fastmlp.training.schedules import Constant
from fastmlp.training.stopping import Patience

# Step sizes are handed over for this many batches at once: whole epochs as a rule, and half a megabyte at most.
BATCHES_PER_CALL = 1 << 16


@dataclass(frozen=True)
class EpochInfo:
    """What a callback is told after each epoch, or iteration of lbfgs.

    Attributes
    ----------
    epoch : int
        Of this fit, from 1.
    max_iter : int
        The most epochs there can be.
    loss : float
        Mean cost of the epoch's batches, penalties included.
    validation_score : float or None
        Where there is early stopping.
    learning_rate : float or None
        At the epoch's start; None for lbfgs, which has none.
    """

    epoch: int
    max_iter: int
    loss: float
    validation_score: float | None
    learning_rate: float | None


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
    warnings.warn(f"Training interrupted by user after {progress}; the model keeps what it has learnt.", stacklevel=3)


@dataclass
class History:
    """What training has gone through.

    Attributes
    ----------
    loss_curve, validation_scores : list of float
        One value an epoch, over all fits that continue each other.
    n_samples_seen : int
        Over all those fits.
    n_epochs : int
        Of the last fit.
    stop_reason : str
        Of the last fit (S21): max_iter, no_improvement, callback, interrupted, diverged, failed (a callback, or a loss
        or activation in Python, raised), or converged (lbfgs).
    """

    loss_curve: list[float] = field(default_factory=list)
    validation_scores: list[float] = field(default_factory=list)
    n_samples_seen: int = 0
    n_epochs: int = 0
    stop_reason: str = ""


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


@dataclass
class Trainer:
    """Trains one network; what it remembers lets a later call continue where this one ended.

    Attributes
    ----------
    network : Network
        Its parameters are changed in place.
    optimizer : Optimizer
    schedule : Constant or a subclass
    patience : Patience
        Watches the validation score if `train` is given one, else the training loss.
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
    verbose : bool
        Whether to print a line an epoch.
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
    verbose: bool = False
    n_jobs: int | None = None
    history: History = field(default_factory=History)
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
        validation_score: Callable[[], float] | None = None,
        callbacks: Sequence[Callable[[EpochInfo], bool | None]] = (),
    ) -> None:
        """Run up to `max_iter` epochs.

        Parameters
        ----------
        X, targets, sample_weight
            As for ``Data``.
        rows : ndarray of intp, or None
            Rows to learn from, in the order to take them; shuffled in place. None: all as they lie.
        max_iter : int
            The most epochs.
        target_values : tuple of float, default=(0.0, 1.0)
            What targets 0 and 1 become, as for ``Data``.
        validation_score : callable, default=None
            Score of the current weights on held-out rows. If given, the best weights are kept in the end.
        callbacks : sequence of callable
            Each is called after every epoch; any true return value stops training.

        Raises
        ------
        DivergenceError
            Without a validation score, when the loss or a weight becomes NaN or infinite. The network then has the
            weights of the last epoch before that.
        """
        core, history = self.network.core, self.history
        if rows is None and self.shuffle:
            rows = np.arange(X.shape[0], dtype=np.intp)
        data = Data(X, targets, sample_weight, rows, *target_values)
        n_steps = max_iter * -(-data.n_rows // self.batch_size)
        good = Snapshot(self.network)
        history.n_epochs, history.stop_reason = 0, "max_iter"
        try:
            with team_of(n_threads(core.plan, self.n_jobs, self.batch_size, n_steps)) as team:
                workspace = self._workspace_for(data, team.n_threads)
                for epoch in range(1, max_iter + 1):
                    if self.shuffle:
                        self.random_state.shuffle(rows)
                    loss = self._run_epoch(workspace, data, team)
                    if not (math.isfinite(loss) and core.all_finite()):
                        history.stop_reason = "diverged"
                        break
                    score = None if validation_score is None else validation_score()
                    history.n_epochs = epoch
                    history.n_samples_seen += data.n_rows
                    history.loss_curve.append(loss)
                    if score is not None:
                        history.validation_scores.append(score)
                    is_best = self.patience.update(loss if score is None else score)
                    if score is None or is_best:
                        good.take()
                    info = EpochInfo(epoch, max_iter, loss, score, self.schedule.learning_rate)
                    self._report(info)
                    self.schedule.epoch_ends(history.n_samples_seen)
                    stop_requests = [callback(info) for callback in callbacks]
                    if any(stop_requests):
                        history.stop_reason = "callback"
                        break
                    if self.patience.exhausted and not self._lower_learning_rate():
                        history.stop_reason = "no_improvement"
                        break
        except KeyboardInterrupt:
            history.stop_reason = "interrupted"
            warn_interrupted(f"{history.n_epochs} epochs")
        except BaseException:
            history.stop_reason = "failed"
            raise
        finally:
            if validation_score is not None or history.stop_reason == "diverged" or not core.all_finite():
                good.restore()
        if history.stop_reason == "diverged":
            moment = f"epoch {history.n_epochs + 1}"
            if validation_score is None:
                kept = f"those of epoch {history.n_epochs}" if history.n_epochs else "those it had before"
                raise DivergenceError(divergence_message(moment, f"its last good weights, {kept}"))
            history.validation_scores.append(float("nan"))
            kept = "the weights with the best validation score"
            warnings.warn(divergence_message(moment, kept), ConvergenceWarning, stacklevel=2)

    def continue_from(self, before: "Trainer") -> None:
        """Take over another trainer's history, patience and memory.

        Parameters
        ----------
        before : Trainer
            Of the same network.
        """
        self.history = before.history
        self._workspace = before._workspace
        if before.patience.higher_is_better == self.patience.higher_is_better:
            self.patience.best, self.patience.count = before.patience.best, before.patience.count

    def _workspace_for(self, data, n_threads):
        """The last call's workspace if it fits, because filling new pages costs more than a small epoch."""
        needed = (self.network.core.plan, data, self.batch_size, True, True, self.clip_norm is not None, n_threads)
        if self._workspace is None or self._workspace.kind != workspace_kind(*needed):
            self._workspace = Workspace(*needed)
        return self._workspace

    def __getstate__(self):
        return {**self.__dict__, "_workspace": None}

    def _run_epoch(self, workspace, data, team):
        """Mean cost of one pass over the data; NaN or infinite as soon as one batch's is."""
        n_batches = -(-data.n_rows // self.batch_size)
        # One number for the epoch, and only where something is random: the order of rows stays scikit-learn's.
        seed = self.random_state.randint(2**31 - 1) << 32 if self.network.is_random else 0
        total = 0.0
        for first in range(0, n_batches, BATCHES_PER_CALL):
            rates = self.schedule.rates(first, min(BATCHES_PER_CALL, n_batches - first), n_batches)
            if self.weight_decay > 0 and self.weight_decay * rates.max() >= 1:
                raise ValueError(
                    f"weight_decay is {self.weight_decay:g} and learning_rate reaches {rates.max():g}, whose product, "
                    "the share of the weights that each step takes away, has to be less than 1; lower one of them."
                )
            steps = np.empty((len(rates), 2))
            steps[:, 0], steps[:, 1] = self.optimizer.step_sizes(rates), 1 - self.weight_decay * rates
            total += train(
                self.network.core,
                workspace,
                data,
                team,
                first * self.batch_size,
                self.batch_size,
                steps,
                self.optimizer,
                self.l1,
                self.alpha,
                np.inf if self.clip_norm is None else self.clip_norm,
                seed + first,
            )
            if not math.isfinite(total):
                break
        return total / data.n_rows

    def _lower_learning_rate(self):
        lowered = self.schedule.plateau_reached()
        if lowered:
            self.patience.count = 0
        if self.verbose:
            action = f"Setting learning rate to {self.schedule.learning_rate:f}" if lowered else "Stopping."
            print(self.patience, action)
        return lowered

    def _report(self, info):
        if not self.verbose:
            return
        print(f"Iteration {info.epoch}, loss = {info.loss:.8f}")
        if info.validation_score is not None:
            print(f"Validation score: {info.validation_score:f}")
