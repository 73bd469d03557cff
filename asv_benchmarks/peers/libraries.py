"""The libraries side by side: each class trains one case, some epochs at a time, as a user of it would for speed.

All do the same work: float32, the case's network, loss, optimizer and step size, every row once an epoch in a new
order, the mean loss of the epoch. Adam comes in its fastest form everywhere. Two classes have one logistic output.
"""

import time
import warnings
from itertools import pairwise

import numpy as np
from benchmarks.cases import Case

LEARNING_RATE = 1e-3
MOMENTUM = 0.9  # Nesterov's, for sgd: scikit-learn's default


class Sklearn:
    """scikit-learn's estimators, by fits that go on, with the BLAS threads that they find."""

    library = "scikit-learn"

    def __init__(self, case: Case):
        self.X, self.y = case.data()
        self.model = case.model(self.library, warm_start=True, tol=0.0, n_iter_no_change=np.inf)

    def train(self, n_epochs):
        self.model.max_iter = n_epochs
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # that it has not converged
            self.model.fit(self.X, self.y)
        return self.model.loss_curve_[-1]


class Fastmlp(Sklearn):
    """fastmlp's estimators, likewise, with the threads that they choose."""

    library = "fastmlp"


class Torch:
    """PyTorch, with one thread or all, whichever is faster.

    A sparse X is an embedding bag: column numbers and values of each row, padded to one length.
    """

    compiled = False

    def __init__(self, case: Case):
        import torch

        self.torch, self.case = torch, case
        torch.manual_seed(0)
        X, y = case.data()
        self.y = torch.from_numpy(y if case.n_outputs > 1 else y.astype(np.float32).reshape(-1, 1))
        self.inputs = [torch.from_numpy(array) for array in (padded_rows(X) if case.is_sparse else [X])]
        activation = {"relu": torch.nn.ReLU, "tanh": torch.nn.Tanh}[case.activation]
        sizes = [*case.sizes[:-1], case.n_outputs]
        layers = []
        for fan_in, fan_out in pairwise(sizes):
            layers += [torch.nn.Linear(fan_in, fan_out), activation()]
        self.network = torch.nn.Sequential(*layers[:-1])
        parameters = self.network.parameters()
        if case.solver == "adam":
            self.optimizer = torch.optim.Adam(parameters, lr=LEARNING_RATE, fused=True)
        else:
            self.optimizer = torch.optim.SGD(parameters, lr=LEARNING_RATE, momentum=MOMENTUM, nesterov=True, fused=True)
        if self.compiled:
            torch._dynamo.reset()  # or the next cases count as recompilations of the first, of which there are few
            self.loss = torch.compile(self.loss_of)
        else:
            self.loss = self.loss_of
        self.choose_threads()

    def loss_of(self, y, *inputs):
        functional = self.torch.nn.functional
        if self.case.is_sparse:
            columns, values = inputs
            first = self.network[0]
            z = functional.embedding_bag(columns, first.weight.T, mode="sum", per_sample_weights=values) + first.bias
            output = self.network[1:](z)
        else:
            output = self.network(*inputs)
        if self.case.task == "regression":
            return 0.5 * functional.mse_loss(output, y)
        if self.case.n_outputs == 1:
            return functional.binary_cross_entropy_with_logits(output, y)
        return functional.cross_entropy(output, y)

    def train(self, n_epochs):
        for _ in range(n_epochs):
            loss = self.epoch()
        return loss

    def epoch(self):
        case, total = self.case, 0.0
        order = self.torch.randperm(case.n_samples)
        for first in range(0, case.n_samples, case.batch_size):
            rows = order[first : first + case.batch_size]
            self.optimizer.zero_grad()
            loss = self.loss(self.y[rows], *(array[rows] for array in self.inputs))
            loss.backward()
            self.optimizer.step()
            total += loss.detach() * len(rows)
        return float(total) / case.n_samples

    def choose_threads(self):
        all_threads = self.torch.get_num_threads()
        self.epoch()
        seconds = {}
        for threads in {1, all_threads}:
            self.torch.set_num_threads(threads)
            self.epoch()
            seconds[threads] = min(timed(self.epoch)[0] for _ in range(2))
        self.torch.set_num_threads(min(seconds, key=seconds.get))


class CompiledTorch(Torch):
    """The same with torch.compile around network and loss."""

    compiled = True


class Jax:
    """JAX: a whole epoch as one jitted scan over the batches, parameters and moments donated."""

    def __init__(self, case: Case):
        import jax
        import jax.numpy as jnp
        import optax

        self.case, self.rng = case, np.random.default_rng(0)
        X, y = case.data()
        self.y = jnp.asarray(y if case.n_outputs > 1 else y.astype(np.float32).reshape(-1, 1))
        self.inputs = [jnp.asarray(array) for array in (padded_rows(X) if case.is_sparse else [X])]
        activation = {"relu": jax.nn.relu, "tanh": jnp.tanh}[case.activation]
        sizes = [*case.sizes[:-1], case.n_outputs]
        self.parameters = []
        for fan_in, fan_out in pairwise(sizes):
            bound = np.sqrt(6 / (fan_in + fan_out))
            w, b = self.rng.uniform(-bound, bound, (fan_in, fan_out)), self.rng.uniform(-bound, bound, fan_out)
            self.parameters.append((jnp.asarray(w, jnp.float32), jnp.asarray(b, jnp.float32)))
        if case.solver == "adam":
            optimizer = optax.adam(LEARNING_RATE)
        else:
            optimizer = optax.sgd(LEARNING_RATE, momentum=MOMENTUM, nesterov=True)
        self.state = optimizer.init(self.parameters)

        def loss_of(parameters, y, inputs):
            (w, b), *others = parameters
            a = jnp.einsum("bk,bkd->bd", inputs[1], w[inputs[0]]) + b if case.is_sparse else inputs[0] @ w + b
            for w, b in others:
                a = activation(a) @ w + b
            if case.task == "regression":
                return 0.5 * jnp.mean((a - y) ** 2)
            if case.n_outputs == 1:
                return jnp.mean(optax.sigmoid_binary_cross_entropy(a, y))
            return jnp.mean(optax.softmax_cross_entropy_with_integer_labels(a, y))

        def step(carry, rows):
            parameters, state = carry
            inputs = [array[rows] for array in self.inputs]
            loss, gradient = jax.value_and_grad(loss_of)(parameters, self.y[rows], inputs)
            updates, state = optimizer.update(gradient, state)
            return (optax.apply_updates(parameters, updates), state), loss

        def epoch(parameters, state, order):
            (parameters, state), losses = jax.lax.scan(step, (parameters, state), order)
            return parameters, state, losses.mean()

        self.jitted_epoch = jax.jit(epoch, donate_argnums=(0, 1))

    def train(self, n_epochs):
        for _ in range(n_epochs):
            loss = self.epoch()
        return loss

    def epoch(self):
        order = self.rng.permutation(self.case.n_samples).astype(np.int32).reshape(-1, self.case.batch_size)
        self.parameters, self.state, loss = self.jitted_epoch(self.parameters, self.state, order)
        return float(loss)  # waits for it


def padded_rows(X):
    """Column numbers and values of a CSR array's rows, padded with zeros to one length."""
    lengths = np.diff(X.indptr)
    filled = np.arange(lengths.max()) < lengths[:, None]
    columns, values = np.zeros(filled.shape, np.int32), np.zeros(filled.shape, np.float32)
    columns[filled], values[filled] = X.indices, X.data
    return columns, values


def timed(function, *arguments):
    """(seconds, result) of one call."""
    start = time.perf_counter()
    result = function(*arguments)
    return time.perf_counter() - start, result


LIBRARIES = {
    "fastmlp": Fastmlp,
    "scikit-learn": Sklearn,
    "PyTorch eager": Torch,
    "torch.compile": CompiledTorch,
    "JAX": Jax,
}
