"""One panel of networks for all claims about activations and first weights.

Whether "He's initializer matters" shows depends on what one trains, how deep and wide, with which
optimizer, and for how long. So the arms of all claims are trained in many settings: two data sets,
three optimizers, two depths and two widths. ``verdicts`` decides the claims from what they give.

All arms of a seed share the data, the batches and, where they have the same law, the draws of their
first weights. They differ in one thing: the output layer has Glorot's weights in all of them.

**The end.** All train until for each arm, at the rate where its training loss is lowest, it is
below 0.02 or has fallen by less than a twentieth in 18 epochs; or until 60 are over. Early is after
6, a tenth of them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import cache
from typing import Any, TypeVar

import numpy as np

from livegrad import initializers
from livegrad._checks import Array
from livegrad_lab.stack import OPTIMIZERS, Arm, Stack

__all__ = [
    "ARMS",
    "DATA",
    "DEPTHS",
    "GRIDS",
    "SEEDS",
    "SIZES",
    "WIDTHS",
    "built",
    "examples",
    "grid",
    "loaded",
    "run",
    "settings",
    "trained",
]

T = TypeVar("T")

DATA = ("digits", "breast cancer")
DEPTHS, WIDTHS = (3, 8), (16, 32)
SEEDS = 10
BATCH, EARLY, CHUNK, MOST = 40, 6, 18, 60
GRIDS: Mapping[str, tuple[float, ...]] = {
    "sgd": (0.003, 0.01, 0.03, 0.1, 0.3, 1.0, 3.0),
    "momentum": (0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1.0),
    "adam": (0.00003, 0.0001, 0.0003, 0.001, 0.003, 0.01, 0.03, 0.1, 0.3),
}
"""The rates that an arm may choose from, by optimizer."""
SIZES = {"digits": (400, 300, 900), "breast cancer": (200, 120, 249)}
"""How many examples are trained on, validated on, and tested on."""


def _small(shape: tuple[int, int], rng: np.random.Generator) -> Array:
    return initializers.random_normal(shape, rng, stddev=0.01)


ARMS: Mapping[str, Arm] = {
    "relu": Arm("relu", "he_normal"),
    "relu, uniform": Arm("relu", "he_uniform"),
    "relu, Glorot": Arm("relu", "glorot_normal"),
    "relu, fan-in": Arm("relu", "fan_in_uniform"),
    "relu, small": Arm("relu", _small),
    "leaky ReLU": Arm("leaky_relu", "he_normal"),
    "ELU": Arm("elu", "he_normal"),
    "softplus": Arm("softplus", "he_normal"),
    "SiLU": Arm("silu", "he_normal"),
    "GELU": Arm("gelu", "he_normal"),
    "tanh": Arm("tanh", "glorot_normal"),
    "tanh, fan-in": Arm("tanh", "fan_in_uniform"),
    "sigmoid": Arm("sigmoid", "glorot_normal"),
    "sigmoid, He": Arm("sigmoid", "he_normal"),
}
"""What each network has of its own: an activation, and the hidden layers' first weights."""


def grid(optimizer: str, arm: str) -> tuple[float, ...]:
    """Return an arm's rates: with the sigmoid, whose slope is small, ten times the others'.

    Adam's steps do not grow with the gradient, so its rates are the same for all.
    """
    rates = GRIDS[optimizer]
    tenfold = ARMS[arm].activation == "sigmoid" and optimizer != "adam"
    return tuple(10 * rate for rate in rates) if tenfold else rates


@cache
def loaded(data: str) -> tuple[Array, Array]:
    """Return a data set's inputs, shape (n, features), and its classes, shape (n,)."""
    from sklearn import datasets

    load = {"digits": datasets.load_digits, "breast cancer": datasets.load_breast_cancer}[data]
    x, y = load(return_X_y=True)
    return x, y


def examples(data: str, seed: int) -> list[tuple[Array, Array]]:
    """Return inputs (n, features) and classes (n,) to train on, to validate on, and to test on.

    The features have mean 0 over the training examples, and the mean square 1 over all of them:
    each by itself, or the digits' pixels together.
    """
    x, y = loaded(data)
    order = np.random.default_rng(seed).permutation(len(x))
    ends = np.cumsum(SIZES[data])
    parts = np.split(order[: ends[-1]], ends[:-1])
    mean = x[parts[0]].mean(axis=0)  # (features,)
    spread = x[parts[0]].std(axis=0)  # (features,)
    if data == "digits":  # in which some pixels are always 0
        spread = np.sqrt(np.mean(spread**2))
    return [((x[rows] - mean) / spread, y[rows]) for rows in parts]


def run(data: str, optimizer: str, depth: int, width: int, seed: int) -> dict[str, Any]:
    """Train all arms at all rates, side by side on the same batches.

    Returns:
        ``epochs``: how many they trained; ``right``: for each arm, for each rate, how many answers
        are right: early on validation and test examples, and at the end on both.
    """
    (x, y), *others = examples(data, seed)
    count = len(GRIDS[optimizer])
    stack = built(x.shape[1], len(np.unique(y)), optimizer, depth, width, seed)

    def lowest() -> Array:
        losses = np.reshape(list(stack.loss(x, y).values()), (len(ARMS), count))
        return np.asarray(losses.min(axis=1))  # (arms,)

    def right() -> list[list[int]]:
        found = []
        for inputs, labels in others:
            hits = stack.logits(inputs).argmax(axis=-1) == labels  # (arms and rates, n)
            found.append(hits.sum(axis=1).tolist())
        return found

    epochs, early, late = trained(lambda todo: stack.fit(x, y, todo, BATCH), lowest, right)
    table = np.reshape(np.transpose(early + late), (len(ARMS), count, 4)).tolist()
    return {"epochs": epochs, "right": dict(zip(ARMS, table, strict=True))}


def built(features: int, classes: int, optimizer: str, depth: int, width: int, seed: int) -> Stack:
    """Return all arms, each at all rates of its grid, before training."""
    named = {
        f"{name}|{rate}": replace(
            arm, initializer=_hidden(arm.initializer, classes), learning_rate=rate
        )
        for name, arm in ARMS.items()
        for rate in grid(optimizer, name)
    }
    return Stack([features, *depth * [width], classes], named, seed, optimizer=optimizer)


def trained(
    fit: Callable[[int], None], lowest: Callable[[], Array], look: Callable[[], T]
) -> tuple[int, T, T]:
    """Train until early, look, train until the end, and look again.

    Args:
        fit: trains for that many epochs more.
        lowest: each arm's training loss at its best rate, shape (arms,).
        look: what is to be returned.

    Returns:
        How many epochs were trained, and what was seen early and at the end.
    """
    fit(EARLY)
    early = look()
    epochs, before = EARLY, lowest()
    while epochs < MOST:
        todo = min(CHUNK, MOST - epochs)
        fit(todo)
        epochs, after = epochs + todo, lowest()
        if np.all((after < 0.02) | (after > 0.95 * before)):
            break
        before = after
    return epochs, early, look()


def _hidden(rule: str | Callable[..., Array] | None, classes: int) -> Callable[..., Array]:
    """Return the rule for hidden layers; the output layer has Glorot's weights in all arms."""
    draw = initializers.get(rule) if isinstance(rule, str) else rule
    assert draw is not None and classes not in WIDTHS

    def layer(shape: tuple[int, int], rng: np.random.Generator) -> Array:
        chosen = initializers.glorot_normal if shape[1] == classes else draw
        return np.asarray(chosen(shape, rng))

    return layer


def settings() -> list[dict[str, Any]]:
    """Return the settings of all runs."""
    return [
        {"data": data, "optimizer": optimizer, "depth": depth, "width": width, "seed": seed}
        for data in DATA
        for optimizer in OPTIMIZERS
        for depth in DEPTHS
        for width in WIDTHS
        for seed in range(SEEDS)
    ]
