"""Plain facts of a Flax NNX module."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from flax import nnx

from livegrad._checks import Array
from livegrad.doctor._facts import Layer, Weight

__all__ = ["array", "facts", "floating", "kind_of", "leaves", "named"]

_KINDS: tuple[tuple[str, tuple[type, ...]], ...] = (
    ("other", (nnx.LoRALinear,)),
    ("dense", (nnx.Linear,)),
    ("convolution", (nnx.Conv,)),
    ("transposed", (nnx.ConvTranspose,)),
    ("embedding", (nnx.Embed,)),
    ("recurrent", (nnx.RNN, nnx.Bidirectional, nnx.RNNCellBase)),
    ("attention", (nnx.MultiHeadAttention,)),
    ("normalization", (nnx.BatchNorm, nnx.LayerNorm, nnx.RMSNorm, nnx.GroupNorm)),
    ("normalization", (nnx.InstanceNorm,)),
    ("wrapper", (nnx.WeightNorm, nnx.SpectralNorm)),
    ("mask", (nnx.Dropout,)),
    ("activation", (nnx.PReLU,)),
)
# Flax's own, whose modules inside are looked at one by one.
_CONTAINERS = (nnx.Sequential, nnx.List, nnx.Dict)
_NAMES = {
    "normalization": {
        "scale": "gamma",
        "bias": "beta",
        "mean": "running_mean",
        "var": "running_var",
    }
}


def kind_of(module: Any) -> str:
    """Return a module's kind, as ``Layer`` lists them."""
    kind = next((kind for kind, classes in _KINDS if isinstance(module, classes)), "other")
    if kind == "convolution":
        groups = int(module.feature_group_count)
        return "depthwise" if groups > 1 and groups == module.in_features else kind
    if isinstance(module, nnx.LinearGeneral):
        one = module.axis in (-1, (-1,)) and len(module.out_features) == 1
        return "dense" if one and not module.batch_axis else kind
    return kind


def _own(module: Any) -> bool:
    return type(module).__module__.startswith("flax.")


def leaves(module: Any) -> list[tuple[tuple[Any, ...], Any, bool]]:
    """Return path and module of all that nothing is looked at inside of, and whether it is called.

    What has modules inside and weights beside theirs is there too, and is not called.
    """
    found: list[tuple[tuple[Any, ...], Any, bool]] = []
    paths = dict(nnx.iter_modules(module))
    whole: list[tuple[Any, ...]] = []
    for path in sorted(paths, key=lambda path: (len(path), [str(p) for p in path])):
        part = paths[path]
        if any(path[: len(one)] == one for one in whole) or isinstance(part, _CONTAINERS):
            continue
        inner = [p for p in paths if p != path and p[: len(path)] == path]
        streams = all(isinstance(paths[p], nnx.Rngs | nnx.RngStream) for p in inner)
        if _own(part) or kind_of(part) != "other" or not inner or streams:
            whole.append(path)
            if not isinstance(part, nnx.Rngs | nnx.RngStream):
                found.append((path, part, True))
        elif any(isinstance(value, nnx.Variable) for value in vars(part).values()):
            found.append((path, part, False))
    return sorted(found, key=lambda one: _order(module, one[0]))


def named(path: tuple[Any, ...], module: Any) -> str:
    """Return a module's name: how it is reached, its class where it is all of the model."""
    return ".".join(map(str, path)) or type(module).__name__


def _order(module: Any, path: tuple[Any, ...]) -> tuple[int, ...]:
    """Return where a path stands among those that the module names, in the order it names them."""
    places = []
    for key in path:
        names = [str(name) for name in vars(module)] if hasattr(module, "__dict__") else []
        numbered = isinstance(key, int)
        places.append(key if numbered else names.index(str(key)) if str(key) in names else 0)
        module = module[key] if numbered else getattr(module, str(key), None)
    return tuple(places)


def facts(
    path: tuple[Any, ...],
    module: Any,
    called: bool,
    places: dict[tuple[Any, ...], int],
    decays: list[float],
    fresh: bool,
) -> Layer:
    """Return what is known of a module.

    Args:
        path: within the model.
        module: the module.
        called: whether it is looked at as a whole, with all weights inside.
        places: by a parameter's path, its place among those that are trained.
        decays: by that place, the decay that the optimizer adds to the gradient.
        fresh: whether no step has been taken yet.
    """
    kind = kind_of(module) if called else "other"
    name = named(path, module)
    weights: dict[str, Weight] = {}
    for own, variable in _variables(module, called):
        weight = _weight(path, own, variable, kind, module, places, decays, fresh)
        weights[weight.name] = weight
    moved = [weight for weight in weights.values() if isinstance(weight.place, int)]
    params = [v for _, v in _variables(module, called) if isinstance(v, nnx.Param)]
    activation = "linear" if kind in ("dense", "convolution", "transposed", "depthwise") else "none"
    return Layer(
        name=name,
        kind=kind,
        type=type(module).__name__,
        activation="leaky_relu" if isinstance(module, nnx.PReLU) else activation,
        weights=weights,
        trainable=bool(moved) or not params,
        own=_own(module),
        rate=float(module.rate) if kind == "mask" else 0.0,
        over="batch" if isinstance(module, nnx.BatchNorm) else "features",
        momentum=float(module.momentum) if isinstance(module, nnx.BatchNorm) else 0.0,
        rows=int(module.num_embeddings) if kind == "embedding" else 0,
        initializer="lecun_normal",
        origin=module,
    )


def _variables(module: Any, called: bool) -> list[tuple[tuple[Any, ...], Any]]:
    """Return a module's variables of floating numbers, with their paths within it."""
    if called:
        state = nnx.to_flat_state(nnx.state(module))
        pairs = [(tuple(path), variable) for path, variable in state]
    else:
        pairs = [
            ((name,), value)
            for name, value in vars(module).items()
            if isinstance(value, nnx.Variable)
        ]
    return [(path, v) for path, v in pairs if floating(v[...])]


def floating(value: Any) -> bool:
    """Whether it holds floating numbers."""
    return hasattr(value, "dtype") and bool(jnp.issubdtype(value.dtype, jnp.floating))


def array(value: Any) -> Array:
    """Return a value as an array; bfloat16, which NumPy does not know, in single precision."""
    if value.dtype == jnp.bfloat16:
        value = value.astype("float32")
    return np.asarray(value)


def _weight(
    path: tuple[Any, ...],
    own: tuple[Any, ...],
    variable: Any,
    kind: str,
    module: Any,
    places: dict[tuple[Any, ...], int],
    decays: list[float],
    fresh: bool,
) -> Weight:
    value = variable[...]
    plain = ".".join(map(str, own))
    name = _NAMES.get(kind, {}).get(plain, plain)
    place = places.get((*path, *own))
    shape = tuple(value.shape)
    turned: Callable[[Array], Array] = lambda a: a  # noqa: E731
    if kind == "transposed" and name == "kernel" and module.transpose_kernel:
        turned = lambda a: np.swapaxes(a, -1, -2)  # noqa: E731
        shape = (*shape[:-2], shape[-1], shape[-2])
    usual = name == "kernel" and kind in ("dense", "convolution", "depthwise", "transposed")
    draw = _lecun(shape) if usual else None
    if draw is not None and fresh:
        # Drawn in some way: by Flax's rule, or by another that is not to be told from training.
        ratio = float(np.std(array(value))) / float(np.std(draw()))
        draw = draw if abs(ratio - 1) < 0.2 else None
    return Weight(
        name=name,
        path=".".join(map(str, (*path, *own))),
        shape=shape,
        read=lambda: turned(array(value)),
        trainable=place is not None,
        place=place,
        epsilon=float(jnp.finfo(value.dtype).eps),
        draw=draw,
        zeros=True if name == "bias" and _biased(kind) else None,
        penalty=(0.0, decays[place] / 2 if place is not None else 0.0),
        turned=turned,
        back=turned,
    )


def _biased(kind: str) -> bool:
    """Whether Flax lets the biases of that kind begin at 0."""
    return kind in ("dense", "convolution", "depthwise", "transposed")


def _lecun(shape: tuple[int, ...]) -> Callable[[], Array]:
    """Return what draws as Flax's own layers do (LeCun et al. 1998, cut at two deviations)."""
    return lambda: np.asarray(nnx.initializers.lecun_normal()(jax.random.key(0), shape))
