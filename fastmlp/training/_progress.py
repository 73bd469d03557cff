"""The progress that ``verbose`` shows."""

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

    def close(self) -> None:
        """Nothing more will come."""


class Bar:
    """Progress as a bar with loss, score and seconds left.

    Parameters
    ----------
    tqdm : class
    max_iter : int
    """

    def __init__(self, tqdm: type, max_iter: int):
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

    def close(self) -> None:
        """Leave the bar as it is."""
        self._bar.close()


def progress_of(max_iter: int) -> Lines | Bar:
    """How to show the progress of one fit: a bar in a terminal, if tqdm is installed, else lines.

    Parameters
    ----------
    max_iter : int
        The most epochs there can be.

    Returns
    -------
    Lines or Bar
    """
    # A terminal without a size is not one that somebody sees.
    if sys.stdout.isatty() and shutil.get_terminal_size((0, 0)).columns > 0:
        try:
            from tqdm import tqdm
        except ImportError:
            pass
        else:
            return Bar(tqdm, max_iter)
    return Lines()
