"""Plain facts of a PyTorch module, and of a function of ``torch`` that is called as it is."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from torch import nn

from livegrad._checks import Array
from livegrad.doctor._facts import Layer, Weight

__all__ = ["FUNCTIONS", "array", "channels_first", "facts", "function", "is_leaf"]

_KINDS: tuple[tuple[str, tuple[type, ...]], ...] = (
    ("dense", (nn.Linear,)),
    ("transposed", (nn.ConvTranspose1d, nn.ConvTranspose2d, nn.ConvTranspose3d)),
    ("convolution", (nn.Conv1d, nn.Conv2d, nn.Conv3d)),
    ("embedding", (nn.Embedding,)),
    ("recurrent", (nn.RNNBase, nn.RNNCellBase)),
    ("attention", (nn.MultiheadAttention,)),
    ("normalization", (nn.modules.batchnorm._BatchNorm, nn.LayerNorm, nn.GroupNorm)),
    ("normalization", (nn.RMSNorm,)),
    ("mask", (nn.Dropout, nn.Dropout1d, nn.Dropout2d, nn.Dropout3d)),
    ("mask", (nn.AlphaDropout, nn.FeatureAlphaDropout)),
    ("passing", (nn.Flatten, nn.Unflatten, nn.Identity, nn.AvgPool1d, nn.AvgPool2d)),
    ("padding", (nn.ZeroPad1d, nn.ZeroPad2d, nn.ZeroPad3d)),
    ("pooling", (nn.modules.pooling._MaxPoolNd, nn.modules.pooling._AdaptiveMaxPoolNd)),
    ("passing", (nn.AvgPool3d, nn.AdaptiveAvgPool1d, nn.AdaptiveAvgPool2d)),
)
_ACTIVATIONS: dict[type, str] = {
    nn.ReLU: "relu",
    nn.ReLU6: "relu6",
    nn.LeakyReLU: "leaky_relu",
    nn.PReLU: "leaky_relu",
    nn.ELU: "elu",
    nn.SELU: "selu",
    nn.SiLU: "silu",
    nn.GELU: "gelu",
    nn.Sigmoid: "sigmoid",
    nn.Tanh: "tanh",
    nn.Softplus: "softplus",
    nn.Softsign: "softsign",
    nn.Softmax: "softmax",
    nn.LogSoftmax: "log_softmax",
    nn.Hardsigmoid: "unknown",  # torch's is steeper than the field's
    nn.Hardswish: "unknown",
    nn.Mish: "mish",
}
FUNCTIONS = {
    "relu": ("activation", "relu"),
    "relu_": ("activation", "relu"),
    "relu6": ("activation", "relu6"),
    "leaky_relu": ("activation", "leaky_relu"),
    "elu": ("activation", "elu"),
    "selu": ("activation", "selu"),
    "silu": ("activation", "silu"),
    "gelu": ("activation", "gelu"),
    "sigmoid": ("activation", "sigmoid"),
    "tanh": ("activation", "tanh"),
    "softplus": ("activation", "softplus"),
    "softsign": ("activation", "softsign"),
    "softmax": ("activation", "softmax"),
    "log_softmax": ("activation", "log_softmax"),
    "mish": ("activation", "mish"),
    "flatten": ("passing", "none"),
    "view": ("passing", "none"),
    "reshape": ("passing", "none"),
    "squeeze": ("passing", "none"),
    "unsqueeze": ("passing", "none"),
    "permute": ("passing", "none"),
    "transpose": ("passing", "none"),
    "mean": ("passing", "none"),
    "avg_pool1d": ("passing", "none"),
    "avg_pool2d": ("passing", "none"),
    "adaptive_avg_pool2d": ("passing", "none"),
    "pad": ("padding", "none"),
    "max_pool1d": ("pooling", "none"),
    "max_pool2d": ("pooling", "none"),
    "dropout": ("mask", "none"),
    "add": ("merging", "none"),
    "__add__": ("merging", "none"),
    "__iadd__": ("merging", "none"),
    "sub": ("merging", "none"),
    "mul": ("merging", "none"),
    "cat": ("merging", "none"),
    "stack": ("merging", "none"),
}
"""By the name of a function of ``torch``, the kind of layer that it stands for, and its activation.

What is not listed is of the kind "other".
"""
_PARTS = (nn.MultiheadAttention,)  # has modules inside which it never calls


def facts(name: str, module: Any, places: dict[int, int], decay: float, fresh: bool) -> Layer:
    """Return what is known of a module.

    Args:
        name: its name within the model.
        module: the module.
        places: by the identity of a parameter, its place among those that are trained.
        decay: the optimizer's penalty, which it adds to the gradient: l2 of each parameter.
        fresh: whether no step has been taken yet.
    """
    kind = next((kind for kind, classes in _KINDS if isinstance(module, classes)), "other")
    activation = _ACTIVATIONS.get(type(module), "none")
    if activation != "none":
        kind = "activation"
    if kind in ("dense", "convolution", "transposed"):
        activation = "linear"
    groups = int(getattr(module, "groups", 1))
    if kind == "convolution" and groups > 1 and groups == module.in_channels:
        kind = "depthwise"
    named = [
        *((n, p, True) for n, p in module.named_parameters(recurse=kind == "attention")),
        *((n, b, False) for n, b in module.named_buffers(recurse=False) if b.is_floating_point()),
    ]
    weights = {}
    for own, value, moves in named:
        weight = _weight(own, value, kind, moves, places, decay, fresh)
        weight.path = f"{name}.{own}"
        weights[weight.name] = weight
    return Layer(
        name=name,
        kind=kind,
        type=type(module).__name__,
        activation=activation,
        weights=weights,
        trainable=any(p.requires_grad for p in module.parameters()) or not weights,
        own=type(module).__module__.startswith("torch."),
        rate=float(getattr(module, "p", 0.0)) if kind == "mask" else 0.0,
        negative=float(getattr(module, "negative_slope", 0.0)),
        most=6.0 if activation == "relu6" else math.inf,
        over="batch" if isinstance(module, nn.modules.batchnorm._BatchNorm) else "features",
        momentum=1 - float(getattr(module, "momentum", None) or 0.0),
        rows=int(module.num_embeddings) if kind == "embedding" else 0,
        masked=getattr(module, "padding_idx", None) is not None,
        initializer="he_normal",
        origin=module,
    )


def _weight(
    own: str,
    value: Any,
    kind: str,
    moves: bool,
    places: dict[int, int],
    decay: float,
    fresh: bool,
) -> Weight:
    name = {"weight": "kernel"}.get(own, own)
    if kind == "normalization":
        name = {"weight": "gamma", "bias": "beta"}.get(own, own)
    turned: Callable[[Array], Array] = lambda a: a  # noqa: E731
    back = turned
    shape = tuple(value.shape)
    if name == "kernel" and kind != "embedding" and len(shape) > 1:
        # (units, inputs, window) becomes (window, inputs, units).
        axes = (*range(2, len(shape)), 1, 0)
        if kind == "transposed":
            axes = (*range(2, len(shape)), 0, 1)
        inverse = tuple(np.argsort(axes))
        turned, back = (lambda a: a.transpose(axes)), (lambda a: a.transpose(inverse))
        shape = tuple(shape[axis] for axis in axes)
    bound = 1 / math.sqrt(max(math.prod(shape[:-1]), 1))
    usual = name == "kernel" and kind in ("dense", "convolution", "depthwise")
    draw = _uniform(bound, shape) if usual else None
    if usual and fresh:
        # Drawn in some way: by torch's rule, or by another that is not to be told from training.
        with torch.no_grad():
            spread = float(value.detach().float().std())
        draw = draw if abs(spread * math.sqrt(3) / bound - 1) < 0.2 else None
    return Weight(
        name=name,
        path=own,
        shape=shape,
        read=lambda: turned(array(value)),
        trainable=moves and bool(value.requires_grad),
        place=places.get(id(value)),
        epsilon=float(torch.finfo(value.dtype).eps),
        draw=draw,
        penalty=(0.0, decay if moves else 0.0),
        turned=turned,
        back=back,
    )


def _uniform(bound: float, shape: tuple[int, ...]) -> Callable[[], Array]:
    """Return what draws as torch's own layers do."""
    return lambda: np.random.default_rng(0).uniform(-bound, bound, shape)


def function(name: str, count: int, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Layer:
    """Return the facts of a function that stands for a layer."""
    kind, activation = FUNCTIONS.get(name, ("other", "none"))
    called = name.strip("_")
    numbered = called if count == 1 else f"{called}_{count}"
    rate = kwargs.get("p", args[1] if len(args) > 1 and name == "dropout" else 0.5)
    slope = kwargs.get("negative_slope", args[1] if len(args) > 1 else 0.01)
    return Layer(
        name=numbered,
        kind=kind,
        type=called,
        activation=activation,
        rate=float(rate) if kind == "mask" else 0.0,
        negative=float(slope) if activation == "leaky_relu" else 0.0,
        most=6.0 if activation == "relu6" else math.inf,
    )


def channels_first(layer: Layer) -> bool:
    """Whether what it makes and is given has the channels on the second axis."""
    if layer.kind in ("convolution", "depthwise", "transposed"):
        return True
    origin = layer.origin
    spatial = (
        nn.modules.batchnorm._BatchNorm,
        nn.GroupNorm,
        nn.modules.pooling._MaxPoolNd,
        nn.modules.pooling._AvgPoolNd,
        nn.modules.pooling._AdaptiveAvgPoolNd,
        nn.modules.dropout._DropoutNd,
    )
    return isinstance(origin, spatial) and not isinstance(origin, nn.Dropout | nn.AlphaDropout)


def array(tensor: Any) -> Array:
    """Return a tensor as an array; bfloat16, which NumPy does not know, in single precision."""
    tensor = tensor.detach()
    if tensor.dtype == torch.bfloat16:
        tensor = tensor.float()
    return np.asarray(tensor.cpu().to_dense().numpy())


def is_leaf(module: Any) -> bool:
    """Whether nothing inside a module is looked at by itself."""
    return isinstance(module, _PARTS) or not any(True for _ in module.children())
