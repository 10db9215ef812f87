"""How the arms of both panels learn: test accuracy along the way, in the setting where they differ.

The digits, the deepest and widest networks, each optimizer. For each seed an arm is shown at the
rate that is best on the validation images at the end, so a curve may belong to another rate than
its neighbour's.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from livegrad._checks import Array
from livegrad_lab import panel, practices
from livegrad_lab.blocks import Blocks
from livegrad_lab.stack import OPTIMIZERS, Stack

__all__ = ["EVERY", "PANEL", "SEEDS", "run", "settings"]

EVERY = 6
"""How many epochs lie between two measurements."""
SEEDS = 5
PANEL = "activations and weights"


def run(group: str, optimizer: str, seed: int) -> dict[str, list[float]]:
    """Train a group of ``practices``, or all arms of ``panel``, and look on.

    Returns:
        For each arm the test accuracies, shape (epochs / ``EVERY``,).
    """
    data = panel.DATA[0]
    (x, y), *others = panel.examples(data, seed)
    classes = len(np.unique(y))
    net: Stack | Blocks
    if group == PANEL:
        depth, width = max(panel.DEPTHS), max(panel.WIDTHS)
        net = panel.built(x.shape[1], classes, optimizer, depth, width, seed)
        names, batch = list(panel.ARMS), panel.BATCH
    else:
        chosen = practices.GROUPS[group]
        depth, width = map(max, practices.sizes(chosen))
        net = practices.built(chosen, x, classes, optimizer, depth, width, seed)
        names, batch = list(chosen.networks), chosen.batch

    def right(inputs: Array, labels: Array) -> Array:
        hits = net.logits(inputs).argmax(axis=-1) == labels  # (arms and rates, n)
        return np.asarray(hits.mean(axis=1).reshape(len(names), -1))

    validation, test = others
    seen = []
    for _ in range(0, panel.MOST, EVERY):
        net.fit(x, y, EVERY, batch)
        seen.append(right(*test))
    best = right(*validation).argmax(axis=1)  # (arms,)
    table = np.array(seen)  # (epochs, arms, rates)
    return {name: np.round(table[:, at, best[at]], 4).tolist() for at, name in enumerate(names)}


def settings() -> list[dict[str, Any]]:
    """Return the settings of all runs."""
    return [
        {"group": group, "optimizer": optimizer, "seed": seed}
        for group in (PANEL, *practices.GROUPS)
        for optimizer in OPTIMIZERS
        for seed in range(SEEDS)
    ]
