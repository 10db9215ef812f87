"""Plain facts of a PyTorch module, and of a function of ``torch`` that is called as it is."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import torch
from torch import nn

from livegrad._checks import Array
from livegrad.doctor._facts import WEIGHTED, Layer, Weight

__all__ = [
    "FUNCTIONS",
    "MASKING",
    "NORMALISED",
    "Parameters",
    "array",
    "channels_first",
    "facts",
    "function",
    "heard_as_one",
    "kind_of",
    "name_of",
    "of_torch",
    "parts",
    "steps_first",
    "with_weights",
]

_KINDS: tuple[tuple[str, tuple[type, ...]], ...] = (
    ("dense", (nn.Linear,)),
    ("transposed", (nn.ConvTranspose1d, nn.ConvTranspose2d, nn.ConvTranspose3d)),
    ("convolution", (nn.Conv1d, nn.Conv2d, nn.Conv3d)),
    ("embedding", (nn.Embedding, nn.EmbeddingBag)),
    ("recurrent", (nn.RNNBase, nn.RNNCellBase)),
    ("attention", (nn.MultiheadAttention,)),
    ("normalization", (nn.modules.batchnorm._BatchNorm, nn.LayerNorm, nn.GroupNorm)),
    ("normalization", (nn.RMSNorm, nn.modules.instancenorm._InstanceNorm)),
    ("mask", (nn.modules.dropout._DropoutNd,)),
    ("passing", (nn.Flatten, nn.Unflatten, nn.Identity)),
    ("passing", (nn.modules.pooling._AvgPoolNd, nn.modules.pooling._AdaptiveAvgPoolNd)),
    ("pooling", (nn.modules.pooling._MaxPoolNd, nn.modules.pooling._AdaptiveMaxPoolNd)),
    ("padding", (nn.modules.padding._ConstantPadNd, nn.modules.padding._ReflectionPadNd)),
    ("padding", (nn.modules.padding._ReplicationPadNd,)),
)
# Noise of other libraries, by the name of the class: it is switched off too.
_NOISE = ("DropPath", "StochasticDepth", "GaussianNoise", "DropBlock2d", "DropBlock3d")
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
    nn.Mish: "mish",
    nn.Hardsigmoid: "unknown",  # torch's is steeper than the field's
}
_ACTIVATIONS |= dict.fromkeys(
    (nn.Hardswish, nn.Hardtanh, nn.CELU, nn.GLU, nn.RReLU, nn.LogSigmoid, nn.Threshold), "unknown"
)
_ACTIVATIONS |= dict.fromkeys((nn.Softmax2d, nn.Softmin, nn.Tanhshrink, nn.Softshrink), "unknown")
_BENT = (
    *("relu", "relu6", "leaky_relu", "elu", "selu", "silu", "gelu", "sigmoid", "tanh", "softplus"),
    *("softsign", "softmax", "log_softmax", "mish"),
)
_UNKNOWN = (
    *("hardsigmoid", "hardswish", "hardtanh", "celu", "glu", "rrelu", "logsigmoid", "threshold"),
    *("softmin", "tanhshrink", "softshrink", "prelu", "gumbel_softmax"),
)
_PASSING = (
    *("flatten", "unflatten", "ravel", "view", "view_as", "reshape", "squeeze", "unsqueeze"),
    *("permute", "transpose", "movedim", "moveaxis", "swapaxes", "swapdims", "T", "mT", "t"),
    *("to", "type", "type_as", "float", "double", "half", "bfloat16", "contiguous", "clone"),
    *("getitem", "select", "narrow", "chunk", "split", "tensor_split", "unbind", "expand", "cuda"),
    *("expand_as", "avg_pool1d", "avg_pool2d", "avg_pool3d", "mean", "cpu", "index_select"),
    *("adaptive_avg_pool1d", "adaptive_avg_pool2d", "adaptive_avg_pool3d"),
)
_POOLING = (
    *("max_pool1d", "max_pool2d", "max_pool3d", "amax", "max"),
    *("adaptive_max_pool1d", "adaptive_max_pool2d", "adaptive_max_pool3d"),
)
_MERGING = (
    *("add", "sub", "mul", "div", "cat", "concat", "concatenate", "stack", "hstack", "vstack"),
    *("maximum", "minimum", "true_divide", "multiply", "subtract", "rsub", "rdiv"),
)
MASKING = (
    *("dropout", "dropout1d", "dropout2d", "dropout3d", "alpha_dropout", "feature_dropout"),
    *("feature_alpha_dropout", "dropout_", "native_dropout"),
)
"""Functions that drop: they are switched off."""
FUNCTIONS: dict[str, tuple[str, str]] = {
    **{name: ("activation", name) for name in _BENT},
    **dict.fromkeys(_UNKNOWN, ("activation", "unknown")),
    **dict.fromkeys(_PASSING, ("passing", "none")),
    **dict.fromkeys(_POOLING, ("pooling", "none")),
    **dict.fromkeys(_MERGING, ("merging", "none")),
    **{name.strip("_"): ("mask", "none") for name in MASKING},
    "pad": ("padding", "none"),
    "scaled_dot_product_attention": ("attention", "none"),
}
"""By the name of a function of ``torch``, the kind of layer that it stands for, and its activation.

What is not listed is of the kind "other".
"""
NORMALISED = ("layer_norm", "rms_norm", "batch_norm", "group_norm", "instance_norm")
# Where weight and bias are among the arguments, and the kind.
_WEIGHTED: dict[str, tuple[str, int, int]] = {
    "linear": ("dense", 1, 2),
    "matmul": ("dense", 1, 9),
    "mm": ("dense", 1, 9),
    **{f"conv{n}d": ("convolution", 1, 2) for n in (1, 2, 3)},
    **{f"conv_transpose{n}d": ("transposed", 1, 2) for n in (1, 2, 3)},
    "embedding": ("embedding", 1, 9),
    "layer_norm": ("normalization", 2, 3),
    "rms_norm": ("normalization", 2, 9),
    "group_norm": ("normalization", 2, 3),
    "batch_norm": ("normalization", 3, 4),
    "instance_norm": ("normalization", 3, 4),
}
_PARTS = (nn.MultiheadAttention,)  # has modules inside which it never calls
_LAST = 6  # of a convolution's arguments: groups


def kind_of(module: Any) -> str:
    """Return a module's kind, as ``Layer`` lists them.

    One whose own ``forward`` is another than its class's in ``torch`` is not taken for that.
    """
    if type(module) in _ACTIVATIONS:
        return "activation"
    if type(module).__name__ in _NOISE:
        return "noise"
    for kind, classes in _KINDS:
        known = next((one for one in classes if isinstance(module, one)), None)
        if known is None:
            continue
        own = getattr(type(module), "forward", None) is getattr(known, "forward", None)
        if kind not in WEIGHTED or own:
            return kind
    return "other"


def of_torch(module: Any) -> bool:
    """Whether a module is torch's, or one of torch's with its parameters computed from others."""
    known = type(module).__mro__[1 if hasattr(module, "parametrizations") else 0]
    return known.__module__.startswith("torch.")


def heard_as_one(module: Any) -> bool:
    """Whether nothing inside a module is looked at by itself."""
    if isinstance(module, _PARTS) or (kind_of(module) != "other" and of_torch(module)):
        return True
    return not any(True for _ in module.children())


def parts(module: Any, name: str = "") -> list[tuple[str, Any]]:
    """Return all modules inside by name, the module itself first, and none inside what is one."""
    found: dict[int, tuple[str, Any]] = {}

    def walk(name: str, part: Any) -> None:
        if id(part) in found:
            return
        found[id(part)] = (name, part)
        if heard_as_one(part):
            return
        for own, child in part.named_children():
            # What compiles a module has it inside, and is no step on the way there.
            walk(name if own == "_orig_mod" else f"{name}.{own}".lstrip("."), child)

    walk(name, module)
    return list(found.values())


class Parameters:
    """What is known of the parameters, whichever module or function uses them.

    Args:
        places: by the identity of a parameter, its place among those that are trained.
        decays: by the identity of a parameter, l2 of what the optimizer adds to its gradient.
        fresh: whether no step has been taken yet.
    """

    def __init__(self, places: dict[int, int], decays: dict[int, float], fresh: bool) -> None:
        self.places, self.decays, self.fresh = places, decays, fresh

    def weight(
        self, own: str, path: str, value: Any, kind: str, moves: bool = True, turn: bool = True
    ) -> Weight:
        """Return the facts of one parameter or buffer.

        Args:
            own: its name within its layer.
            path: within the model.
            value: the parameter.
            kind: of the layer.
            moves: whether it is a parameter.
            turn: whether a kernel has the units before the inputs.
        """
        name = {"weight": "kernel"}.get(own, own)
        if kind == "normalization":
            name = {"weight": "gamma", "bias": "beta"}.get(own, own)
        turned: Callable[[Array], Array] = lambda a: a  # noqa: E731
        back = turned
        shape = tuple(value.shape)
        if turn and name == "kernel" and kind in WEIGHTED and len(shape) > 1:
            # (units, inputs, window) becomes (window, inputs, units).
            axes = (*range(2, len(shape)), 1, 0)
            if kind == "transposed":
                axes = (*range(2, len(shape)), 0, 1)
            inverse = tuple(np.argsort(axes))
            turned, back = (lambda a: a.transpose(axes)), (lambda a: a.transpose(inverse))
            shape = tuple(shape[axis] for axis in axes)
        bound = 1 / math.sqrt(max(math.prod(shape[:-1]), 1))
        usual = name == "kernel" and kind in ("dense", "convolution", "depthwise") and turn
        draw = _uniform(bound, shape) if usual else None
        if usual and self.fresh:
            # Drawn in some way: by torch's rule, or by another that is not to be told from
            # training.
            with torch.no_grad():
                far = float(value.detach().float().pow(2).mean().sqrt())
            draw = draw if abs(far * math.sqrt(3) / bound - 1) < 0.2 else None
        return Weight(
            name=name,
            path=path,
            shape=shape,
            read=lambda: turned(array(value)),
            trainable=moves and bool(value.requires_grad),
            place=self.places.get(id(value)),
            epsilon=float(torch.finfo(value.dtype).eps) if value.is_floating_point() else 0.0,
            draw=draw,
            penalty=(0.0, self.decays.get(id(value), 0.0)),
            turned=turned,
            back=back,
        )


def facts(name: str, module: Any, known: Parameters) -> Layer:
    """Return what is known of a module.

    Args:
        name: its name within the model; "" of the model itself.
        module: the module.
        known: of the parameters.
    """
    kind, activation = kind_of(module), _ACTIVATIONS.get(type(module), "none")
    if kind in WEIGHTED:
        activation = "linear"
    groups = int(getattr(module, "groups", 1)) if kind == "convolution" else 1
    if groups > 1 and groups == module.in_channels:
        kind = "depthwise"
    deep = kind == "attention" or (of_torch(module) and heard_as_one(module))
    named = [
        *((n, p, True) for n, p in module.named_parameters(recurse=deep)),
        *((n, b, False) for n, b in module.named_buffers(recurse=False) if b.is_floating_point()),
    ]
    weights = {}
    for own, value, moves in named:
        path = f"{name}.{own}".lstrip(".")
        weight = known.weight(own, path, value, kind, moves)
        weights[weight.name] = weight
    if kind in WEIGHTED and "kernel" not in weights:
        # Computed from other parameters, as with weight_norm: it has a value, and no place.
        weights["kernel"] = _computed(module, f"{name}.weight".lstrip("."), kind, known)
    moved = [weight for weight in weights.values() if weight.place is not None]
    return Layer(
        name=name or type(module).__name__,
        kind=kind,
        type=type(module).__name__,
        activation=activation,
        weights=weights,
        trainable=bool(moved) or not any(True for _ in module.parameters(recurse=deep)),
        own=of_torch(module),
        rate=float(getattr(module, "p", 0.0)) if kind == "mask" else 0.0,
        negative=_slope(module) if activation == "leaky_relu" else 0.0,
        most=6.0 if activation == "relu6" else math.inf,
        over="batch" if isinstance(module, nn.modules.batchnorm._BatchNorm) else "features",
        momentum=_momentum(module),
        rows=int(module.num_embeddings) if kind == "embedding" else 0,
        initializer="he_normal" if kind in WEIGHTED else "",
        origin=module,
    )


def _computed(module: Any, path: str, kind: str, known: Parameters) -> Weight:
    def read() -> Array:
        with torch.no_grad():
            return weight.turned(array(module.weight))

    with torch.no_grad():
        weight = known.weight("weight", path, module.weight, kind)
    weight.read, weight.draw, weight.place = read, None, None
    return weight


def _slope(module: Any) -> float:
    if isinstance(module, nn.PReLU):
        return float(module.weight.detach().float().mean()) or 0.25
    return float(module.negative_slope)


def _momentum(module: Any) -> float:
    """Return how much of its running averages a normalisation keeps in a step."""
    if not isinstance(module, nn.modules.batchnorm._BatchNorm) or module.momentum is None:
        return 0.0  # without a momentum it takes the mean of all steps
    return 1 - float(module.momentum)


def _uniform(bound: float, shape: tuple[int, ...]) -> Callable[[], Array]:
    """Return what draws as torch's own layers do."""
    return lambda: np.random.default_rng(0).uniform(-bound, bound, shape)


def name_of(func: Any) -> str:
    """Return the name of a function of torch; of an attribute that is a tensor, the attribute's."""
    name = str(getattr(func, "__name__", ""))
    if name == "__get__":
        return str(getattr(getattr(func, "__self__", None), "__name__", name))
    return name


def function(name: str, count: int, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> Layer:
    """Return the facts of a function that stands for a layer."""
    called = name.strip("_")
    kind, activation = FUNCTIONS.get(called, ("other", "none"))
    if called in NORMALISED:
        kind = "normalization"
    most = 6.0 if activation == "relu6" else math.inf
    if called in ("clamp", "clamp_min", "clip") and _argument(args, kwargs, 1, "min") == 0:
        kind, activation = "activation", "relu"
        most = float(_argument(args, kwargs, 2, "max") or math.inf)
    rate = _argument(args, kwargs, 1, "p") if kind == "mask" else 0.0
    slope = _argument(args, kwargs, 1, "negative_slope") if activation == "leaky_relu" else 0.0
    return Layer(
        name=called if count == 1 else f"{called}_{count}",
        kind=kind,
        type=called,
        activation=activation,
        rate=0.5 if rate is None else float(rate),
        negative=0.01 if slope is None else float(slope),
        most=most,
        over="batch" if called == "batch_norm" else "features",
    )


def _argument(args: tuple[Any, ...], kwargs: Mapping[str, Any], at: int, name: str) -> Any:
    """Return an argument, wherever it was given; None without it."""
    return kwargs[name] if name in kwargs else (args[at] if len(args) > at else None)


def with_weights(
    name: str,
    args: tuple[Any, ...],
    kwargs: Mapping[str, Any],
    found: Callable[[Any], tuple[str, Any, bool] | None],
    known: Parameters,
) -> Layer | None:
    """Return the facts of a function of parameters, such as ``F.linear``; None of others.

    Args:
        name: of the function.
        args: it was given.
        kwargs: it was given.
        found: returns a tensor's path, its parameter, and whether it is its transpose; None if it
            is none.
        known: of the parameters.
    """
    if name not in _WEIGHTED:
        return None
    kind, *places = _WEIGHTED[name]
    own: dict[str, tuple[str, Any, bool]] = {}
    for at, part in zip(places, ("weight", "bias"), strict=True):
        parameter = found(_argument(args, kwargs, at, part))
        if parameter is not None:
            own[part] = parameter
    if "weight" not in own:
        return None
    path, value, turned = own["weight"]
    plain = name in ("matmul", "mm")
    if plain and value.ndim != 2:
        return None
    groups = _argument(args, kwargs, _LAST, "groups") or 1
    if kind == "convolution" and groups > 1 and value.shape[1] == 1:
        kind = "depthwise"
    # ``x @ w`` has the inputs before the units already, ``x @ w.T`` and ``F.linear`` not.
    turn = turned if plain else not turned
    weights = {}
    for part, (where, parameter, _) in own.items():
        weight = known.weight(part, where, parameter, kind, True, turn)
        weights[weight.name] = weight
    layer = path.rpartition(".")[0] if path.rpartition(".")[2] == "weight" else path
    return Layer(
        name=layer or name,
        kind=kind,
        type=name,
        activation="linear" if kind in WEIGHTED else "none",
        weights=weights,
        trainable=any(weight.place is not None for weight in weights.values()),
        over="batch" if name == "batch_norm" else "features",
        rows=int(value.shape[0]) if kind == "embedding" else 0,
        initializer="he_normal" if kind in WEIGHTED else "",
    )


def channels_first(layer: Layer) -> bool:
    """Whether what it makes and is given has the channels on the second axis."""
    if layer.kind in ("convolution", "depthwise", "transposed"):
        return True
    origin = layer.origin
    spatial = (
        nn.modules.batchnorm._BatchNorm,
        nn.modules.instancenorm._InstanceNorm,
        nn.GroupNorm,
        nn.modules.pooling._MaxPoolNd,
        nn.modules.pooling._AvgPoolNd,
        nn.modules.pooling._AdaptiveAvgPoolNd,
        nn.modules.pooling._AdaptiveMaxPoolNd,
        nn.Dropout1d,
        nn.Dropout2d,
        nn.Dropout3d,
        nn.Softmax2d,
    )
    if origin is None:
        named = ("batch_norm", "group_norm", "instance_norm", "dropout1d", "dropout2d", "dropout3d")
        return layer.type in named or "pool" in layer.type
    return isinstance(origin, spatial)


def steps_first(layer: Layer) -> bool:
    """Whether what it makes and is given has the steps of a series before the examples."""
    return getattr(layer.origin, "batch_first", True) is False


def array(tensor: Any) -> Array:
    """Return a tensor as an array; bfloat16, which NumPy does not know, in single precision."""
    tensor = tensor.detach()
    if tensor.dtype == torch.bfloat16:
        tensor = tensor.float()
    return np.asarray(tensor.cpu().to_dense().resolve_conj().resolve_neg().numpy())
