"""What the reader gives as data, as plain arrays; what is no data is refused in one line.

It knows data frames, sparse matrices and tensors by their face, and imports none of their packages.
"""

from __future__ import annotations

import inspect
from typing import Any

import numpy as np

from livegrad._checks import Array

__all__ = ["arrays", "checked", "is_data_set", "leaf", "named", "refuse"]

_SCALARS = (str, bytes, bool, int, float, complex)
_CLASSES = ": number the classes, np.unique(y, return_inverse=True)[1]"
_SPARSE = {"SparseTensor": "tf.sparse.to_dense({})", "RaggedTensor": "{}.to_tensor()"}


def arrays(given: Any, name: str) -> Any:
    """Return the group with NumPy arrays for leaves; a list of numbers is one array.

    Args:
        given: an array, or a list, tuple or dict of them, or of such.
        name: what it is called where it is refused.

    Raises:
        ValueError: if it holds anything else.
    """
    if isinstance(given, dict):
        if not given:
            raise ValueError(f"{name} must hold at least one array, got an empty dict")
        return {key: arrays(part, f"{name}[{key!r}]") for key, part in given.items()}
    if isinstance(given, list | tuple) and any(_is_part(part) for part in given):
        parts = [arrays(part, f"{name}[{at}]") for at, part in enumerate(given)]
        return parts if isinstance(given, list) else tuple(parts)
    return leaf(given, name)


def leaf(given: Any, name: str) -> Array:
    """Return one array of what may be a list, a frame, a series or a tensor.

    Raises:
        ValueError: if it is none of numbers.
    """
    refuse(given, name)
    if is_data_set(given):
        wanted = f"{name} must be arrays where y is given"
        raise ValueError(f"{wanted}, got {named(given)}: it brings its own labels")
    if hasattr(given, "columns") and hasattr(given, "to_numpy"):
        return _frame(given, name)
    if isinstance(given, list | tuple):
        try:
            array = np.asarray(given)
        except ValueError:
            lengths = sorted({len(part) for part in given if hasattr(part, "__len__")})
            rows = f"rows of {' and '.join(map(str, lengths[:2]))} values"
            if len(lengths) < 2:
                rows = "rows of several shapes"
            said = f"{name} must be rectangular, got {rows}: pad them to one length"
            raise ValueError(said) from None
    else:
        array = _series(given) if hasattr(given, "to_numpy") else np.asarray(given)
    if array.dtype == object and array.ndim == 0:
        raise ValueError(f"{name} must be an array, got {named(given)}")
    return checked(array, name)


def checked(array: Array, name: str) -> Array:
    """Return an array of real numbers, one example or more.

    Raises:
        ValueError: if it is not.
    """
    kind, wanted = array.dtype.kind, f"{name} must hold numbers"
    if kind == "O":
        strange = [value for value in array.flat if not _is_number(value)][:1]
        such = "".join(f", such as {_shown(value)}" for value in strange)
        such = such or f": np.asarray({name}, float)"
        words = _CLASSES if name[:1] == "y" and isinstance((strange or [0])[0], str) else ""
        raise ValueError(f"{wanted}, got dtype object{such}{words}")
    if kind in "UST":
        hint = _CLASSES if name[:1] == "y" else ""
        raise ValueError(f"{wanted}, got dtype {array.dtype}{hint}")
    if kind in "mM":
        unit = ': subtract a moment and divide by np.timedelta64(1, "D")'
        raise ValueError(f"{wanted}, got dtype {array.dtype}{unit if kind == 'M' else ''}")
    if kind == "c":
        parts = "real and imaginary part as two features"
        raise ValueError(f"{name} must hold real numbers, got dtype {array.dtype}: give {parts}")
    if array.dtype.names:
        fields = ", ".join(array.dtype.names)
        raise ValueError(f"{wanted}, got an array with the fields {fields}")
    if array.ndim == 0 or len(array) == 0:
        raise ValueError(f"{name} must hold at least one example, got the shape {array.shape}")
    if array.size == 0:
        raise ValueError(
            f"{name} must hold at least one value an example, got the shape {array.shape}"
        )
    return array


def refuse(given: Any, name: str) -> None:
    """Refuse what can be no data, before anything is read from it.

    Raises:
        ValueError: if it is such.
    """
    wanted = f"{name} must be an array of examples"
    if given is None or isinstance(given, _SCALARS):
        called = "" if given is None else f" ({type(given).__name__})"
        raise ValueError(f"{wanted}, got {_shown(given)}{called}")
    if isinstance(given, set | frozenset):
        raise ValueError(f"{wanted}, got {named(given)}, which has no order")
    if isinstance(given, type) or inspect.isroutine(given):
        called = getattr(given, "__name__", "function")
        what = "class" if isinstance(given, type) else "function"
        raise ValueError(f"{wanted}, got the {what} {called}: call it, {called}()")
    if isinstance(given, np.ma.MaskedArray):
        hidden = int(np.sum(np.ma.getmaskarray(given)))
        if hidden:
            raise ValueError(
                f"{name} must have a number everywhere, got {hidden} masked of {given.size}: "
                f"{name}.filled(0)"
            )
    kind = type(given).__name__
    package = type(given).__module__.partition(".")[0]
    if kind in _SPARSE:
        raise ValueError(f"{name} must be dense, got a {kind}: {_SPARSE[kind].format(name)}")
    if package == "scipy" and hasattr(given, "toarray"):
        raise ValueError(f"{name} must be dense, got a {kind}: {name}.toarray()")


def is_data_set(given: Any) -> bool:
    """Whether it gives batches, one after the other, rather than being an array."""
    if isinstance(given, list | tuple | dict | range) or hasattr(given, "__array__"):
        return False
    if hasattr(given, "shape"):
        return False
    return any(hasattr(given, name) for name in ("__next__", "__iter__", "num_batches"))


def _is_part(given: Any) -> bool:
    """Whether it is an array by itself, rather than a number or a row of numbers."""
    if isinstance(given, list | tuple):
        return any(_is_part(part) for part in given)
    return isinstance(given, dict) or getattr(given, "shape", ()) != ()


def _is_number(given: Any) -> bool:
    return isinstance(given, int | float | np.number | np.bool)


def _shown(given: Any) -> str:
    """Return a value as it is written, a long one cut, and of anything else its type."""
    if given is not None and not isinstance(given, _SCALARS):
        return named(given)
    shown = repr(given)
    return shown if len(shown) < 40 else f"{shown[:36]}..."


def named(given: Any) -> str:
    """Return what it is in words: its type, with an article."""
    kind = type(given).__name__.lstrip("_")
    return f"{'an' if kind[:1].lower() in 'aeiou' else 'a'} {kind}"


def _series(given: Any) -> Array:
    """Return a column's numbers, NaN where there is none."""
    # What may be missing beside whole numbers has a type of its own in pandas.
    plain = getattr(getattr(given, "dtype", None), "numpy_dtype", None)
    if plain is None or plain.kind not in "iufb":
        return np.asarray(given.to_numpy())
    if bool(given.isna().any()):
        return np.asarray(given.to_numpy(dtype="float64", na_value=np.nan))
    return np.asarray(given.to_numpy(dtype=plain))


def _frame(given: Any, name: str) -> Array:
    """Return the numbers of a data frame, column by column: (rows, columns)."""
    names = list(given.columns)
    if len(set(names)) < len(names):
        twice = next(key for key in names if names.count(key) > 1)
        raise ValueError(f"{name} must have columns of different names, got {twice!r} twice")
    parts = [checked(_series(given[key]), f"{name}[{key!r}]") for key in names]
    if not parts:
        raise ValueError(f"{name} must have at least one column, got none")
    return np.column_stack(parts)
