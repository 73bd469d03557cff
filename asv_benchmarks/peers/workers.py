"""One process for each library, told when to run, so that none disturbs another's threads or memory."""

import importlib.metadata
import multiprocessing
import os
import sys
import time
import traceback

from benchmarks.cases import Case
from threadpoolctl import threadpool_info

from .libraries import LIBRARIES, timed

# A turn is as many epochs as take this long, so that the clock and fixed costs of a call do not matter.
SECONDS_A_TURN = 0.25
# What a shared machine may set for other programs, and what makes OpenBLAS take kernels for older CPUs.
OPENBLAS_VARIABLES = ("OPENBLAS_CORETYPE", "OPENBLAS_L2_SIZE")
# Threads that other libraries leave spinning go to sleep.
SECONDS_OF_REST = 0.05


class Worker:
    """A process that trains with one library."""

    def __init__(self, name: str):
        self.name = name
        for variable in OPENBLAS_VARIABLES:
            os.environ.pop(variable, None)  # which the process inherits
        context = multiprocessing.get_context("spawn")
        self.connection, other = context.Pipe()
        self.process = context.Process(target=_serve, args=(name, other), daemon=True)
        self.process.start()

    def prepare(self, case: Case):
        """Build and warm up a case."""
        return self._ask(case)

    def blas(self):
        """Which BLAS libraries the process has loaded by now, with which kernels."""
        return self._ask(["blas"])[0]

    def turn(self):
        """(microseconds a step, mean loss of the last epoch) of a turn."""
        result = self._ask("turn")
        time.sleep(SECONDS_OF_REST)
        return result

    def stop(self):
        self.connection.send("stop")
        self.process.join()

    def _ask(self, what):
        self.connection.send(what)
        result = self.connection.recv()
        if isinstance(result, str):
            raise RuntimeError(f"{self.name} failed:\n{result}")
        return result


def _serve(name, connection):
    trained, n_epochs, case = None, 1, None
    while (message := connection.recv()) != "stop":
        try:
            if message == ["blas"]:
                connection.send([_blas()])
            elif message == "turn":
                seconds, loss = timed(trained.train, n_epochs)
                connection.send((seconds / n_epochs / case.n_steps * 1e6, loss))
            else:
                case, trained = message, None  # what the last case took is free before the next
                trained = LIBRARIES[name](case)
                trained.train(1)
                seconds, _ = timed(trained.train, 1)
                n_epochs = max(1, round(SECONDS_A_TURN / seconds))
                connection.send(None)
        except Exception:
            connection.send(traceback.format_exc())


def _blas():
    found = [library for library in threadpool_info() if library["user_api"] == "blas"]
    return "; ".join(
        sorted({f"{one['internal_api']} {one['version']}, {one.get('architecture')} kernels" for one in found})
    )


def versions():
    """Name and version of everything that takes part."""
    names = ["numpy", "scipy", "scikit-learn", "torch", "jax", "jaxlib", "optax"]
    return {"Python": sys.version.split()[0], **{name: importlib.metadata.version(name) for name in names}}
