"""Step-size schedules (S11): the learning rate of each step.

Two kinds. Those with a memory, which the trainer tells what happens (`Constant`, `InverseScaling`, `Adaptive`), and
functions of progress, which a user may combine or write (`Step`, `Exponential`, `Cosine`, `OneCycle`, `WarmUp`, any
subclass of `Schedule`, any callable): `ByProgress` lets the second be used as the first.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from numbers import Real
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

__all__ = ["SCHEDULES", "Cosine", "Exponential", "OneCycle", "Schedule", "Step", "WarmUp"]


def _cosine(progress, start, end):
    return end + (start - end) * (1 + np.cos(np.pi * progress)) / 2


def _check_number(name, value, lower, *, inclusive=False):
    if not isinstance(value, Real) or not (lower <= value < np.inf) or (value == lower and not inclusive):
        raise ValueError(
            f"{name} is {value!r}; pass a finite number {'of at least' if inclusive else 'above'} {lower}."
        )


class Constant:
    """The same learning rate throughout; what every schedule with a memory can do.

    Attributes
    ----------
    learning_rate : float
        Learning rate at the start of the coming epoch.
    """

    learning_rate: float

    def __init__(self, learning_rate_init: float):
        self.learning_rate = learning_rate_init

    def rates(self, first_step: int, n_steps: int, n_epoch_steps: int) -> np.ndarray:
        """Learning rates of steps `first_step` on of the coming epoch, which has `n_epoch_steps`."""
        return np.full(n_steps, self.learning_rate, dtype=np.float64)

    def epoch_ends(self, n_samples_seen: int) -> None:
        """Take note that `n_samples_seen` samples have been learnt from in all."""

    def plateau_reached(self) -> bool:
        """Lower the learning rate, if the schedule can, because the stopping rule has run out of patience."""
        return False

    def patience_starts(self) -> None:
        """Take back what plateaus have done, because patience starts anew."""

    def extend(self, n_epochs: int) -> None:
        """Take note that a fit goes on for so many epochs; 0 for an epoch at a time."""


class InverseScaling(Constant):
    """learning_rate_init / (samples seen + 1)^power_t, from the second epoch on."""

    def __init__(self, learning_rate_init: float, power_t: float):
        super().__init__(learning_rate_init)
        self.learning_rate_init = learning_rate_init
        self.power_t = power_t

    def epoch_ends(self, n_samples_seen: int) -> None:
        """Lower the learning rate."""
        self.learning_rate = self.learning_rate_init * (n_samples_seen + 1.0) ** -self.power_t


class Adaptive(Constant):
    """Divided by 5 at every plateau, until it is 1e-6 or less."""

    def __init__(self, learning_rate_init: float):
        super().__init__(learning_rate_init)
        self.learning_rate_init: float = learning_rate_init

    def patience_starts(self) -> None:
        """Return to the first learning rate."""
        self.learning_rate = self.learning_rate_init

    def plateau_reached(self) -> bool:
        """Lower the learning rate, unless it is small already."""
        if self.learning_rate <= 1e-6:
            return False
        self.learning_rate /= 5
        return True


class Schedule:
    """Learning rate as a function of progress. Subclass it, and define `factor`, to write your own.

    Examples
    --------
    >>> from fastmlp import MLPClassifier
    >>> from fastmlp.training.schedules import Schedule
    >>> class Linear(Schedule):
    ...     def factor(self, epoch, n_epochs):
    ...         return 1 - epoch / n_epochs
    >>> model = MLPClassifier(learning_rate=Linear())

    Attributes
    ----------
    has_end : bool
        Whether it is over after `n_epochs`, so that a ``fit`` that goes on then starts a new one.
    """

    has_end: bool = True

    def factor(self, epoch: np.ndarray, n_epochs: int, /) -> ArrayLike:
        """Factor of ``learning_rate_init``.

        Parameters
        ----------
        epoch : ndarray of float64
            Epochs that have passed, fractions included: 0.5 is half-way through the first.
        n_epochs : int
            The most epochs there will be, the estimator's ``max_iter``; `epoch` is beyond it where training goes on
            after that.

        Returns
        -------
        ndarray of the shape of `epoch`, or float
            Finite and not negative.
        """
        raise NotImplementedError(f"{type(self).__name__} has no factor; define factor(self, epoch, n_epochs).")


@dataclass(frozen=True)
class Step(Schedule):
    """Multiplied by `decay` after every `every` epochs.

    Parameters
    ----------
    every : int or float, default=10
    decay : float, default=0.5

    Examples
    --------
    >>> from fastmlp.training.schedules import Step
    >>> float(Step(every=10, decay=0.5).factor(25.0, 100))
    0.25
    """

    every: float = 10
    decay: float = 0.5
    has_end = False

    def __post_init__(self) -> None:
        _check_number("every", self.every, 0)
        _check_number("decay", self.decay, 0)

    def factor(self, epoch: ArrayLike, n_epochs: int) -> np.ndarray:
        """decay^floor(epoch / every)."""
        return self.decay ** np.floor(np.asarray(epoch) / self.every)


@dataclass(frozen=True)
class Exponential(Schedule):
    """Multiplied by `decay` in the course of every epoch, smoothly.

    Parameters
    ----------
    decay : float, default=0.95

    Examples
    --------
    >>> from fastmlp.training.schedules import Exponential
    >>> round(float(Exponential(decay=0.5).factor(2.5, 100)), 4)
    0.1768
    """

    decay: float = 0.95
    has_end = False

    def __post_init__(self) -> None:
        _check_number("decay", self.decay, 0)

    def factor(self, epoch: ArrayLike, n_epochs: int) -> np.ndarray:
        """decay^epoch."""
        return self.decay ** np.asarray(epoch, dtype=np.float64)


@dataclass(frozen=True)
class Cosine(Schedule):
    """From 1 down to `final` along half a cosine over all epochs. Loshchilov and Hutter (2017), arXiv:1608.03983.

    Parameters
    ----------
    final : float, default=0.0
        Factor at the end, and beyond.

    Examples
    --------
    >>> from fastmlp.training.schedules import Cosine
    >>> round(float(Cosine().factor(50, 100)), 4)
    0.5
    """

    final: float = 0.0

    def __post_init__(self) -> None:
        _check_number("final", self.final, 0, inclusive=True)

    def factor(self, epoch: ArrayLike, n_epochs: int) -> np.ndarray:
        """Half a cosine: final + (1 - final) (1 + cos(pi epoch / n_epochs)) / 2."""
        return _cosine(np.minimum(np.asarray(epoch) / n_epochs, 1), 1, self.final)


@dataclass(frozen=True)
class OneCycle(Schedule):
    """Up to `peak` and down again, along half cosines. Smith and Topin (2018), arXiv:1708.07120.

    Parameters
    ----------
    peak : float, default=10.0
        Factor at the top: ``learning_rate_init`` is where the cycle starts.
    rise : float, default=0.3
        Share of the epochs for the way up.
    final : float, default=0.001
        Factor at the end, and beyond.

    Examples
    --------
    >>> from fastmlp.training.schedules import OneCycle
    >>> [round(float(OneCycle().factor(epoch, 100)), 3) for epoch in (0, 30, 100)]
    [1.0, 10.0, 0.001]
    """

    peak: float = 10.0
    rise: float = 0.3
    final: float = 0.001

    def __post_init__(self) -> None:
        _check_number("peak", self.peak, 0)
        _check_number("final", self.final, 0, inclusive=True)
        if not 0 < self.rise < 1:
            raise ValueError(f"rise is {self.rise!r}; pass a share of the epochs between 0 and 1.")

    def factor(self, epoch: ArrayLike, n_epochs: int) -> np.ndarray:
        """Half a cosine from 1 to peak, then one from peak to final."""
        progress = np.minimum(np.asarray(epoch) / n_epochs, 1)
        return np.where(
            progress < self.rise,
            _cosine(progress / self.rise, 1, self.peak),
            _cosine((progress - self.rise) / (1 - self.rise), self.peak, self.final),
        )


@dataclass(frozen=True)
class WarmUp(Schedule):
    """From nearly 0 up in a line over the first epochs, then another schedule, which starts when it is over.

    Parameters
    ----------
    epochs : float, default=5
        Length of the way up; may be a fraction. Goyal et al. (2017), arXiv:1706.02677.
    then : Schedule, default=None
        What follows, over the epochs that remain; None is a constant factor of 1.

    Examples
    --------
    >>> from fastmlp.training.schedules import Cosine, WarmUp
    >>> [round(float(WarmUp(epochs=10, then=Cosine()).factor(epoch, 110)), 3) for epoch in (5, 10, 60)]
    [0.5, 1.0, 0.5]
    """

    epochs: float = 5
    then: Schedule | None = field(default=None)

    def __post_init__(self) -> None:
        _check_number("epochs", self.epochs, 0)
        if self.then is not None and not isinstance(self.then, Schedule):
            raise ValueError(f"then is {self.then!r}; pass a Schedule, for example Cosine(), or None.")

    @property
    def has_end(self) -> bool:  # type: ignore[override]  # read only
        """Whether what follows has one."""
        return self.then is not None and self.then.has_end

    def factor(self, epoch: ArrayLike, n_epochs: int) -> np.ndarray:
        """min(epoch / epochs, 1), times the factor of what follows."""
        epoch = np.asarray(epoch, dtype=np.float64)
        rising = np.minimum(np.maximum(epoch, 1e-3) / self.epochs, 1)  # a step of size 0 would be wasted
        if self.then is None:
            return rising
        n_epochs_left: Any = max(n_epochs - self.epochs, 1)  # a fraction where `epochs` is one
        return rising * self.then.factor(np.maximum(epoch - self.epochs, 0), n_epochs_left)


# Schedules that an estimator knows by name, beside scikit-learn's.
SCHEDULES: dict[str, Schedule] = {
    "step": Step(),
    "exponential": Exponential(),
    "cosine": Cosine(),
    "one_cycle": OneCycle(),
}


class ByProgress(Constant):
    """Makes a `Schedule`, or a callable of the epoch that returns a learning rate, into a schedule with a memory.

    Parameters
    ----------
    learning_rate_init : float
    schedule : Schedule or callable
    n_epochs : int

    Raises
    ------
    ValueError
        When a learning rate is not a finite number of 0 or more; for the first epoch at once.
    """

    def __init__(self, learning_rate_init: float, schedule: Schedule | Callable[[int], float], n_epochs: int):
        self.learning_rate_init = learning_rate_init
        self.schedule = schedule
        self._start(n_epochs)
        _ = self.learning_rate  # refuse a first epoch that is wrong before any work

    _epochs_of_next_run = 0  # epochs of the next run, 0 for none

    def _start(self, n_epochs: int) -> None:
        self.n_epochs: int = n_epochs
        self.epoch: int = 0
        self._epochs_of_next_run = 0
        self._cached = (-1, 0.0)

    @property
    def learning_rate(self) -> float:  # type: ignore[override]  # read only
        """At the start of the epoch; asked for once an epoch, and not before it."""
        if self._cached[0] != self.epoch:
            self._cached = self.epoch, float(self._at(np.asarray(self.epoch, dtype=np.float64)))
        return self._cached[1]

    @property
    def _has_end(self):
        return getattr(self.schedule, "has_end", False)

    def extend(self, n_epochs: int) -> None:
        """Continue an unfinished schedule for a fit of `n_epochs`; epochs left over when it ends start a new run.

        Parameters
        ----------
        n_epochs : int
            0 for no new run.
        """
        self._epochs_of_next_run = n_epochs - max(self.n_epochs - self.epoch, 0)
        self._restart()

    def _restart(self):
        if self._has_end and self.epoch >= self.n_epochs and self._epochs_of_next_run > 0:
            self._start(self._epochs_of_next_run)

    def rates(self, first_step: int, n_steps: int, n_epoch_steps: int) -> np.ndarray:
        """Learning rates along the epoch, constant in it for a callable."""
        if not isinstance(self.schedule, Schedule):
            return super().rates(first_step, n_steps, n_epoch_steps)
        return self._at(self.epoch + np.arange(first_step, first_step + n_steps) / n_epoch_steps)

    def epoch_ends(self, n_samples_seen: int) -> None:
        """Go on to the next epoch."""
        self.epoch += 1
        self._restart()

    def _at(self, epoch):
        if self._has_end:
            epoch = np.minimum(epoch, self.n_epochs)
        rates: Any
        if isinstance(self.schedule, Schedule):
            rates = self.learning_rate_init * np.broadcast_to(
                np.asarray(self.schedule.factor(epoch, self.n_epochs), dtype=np.float64), epoch.shape
            )
        else:
            rates = self.schedule(self.epoch)
            if not isinstance(rates, Real):
                raise ValueError(f"learning_rate returned {rates!r} for epoch {self.epoch}; it has to return a number.")
            rates = np.float64(rates)
        wrong = ~(np.isfinite(rates) & (rates >= 0))
        if np.any(wrong):
            value = np.asarray(rates)[wrong].flat[0]
            raise ValueError(
                f"learning_rate gives {value:g} in epoch {self.epoch}; make the schedule return finite numbers of 0 or "
                "more."
            )
        return rates


# Schedules with a memory, by the estimators' names for them, and the parameters that they take.
WITH_MEMORY: dict[str, tuple[type[Constant], tuple[str, ...]]] = {
    "constant": (Constant, ("learning_rate_init",)),
    "invscaling": (InverseScaling, ("learning_rate_init", "power_t")),
    "adaptive": (Adaptive, ("learning_rate_init",)),
}


def schedule_from_settings(settings: Any) -> Constant:
    """The schedule that an estimator's parameters ask for.

    Parameters
    ----------
    settings : object
        With the estimators' ``learning_rate``, ``learning_rate_init``, ``power_t`` and ``max_iter``.

    Returns
    -------
    Constant or a subclass

    Raises
    ------
    ValueError
        If the learning rate of the first epoch is not a finite number of 0 or more.
    """
    schedule = settings.learning_rate
    if isinstance(schedule, str):
        if schedule in WITH_MEMORY:
            kind, names = WITH_MEMORY[schedule]
            return kind(**{name: getattr(settings, name) for name in names})
        schedule = SCHEDULES[schedule]
    return ByProgress(settings.learning_rate_init, schedule, n_epochs=settings.max_iter)
