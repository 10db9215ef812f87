"""The words of captions and text alternatives, and the checks that all figures share."""

from __future__ import annotations

from collections.abc import Sequence, Sized

import numpy as np
from numpy.typing import ArrayLike

from livegrad._checks import Array


def listed(names: Sequence[str]) -> str:
    return " and ".join([", ".join(names[:-1]), names[-1]]) if len(names) > 1 else names[0]


def sentence(text: str) -> str:
    """Return the text with a capital at its start, and dL/dW left as it is."""
    return text[:1].upper() + text[1:]


def named(label: str) -> str:
    return f"{label}: " if label else ""


def prefix(label: str) -> str:
    return f"{label} has " if label else ""


def span(values: Array) -> str:
    return f"{float(values.min()):.3g} to {float(values.max()):.3g}"


def short(value: float) -> str:
    return f"{value:.3g}".replace("-", "\N{MINUS SIGN}")


def some(items: Sized, argument: str) -> None:
    if len(items) == 0:
        raise ValueError(f"{argument} must hold at least one entry, got none")


def finite(values: ArrayLike, argument: str) -> Array:
    flat = np.ravel(np.asarray(values, dtype=np.float64))
    flat = flat[np.isfinite(flat)]
    if flat.size == 0:
        raise ValueError(f"{argument} must hold at least one finite value, got none")
    return flat
