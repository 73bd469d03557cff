"""The progress that ``verbose`` shows: a bar where somebody watches and tqdm is installed, else a line an epoch."""

import shutil
import sys

from fastmlp.training.callbacks import EpochInfo


class Lines:
    """Progress as a line an epoch, where nobody watches or a terminal cannot draw."""

    def report(self, info: EpochInfo) -> None:
        """Print an epoch's values."""
        print(f"Iteration {info.epoch}, loss = {info.loss:.8f}")
        if info.validation_score is not None:
            print(f"Validation score: {info.validation_score:f}")

    def say(self, text: str) -> None:
        """Print what else there is to say."""
        print(text)

    def close(self, finished: bool) -> None:
        """Nothing more will come."""


class Bar:
    """Progress as a bar with loss, score and seconds left: text in a terminal, a widget in a notebook.

    Parameters
    ----------
    max_iter : int

    Raises
    ------
    ImportError
        If there is no tqdm.
    """

    def __init__(self, max_iter: int):
        from tqdm.auto import tqdm

        self._bar = tqdm(total=max_iter, unit="epoch", file=sys.stdout)

    def report(self, info: EpochInfo) -> None:
        """Move on by an epoch."""
        values = {"loss": f"{info.loss:.5g}"}
        if info.validation_score is not None:
            values["validation score"] = f"{info.validation_score:.5g}"
        self._bar.set_postfix(values, refresh=False)
        self._bar.update()

    def say(self, text: str) -> None:
        """Print above the bar."""
        self._bar.write(text)

    def close(self, finished: bool) -> None:
        """Leave the bar full where the fit ended by itself, and else as it is, which a notebook shows in red."""
        if finished:
            self._bar.total = self._bar.n
        self._bar.close()


class Progress:
    """The progress of one fit, which is shown as far as it can be.

    A program without a console has None for ``sys.stdout``, or an object that can do little, or a pipe that is closed:
    what cannot be shown must not end a fit.

    Parameters
    ----------
    max_iter : int
        The most epochs there can be.
    """

    def __init__(self, max_iter: int):
        self._display: Bar | Lines | None = Lines()
        try:
            if _is_watched():
                self._display = Bar(max_iter)
        except Exception:  # no tqdm, or a stream that it cannot draw on
            pass

    def report(self, info: EpochInfo) -> None:
        """Show an epoch's values."""
        self._show("report", info)

    def say(self, text: str) -> None:
        """Show what else there is to say."""
        self._show("say", text)

    def close(self, finished: bool) -> None:
        """Nothing more will come.

        Parameters
        ----------
        finished : bool
            Whether the fit ended by itself.
        """
        self._show("close", finished)

    def _show(self, what, *arguments):
        if self._display is None:
            return
        try:
            getattr(self._display, what)(*arguments)
        except Exception:
            self._display = None


def _is_watched():
    """Whether output goes to a notebook, or to a terminal: one without a size is not one that somebody sees."""
    ipython = sys.modules.get("IPython")
    if ipython is not None and getattr(ipython.get_ipython(), "kernel", None) is not None:
        return True
    return sys.stdout.isatty() and shutil.get_terminal_size((0, 0)).columns > 0
