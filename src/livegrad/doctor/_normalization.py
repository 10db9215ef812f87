"""Normalisations: of one number, one example or the answers, and what they keep for inference."""

from __future__ import annotations

import math

import numpy as np

from livegrad.doctor._facts import Call, Layer, Output, Pass, Probe, spread
from livegrad.doctor._path import Path
from livegrad.doctor._report import Finding

__all__ = ["normalization", "running"]

# How much worse inference may be than training on the same examples.
_WORSE = 3.0
# What is no further from its own normalised values is normalised already.
_APART = 0.5


def normalization(probe: Probe, result: Pass, path: Path, heads: list[Output]) -> list[Finding]:
    """Return a finding for the first normalisation that takes away what the model is to say."""
    for call in result.calls:
        layer = call.layer
        if layer.kind != "normalization" or call.output is None or not call.inputs:
            continue
        came, left = spread(call.inputs[0]), spread(call.output)
        if came > 0 and left <= 1e-6 * came and _scaled(layer):
            width = call.output.shape[-1]
            return [
                Finding(
                    "normalization",
                    layer.name,
                    f"spread over the examples {came:.3g} before it, {left:.3g} behind it, must be "
                    f"above 0; it averages over {width} number{'s' if width > 1 else ''}",
                    "A number less its own mean is 0: what is normalised alone says nothing.",
                    probe.words.without(layer),
                )
            ]
        if _untouched(call):
            return [
                Finding(
                    "normalization",
                    layer.name,
                    f"in training its output is what it is given, of spread {came:.3g}: it goes by "
                    "running averages, and these are 0 and 1, as they began",
                    "Not called as in training, it neither normalises nor follows the batches.",
                    probe.words.training(layer),
                )
            ]
        batch = probe.plan.batch
        numbers = (batch or 3) * math.prod(call.output.shape[1:-1])
        if layer.over == "batch" and numbers < 3:
            return [
                Finding(
                    "normalization",
                    layer.name,
                    f"{numbers} number{'s' if numbers > 1 else ''} a unit in a batch, must be at "
                    "least 3",
                    "One number less its own mean is 0; of two numbers only the sign is left.",
                    probe.words.layer_norm(layer),
                )
            ]
    return _at_the_end(probe, result, path, heads)


def _untouched(call: Call) -> bool:
    """Whether a normalisation over the batch that can learn goes by averages that never moved."""
    layer, given, made = call.layer, call.inputs[0], call.output
    kept = [*_averages(layer), *_variances(layer)]
    if layer.over != "batch" or not layer.trainable or len(kept) != 2 or made is None:
        return False
    mean, variance = (layer.weights[name].value for name in kept)
    if np.any(mean) or np.any(variance != 1) or given.shape != made.shape:
        return False
    wide = [array.reshape(-1, given.shape[-1]).astype("float64") for array in (given, made)]
    apart = wide[0].std(axis=0)  # (units,)
    x, z = (array[:, apart > 0] for array in wide)
    if not x.size or not np.allclose(z, x, rtol=2e-3, atol=1e-6):
        return False
    own = (x - x.mean(axis=0)) / apart[apart > 0]
    return bool(np.sqrt(np.mean((own - x) ** 2)) > _APART)


def _scaled(layer: Layer) -> bool:
    """Whether its own scale is not 0, as at the end of a branch that is to start as nothing."""
    gamma = layer.weights.get("gamma")
    return gamma is None or bool(np.any(gamma.value))


def _at_the_end(probe: Probe, result: Pass, path: Path, heads: list[Output]) -> list[Finding]:
    """Judge a normalisation that the answers of a regression come out of."""
    if path.head is None or len(heads) != 1 or not path.head.followers:
        return []
    last = path.head.followers[-1]
    (head,) = heads
    measured = head.kind in ("meansquarederror", "meanabsoluteerror", "huber", "logcosh")
    if last.layer.kind != "normalization" or not measured or last.output is None:
        return []
    if not any(last.output is out for out in result.outputs):
        return []
    y = np.asarray(head.y, dtype="float64")
    return [
        Finding(
            "normalization",
            last.layer.name,
            f"answers of mean {np.mean(last.output):.2g} and spread {np.std(last.output):.2g} come "
            f"out of it; the targets' are {np.mean(y):.3g} and {np.std(y):.3g}",
            "Each batch is given the same mean and spread, whatever its targets are: an answer "
            "depends on the other examples of its batch.",
            probe.words.without(last.layer),
        )
    ]


def running(probe: Probe, result: Pass, baseline: float | None) -> list[Finding]:
    """Return a finding if inference is much worse than training on the same examples."""
    kept = [
        layer
        for layer in probe.layers
        if layer.kind == "normalization" and layer.over == "batch" and _averages(layer)
    ]
    if not kept:
        return []
    if probe.optimizer.taken == 0:
        return _too_slow(probe, kept)
    then = probe.loss(training=False)
    reference = max(result.loss, baseline or 0.0)
    if then <= _WORSE * reference or reference <= 0:
        return []
    worst = max(kept, key=lambda layer: _behind(layer, result))
    still = 1 - worst.momentum
    return [
        Finding(
            "normalization",
            worst.name,
            f"the loss is {then:.3g} in inference and {result.loss:.3g} in training, on the same "
            f"examples, above {_WORSE:.0f} times; after {probe.optimizer.taken} steps",
            "Training goes by the batch's mean and variance, inference by running averages, and "
            f"each step takes a share of {still:.2g} of the batch into them.",
            probe.words.momentum(worst, 0.9),
        )
    ]


def _too_slow(probe: Probe, kept: list[Layer]) -> list[Finding]:
    """Judge whether the planned steps are enough for the averages to get there."""
    steps = probe.plan.steps()
    slow = max(kept, key=lambda layer: layer.momentum)
    left = slow.momentum**steps if steps is not None else 0.0
    if left <= 0.5:
        return []
    return [
        Finding(
            "normalization",
            slow.name,
            f"after the {steps} steps planned {left:.0%} of the running averages are still what "
            f"they began with, above 50%; momentum {slow.momentum:g}",
            "Inference goes by the running averages: it is another model than the one trained.",
            probe.words.momentum(slow, 0.9),
        )
    ]


def _averages(layer: Layer) -> list[str]:
    return [name for name in layer.weights if name in ("moving_mean", "running_mean")]


def _variances(layer: Layer) -> list[str]:
    return [name for name in layer.weights if name in ("moving_variance", "running_var")]


def _behind(layer: Layer, result: Pass) -> float:
    """Return how far its running mean is from the batch's, in spreads."""
    calls = [call for call in result.calls if call.layer is layer and call.inputs]
    if not calls:
        return 0.0
    x = calls[0].inputs[0].reshape(-1, calls[0].inputs[0].shape[-1]).astype("float64")
    mean = layer.weights[_averages(layer)[0]].value
    return float(np.max(np.abs(x.mean(axis=0) - mean) / (x.std(axis=0) + 1e-12)))
