"""The networks that papers train, on the data and by the rule of ``panel``.

A paper's networks have its depths and optimizer, at our size: digits, 32 or 64 units a layer.
Each is trained at all rates of its grid, side by side on the same batches. ``verdicts`` chooses
its best one on validation images, by the mean over the seeds. The test images decide nothing.

**The end.** All train until for each network, at the rate where its training loss is lowest, it is
below 0.02 or has fallen by less than a twentieth in ``panel.CHUNK`` epochs; or until a number of
epochs is over that the paper's group says. What is not a tenth below the loss of chance has not
ended: it may yet leave its plateau. Early is after ``panel.EARLY`` epochs.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from livegrad import MLP
from livegrad._checks import Array
from livegrad_lab.panel import BATCH, CHUNK, EARLY, examples
from livegrad_lab.stack import Arm, Stack

__all__ = ["MASKS", "PAPERS", "Group", "ended", "grid", "run", "settings"]

DATA, CLASSES, SEEDS = "digits", 10, 5
MASKS = (1, 2, 5, 10, 20, 50)
"""Over how many masks predictions are averaged."""


@dataclass(frozen=True)
class Group:
    """The networks of a paper.

    Attributes:
        optimizer: of ``stack.OPTIMIZERS``.
        depths: numbers of hidden layers.
        epochs: how many they train at most.
        arms: what each network has of its own, and its grid; all grids are of one length.
        width: units of each hidden layer.
        biases: the variance of the hidden layers' first biases.
        masks: whether averages over masks are measured too.
    """

    optimizer: str
    depths: tuple[int, ...]
    epochs: int
    arms: Mapping[str, tuple[Arm, tuple[float, ...]]]
    width: int = 32
    biases: float = 0.0
    masks: bool = False

    @property
    def names(self) -> list[str]:
        """The networks, and the averages over masks."""
        return [*self.arms, *(f"average of {count}" for count in MASKS if self.masks)]

    def rates(self, name: str) -> tuple[float, ...]:
        """Return a network's grid; an average's is that of its network."""
        return self.arms[name if name in self.arms else next(iter(self.arms))][1]


def _spread(weight: float) -> Callable[..., Array]:
    """Return the rule of weights with this variance over the fan-in."""

    def draw(shape: tuple[int, int], rng: np.random.Generator) -> Array:
        return rng.normal(0, math.sqrt(weight / shape[0]), shape)

    return draw


PAPERS: Mapping[str, Group] = {
    "glorot-2010": Group(
        "sgd",
        (5,),
        400,
        {
            rule: (Arm("sigmoid", rule), (0.1, 0.3, 1.0, 3.0, 10.0, 30.0))
            for rule in ("fan_in_uniform", "glorot_uniform", "orthogonal")
        },
    ),
    "he-2015": Group(
        "momentum",
        (22, 30),
        120,
        {
            "he_normal": (Arm("relu", "he_normal"), (0.0003, 0.001, 0.003, 0.01, 0.03, 0.1)),
            "glorot_uniform": (Arm("relu", "glorot_uniform"), (0.001, 0.003, 0.01, 0.03, 0.1, 0.3)),
        },
    ),
    "schoenholz-2017": Group(
        "sgd",
        (10, 40),
        60,
        {
            f"variance {weight}": (
                Arm("tanh", _spread(weight)),
                (0.003, 0.01, 0.03, 0.1, 0.3, 1.0),
            )
            for weight in (1.0, 1.761)
        },
        biases=0.05,
    ),
    "srivastava-2014": Group(
        "sgd",
        (2,),
        60,
        {"dropout": (Arm("relu", "he_normal", dropout=0.5), (0.01, 0.03, 0.1, 0.3, 1.0, 3.0))},
        width=64,
        masks=True,
    ),
}
"""The papers' networks. No two papers have a depth in common."""


def run(paper: str, data: str, optimizer: str, depth: int, width: int, seed: int) -> dict[str, Any]:
    """Train a paper's networks at all rates, side by side on the same batches.

    Returns:
        ``epochs``: how many they trained; ``right``: for each network, for each rate, how many
        answers are right: early on validation and test examples, and at the end on both; and so of
        averages over masks; ``loss``: for each network, for each rate, the training loss at the
        end.
    """
    group = PAPERS[paper]
    (x, y), *others = examples(data, seed)
    stack = _built(group, x.shape[1], depth, width, seed)
    shape = len(group.arms), len(stack.arms) // len(group.arms)

    def lowest() -> Array:
        return np.asarray(np.reshape(list(stack.loss(x, y).values()), shape).min(axis=1))

    def look() -> list[Array]:
        """Return how many are right, shape (networks and averages, rates), of each part."""
        parts = []
        for inputs, labels in others:
            hits = stack.logits(inputs).argmax(axis=-1) == labels  # (networks and rates, n)
            counts = hits.sum(axis=1).reshape(shape)
            if group.masks:
                counts = np.concatenate([counts, _averaged(stack, inputs, labels, seed)])
            parts.append(counts)
        return parts

    stack.fit(x, y, EARLY, BATCH)
    early, epochs, before = look(), EARLY, lowest()
    while epochs < group.epochs:
        todo = min(CHUNK, group.epochs - epochs)
        stack.fit(x, y, todo, BATCH)
        epochs, after = epochs + todo, lowest()
        if ended(before, after):
            break
        before = after
    table = np.stack([*early, *look()], axis=-1).tolist()  # (networks and averages, rates, 4)
    losses = np.reshape(list(stack.loss(x, y).values()), shape).tolist()
    return {
        "epochs": epochs,
        "right": dict(zip(group.names, table, strict=True)),
        "loss": dict(zip(group.arms, losses, strict=True)),
    }


def ended(before: Array, after: Array) -> bool:
    """Return whether all networks have come to their end.

    Args:
        before: each one's training loss at its best rate, shape (networks,).
        after: that of some epochs later.
    """
    settled = (after > 0.95 * before) & (after < 0.9 * math.log(CLASSES))
    return bool(np.all((after < 0.02) | settled))


def _built(group: Group, features: int, depth: int, width: int, seed: int) -> Stack:
    named = {
        f"{name}|{rate}": replace(arm, learning_rate=rate)
        for name, (arm, rates) in group.arms.items()
        for rate in rates
    }
    widths = [features, *depth * [width], CLASSES]
    stack = Stack(widths, named, seed, optimizer=group.optimizer)
    rng = np.random.default_rng(seed)
    for offsets in stack.biases[:-1]:  # (networks and rates, 1, units): one draw for all
        offsets += rng.normal(0, math.sqrt(group.biases), offsets.shape[1:])
    return stack


def _averaged(stack: Stack, x: Array, y: Array, seed: int) -> Array:
    """Return how many averages of probabilities over masks are right, shape (counts, rates)."""
    counts = []
    for at, arm in enumerate(stack.arms.values()):
        net = MLP(stack.widths, arm.activation, head="multiclass", dropout=arm.dropout, rng=seed)
        pairs = zip(stack.weights, stack.biases, strict=True)
        net.set_weights([array for w, b in pairs for array in (w[at], b[at, 0])])
        total, own = np.zeros((len(x), CLASSES)), []
        for masks in range(1, MASKS[-1] + 1):
            total += net.head.predict(net.forward(x, training=True).logits)  # a mask an example
            if masks in MASKS:
                own.append(int((total.argmax(axis=1) == y).sum()))
        counts.append(own)
    return np.transpose(counts)


def grid(optimizer: str, arm: str) -> tuple[float, ...]:
    """Return an arm's rates."""
    groups = (group for group in PAPERS.values() if group.optimizer == optimizer)
    return next(group.rates(arm) for group in groups if arm in group.names)


def settings() -> list[dict[str, Any]]:
    """Return the settings of all runs."""
    return [
        {
            "paper": paper,
            "data": DATA,
            "optimizer": group.optimizer,
            "depth": depth,
            "width": group.width,
            "seed": seed,
        }
        for paper, group in PAPERS.items()
        for depth in group.depths
        for seed in range(SEEDS)
    ]
