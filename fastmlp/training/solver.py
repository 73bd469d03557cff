"""What an estimator asks of a solver, whichever it is."""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import Any, ClassVar, Self

import numpy as np

from fastmlp.network import Network
from fastmlp.training.problem import Problem
from fastmlp.training.run import History, Observers


class Solver(ABC):
    """Trains one network.

    Attributes
    ----------
    has_epochs : bool
        Whether it takes steps over batches of rows, so that ``partial_fit``, ``early_stopping`` and a learning rate
        make sense.
    refuses : mapping of str to object
        Parameters that it cannot take, each with the value that switches it off. Where there are any, it follows one
        fixed cost, so that nothing may be random in a pass either.
    calls_blas : bool
        Whether it calls BLAS where the network's kernels do not.
    announces_one_more : bool
        Whether the beginning of an epoch is told that may not come.
    network : Network
    history : History
    random_state : RandomState or None
        What it draws from; None if it draws nothing.
    batch_size : int
        Rows of a step; 0 without steps.
    continues : bool
        Whether a later call may go on from here.
    """

    has_epochs: ClassVar[bool] = True
    refuses: ClassVar[Mapping[str, Any]] = {}
    calls_blas: ClassVar[bool] = False
    announces_one_more: ClassVar[bool] = False

    network: Network
    history: History
    random_state: np.random.RandomState | None
    batch_size: int
    continues: bool

    @classmethod
    @abstractmethod
    def from_settings(
        cls,
        settings: Any,
        network: Network,
        n_rows: int,
        random_state: np.random.RandomState,
        *,
        history: History | None = None,
        before: "Solver | None" = None,
        one_epoch: bool = False,
        is_unchanged: bool = False,
    ) -> Self:
        """A solver by an estimator's parameters.

        Parameters
        ----------
        settings : object
            Its attributes are the parameters, under the estimators' names.
        network : Network
        n_rows : int
            Rows to learn from.
        random_state : RandomState
        history : History, default=None
            What the network went through before, if a fit goes on.
        before : Solver, default=None
            What trained the network last, if a fit goes on.
        one_epoch : bool, default=False
            Whether an epoch is all that is asked for now, as by ``partial_fit``.
        is_unchanged : bool, default=False
            Whether the settings are known to be those of the solver before.
        """

    @abstractmethod
    def train(self, problem: Problem, *, max_iter: int, observers: Observers | None = None) -> None:
        """Run up to `max_iter` epochs.

        Parameters
        ----------
        problem : Problem
        max_iter : int
            The most epochs.
        observers : Observers, default=None

        Raises
        ------
        DivergenceError
            When the loss or a weight becomes NaN or infinite. The network then has good weights.
        """

    @property
    def moments(self) -> Sequence[np.ndarray]:
        """What it remembers of each parameter."""
        return ()

    def as_ended(self) -> AbstractContextManager[None]:
        """While a fit runs: the network as it would be if training ended here, for as long as the context lasts."""
        return nullcontext()

    @abstractmethod
    def not_converged(self, max_iter: int, advice: str) -> str:
        """Message on a fit that `max_iter` has ended, with what to change, or, if that is "", with the usual advice."""
