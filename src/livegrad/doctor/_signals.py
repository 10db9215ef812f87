"""What one pass tells: where numbers break, and what each layer does to signal and gradient.

The words and the bounds are those of ``livegrad.signals``: the product of the gains of L hidden
layers lies within e^-3 and e^3, a layer's share is the L-th root, and dead or saturated units are
charged where they alone use up a layer's share.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from livegrad import activations
from livegrad.doctor._data import Sample
from livegrad.doctor._path import Block, Path, activation_of, has_weights, kernel_of, slope, through
from livegrad.doctor._probe import Call, Pass, run, tensor
from livegrad.doctor._report import Finding
from livegrad.doctor._weights import drawn
from livegrad.signals import LARGEST, SMALLEST, _allowed

__all__ = ["not_finite", "product", "scale_of_input", "units"]


def not_finite(result: Pass) -> list[Finding]:
    """Return a finding for the first tensor, in the order of computation, that is not finite."""
    for layer, what, array in _computed(result):
        bad = int(tf.reduce_sum(tf.cast(~tf.math.is_finite(array), tf.int32)))
        if not bad:
            continue
        kernel = kernel_of(layer)
        if kernel is None or what != "activations":
            fix = "keras.ops.log(keras.ops.maximum(x, keras.config.epsilon()))  # or / maximum(...)"
        else:
            fix = f'keras.layers.{type(layer).__name__}(..., kernel_initializer="he_normal")'
        return [
            Finding(
                "non-finite",
                layer.name,
                f"{bad} of {int(tf.size(array))} {what} are not finite, above 0",
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
                "keras.losses.BinaryCrossentropy(from_logits=True)  # stable for any output",
            )
        ]
    return []


def _computed(result: Pass) -> Iterator[tuple[Any, str, Any]]:
    for call in result.calls:
        if call.output is not None:
            yield call.layer, "activations", call.output
    if not math.isfinite(result.loss):
        return
    for call in reversed(result.calls):
        for gradient in [call.gradient, *call.gradients]:
            if gradient is not None:
                yield call.layer, "gradients", tf.convert_to_tensor(gradient)


def scale_of_input(path: Path, sample: Sample) -> list[Finding]:
    """Return a finding where what enters the first weights is far from the assumed size 1.

    He, Glorot and LeCun take the inputs' mean square to be 1. One feature beyond e^3, or all of
    them together below e^-3, use up the network's account before its first layer.
    """
    before = path.before
    for call in path.start():
        if not call.inputs or any(isinstance(c.layer, keras.layers.Embedding) for c in before):
            continue
        x = np.asarray(call.inputs[0], dtype="float64")
        if not np.isfinite(x).all() or not x.any():
            continue
        # Features one by one; of images and sequences the channels.
        sizes = np.sqrt(np.mean(x.reshape(-1, x.shape[-1]) ** 2, axis=0))  # (features,)
        largest, overall = float(sizes.max()), float(np.sqrt(np.mean(sizes**2)))
        if overall >= SMALLEST and largest <= LARGEST:
            continue
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
        normal = "keras.layers.Rescaling(1 / 127.5, offset=-1)  # the first layer"
        if not (integers and largest > LARGEST):
            normal = "scale = keras.layers.Normalization(); scale.adapt(x)  # the first layer"
        return [Finding("unscaled-input", call.layer.name, evidence, why, normal)]
    return []


def units(result: Pass, path: Path, rows: int) -> tuple[list[Finding], list[str]]:
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
        flat = tf.reshape(found, (-1, width))  # (examples and places, units)
        name = activation_of(call.layer)
        name = {"relu6": "relu", "hard_sigmoid": "sigmoid"}.get(name, name)
        dead = float(tf.reduce_mean(tf.cast(tf.reduce_all(flat == 0, axis=0), tf.float64)))
        low = flat < SMALLEST
        if name == "relu":
            low &= flat > 0
        saturated = float(tf.reduce_mean(tf.cast(low, tf.float64)))
        allowed = _allowed(activations.get(name), path.depth, width)
        layer = owner.get(id(call), call.layer.name)
        both = activations.get(name).saturates == "both"
        if not both and dead > allowed:
            if int(flat.shape[0]) < 16:
                few = True
                continue
            return [_dead(result, call, layer, dead, allowed, rows)], []
        if saturated > allowed:
            return [_saturated(result, call, layer, saturated, allowed)], []
    note = f"dead units: {rows} examples are too few to call a unit silent"
    return [], [note] if few else []


def _feeding(result: Pass, call: Call) -> Any:
    """Return the weighted layer that the activation bends."""
    while not has_weights(call.layer) and call.parents:
        call = result.calls[call.parents[0]]
    return call.layer


def _dead(result: Pass, call: Call, name: str, share: float, allowed: float, rows: int) -> Finding:
    layer = _feeding(result, call)
    bias = getattr(layer, "bias", None)
    kind = type(layer).__name__
    if bias is not None and float(np.mean(np.asarray(bias.value))) < 0:
        fix = f'keras.layers.{kind}(..., bias_initializer="zeros")'
    else:
        fix = f'keras.layers.{kind}(..., kernel_initializer="he_normal")'
    return Finding(
        "dead-units",
        name,
        f"{share:.0%} of its units give 0 on all {rows} examples, above {allowed:.0%}",
        "A unit that is silent on every example has slope 0 everywhere: no gradient passes it and "
        "none reaches its weights.",
        fix,
    )


def _saturated(result: Pass, call: Call, name: str, share: float, allowed: float) -> Finding:
    layer = _feeding(result, call)
    bias = getattr(layer, "bias", None)
    kind = type(layer).__name__
    far = bias is not None and float(np.abs(np.mean(np.asarray(bias.value)))) > 1
    fix = 'bias_initializer="zeros"' if far else 'kernel_initializer="glorot_uniform"'
    return Finding(
        "saturated-units",
        name,
        f"{share:.0%} of its slopes are below e^-3 of the largest, above {allowed:.0%}",
        "On the flat ends of the curve the slope, a factor of the product, is nearly 0.",
        f"keras.layers.{kind}(..., {fix})",
    )


def product(
    model: Any, sample: Sample, path: Path, gains: list[float]
) -> tuple[list[Finding], list[str]]:
    """Judge the product of gains; where it is out of bounds, against a fresh set of weights.

    The fresh weights are what the initializer that pairs with each activation draws for the same
    architecture. If they bring the product back, and the model still has what its own initializer
    drew, the initializer is at fault; else the depth, the activation or the training is.
    """
    known = [gain for gain in gains if math.isfinite(gain)]
    if not known:
        return [], ["the product of gains: no gradient reaches the hidden layers"] if gains else []
    total = math.prod(known)
    below, above = path.chance
    least, most = SMALLEST * math.exp(-below), LARGEST * math.exp(above)
    if least <= total <= most:
        return [], []
    small = total < least
    low, high = path.share
    fresh = _gains_of_fresh(model, sample, path)
    if fresh is not None and len(fresh) != len(gains):
        fresh = None
    against = fresh or [1.0] * len(gains)
    pull = [
        math.log(max(gain, 1e-300) / max(base, 1e-300)) if math.isfinite(gain) else 0.0
        for gain, base in zip(gains, against, strict=True)
    ]
    cured = fresh is not None and least <= math.prod(fresh) <= most
    if not cured:
        pull = [math.log(max(g, 1e-300)) if math.isfinite(g) else 0.0 for g in gains]
    # The one that carries more than half of it all; else the first beyond its share.
    worst = min(pull) if small else max(pull)
    at = pull.index(worst)
    if abs(worst) < abs(sum(pull)) / 2:
        share = math.log(low if small else high)
        at = next((i for i, p in enumerate(pull) if (p < share if small else p > share)), at)
    block = path.blocks[at]
    bound = f"below {low:.3g}" if small else f"above {high:.3g}"
    bounds = (
        f"below e^-3 and chance = {least:.2g}" if small else f"above e^3 and chance = {most:.3g}"
    )
    evidence = (
        f"product of {len(known)} gains {total:.3g}, {bounds}; this layer's {gains[at]:.3g}, "
        f"its share: {bound}"
    )
    kind = type(block.call.layer).__name__
    name = _pairing(block)
    if cured and drawn(block.call.layer) is not False:
        assert fresh is not None
        return [
            Finding(
                "initializer-mismatch",
                block.name,
                f"{evidence}; with {name} the product is {math.prod(fresh):.3g}",
                f"At this depth the first weights {'lose' if small else 'blow up'} the gradient; "
                f"what pairs with {block.activation} keeps its size.",
                f'keras.layers.{kind}(..., kernel_initializer="{name}")',
            )
        ], []
    if small:
        flat = activation_of(block.call.layer) in ("sigmoid", "softmax", "hard_sigmoid", "tanh")
        fix = f'keras.layers.{kind}(..., activation="relu", kernel_initializer="he_normal")'
        if not flat:
            fix = f'keras.layers.{kind}(..., kernel_initializer="{name}")'
        return [
            Finding(
                "vanishing-gradient",
                block.name,
                evidence,
                "The layers below get next to no gradient, whatever the last layers learn.",
                fix,
            )
        ], []
    if cured:
        fix = f'keras.layers.{kind}(..., kernel_initializer="{name}")'
    else:
        fix = "x = keras.layers.LayerNormalization()(x)  # before each block"
    return [
        Finding(
            "exploding-gradient",
            block.name,
            evidence,
            "The first layers' step is as many times longer than the last layers': no learning "
            "rate fits both.",
            fix,
        )
    ], []


def _pairing(block: Block) -> str:
    name = {"relu6": "relu", "hard_sigmoid": "sigmoid"}.get(block.activation, block.activation)
    return activations.get(name).initializer if name in activations.NAMES else "glorot_uniform"


def _gains_of_fresh(model: Any, sample: Sample, path: Path) -> list[float] | None:
    """Return the gains of the same architecture under the initializers that pair."""
    if not path.blocks:
        return None
    values = {variable.path: tensor(variable) for variable in model.trainable_variables}
    for at, block in enumerate(path.blocks):
        layer = block.call.layer
        kernel = kernel_of(layer)
        if kernel is None or kernel.path not in values:
            continue
        draw = keras.initializers.get(_pairing(block))
        fresh = type(draw)(seed=at)(tuple(kernel.shape), dtype=kernel.dtype)
        values[kernel.path] = keras.ops.convert_to_tensor(fresh)
        bias = getattr(layer, "bias", None)
        if bias is not None and bias.path in values:
            values[bias.path] = keras.ops.zeros(bias.shape, dtype=bias.dtype)
    result = run(model, sample, list(values.values()))
    return through(result.calls, result.outputs).gains
