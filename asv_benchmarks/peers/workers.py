"""One process for each library, told when to run, so that none disturbs another's threads or memory."""

import importlib.metadata
import multiprocessing
import os
import sys
import time
import traceback

from threadpoolctl import threadpool_info

# What a shared machine may set for other programs, and what makes OpenBLAS take kernels for older CPUs.
OPENBLAS_PREFIX = "OPENBLAS_"
# Threads that other libraries leave spinning go to sleep.
SECONDS_OF_REST = 0.05


class Worker:
    """A process with one library.

    `service` is called there, without arguments; what it returns has the methods ``prepare`` and ``turn``.
    """

    def __init__(self, name: str, service):
        self.name = name
        for variable in [name for name in os.environ if name.startswith(OPENBLAS_PREFIX)]:
            del os.environ[variable]  # which the process inherits
        context = multiprocessing.get_context("spawn")
        self.connection, other = context.Pipe()
        self.process = context.Process(target=_serve, args=(service, other), daemon=True)
        self.process.start()

    def prepare(self, *what):
        """Build and warm up what the next turns are about."""
        return self._ask("prepare", *what)

    def turn(self):
        """The result of a turn, after which the machine rests."""
        result = self._ask("turn")
        time.sleep(SECONDS_OF_REST)
        return result

    def blas(self):
        """Which BLAS libraries the process has loaded by now, with which kernels."""
        return self._ask("blas")

    def stop(self):
        self.connection.send(None)
        self.process.join()

    def _ask(self, *what):
        self.connection.send(what)
        failed, result = self.connection.recv()
        if failed:
            raise RuntimeError(f"{self.name} failed:\n{result}")
        return result


def in_turn(workers, n_rounds):
    """Each worker once a round; nobody always comes after the same one."""
    for number in range(n_rounds):
        first = number % len(workers)
        yield from workers[first:] + workers[:first]


def _serve(service, connection):
    served = None
    while (message := connection.recv()) is not None:
        method, *arguments = message
        try:
            served = served or service()
            result = _blas() if method == "blas" else getattr(served, method)(*arguments)
            connection.send((False, result))
        except Exception:
            connection.send((True, traceback.format_exc()))


def blas_of(workers):
    """{"BLAS of these libraries": what they have loaded}."""
    found = {}
    for worker in workers:
        found.setdefault(worker.blas() or "none found", []).append(worker.name)
    if len(found) == 1:
        return {"BLAS of all": next(iter(found))}
    return {f"BLAS of {', '.join(names)}": blas for blas, names in found.items()}


def _blas():
    found = [library for library in threadpool_info() if library["user_api"] == "blas"]
    return "; ".join(
        sorted({f"{one['internal_api']} {one['version']}, {one.get('architecture')} kernels" for one in found})
    )


def versions(names):
    """Name and version of everything that takes part."""
    return {"Python": sys.version.split()[0], **{name: importlib.metadata.version(name) for name in names}}
