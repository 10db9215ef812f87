"""The sample: rows of the reader's data, as the module takes them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from livegrad._checks import Array, counted

__all__ = ["Sample", "draw"]


@dataclass(frozen=True)
class Sample:
    """Some rows of the data, and what is known of all of it.

    Attributes:
        x: arrays as the module takes them, nested as given.
        y: labels, nested as given.
        rows: number of examples in the sample.
        labels: all labels that were looked at, flat.
        batch: examples a step, where a loader tells.
        total: examples in all, as far as is known.
        bad: what is not finite in the data, "" where all is.
    """

    x: Any
    y: Any
    rows: int
    labels: list[Array]
    batch: int | None = None
    total: int = 0
    bad: str = ""

    def some(self, rows: int | Array) -> Sample:
        """Return a sample of its first rows, or of those at some places."""
        at = np.arange(min(rows, self.rows)) if isinstance(rows, int) else rows
        x, y = jax.tree.map(lambda part: part[at], (self.x, self.y))
        return replace(self, x=x, y=y, rows=len(at))


def draw(x: Any, y: Any, rows: int) -> Sample:
    """Return up to ``rows`` examples, evenly spaced if arrays, the first ones of a loader.

    Raises:
        ValueError: if there are none, or if they do not fit each other.
    """
    counted(rows, "rows")
    batch, total = None, 0
    if y is None:
        x, y, batch, total = _batches(x, rows)
    x, y = _arrays(x), _arrays(y)
    count, bad = None, ""
    for name, group in (("x", x), ("y", y)):
        for part in jax.tree.leaves(group):
            if part.dtype == object or part.dtype.kind in "USO":
                raise ValueError(f"{name} must hold numbers, got dtype {part.dtype}")
            if part.ndim == 0 or len(part) == 0:
                raise ValueError(
                    f"{name} must hold at least one example, got the shape {part.shape}"
                )
            count = len(part) if count is None else count
            if len(part) != count:
                raise ValueError(f"x and y must have as many examples, got {count} and {len(part)}")
            bad = bad or _not_finite(name, part)
    if count is None:
        raise ValueError("x must hold at least one example, got no array")
    at = np.unique(np.linspace(0, count - 1, min(rows, count)).astype(int))  # (rows,)
    labels = [np.asarray(part) for part in jax.tree.leaves(y)]
    # In JAX's usual precision, as a step would take them.
    x, y = jax.tree.map(lambda part: jnp.asarray(np.asarray(part)[at]), (x, y))
    return Sample(x, y, len(at), labels, batch, total or count, bad)


def _arrays(group: Any) -> Any:
    """Return the group with NumPy arrays for leaves; a list of numbers is one array."""
    if isinstance(group, list) and not any(hasattr(part, "shape") for part in group):
        return np.asarray(group)
    return jax.tree.map(np.asarray, group)


def _batches(loader: Any, rows: int) -> tuple[Any, Any, int | None, int]:
    """Return the first batches of a loader, together at least ``rows`` examples if it has."""
    if hasattr(loader, "dtype") or isinstance(loader, dict) or not hasattr(loader, "__iter__"):
        raise ValueError("y must be given with arrays; only a loader brings its own labels")
    batches: list[Any] = []
    seen = 0
    for batch in loader:
        if not isinstance(batch, tuple | list) or len(batch) != 2:
            raise ValueError("a loader must give (x, y)")
        # A loader of another library gives what NumPy reads.
        batches.append((_arrays(batch[0]), _arrays(batch[1])))
        leaves = jax.tree.leaves(batches[-1])
        if any(leaf.ndim == 0 for leaf in leaves):
            raise ValueError("a loader must give batches, got a single example")
        seen += len(leaves[0])
        if seen >= rows:
            break
    if not batches:
        raise ValueError("x must hold at least one example, got an empty loader")
    size = len(jax.tree.leaves(batches[0])[0])
    joined = jax.tree.map(lambda *parts: np.concatenate(parts), *batches)
    total = size * len(loader) if hasattr(loader, "__len__") else 0
    return (*joined, size, total)


def _not_finite(name: str, part: Array) -> str:
    """Return what is not finite in an array, "" if all is."""
    if part.dtype.kind != "f" or np.isfinite(part).all():
        return ""
    bad = int(np.sum(~np.isfinite(part)))
    return f"{bad} of {part.size} values of {name} are not finite, must be 0"
