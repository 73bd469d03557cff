"""Threads that train one model take turns, and what trains itself is refused."""

import copy
import subprocess
import sys
import threading
import time

import numpy as np
import pytest
from sklearn.base import clone

from fastmlp import MLPClassifier, MLPRegressor
from fastmlp._hold import held

X = np.random.default_rng(0).normal(size=(64, 5))
Y = X[:, 0]

# In a process of its own, because what it looks for ends the process.
CROWD = """
import copy, sys, threading
import numpy as np
from fastmlp import MLPClassifier
from fastmlp.training import _threads
_threads.MIN_WORK_A_THREAD = _threads.MIN_WORK_A_FIT = 1
X = np.random.default_rng(0).normal(size=(700, 60))
y = np.argmax(X[:, :3], axis=1)
model = MLPClassifier((100, 50), random_state=0, n_jobs=2).partial_fit(X, y, classes=[0, 1, 2])
models = [model] * 4 if sys.argv[1] == "one" else [copy.copy(model) for _ in range(4)]
def work(model):
    for _ in range(15):
        model.partial_fit(X, y)
threads = [threading.Thread(target=work, args=[model]) for model in models]
for thread in threads: thread.start()
for thread in threads: thread.join()
assert np.isfinite(model.network_.parameters).all()
print(len(model.loss_curve_))
"""


@pytest.mark.parametrize("models", ["one", "copies"])
def test_a_crowd(models):
    result = subprocess.run(
        [sys.executable, "-c", CROWD, models], capture_output=True, text=True, timeout=120, check=False
    )
    assert result.returncode == 0, result.stderr
    assert int(result.stdout) == 61  # the copies share the curve too


def test_threads_take_turns():
    """So many epochs in threads are as many one after the other."""
    model, alone = (MLPRegressor(hidden_layer_sizes=4, random_state=0).partial_fit(X, Y) for _ in range(2))
    threads = [threading.Thread(target=lambda: [model.partial_fit(X, Y) for _ in range(20)]) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for _ in range(60):
        alone.partial_fit(X, Y)
    np.testing.assert_array_equal(model.network_.parameters, alone.network_.parameters)
    assert model.loss_curve_ == alone.loss_curve_


def test_a_second_fit_waits():
    running, go_on, seen = threading.Event(), threading.Event(), []

    def wait(info):
        running.set()
        go_on.wait(20)

    model = MLPRegressor(hidden_layer_sizes=4, max_iter=1, tol=0, callbacks=wait, random_state=0)
    first = threading.Thread(target=lambda: seen.append(model.partial_fit(X, Y).t_))
    first.start()
    assert running.wait(20)
    second = threading.Thread(target=lambda: seen.append(model.partial_fit(X, Y).t_))
    second.start()
    time.sleep(0.1)
    assert not seen
    go_on.set()
    first.join()
    second.join()
    assert sorted(seen) == [64, 128]


@pytest.mark.parametrize("of", [lambda model: model, copy.copy], ids=["itself", "a copy with the same network"])
def test_a_callback_cannot_train_its_model(of):
    def again(info):
        of(info.model).partial_fit(X, Y)

    model = MLPRegressor(hidden_layer_sizes=4, random_state=0).partial_fit(X, Y)
    model.set_params(callbacks=again)
    with pytest.raises(RuntimeError, match="is being trained, and a callback of that fit tries to train it again"):
        model.partial_fit(X, Y)
    assert model.set_params(callbacks=None).partial_fit(X, Y).stop_reason_ == "max_iter"


def test_a_callback_may_train_another():
    trained = []
    model = MLPClassifier((3,), max_iter=1, callbacks=lambda info: trained.append(clone(other).fit(X, Y > 0)))
    other = MLPClassifier((3,), solver="lbfgs", max_iter=500)
    model.partial_fit(X, Y > 0, classes=[False, True])
    assert len(trained) == 1


def test_ctrl_c_right_behind_the_lock(monkeypatch):
    """It comes between bytecodes, so also after a fit has got its lock and before it knows; the next fit gets it."""

    class Interrupted:
        def __init__(self, lock):
            self.release, self._is_owned, self._acquire = lock.release, lock._is_owned, lock.acquire

        def acquire(self):
            self._acquire()
            raise KeyboardInterrupt

    trained = MLPRegressor()
    held_once = held(trained)
    lock = held_once._lock
    monkeypatch.setattr(held_once, "_lock", Interrupted(lock))
    with pytest.raises(KeyboardInterrupt), held_once:
        pass
    free = threading.Thread(target=lambda: results.append(lock.acquire(blocking=False)))
    results = []
    free.start()
    free.join()
    assert results == [True]
