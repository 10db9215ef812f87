"""The order of an examination: what can be told without running, then one pass, then steps."""

from __future__ import annotations

import math
from typing import Any

import keras

from livegrad.doctor import _architecture, _heads, _signals, _steps, _weights
from livegrad.doctor._data import Sample, draw
from livegrad.doctor._path import Path, has_weights, through
from livegrad.doctor._probe import Pass, line, run, undisturbed
from livegrad.doctor._report import CODES, Examination, Finding, LayerGain

__all__ = ["examine"]

# Rows that show what the outputs look like, before labels and loss are trusted.
_GLANCE = 32
# While one of these is there, the numbers that the pass measured are the fault's, not the model's.
_BLINDING = ("non-finite", "symmetric-weights", "unscaled-input", "frozen")


def examine(model: Any, x: Any, y: Any, rows: int) -> Examination:
    """Examine; ``livegrad.doctor.examine`` says how."""
    if not isinstance(model, keras.Model):
        raise TypeError(f"model must be a keras.Model, got {type(model).__name__}")
    if not getattr(model, "compiled", False) or model.optimizer is None:
        raise ValueError("model must be compiled with an optimizer and a loss: model.compile(...)")
    sample = draw(x, y, rows)
    model, sample = _ready(model, sample)
    with undisturbed(model):
        return _examined(model, sample)


def _ready(model: Any, sample: Sample) -> tuple[Any, Sample]:
    """Return a model that has weights, and the sample in the types that it takes."""
    if not model.built or (isinstance(model, keras.Sequential) and not model.weights):
        model = _built(model, sample)
    inputs = getattr(model, "inputs", None)
    flat = keras.tree.flatten(sample.x)
    if inputs and len(inputs) == len(flat):
        for tensor, wanted in zip(flat, inputs, strict=True):
            want, got = tuple(wanted.shape[1:]), tuple(tensor.shape[1:])
            # As in ``fit``, a last axis of length 1 may be left out.
            if not (_fits(want, got) or (want[-1:] == (1,) and _fits(want[:-1], got))):
                raise ValueError(f"x must have the shape {_shown(want)}, got {_shown(got)}")
        wanted = iter(inputs)
        x = keras.tree.map_structure(
            lambda tensor: keras.ops.cast(tensor, next(wanted).dtype), sample.x
        )
        sample = Sample(x, sample.y, sample.weight, sample.rows, sample.labels)
    return model, sample


def _fits(want: tuple[Any, ...], got: tuple[Any, ...]) -> bool:
    return len(want) == len(got) and all(
        size is None or size == given for size, given in zip(want, got, strict=True)
    )


def _shown(shape: tuple[Any, ...]) -> str:
    return "(" + ", ".join(str(size) for size in ("n", *shape)) + ")"


def _built(model: Any, sample: Sample) -> Any:
    """Return a built twin of a model that has no weights yet: building it would change it."""
    try:
        twin = type(model).from_config(model.get_config())
        twin.compile_from_config(model.get_compile_config())
        twin(sample.x)
    except Exception as error:
        raise ValueError(
            "model has no weights yet and cannot be copied: call it once on data, model(x)"
        ) from error
    return twin


def _examined(model: Any, sample: Sample) -> Examination:
    findings, unjudged = _weights.frozen(model)
    findings += _weights.broken(model)
    findings += _weights.identical(model)
    # Labels are judged before they meet the loss, which some of them would stop.
    try:
        bare = run(model, sample.first(_GLANCE), with_loss=False)
    except Exception as error:
        raise ValueError(f"model could not be run on x: {line(error)}") from error
    heads, notes = _heads.heads(model, sample, bare)
    unjudged += notes
    for head in heads:
        findings += _heads.judge(head)
    codes = {finding.code for finding in findings}
    result = bare
    if "label-mismatch" not in codes or _comparable(findings):
        result = run(model, sample)
    path = through(result.calls, result.outputs)
    findings += _architecture.dropout(result)
    findings += _architecture.linear(result)
    layers: list[LayerGain] = []
    gain = signal_gain = math.nan
    if math.isnan(result.loss) and (result is bare or result.error):
        reason = result.error or "the labels do not fit the loss"
        unjudged.append(f"gradients and steps: {reason}")
        findings += _architecture.softmax(result)
        findings += _signals.scale_of_input(path)
    else:
        found, notes = _judged(model, sample, result, path, findings, heads)
        findings += found
        unjudged += notes
        layers = [
            LayerGain(block.name, block.activation, *gains)
            for block, *gains in zip(path.blocks, path.gains, path.signal_gains, strict=True)
        ]
        gain, signal_gain = (
            math.prod(g for g in gains if math.isfinite(g))
            for gains in (path.gains, path.signal_gains)
        )
    for call in result.calls:
        layer = call.layer
        custom = not type(layer).__module__.startswith("keras.")
        inner = (
            isinstance(layer, keras.layers.RNN | keras.layers.Wrapper)
            or "Attention" in type(layer).__name__
        )
        if layer.weights and not has_weights(layer) and (custom or inner):
            note = f"{layer.name} ({type(layer).__name__}): what happens inside it"
            if note not in unjudged:
                unjudged.append(note)
    findings.sort(key=lambda finding: CODES.index(finding.code))
    return Examination(
        tuple(findings), tuple(unjudged), tuple(layers), gain, signal_gain, result.loss
    )


def _comparable(findings: list[Finding]) -> bool:
    """Whether labels can meet the loss though they do not fit it: a wrong range, same shape."""
    wrong = [found for found in findings if found.code == "label-mismatch"]
    return all("must be -1 or 1" in found.evidence for found in wrong)


def _judged(
    model: Any,
    sample: Sample,
    result: Pass,
    path: Path,
    before: list[Finding],
    heads: list[_heads.Head],
) -> tuple[list[Finding], list[str]]:
    """Judge what the gradients tell, as far as nothing found before makes them tell lies."""
    codes = {finding.code for finding in before}
    findings: list[Finding] = []
    if "non-finite" not in codes:
        found = _signals.not_finite(result)
        named = bool(codes & {"output-loss-mismatch", "label-mismatch"})
        if found and named and found[0].layer == "loss":
            return findings, ["gradients and steps: the loss is not finite, for what is named"]
        findings += found
    if {"non-finite"} & (codes | {finding.code for finding in findings}):
        return findings, ["signals, gradients and steps: not while numbers are not finite"]
    symmetric = _weights.symmetric(path, result, model) if "frozen" not in codes else []
    scale = _signals.scale_of_input(path)
    findings += symmetric + scale + _architecture.softmax(result)
    now = codes | {finding.code for finding in findings}
    blind = sorted(now & set(_BLINDING))
    if blind:
        return findings, [f"gains, units and steps: not before {' and '.join(blind)} is mended"]
    units, unjudged = _signals.units(result, path, sample.rows)
    findings += units
    # Their cause is named already: these faults shrink the product by themselves.
    caused = {"softmax-hidden", "dead-units", "saturated-units", "identical-kernels"}
    caused |= {"output-loss-mismatch"}
    now |= {finding.code for finding in units}
    product: list[Finding] = []
    if not now & caused:
        product, notes = _signals.product(model, sample, path)
        findings += product
        unjudged += notes
    elif path.blocks:
        unjudged.append(
            f"the products of gains: not before {' and '.join(sorted(now & caused))} is mended"
        )
    if not product and not now & caused:
        known = [_heads.baseline_loss(head) for head in heads]
        baseline = known[0] if len(known) == 1 else None
        steps, notes = _steps.learning_rate(model, sample, result, path.depth, baseline)
        findings += steps
        unjudged += notes
    elif not any("learning rate" in note for note in unjudged):
        unjudged.append("the learning rate: not before these are mended")
    return findings, unjudged
