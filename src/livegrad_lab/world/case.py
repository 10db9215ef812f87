"""What an example of the world is: a model that somebody built, rebuilt small, and its fault.

A kind of fault is said in the words of the report, and ``KINDS`` says which of the doctor's codes
name it. A third of all examples is set aside by a rule that looks at nothing but the name; the
doctor is changed with the others in sight, and meets those that are set aside once, at the end.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from livegrad_lab.faults.case import Patient

__all__ = ["EXAMPLES", "KINDS", "Build", "Example", "faulty", "healthy"]

KINDS: Mapping[str, tuple[str, ...]] = {
    "learning rate too high": ("learning-rate",),
    "learning rate too low": ("learning-rate",),
    "learning rate decayed": ("learning-rate",),
    "batch size": ("batch-size", "learning-rate"),
    "loss of another task": ("output-loss-mismatch", "label-mismatch"),
    "sign of the loss": ("loss-sign", "non-finite"),
    "output activation": ("output-loss-mismatch",),
    "activation on an activation": ("stacked-activations", "output-loss-mismatch"),
    "wrong axis": ("wrong-axis", "output-loss-mismatch", "label-mismatch"),
    "labels": ("label-mismatch", "output-loss-mismatch"),
    "labels unrelated to the inputs": ("unrelated-labels",),
    "class imbalance": ("class-imbalance", "metric-mismatch"),
    "metric": ("metric-mismatch",),
    "scale of the targets": ("unscaled-target", "output-loss-mismatch"),
    "scale of the inputs": ("unscaled-input",),
    "constant inputs": ("constant-input",),
    "initial weights": (
        "symmetric-weights",
        "identical-kernels",
        "initializer-mismatch",
        "vanishing-gradient",
        "vanishing-signal",
        "exploding-gradient",
        "exploding-signal",
        "saturated-units",
        "dead-units",
    ),
    "hidden activation": (
        "no-nonlinearity",
        "softmax-hidden",
        "saturated-units",
        "vanishing-gradient",
        "initializer-mismatch",
    ),
    "vanishing gradient": ("vanishing-gradient", "initializer-mismatch", "saturated-units"),
    "exploding gradient": (
        "exploding-gradient",
        "exploding-signal",
        "initializer-mismatch",
        "non-finite",
    ),
    "dead units": ("dead-units",),
    "dropout": ("dropout-rate",),
    "penalty": ("strong-penalty",),
    "frozen weights": ("frozen", "cut-gradient"),
    "no gradient": ("cut-gradient",),
    "normalisation": ("normalization",),
    "index out of range": ("index-range",),
    "padding not masked": ("ignored-mask",),
    "memory of a recurrent layer": ("vanishing-gradient", "ignored-mask"),
    "attention": ("attention",),
    "precision": ("precision", "non-finite"),
    "not a number": ("non-finite",),
    "capacity or time": (),
}
"""By kind of fault, the codes that name it; none where the doctor looks for nothing of the kind."""

Build = Callable[[bool], Patient]


@dataclass(frozen=True)
class Example:
    """One example.

    Attributes:
        name: what it is, in a few words; unique.
        source: where it was reported or published.
        build: makes the patient; with True as the source mends it.
        kind: of the fault, a key of ``KINDS``; "" for a healthy model.
        places: where the fault is: names of layers, or "data", "loss", "optimizer", "model"; any
            of them is right.
        reported: by the name of a published detector, what its paper says that it found here.
    """

    name: str
    source: str
    build: Build
    kind: str = ""
    places: tuple[str, ...] = ()
    reported: Mapping[str, str] = field(default_factory=dict)

    @property
    def aside(self) -> bool:
        """Whether it is set aside: one in three, by its name's check sum."""
        return zlib.crc32(self.name.encode()) % 3 == 0

    @property
    def codes(self) -> tuple[str, ...]:
        """The codes that name its fault."""
        return KINDS[self.kind] if self.kind else ()


EXAMPLES: dict[str, Example] = {}
"""All examples by name."""


def healthy(name: str, source: str) -> Callable[[Build], Build]:
    """Register a model that trains as its source says."""

    def add(build: Build) -> Build:
        return _add(Example(name, source, build))

    return add


def faulty(
    name: str, kind: str, *places: str, source: str, **reported: str
) -> Callable[[Build], Build]:
    """Register a model with the fault that its source found in the end."""

    def add(build: Build) -> Build:
        return _add(Example(name, source, build, kind, places, reported))

    return add


def _add(example: Example) -> Build:
    if example.name in EXAMPLES:
        raise ValueError(f"name must be new, got {example.name!r} twice")
    if example.kind and example.kind not in KINDS:
        raise ValueError(f"kind must be one of KINDS, got {example.kind!r}")
    EXAMPLES[example.name] = example
    return example.build
