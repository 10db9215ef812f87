"""What is heard of one pass: modules by hooks, and functions between them by a function mode.

A tensor's value and its place in autograd's graph are taken note of as it is given and made, for
what is done in place would leave neither.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, is_dataclass
from typing import Any, Protocol

import numpy as np
import torch
from torch import nn
from torch.autograd.graph import get_gradient_edge
from torch.overrides import TorchFunctionMode

from livegrad._checks import Array
from livegrad.doctor._facts import Call, Layer
from livegrad.doctor._torch.layers import (
    MASKING,
    Parameters,
    array,
    channels_first,
    function,
    heard_as_one,
    name_of,
    of_torch,
    steps_first,
    with_weights,
)

__all__ = ["Heard", "Seen", "tensors"]

# Functions that only look, or that nothing is computed with.
_SILENT = (
    *("__get__", "size", "dim", "numel", "is_floating_point", "detach", "requires_grad_", "data"),
    *("shape", "dtype", "device", "ndim", "grad_fn", "requires_grad", "is_leaf", "layout"),
    *("item", "is_cuda", "stride", "storage_offset", "element_size", "is_contiguous", "__len__"),
    *("grad", "tolist", "numpy", "retain_grad", "register_hook", "__repr__", "__format__"),
    *("__bool__", "is_nested", "is_sparse", "get_device", "is_complex", "nelement", "__hash__"),
    *("__set__", "__float__", "__int__", "__index__", "data_ptr", "__contains__", "_version"),
)
_TRANSPOSED = ("T", "mT", "t")
# Of a parameter they give the parameter, as far as its value goes.
_SAME = ("to", "type_as", "float", "double", "half", "bfloat16", "contiguous", "clone")
# Scores of attention beyond so many entries are not kept.
_MOST = 2**26


def tensors(value: Any) -> Iterator[Any]:
    """Return all tensors inside lists, dicts and objects with fields, in their order."""
    if isinstance(value, torch.Tensor):
        yield value
    elif isinstance(value, Mapping):
        for part in value.values():
            yield from tensors(part)
    elif isinstance(value, list | tuple):
        for part in value:
            yield from tensors(part)
    elif is_dataclass(value) and not isinstance(value, type):
        yield from tensors(vars(value))


@dataclass(eq=False)
class Seen:
    """A floating tensor as it was at one moment.

    Attributes:
        tensor: kept, so that no other takes its identity.
        value: a copy of its value, in the framework's order of axes.
        edge: its place in autograd's graph; None where it has none.
        channels: the axis of the channels.
        swapped: whether the examples are on the second axis.
    """

    tensor: Any
    value: Array
    edge: Any
    channels: int = -1
    swapped: bool = False
    turned: Array | None = None

    def forth(self, value: Array) -> Array:
        """Return an array of its shape with the examples first and the channels last.

        Laid out anew, for it is read many times.
        """
        if self.swapped:
            return np.ascontiguousarray(np.swapaxes(value, 0, 1))
        if self.channels == -1:
            return value
        return np.ascontiguousarray(np.moveaxis(value, self.channels, -1))

    def back(self, value: Array) -> Array:
        """Return what ``forth`` was given."""
        if self.swapped:
            return np.swapaxes(value, 0, 1)
        return value if self.channels == -1 else np.moveaxis(value, -1, self.channels)

    @property
    def array(self) -> Array:
        """Its value with the examples first and the channels last, the same array each time."""
        if self.turned is None:
            self.turned = self.forth(self.value)
        return self.turned


@dataclass(eq=False)
class _Noted:
    layer: Layer
    inputs: list[Seen]
    output: Seen | None
    parents: list[int]
    first: bool
    whole: list[Array]
    scores: Array | None


class _Knows(Protocol):
    module: Any
    parameters: Parameters
    failed: tuple[Layer, list[Array]] | None

    def facts(self, module: Any) -> Layer: ...

    def standing(self, path: str, make: Callable[[], Layer | None]) -> Layer | None: ...


class Heard(TorchFunctionMode):  # type: ignore[misc,unused-ignore]
    """What was listened to in one pass, while it is entered.

    Args:
        probe: knows the modules.
        inputs: the model's.
        state: by the identity of what stands for a parameter or buffer: its path and the parameter.
        rows: examples of the pass.
        deaf: whether noise is switched off and nothing kept.
    """

    def __init__(
        self,
        probe: _Knows,
        inputs: list[Any],
        state: dict[int, tuple[str, Any]],
        rows: int = 0,
        deaf: bool = False,
    ) -> None:
        super().__init__()
        self.probe, self.rows, self.deaf = probe, rows, deaf
        self.found: list[_Noted] = []
        self._given: dict[int, Any] = {id(t): t for t in inputs}
        # Parameters, and what is computed from nothing but them: they are no signal.
        self._still: dict[int, tuple[Any, tuple[str, Any, bool] | None]] = {
            key: (None, (path, value, False)) for key, (path, value) in state.items()
        }
        self._seen: dict[tuple[int, int], Seen] = {}
        self._makers: dict[int, int] = {}
        self._counts: dict[str, int] = {}
        self._open: list[Any] = []
        self._used: set[str] = set()
        self._inside = 0
        self._hooks: list[Any] = []

    # Listening ------------------------------------------------------------------------------------

    def __enter__(self) -> Any:
        if not self.deaf:
            for module in self.probe.module.modules():
                if heard_as_one(module):
                    own = not of_torch(module)
                    self._hooks += [
                        module.register_forward_pre_hook(
                            self._before_own if own else self._before, with_kwargs=True
                        ),
                        module.register_forward_hook(
                            self._after_own if own else self._after, with_kwargs=True
                        ),
                    ]
        return super().__enter__()

    def __exit__(self, *failure: Any) -> None:
        for hook in self._hooks:
            hook.remove()
        self._hooks = []
        super().__exit__(*failure)

    def _before(self, module: Any, args: Any, kwargs: Any) -> Any:
        self._inside += 1
        if self._inside > 1:
            return None
        layer = self.probe.facts(module)
        given = list(tensors([args, kwargs]))
        self.probe.failed = (
            layer,
            [array(t) for t in given if not t.is_floating_point()] if layer.rows else [],
        )
        self._open.append(self._look(given))
        changed = args, kwargs
        if getattr(module, "inplace", False):
            # In place on a view, the graph would lose what came before.
            changed = self._apart(args), kwargs
        asked = None
        if layer.kind == "attention":
            asked, changed = _asked(module, args, kwargs)
        self._open.append(asked)
        return changed

    def _after(self, module: Any, args: Any, kwargs: Any, result: Any) -> Any:
        if self._inside > 1:
            self._inside -= 1
            return None
        asked, given = self._open.pop(), self._open.pop()
        scores = None
        if asked is not None:
            result, scores = asked(result)
        self.probe.failed = None
        self._note(self.probe.facts(module), given, result, scores=scores)
        self._inside -= 1
        return result if asked is not None else None

    def _before_own(self, module: Any, args: Any, kwargs: Any) -> None:
        """Begin to listen inside one of the reader's own, which may turn out to be known layers."""
        self._inside += 1
        self.probe.failed = (self.probe.facts(module), [])
        given = self._look(list(tensors([args, kwargs]))) if self._inside == 1 else None
        self._open.append((len(self.found), given))
        self._inside -= 1

    def _after_own(self, module: Any, args: Any, kwargs: Any, result: Any) -> None:
        self._inside += 1
        mark, given = self._open.pop()
        self.probe.failed = None
        parameters = module.parameters(recurse=False)
        own = {known[0] for p in parameters if (known := self._parameter(p))}
        one = bool(own) and own <= self._used
        if self._inside == 1 and not one and module is not self.probe.module:
            del self.found[mark:]
            self._makers = {key: at for key, at in self._makers.items() if at < mark}
            self._note(self.probe.facts(module), given, result)
        self._inside -= 1

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = kwargs or {}
        name = name_of(func)
        if name in MASKING:
            x = args[0] if args else kwargs["input"]

            def func(*args: Any, **kwargs: Any) -> Any:
                return x if name.endswith("_") or kwargs.get("inplace") else x.clone()

        if name == "scaled_dot_product_attention":
            args, kwargs = _undropped(args, kwargs)
        if self.deaf or self._inside or name in _SILENT:
            return func(*args, **kwargs)
        self._inside += 1
        try:
            return self._heard(name, func, args, kwargs)
        finally:
            self._inside -= 1

    def _heard(self, name: str, func: Any, args: Any, kwargs: Any) -> Any:
        given = list(tensors([args, kwargs]))
        looked = self._look(given)
        result = func(*args, **kwargs)
        made = args[0] if name == "__setitem__" else result
        results = list(tensors(made))
        if not results or (name not in MASKING and self._same(looked, results)):
            return result
        constant = name.endswith("_like") or name.startswith("new_")
        if constant or not (looked.signals or looked.first or looked.parents):
            for part in results:
                self._still[id(part)] = (part, self._derived(name, given))
            return result
        if self._masks(name.strip("_"), looked, given, results):
            for part in results if looked.parents else []:
                self._makers[id(part)] = looked.parents[-1]
            return result
        self._note(self._function(name, args, kwargs), looked, made, name, args, kwargs)
        return result

    def _function(self, name: str, args: Any, kwargs: Any) -> Layer:
        """Return the facts of a function; of one with weights, those of the layer it stands for."""
        called = name.strip("_")

        def make() -> Layer | None:
            return with_weights(called, args, kwargs, self._parameter, self.probe.parameters)

        used = {known[0] for t in tensors([args, kwargs]) if (known := self._parameter(t))}
        if used:
            layer = self.probe.standing(" ".join([called, *sorted(used)]), make)
            if layer is not None:
                self._used |= used
                return layer
        self._counts[called] = self._counts.get(called, 0) + 1
        return function(name, self._counts[called], args, kwargs)

    def _same(self, looked: _Looked, results: list[Any]) -> bool:
        """Whether nothing was done, as by ``to`` where the tensor has the type already."""
        before = {id(seen) for seen in looked.signals}
        keys = [(id(part), part._version) for part in results]
        return all(key in self._seen and id(self._seen[key]) in before for key in keys)

    def _masks(self, name: str, looked: _Looked, given: list[Any], results: list[Any]) -> bool:
        """Whether minus infinity was put where attention is not to look: that is no fault."""
        if name not in ("masked_fill", "where", "add", "sub") or not looked.parents:
            return False
        made = results[0]
        if not made.is_floating_point() or not bool(torch.isneginf(made).any()):
            return False
        if not all(np.isfinite(seen.value).all() for seen in looked.signals):
            return False
        constants = [t for t in given if id(t) in self._still and t.is_floating_point()]
        return name not in ("add", "sub") or any(bool(t.isinf().any()) for t in constants)

    def _derived(self, name: str, given: list[Any]) -> tuple[str, Any, bool] | None:
        """Return the parameter that a function of it stands for; None if for none."""
        known = self._parameter(given[0]) if given else None
        if known is None or name in _SAME:
            return known
        return (known[0], known[1], not known[2]) if name in _TRANSPOSED else None

    def _parameter(self, tensor: Any) -> tuple[str, Any, bool] | None:
        return self._still.get(id(tensor), (None, None))[1]

    # Taking note ----------------------------------------------------------------------------------

    def _look(self, given: list[Any]) -> _Looked:
        """Take note of what a call is given, before it may change it."""
        signals = [t for t in given if id(t) not in self._still]
        return _Looked(
            [self.see(t) for t in signals if t.is_floating_point()],
            [array(t) for t in signals if not t.is_floating_point() and not t.is_complex()],
            list(dict.fromkeys(self._makers[id(t)] for t in signals if id(t) in self._makers)),
            any(id(t) in self._given for t in signals),
            bool(signals) or not given,
        )

    def see(self, tensor: Any) -> Seen:
        """Return the tensor as it is now."""
        key = id(tensor), tensor._version
        if key not in self._seen:
            edge = get_gradient_edge(tensor) if tensor.requires_grad else None
            self._seen[key] = Seen(tensor, array(tensor).copy(), edge)
            seen = self._seen[key]
            shape = seen.value.shape
            far = len(shape) > 2 and shape[0] != self.rows and shape[1] == self.rows
            seen.swapped = far
        return self._seen[key]

    def _apart(self, args: Any) -> Any:
        """Return the arguments with a copy of a view, which stands for the same."""
        if not args or not isinstance(args[0], torch.Tensor) or not args[0]._is_view():
            return args
        x = args[0]
        copy = x.clone()
        if x.is_floating_point():
            self._seen[id(copy), copy._version] = self.see(x)
        return (copy, *args[1:])

    def _note(
        self,
        layer: Layer,
        looked: _Looked,
        result: Any,
        name: str = "",
        args: Any = (),
        kwargs: Any = None,
        scores: Array | None = None,
    ) -> None:
        results = list(tensors(result))
        made = [t for t in results if t.is_floating_point()]
        if looked.first:
            for part in results:
                if part.dtype in (torch.int32, torch.int64):  # word numbers, shifted by one
                    self._given[id(part)] = part
        made = [t for t in made if t.ndim]
        if not made and layer.origin is None:
            return
        parents = looked.parents
        if not parents and not looked.first and looked.signal and self.found:
            parents = [len(self.found) - 1]
        shown = [self.see(t) for t in made]
        self._orient(layer, looked.signals, shown, name, args, kwargs or {})
        if name == "scaled_dot_product_attention":
            scores = _scores(args, kwargs or {})
        for part in made:
            self._makers[id(part)] = len(self.found)
            self._given.pop(id(part), None)
        self.found.append(
            _Noted(
                layer,
                looked.signals,
                shown[0] if shown else None,
                parents,
                looked.first,
                looked.whole,
                scores,
            )
        )

    def _orient(
        self, layer: Layer, given: list[Seen], made: list[Seen], name: str, args: Any, kwargs: Any
    ) -> None:
        """Take note of where examples and channels are."""
        if steps_first(layer):
            for seen in [*given[:1], *made]:
                shape = seen.value.shape
                seen.swapped |= len(shape) > 2 and shape[1] == self.rows
        if channels_first(layer):
            for seen in [*given[:1], *made]:
                seen.channels = 1 if seen.value.ndim > 2 else -1
            return
        known = next((seen for seen in given if seen.channels != -1), None)
        if known is None:
            # Linear maps, and what acts on the last axis, have the channels there.
            axes = _moved(name, args, kwargs, given[0].value.ndim) if given else None
            last = given[0].value.ndim - 1 if given else 0
            if axes is not None and axes.index(last) != last:
                made[0].channels = axes.index(last)
            return
        before = known.value
        for seen in made:
            if seen.value.ndim == before.ndim:
                axes = _moved(name, args, kwargs, before.ndim)
                at = known.channels if axes is None else axes.index(known.channels)
                seen.channels = -1 if at == before.ndim - 1 else at
            elif seen.value.ndim > 2 and seen.value.shape[1] == before.shape[1]:
                seen.channels = 1  # places joined to one axis

    @property
    def calls(self) -> list[Call]:
        """The calls as the judge sees them."""
        return [
            Call(
                layer=noted.layer,
                inputs=[seen.array for seen in noted.inputs],
                output=None if noted.output is None else noted.output.array,
                parents=list(noted.parents),
                first=noted.first,
                pre=None if noted.output is None else noted.output.array,
                whole=noted.whole,
                scores=noted.scores,
            )
            for noted in self.found
        ]

    @property
    def seen(self) -> list[Seen]:
        """All that a gradient is asked for."""
        every = [s for noted in self.found for s in (*noted.inputs, noted.output) if s is not None]
        return list({id(s): s for s in every}.values())


@dataclass(eq=False)
class _Looked:
    """What a call was given.

    Attributes:
        signals: floating tensors that are no parameters.
        whole: those of whole numbers.
        parents: the calls that made them.
        first: whether an input of the model is among them.
        signal: whether anything but parameters and constants is among them.
    """

    signals: list[Seen]
    whole: list[Array]
    parents: list[int]
    first: bool
    signal: bool


def _moved(name: str, args: Any, kwargs: Mapping[str, Any], ndim: int) -> list[int] | None:
    """Return for each axis of the result the one it was; None for what moves none."""
    axes = list(range(ndim))
    if name in ("permute",):
        given = kwargs.get("dims", args[1:] if len(args) != 2 else args[1])
        order = given if isinstance(given, tuple | list | torch.Size) else (given,)
        return [int(axis) % ndim for axis in order] if len(order) == ndim else None
    if name in ("transpose", "swapaxes", "swapdims"):
        a, b = (int(axis) % ndim for axis in (*args[1:3], *kwargs.values()))
    elif name in _TRANSPOSED and ndim > 1:
        a, b = ndim - 1, ndim - 2
    elif name in ("movedim", "moveaxis") and len(args) == 3 and isinstance(args[1], int):
        axes.insert(args[2] % ndim, axes.pop(args[1] % ndim))
        return axes
    else:
        return None
    axes[a], axes[b] = axes[b], axes[a]
    return axes


_ATTENTION = inspect.signature(nn.MultiheadAttention.forward)


def _asked(module: Any, args: Any, kwargs: Any) -> tuple[Any, Any]:
    """Return what takes the scores from the result, and the arguments that ask for them."""
    unchanged = None, (args, kwargs)
    if type(module).forward is not nn.MultiheadAttention.forward:
        return unchanged
    bound = _ATTENTION.bind(module, *args, **kwargs)
    bound.apply_defaults()
    query, key = bound.arguments["query"], bound.arguments["key"]
    if query.is_nested or query.ndim != 3:
        return unchanged
    steps = key.shape[1 if module.batch_first else 0]
    if query.shape[0] * query.shape[1] * steps * module.num_heads > _MOST:
        return unchanged
    wanted, mean = bound.arguments["need_weights"], bound.arguments["average_attn_weights"]
    bound.arguments |= {"need_weights": True, "average_attn_weights": False}

    def taken(result: Any) -> tuple[Any, Array | None]:
        out, scores = result
        shown = None
        if wanted:
            shown = scores.mean(dim=1) if mean else scores
        return (out, shown), array(scores)

    return taken, (bound.args[1:], bound.kwargs)


_DROPPED = 4  # of the arguments of scaled_dot_product_attention: dropout_p
_ORDER = ("query", "key", "value", "attn_mask", "dropout_p", "is_causal")


def _undropped(args: Any, kwargs: Any) -> tuple[Any, Any]:
    if len(args) > _DROPPED:
        return (*args[:_DROPPED], 0.0, *args[_DROPPED + 1 :]), kwargs
    return args, {**kwargs, "dropout_p": 0.0}


def _scores(args: Any, kwargs: Mapping[str, Any]) -> Array | None:
    """Return the shares that attention gave, of as many examples as are not too many entries."""
    given = dict(zip(_ORDER, args, strict=False)) | dict(kwargs)
    query, key, mask = given["query"].detach(), given["key"].detach(), given.get("attn_mask")
    if query.ndim == 3:
        query, key = query[:, None], key[:, None]
        mask = mask if mask is None or mask.ndim < 3 else mask[:, None]
    if query.ndim != 4 or query.is_nested:
        return None
    each = query.shape[1] * query.shape[2] * key.shape[2]
    some = min(len(query), _MOST // max(each, 1))
    if not some:
        return None
    query, key = query[:some].float(), key[:some].float()
    if key.shape[1] != query.shape[1]:  # heads that share a key
        key = key.repeat_interleave(query.shape[1] // key.shape[1], dim=1)
    scale = given.get("scale") or query.shape[-1] ** -0.5
    scores = query @ key.transpose(-1, -2) * scale  # (n, heads, queries, keys)
    if given.get("is_causal"):
        allowed = torch.ones(scores.shape[-2:], dtype=torch.bool, device=scores.device).tril()
        scores = scores.masked_fill(~allowed, -torch.inf)
    if mask is not None:
        mask = mask.detach()[:some] if mask.ndim == 4 and len(mask) > 1 else mask.detach()
        masked = (
            scores.masked_fill(~mask, -torch.inf) if mask.dtype == torch.bool else scores + mask
        )
        scores = masked
    return array(torch.softmax(scores, dim=-1))
