import numpy as np
from numpy.typing import ArrayLike

from fastmlp.activations import Activation

ACTIVATION_KERNELS: dict[str, int]

def power_product_error(where: str) -> ValueError: ...
def forward(activation: Activation, z: ArrayLike) -> np.ndarray: ...
def backward(activation: Activation, gradient: ArrayLike, z: ArrayLike, a: ArrayLike) -> np.ndarray: ...
