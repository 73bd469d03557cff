"""How one fit runs: epochs, optimizers, step-size schedules, stopping."""

from fastmlp._lazy import imported_on_first_use

__getattr__, __dir__ = imported_on_first_use(
    __name__, modules=("callbacks", "lbfgs", "optimizers", "schedules", "stopping")
)
