"""How one fit runs: epochs, optimizers, step-size schedules, stopping."""

from typing import TYPE_CHECKING

from fastmlp._lazy import imported_on_first_use

if TYPE_CHECKING:
    from fastmlp.training import callbacks as callbacks
    from fastmlp.training import lbfgs as lbfgs
    from fastmlp.training import optimizers as optimizers
    from fastmlp.training import schedules as schedules
    from fastmlp.training import stopping as stopping
else:
    __getattr__, __dir__ = imported_on_first_use(
        __name__, modules=("callbacks", "lbfgs", "optimizers", "schedules", "stopping")
    )
