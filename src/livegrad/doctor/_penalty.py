"""Whether a penalty on the weights costs more than all that they could earn.

A signal passes L layers only if the product of their gains along its way is about the size of the
target. The cheapest weights that do so have one such way: in each layer a gain of s^(1/L), which an
L2 penalty of strength lambda charges lambda s^(2/L) for. A softmax over k classes needs k - 1 ways.
What they earn is at most the loss of knowing nothing. Where the penalty of the cheapest weights is
above that, the best that training can do is to shrink all weights to 0.
"""

from __future__ import annotations

import math

import numpy as np

from livegrad.doctor._facts import Output, Probe
from livegrad.doctor._heads import baseline_loss
from livegrad.doctor._path import Path
from livegrad.doctor._report import Finding

__all__ = ["penalty"]


def penalty(probe: Probe, path: Path, heads: list[Output]) -> list[Finding]:
    """Return a finding if the penalties leave nothing to learn."""
    blocks = [*path.blocks, *([path.head] if path.head else [])]
    decayed = _decayed(probe, path)
    if decayed:
        return decayed
    if len(heads) != 1 or not blocks:
        return []
    (head,) = heads
    earned = baseline_loss(head)
    if earned is None or earned <= 0:
        return []
    classes = "categorical" in head.kind
    ways = head.units - 1 if classes else 1
    size = 1.0 if classes or "binary" in head.kind else float(np.std(head.y, dtype="float64"))
    gain = max(size, 1e-12) ** (1 / len(blocks))
    charged = []
    for block in blocks:
        kernel = block.call.layer.kernel
        # The scale of weights before a normalisation does not matter: they shrink without harm.
        normalised = any(call.layer.kind == "normalization" for call in block.followers)
        if kernel is not None and not normalised:
            l1, l2 = kernel.penalty
            charged.append((ways * (l1 * gain + l2 * gain**2), block))
    cost = sum(price for price, _ in charged)
    if cost <= earned:
        return []
    _, worst = max(charged, key=lambda pair: pair[0])
    return [
        Finding(
            "strong-penalty",
            worst.name,
            f"the cheapest weights that pass a signal cost a penalty of {cost:.3g}, above "
            f"{earned:.3g}, the loss of knowing nothing, which is the most that they could save",
            "Training lowers the sum of loss and penalty: it shrinks the weights to 0, and the "
            "answers become one and the same.",
            probe.words.lighter(worst.call.layer, _fitting(earned / cost)),
        )
    ]


def _decayed(probe: Probe, path: Path) -> list[Finding]:
    """Judge decay beside the loss: an adaptive step of the rate holds no weight above 1 / decay."""
    decay = probe.optimizer.decay
    fans = [
        math.prod(block.call.layer.kernel.shape[:-1])
        for block in path.blocks
        if block.call.layer.kernel is not None
    ]
    if decay <= 0 or not fans:
        return []
    needed = 1 / math.sqrt(float(np.median(fans)))
    largest = 1 / decay
    if largest >= needed:
        return []
    return [
        Finding(
            "strong-penalty",
            "optimizer",
            f"decay {decay:g} holds each weight below {largest:.3g}; a layer keeps its signal with "
            f"weights of {needed:.3g}",
            "A step moves a weight by about the rate at most, and the decay takes the rate times "
            "the weight times the decay: where both are equal the weight stays.",
            probe.words.decay(_fitting(largest / needed) * decay),
        )
    ]


def _fitting(share: float) -> float:
    """Return a hundredth of the share, rounded to a power of ten."""
    return 10.0 ** math.floor(math.log10(min(share, 1.0) / 100))
