"""The sample: rows of the reader's data, as the module takes them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from torch.utils import _pytree as tree

from livegrad._checks import Array, counted
from livegrad.doctor._given import leaf, refuse

__all__ = ["Sample", "draw"]


@dataclass(frozen=True)
class Sample:
    """Some rows of the data, and what is known of all of it.

    Attributes:
        x: tensors as the module takes them, nested as given.
        y: labels, nested as given; None where the module takes them among its inputs.
        rows: number of examples in the sample.
        labels: all labels that were looked at, flat.
        batch: examples a step, where a loader tells.
        total: examples in all.
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
        x, y = tree.tree_map(lambda part: _some(part, at), (self.x, self.y))
        return replace(self, x=x, y=y, rows=len(at))

    def call(self, module: Any) -> Any:
        """Call the module: a tuple gives several arguments, a dict named ones."""
        if isinstance(self.x, dict):
            return module(**self.x)
        return module(*self.x) if isinstance(self.x, tuple) else module(self.x)


def _some(part: Any, at: Array) -> Any:
    if not isinstance(part, torch.Tensor) or not part.ndim:
        return part
    return part.detach()[torch.as_tensor(at, device=part.device)]


def draw(x: Any, y: Any, rows: int, device: Any) -> Sample:
    """Return up to ``rows`` examples, evenly spaced if arrays, the first ones of a loader.

    Raises:
        ValueError: if there are none, or if they do not fit each other.
    """
    counted(rows, "rows")
    batch, total = None, 0
    if y is None and not isinstance(x, torch.Tensor | np.ndarray | dict):
        x, y, batch, total = _batches(x, rows)
    x, y = _tensors(x, "x"), y if y is None else _tensors(y, "y")
    count, bad = None, ""
    for name, group in (("x", x), ("y", y)):
        for tensor in _leaves(group):
            if tensor.ndim == 0 or len(tensor) == 0:
                shape = tuple(tensor.shape)
                raise ValueError(f"{name} must hold at least one example, got the shape {shape}")
            count = len(tensor) if count is None else count
            if len(tensor) != count:
                raise ValueError(
                    f"x and y must have as many examples, got {count} and {len(tensor)}"
                )
            if tensor.is_floating_point() and not bool(torch.isfinite(tensor).all()):
                found = int((~torch.isfinite(tensor)).sum())
                of = f"{found} of {tensor.numel()} values of {name}"
                bad = bad or f"{of} are not finite, must be 0"
    if count is None:
        raise ValueError("x must hold at least one example, got no tensor")
    at = torch.as_tensor(np.unique(np.linspace(0, count - 1, min(rows, count)).astype(int)))

    def some(part: Any) -> Any:
        if not isinstance(part, torch.Tensor) or not part.ndim:
            return part
        return part.detach()[at.to(part.device)].clone().to(device)

    labels = [part.detach().cpu().numpy() for part in _leaves(y)]
    x, y = tree.tree_map(some, x), tree.tree_map(some, y)
    return Sample(x, y, len(at), labels, batch, total or count, bad)


def _leaves(group: Any) -> list[Any]:
    return [part for part in tree.tree_leaves(group) if isinstance(part, torch.Tensor)]


def _tensors(group: Any, name: str) -> Any:
    """Return the group with tensors for arrays; floating numbers in torch's usual precision."""
    if isinstance(group, list) and not any(hasattr(part, "shape") for part in group):
        group = leaf(group, name)

    def tensor(part: Any) -> Any:
        if isinstance(part, torch.Tensor):
            return part
        if part is group:
            refuse(part, name)
        if not (hasattr(part, "__array__") or hasattr(part, "toarray")):
            return part
        array = leaf(part, name)
        made = torch.as_tensor(array)
        return made.to(torch.get_default_dtype()) if array.dtype.kind == "f" else made

    return tree.tree_map(tensor, group)


def _batches(loader: Any, rows: int) -> tuple[Any, Any, int | None, int]:
    """Return the first batches of a loader, together at least ``rows`` examples if it has."""
    refuse(loader, "x")
    if not hasattr(loader, "__iter__"):
        raise ValueError("y must be given with tensors; only a loader brings its own labels")
    batches: list[Any] = []
    seen = 0
    for batch in loader:
        fits = isinstance(batch, dict) or (isinstance(batch, tuple | list) and len(batch) == 2)
        if not fits:
            raise ValueError("a loader must give (x, y), or a dict of what the module takes")
        batches.append(batch if isinstance(batch, dict) else tuple(batch))
        if not _leaves(batches[-1]):
            raise ValueError(f"a loader must give tensors, got {type(batch[0]).__name__}")
        seen += len(_leaves(batches[-1])[0])
        if seen >= rows:
            break
    if not batches:
        raise ValueError("x must hold at least one example, got an empty loader")
    joined = tree.tree_map(
        lambda *parts: torch.cat(parts) if isinstance(parts[0], torch.Tensor) else parts[0],
        *batches,
    )
    size = getattr(loader, "batch_size", None)
    total = len(loader.dataset) if hasattr(getattr(loader, "dataset", None), "__len__") else 0
    if isinstance(joined, dict):
        return joined, None, size, total
    return (*joined, size, total)
