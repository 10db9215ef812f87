"""What was wrong about the step."""

from __future__ import annotations

import math

import numpy as np

from livegrad_lab.errata._erratum import Erratum, checked

__all__ = ["ERRATA"]


def _ratio_before_a_normalisation() -> str:
    from livegrad.blocks import BatchNorm, Dense, Sequential

    rng = np.random.default_rng(0)
    x, up = rng.standard_normal((32, 6)), rng.standard_normal((32, 4))
    dense = Dense(6, 4, rng=0)
    net = Sequential(dense, BatchNorm(4, epsilon=0))
    net.forward(x, training=True)
    net.backward(up)
    w = dense.arrays[0]
    new = w - 0.1 * net.gradients[0]
    ratio = float(np.linalg.norm(new - w) / np.linalg.norm(w))
    angle = math.acos(float((new * w).sum() / np.linalg.norm(new) / np.linalg.norm(w)))
    return checked(
        f"a ratio of {ratio:.3f} is the tangent of the angle, {math.tan(angle):.3f}",
        math.isclose(math.tan(angle), ratio, rel_tol=1e-6),
    )


ERRATA: tuple[Erratum, ...] = (
    Erratum(
        "ratio-misleads",
        "step/find-rate",
        "The ratio of update to weight misleads before a normalisation: the size of the weights "
        "means nothing there, and the ratio falls while they grow.",
        "There it is the tangent of the angle that a step turns the weights by, and their size "
        "counts for nothing else.",
        "2026-11-30",
        _ratio_before_a_normalisation,
    ),
)
