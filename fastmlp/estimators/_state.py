"""What is stored of a model: its weights in a pickle, and all that a fit needs to go on where that is asked for."""

import os
import pickle
from contextlib import nullcontext
from dataclasses import replace
from typing import Any, BinaryIO

import joblib
from sklearn.utils.validation import check_is_fitted

from fastmlp._paths import written_file
from fastmlp.estimators._fit import Fit

# Version of the pickled state. Raise it when the state changes, and teach `__setstate__` the older one.
STATE_VERSION = 2


class VersionedStateMixin:
    """Pickles of an estimator that say which version of its state they hold."""

    def __getstate__(self) -> dict[str, Any]:
        state: Any = super().__getstate__()
        return {**state, "_fastmlp_state_version": STATE_VERSION}

    def __setstate__(self, state: dict[str, Any]) -> None:
        state = state.copy()
        version = state.pop("_fastmlp_state_version", None)
        if version != STATE_VERSION:
            raise ValueError(
                f"This {type(self).__name__} was stored in version {version!r} of its state, and this fastmlp reads "
                f"version {STATE_VERSION}; use the fastmlp that stored it."
            )
        super().__setstate__(state)  # type: ignore[misc]  # BaseEstimator has it


class StoredStateMixin(VersionedStateMixin):
    """Pickles and checkpoints of an estimator with the value of a fit."""

    warm_start: bool

    _fit: Fit | None

    def save_checkpoint(self, path: str | os.PathLike[str]) -> None:
        """Write the model with all that training needs to go on from here, as if it had never stopped.

        Beside the weights that is the optimizer's moments, schedule, patience, history and random state, and within a
        fit, with ``warm_start=True`` or after ``partial_fit``, the order of the rows: after another fit the next epoch
        shuffles them anew. A pickle holds all of this only with ``warm_start=True`` or after ``partial_fit``. Read it
        by ``joblib.load``, which runs code from the file: read only your own.

        Parameters
        ----------
        path : str or path-like
            A file there is replaced at once, so that a crash leaves it or the new one whole; the new one has its
            rights. What killed processes left of files that they were writing in this folder is removed.

        Raises
        ------
        NotFittedError
            Before the first fit.
        ValueError
            If a parameter cannot be pickled, as a lambda in ``callbacks``, or `path` is no path, or a device or pipe.
        OSError
            If the file's folder is not there or cannot be written to, or `path` is a folder itself or too long.

        Examples
        --------
        >>> import tempfile
        >>> from pathlib import Path
        >>> import joblib
        >>> from fastmlp import MLPRegressor
        >>> model = MLPRegressor(hidden_layer_sizes=4, random_state=0).partial_fit([[0.0], [1.0]], [0.0, 1.0])
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     model.save_checkpoint(Path(folder) / "model.joblib")
        ...     stored = joblib.load(Path(folder) / "model.joblib")
        >>> stored.partial_fit([[0.0], [1.0]], [0.0, 1.0]).n_iter_, len(stored.loss_curve_)
        (1, 2)
        """
        check_is_fitted(self)
        with written_file(path) as file:
            self._write_checkpoint(file)

    def _write_checkpoint(self, file: BinaryIO) -> None:
        solver = None if self._fit is None else self._fit.solver
        with solver.as_ended() if solver is not None else nullcontext():
            self._keeps_training_state = True
            try:
                joblib.dump(self, file)
            except (pickle.PicklingError, AttributeError, TypeError) as error:
                raise ValueError(
                    f"The model cannot be pickled: {error}; pass functions that are defined at the top of a module."
                ) from error
            finally:
                del self._keeps_training_state

    def __getstate__(self) -> dict[str, Any]:
        state = super().__getstate__()
        fit, keeps_all = state.get("_fit"), state.pop("_keeps_training_state", False)
        if fit is not None:
            goes_on = self.warm_start or (fit.solver is not None and fit.solver.continues)
            # What has been rehearsed may have been replaced since, and need not be pickled then.
            state["_fit"] = replace(fit, rehearsed=()) if keeps_all or goes_on else fit.without_training_state()
        return state
