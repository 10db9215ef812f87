"""What the weights alone tell: equal units, equal layers, frozen chance, broken numbers."""

from __future__ import annotations

import math
from typing import Any

import keras
import numpy as np

from livegrad.doctor._path import Path, has_weights, kernel_of
from livegrad.doctor._probe import Pass
from livegrad.doctor._report import Finding

__all__ = ["broken", "drawn", "frozen", "identical", "symmetric"]


def broken(model: Any) -> list[Finding]:
    """Return a finding for the first layer whose weights are not all finite."""
    for layer in model._flatten_layers():
        if layer._layers:
            continue
        for variable in layer.weights:
            value = np.asarray(variable.value)
            if value.dtype.kind == "V":  # bfloat16, which NumPy does not know
                value = value.astype("float32")
            if value.dtype.kind != "f" or (good := np.isfinite(value)).all():
                continue
            bad = int(np.sum(~good))
            return [
                Finding(
                    "non-finite",
                    layer.name,
                    f"{bad} of {value.size} entries of {variable.name} are not finite, above 0",
                    "Every product with such a weight is NaN: no later step can mend it.",
                    f'model.get_layer("{layer.name}").{variable.name}.assign'
                    f"(keras.initializers.{_restart(layer, variable)})",
                )
            ]
    return []


def _restart(layer: Any, variable: Any) -> str:
    shape = tuple(variable.shape)
    if variable is kernel_of(layer):
        return f"GlorotUniform()({shape})"
    ones = variable.name in ("gamma", "moving_variance")
    return f"{'Ones' if ones else 'Zeros'}()({shape})"


def symmetric(path: Path, result: Pass, model: Any) -> list[Finding]:
    """Return a finding for the first hidden layer whose units are equal and stay so.

    They stay equal where their gradients are equal too; a zero kernel at the end of a residual
    branch has different gradients a unit, and is no fault.
    """
    gradients = _by_variable(model, result)
    for block in path.blocks:
        layer = block.call.layer
        kernel = kernel_of(layer)
        if kernel is None or isinstance(layer, keras.layers.DepthwiseConv2D):
            continue
        value = np.asarray(kernel.value, dtype="float64").reshape(-1, kernel.shape[-1])
        if value.shape[1] < 2 or not (value == value[:, :1]).all():
            continue
        bias = getattr(layer, "bias", None)
        if bias is not None and np.ptp(np.asarray(bias.value, dtype="float64")) > 0:
            continue
        gradient = gradients.get(kernel.path)
        if gradient is not None:
            g = np.asarray(keras.ops.convert_to_tensor(gradient), dtype="float64")
            g = g.reshape(value.shape)
            # Equal up to the rounding of sums over units and examples.
            size = np.abs(g).max()
            if size > 0 and np.abs(g - g[:, :1]).max() > 1e3 * np.finfo("float32").eps * size:
                continue
        init = "he_normal" if block.activation in ("relu", "elu", "linear") else "glorot_uniform"
        return [
            Finding(
                "symmetric-weights",
                block.name,
                f"largest difference between its {value.shape[1]} units is 0 in weights and "
                "gradients, must be above 0",
                "Units that start equal and get equal gradients stay copies of one unit.",
                f'keras.layers.{type(layer).__name__}(..., kernel_initializer="{init}")',
            )
        ]
    return []


def _by_variable(model: Any, result: Pass) -> dict[str, Any]:
    names = [variable.path for variable in model.trainable_variables]
    return dict(zip(names, result.weights, strict=True))


def identical(model: Any) -> list[Finding]:
    """Return a finding for the first layer whose kernel is another layer's, number by number."""
    seen: dict[tuple[Any, ...], Any] = {}
    copies: list[str] = []
    first = None
    for layer in model._flatten_layers():
        kernel = kernel_of(layer)
        if kernel is None or not layer.trainable:
            continue
        value = np.asarray(kernel.value)
        flat = value.reshape(-1, value.shape[-1])
        square = flat.shape[0] == flat.shape[1]
        # Constants and the identity are the same wherever they are used, by intention.
        if (flat == flat[0, 0]).all() or (square and (flat == np.eye(len(flat))).all()):
            continue
        other = seen.setdefault((value.shape, hash(value.tobytes())), layer)
        if other is not layer and kernel_of(other) is not kernel:
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
            f'keras.layers.{type(layer).__name__}(..., kernel_initializer="{_name(layer)}")',
        )
    ]


def _name(layer: Any) -> str:
    name = type(layer.kernel_initializer).__name__
    return "".join("_" + c.lower() if c.isupper() else c for c in name).lstrip("_")


def drawn(layer: Any) -> bool | None:
    """Whether the kernel still is as its initializer draws it; None if that cannot be told."""
    kernel, initializer = kernel_of(layer), getattr(layer, "kernel_initializer", None)
    if kernel is None or not isinstance(initializer, keras.initializers.Initializer):
        return None
    bias = getattr(layer, "bias", None)
    if bias is not None:
        start = layer.bias_initializer
        if isinstance(start, keras.initializers.Zeros) and np.any(np.asarray(bias.value) != 0):
            return False
    try:
        fresh = np.asarray(
            type(initializer).from_config(initializer.get_config())(tuple(kernel.shape)),
            dtype="float64",
        )
    except Exception:
        return None
    value = np.asarray(kernel.value, dtype="float64")
    if value.std() == 0 or fresh.std() == 0:
        return bool(np.allclose(value, fresh))
    # Two samples of n weights: the ratio of their spreads is 1 up to 1 / sqrt(n).
    return bool(abs(value.std() / fresh.std() - 1) < 4 / math.sqrt(value.size))


def frozen(model: Any) -> tuple[list[Finding], list[str]]:
    """Return findings where nothing trains, or where frozen weights are nothing but chance."""
    weights = model.weights
    if weights and not model.trainable_variables:
        return [
            Finding(
                "frozen",
                "model",
                f"0 of {len(weights)} variables are trainable, must be above 0",
                "No weight can move.",
                "model.trainable = True",
            )
        ], []
    unjudged = []
    for layer in model._flatten_layers():
        if layer._layers or layer.trainable or not layer.weights:
            continue
        if not has_weights(layer):
            continue
        state = drawn(layer)
        if state is None:
            unjudged.append(f"{layer.name} is frozen; whether it was trained cannot be told")
        elif state:
            spread = float(np.std(np.asarray(kernel_of(layer).value, dtype="float64")))
            return [
                Finding(
                    "frozen",
                    layer.name,
                    f"kernel's spread {spread:.3g} is its initializer's up to chance, and 0 of "
                    f"{len(layer.weights)} variables are trainable, must be above 0",
                    "Freezing keeps what was learned; here nothing was learned yet, so the layer "
                    "stays what chance made it.",
                    f'model.get_layer("{layer.name}").trainable = True',
                )
            ], unjudged
    return [], unjudged
