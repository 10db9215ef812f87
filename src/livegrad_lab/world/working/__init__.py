"""Models that train, rebuilt from published examples; each is healthy by its authors' word."""

from __future__ import annotations

from livegrad_lab.world.working import (
    applications,
    forms,
    heads,
    pixels,
    recommending,
    series,
    tabular,
    text,
    torch_examples,
    torch_more,
    training,
    vision,
)

__all__ = [
    "applications",
    "forms",
    "heads",
    "pixels",
    "recommending",
    "series",
    "tabular",
    "text",
    "torch_examples",
    "torch_more",
    "training",
    "vision",
]
