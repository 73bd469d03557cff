"""Passes over a network that hand out what is inside it, a block of rows at a time (S1, S24).

X is as the estimators validate it, of the network's dtype, dense or CSR; memory does not grow with its rows.
"""

from collections.abc import Iterator

import numpy as np

from fastmlp._blas_threads import one_blas_thread
from fastmlp._blocks import row_blocks
from fastmlp._core._data import Data
from fastmlp._typing import Matrix
from fastmlp.network import Network

# Rows of a block whose layers are kept, or whose derivatives are summed.
BLOCK_ROWS = 4096
# Nodes of one rule of Gauss-Legendre.
MOST_NODES = 100


def hidden_outputs(network: Network, X: Matrix) -> Iterator[tuple[slice, list[np.ndarray]]]:
    """Outputs of the hidden layers in prediction: which rows, and an array for each layer.

    The arrays are views of memory that the next block overwrites.
    """
    workspace = None
    for rows in row_blocks(X.shape[0], network.parameters.itemsize * sum(network.sizes[1:]), BLOCK_ROWS):
        data = Data(X[rows])
        if workspace is None:  # the first block is the largest
            workspace = network.core.workspace(data)
        with _one_blas_thread(network, data):
            network.core.forward(workspace, data)
        yield rows, [outputs[: data.n_rows] for outputs in workspace.activations[1:-1]]


def output_gradients(
    network: Network, X: Matrix, output: int | np.ndarray | None = None, rows: np.ndarray | None = None
) -> Iterator[tuple[slice, np.ndarray]]:
    """dA_Lk / dX = D_1 W_1^T with dC/dA_L = e_k: which rows, and (rows, n_features).

    k is `output`, one for all or one for each row; None takes the largest output of each row. The rows are all of X, or
    `rows`.
    """
    workspace = None
    for block in _dense_blocks(network, X.shape[0] if rows is None else len(rows)):
        data = Data(X[block if rows is None else rows[block]])
        if workspace is None:
            workspace = network.core.workspace(data, backward=True)
        yield block, _pull_back(network, workspace, data, output[block] if isinstance(output, np.ndarray) else output)


def loss_gradients(
    network: Network, X: Matrix, targets: np.ndarray, target_values: tuple[float, float]
) -> Iterator[tuple[slice, np.ndarray]]:
    """Derivatives of the loss of each row: which rows, and (rows, n_features)."""
    workspace, (off, on) = None, target_values
    by_parameters = np.empty_like(network.parameters)
    for rows in _dense_blocks(network, X.shape[0]):
        data = Data(X[rows], targets[rows], off=off, on=on)
        if workspace is None:
            workspace = network.core.workspace(data, backward=True)
        with _one_blas_thread(network, data):
            network.core.backward(workspace, data, by_parameters)
            gradient = _input_gradient(network, workspace, data)
        gradient *= data.n_rows  # the batch's cost is the mean
        yield rows, gradient


def integrated_gradients(
    network: Network, X: Matrix, output: int | None, baseline: np.ndarray, n_steps: int
) -> Iterator[tuple[slice, np.ndarray]]:
    """(x - x0) times the mean of dA_Lk / dx from x0 to x, by Gauss-Legendre: which rows, and (rows, n_features)."""
    nodes, weights = _gauss_legendre(n_steps)
    workspace = None
    for rows in _dense_blocks(network, X.shape[0]):
        block = X[rows] if isinstance(X, np.ndarray) else X[rows].toarray()
        if workspace is None:
            data = Data(block)
            workspace = network.core.workspace(data, backward=True)
        # The one output that is largest at x, all the way.
        k = network.predict_raw(block, activate_output=True).argmax(axis=1) if output is None else output
        way = block - baseline
        mean = np.zeros_like(block)
        for node, weight in zip(nodes, weights, strict=True):
            data = Data(baseline + node * way)
            mean += weight * _pull_back(network, workspace, data, k)
        yield rows, way * mean


def _dense_blocks(network, n_rows):
    """Row blocks for passes whose inputs or input gradients are dense."""
    return row_blocks(n_rows, network.parameters.itemsize * sum(network.sizes), BLOCK_ROWS)


def _gauss_legendre(n_nodes):
    """Nodes and weights on (0, 1), as Python's floats, which keep float32 arrays what they are.

    More than MOST_NODES, whose computing takes time that grows with their cube, are spread over several equal parts.
    """
    n_parts = -(-n_nodes // MOST_NODES)
    nodes, weights = np.polynomial.legendre.leggauss(-(-n_nodes // n_parts))
    nodes = (np.arange(n_parts)[:, np.newaxis] + (nodes + 1) / 2) / n_parts
    return nodes.ravel().tolist(), (np.tile(weights, n_parts) / (2 * n_parts)).tolist()


def _one_blas_thread(network, data):
    return one_blas_thread(needed=network.core.plan.wakes_blas_threads(data.n_rows))


def _pull_back(network, workspace, data, k):
    with _one_blas_thread(network, data):
        return _pulled_back(network, workspace, data, k)


def _pulled_back(network, workspace, data, k):
    network.core.forward(workspace, data)
    n_rows = data.n_rows
    if k is None:
        k = workspace.activations[-1][:n_rows].argmax(axis=1)
    one_hot = workspace.output_gradient[:n_rows]
    one_hot[...] = 0
    one_hot[np.arange(n_rows), k] = 1
    network.core.pull_back(workspace, data)
    return _input_gradient(network, workspace, data)


def _input_gradient(network, workspace, data):
    gradient = np.empty((data.n_rows, network.sizes[0]), network.parameters.dtype)
    network.core.input_gradient(workspace, data, gradient)
    return gradient
