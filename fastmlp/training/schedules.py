"""Step-size schedules (S11): the learning rate of each epoch.

Each has ``learning_rate``, ``epoch_ends`` after every epoch, and ``plateau_reached`` when the stopping rule has run out
of patience, which returns whether there is a smaller step left to try.
"""


class Constant:
    """The same learning rate throughout."""

    def __init__(self, learning_rate_init: float):
        self.learning_rate = learning_rate_init

    def epoch_ends(self, n_samples_seen: int) -> None:
        """Take note that `n_samples_seen` samples have been learnt from in all."""

    def plateau_reached(self) -> bool:
        """Lower the learning rate if the schedule can."""
        return False


class InverseScaling(Constant):
    """learning_rate_init / (samples seen + 1)^power_t, from the second epoch on."""

    def __init__(self, learning_rate_init, power_t: float):
        super().__init__(learning_rate_init)
        self.learning_rate_init = learning_rate_init
        self.power_t = power_t

    def epoch_ends(self, n_samples_seen):
        """Lower the learning rate."""
        self.learning_rate = self.learning_rate_init * (n_samples_seen + 1.0) ** -self.power_t


class Adaptive(Constant):
    """Divided by 5 at every plateau, until it is 1e-6 or less."""

    def plateau_reached(self):
        """Lower the learning rate, unless it is small already."""
        if self.learning_rate <= 1e-6:
            return False
        self.learning_rate /= 5
        return True
