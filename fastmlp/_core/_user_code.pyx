"""Activations and losses that are written in Python: called with the GIL, a batch at a time, with copies.

What they raise is kept in the workspace, which makes the pass's cost NaN, and is raised at the pass's end.
"""

from libc.math cimport NAN
from libc.string cimport memcpy

import numpy as np

from fastmlp._core._memory cimport address
from fastmlp._core._pass cimport Layer

from fastmlp._core._activations import power_product_error


cdef array_at(const Pass *p, const char *memory, Py_ssize_t n_rows, Py_ssize_t n_columns):
    """A copy of the memory as an array, which a user may keep or change."""
    array = np.empty((n_rows, n_columns), (<object> p.net.owner).dtype)
    memcpy(address(array), memory, n_rows * n_columns * p.net.itemsize)
    return array


cdef put_at(const Pass *p, char *memory, array):
    """Copy an array of the right shape into the memory."""
    array = np.require(array, (<object> p.net.owner).dtype, ["C", "A"])
    memcpy(memory, address(array), array.nbytes)


cdef void python_forward(const Pass *p, int place, char *a, const char *z, Py_ssize_t n_rows) noexcept with gil:
    cdef const Layer *layer = &p.net.layers[place]
    try:
        activation = (<object> p.net.owner).activations[place]
        values = activation.forward(array_at(p, z, n_rows, layer.inputs))
        put_at(p, a, returned(values, (n_rows, layer.outputs), activation, "forward"))
    except BaseException as error:
        (<object> p.memory.owner).fail(error)


cdef void python_backward(
    const Pass *p, const Tile *tile, int place, const char *a, const char *z
) noexcept with gil:
    cdef:
        const Layer *layer = &p.net.layers[place]
        Py_ssize_t n_rows = tile.n_rows, row = tile.first * p.net.itemsize
        const char *gradient = p.memory.layers[place].grad + row * layer.outputs
        char *delta_out = p.memory.layers[place - 1].grad + row * layer.inputs
    if p.memory.failed:
        return
    try:
        activation = (<object> p.net.owner).activations[place]
        delta = activation.backward(
            array_at(p, gradient, n_rows, layer.outputs),
            array_at(p, z, n_rows, layer.inputs),
            array_at(p, a, n_rows, layer.outputs),
        )
        put_at(p, delta_out, returned(delta, (n_rows, layer.inputs), activation, "backward"))
    except BaseException as error:
        (<object> p.memory.owner).fail(error)


cdef double python_loss(
    const Pass *p, const Tile *tile, const char *a, const char *weights, bint goes_back
) noexcept with gil:
    """Sum of weight * loss of a tile with outputs a; if it goes back, dC/dA_L into the memory of the last layer."""
    cdef:
        const Layer *layer = &p.net.layers[p.net.n_layers]
        Py_ssize_t n_rows = tile.n_rows, row = tile.first * p.net.itemsize
        char *gradient_out = p.memory.layers[p.net.n_layers].grad + row * layer.outputs
    if p.memory.failed:
        return NAN
    try:
        outputs = array_at(p, a, n_rows, layer.outputs)
        y = array_at(p, p.memory.targets + row * p.net.n_targets, n_rows, p.net.n_targets)
        w = np.ones((n_rows, 1), outputs.dtype) if weights == NULL else array_at(p, weights, n_rows, 1)
        loss = (<object> p.net.owner).loss
        values = returned(loss.values(outputs, y), (n_rows,), loss, "values")
        if goes_back:
            gradient = returned(loss.gradient(outputs, y), (n_rows, layer.outputs), loss, "gradient")
            put_at(p, gradient_out, p.batch.scale * w * gradient)
        return np.vdot(w.ravel().astype(np.float64), values)
    except BaseException as error:
        (<object> p.memory.owner).fail(error)
        return NAN


cdef void check_domain(const Pass *p, int place, const char *a, const char *z, Py_ssize_t n_rows) noexcept nogil:
    """Refuse powers that do not exist, rather than let them look like divergence."""
    cdef const Layer *layer = &p.net.layers[place]
    if p.net.kernels.all_finite(a, n_rows * layer.outputs) or not p.net.kernels.all_finite(z, n_rows * layer.inputs):
        return
    with gil:
        (<object> p.memory.owner).fail(power_product_error(f"power_product in layer {layer.number}"))


def returned(array, shape, owner, method):
    """What a user's method has returned, if its shape is right."""
    array = np.asarray(array)
    if array.shape != shape:
        raise ValueError(
            f"{method} of {owner.name!r} returned an array of shape {array.shape}; return one of shape {shape}."
        )
    return array
