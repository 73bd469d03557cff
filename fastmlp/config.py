"""What this installation is made of and what it uses on this machine."""

import os
import platform
import sys

import numpy

from fastmlp._core import _config
from fastmlp._version import __version__

PRODUCTS = {"own": "own kernels", "blas": "BLAS"}


def show_config() -> None:
    """Print versions, the instruction sets compiled and in use, BLAS and CPUs.

    Examples
    --------
    >>> import fastmlp
    >>> fastmlp.show_config()  # doctest: +ELLIPSIS
    fastmlp ...
    """
    import scipy
    import sklearn

    chosen = _config.chosen_isa()
    rows = [
        ("fastmlp", __version__),
        ("Python", f"{platform.python_version()} on {sys.platform}-{platform.machine()}"),
        ("NumPy, SciPy, scikit-learn", f"{numpy.__version__}, {scipy.__version__}, {sklearn.__version__}"),
        ("kernels compiled", ", ".join(_config.compiled_isas())),
        ("kernels that run here", ", ".join(_config.available_isas())),
        ("kernels in use", f"{chosen} (FASTMLP_ISA chooses another)"),
        ("matrix products", f"{PRODUCTS[_config.chosen_products()]} (FASTMLP_PRODUCTS=own or blas chooses)"),
        ("BLAS of SciPy", _scipy_blas()),
        ("CPU", f"{_cpu_name()}, {len(os.sched_getaffinity(0))} usable of {os.cpu_count()}"),
    ]
    width = max(len(name) for name, _ in rows)
    for name, value in rows:
        print(f"{name:{width}}  {value}")


def _scipy_blas():
    import scipy
    from threadpoolctl import threadpool_info

    for library in threadpool_info():
        if library["user_api"] == "blas" and "scipy" in os.path.basename(os.path.dirname(library["filepath"])):
            return "{internal_api} {version}, {architecture} kernels, {num_threads} threads".format_map(library)
    build = scipy.show_config(mode="dicts")["Build Dependencies"]["blas"]
    return f"{build['name']} {build['version']}"


def _cpu_name():
    try:
        with open("/proc/cpuinfo") as cpuinfo:
            return next(line.split(":")[1].strip() for line in cpuinfo if line.startswith("model name"))
    except (OSError, StopIteration):
        return platform.processor() or platform.machine()
