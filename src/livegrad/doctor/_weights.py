"""What the weights alone tell: equal units, equal layers, frozen chance, broken numbers."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from livegrad.doctor._facts import Layer, Pass, Probe, Weight
from livegrad.doctor._path import Path
from livegrad.doctor._report import Finding

# Draws that show how far an initializer reaches.
_DRAWS = 20

__all__ = ["broken", "drawn", "frozen", "identical", "symmetric"]


def broken(probe: Probe) -> list[Finding]:
    """Return a finding for the first layer whose weights are not all finite."""
    for layer in probe.layers:
        for weight in layer.weights.values():
            value = weight.value
            if (good := np.isfinite(value)).all():
                continue
            bad = int(np.sum(~good))
            return [
                Finding(
                    "non-finite",
                    layer.name,
                    f"{bad} of {value.size} entries of {weight.name} are not finite, above 0",
                    "Every product with such a weight is NaN: no later step can mend it.",
                    probe.words.restart(layer, weight),
                )
            ]
    return []


def symmetric(path: Path, result: Pass, probe: Probe) -> list[Finding]:
    """Return a finding for the first hidden layer whose units are equal and stay so.

    They stay equal where their gradients are equal too; a zero kernel at the end of a residual
    branch has different gradients a unit, and is no fault.
    """
    for block in path.blocks:
        layer = block.call.layer
        kernel = layer.kernel
        if kernel is None or layer.kind == "depthwise":
            continue
        value = kernel.value.reshape(-1, kernel.shape[-1])
        if value.shape[1] < 2 or not (value == value[:, :1]).all():
            continue
        if layer.bias is not None and np.ptp(layer.bias.value) > 0:
            continue
        gradient = None if kernel.place is None else result.weights[kernel.place]
        if gradient is not None:
            g = np.asarray(kernel.turned(gradient), dtype="float64").reshape(value.shape)
            # Equal up to the rounding of sums over units and examples.
            size = np.abs(g).max()
            if size > 0 and np.abs(g - g[:, :1]).max() > 1e3 * np.finfo("float32").eps * size:
                continue
            # No gradient yet, below an output that starts at 0: a few steps tell.
            if size == 0 and kernel.place is not None and _part(probe, kernel, result):
                continue
        init = "he_normal" if block.activation in ("relu", "elu", "linear") else "glorot_uniform"
        return [
            Finding(
                "symmetric-weights",
                block.name,
                f"largest difference between its {value.shape[1]} units is 0 in weights and "
                "gradients, must be above 0",
                "Units that start equal and get equal gradients stay copies of one unit.",
                probe.words.layer(layer, initializer=init),
            )
        ]
    return []


def _part(probe: Probe, kernel: Weight, result: Pass) -> bool:
    """Whether a few steps make the units of a kernel differ."""
    assert kernel.place is not None
    try:
        twin = probe.stepper()
        gradients = result.weights
        for _ in range(3):
            twin.step(gradients)
            gradients = probe.run(twin.values).weights
    except Exception:
        return False
    value = kernel.turned(twin.values[kernel.place]).reshape(-1, kernel.shape[-1])
    return bool(np.ptp(value, axis=1).max() > 0)


def identical(probe: Probe, result: Pass) -> list[Finding]:
    """Return a finding for the first layer whose kernel is another layer's, number by number.

    Around a layer with a shortcut another way leads: its copies put the factor I + J into the
    product each, and are what a library may start its blocks as.
    """
    passed = _passed(result)
    seen: dict[tuple[Any, ...], Layer] = {}
    copies: list[str] = []
    first = None
    for layer in probe.layers:
        kernel = layer.kernel
        if kernel is None or not layer.trainable or layer.name in passed:
            continue
        value = kernel.value
        flat = value.reshape(-1, value.shape[-1])
        square = flat.shape[0] == flat.shape[1]
        # Constants and the identity are the same wherever they are used, by intention; what is no
        # number has another cause.
        if (flat == flat[0, 0]).all() or (square and (flat == np.eye(len(flat))).all()):
            continue
        if not np.isfinite(flat).all():
            continue
        other = seen.setdefault((value.shape, hash(value.tobytes())), layer)
        assert other.kernel is not None
        if other is not layer and _which(other.kernel) != _which(kernel):
            first = first or (other, layer, value.size)
            copies.append(layer.name)
    if first is None:
        return []
    other, layer, size = first
    return [
        Finding(
            "identical-kernels",
            layer.name,
            f"0 of {size} weights differ from those of {other.name}, must be above 0; copies: "
            + ", ".join(copies),
            "An initializer instance keeps its seed: layers that share it start as copies, and "
            "their product is a power of one matrix, not a product of independent ones.",
            probe.words.layer(layer, initializer=layer.initializer or None),
        )
    ]


def _passed(result: Pass) -> set[str]:
    """Return the names of layers that an input can pass by on its way to each output it reaches."""
    calls = result.calls
    ends = [at for at, one in enumerate(calls) if any(one.output is out for out in result.outputs)]

    def reached(without: int) -> list[bool]:
        found: list[bool] = []
        for at, call in enumerate(calls):
            led = call.first or any(parent < at and found[parent] for parent in call.parents)
            found.append(led and at != without)
        return found

    whole = reached(-1)
    by_way: dict[str, bool] = {}
    for at, call in enumerate(calls):
        if call.layer.weights:
            found = reached(at)
            around = whole[at] and all(found[end] for end in ends if whole[end])
            name = call.layer.name
            by_way[name] = by_way.get(name, True) and bool(ends) and around
    return {name for name, around in by_way.items() if around}


def _which(weight: Weight) -> tuple[str, int | None]:
    """Tell two weights apart, which may have one name."""
    return weight.path, weight.place


def drawn(layer: Layer) -> bool | None:
    """Whether the kernel still is as its initializer draws it; None if that cannot be told."""
    kernel, bias = layer.kernel, layer.bias
    if kernel is None or kernel.draw is None:
        return None
    if bias is not None and bias.zeros and np.any(bias.value != 0):
        return False
    try:
        fresh = np.asarray(kernel.draw(), dtype="float64")
    except Exception:
        return None
    value = kernel.value
    if value.std() == 0 or fresh.std() == 0:
        return bool(np.allclose(value, fresh))
    # Two samples of n weights: the ratio of their spreads is 1 up to 1 / sqrt(n).
    reach = max(float(np.abs(kernel.draw()).max()) for _ in range(_DRAWS))
    if np.abs(value).max() > 1.05 * reach:
        return False  # what is drawn ends somewhere, and training goes beyond
    return bool(abs(value.std() / fresh.std() - 1) < 4 / math.sqrt(value.size))


def frozen(probe: Probe) -> tuple[list[Finding], list[str]]:
    """Return findings where nothing trains, or where frozen weights are nothing but chance."""
    weights = [weight for layer in probe.layers for weight in layer.weights.values()]
    if weights and not probe.trainable:
        return [
            Finding(
                "frozen",
                "model",
                f"0 of {len(weights)} variables are trainable, must be above 0",
                "No weight can move.",
                probe.words.thaw(None),
            )
        ], []
    unjudged = []
    still = [layer for layer in probe.layers if not layer.trainable and layer.weighted]
    states = [(layer, drawn(layer)) for layer in still if layer.weights]
    # Few weights look drawn after some training too: one that was trained speaks for the others.
    if any(state is False for _, state in states):
        return [], []
    for layer, state in states:
        if state is None:
            unjudged.append(f"{layer.name} is frozen; whether it was trained cannot be told")
        elif state:
            assert layer.kernel is not None
            return [
                Finding(
                    "frozen",
                    layer.within or layer.name,
                    f"kernel's spread {np.std(layer.kernel.value):.3g} is its initializer's up to "
                    f"chance, and 0 of {len(layer.weights)} variables are trainable, must be above "
                    "0",
                    "Freezing keeps what was learned; here nothing was learned yet, so the layer "
                    "stays what chance made it.",
                    probe.words.thaw(layer),
                )
            ], unjudged
    return [], unjudged
