"""LAPACK's Cholesky routines, those that scipy carries, called without the interpreter's lock.

scipy.linalg holds the lock for the whole of a call, and while one thread solves, every other stands still. The same
routines are exported for Cython; called through ctypes they give the same bits, and other threads go on answering.

Matrices are float64 in Fortran order, and are overwritten where that is said.
"""

from __future__ import annotations

import ctypes
from collections.abc import Callable
from typing import Final

import numpy as np
import numpy.typing as npt
from scipy.linalg import cython_lapack

__all__ = ["factored", "inverse", "inverse_diagonal", "inverse_factor", "solved", "solved_half"]

Floats = npt.NDArray[np.float64]

BLOCK = 64
"""Rows and columns that are mirrored at a time, so that they stay in the nearest cache: a matrix of 1,500 takes 2.5 ms
so and 24 ms as a whole."""


def factored(matrix: Floats) -> Floats:
    """L with matrix = L Lᵀ, in the lower triangle of the matrix (n, n) itself; what lies above stays as it was.

    Reads the lower triangle only. Raises `numpy.linalg.LinAlgError` where the matrix is not positive definite.
    """
    size = _whole(_size(matrix))
    _call(_POTRF, b"L", size, matrix, size)
    return matrix


def solved(factor: Floats, right: Floats) -> Floats:
    """(L Lᵀ)⁻¹ times `right` (n, k): a new array in Fortran order."""
    answer = np.array(right, dtype=np.float64, order="F")
    size = _whole(_size(factor))
    _call(_POTRS, b"L", size, _whole(_columns(factor, answer)), factor, size, answer, size)
    return answer


def solved_half(factor: Floats, right: Floats) -> Floats:
    """L⁻¹ times `right` (n, k), which is overwritten."""
    size = _whole(_size(factor))
    _call(_TRTRS, b"L", b"N", b"N", size, _whole(_columns(factor, right)), factor, size, right, size)
    return right


def inverse(factor: Floats) -> Floats:
    """(L Lᵀ)⁻¹, in the place of the factor."""
    size = _whole(_size(factor))
    _call(_POTRI, b"L", size, factor, size)
    return _mirrored(factor)


def inverse_factor(factor: Floats) -> Floats:
    """L⁻¹, in the lower triangle of the factor itself."""
    size = _whole(_size(factor))
    _call(_TRTRI, b"L", b"N", size, factor, size)
    return factor


def inverse_diagonal(factor: Floats) -> Floats:
    """The diagonal of (L Lᵀ)⁻¹, (n,); the factor is overwritten. Its entries are the squares of L⁻¹'s columns."""
    return np.array([column[start:] @ column[start:] for start, column in enumerate(inverse_factor(factor).T)])


def _mirrored(lower: Floats) -> Floats:
    """The symmetric matrix whose lower triangle this holds, in its place."""
    for start in range(0, len(lower), BLOCK):
        end = start + BLOCK
        lower[start:end, end:] = lower[end:, start:end].T
        corner = lower[start:end, start:end]
        corner[:] = np.tril(corner) + np.tril(corner, -1).T
    return lower


def _routine(name: str) -> Callable[..., None]:
    """The address that scipy exports, as a function of pointers; ctypes lets the lock go while it runs."""
    capsule = cython_lapack.__pyx_capi__[name]
    told, address = ctypes.pythonapi.PyCapsule_GetName, ctypes.pythonapi.PyCapsule_GetPointer
    told.restype, told.argtypes = ctypes.c_char_p, [ctypes.py_object]
    address.restype, address.argtypes = ctypes.c_void_p, [ctypes.py_object, ctypes.c_char_p]
    return ctypes.CFUNCTYPE(None)(address(capsule, told(capsule)))


_POTRF: Final = _routine("dpotrf")
_POTRS: Final = _routine("dpotrs")
_TRTRS: Final = _routine("dtrtrs")
_POTRI: Final = _routine("dpotri")
_TRTRI: Final = _routine("dtrtri")


def _call(routine: Callable[..., None], *arguments: bytes | ctypes.c_int | Floats) -> None:
    outcome = _whole(0)
    routine(*map(_pointer, arguments), ctypes.byref(outcome))
    if outcome.value:
        raise np.linalg.LinAlgError(
            f"the matrix is not positive definite, or holds what is no number (LAPACK says {outcome.value})"
        )


def _pointer(argument: bytes | ctypes.c_int | Floats) -> object:
    if isinstance(argument, np.ndarray):
        return ctypes.c_void_p(argument.ctypes.data)
    return ctypes.byref(argument) if isinstance(argument, ctypes.c_int) else ctypes.c_char_p(argument)


def _whole(number: int) -> ctypes.c_int:
    return ctypes.c_int(number)


def _size(matrix: Floats) -> int:
    """The order of a matrix that LAPACK may have, checked, since it would write wherever it is pointed at."""
    if matrix.ndim != 2 or matrix.shape[0] != matrix.shape[1]:
        raise ValueError(f"a square matrix is needed, not one of shape {matrix.shape}")
    _check(matrix)
    return len(matrix)


def _columns(factor: Floats, right: Floats) -> int:
    if right.ndim != 2 or len(right) != len(factor):
        raise ValueError(f"the right side must be ({len(factor)}, k), not of shape {right.shape}")
    _check(right)
    return int(right.shape[1])


def _check(matrix: Floats) -> None:
    if matrix.dtype != np.float64 or not (matrix.flags.f_contiguous and matrix.flags.writeable):
        raise ValueError("LAPACK needs a matrix of float64 in Fortran order that may be written to")
