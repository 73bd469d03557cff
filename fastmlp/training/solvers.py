"""The solvers by their names."""

from fastmlp.training import optimizers
from fastmlp.training.lbfgs import LBFGS
from fastmlp.training.solver import Solver
from fastmlp.training.stochastic import Trainer

SOLVERS: dict[str, type[Solver]] = {**dict.fromkeys(optimizers.SOLVERS, Trainer), "lbfgs": LBFGS}


def solvers_with_epochs() -> list[str]:
    """Names of the solvers that take steps over batches of rows."""
    return [name for name, solver in SOLVERS.items() if solver.has_epochs]
