"""Plain facts of a Keras layer."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import keras
import numpy as np

from livegrad import activations
from livegrad._checks import Array
from livegrad.doctor._facts import WEIGHTED, Layer, Weight
from livegrad.doctor._keras.backend import array, held

__all__ = ["bent", "facts", "has_parts", "inner", "kernel_of", "kind_of", "own_activation"]

_L = keras.layers
_R = keras.regularizers
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
    ("passing", ("Flatten", "Reshape", "Permute")),
    ("padding", ("ZeroPadding1D", "ZeroPadding2D", "ZeroPadding3D")),
    ("passing", ("AveragePooling1D", "AveragePooling2D", "AveragePooling3D")),
    ("passing", ("GlobalAveragePooling1D", "GlobalAveragePooling2D", "GlobalAveragePooling3D")),
    ("pooling", ("MaxPooling1D", "MaxPooling2D", "MaxPooling3D")),
    ("pooling", ("GlobalMaxPooling1D", "GlobalMaxPooling2D", "GlobalMaxPooling3D")),
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


def kind_of(layer: Any) -> str:
    """Return a layer's kind, as ``Layer`` lists them."""
    return next((kind for kind, classes in _CLASSES if isinstance(layer, classes)), "other")


def facts(layer: Any, places: dict[int, int] | None = None) -> Layer:
    """Return what is known of a layer.

    Args:
        layer: a Keras layer or operation.
        places: by the identity of a variable, its place among the model's trainable ones.
    """
    places = places or {}
    kind = kind_of(layer)
    own = type(layer).__module__.startswith("keras.")
    initializer = getattr(layer, "kernel_initializer", None)
    weights: dict[str, Weight] = {}
    for variable in _own(layer):
        weight = _weight(layer, variable, places)
        name = weight.name if weight.name not in weights else f"{weight.path} {len(weights)}"
        weights[name] = weight
    if isinstance(layer, _L.Layer) and not _apart(layer):
        known = {id(variable) for variable in _own(layer)}
        others = [v for v in layer.weights if id(v) not in known]
        weights |= {v.path: _weight(layer, v, places) for v in others}
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
        momentum=float(layer.momentum) if isinstance(layer, _L.BatchNormalization) else 0.0,
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
        read=lambda: array(held(variable)),
        trainable=bool(variable.trainable),
        place=places.get(id(variable)),
        epsilon=_epsilon(variable.dtype),
        draw=_drawing(initializer, tuple(variable.shape)) if known else None,
        zeros=isinstance(initializer, keras.initializers.Zeros) if known else None,
        penalty=(_strength(regularizer, "l1"), _strength(regularizer, "l2")),
    )


def _strength(regularizer: Any, which: str) -> float:
    known = isinstance(regularizer, _R.L1 | _R.L2 | _R.L1L2)
    return float(getattr(regularizer, which, 0.0) or 0.0) if known else 0.0


def _drawing(initializer: Any, shape: tuple[int, ...]) -> Callable[[], Array]:
    def draw() -> Array:
        again = type(initializer).from_config(initializer.get_config())
        return array(again(shape))

    return draw


def _epsilon(dtype: str) -> float:
    """Return the distance from 1 to the next number; 0 for whole ones."""
    if not keras.backend.is_float_dtype(dtype):
        return 0.0
    return 2.0**-7 if dtype == "bfloat16" else float(np.finfo(dtype).eps)  # no NumPy type


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
    if kind_of(layer) not in WEIGHTED and not isinstance(layer, _L.Activation):
        return "none"
    function = layer.activation
    if function is None:
        return "linear"
    if isinstance(function, keras.layers.Layer):
        return activation_of(function)
    name = str(getattr(function, "__name__", "unknown"))
    known = getattr(keras.activations, name, None) is function
    return name if known or name in activations.NAMES else "unknown"


def own_activation(layer: Any) -> Any:
    """Return what a layer calls as its activation; None where it has none."""
    held = vars(layer)
    # On PyTorch a layer is a module, which keeps those inside it apart.
    own = held.get("activation", held.get("_modules", {}).get("activation"))
    return own if callable(own) else None


@contextmanager
def bent(layer: Any, activation: Any) -> Iterator[None]:
    """Let a layer call another activation meanwhile."""
    held = vars(layer)
    own = [held["activation"]] if "activation" in held else []
    # Past Keras, which would take note of an attribute that is a layer.
    object.__setattr__(layer, "activation", activation)
    try:
        yield
    finally:
        if own:
            object.__setattr__(layer, "activation", own[0])
        else:
            object.__delattr__(layer, "activation")


def has_parts(layer: Any) -> bool:
    """Whether a layer's own layers are looked at one by one: a model's, a reader's block's."""
    if isinstance(layer, keras.Model):
        return True
    own = not type(layer).__module__.startswith("keras.")
    return own and bool(getattr(layer, "_layers", None))


def _apart(layer: Any) -> bool:
    """Whether a layer's weights are told apart from those of the layers inside it.

    The activation of a dense layer may be a layer, with weights of its own.
    """
    return has_parts(layer) or kind_of(layer) in WEIGHTED


def _own(layer: Any) -> list[Any]:
    """Return a layer's variables without those of the layers inside it; none of an operation."""
    if not isinstance(layer, _L.Layer):
        return []
    inside = {id(variable) for part in layer._layers for variable in part.weights}
    return [variable for variable in layer.weights if id(variable) not in inside]


def inner(model: Any) -> list[Any]:
    """Return all layers of a model that have none inside, or weights beside those of its parts."""
    layers = model._flatten_layers()
    return [one for one in layers if not one._layers or (_apart(one) and _own(one))]
