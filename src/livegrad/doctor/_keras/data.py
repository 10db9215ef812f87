"""The sample: rows of the reader's data, as the model's ``fit`` would take them."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import keras
import numpy as np

from livegrad._checks import Array, counted
from livegrad.doctor._given import arrays, is_data_set, named, refuse

__all__ = ["Sample", "draw"]

_PARTS = ("x", "y", "sample_weight")


@dataclass(frozen=True)
class Sample:
    """Some rows of the data, and what is known of all of it.

    Attributes:
        x: tensors as the model takes them, nested as given.
        y: labels, nested as given.
        weight: sample weights or None.
        rows: number of examples in the sample.
        labels: all labels that were looked at, flat over the outputs.
        batch: examples a step, where a data set tells.
        total: examples in all, as far as is known.
        bad: what is not finite in the data, "" where all is.
    """

    x: Any
    y: Any
    weight: Any
    rows: int
    labels: list[np.ndarray[Any, Any]]
    batch: int | None = None
    total: int = 0
    bad: str = ""

    def some(self, rows: int | Array) -> Sample:
        """Return a sample of its first rows, or of those at some places."""
        at = np.arange(min(rows, self.rows)) if isinstance(rows, int) else rows
        x, y, weight = keras.tree.map_structure(
            lambda part: None if part is None else keras.ops.take(part, at, axis=0),
            (self.x, self.y, self.weight),
        )
        return replace(self, x=x, y=y, weight=weight, rows=len(at))


def draw(x: Any, y: Any, rows: int) -> Sample:
    """Return up to ``rows`` examples, evenly spaced if arrays, the first ones of a data set.

    Raises:
        ValueError: if there are none, or if they do not fit each other.
    """
    counted(rows, "rows")
    weight, batch, total = None, None, 0
    if y is None:
        x, y, weight, batch, total = _batches(x, rows)
    groups = [("x", arrays(x, "x")), ("y", arrays(y, "y"))]
    if weight is not None:
        groups.append(("sample_weight", arrays(weight, "sample_weight")))
    count, bad = None, ""
    for name, group in groups:
        lengths = [len(array) for array in keras.tree.flatten(group)]
        if len(set(lengths)) > 1:
            other = next(length for length in lengths if length != lengths[0])
            said = f"{name} must have as many examples in each of its arrays"
            raise ValueError(f"{said}, got {lengths[0]} and {other}")
        count = lengths[0] if count is None else count
        if lengths[0] != count:
            said = f"x and {name} must have as many examples, got {count} and {lengths[0]}"
            if isinstance(x, list) and len(x) == lengths[0]:
                said += f": np.stack(x), if its {len(x)} arrays are the examples"
            raise ValueError(said)
        for array in keras.tree.flatten(group):
            bad = bad or _not_finite(name, array)
    assert count is not None
    at = np.unique(np.linspace(0, count - 1, min(rows, count)).astype(int))  # (rows,)

    def some(group: Any, convert: Callable[[Any], Any]) -> Any:
        return keras.tree.map_structure(lambda array: convert(array[at]), group)

    labels = keras.tree.flatten(groups[1][1])
    weights = None if weight is None else some(groups[2][1], _tensor)
    x, y = some(groups[0][1], _tensor), some(groups[1][1], _tensor)
    total = count if batch is None else total
    return Sample(x, y, weights, len(at), labels, batch, total, bad)


def _tensor(array: np.ndarray[Any, Any]) -> Any:
    """Return a tensor; floating numbers in Keras's usual precision, as ``fit`` does."""
    floating = array.dtype.kind == "f"
    return keras.ops.convert_to_tensor(array, dtype=keras.config.floatx() if floating else None)


def _batches(data: Any, rows: int) -> tuple[Any, Any, Any, int, int]:
    """Return the first batches of a data set, together at least ``rows`` examples if it has."""
    refuse(data, "x")
    if not is_data_set(data):
        raise ValueError(
            "y must be given with arrays, got None: only a data set brings its own labels"
        )
    whole = data
    if isinstance(data, keras.utils.PyDataset):
        known = data.num_batches  # None where there is no end
        whole = (data[at] for at in (itertools.count() if known is None else range(known)))
    batches: list[tuple[Any, ...]] = []
    seen = 0
    for batch in whole:
        if not isinstance(batch, tuple | list) or len(batch) not in (2, 3):
            several = f" of {len(batch)}" if isinstance(batch, tuple | list) else ""
            wanted = "the data set x must give (x, y) or (x, y, sample_weight)"
            raise ValueError(f"{wanted}, got {named(batch)}{several}")
        if batches and len(batch) != len(batches[0]):
            raise ValueError(
                f"each batch of the data set x must give as many parts, got {len(batches[0])} "
                f"and {len(batch)}"
            )
        batch = tuple(_batched(name, part) for name, part in zip(_PARTS, batch, strict=False))
        batches.append(batch)
        seen += len(keras.tree.flatten(batch[0])[0])
        if seen >= rows:
            break
    if not batches:
        raise ValueError("x must hold at least one example, got an empty data set")
    parts = [_joined(name, p) for name, p in zip(_PARTS, zip(*batches, strict=True), strict=False)]
    size = len(keras.tree.flatten(batches[0][0])[0])
    try:
        total = size * len(data)
    except (TypeError, NotImplementedError):  # a data set that does not know its length
        total = 0
    return parts[0], parts[1], parts[2] if len(parts) == 3 else None, size, total


def _batched(name: str, part: Any) -> Any:
    """Return one part of a batch as arrays."""
    for piece in part.values() if isinstance(part, dict) else [part]:
        if isinstance(piece, int | float) or getattr(piece, "shape", None) == ():
            got = f"a single number as {name}"
            raise ValueError(f"the data set x must be batched, got {got}: add .batch(32)")
    return arrays(part, name)


def _joined(name: str, parts: Sequence[Any]) -> Any:
    """Return the batches of one part as one."""

    def joined(*leaves: Array) -> Array:
        shapes = list(dict.fromkeys(array.shape[1:] for array in leaves))
        if len(shapes) > 1:
            both = " and ".join(str(("n", *shape)).replace("'", "") for shape in shapes[:2])
            raise ValueError(f"{name} must have one shape in all batches, got {both}")
        return np.concatenate(leaves)

    return keras.tree.map_structure(joined, *parts)


def _not_finite(name: str, array: Array) -> str:
    """Return what is not finite in an array, "" if all is."""
    if array.dtype.kind != "f":
        return ""
    # The extremes are NaN or infinite if any value is: no copy of large data is made.
    if np.isfinite(array.min()) and np.isfinite(array.max()):
        return ""
    bad = int(np.sum(~np.isfinite(array)))
    return f"{bad} of {array.size} values of {name} are not finite, must be 0"
