"""What every solver does in a fit: epochs begin, are recorded and told of, and something ends them.

An epoch is one pass over the rows, or one iteration of a solver that has no such passes. What is decided here and in
`fastmlp.training.stopping` depends on numbers alone (a loss, a score, a time), wherever these were computed.
"""

import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from threading import get_ident
from types import TracebackType
from typing import Any, Self

from fastmlp._warn import warn
from fastmlp.network import Network
from fastmlp.training._progress import Progress
from fastmlp.training.callbacks import EpochInfo

# What validation may take beyond `max_time`, so that where it is short the last epoch, cut short or not, is validated.
SECONDS_TO_VALIDATE = 0.1


class DivergenceError(ValueError):
    """The loss or a weight became NaN or infinite."""


class TimeIsUpError(Exception):
    """``max_time`` is over in the midst of an epoch."""


@dataclass
class History:
    """What training has gone through.

    Attributes
    ----------
    loss_curve, validation_scores, validation_losses, learning_rates : list of float
        One value an epoch, over all fits that continue each other. Those of validation end with the last epoch that had
        one, and are NaN for earlier epochs without.
    best_epoch : int or None
        The epoch whose weights are kept, from 1; None where it is the last.
    keeps_best : bool
        Whether the last fit kept the weights of the best validation score.
    best : float
        The best validation score, or the lowest loss where the last weights are kept.
    loss_rows, validation_rows : object
        What the last losses, and the last values of validation, were measured on, as `Observers` has it.
    loss_from, validation_from : int
        Places in the curves, from 0, of the first epochs that the last one is to be compared with.
    n_samples_seen : int
        Samples that these fits have learnt from, counted again in each epoch.
    n_epochs : int
        Epochs of the last fit.
    stop_reason : str
        Why the last fit ended (S21): max_iter, max_time, no_improvement, callback, interrupted, diverged, failed (a
        callback, or a loss or activation in Python, raised), or converged.
    """

    loss_curve: list[float] = field(default_factory=list)
    validation_scores: list[float] = field(default_factory=list)
    validation_losses: list[float] = field(default_factory=list)
    learning_rates: list[float] = field(default_factory=list)
    best_epoch: int | None = None
    keeps_best: bool = False
    best: float = math.inf
    loss_rows: object = None
    validation_rows: object = None
    loss_from: int = 0
    validation_from: int = 0
    n_samples_seen: int = 0
    n_epochs: int = 0
    stop_reason: str = ""

    def continued(self, has_epochs: bool) -> "History":
        """The history of a fit that goes on without the solver of this one.

        Parameters
        ----------
        has_epochs : bool
            Whether the new solver has epochs. A curve of iterations is none of epochs, nor the other way round.

        Returns
        -------
        History
        """
        if bool(self.learning_rates) != has_epochs:
            return History()
        n_epochs = len(self.loss_curve)
        return History(
            loss_curve=list(self.loss_curve),
            # Without the values of an epoch that diverged.
            validation_scores=self.validation_scores[:n_epochs],
            validation_losses=self.validation_losses[:n_epochs],
            learning_rates=list(self.learning_rates),
            loss_rows=self.loss_rows,
            validation_rows=self.validation_rows,
            loss_from=self.loss_from,
            validation_from=self.validation_from,
            n_samples_seen=self.n_samples_seen,
        )

    def begin_fit(self, observers: "Observers", max_iter: int) -> tuple[bool, bool]:
        """Take note of what a fit measures its losses and its values of validation on.

        Parameters
        ----------
        observers : Observers
        max_iter : int
            The most epochs.

        Returns
        -------
        tuple of bool
            Whether the losses, and whether the values of validation, are measured on other rows than before.
        """
        if self.stop_reason == "callback" and max_iter > 1:
            self.start_anew()
        if observers.loss_rows is None and observers.validation_rows is None:  # as for a row at a time
            return False, False
        changed = []
        for name, rows in (("loss", observers.loss_rows), ("validation", observers.validation_rows)):
            before = getattr(self, f"{name}_rows")
            changed.append(None not in (before, rows) and rows != before)
            if changed[-1]:
                setattr(self, f"{name}_from", len(self.loss_curve))
            if rows is not None:
                setattr(self, f"{name}_rows", rows)
        return changed[0], changed[1]

    def start_anew(self) -> None:
        """Take note that no epoch so far is to be compared with those to come."""
        self.loss_from = self.validation_from = len(self.loss_curve)

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
        The one that is being trained.
    callbacks : sequence of callable
        Each is called after every epoch with an `EpochInfo`; any true return value ends training.
    before_epoch : callable, default=None
        Called before every epoch.
    validate : callable, default=None
        Returns (score, mean loss) on held-out rows, by the current weights.
    max_time : float or None, default=None
        Seconds after which no further step is taken, but for one that a fit takes in any case, and validation is left.
    verbose : bool, default=False
        Whether to show progress.
    advise : callable, default=None
        Returns what of the data may have made training fail, with what to change, or "".
    loss_rows, validation_rows : object, default=None
        What the loss, and what validation, is measured on: equal objects for values that can be compared. None where
        all can be, as those of the parts of a stream.
    """

    model: Any = None
    callbacks: Sequence[Callable[[EpochInfo], bool | None]] = ()
    before_epoch: Callable[[], None] | None = None
    validate: Callable[[], tuple[float, float]] | None = None
    max_time: float | None = None
    verbose: bool = False
    advise: Callable[[], str] | None = None
    loss_rows: object = None
    validation_rows: object = None


class Run:
    """One fit, epoch by epoch; a context in which a solver trains.

    An interruption by the user ends the context, not the program, and so does the end of its time in the midst of an
    epoch. Another exception leaves it, after the history has noted that the fit failed.

    Parameters
    ----------
    history : History
        Its last fit becomes this one.
    max_iter : int
        The most epochs.
    observers : Observers, default=None
    stop_reason : str, default="max_iter"
        What ends the fit if nothing else does.
    unit : str, default="epoch"
        What messages call an epoch.

    Attributes
    ----------
    left_validation : bool
        Whether the time was up before the last epoch was validated.

    Examples
    --------
    >>> from fastmlp.training.run import History, Observers, Run
    >>> history = History()
    >>> with Run(history, 10, Observers(callbacks=[lambda info: info.loss < 0.5])) as run:
    ...     for loss in (1.0, 0.6, 0.4, 0.3):
    ...         run.begin_epoch()
    ...         if run.tell(run.record(loss)):
    ...             break
    >>> history.stop_reason, history.loss_curve
    ('callback', [1.0, 0.6, 0.4])
    """

    def __init__(
        self,
        history: History,
        max_iter: int,
        observers: Observers | None = None,
        *,
        stop_reason: str = "max_iter",
        unit: str = "epoch",
    ):
        self.history: History = history
        self.max_iter: int = max_iter
        self.unit: str = unit
        self.observers: Observers = observers or Observers()
        self._unless_stopped = stop_reason
        history.n_epochs, history.stop_reason = 0, stop_reason
        self.left_validation: bool = False
        self._progress = Progress(max_iter) if self.observers.verbose else None
        max_time = self.observers.max_time
        self._deadline = math.inf if max_time is None else time.monotonic() + max_time

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, error_type: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> bool:
        if self._progress is not None:
            self._progress.close(finished=error is None or isinstance(error, TimeIsUpError))
        if error is None:
            return False
        if isinstance(error, TimeIsUpError):
            self.stop("max_time")
            return True
        if not isinstance(error, KeyboardInterrupt):
            self.stop("failed")
            return False
        self.stop("interrupted")
        warn_interrupted(f"{self.history.n_epochs} {self.unit}s")
        return True

    @property
    def stopped(self) -> bool:
        """Whether something has ended the fit."""
        return self.history.stop_reason != self._unless_stopped

    @property
    def ends_unwatched(self) -> bool:
        """Whether the last recorded epoch is the last that there can be, and no callback is told of it."""
        return self.history.n_epochs == self.max_iter and not self.observers.callbacks

    def stop(self, reason: str) -> None:
        """End the fit.

        Parameters
        ----------
        reason : str
            As in `History`.
        """
        self.history.stop_reason = reason

    def check_time(self, *, has_begun: bool) -> None:
        """Ask in the midst of an epoch whether there is time left.

        Parameters
        ----------
        has_begun : bool
            Whether something has been learnt; else there is always time left.

        Raises
        ------
        TimeIsUpError
            If there is none.
        """
        if has_begun and time.monotonic() >= self._deadline:
            raise TimeIsUpError

    def begin_epoch(self) -> None:
        """Tell whom it concerns that an epoch begins."""
        if self.observers.before_epoch is not None:
            self.observers.before_epoch()

    def validate(self, network: Network) -> tuple[float, float] | None:
        """Judge the weights of the moment.

        When the time is up, and this takes long, its passes are left, and training ends.

        Parameters
        ----------
        network : Network

        Returns
        -------
        tuple of float, or None
            Score and mean loss of the rows to validate on, NaN if they were left; None without such rows.
        """
        if self.observers.validate is None:
            return None
        thread, latest = get_ident(), max(self._deadline, time.monotonic() + SECONDS_TO_VALIDATE)

        def watch():
            # Others may predict by the same network.
            if get_ident() == thread and time.monotonic() >= latest:
                raise TimeIsUpError

        network.core.watcher = watch
        try:
            return self.observers.validate()
        except TimeIsUpError:
            self.left_validation = True
            self.stop("max_time")
            return math.nan, math.nan
        finally:
            network.core.watcher = None

    def record(
        self,
        loss: float,
        validation: tuple[float, float] | None = None,
        *,
        n_rows: int = 0,
        learning_rate: float | None = None,
    ) -> EpochInfo:
        """Add an epoch to the history.

        Parameters
        ----------
        loss : float
            Finite.
        validation : tuple of float, or None
            As `validate` returned it.
        n_rows : int, default=0
            Rows that were learnt from, if they are not counted already.
        learning_rate : float, default=None

        Returns
        -------
        EpochInfo
            What to tell of the epoch.
        """
        history = self.history
        history.n_epochs += 1
        history.n_samples_seen += n_rows
        history.loss_curve.append(loss)
        if learning_rate is not None:
            history.learning_rates.append(learning_rate)
        score = validation_loss = None
        if validation is not None:
            score, validation_loss = validation
            history.add_validation(score, validation_loss)
        return EpochInfo(
            history.n_epochs,
            self.max_iter,
            loss,
            score,
            validation_loss,
            learning_rate,
            self.observers.model,
            history.loss_from,
            history.validation_from,
        )

    def show(self, info: EpochInfo) -> None:
        """Show the progress that an epoch has made."""
        if self._progress is not None:
            self._progress.report(info)

    def say(self, text: str) -> None:
        """Show what else there is to say."""
        if self._progress is not None:
            self._progress.say(text)

    def tell(self, info: EpochInfo) -> bool:
        """Tell the callbacks of an epoch.

        It comes last in an epoch, so that what a callback stores is what the next epoch begins with.

        Returns
        -------
        bool
            Whether the fit has ended.
        """
        stop_requests = [callback(info) for callback in self.observers.callbacks]
        if any(stop_requests):
            self.stop("callback")
        if not self.stopped and info.epoch < self.max_iter and time.monotonic() >= self._deadline:
            self.stop("max_time")
        return self.stopped

    def divergence_message(self, *, kept: str | None = None, epoch: int | None = None) -> str:
        """Message on an epoch that diverged: what happened, what the model keeps, and what to try.

        Parameters
        ----------
        kept : str, default=None
            What the model keeps; the weights of the last recorded epoch by default.
        epoch : int, default=None
            Which epoch it was; by default the one after the last recorded.
        """
        last, advice = self.history.n_epochs, self.advice()
        if kept is None:
            kept = f"its last good weights, {f'those of {self.unit} {last}' if last else 'those it had before'}"
        return (
            f"Training diverged in {self.unit} {epoch or last + 1}: the loss or a weight became NaN or infinite. "
            "Solver produced non-finite parameter weights. The input data may contain large values and need to be "
            f"preprocessed{self._remedies(advice)} The model keeps {kept}."
        )

    def advice(self) -> str:
        """What of the data may have made training fail, with what to change, or ""."""
        return "" if self.observers.advise is None else self.observers.advise()

    def _remedies(self, advice):
        """End of the sentence on a divergence; what has been looked at and found good is not to be scaled."""
        lower = ", or lower learning_rate_init" if self.unit == "epoch" else ""
        if advice:
            return f"{lower}. {advice}"
        if self.observers.advise is None:
            return f": scale X (for example with StandardScaler), scale large regression targets{lower}."
        return f": look for single large values in X and y{lower}."


def warn_interrupted(progress: str) -> None:
    """Say that the user ended training, and after how much of it."""
    warn(f"Training interrupted by user after {progress}; the model keeps what it has learnt.", UserWarning)
