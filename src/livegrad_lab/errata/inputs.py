"""What was wrong about the inputs."""

from __future__ import annotations

import numpy as np

from livegrad import activations
from livegrad_lab.errata._erratum import Erratum, checked

__all__ = ["ERRATA"]


def _few_classes() -> str:
    z = np.random.default_rng(0).standard_normal((20_000, 2))
    loss = float(-activations.log_softmax(z)[:, 0].mean())
    without, right = np.log(2) + 1 / 2, np.log(2) + (1 - 1 / 2) / 2
    return checked(
        f"two classes and a spread of 1: the loss is {loss:.2f}, by the formula {right:.2f} with "
        f"the factor and {without:.2f} without",
        abs(loss - right) < 0.06 < 0.2 < without - loss,
    )


ERRATA: tuple[Erratum, ...] = (
    Erratum(
        "few-classes",
        "inputs/first-loss",
        "Logits that differ by chance, with a spread s of no more than 1, cost about s squared, "
        "halved, more than ln k.",
        "That lacks the factor 1 - 1/k. With ten classes it hardly shows; with two the formula "
        "gave twice the excess and more.",
        "2026-11-30",
        _few_classes,
    ),
)
