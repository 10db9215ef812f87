"""The sample: rows of the reader's data, as the module takes them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from torch.utils import _pytree as tree

from livegrad._checks import Array, counted
from livegrad.doctor._given import leaf, refuse
from livegrad.doctor._torch.heard import tensors
from livegrad.doctor._torch.layers import array

__all__ = ["Sample", "draw"]

# What a batch that is a dict has its labels under.
_LABELS = ("labels", "label", "targets", "target", "y")


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
        x, y = _mapped(lambda t: t[torch.as_tensor(at, device=t.device)], (self.x, self.y))
        return replace(self, x=x, y=y, rows=len(at))

    def fresh(self, with_gradient: bool) -> Sample:
        """Return a copy, for what is done to it in place; its floating inputs may get gradients.

        They are no leaves of the graph, or nothing could be done to them in place.
        """

        def copied(t: Any) -> Any:
            t = t.detach()
            wanted = with_gradient and t.is_floating_point()
            return t.requires_grad_(True).clone() if wanted else t.clone()

        return replace(
            self, x=_mapped(copied, self.x), y=_mapped(lambda t: t.detach().clone(), self.y)
        )

    def call(self, module: Any) -> Any:
        """Call the module: a tuple gives several arguments, a dict named ones."""
        if isinstance(self.x, dict):
            return module(**self.x)
        return module(*self.x) if isinstance(self.x, tuple) else module(self.x)


def _mapped(change: Any, group: Any) -> Any:
    """Change all tensors that have examples."""
    return tree.tree_map(
        lambda part: change(part) if isinstance(part, torch.Tensor) and part.ndim else part, group
    )


def draw(x: Any, y: Any, rows: int, like: Any = None, own: bool = False) -> Sample:
    """Return up to ``rows`` examples, evenly spaced if arrays, the first ones of a loader.

    Args:
        x: as ``examine`` takes it.
        y: as ``examine`` takes it.
        rows: examples.
        like: a parameter, whose device and precision the sample takes.
        own: whether the module takes labels among its inputs, and gives its own loss.

    Raises:
        ValueError: if there are none, or if they do not fit each other.
    """
    counted(rows, "rows")
    batch, total = None, 0
    if y is None and not isinstance(x, torch.Tensor | np.ndarray | dict | tuple):
        x, y, batch, total = _batches(x, rows)
    if y is None and not own:
        x, y = _parted(x)
    dtype = torch.get_default_dtype() if like is None else like.dtype
    x = _tensors(x, dtype, "f", "x")
    y = y if y is None else _tensors(y, dtype, "fb", "y")
    count, bad = None, ""
    for name, group in (("x", x), ("y", y)):
        for tensor in tensors(group):
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
    device = torch.device("cpu") if like is None else like.device

    def some(part: Any) -> Any:
        return part.detach()[at.to(part.device)].clone().to(device)

    labels = [array(part) for part in tensors(y)]
    x, y = _mapped(some, x), _mapped(some, y)
    return Sample(x, y, len(at), labels, batch, total or count, bad)


def _parted(x: Any) -> tuple[Any, Any]:
    """Return inputs and labels of a dict that has both.

    Raises:
        ValueError: if no labels are in it.
    """
    found = [name for name in _LABELS if isinstance(x, dict) and name in x]
    if not found:
        of = f"a dict with the keys {', '.join(map(str, x))}" if isinstance(x, dict) else "tensors"
        raise ValueError(f"y must be given with {of}; a loader may bring its own labels")
    return {name: part for name, part in x.items() if name != found[0]}, x[found[0]]


def _tensors(group: Any, dtype: Any, kinds: str, name: str) -> Any:
    """Return the group with tensors for arrays; what is a tensor stays as it is.

    Arrays of some kinds take a precision, as truths do among the labels; whole numbers are counted
    as torch counts.
    """
    if isinstance(group, list) and not any(hasattr(part, "shape") for part in group):
        group = leaf(group, name)

    def tensor(part: Any) -> Any:
        if isinstance(part, torch.Tensor):
            return part
        if part is group:
            refuse(part, name)
        if not (hasattr(part, "__array__") or hasattr(part, "toarray")):
            return part
        made = torch.as_tensor(leaf(part, name).copy())
        if array(made).dtype.kind in kinds:
            return made.to(dtype)
        whole = not (made.is_floating_point() or made.dtype == torch.bool)
        return made.to(torch.int64) if whole else made

    return tree.tree_map(tensor, group)


def _batches(loader: Any, rows: int) -> tuple[Any, Any, int | None, int]:
    """Return the first batches of a loader, together at least ``rows`` examples if it has.

    Batches are joined as long as their shapes fit each other: padded ones may not.
    """
    refuse(loader, "x")
    if not hasattr(loader, "__iter__"):
        raise ValueError("y must be given with tensors; only a loader brings its own labels")
    batches: list[Any] = []
    seen = 0
    with _unmoved(loader):
        for batch in loader:
            fits = isinstance(batch, tuple | list) and len(batch) > 1
            if not (fits or isinstance(batch, dict)):
                raise ValueError("a loader must give (x, y), or a dict of what the module takes")
            if not isinstance(batch, dict):
                inputs = tuple(batch[:-1])
                batch = (inputs[0] if len(inputs) == 1 else inputs, batch[-1])
            parts = list(tensors(batch))
            if not parts:
                kind = type(next(iter(tree.tree_leaves(batch)), None)).__name__
                raise ValueError(f"a loader must give tensors, got {kind}")
            if batches and _shapes(batch) != _shapes(batches[0]):
                break
            batches.append(batch)
            seen += len(parts[0]) if parts[0].ndim else 1
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


def _shapes(batch: Any) -> list[tuple[int, ...]]:
    return [tuple(part.shape[1:]) for part in tensors(batch)]


@contextmanager
def _unmoved(loader: Any) -> Iterator[None]:
    """Let a loader's own generators of random numbers be as before."""
    sampler = getattr(loader, "sampler", None)
    owners = (loader, sampler, getattr(loader, "dataset", None))
    own = {
        id(g): g for o in owners if isinstance(g := getattr(o, "generator", None), torch.Generator)
    }
    states = [(one, one.get_state()) for one in own.values()]
    try:
        yield
    finally:
        for one, state in states:
            one.set_state(state)
