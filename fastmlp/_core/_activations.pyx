"""The activations' kernels, alone on arrays and as the network's layers refer to them."""

from libc.stddef cimport ptrdiff_t

import numpy as np

from fastmlp._core._config cimport kernels_for
from fastmlp._core._kernels cimport (
    FM_N_ACTIVATIONS,
    fm_activation_arguments,
    fm_activation_names,
    fm_kernels,
    numbers_of,
)
from fastmlp._core._memory cimport address

ACTIVATION_KERNELS = numbers_of(fm_activation_names, FM_N_ACTIVATIONS)


cdef int kernel_number(activation) except -2:
    return IN_PYTHON if activation.in_python else ACTIVATION_KERNELS[activation.kernel]


cdef int set_arguments(fm_activation_arguments *arguments, activation, Py_ssize_t units) except -1:
    """`arguments` refer to the activation's memory, which has to outlive them."""
    cdef Py_ssize_t i
    constants = activation.constants(units)
    if len(constants) > 3 or (activation.kernel == "power_product") != (activation.exponent_matrix is not None):
        raise ValueError(f"Activation {activation.name!r} does not fit its kernel {activation.kernel!r}.")
    for i, value in enumerate(constants):
        arguments.constants[i] = value
    arguments.exponents = <const double *> address(activation.exponent_matrix)
    arguments.groups.n = 0 if activation.groups is None else len(activation.groups)
    arguments.groups.sizes = <const ptrdiff_t *> address(activation.groups)
    arguments.outputs = activation.n_outputs(units)
    arguments.key = arguments.first_row = 0
    return 0


def _prepared(z):
    """Contiguous rows, float32 kept and everything else float64."""
    z = np.asarray(z)
    if z.ndim != 2 or z.shape[1] == 0:
        raise ValueError(f"z has shape {z.shape}; pass rows of one unit or more, (n_samples, units).")
    return np.require(z, np.float32 if z.dtype == np.float32 else np.float64, ["C", "A"])


def power_product_error(where):
    """For powers that do not exist, which otherwise would look like divergence."""
    return ValueError(
        f"{where} has a negative input with a fractional exponent, zero with a negative one, or a power too large to "
        "represent; keep its inputs positive, or use small whole exponents."
    )


def forward(activation, z):
    """a = h(z) for rows z, as in prediction: random slopes are their mean."""
    z = _prepared(z)
    cdef:
        const fm_kernels *kernels = kernels_for(z.dtype.name)
        fm_activation_arguments arguments
    set_arguments(&arguments, activation, z.shape[1])
    a = np.empty((z.shape[0], activation.n_outputs(z.shape[1])), z.dtype)
    kernels.activation_forward[<int> ACTIVATION_KERNELS[activation.prediction_kernel]](
        address(a), address(z), z.shape[0], z.shape[1], &arguments
    )
    if activation.kernel == "power_product" and not np.isfinite(a).all() and np.isfinite(z).all():
        raise power_product_error("power_product")
    return a


def backward(activation, gradient, z, a):
    """J^T g for rows z with a = h(z) and g = `gradient`, as in prediction."""
    z = _prepared(z)
    a, gradient = np.require(a, z.dtype, ["C", "A"]), np.require(gradient, z.dtype, ["C", "A"])
    expected = (z.shape[0], activation.n_outputs(z.shape[1]))
    if a.shape != expected or gradient.shape != expected:
        raise ValueError(f"a has shape {a.shape} and gradient {gradient.shape}; for this z both are {expected}.")
    cdef:
        const fm_kernels *kernels = kernels_for(z.dtype.name)
        fm_activation_arguments arguments
    set_arguments(&arguments, activation, z.shape[1])
    delta = np.empty_like(z)
    kernels.activation_backward[<int> ACTIVATION_KERNELS[activation.prediction_kernel]](
        address(delta), address(gradient), address(a), address(z), z.shape[0], z.shape[1], &arguments
    )
    return delta
