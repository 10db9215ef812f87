"""What the architecture tells: softmax between layers, layers that are one, dropout too high."""

from __future__ import annotations

import numpy as np

from livegrad._checks import Array
from livegrad.doctor._facts import Call, Layer, Output, Pass, Probe, Words, norm
from livegrad.doctor._path import bends
from livegrad.doctor._report import Finding

__all__ = ["axis", "dropout", "linear", "mixed", "noise", "softmax", "stacked"]

# A mask whose noise is three standard deviations of the signal, in variances.
_NOISE = 3.0**2
# Of the answers' spread, what rounding may change.
_SAME = 1e-3
_SUMS = ("Add", "add", "Concatenate", "Average", "Subtract")
# Examples that stay the same, and others before and behind them.
_KEPT = 8
# Layers with weights, for each pair of them that is one map, from which on the others do the work.
_FEW = 10


def _next_weighted(result: Pass, at: int) -> list[tuple[int, list[Call]]]:
    """Return the weighted calls that the call's output reaches, with what lies between.

    Ways through layers with several inputs are not followed: a gate or a sum is no chain.
    """
    found: list[tuple[int, list[Call]]] = []
    todo: list[tuple[int, list[Call]]] = [(at, [])]
    while todo:
        place, between = todo.pop()
        for later in range(place + 1, len(result.calls)):
            call = result.calls[later]
            # By the tensor itself: where something unknown was computed in between, no chain.
            if not any(t is result.calls[place].output for t in call.inputs):
                continue
            if call.layer.weighted:
                found.append((later, between))
            elif len(call.inputs) == 1:
                todo.append((later, [*between, call]))
    return found


def softmax(result: Pass, words: Words) -> list[Finding]:
    """Return a finding for the first softmax whose output is another layer's input."""
    for at, call in enumerate(result.calls):
        if call.layer.activation != "softmax" or not _next_weighted(result, at):
            continue
        assert call.output is not None
        width = int(call.output.shape[-1])
        above = norm(call.gradient)
        below = max((norm(g) for g in call.gradients if g is not None), default=float("nan"))
        sums = float(np.mean(np.sum(call.output, axis=-1)))
        gain = f"; gain {below / above:.3g}" if above > 0 else ""
        return [
            Finding(
                "softmax-hidden",
                call.layer.name,
                f"its {width} outputs sum to {sums:.3f} on every example: free numbers "
                f"{width - 1}, must be {width}{gain}",
                "The units compete for a sum of 1: each is about one over their number, and the "
                "slopes are as small.",
                words.dense(width, "relu", "he_normal"),
            )
        ]
    return []


_BENT = (
    *("relu", "relu6", "leaky_relu", "elu", "selu", "silu", "gelu", "sigmoid", "tanh"),
    *("softplus", "softsign", "hard_sigmoid", "exponential", "mish"),
)
_SQUASHING = ("sigmoid", "softmax", "tanh", "hard_sigmoid", "softsign", "log_softmax")
# A softmax and its logarithm are one function in two steps.
_ONE = ("softmax", "log_softmax")


def stacked(result: Pass, words: Words) -> list[Finding]:
    """Return a finding if two activations in a row make an output."""
    for output in result.outputs:
        makers = [at for at, call in enumerate(result.calls) if call.output is output]
        at = makers[-1] if makers else None
        bent: list[Call] = []
        while at is not None:
            call = result.calls[at]
            if call.layer.activation not in ("none", "linear", "unknown"):
                bent.append(call)
            chain = call.layer.kind in ("activation", "passing", "mask", "noise")
            if not chain or len(call.parents) != 1:
                break
            at = call.parents[0]
        if len(bent) < 2 or bent[0].layer.activation not in _SQUASHING:
            continue
        last, before = bent[0].layer, bent[1].layer
        if last.activation == "log_softmax" and before.activation not in _ONE:
            continue
        low, high = float(np.min(output)), float(np.max(output))
        return [
            Finding(
                "stacked-activations",
                before.name,
                f"2 activations between the last weights and the output, {before.activation} and "
                f"{last.activation}, must be 1; the answers lie within {low:.3g} and {high:.3g}",
                f"The {last.activation} is given what {before.activation} has cut off or squashed: "
                "it cannot say all that it could, and its slope is multiplied by another.",
                words.layer(before, activation="linear")
                if before.weighted
                else words.without(before),
            )
        ]
    return []


def axis(result: Pass, heads: list[Output], words: Words) -> list[Finding]:
    """Return a finding if the shares that sum to 1 are those of another axis than the classes'."""
    for call in result.calls:
        shares = call.output
        if shares is None or call.layer.kind not in ("activation", "other", "dense"):
            continue
        own = any(shares is out for out in result.outputs)
        if shares.ndim < 2 or len(shares) < 2 or not (own or call.layer.activation == "softmax"):
            continue
        over = _sums_to_one(shares, own)
        if over is None:
            continue
        total = shares.sum(axis=-1)
        what = "examples" if over == 0 else f"places of axis {over}"
        return [
            Finding(
                "wrong-axis",
                call.layer.name,
                f"its outputs sum to 1 over the {what}, and to {total.min():.3g} to "
                f"{total.max():.3g} over the {shares.shape[-1]} classes, must be 1",
                "An example's answer is the smaller the more sure the others are: it is no "
                "probability of its own.",
                words.soft(call.layer),
            )
        ]
    for head in heads:
        if head.axis not in (-1, head.output.ndim - 1):
            return [
                Finding(
                    "wrong-axis",
                    "loss",
                    f"the loss takes the classes on axis {head.axis}, and the outputs have them on "
                    f"the last of {head.output.ndim}",
                    "Each place is compared with another one's label.",
                    words.loss("categoricalcrossentropy"),
                )
            ]
    return []


def mixed(probe: Probe, glance: Pass) -> list[Finding]:
    """Return a finding for the first layer that mixes examples with each other.

    Some examples are run twice, each time among others. A normalisation over the batch mixes them
    by design: with one the model is not judged, nor is what mixes in training alone.

    Args:
        probe: of the model.
        glance: a pass of another number of examples.
    """
    layers = [call.layer for call in glance.calls]
    if any(one.kind == "normalization" and one.over != "features" for one in layers):
        return []
    k = min(_KEPT, probe.rows // 5)
    if k < 1:
        return []
    kept = np.arange(k) + 2 * k
    among = [np.concatenate([o, kept, o + k]) for o in (np.arange(k), np.arange(k) + 3 * k)]
    try:
        first, again, other = (probe.run(rows=among[at], with_loss=False) for at in (0, 0, 1))
    except Exception:
        return []  # the model was made for batches of one size
    shapes = [[out.shape[1:] for out in one.outputs] for one in (glance, first, again, other)]
    if any(shape != shapes[0] for shape in shapes):
        return []  # answers about pairs of examples
    mine = slice(k, 2 * k)

    def moved(a: Array | None, b: Array | None) -> float:
        if a is None or b is None or a.shape != b.shape or len(a) != 3 * k:
            return 0.0
        wide = [np.asarray(one[mine], dtype="float64") for one in (a, b)]
        size = float(np.sqrt(np.mean(np.var(np.asarray(a, dtype="float64"), axis=0))))
        share = float(np.sqrt(np.mean((wide[0] - wide[1]) ** 2))) / size if size > 0 else 0.0
        return share if np.isfinite(share) else 0.0

    outputs = list(zip(first.outputs, again.outputs, other.outputs, strict=True))
    if not outputs or any(moved(a, b) > _SAME for a, b, _ in outputs):
        return []  # chance is at work
    worst = max(moved(a, c) for a, _, c in outputs)
    if worst <= _SAME or not _meet(probe, k):
        return []
    pairs = zip(first.calls, other.calls, strict=False)
    where = next((one.layer for one, two in pairs if moved(one.output, two.output) > _SAME), None)
    return [
        Finding(
            "wrong-axis",
            where.name if where else "model",
            f"among other examples the answers to the same {k} change by {worst:.0%} of their "
            "spread, must be 0%",
            "Examples are taken for steps, or cut and joined across their border: an answer is "
            "no longer that of its own example.",
            probe.words.apart(where or Layer("model", "other")),
        )
    ]


def _meet(probe: Probe, k: int) -> bool:
    """Whether the loss in inference depends on which examples stand beside each other.

    The loss of one half and another, and of their partners, is the same in all if each example
    counts for itself.
    """
    parts = np.arange(4 * k).reshape(4, k)

    def loss(one: int, other: int) -> float:
        return probe.loss(training=False, rows=np.concatenate([parts[one], parts[other]]))

    try:
        together = loss(0, 1) + loss(2, 3)
        crossed = loss(0, 3) + loss(2, 1)
    except Exception:
        return False
    return bool(abs(together - crossed) > 1e-5 * abs(together))


def _sums_to_one(shares: Array, own: bool) -> int | None:
    """Return the first axis but the last over which all entries sum to 1; None if there is none."""
    if not (np.min(shares) >= 0) or np.allclose(shares.sum(axis=-1), 1, atol=1e-3):
        return None
    axes = range(shares.ndim - 1) if own else (0,)
    return next((at for at in axes if np.allclose(shares.sum(axis=at), 1, atol=1e-3)), None)


def linear(result: Pass, probe: Probe) -> list[Finding]:
    """Return a finding for the first layer that forms one linear map with the next.

    A layer that is narrower than both its neighbours is a bottleneck: it lowers the rank, which
    one layer would not do, and is no fault. One such pair among ten layers or more is a waste: the
    others bend.
    """
    pairs = _pairs(result, probe)
    weighted = sum(call.layer.weighted for call in result.calls)
    if not pairs or _FEW * len(pairs) <= weighted:
        return []
    call, follower, ends = pairs[0]
    layer = call.layer
    assert call.output is not None
    units = int(call.output.shape[-1])
    return [
        Finding(
            "no-nonlinearity",
            layer.name,
            f"0 non-linear functions before {follower.name}, must be at least 1; "
            f"rank {ends} of the two maps is not lowered by {units} units",
            "Two linear maps in a row are one linear map: the layer adds weights, and no "
            "function that one layer could not give.",
            probe.words.layer(layer, units=units, activation="relu", initializer="he_normal"),
        )
    ]


def _pairs(result: Pass, probe: Probe) -> list[tuple[Call, Layer, int]]:
    """Return the calls that form one linear map with the next, that layer and the map's rank."""
    found: list[tuple[Call, Layer, int]] = []
    for at, call in enumerate(result.calls):
        layer = call.layer
        if not layer.weighted or layer.activation != "linear":
            continue
        for later, between in _next_weighted(result, at):
            follower = result.calls[later].layer
            if any(bends(step.layer) for step in between) or follower.type != layer.type:
                continue
            if layer.kind in ("depthwise", "separable"):
                continue
            if not between and _read_elsewhere(result, at, later, probe):
                continue
            if any(_readers(result, step) > 1 for step in between):
                continue
            width = None if call.output is None else call.output.shape[-1]
            if any(step.output is None or step.output.shape[-1] != width for step in between):
                continue  # cut into heads, the second map is not of all units
            ends_it = any(result.calls[later].output is out for out in result.outputs)
            if ends_it and any(one.layer.activation in _BENT for one in result.calls[:at]):
                continue  # one map more before the answers is a waste, and no fault
            last = result.calls[later].output
            assert call.output is not None and last is not None
            ends = min(int(call.inputs[0].shape[-1]), int(last.shape[-1]))
            if int(call.output.shape[-1]) >= ends:
                found.append((call, follower, ends))
                break
    return found


def _readers(result: Pass, call: Call) -> int:
    """Return how many calls are given a call's output, and make something else of it."""
    return sum(
        any(t is call.output for t in reader.inputs) and reader.output is not call.output
        for reader in result.calls
    )


def _read_elsewhere(result: Pass, at: int, later: int, probe: Probe) -> bool:
    """Whether the output has another reader than this layer, as a residual stream has.

    A reader that is no layer is not seen; but the gradient then is not this layer's alone.
    """
    if _readers(result, result.calls[at]) > 1:
        return True
    whole = result.calls[at].gradient
    if result.calls[later].gradient is None or whole is None:
        return False
    alone = probe.alone(result.calls[later])
    return alone is not None and norm(whole - alone) > 1e-2 * norm(whole)


def dropout(result: Pass, words: Words) -> list[Finding]:
    """Return findings for a mask on the output, or for masks that bury the signal.

    A mask of rate r that is made up for by 1 / (1 - r) adds the variance r / (1 - r) to a signal of
    mean square 1. The variances of several masks on one way add up.
    """
    masks = [c for c in result.calls if c.layer.kind == "mask" and c.layer.rate > 0]
    for call in masks:
        at = next(i for i, c in enumerate(result.calls) if c is call)
        if _is_last(result, at):
            return [
                Finding(
                    "dropout-rate",
                    call.layer.name,
                    f"0 layers with weights follow the mask of rate {call.layer.rate:g}, must be "
                    "at least 1",
                    "The mask hits the answer itself: the loss punishes the network for the mask.",
                    words.without(call.layer),
                )
            ]
    variance, masks = _noisiest(result)
    if variance < _NOISE * (1 - 1e-9):
        return []
    worst = max(masks, key=lambda call: call.layer.rate)
    return [
        Finding(
            "dropout-rate",
            worst.layer.name,
            f"variance r / (1 - r) of {len(masks)} masks together {variance:.3g}, at least "
            f"3^2 = {_NOISE:.0f} of the signal's",
            "The noise of the masks is three times the signal; rate is the share that is dropped, "
            "not the share that is kept.",
            words.mask(0.2),
        )
    ]


def noise(result: Pass) -> float:
    """Return the variance that masks add to a signal of mean square 1, on the noisiest way."""
    return _noisiest(result)[0]


def _noisiest(result: Pass) -> tuple[float, list[Call]]:
    """Return the largest variance that masks in a row add up to on one way, and these masks.

    What lies side by side, as the heads of an attention do, is no longer way.
    """
    ways: list[tuple[float, list[Call]]] = []
    for call in result.calls:
        behind = [ways[at] for at in call.parents]
        variance, masks = max(behind, key=lambda way: way[0], default=(0.0, []))
        if call.layer.kind == "mask" and call.layer.rate > 0:
            variance += call.layer.rate / (1 - call.layer.rate)
            masks = [*masks, call]
        ways.append((variance, masks))
    return max(ways, key=lambda way: way[0], default=(0.0, []))


def _is_last(result: Pass, at: int) -> bool:
    """Whether weights come before the call on its chain and none after it."""
    place: int | None = at
    before = False
    while place is not None:
        call = result.calls[place]
        before = before or bool(call.layer.weights)
        place = max(call.parents, default=None)
    after = [at]
    for later in range(at + 1, len(result.calls)):
        call = result.calls[later]
        came = set(call.parents)
        if not came & set(after):
            continue
        # What is multiplied with more than the mask lets through only says how much of each.
        if came - set(after) and len(call.inputs) > 1 and call.layer.type not in _SUMS:
            return False
        after.append(later)
    return before and not any(result.calls[place].layer.weights for place in after)
