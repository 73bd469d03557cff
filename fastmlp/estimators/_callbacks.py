"""scikit-learn's callback protocol, where there is one: from version 1.9 on.

A fit is a task, and each of its epochs, or iterations of lbfgs, a task below it.
"""

import copy
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from fastmlp.training.callbacks import EpochInfo

try:
    from sklearn.callback import CallbackSupportMixin, with_callbacks
except ImportError:
    # mypy sees both branches, and takes this class for another of the same name.
    class CallbackSupportMixin:  # type: ignore[no-redef]
        """Nothing to support."""

    def with_callbacks(method: Callable) -> Callable:
        """Nothing to set up or tear down."""
        return method


class FitTasks:
    """What scikit-learn's callbacks are told of one fit.

    Parameters
    ----------
    estimator : estimator
    max_epochs : int
        The most there can be.
    X, y, sample_weight
        As they were given to ``fit``.
    """

    def __init__(self, estimator, max_epochs: int, X, y, sample_weight):
        self._estimator = estimator
        metadata = None if sample_weight is None else {"sample_weight": sample_weight}
        self._data = {"X": X, "y": y, "metadata": metadata}
        self._root = estimator._init_callback_context(max_subtasks=max_epochs)
        self._root.call_on_fit_task_begin(estimator=estimator, **self._data)
        self._epoch: Any = None

    def begin_epoch(self) -> None:
        """An epoch begins."""
        self._epoch = self._root.subcontext(task_name="epoch")
        self._epoch.call_on_fit_task_begin(estimator=self._estimator, **self._data)

    def end_epoch(self, info: EpochInfo) -> bool:
        """An epoch has ended; whether a callback wants this to be the last one."""
        epoch, self._epoch = self._epoch, None
        epoch.epoch_info = info  # where fastmlp's own callbacks look for it
        return epoch.call_on_fit_task_end(
            estimator=self._estimator, **self._data, reconstruction_attributes=self._fitted_attributes
        )

    def close(self) -> None:
        """The fit has ended, and with it an iteration that was announced, but never came."""
        if self._epoch is not None:
            self._epoch.call_on_fit_task_end(estimator=self._estimator)
        self._root.call_on_fit_task_end(
            estimator=self._estimator, **self._data, reconstruction_attributes=self._fitted_attributes
        )

    def _fitted_attributes(self):
        """Attributes of a model that stays as it is while training goes on."""
        fit = self._estimator._fit
        frozen = replace(fit, network=copy.deepcopy(fit.network), history=copy.copy(fit.history), solver=None)
        return {"_fit": frozen}


def is_watched(estimator: Any) -> bool:
    """Whether there is a callback or a meta-estimator to tell of a fit.

    Parameters
    ----------
    estimator : estimator

    Returns
    -------
    bool
    """
    return hasattr(estimator, "_skl_callbacks") or hasattr(estimator, "_parent_callback_ctx")
