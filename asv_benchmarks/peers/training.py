"""What a library's process does in the comparison of training."""

from benchmarks.cases import Case

from .libraries import LIBRARIES, timed

# A turn is as many epochs as take this long, so that the clock and fixed costs of a call do not matter.
SECONDS_A_TURN = 0.25


class Training:
    """One library, which trains one case after the other."""

    def __init__(self, library: str):
        self.library = library
        self.case = self.trained = None
        self.n_epochs = 1

    def prepare(self, case: Case):
        self.trained = None  # what the last case took is free before the next
        self.case, self.trained = case, LIBRARIES[self.library](case)
        self.trained.train(1)
        seconds, _ = timed(self.trained.train, 1)
        self.n_epochs = max(1, round(SECONDS_A_TURN / seconds))

    def turn(self):
        """(microseconds a step, mean loss of the last epoch) of a turn."""
        seconds, loss = timed(self.trained.train, self.n_epochs)
        return seconds / self.n_epochs / self.case.n_steps * 1e6, loss
