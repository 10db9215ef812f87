"""What one pass tells: where numbers break, and what each layer does to signal and gradient.

The words and the bounds are those of ``livegrad.signals``: each of the two products of the gains of
L hidden layers lies within its bounds, a layer is named beyond their L-th roots, and for dead or
saturated units where they alone would take the gradient there.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from livegrad import activations, initializers
from livegrad._checks import Array
from livegrad.doctor._facts import Call, Layer, Optimizer, Pass, Probe, Words
from livegrad.doctor._path import Block, Path, bounds, slope, through
from livegrad.doctor._report import Finding
from livegrad.doctor._weights import drawn
from livegrad.signals import A_TWENTIETH, _allowed

__all__ = ["not_finite", "product", "scale_of_input", "units"]

# Between these the root mean square of what enters the first weights is near enough to 1.
SMALLEST, LARGEST = math.exp(-3), math.exp(3)
# What is judged like the activation that it is cut from.
_ALIKE = {"relu6": "relu", "hard_sigmoid": "sigmoid"}


def not_finite(result: Pass, words: Words) -> list[Finding]:
    """Return a finding for the first tensor, in the order of computation, that is not finite."""
    for layer, what, array in _computed(result):
        bad = array.size - int(np.count_nonzero(np.isfinite(array)))
        if not bad:
            continue
        own = layer.kernel is not None and what == "activations"
        fix = words.layer(layer, initializer="he_normal") if own else words.finite()
        # The loss is the first that can break the gradient of an output.
        outer = what == "gradients" and any(array is g for g in _outer(result))
        return [
            Finding(
                "non-finite",
                "loss" if outer else layer.name,
                f"{bad} of {array.size} {what} are not finite, above 0",
                "It is the first: all that is computed from it is NaN, the gradients included.",
                fix,
            )
        ]
    if not math.isfinite(result.loss) and not result.error:
        return [
            Finding(
                "non-finite",
                "loss",
                f"the loss is {result.loss}, though all outputs are finite",
                "A loss that is not finite has no gradient to go by.",
                words.stable(),
            )
        ]
    return []


def _outer(result: Pass) -> list[Array]:
    """Return the gradients of the outputs."""
    ends = [call for call in result.calls if any(call.output is out for out in result.outputs)]
    return [call.gradient for call in ends if call.gradient is not None]


def _computed(result: Pass) -> Iterator[tuple[Layer, str, Array]]:
    for call in result.calls:
        if call.output is not None:
            yield call.layer, "activations", call.output
    if not math.isfinite(result.loss):
        return
    for call in reversed(result.calls):
        for gradient in [call.gradient, *call.gradients]:
            if gradient is not None:
                yield call.layer, "gradients", gradient


def scale_of_input(path: Path, words: Words) -> list[Finding]:
    """Return a finding where what enters the first weights is far from the assumed size 1.

    He, Glorot and LeCun take the inputs' mean square to be 1. One feature beyond e^3, or all of
    them together below e^-3, are judged to be too far from it.
    """
    call = path.start
    if call is None or not call.inputs:
        return []
    if any(block.call is call and block.scaled for block in path.blocks):
        return []  # the normalisation takes the scale out at once
    if any(c.layer.kind == "embedding" for c in path.before):
        return []
    x = np.asarray(call.inputs[0], dtype="float64")
    if not np.isfinite(x).all() or not x.any():
        return []
    # Features one by one; of images and sequences the channels.
    sizes = np.sqrt(np.mean(x.reshape(-1, x.shape[-1]) ** 2, axis=0))  # (features,)
    largest, overall = float(sizes.max()), float(np.sqrt(np.mean(sizes**2)))
    if overall >= SMALLEST and largest <= LARGEST:
        return []
    if largest > LARGEST:
        evidence = f"root mean square {largest:.3g} of a feature, above e^3 = {LARGEST:.1f}"
        why = (
            "The first layer's pre-activations and its weights' gradients are as many times "
            "too large; the best step for them is far smaller than for all other layers."
        )
    else:
        evidence = f"root mean square {overall:.3g} of the inputs, below e^-3 = {SMALLEST:.3f}"
        why = "The first layer's signal and its weights' gradients are as many times too small."
    integers = bool((x == np.round(x)).all() and x.min() >= 0 and x.max() <= 255)
    normal = words.scale(pixels=integers and largest > LARGEST)
    evidence += f", as {call.layer.name} is given it"
    return [Finding("unscaled-input", "data", evidence, why, normal)]


def units(result: Pass, path: Path, probe: Probe) -> tuple[list[Finding], list[str]]:
    """Return a finding for the first layer with too many dead or saturated units."""
    owner = {}
    for block in path.blocks:
        for call in [block.call, *block.followers]:
            owner[id(call)] = block.name
    heads = [path.head.call, *path.head.followers] if path.head else []
    few = False
    for call in result.calls:
        if any(call is head for head in heads) or call.output is None:
            continue
        if any(call.output is out for out in result.outputs):
            continue
        found = slope(call.layer, call.output)
        if found is None:
            continue
        width = int(found.shape[-1])
        flat = found.reshape(-1, width)  # (examples and places, units)
        name = _ALIKE.get(call.layer.activation, call.layer.activation)
        dead = float(np.mean(np.all(flat == 0, axis=0)))
        low = flat < A_TWENTIETH
        if name == "relu":
            low &= flat > 0
        saturated = float(np.mean(low))
        allowed = _allowed(activations.get(name), path.depth, width)
        layer = owner.get(id(call), call.layer.name)
        both = activations.get(name).saturates == "both"
        if not both and dead > allowed:
            if len(flat) < 16:
                few = True
                continue
            zeros = np.all(call.output.reshape(-1, width) == 0, axis=0)
            # A unit at the upper end of ReLU6 is as dead as one at 0.
            silent = float(np.mean(zeros)) == dead
            return [_dead(result, call, layer, dead, allowed, probe, silent)], []
        if saturated > allowed:
            return [_saturated(result, call, layer, saturated, allowed, probe.words)], []
    note = f"dead units: {probe.rows} examples are too few to call a unit silent"
    return [], [note] if few else []


def _feeding(result: Pass, call: Call) -> Layer:
    """Return the weighted layer that the activation bends."""
    while not call.layer.weighted and call.parents:
        call = result.calls[call.parents[0]]
    return call.layer


def _dead(
    result: Pass, call: Call, name: str, share: float, allowed: float, probe: Probe, silent: bool
) -> Finding:
    layer = _feeding(result, call)
    far = 0.0 if layer.bias is None else float(np.mean(layer.bias.value))
    if far < 0 if silent else far > 0:
        fix = probe.words.layer(layer, bias="zeros")
    else:
        fix = probe.words.layer(layer, initializer="he_normal")
    does = "give 0" if silent else "have slope 0"
    return Finding(
        "dead-units",
        name,
        f"{share:.0%} of its units {does} on all {probe.rows} examples, above {allowed:.0%}",
        "A unit that is silent on every example has slope 0 everywhere: no gradient passes it and "
        "none reaches its weights.",
        fix,
    )


def _saturated(
    result: Pass, call: Call, name: str, share: float, allowed: float, words: Words
) -> Finding:
    layer = _feeding(result, call)
    far = layer.bias is not None and float(np.abs(np.mean(layer.bias.value))) > 1
    zeros = words.layer(layer, bias="zeros")
    return Finding(
        "saturated-units",
        name,
        f"{share:.0%} of its slopes are below a twentieth of the largest, above {allowed:.0%}",
        "On the flat ends of the curve the slope, a factor of the product, is nearly 0.",
        zeros if far else words.layer(layer, initializer="glorot_uniform"),
    )


def product(probe: Probe, path: Path, excused: bool = True) -> tuple[list[Finding], list[str]]:
    """Judge the gradient's product and then the signal's, against a fresh set of weights.

    The fresh weights are what the initializer that pairs with each activation draws for the same
    architecture. If they bring the product back, and the model still has what its own initializer
    drew, the initializer is at fault; else the depth, the activation or the training is.

    Args:
        probe: of the model.
        path: its blocks.
        excused: whether what chance does is allowed for, as it is while the model learns.
    """
    if any(block.activation == "unknown" for block in path.blocks):
        return [], ["the products of gains: an activation is not known here"]
    ends = [*path.blocks, *([path.head] if path.head else [])]
    nothing = next((block.name for block in ends if _starts_at_nothing(block)), None)
    if nothing is not None:
        return [], [f"the products of gains: {nothing} starts as 0, and is another after one step"]
    if path.gains and not any(math.isfinite(gain) for gain in path.gains):
        return [], ["the product of gains: no gradient reaches the hidden layers"]
    judged = [_Judged(of, path, probe.optimizer, excused) for of in ("gradient", "signal")]
    out = [one for one in judged if one.out]
    if not out:
        return [], []
    finding = _out_of_bounds(out[0], path, _fresh(probe, path), probe.words)
    also = "".join(f"; {one} too" for one in out[1:])
    return [replace(finding, evidence=finding.evidence + also)], []


def _starts_at_nothing(block: Block) -> bool:
    """Whether all its weights are 0 and its first step moves them: so it is to start."""
    kernel = block.call.layer.kernel
    above, given = block.call.delta, block.call.inputs
    moves = above is not None and bool(np.any(above)) and bool(given) and bool(np.any(given[0]))
    trains = kernel is not None and kernel.place is not None
    return trains and moves and kernel is not None and not np.any(kernel.read())


class _Judged:
    """One of the two products beside its bounds.

    Attributes:
        of: "gradient" or "signal".
        factors: one a block, as ``Path`` orders them.
        total: their product.
        limits: of the product, widened by what chance does.
        roots: of the bounds without chance, for a single layer.
    """

    def __init__(self, of: str, path: Path, optimizer: Optimizer, excused: bool = True) -> None:
        self.of = of
        self.factors = _factors(of, path)
        self.total = _total(self.factors)
        low, high = bounds(of, optimizer, path.normalised)
        below, above = path.chance if excused else (0.0, 0.0)
        self.limits = (low * math.exp(-below), high * math.exp(above))
        self.roots = (low ** (1 / path.depth), high ** (1 / path.depth))

    @property
    def small(self) -> bool:
        return self.total < self.limits[0]

    @property
    def out(self) -> bool:
        return self.small or self.total > self.limits[1]

    def __str__(self) -> str:
        low, high = self.limits
        said = f"below {low:.2g}" if self.small else f"above {high:.3g}"
        return f"the {self.of}'s product {self.total:.3g} is {said}"


def _factors(of: str, path: Path) -> list[float]:
    return path.own_factors if of == "gradient" else path.signal_gains


def _total(factors: list[float]) -> float:
    return math.prod(factor for factor in factors if math.isfinite(factor))


def _out_of_bounds(one: _Judged, path: Path, other: Path | None, words: Words) -> Finding:
    of, factors, small = one.of, one.factors, one.small
    (least, most), (low, high) = one.limits, one.roots
    fresh = None if other is None else _factors(of, other)
    if fresh is not None and len(fresh) != len(factors):
        fresh = None
    cured = fresh is not None and least <= _total(fresh) <= most
    usual = fresh if fresh is not None and cured else [1.0] * len(factors)
    pull = [
        math.log(max(factor, 1e-300) / max(base, 1e-300))
        if math.isfinite(factor) and math.isfinite(base)
        else 0.0
        for factor, base in zip(factors, usual, strict=True)
    ]
    # The layer that carries more than half of it all; else the first beyond the bound's root.
    worst = min(pull) if small else max(pull)
    at = pull.index(worst)
    if abs(worst) < abs(sum(pull)) / 2:
        root = math.log(low if small else high)
        at = next((i for i, p in enumerate(pull) if (p < root if small else p > root)), at)
    block = [*path.blocks, path.head][at]
    assert block is not None
    evidence = (
        f"{one}, the bound with chance; this layer's own factor is {factors[at]:.3g}, the bound's "
        f"root for {path.depth} hidden layers {low if small else high:.3g}"
    )
    layer = block.call.layer
    name = _pairing(block)
    does = "lose" if small else "blow up"
    if cured and drawn(layer) is not False:
        assert fresh is not None
        return Finding(
            "initializer-mismatch",
            block.name,
            f"{evidence}; with {name} the product is {_total(fresh):.3g}",
            f"At this depth the first weights {does} the {of}; "
            f"what pairs with {block.activation} keeps its size.",
            words.layer(layer, initializer=name),
        )
    paired, normalised = words.layer(layer, initializer=name), words.normalise()
    flat = block.activation in ("sigmoid", "softmax", "hard_sigmoid", "tanh")
    flat = flat and not cured and block is not path.head
    relu = words.layer(layer, activation="relu", initializer="he_normal")
    code = f"{'vanishing' if small else 'exploding'}-{of}"
    why = {
        "vanishing-gradient": "The layers below get next to no gradient, whatever the last layers "
        "learn.",
        "exploding-gradient": "The first layers' step is as many times longer than the last "
        "layers': no learning rate fits both.",
        "vanishing-signal": "What enters the later layers tells the examples apart as many times "
        "less, and the gradients of their weights are as many times smaller.",
        "exploding-signal": "What enters the later layers is as many times larger, and so are the "
        "gradients of their weights.",
    }[code]
    down, up = relu if flat else paired, paired if cured else normalised
    return Finding(code, block.name, evidence, why, down if small else up)


def _pairing(block: Block) -> str:
    name = _ALIKE.get(block.activation, block.activation)
    return activations.get(name).initializer if name in activations.NAMES else "glorot_uniform"


def _fresh(probe: Probe, path: Path) -> Path | None:
    """Return the path of the same architecture under the initializers that pair."""
    if not path.blocks:
        return None
    values = probe.values()
    for at, block in enumerate([*path.blocks, *([path.head] if path.head else [])]):
        kernel, bias = block.call.layer.kernel, block.call.layer.bias
        if kernel is None or kernel.place is None:
            continue
        fresh = initializers.get(_pairing(block))(kernel.shape, rng=at)
        values[kernel.place] = kernel.back(fresh).astype(values[kernel.place].dtype)
        if bias is not None and bias.place is not None:
            values[bias.place] = np.zeros_like(values[bias.place])
    result = probe.run(values)
    return through(result.calls, result.outputs)
