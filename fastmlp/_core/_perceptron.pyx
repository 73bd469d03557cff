"""The perceptron's two kernels over NumPy arrays, without the GIL."""

from cpython.exc cimport PyErr_CheckSignals
from libc.stddef cimport ptrdiff_t
from libc.stdint cimport uint8_t

from fastmlp._core._config cimport kernels_for
from fastmlp._core._kernels cimport fm_kernels

# Multiply-adds, of some milliseconds, after which signals are heard.
cdef Py_ssize_t WORK_A_LOOK = 1 << 23

ctypedef fused real:
    float
    double


cdef int check_shapes(Py_ssize_t n_outputs, Py_ssize_t n_weights, Py_ssize_t n_biases, Py_ssize_t n_features) except -1:
    """coef_ and intercept_ are public, and may have been replaced."""
    if n_weights != n_features or n_biases != n_outputs:
        raise ValueError(
            f"coef_ is ({n_outputs}, {n_weights}) and intercept_ ({n_biases},), but X has {n_features} features; give "
            "them the shapes (n_outputs, n_features) and (n_outputs,)."
        )
    return 0


def train_epoch(
    real[:, ::1] coef, real[::1] intercept, const real[:, ::1] X, const uint8_t[:, ::1] targets,
    const Py_ssize_t[::1] order, double eta,
):
    """One pass of the learning rule over the rows of X that `order` names; returns the number of wrong outputs."""
    check_shapes(coef.shape[0], coef.shape[1], intercept.shape[0], X.shape[1])
    if targets.shape[0] != X.shape[0] or targets.shape[1] != coef.shape[0]:
        raise ValueError("targets have to be (n_samples, n_outputs).")
    cdef:
        const fm_kernels *kernels = kernels_for("float32" if real is float else "float64")
        real *w = &coef[0, 0]
        real *b = &intercept[0]
        const real *x = &X[0, 0]
        const uint8_t *y = &targets[0, 0]
        const ptrdiff_t *rows = <const ptrdiff_t *> &order[0]
        Py_ssize_t first, n_rows, mistakes = 0, rows_a_look = 1 + WORK_A_LOOK // X.shape[1] // coef.shape[0]
    for first in range(0, order.shape[0], rows_a_look):
        n_rows = min(rows_a_look, order.shape[0] - first)
        with nogil:
            mistakes += kernels.perceptron_epoch(w, b, x, y, rows + first, n_rows, X.shape[1], coef.shape[0], eta)
        PyErr_CheckSignals()
    return mistakes


def net_inputs(real[:, ::1] net_out, const real[:, ::1] coef, const real[::1] intercept, const real[:, ::1] X):
    """net_out (n_samples, n_outputs) = X coef^T + intercept."""
    check_shapes(coef.shape[0], coef.shape[1], intercept.shape[0], X.shape[1])
    if net_out.shape[0] != X.shape[0] or net_out.shape[1] != coef.shape[0]:
        raise ValueError("net_out has to be (n_samples, n_outputs).")
    cdef:
        const fm_kernels *kernels = kernels_for("float32" if real is float else "float64")
        real *net = &net_out[0, 0]
        const real *w = &coef[0, 0]
        const real *b = &intercept[0]
        const real *x = &X[0, 0]
        Py_ssize_t first, n_rows, rows_a_look = 1 + WORK_A_LOOK // X.shape[1] // coef.shape[0]
    for first in range(0, X.shape[0], rows_a_look):
        n_rows = min(rows_a_look, X.shape[0] - first)
        with nogil:
            kernels.perceptron_net(
                net + first * coef.shape[0], w, b, x + first * X.shape[1], n_rows, X.shape[1], coef.shape[0]
            )
        PyErr_CheckSignals()
