import os

import numpy as np
import pytest
from hypothesis import settings

from fastmlp._core import _config
from fastmlp.training.lbfgs import LBFGS
from fastmlp.training.stochastic import Trainer

from .wrong_calls import EPOCHS

# The same examples every time: what a change breaks is its own fault. FASTMLP_EXAMPLES searches for others.
settings.register_profile("repeatable", derandomize=True)
settings.load_profile("repeatable")


# The seed of all that a test does not seed itself; another one tries whether the test depends on luck.
SEED = int(os.environ.get("FASTMLP_TEST_SEED", "0"))


def pytest_runtest_setup():
    """Let models without a random_state draw the same numbers whenever a test runs, with whatever other tests."""
    np.random.seed(SEED)  # noqa: NPY002


ISAS = _config.available_isas()


@pytest.fixture(params=[*ISAS, f"{ISAS[-1]}, products by BLAS"])
def isa(request, monkeypatch):
    """Run a test with every kernel table that this CPU can run, and with BLAS below the widest."""
    isa, _, by_blas = request.param.partition(",")
    monkeypatch.setenv("FASTMLP_ISA", isa)
    if by_blas:
        monkeypatch.setenv("FASTMLP_PRODUCTS", "blas")
    return isa


@pytest.fixture(params=["float32", "float64"])
def dtype(request):
    return request.param


@pytest.fixture
def rng():
    return np.random.default_rng(SEED)


@pytest.fixture
def count_epochs(monkeypatch):
    """Note the epochs that a test trains for in EPOCHS, and its fits by lbfgs."""
    for owner, name in ((Trainer, "_take_steps"), (LBFGS, "train")):
        run = getattr(owner, name)

        def counted(*args, run=run, **kwargs):
            result = run(*args, **kwargs)
            EPOCHS.append(run)
            return result

        monkeypatch.setattr(owner, name, counted)
    EPOCHS.clear()
