"""The longest way through a model, cut into hidden blocks: weights, then what bends and scales.

Only what theory speaks of enters the two products: dense layers and convolutions, their activations
and normalisations. Pooling, reshaping and merging change a norm without any loss, and what happens
inside recurrent, attention and unknown layers is not looked at; both are passed over.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from functools import cached_property
from itertools import zip_longest

import numpy as np

from livegrad._checks import Array
from livegrad.doctor._facts import Call, Layer, Optimizer, norm, spread
from livegrad.signals import GRADIENT_BOUNDS, SIGNAL_BOUNDS

__all__ = ["Block", "Path", "bends", "bounds", "slope", "through"]

# What changes a norm without any loss.
_OVER = ("passing", "pooling", "mask", "noise")
# What gives twice as much where it is given twice as much.
_HOMOGENEOUS = ("linear", "relu", "leaky_relu", "none")


@dataclass
class Block:
    """A weighted layer's call with the activation and normalisations that follow it.

    Attributes:
        call: of the weighted layer.
        at: its place among the calls.
        followers: counted calls before the next weighted one.
        passed: places of all calls before the next weighted one.
        chain: these calls.
        calls: all of the pass.
    """

    call: Call
    at: int
    followers: list[Call] = field(default_factory=list)
    passed: list[int] = field(default_factory=list)
    chain: list[Call] = field(default_factory=list)
    calls: list[Call] = field(default_factory=list)

    @property
    def name(self) -> str:
        """The weighted layer's name."""
        return self.call.layer.name

    @property
    def activation(self) -> str:
        """The last activation that is not linear; "unknown" if it has no name."""
        names = [call.layer.activation for call in [self.call, *self.followers]]
        bent = [name for name in names if name not in ("linear", "none")]
        return bent[-1] if bent else "linear"

    @property
    def width(self) -> int:
        """Units or channels."""
        assert self.call.output is not None
        return int(self.call.output.shape[-1])

    @property
    def scaled(self) -> Call | None:
        """The normalisation that its weights run into, whatever their scale; they have none.

        What a shortcut leads past the normalisation keeps its scale.
        """
        before = self.call
        if before.layer.activation not in _HOMOGENEOUS:
            return None
        for call in self.chain:
            if not any(given is before.output for given in call.inputs):
                return None
            if self._readers(before) > 1:
                return None
            if call.layer.kind == "normalization":
                return call
            kept = call.layer.kind in (*_OVER, "padding", "activation")
            if not kept or call.layer.activation not in _HOMOGENEOUS:
                return None
            before = call
        return None

    def _readers(self, call: Call) -> int:
        """Return how many calls make something of what a call gave."""
        return sum(
            any(given is call.output for given in one.inputs) and one.output is not call.output
            for one in self.calls
        )

    def through_weights(self) -> float:
        """Return what its weights make of the gradient: dL/d(input) over its delta.

        Where the weights run into a normalisation it stands for delta, with its own Jacobian below
        it: the scale of what comes before a normalisation is nobody's.
        """
        below = [norm(g) for g in self.call.gradients if g is not None]
        above = norm(self.scaled.gradient if self.scaled else self.call.delta)
        return max(below) / above if below and above > 0 else math.nan

    def through_activation(self) -> float:
        """Return what slopes and normalisations make of it: its delta over dL/d(output)."""
        above = norm(self.call.gradient)
        factor = norm(self.call.delta) / above if above > 0 else math.nan
        if self.call.delta is self.call.gradient is not None:
            factor = 1.0  # without an activation of its own, also where both are 0
        rest = self.followers
        if self.scaled:
            factor = 1.0
            at = next(i for i, call in enumerate(rest) if call is self.scaled)
            rest = rest[at + 1 :]
        for call in rest:
            below = [norm(g) for g in call.gradients if g is not None]
            above = norm(call.gradient)
            factor *= max(below) / above if below and above > 0 else math.nan
        return factor

    def signal_gain(self) -> float:
        """Return the spread of its output over that of its input; NaN where that has none."""
        last = [self.call, *self.followers][-1]
        came_in = spread(self.call.inputs[0]) if self.call.inputs else math.nan
        return spread(last.output) / came_in if came_in > 0 else math.nan


@dataclass
class Path:
    """The longest way from an input to an output.

    Attributes:
        blocks: the hidden ones, in order.
        head: the block that gives the output, or None.
        unknown: names of layers whose gain is passed over since it is not understood.
        before: calls that come before the first weighted one.
        calls: all of the pass.
    """

    blocks: list[Block]
    head: Block | None
    unknown: list[str]
    before: list[Call]
    calls: list[Call] = field(default_factory=list)

    @property
    def depth(self) -> int:
        """The number of hidden blocks, at least 1."""
        return max(1, len(self.blocks))

    @property
    def _above(self) -> list[Block]:
        """The block that follows each hidden one, as far as its weights are understood."""
        return [*self.blocks[1:], *([self.head] if self.head and self.blocks else [])]

    @property
    def chance(self) -> tuple[float, float]:
        """By how much chance alone lowers and raises the logarithm of a product of gains.

        The squared gain of a random layer of n units has a logarithm of mean -5 / (2 n) and
        variance 5 / n (Hanin 2018, for ReLU); the gain's is half of it. Three standard deviations.
        A layer's units are the inputs of the weights above it: of a convolution's, channels times
        places of its window.
        """
        kernels = [block.call.layer.kernel for block in self._above]
        fans = [math.prod(kernel.shape[:-1]) for kernel in kernels if kernel is not None]
        fans += [block.width for block in self.blocks[len(self._above) :]]
        total = sum(5 / fan for fan in fans)
        spread = 3 * math.sqrt(total) / 2
        return spread + total / 4, spread

    def _joined(self, block: Block, after: Block | None) -> tuple[float, float]:
        """Return by what else than weights, slopes and normalisations the way to the next changes.

        Pooling and reshaping change a norm without any loss, and are passed over; what falls on
        padding is lost. What is added,
        joined or scaled on the way is a factor like any other: with a shortcut the block's own
        factor J becomes I + J, and a joined part has its share of the whole.
        """
        if after is None:
            return 1.0, 1.0
        gradient = signal = 1.0
        before = block.call
        for call in block.chain:
            if any(call is one for one in block.followers):
                signal = 1.0  # the block's own gain reaches to here
            elif call.layer.kind not in _OVER and call.output is not None:
                ways = [at for at, given in enumerate(call.inputs) if given is before.output]
                if ways and call.gradients:
                    gradient *= _ratio(norm(call.gradients[ways[0]]), norm(call.gradient))
                    signal *= _ratio(spread(call.output), spread(call.inputs[ways[0]]))
            before = call
        return gradient, signal

    @cached_property
    def _between(self) -> list[tuple[float, float]]:
        return [
            self._joined(block, after) for block, after in zip_longest(self.blocks, self._above)
        ]

    @cached_property
    def gains(self) -> list[float]:
        """Each hidden block's gain of the gradient, |delta_l| / |delta_(l+1)|.

        Pooling and reshaping between two blocks is passed over; where weights follow that are not
        understood, the last block's slopes alone count.
        """
        return [
            block.through_activation() * joined * (after.through_weights() if after else 1.0)
            for (block, after), (joined, _) in zip(
                zip_longest(self.blocks, self._above), self._between, strict=True
            )
        ]

    @cached_property
    def own_factors(self) -> list[float]:
        """The same product, each factor with the block that it belongs to: slopes and weights.

        The first block has its slopes alone; the head, where there is one, comes last.
        """
        own = [
            block.through_activation() * joined
            for block, (joined, _) in zip(self.blocks, self._between, strict=True)
        ]
        for at, block in enumerate(self.blocks[1:], start=1):
            own[at] *= block.through_weights()
        return [*own, *([self.head.through_weights()] if self.head and self.blocks else [])]

    @cached_property
    def signal_gains(self) -> list[float]:
        """Each hidden block's gain of the signal."""
        return [
            block.signal_gain() * joined
            for block, (_, joined) in zip(self.blocks, self._between, strict=True)
        ]

    @property
    def normalised(self) -> bool:
        """Whether most blocks have a normalisation behind or before their weights.

        Weights before a normalisation have no scale of their own: too long a step makes them
        larger, and the next step shorter (Arora, Li and Lyu 2019).
        """
        kinds = [call.layer.kind for block in self.blocks for call in block.followers]
        return 2 * kinds.count("normalization") >= len(self.blocks) > 0

    @property
    def start(self) -> Call | None:
        """The call whose weights the data meet first; normalisations do not count."""
        calls = [*self.before, *(block.call for block in [*self.blocks[:1], self.head] if block)]
        scaled = ("normalization", "scaling")
        return next((c for c in calls if c.layer.weights and c.layer.kind not in scaled), None)


def bounds(of: str, optimizer: Optimizer, normalised: bool = False) -> tuple[float, float]:
    """Return the bounds of the "gradient"'s or the "signal"'s product.

    Measured for plain SGD and for Adam; every optimizer but SGD adapts its steps in some way and
    is given Adam's, and so are weights that normalisations follow: they set their own step.
    """
    measured = GRADIENT_BOUNDS if of == "gradient" else SIGNAL_BOUNDS
    return measured["Adam" if optimizer.adaptive or normalised else "SGD"]


def bends(layer: Layer) -> bool:
    """Whether something between two linear maps keeps them from being one; True if unknown."""
    if layer.kind in ("passing", "padding", "mask", "noise", "scaling"):
        return False
    if layer.kind == "normalization" and layer.over == "batch":
        return False
    return layer.activation != "linear"


def slope(layer: Layer, output: Array) -> Array | None:
    """Return the activation's slope at each entry, from its output alone; None if unknown.

    Relative to the largest slope. The slope of SiLU or GELU cannot be read from their output.
    """
    if layer.negative or layer.threshold:
        return None
    a = np.asarray(output, dtype="float64")
    if layer.activation in ("relu", "relu6"):
        return ((a > 0) & (a < layer.most)).astype("float64")
    if layer.activation == "sigmoid":
        return np.asarray(4 * a * (1 - a))
    if layer.activation == "tanh":
        return np.asarray(1 - a**2)
    if layer.activation == "softplus":
        return np.asarray(-np.expm1(-a))
    if layer.activation == "hard_sigmoid":
        return ((a > 0) & (a < 1)).astype("float64")
    return None


def through(calls: list[Call], outputs: list[Array]) -> Path:
    """Return the path with the most weighted layers on it.

    Args:
        calls: of one pass.
        outputs: the model's outputs.
    """
    best: list[int] = []
    came: list[int | None] = []
    for call in calls:
        # A gate is narrower than what it opens: the way goes through the widest.
        sizes = [0 if (made := calls[at].output) is None else made.size for at in call.parents]
        ways = [at for at, size in zip(call.parents, sizes, strict=True) if size == max(sizes)]
        origin = max(ways, key=lambda at: best[at], default=None)
        if origin is not None and call.first and best[origin] < 0:
            origin = None
        came.append(origin)
        # A kernel or a scale of 0 at the end of a branch passes nothing on for now: another way
        # counts.
        worth = -len(calls) if _is_zero(call.layer) else int(call.layer.weighted)
        best.append((best[origin] if origin is not None else 0) + worth)
    ends = [at for at, call in enumerate(calls) if any(call.output is out for out in outputs)]
    ends = ends or ([len(calls) - 1] if calls else [])
    at = max(ends, key=lambda end: best[end], default=None)
    places: list[int] = []
    while at is not None:
        places.append(at)
        at = came[at]
    blocks: list[Block] = []
    unknown: list[str] = []
    before: list[Call] = []
    for place in reversed(places):
        call = calls[place]
        if call.layer.weighted:
            blocks.append(Block(call, place, calls=calls))
        elif call.layer.kind in ("activation", "normalization"):
            if blocks:
                blocks[-1].followers.append(call)
                blocks[-1].passed.append(place)
        else:
            if blocks:
                blocks[-1].passed.append(place)
            if call.layer.weights and call.layer.kind != "embedding":
                unknown.append(call.layer.name)
        if not blocks:
            before.append(call)
    # What comes after the last weights belongs to the output, unless other weights follow there.
    tail = bool(blocks) and not any(calls[p].layer.name in unknown for p in blocks[-1].passed)
    for block in blocks:
        block.chain = [calls[passed] for passed in block.passed]
    head = blocks.pop() if tail else None
    return Path(blocks, head, unknown, before, calls)


def _ratio(above: float, below: float) -> float:
    """Return a factor; 1 where there is none that could be told."""
    ratio = above / below if below > 0 else math.nan
    return ratio if math.isfinite(ratio) and ratio > 0 else 1.0


def _is_zero(layer: Layer) -> bool:
    scale = layer.weights.get("gamma") if layer.kind == "normalization" else None
    weight = layer.kernel if layer.weighted else scale
    return weight is not None and not np.any(weight.read())
