"""Kernels that numba compiles for the machine at hand; importing one imports numba.

Arrays are flat memory here: an argument ``a, a0`` means "array ``a`` from its element ``a0`` on",
and all strides are given in elements. Arrays are C-contiguous and of one type, float32 or float64.
"""
