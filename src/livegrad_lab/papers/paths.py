"""Shortcuts before training: how long the paths are, and how large the branches."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from livegrad.blocks import Activate, BatchNorm, Block, Dense, Residual, Sequential

__all__ = [
    "branch_exponent",
    "fixup_exponent",
    "mean_path",
    "path_share",
    "step_moves",
    "sums_and_branches",
]


def path_share(blocks: int, shortest: int, longest: int) -> float:
    """Return the share of all paths that go through so many blocks.

    A path goes through a block or around it, so that there are 2^blocks.

    Args:
        blocks: of the network.
        shortest: the fewest that count.
        longest: the most.

    Source:
        Veit et al. 2016, section 3.

    Examples:
        >>> path_share(3, 1, 2)
        0.75
    """
    counted = sum(math.comb(blocks, k) for k in range(shortest, longest + 1))
    return counted / 2.0**blocks


def mean_path(blocks: int) -> float:
    """Return through how many blocks a path goes on average, each path taken once."""
    return sum(k * math.comb(blocks, k) for k in range(blocks + 1)) / 2.0**blocks


def sums_and_branches(
    blocks: int, seed: int, *, normalised: bool = True, width: int = 64, examples: int = 256
) -> tuple[list[float], list[float]]:
    """Return the mean squares of the sum before each block and of what the block adds to it.

    A branch is two dense layers with He's weights, each behind ReLU and, where asked for, a batch
    normalisation before that. Nothing is trained; the inputs are normal.

    Source:
        De and Smith 2020.
    """
    rng = np.random.default_rng(seed)
    x = rng.standard_normal((examples, width))  # (examples, width)
    sums, branches = [], []
    for _ in range(blocks):
        layers: list[Block] = []
        for _ in range(2):
            layers += [BatchNorm(width)] if normalised else []
            layers += [Activate("relu"), Dense(width, width, "he_normal", rng)]
        added = Sequential(*layers).forward(x, training=True)  # (examples, width)
        sums.append(float(np.mean(x * x)))
        branches.append(float(np.mean(added * added)))
        x = x + added
    return sums, branches


def branch_exponent(
    seeds: Sequence[int], *, normalised: bool = True, first: int = 16, last: int = 128
) -> list[float]:
    """Return the power of the depth with which branches shrink beside the sum, one a seed.

    The slope of ln(root of the sum's mean square over the branch's) over ln(depth).

    Source:
        De and Smith 2020: the root of the depth, with batch normalisation.
    """
    depths = np.arange(first, last + 1)
    found = []
    for seed in seeds:
        sums, branches = sums_and_branches(last, seed, normalised=normalised)
        ratio = np.log(sums[first - 1 :]) - np.log(branches[first - 1 :])
        found.append(float(np.polyfit(np.log(depths), ratio / 2, 1)[0]))
    return found


def step_moves(
    blocks: int,
    layers: int,
    seed: int,
    scale: float = 1.0,
    *,
    last: str = "zeros",
    width: int = 64,
    examples: int = 32,
) -> float:
    """Return how far one small step moves the last state, over its rate, in Fixup's network.

    Branches of so many dense layers with ReLU between them, He's weights times the scale. The loss
    is linear in the last state.

    Args:
        blocks: how many branches.
        layers: of a branch.
        seed: of weights, inputs and loss.
        scale: of all layers of a branch but the last.
        last: the initializer of the last.
        width: of the state.
        examples: how many.

    Source:
        Zhang et al. 2019, section 3.
    """
    rng = np.random.default_rng(seed)
    x = rng.standard_normal((examples, width))
    upstream = rng.standard_normal((examples, width)) / examples
    net = Sequential(*(_branch(layers, width, scale, last, rng) for _ in range(blocks)))
    before = net.forward(x)
    net.backward(upstream)
    rate = 1e-6
    for array, gradient in zip(net.arrays, net.gradients, strict=True):
        array -= rate * gradient
    return float(np.linalg.norm(net.forward(x) - before)) / rate


def _branch(layers: int, width: int, scale: float, last: str, rng: np.random.Generator) -> Residual:
    parts: list[Block] = []
    for _ in range(layers - 1):
        dense = Dense(width, width, "he_normal", rng, use_bias=False)
        dense.arrays[0] *= scale
        parts += [dense, Activate("relu")]
    return Residual(*parts, Dense(width, width, last, rng, use_bias=False))


def fixup_exponent(
    layers: int, seeds: Sequence[int], depths: Sequence[int] = (4, 8, 16, 32)
) -> list[float]:
    """Return the power of the depth with which a branch's first layers must shrink, one a seed.

    At each depth the scale is searched with which a step moves the last state as far as at the
    first depth with a scale of 1.

    Args:
        layers: of a branch, at least 2.
        seeds: of the weights.
        depths: numbers of branches.

    Source:
        Zhang et al. 2019, section 3: -1 / (2 m - 2) for m layers.
    """
    from scipy.optimize import brentq

    def beyond(log: float, depth: int, seed: int, goal: float) -> float:
        return math.log(step_moves(depth, layers, seed, math.exp(log)) / goal)

    found = []
    for seed in seeds:
        goal = step_moves(depths[0], layers, seed)
        logs = [brentq(beyond, -4, 1, args=(one, seed, goal), xtol=1e-4) for one in depths]
        found.append(float(np.polyfit(np.log(depths), logs, 1)[0]))
    return found
