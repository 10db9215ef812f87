"""One panel of networks for the claims about what is put around a network's weights.

Normalisation, shortcuts, dropout, and the step: the settings, the data, the two points in time and
the choice of a rate are those of ``panel``. Networks that differ in one thing are a group, and are
trained side by side on the same batches; groups differ in one thing from each other.

The attention's groups are dearer, so they have the digits alone, one width, and fewer blocks.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from livegrad._checks import Array
from livegrad_lab.blocks import Blocks, Network
from livegrad_lab.panel import (
    BATCH,
    DATA,
    DEPTHS,
    EARLY,
    SEEDS,
    WIDTHS,
    examples,
    trained,
)
from livegrad_lab.stack import OPTIMIZERS

__all__ = [
    "GRIDS",
    "GROUPS",
    "SHIFTS",
    "WARM_UP",
    "Group",
    "built",
    "grid",
    "run",
    "settings",
    "sizes",
]

WARM_UP = EARLY // 2
"""The epochs over which a rate warms up, a twentieth of the most that are trained."""
WHOLE = 200
"""The large batch: all examples of breast cancer, half of the digits'."""


@dataclass(frozen=True)
class Group:
    """Networks of one architecture.

    Attributes:
        kind: of ``blocks.KINDS``.
        networks: by name; ``warm_up`` counts epochs here.
        tokens: into how many an image is cut; 0 means no attention.
        batch: examples a step.
    """

    kind: str
    networks: Mapping[str, Network]
    tokens: int = 0
    batch: int = BATCH


GROUPS: Mapping[str, Group] = {
    "plain": Group(
        "plain",
        {
            "plain": Network(),
            "a tenth": Network(gain=0.1),
            "three times": Network(gain=3.0),
            "three times, clipped": Network(gain=3.0, clip=1.0),
            "dropout 0.2": Network(dropout=0.2),
            "dropout 0.5": Network(dropout=0.5),
            "smoothed": Network(smoothing=0.1),
            "L2": Network(l2=0.01),
            "decay": Network(decay=0.01),
            "warm-up": Network(warm_up=WARM_UP),
            "float16": Network(precision="float16"),
            "float16, scaled": Network(precision="float16", scale=1024.0),
            "bfloat16": Network(precision="bfloat16"),
        },
    ),
    "large batch": Group("plain", {"large batch": Network()}, batch=WHOLE),
    "batch norm": Group(
        "batch norm",
        {
            "batch norm": Network(),
            "batch norm, a tenth": Network(gain=0.1),
            "batch norm, ten times": Network(gain=10.0),
            "batch norm, dropout 0.2": Network(dropout=0.2),
            "batch norm, noise": Network(noise=0.5),
        },
    ),
    "residual": Group(
        "residual",
        {
            "residual": Network(),
            "residual, a tenth": Network(gain=0.1),
            "residual, three times": Network(gain=3.0),
            "residual, zero": Network(last=0.0),
        },
    ),
    **{
        kind: Group(kind, {kind: Network(), f"{kind}, warm-up": Network(warm_up=WARM_UP)})
        for kind in ("pre-norm", "post-norm")
    },
    **{
        f"attention, {kind}": Group(
            kind,
            {
                f"attention, {kind}": Network(),
                f"attention, {kind}, warm-up": Network(warm_up=WARM_UP),
                f"attention, {kind}, clipped": Network(clip=1.0),
            },
            tokens=4,
        )
        for kind in ("pre-norm", "post-norm")
    },
}
"""The networks by architecture."""

GRIDS: Mapping[str, tuple[float, ...]] = {
    "sgd": (0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1.0, 3.0, 10.0),
    "momentum": (0.0003, 0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1.0, 3.0),
    "adam": (0.00003, 0.0001, 0.0003, 0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1.0, 3.0),
}
"""The rates that an arm may choose from, by optimizer: wider than ``panel``'s, as its arms differ
more."""
SHIFTS: Mapping[str, tuple[float, float]] = {
    "batch norm, a tenth": (1.0, 0.3),
    "batch norm, ten times": (30.0, 10.0),
    "residual": (0.03, 1.0),
    "residual, three times": (0.01, 1.0),
}
"""What an arm's rates are multiplied by, with gradient descent, and with Adam.

A normalised layer turns by the step over the weights' size, and its gradient goes with one over
that. Without a normalisation shortcuts make the signal grow with each block, and the gradient.
"""


def grid(optimizer: str, arm: str) -> tuple[float, ...]:
    """Return an arm's rates."""
    shift = SHIFTS.get(arm, (1.0, 1.0))[optimizer == "adam"]
    return tuple(shift * rate for rate in GRIDS[optimizer])


def run(group: str, data: str, optimizer: str, depth: int, width: int, seed: int) -> dict[str, Any]:
    """Train all networks of a group at all rates, side by side on the same batches.

    Returns:
        ``epochs``: how many they trained; ``right``: for each network, for each rate, how many
        answers are right: early on validation and test examples, and at the end on both;
        ``sure``: for each the mean of the largest probability on the test examples, early and at
        the end, to four decimals.
    """
    (x, y), *others = examples(data, seed)
    chosen = GROUPS[group]
    net = built(chosen, x, len(np.unique(y)), optimizer, depth, width, seed)
    shape = len(chosen.networks), len(GRIDS[optimizer])

    def look() -> list[Array]:
        found = []
        for inputs, labels in others:
            logits = net.logits(inputs)  # (networks and rates, n, classes)
            found.append((logits.argmax(axis=-1) == labels).sum(axis=1))
        # The last are the test examples. One that has diverged is sure of nothing.
        logits = np.where(np.isfinite(logits), logits, 0.0)
        with np.errstate(over="ignore"):
            powers = np.exp(logits - logits.max(axis=-1, keepdims=True))
        return [*found, (1 / powers.sum(axis=-1)).mean(axis=1)]

    epochs, early, late = trained(
        lambda todo: net.fit(x, y, todo, chosen.batch),
        lambda: net.loss(x, y).reshape(shape).min(axis=1),
        look,
    )
    right = np.transpose([*early[:2], *late[:2]]).reshape(*shape, 4).tolist()
    # More digits than the margin needs would only make the record long.
    sure = np.round(np.transpose([early[2], late[2]]).astype(float), 4).reshape(*shape, 2).tolist()
    return {
        "epochs": epochs,
        "right": dict(zip(chosen.networks, right, strict=True)),
        "sure": dict(zip(chosen.networks, sure, strict=True)),
    }


def built(
    group: Group, x: Array, classes: int, optimizer: str, depth: int, width: int, seed: int
) -> Blocks:
    """Return a group's networks, each at all rates of its grid, before training.

    Args:
        group: which networks.
        x: what they will be trained on, shape (n, features).
        classes: number of classes.
        optimizer: of ``stack.OPTIMIZERS``.
        depth: number of hidden layers, or of blocks.
        width: units of each layer.
        seed: of all that is drawn.
    """
    steps = len(x) // group.batch
    named = {
        f"{name}|{rate}": replace(one, warm_up=steps * one.warm_up, learning_rate=rate)
        for name, one in group.networks.items()
        for rate in grid(optimizer, name)
    }
    return Blocks(
        group.kind,
        x.shape[1],
        width,
        depth,
        classes,
        named,
        seed,
        optimizer=optimizer,
        tokens=group.tokens,
        dtype=np.float32,
    )


def sizes(group: Group) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Return the depths and the widths in which a group is asked."""
    return ((1, 3), WIDTHS[:1]) if group.tokens else (DEPTHS, WIDTHS)


def settings() -> list[dict[str, Any]]:
    """Return the settings of all runs."""
    return [
        {
            "group": group,
            "data": data,
            "optimizer": optimizer,
            "depth": depth,
            "width": width,
            "seed": seed,
        }
        for group, one in GROUPS.items()
        for data in (DATA[:1] if one.tokens else DATA)
        for optimizer in OPTIMIZERS
        for depth in sizes(one)[0]
        for width in sizes(one)[1]
        for seed in range(SEEDS)
    ]
