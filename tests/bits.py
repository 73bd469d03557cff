"""Whether two builds of fastmlp train to the same bits: some 40 fits on every kernel table that runs here.

    python tests/bits.py record FILE      write the digests of this build's results
    python tests/bits.py compare FILE     list where this build's results differ; exit 1 if any does

Record with one commit built, compare with another, on one machine: bits depend on the CPU and on its BLAS.
"""

import hashlib
import json
import os
import pickle
import sys
import warnings

import numpy as np
from scipy.sparse import csr_array

import fastmlp
from fastmlp import MLPClassifier, MLPRegressor, Network, Perceptron
from fastmlp._core import _config
from fastmlp.activations import Activation, LeakyReLU, Maxout
from fastmlp.losses import Huber, Loss, Quantile
from fastmlp.training.callbacks import EarlyStopping
from fastmlp.training.schedules import Cosine, OneCycle, WarmUp

N_ROWS, N_FEATURES = 311, 17


class Softplus2(Activation):
    name = "softplus_in_python"

    def forward(self, z):
        return np.logaddexp(0, z)

    def backward(self, gradient, z, a):
        return gradient * (1 - np.exp(-a))


class Quartic(Loss):
    name = "quartic"

    def values(self, a, y):
        return np.sum((a - y) ** 4, axis=1)

    def gradient(self, a, y):
        return 4 * (a - y) ** 3


def rows(dtype="float64", sparse=False):
    X = np.random.default_rng(0).normal(size=(N_ROWS, N_FEATURES)).astype(dtype)
    if sparse:
        X[np.random.default_rng(1).random(X.shape) < 0.8] = 0
        return csr_array(X)
    return X


def targets(kind):
    X, rng = rows(), np.random.default_rng(2)
    linear = X @ rng.normal(size=(N_FEATURES, 3)) / 4 + 0.1 * rng.normal(size=(N_ROWS, 3))
    return {
        "binary": np.array(["no", "yes"])[(linear[:, 0] > 0).astype(int)],
        "classes": linear.argmax(axis=1),
        "labels": (linear > 0).astype(int),
        "several": np.column_stack([linear.argmax(axis=1), (linear[:, 0] > 0) + 5]),
        "soft": np.exp(linear) / np.exp(linear).sum(axis=1, keepdims=True),
        "number": linear[:, 0],
        "numbers": linear[:, :2],
        "counts": np.floor(np.exp(linear[:, 0])),
    }[kind]


def weights():
    w = np.random.default_rng(3).random(N_ROWS) + 0.1
    w[::7] = 0
    return w


def classifier(kind="classes", dtype="float64", *, sparse=False, fit=None, **parameters):
    parameters = {"hidden_layer_sizes": (23, 11), "max_iter": 6, "batch_size": 50, "random_state": 0} | parameters
    return MLPClassifier(**parameters).fit(rows(dtype, sparse), targets(kind), **(fit or {}))


def regressor(kind="number", dtype="float64", *, sparse=False, fit=None, **parameters):
    parameters = {"hidden_layer_sizes": (23, 11), "max_iter": 6, "batch_size": 50, "random_state": 0} | parameters
    return MLPRegressor(**parameters).fit(rows(dtype, sparse), targets(kind), **(fit or {}))


def in_parts(stored=False, **parameters):
    """partial_fit of parts of the rows, with a pickle in between where that is asked for."""
    model = MLPClassifier((23, 11), random_state=0, **parameters)
    X, y = rows("float32"), targets("classes")
    for part in np.array_split(np.arange(N_ROWS), 5):
        model.partial_fit(X[part], y[part], classes=[0, 1, 2])
        if stored:
            model = pickle.loads(pickle.dumps(model))
    return model


def one_by_one():
    model = MLPRegressor(hidden_layer_sizes=(9,), random_state=0, solver="sgd")
    for x, y in zip(rows()[:40], targets("number")[:40], strict=True):
        model.partial_fit(x[np.newaxis], [y])
    return model


def warm(solver):
    model = MLPClassifier((23,), solver=solver, max_iter=4, warm_start=True, random_state=0, learning_rate_init=0.01)
    for _ in range(3):
        model.fit(rows(), targets("binary"))
    return model


def wide(solver, dtype, n_jobs):
    """Layers that are wide enough to be packed, and work enough for two threads."""
    X = np.random.default_rng(4).normal(size=(600, 90)).astype(dtype)
    model = MLPRegressor(
        hidden_layer_sizes=(520, 70), solver=solver, batch_size=200, max_iter=3, random_state=0, n_jobs=n_jobs
    )
    return model.fit(X, np.sin(X[:, 0]))


def validated(model):
    X, y = rows("float32"), targets("classes")
    return model.fit(X[:250], y[:250], X_val=X[250:], y_val=y[250:])


def steps():
    """A Network on its own: gradient-descent steps, and all that can be asked of it."""
    network = Network([N_FEATURES, 12, 8, 2], activation=["gelu", "tanh"], loss=Huber(0.5), random_state=0)
    X, y = rows(), targets("numbers")
    for _ in range(5):
        network.step(X, y, learning_rate=0.1)
    gradients = network.backward(X, y, sample_weight=weights())
    return [network.parameters, network.jacobian(X[:9]), network.cost(X, y), *gradients.deltas, gradients.inputs]


def looked_into():
    model = classifier("classes", "float32")
    X = rows("float32")
    return [
        *model.network_.activations(X),
        model.input_gradient(X, targets("classes")),
        model.integrated_gradients(X[:5]),
        model.transform(X),
        model.compute_feature_importances(X),
    ]


F = "float32"
FITS = {
    "adam, classes": lambda: classifier(),
    "adam, binary, float32": lambda: classifier("binary", F),
    "adam, labels": lambda: classifier("labels", F),
    "adam, several targets": lambda: classifier("several", label_smoothing=0.1),
    "adam, distributions": lambda: classifier("soft", loss="kl_divergence"),
    "adam, number": lambda: regressor("number", F),
    "adam, numbers": lambda: regressor("numbers"),
    "adam, counts": lambda: regressor("counts", loss="poisson"),
    "adam, quantiles": lambda: regressor("number", loss=Quantile([0.1, 0.5, 0.9])),
    "adam, hinge": lambda: classifier("classes", loss="hinge"),
    "adamw, weight decay": lambda: classifier("binary", F, solver="adamw", weight_decay=0.01),
    "sgd, nesterov": lambda: classifier(solver="sgd", learning_rate_init=0.05),
    "sgd, float32, adaptive": lambda: regressor(
        "number", F, solver="sgd", nesterovs_momentum=False, learning_rate="adaptive", learning_rate_init=0.01
    ),
    "sgd, inverse scaling, in order": lambda: classifier(solver="sgd", learning_rate="invscaling", shuffle=False),
    "rmsprop": lambda: classifier("labels", solver="rmsprop"),
    "rmsprop, float32, cosine": lambda: regressor("numbers", F, solver="rmsprop", learning_rate=WarmUp(2, Cosine())),
    "adagrad": lambda: regressor("number", solver="adagrad", learning_rate=OneCycle()),
    "adagrad, float32": lambda: classifier("binary", F, solver="adagrad"),
    "lbfgs, classes": lambda: classifier(solver="lbfgs", max_iter=20),
    "lbfgs, float32, weights": lambda: regressor(
        "numbers", F, solver="lbfgs", max_iter=20, fit={"sample_weight": weights()}
    ),
    "lbfgs, sparse": lambda: classifier("binary", sparse=True, solver="lbfgs", max_iter=20),
    "sparse": lambda: classifier(sparse=True),
    "sparse, float32, input dropout": lambda: classifier("binary", F, sparse=True, input_dropout=0.2),
    "dropout, clipped": lambda: classifier(dropout=[0.1, 0.3], clip_norm=0.5, l1=1e-3),
    "batch normalization": lambda: classifier("classes", F, batch_norm=True),
    "batch normalization, dropout": lambda: regressor(batch_norm=True, dropout=0.2, activation="gelu"),
    "random slopes": lambda: classifier(activation=["randomized_leaky_relu", LeakyReLU(0.2)]),
    "maxout, tanh": lambda: classifier("classes", F, hidden_layer_sizes=(24, 11), activation=[Maxout(2), "tanh"]),
    "every other activation": lambda: classifier(
        hidden_layer_sizes=(8,) * 8,
        activation=["silu", "mish", "softplus", "elu", "selu", "logistic", "hard_tanh", "hard_sigmoid"],
    ),
    "written in Python": lambda: regressor("number", loss=Quartic(), activation=Softplus2(), learning_rate_init=1e-4),
    "class weights, sample weights": lambda: classifier(
        "binary", class_weight="balanced", fit={"sample_weight": weights()}
    ),
    "early stopping": lambda: classifier("classes", F, early_stopping=True, max_iter=40, n_iter_no_change=3),
    "early stopping by X_val": lambda: validated(
        MLPClassifier((23,), early_stopping=True, max_iter=30, scoring="neg_log_loss", random_state=0)
    ),
    "callback": lambda: classifier(callbacks=EarlyStopping(n_iter_no_change=2, tol=0.05), max_iter=60),
    "partial_fit": lambda: in_parts(),
    "partial_fit, pickled": lambda: in_parts(stored=True, solver="rmsprop"),
    "row by row": one_by_one,
    "warm start, adam": lambda: warm("adam"),
    "warm start, lbfgs": lambda: warm("lbfgs"),
    "wide, float32, two threads": lambda: wide("adam", F, 2),
    "wide, float64, lbfgs": lambda: wide("lbfgs", "float64", None),
    "Network": steps,
    "inspection": looked_into,
    "perceptron": lambda: Perceptron(random_state=0, max_iter=20).fit(rows(), targets("classes")),
}


def arrays_of(result):
    """All numbers that a fit has left, and what it predicts."""
    if isinstance(result, list):
        return result
    if isinstance(result, Perceptron):
        return [result.coef_, result.intercept_, result.mistakes_curve_]
    network = result.network_
    arrays = [network.parameters, network.statistics, result.loss_curve_, result.learning_rate_curve_ or []]
    arrays += [result.validation_scores_ or [], result.validation_loss_curve_ or [], [result.n_iter_, result.loss_]]
    X = rows(network.parameters.dtype)[:, : network.sizes[0]]
    if network.sizes[0] == N_FEATURES:
        arrays.append(network.forward(X))
        arrays.append(result.predict(X))
        if hasattr(result, "predict_proba"):
            arrays += [result.predict_proba(X), result.predict_log_proba(X)]
    arrays.append(getattr(result, "feature_importances_", []))
    return arrays


def digest(arrays):
    code = hashlib.sha256()
    for array in arrays:
        for part in array if isinstance(array, list) and array and isinstance(array[0], np.ndarray) else [array]:
            part = np.asarray(part)
            code.update(str(part.dtype).encode() + str(part.shape).encode())
            code.update("".join(map(str, part.ravel())).encode() if part.dtype == object else part.tobytes())
    return code.hexdigest()[:16]


def digests():
    found = {}
    warnings.simplefilter("ignore")
    for isa in _config.available_isas():
        os.environ["FASTMLP_ISA"] = isa
        for name, fit in FITS.items():
            found[f"{isa}: {name}"] = digest(arrays_of(fit()))
    return found


def main():
    command, path = sys.argv[1:]
    found = digests()
    print(f"{len(found)} results of {os.path.dirname(fastmlp.__file__)}")
    if command == "record":
        with open(path, "w") as file:
            json.dump(found, file, indent=1)
        return
    with open(path) as file:
        recorded = json.load(file)
    differing = [name for name in recorded if found.get(name) != recorded[name]]
    print("\n".join([f"differs: {name}" for name in differing] or ["all of them are the same bits"]))
    sys.exit(bool(differing))


if __name__ == "__main__":
    main()
