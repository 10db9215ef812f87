"""Claims about W: which rule for which activation, from which depth, and what small weights do."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal

import numpy as np

from livegrad import MLP, initializers
from livegrad._checks import Array
from livegrad_lab.claims._digits import ALIKE, BETTER, RATES, accuracies, digits
from livegrad_lab.stack import Arm
from livegrad_lab.trial import Case, Claim

__all__ = [
    "CLAIMS",
    "equal_weights",
    "fan_in_rule",
    "glorot_for_sigmoid",
    "he_for_relu",
    "small_weights",
    "uniform_or_normal",
]


def by_depth(
    seed: int, arms: Mapping[str, Arm], depths: Sequence[int], rates: Sequence[float] = RATES
) -> dict[str, float]:
    """Train hidden layers of 32 units at each depth, each arm at its best learning rate."""
    found: dict[str, float] = {}
    for depth in depths:
        named = {f"{name}, depth {depth}": arm for name, arm in arms.items()}
        found |= accuracies(seed, depth * [32], named, rates=rates)
    return found


def cases(
    left: str,
    relation: Literal["above", "below", "equal"],
    right: str,
    margin: float,
    depths: Sequence[int],
    which: str = "",
) -> tuple[Case, ...]:
    """Return one case for each depth."""
    return tuple(
        Case(
            f"there {'is 1' if depth == 1 else f'are {depth}'} hidden {which}"
            f"layer{'s' if depth > 1 else ''}",
            f"{left}, depth {depth}",
            relation,
            f"{right}, depth {depth}",
            margin,
        )
        for depth in depths
    )


def he_for_relu(seed: int) -> dict[str, float]:
    """Train ReLU networks of 1 to 12 hidden layers from the same draws, scaled by each rule."""
    arms = {"he": Arm("relu", "he_normal"), "glorot": Arm("relu", "glorot_normal")}
    return by_depth(seed, arms, (1, 4, 8, 12))


def glorot_for_sigmoid(seed: int) -> dict[str, float]:
    """Train sigmoid networks of 1 to 4 hidden layers from the same draws, scaled by each rule.

    The sigmoid asks for larger learning rates than ReLU: from 0.3 to 3.
    """
    arms = {"glorot": Arm("sigmoid", "glorot_normal"), "he": Arm("sigmoid", "he_normal")}
    return by_depth(seed, arms, (1, 2, 4), (0.3, 1.0, 3.0))


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

    x, y, _, _ = digits(seed)
    found = {}
    for name, initializer, rate in [
        ("all weights equal", equal, 0.0),
        ("all equal, dropout 0.2", equal, 0.2),
        ("output layer random", equal_inside, 0.0),
    ]:
        net = MLP([64, 32, 32, 10], "tanh", initializer, "multiclass", rate, rng=seed)
        net.fit(x, y, epochs=20, learning_rate=0.1, batch_size=30, progress=False)
        found[name] = round(max(apart(weights) for weights in net.weights[:2]), 12)
        if name == "all weights equal":
            first = net.weights[0]  # (64, 32)
            moved = float(np.linalg.norm(first - 0.05) / np.linalg.norm(first))
    return found | {"all weights equal: moved by": moved}


def small_weights(seed: int) -> dict[str, float]:
    """Train from a normal distribution of standard deviation 0.01, and from He's."""

    def small(shape: tuple[int, int], rng: np.random.Generator) -> Array:
        return initializers.random_normal(shape, rng, stddev=0.01)

    arms = {"small": Arm("relu", small), "he": Arm("relu", "he_normal")}
    return by_depth(seed, arms, (1, 3, 8))


def uniform_or_normal(seed: int) -> dict[str, float]:
    """Train from uniform and from normal weights of the same variance."""
    relu = {
        "uniform": Arm("relu", "he_uniform"),
        "normal": Arm("relu", "he_normal"),
    }
    tanh = {
        "uniform tanh": Arm("tanh", "glorot_uniform"),
        "normal tanh": Arm("tanh", "glorot_normal"),
    }
    return by_depth(seed, relu, (3, 8)) | by_depth(seed, tanh, (3,))


def fan_in_rule(seed: int) -> dict[str, float]:
    """Train from U[-1/sqrt(fan_in), 1/sqrt(fan_in)] and from the rule that fits the activation."""
    relu = {"fan_in": Arm("relu", "fan_in_uniform"), "he": Arm("relu", "he_normal")}
    tanh = {
        "fan_in tanh": Arm("tanh", "fan_in_uniform"),
        "glorot tanh": Arm("tanh", "glorot_uniform"),
    }
    return by_depth(seed, relu, (3, 8)) | by_depth(seed, tanh, (8,))


CLAIMS = (
    Claim(
        code="he-for-relu-matters",
        statement="With ReLU, He's initializer matters.",
        source="S5; He et al. 2015",
        quantity="test accuracy after 12 epochs of SGD on 300 images",
        experiment=he_for_relu,
        cases=cases("he", "above", "glorot", BETTER, (1, 4, 8, 12)),
        changes="Longer training, or learning rates that are not chosen anew for each rule.",
        seeds=12,
    ),
    Claim(
        code="glorot-for-sigmoid-matters",
        statement="With the sigmoid, Glorot's initializer matters.",
        source="S5; Glorot and Bengio 2010",
        quantity="test accuracy after 12 epochs of SGD on 300 images",
        experiment=glorot_for_sigmoid,
        cases=cases("glorot", "above", "he", BETTER, (1, 2, 4)),
        changes="A rival with weights so large that they saturate the sigmoid.",
    ),
    Claim(
        code="equal-weights-stay-equal",
        statement="Equal weights never break their symmetry.",
        source="S16; Rumelhart, Hinton and Williams 1986",
        quantity="how far the units of a layer differ, as a share of the weights",
        experiment=equal_weights,
        cases=(
            Case("nothing tells the units apart", "all weights equal", "equal", 0.0, 1e-6),
            Case("dropout acts", "all equal, dropout 0.2", "equal", 0.0, 1e-6),
            Case("the output layer is random", "output layer random", "equal", 0.0, 1e-6),
        ),
        changes="Anything that treats two units of a layer differently.",
    ),
    Claim(
        code="small-weights-are-safe",
        statement="Small first weights are safe.",
        source="S16",
        quantity="test accuracy after 12 epochs of SGD on 300 images",
        experiment=small_weights,
        cases=cases("small", "above", "he", -ALIKE, (1, 3, 8)),
        changes="Longer training for the single hidden layer; batch normalisation for the others.",
    ),
    Claim(
        code="uniform-or-normal-is-alike",
        statement="Uniform or normal weights make no difference.",
        source="S5; S16",
        quantity="test accuracy after 12 epochs of SGD on 300 images",
        experiment=uniform_or_normal,
        cases=cases("uniform", "equal", "normal", ALIKE, (3, 8), "ReLU ")
        + cases("uniform tanh", "equal", "normal tanh", ALIKE, (3,), "tanh "),
        changes="More seeds: the two open cases scatter more than the margin allows.",
    ),
    Claim(
        code="fan-in-rule-is-enough",
        statement="U[-1/sqrt(fan_in), 1/sqrt(fan_in)] is enough for a deep network.",
        source="S16; Glorot and Bengio 2010",
        quantity="test accuracy after 12 epochs of SGD on 300 images",
        experiment=fan_in_rule,
        cases=cases("fan_in", "above", "he", -ALIKE, (3, 8), "ReLU ")
        + cases("fan_in tanh", "above", "glorot tanh", -ALIKE, (8,), "tanh "),
        changes="Longer training, or biases drawn by the same rule.",
        seeds=12,
    ),
)
"""The claims, in the order of their page."""
