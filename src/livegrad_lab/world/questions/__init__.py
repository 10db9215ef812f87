"""Faulty models of people who asked in public what was wrong, by the factor that was at fault."""

from __future__ import annotations

from livegrad_lab.world.questions import (
    activations,
    axes,
    gradients,
    initializers,
    inputs,
    losses,
    normalisation,
    outputs,
    recurrent,
    step,
)

__all__ = [
    "activations",
    "axes",
    "gradients",
    "initializers",
    "inputs",
    "losses",
    "normalisation",
    "outputs",
    "recurrent",
    "step",
]
