"""Plain facts of a Keras layer."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import keras
import numpy as np

from livegrad import activations
from livegrad._checks import Array
from livegrad.doctor._facts import Layer, Weight

__all__ = ["array", "facts", "has_parts", "inner", "kernel_of"]

_L = keras.layers
_KINDS: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("dense", ("Dense",)),
    ("transposed", ("Conv1DTranspose", "Conv2DTranspose", "Conv3DTranspose")),
    ("depthwise", ("DepthwiseConv1D", "DepthwiseConv2D")),
    ("separable", ("SeparableConv1D", "SeparableConv2D")),
    ("convolution", ("Conv1D", "Conv2D", "Conv3D")),
    ("embedding", ("Embedding",)),
    ("recurrent", ("RNN", "Bidirectional")),
    ("wrapper", ("Wrapper",)),
    ("attention", ("MultiHeadAttention", "GroupQueryAttention", "Attention")),
    ("attention", ("AdditiveAttention",)),
    ("normalization", ("BatchNormalization", "LayerNormalization", "GroupNormalization")),
    ("normalization", ("RMSNormalization", "UnitNormalization")),
    ("activation", ("Activation", "ReLU", "LeakyReLU", "ELU", "PReLU", "Softmax")),
    ("mask", ("Dropout", "SpatialDropout1D", "SpatialDropout2D", "SpatialDropout3D")),
    ("mask", ("AlphaDropout",)),
    ("noise", ("GaussianDropout", "GaussianNoise")),
    ("scaling", ("Rescaling", "Normalization")),
    ("passing", ("Flatten", "Reshape", "Permute", "ZeroPadding1D", "ZeroPadding2D")),
    ("passing", ("AveragePooling1D", "AveragePooling2D", "AveragePooling3D")),
    ("passing", ("GlobalAveragePooling1D", "GlobalAveragePooling2D", "GlobalAveragePooling3D")),
    ("merging", ("Add", "Subtract", "Multiply", "Average", "Maximum", "Concatenate", "Dot")),
)
_CLASSES = [
    (kind, tuple(getattr(_L, name) for name in names if hasattr(_L, name)))
    for kind, names in _KINDS
]
_BENT = (
    (_L.ReLU, "relu"),
    (_L.LeakyReLU, "leaky_relu"),
    (_L.PReLU, "leaky_relu"),
    (_L.ELU, "elu"),
    (_L.Softmax, "softmax"),
)


def facts(layer: Any, places: dict[int, int] | None = None) -> Layer:
    """Return what is known of a layer.

    Args:
        layer: a Keras layer or operation.
        places: by the identity of a variable, its place among the model's trainable ones.
    """
    places = places or {}
    kind = next((kind for kind, classes in _CLASSES if isinstance(layer, classes)), "other")
    own = type(layer).__module__.startswith("keras.")
    initializer = getattr(layer, "kernel_initializer", None)
    weights = {}
    if isinstance(layer, _L.Layer) and not layer._layers:
        for variable in layer.weights:
            weights[_name(layer, variable)] = _weight(layer, variable, places)
    elif isinstance(layer, _L.Layer):
        weights = {v.path: _weight(layer, v, places) for v in layer.weights}
    return Layer(
        name=str(layer.name),
        kind=kind,
        type=type(layer).__name__,
        activation=activation_of(layer),
        weights=weights,
        trainable=bool(getattr(layer, "trainable", True)),
        own=own,
        rate=float(getattr(layer, "rate", None) or 0.0) if kind == "mask" else 0.0,
        negative=float(getattr(layer, "negative_slope", None) or 0.0)
        if isinstance(layer, _L.ReLU | _L.LeakyReLU)
        else 0.0,
        most=_most(layer),
        threshold=float(layer.threshold or 0.0) if isinstance(layer, _L.ReLU) else 0.0,
        over="batch" if isinstance(layer, _L.BatchNormalization) else "features",
        momentum=float(getattr(layer, "momentum", None) or 0.0),
        rows=int(layer.input_dim) if isinstance(layer, _L.Embedding) else 0,
        masked=bool(getattr(layer, "mask_zero", False)),
        initializer=_snake(type(initializer).__name__) if initializer is not None else "",
        origin=layer,
    )


def _most(layer: Any) -> float:
    if isinstance(layer, _L.ReLU) and layer.max_value is not None:
        return float(layer.max_value)
    return 6.0 if activation_of(layer) == "relu6" else math.inf


def _snake(name: str) -> str:
    return "".join("_" + c.lower() if c.isupper() else c for c in name).lstrip("_")


def _name(layer: Any, variable: Any) -> str:
    """Return "kernel" and "bias" for what is used as such, else the variable's own name."""
    if variable is kernel_of(layer):
        return "kernel"
    if variable is getattr(layer, "bias", None):
        return "bias"
    return str(variable.name)


def _weight(layer: Any, variable: Any, places: dict[int, int]) -> Weight:
    name = _name(layer, variable)
    initializer = getattr(layer, f"{name}_initializer", None)
    known = isinstance(initializer, keras.initializers.Initializer)
    regularizer = getattr(layer, f"{name}_regularizer", None)
    return Weight(
        name=name,
        path=str(variable.path),
        shape=tuple(variable.shape),
        read=lambda: array(variable.value),
        trainable=bool(variable.trainable),
        place=places.get(id(variable)),
        epsilon=_epsilon(variable.dtype),
        draw=_drawing(initializer, tuple(variable.shape)) if known else None,
        zeros=isinstance(initializer, keras.initializers.Zeros) if known else None,
        penalty=(_strength(regularizer, "l1"), _strength(regularizer, "l2")),
    )


def _strength(regularizer: Any, which: str) -> float:
    return float(np.asarray(getattr(regularizer, which, 0.0) or 0.0))


def _drawing(initializer: Any, shape: tuple[int, ...]) -> Callable[[], Array]:
    def draw() -> Array:
        again = type(initializer).from_config(initializer.get_config())
        return array(again(shape))

    return draw


def _epsilon(dtype: str) -> float:
    """Return the distance from 1 to the next number."""
    return 2.0**-7 if dtype == "bfloat16" else float(np.finfo(dtype).eps)  # no NumPy type


def array(tensor: Any) -> Array:
    """Return a tensor as an array; bfloat16, which NumPy does not know, in single precision."""
    if str(tensor.dtype).endswith("bfloat16"):
        tensor = keras.ops.cast(tensor, "float32")
    return np.asarray(keras.ops.convert_to_numpy(tensor))


def kernel_of(layer: Any) -> Any:
    """Return the kernel's variable, or None."""
    try:
        return getattr(layer, "kernel", None)
    except (AttributeError, ValueError):
        return None


def activation_of(layer: Any) -> str:
    """Return an activation's name, "linear", "none" for other layers, or "unknown"."""
    for kind, name in _BENT:
        if isinstance(layer, kind):
            return name
    weighted = any(isinstance(layer, classes) for _, classes in _CLASSES[:5])
    if not weighted and not isinstance(layer, _L.Activation):
        return "none"
    function = layer.activation
    if function is None:
        return "linear"
    if isinstance(function, keras.layers.Layer):
        return activation_of(function)
    name = str(getattr(function, "__name__", "unknown"))
    known = getattr(keras.activations, name, None) is function
    return name if known or name in activations.NAMES else "unknown"


def has_parts(layer: Any) -> bool:
    """Whether a layer's own layers are looked at one by one: a model's, a reader's block's."""
    if isinstance(layer, keras.Model):
        return True
    own = not type(layer).__module__.startswith("keras.")
    return own and bool(layer._layers)


def inner(model: Any) -> list[Any]:
    """Return all layers of a model that have none inside."""
    return [layer for layer in model._flatten_layers() if not layer._layers]
