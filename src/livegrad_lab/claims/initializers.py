"""Claims about W: which rule for which activation, from which depth, and what small weights do."""

from __future__ import annotations

import numpy as np

from livegrad import MLP, initializers
from livegrad._checks import Array
from livegrad_lab.panel import BATCH, examples
from livegrad_lab.trial import Case, Claim

__all__ = [
    "CLAIMS",
    "equal_weights",
]


def apart(weights: Array) -> float:
    """Return how far a layer's units, one a column, differ, as a share of the weights' norm."""
    differences = weights - weights.mean(axis=1, keepdims=True)  # (fan_in, fan_out)
    return float(np.linalg.norm(differences) / np.linalg.norm(weights))


def equal_weights(seed: int) -> dict[str, float]:
    """Train 2 hidden layers of tanh from equal weights; do the units of a layer come to differ?

    The number is the norm of the units' differences from their mean, as a share of the weights'
    norm, in the layer where it is larger, rounded to 12 decimals. The last arm shows that the first
    layer does train: it is how far its weights have moved.
    """

    def equal(shape: tuple[int, int], rng: np.random.Generator) -> Array:
        return np.full(shape, 0.05)

    def equal_inside(shape: tuple[int, int], rng: np.random.Generator) -> Array:
        return initializers.glorot_normal(shape, rng) if shape[1] == 10 else equal(shape, rng)

    x, y = examples("digits", seed)[0]
    found = {}
    for name, initializer, rate in [
        ("all weights equal", equal, 0.0),
        ("all equal, dropout 0.2", equal, 0.2),
        ("output layer random", equal_inside, 0.0),
    ]:
        net = MLP([64, 32, 32, 10], "tanh", initializer, "multiclass", rate, rng=seed)
        net.fit(x, y, epochs=20, learning_rate=0.1, batch_size=BATCH, progress=False)
        found[name] = round(max(apart(weights) for weights in net.weights[:2]), 12)
        if name == "all weights equal":
            first = net.weights[0]  # (64, 32)
            moved = float(np.linalg.norm(first - 0.05) / np.linalg.norm(first))
    return found | {"all weights equal: moved by": moved}


CLAIMS = (
    Claim(
        code="equal-weights-stay-equal",
        statement="Equal weights never break their symmetry.",
        source="S16; Rumelhart, Hinton and Williams 1986",
        quantity="how far the units of a layer differ, as a share of the weights",
        experiment=equal_weights,
        cases=(
            Case("nothing tells the units apart", "all weights equal", "exactly", 0.0, 1e-6),
            Case("dropout acts", "all equal, dropout 0.2", "exactly", 0.0, 1e-6),
            Case("the output layer is random", "output layer random", "exactly", 0.0, 1e-6),
        ),
        changes="Anything that treats two units of a layer differently.",
    ),
)
"""The claims, in the order of their page."""
