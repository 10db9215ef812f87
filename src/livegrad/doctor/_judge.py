"""The order of an examination: what can be told without running, then one pass, then steps."""

from __future__ import annotations

import math

from livegrad.doctor import (
    _architecture,
    _examples,
    _gradients,
    _heads,
    _learning,
    _normalization,
    _penalty,
    _sequences,
    _signals,
    _steps,
    _trial,
    _weights,
)
from livegrad.doctor._facts import Output, Pass, Probe
from livegrad.doctor._path import Path, through
from livegrad.doctor._report import CODES, NOWHERE, Examination, Finding, LayerGain

__all__ = ["judge", "line"]

# Rows that show what the outputs look like, before labels and loss are trusted.
_GLANCE = 32
# While one of these is there, the numbers that the pass measured are the fault's, not the model's.
_BLINDING = (
    "non-finite",
    "symmetric-weights",
    "constant-input",
    "unscaled-input",
    "frozen",
    "cut-gradient",
    "strong-penalty",
)
# Their cause is named already: these faults shrink the product by themselves.
_SHRINKING = (
    "softmax-hidden",
    "dead-units",
    "saturated-units",
    "identical-kernels",
    "stacked-activations",
    "wrong-axis",
    "attention",
)


# They are faults of their own, beside which others show: the loss can be lowered all the same.
_BESIDE = ("metric-mismatch", "class-imbalance")


def judge(probe: Probe, trials: bool = True) -> Examination:
    """Judge what a probe tells of a model.

    Args:
        probe: of the model.
        trials: whether steps are tried where nothing else is found; they take seconds.

    Raises:
        ValueError: if the model cannot be run on the data.
    """
    if probe.bad:
        return _examination(
            _examples.not_finite(probe), ["all else: not before the data are finite"]
        )
    findings, unjudged = _weights.frozen(probe)
    findings += _weights.broken(probe)
    findings += _examples.constant(probe)
    # Labels are judged before they meet the loss, which some of them would stop.
    try:
        bare = probe.run(rows=_GLANCE, with_loss=False)
    except Exception as error:
        found = _refused(probe)
        if not found:
            raise ValueError(f"model could not be run on x: {line(error)}") from error
        return _examination([*findings, *found], [*unjudged, "all else: the model does not run"])
    heads, notes = probe.outputs(bare)
    unjudged += notes
    for head in heads:
        findings += _gradients.sign(head, probe) + _gradients.paired(head)
    heads = [head for head in heads if head.kind]
    for head in heads:
        findings += _heads.judge(head, probe.words)
        findings += _examples.imbalance(head)
        findings += _examples.target(head, probe.words.targets())
    findings += _weights.identical(probe, bare)
    findings += _architecture.stacked(bare, probe.words)
    axis = _architecture.axis(bare, heads, probe.words)
    findings += axis or _architecture.mixed(probe, bare)
    result = bare
    if not any(finding.stops for finding in findings):
        try:
            result = probe.run()
        except Exception as error:
            found = _refused(probe)
            if not found:
                raise ValueError(f"model could not be run on x: {line(error)}") from error
            findings += found
    path = through(result.calls, result.outputs)
    findings += _architecture.dropout(result, probe.words)
    findings += _architecture.linear(result, probe)
    if math.isnan(result.loss) and (result is bare or result.error):
        reason = result.error or "the labels do not fit the loss"
        unjudged.append(f"gradients and steps: {reason}")
        findings += _architecture.softmax(result, probe.words)
        findings += _signals.scale_of_input(path, probe.words)
        return _examination(findings, unjudged + _not_looked_into(result))
    found, notes = _measured(probe, result, path, findings, heads, trials)
    findings += found
    layers = [
        LayerGain(block.name, block.activation, *gains)
        for block, *gains in zip(path.blocks, path.gains, path.signal_gains, strict=True)
    ]
    gain, signal_gain = (
        math.prod(g for g in gains if math.isfinite(g)) for gains in (path.gains, path.signal_gains)
    )
    unjudged += notes + _not_looked_into(result)
    return _examination(findings, unjudged, layers, gain, signal_gain, result.loss)


def _examination(
    findings: list[Finding],
    unjudged: list[str],
    layers: list[LayerGain] | None = None,
    gain: float = math.nan,
    signal_gain: float = math.nan,
    loss: float = math.nan,
) -> Examination:
    ordered = sorted(findings, key=lambda finding: CODES.index(finding.code))
    return Examination(
        tuple(ordered), tuple(unjudged), tuple(layers or ()), gain, signal_gain, loss
    )


def _refused(probe: Probe) -> list[Finding]:
    """Return a finding if an embedding is why the model does not run."""
    if probe.failed is None or probe.failed[0].kind != "embedding":
        return []
    layer, whole = probe.failed
    return _examples.indices(layer.name, layer.rows, whole)


def _not_looked_into(result: Pass) -> list[str]:
    """Return a note for each layer whose inside is not judged, once."""
    notes: dict[str, None] = {}
    for call in result.calls:
        layer = call.layer
        inner = layer.kind in ("recurrent", "attention", "wrapper")
        if layer.weights and not layer.weighted and (not layer.own or inner):
            notes[f"{layer.name} ({layer.type}): what happens inside it"] = None
    return list(notes)


def _measured(
    probe: Probe,
    result: Pass,
    path: Path,
    before: list[Finding],
    heads: list[Output],
    trials: bool,
) -> tuple[list[Finding], list[str]]:
    """Judge what the gradients tell, as far as nothing found before makes them tell lies."""
    words = probe.words
    codes = {finding.code for finding in before}
    findings: list[Finding] = []
    if "non-finite" not in codes:
        found = _signals.not_finite(result, words)
        named = bool(codes & {"output-loss-mismatch", "label-mismatch"})
        if found and named and found[0].layer == "loss":
            return findings, ["gradients and steps: the loss is not finite, for what is named"]
        findings += found
    if {"non-finite"} & (codes | {finding.code for finding in findings}):
        return findings, ["signals, gradients and steps: not while numbers are not finite"]
    if "frozen" not in codes:
        findings += _weights.symmetric(path, result, probe)
        findings += _gradients.left_out(probe) + _gradients.stray(probe, result)
        findings += _sequences.attention(probe, result)
        flat = {finding.layer for finding in findings if finding.code == "attention"}
        if not codes & {"output-loss-mismatch", "label-mismatch"}:
            cut = _gradients.cut(probe, result, known=bool(heads))
            findings += [finding for finding in cut if finding.layer not in flat]
            if not (cut or codes & {"constant-input", "wrong-axis"}):
                findings += _examples.alike(result)
    findings += _penalty.penalty(probe, path, heads)
    findings += _signals.scale_of_input(path, words) + _architecture.softmax(result, words)
    findings += _normalization.normalization(probe, result, path, heads)
    now = codes | {finding.code for finding in findings}
    blind = sorted(now & set(_BLINDING))
    if blind:
        return findings, [f"gains, units and steps: not before {' and '.join(blind)} is mended"]
    units, unjudged = _signals.units(result, path, probe)
    findings += units
    now |= {finding.code for finding in units}
    caused = sorted(now & set(_SHRINKING))
    product: list[Finding] = []
    if not caused:
        product, notes = _signals.product(probe, path)
        product += [] if product else _sequences.memory(probe, result, heads)
        findings += product
        unjudged += notes
    elif path.blocks:
        unjudged.append(f"the products of gains: not before {' and '.join(caused)} is mended")
    if product or caused:
        unjudged.append("the learning rate: not before these are mended")
        return findings, unjudged
    known = [_heads.baseline_loss(head) for head in heads]
    baseline = known[0] if len(known) == 1 else None
    findings += _normalization.running(probe, result, baseline)
    if "unscaled-target" in now:
        unjudged.append("the learning rate: not before unscaled-target is mended")
        return findings, unjudged
    steps, notes = _steps.learning_rate(probe, result, path.depth, baseline, path.normalised)
    findings += steps
    unjudged += notes
    if not findings and trials and all(finding.code in _BESIDE for finding in before):
        found, notes = _tried(probe, result, path, heads, baseline, before)
        findings += found
        unjudged += notes
    if any(finding.code == "learning-rate" for finding in findings):
        findings += _sequences.grows(probe, result)
    return findings, unjudged


def _tried(
    probe: Probe,
    result: Pass,
    path: Path,
    heads: list[Output],
    baseline: float | None,
    before: list[Finding],
) -> tuple[list[Finding], list[str]]:
    """Judge what some steps lead to, where nothing else was found."""
    if not probe.optimizer.name or len(heads) > 1:
        return [], []
    least = _heads.least_loss(heads[0]) if heads else 0.0
    noise = _architecture.noise(result)
    learning = _learning.Learning(probe, result, baseline, least, noise)
    found, well = learning.judge()
    of_steps = {finding.code for finding in found} <= {"learning-rate", "batch-size"}
    if learning.way and of_steps and len(heads) == 1:
        # Other steps learn by heart whatever the labels are.
        loose = _examples.unrelated(probe, heads[0])
        if loose and not _trial.told(probe, baseline, learning.way if found else None):
            return loose, []
        rare = any(finding.code == "class-imbalance" for finding in before)
        if found and rare and learning.balanced(_examples.even(heads[0])):
            return [], []
    if well is False and all(finding.code == "learning-rate" for finding in found):
        # Chance is no excuse for a product that is small, where nothing is learned.
        found += _signals.product(probe, path, excused=False)[0]
        found += [] if found else learning.bent(path)
    if found or well is not False:
        return found, []
    return [], [NOWHERE]


def line(failure: Exception) -> str:
    """Return the first line of what a failure says, or its type's name where it says nothing."""
    return (str(failure).strip().splitlines() or [type(failure).__name__])[0]
