import numpy as np
import pytest
from hypothesis import settings

from fastmlp._core import _config

# The same examples every time: what a change breaks is its own fault. FASTMLP_EXAMPLES searches for others.
settings.register_profile("repeatable", derandomize=True)
settings.load_profile("repeatable")


@pytest.fixture(params=_config.available_isas())
def isa(request, monkeypatch):
    """Run a test with every kernel table that this CPU can run."""
    monkeypatch.setenv("FASTMLP_ISA", request.param)
    return request.param


@pytest.fixture(params=["float32", "float64"])
def dtype(request):
    return request.param


@pytest.fixture
def rng():
    return np.random.default_rng(0)
