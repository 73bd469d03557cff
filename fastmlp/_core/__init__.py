"""Compiled core: the network's passes over its flat parameters, BLAS and the C kernels."""
