"""One instrumented pass through a module, and the optimizer's steps on copies.

It runs on values that stand in for the module's parameters and buffers, by ``functional_call``:
nothing that the module holds is written, whatever happens. Modules are heard by hooks, and
functions that are called between them by a ``TorchFunctionMode``.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from typing import Any

import numpy as np
import torch
from torch import nn
from torch.overrides import TorchFunctionMode
from torch.utils import _pytree as tree

from livegrad._checks import Array
from livegrad.doctor._facts import Call, Layer, Optimizer, Output, Pass, Plan
from livegrad.doctor._judge import line
from livegrad.doctor._torch.data import Sample
from livegrad.doctor._torch.layers import array, channels_first, facts, function, is_leaf
from livegrad.doctor._torch.outputs import outputs
from livegrad.doctor._torch.words import WORDS

__all__ = ["TorchProbe", "undisturbed"]

# They divide each gradient by its own size, or take its sign.
_PLAIN = ("SGD", "ASGD")
# These move the weights themselves, and not by the gradient.
_DECOUPLED = ("AdamW", "NAdamW", "Lion", "Adafactor", "Muon")
# Functions that only look, or that nothing is computed with.
_SILENT = ("__get__", "size", "dim", "numel", "is_floating_point", "detach", "requires_grad_")


class TorchProbe:
    """A module with a sample of its data, its loss and its optimizer.

    Args:
        module: the module.
        sample: of its data.
        loss: of an output and labels; None if the module gives its own.
        optimizer: of ``torch.optim``; None if there is none.
        plan: how it is to be trained.
    """

    words = WORDS

    def __init__(
        self, module: Any, sample: Sample, loss: Any, optimizer: Any, plan: Plan | None = None
    ) -> None:
        self.module, self.sample, self._loss, self._given = module, sample, loss, optimizer
        self.rows, self.bad, self.plan = sample.rows, sample.bad, plan or Plan()
        self.x, self.y = (
            [array(t) for t in tree.tree_leaves(part) if isinstance(t, torch.Tensor)]
            for part in (sample.x, sample.y)
        )
        named = dict(module.named_parameters())
        self._names = [name for name, p in named.items() if p.requires_grad]
        self._parameters = [named[name] for name in self._names]
        self.trainable = len(self._parameters)
        places = {id(p): at for at, p in enumerate(self._parameters)}
        coupled = self.optimizer.name not in _DECOUPLED
        decay = self._groups[0].get("weight_decay", 0.0) / 2 if self._groups and coupled else 0.0
        fresh = self.optimizer.taken == 0
        self._known: dict[int, Layer] = {
            id(part): facts(name or type(part).__name__, part, places, float(decay), fresh)
            for name, part in module.named_modules()
            if is_leaf(part)
        }
        self.layers = list(self._known.values())
        self.failed: tuple[Layer, list[Array]] | None = None

    @property
    def _groups(self) -> list[dict[str, Any]]:
        return [] if self._given is None else self._given.param_groups

    @property
    def optimizer(self) -> Optimizer:
        """What is known of the optimizer."""
        if self._given is None:
            return Optimizer("", True, 0.0)
        first = self._groups[0]
        name = type(self._given).__name__
        steps = [int(s["step"]) for s in self._given.state.values() if "step" in s]
        known = {id(p): n for n, p in self.module.named_parameters()}
        moved = [known.get(id(p), "") for group in self._groups for p in group["params"]]
        rate, began = float(first["lr"]), first.get("initial_lr")
        return Optimizer(
            name=name,
            adaptive=name not in _PLAIN,
            rate=rate,
            began=rate if began is None else float(began),
            taken=max(steps, default=0),
            decay=float(first.get("weight_decay", 0.0)) if name in _DECOUPLED else 0.0,
            moved=frozenset(moved),
            momentum=float(first.get("momentum", 0.0)),
        )

    def values(self) -> list[Array]:
        """Return the trainable parameters."""
        return [array(p).copy() for p in self._parameters]

    def outputs(self, glance: Pass) -> tuple[list[Output], list[str]]:
        """Return the outputs with their losses, and what could not be told of them."""
        return outputs(self._loss, self.sample, glance)

    def _stand_ins(self, values: Sequence[Array] | None) -> tuple[dict[str, Any], list[Any]]:
        """Return copies of all parameters and buffers by name, and those that are trained."""
        given = self.values() if values is None else values
        moved = [
            torch.as_tensor(value, dtype=p.dtype, device=p.device).clone().requires_grad_(True)
            for value, p in zip(given, self._parameters, strict=True)
        ]
        state = {name: p.detach().clone() for name, p in self.module.named_parameters()}
        state |= {name: buffer.detach().clone() for name, buffer in self.module.named_buffers()}
        return state | dict(zip(self._names, moved, strict=True)), moved

    def _called(self, sample: Sample, state: dict[str, Any]) -> Any:
        if isinstance(sample.x, dict):
            return torch.func.functional_call(self.module, state, (), sample.x)
        given = sample.x if isinstance(sample.x, tuple) else (sample.x,)
        return torch.func.functional_call(self.module, state, given)

    def _cost(self, predicted: Any, sample: Sample) -> Any:
        if self._loss is None:
            return predicted["loss"] if isinstance(predicted, dict) else predicted.loss
        return self._loss(predicted, sample.y).mean()

    def run(
        self,
        values: Sequence[Array] | None = None,
        *,
        rows: int | Array | None = None,
        with_loss: bool = True,
    ) -> Pass:
        """Run forward and backward in training mode, without dropout.

        Args:
            values: stand for the trained parameters; without them, their own values.
            rows: the first so many examples, or places; all of the sample without it.
            with_loss: whether labels fit, so that a loss can be asked for.
        """
        sample = self.sample if rows is None else self.sample.some(rows)
        state, moved = self._stand_ins(values)
        inputs = [t for t in tree.tree_leaves(sample.x) if isinstance(t, torch.Tensor)]
        for tensor in inputs:
            if tensor.is_floating_point():
                tensor.requires_grad_(True)
        heard = _Heard(self, inputs, state)
        error, loss = "", None
        with torch.enable_grad(), _training(self.module), heard:
            predicted = self._called(sample, state)
        if with_loss:
            try:
                with torch.enable_grad():
                    loss = self._cost(predicted, sample)
            except Exception as failure:
                error = line(failure)
        shown = predicted["logits"] if isinstance(predicted, dict) else predicted
        flat = [t for t in tree.tree_leaves(shown) if isinstance(t, torch.Tensor)]
        outputs = [heard.array(t) for t in flat if t.is_floating_point()]
        calls = heard.calls
        if loss is None:
            return Pass(calls, outputs, float("nan"), [None] * len(moved), error)
        wanted = [t for t in [*moved, *heard.tensors.values()] if t.requires_grad]
        by_tensor: dict[int, Any] = {}
        if loss.requires_grad:
            found = torch.autograd.grad(loss, wanted, allow_unused=True)
            by_tensor = {id(t): g for t, g in zip(wanted, found, strict=True)}
        for call, (ins, out) in zip(calls, heard.kept, strict=True):
            call.gradients = [heard.oriented(t, by_tensor.get(id(t))) for t in ins]
            call.gradient = call.delta = heard.oriented(out, by_tensor.get(id(out)))
        weights = [None if (g := by_tensor.get(id(w))) is None else array(g) for w in moved]
        return Pass(calls, outputs, float(loss.detach()), weights, error)

    def loss(
        self,
        values: Sequence[Array] | None = None,
        training: bool = True,
        *,
        rows: Array | None = None,
        bare: bool = False,
    ) -> float:
        """Return the loss with ``values`` for the trained parameters; it holds no penalties."""
        sample = self.sample if rows is None else self.sample.some(rows)
        state, _ = self._stand_ins(values)
        with torch.no_grad(), _training(self.module, training), _Heard(self, [], state, deaf=True):
            return float(self._cost(self._called(sample, state), sample))

    def slopes(
        self, values: Sequence[Array], *, rows: Array, bare: bool = False
    ) -> tuple[float, list[Array | None]]:
        """Return the loss and the parameters' gradients alone."""
        sample = self.sample.some(rows)
        state, moved = self._stand_ins(values)
        with torch.enable_grad(), _training(self.module), _Heard(self, [], state, deaf=True):
            loss = self._cost(self._called(sample, state), sample)
        found = torch.autograd.grad(loss, moved, allow_unused=True)
        return float(loss.detach()), [None if g is None else array(g) for g in found]

    def stepper(self, rate: float | None = None, *, bare: bool = False) -> _Stepper:
        """Return a twin of the optimizer as it is now, at a rate; ``bare`` without decay."""
        return _Stepper(self._given, self._parameters, rate, bare)

    def alone(self, call: Call) -> Array | None:
        """Return the gradient that one call alone sends to its first input."""
        module = call.layer.origin
        if call.gradient is None or module is None:
            return None
        first = channels_first(call.layer)

        def turned(a: Array) -> Any:
            return torch.as_tensor(np.moveaxis(a, -1, 1) if first and a.ndim > 2 else a)

        given = turned(call.inputs[0]).clone().requires_grad_(True)
        with torch.enable_grad(), _training(self.module):
            again = module(given)
            (found,) = torch.autograd.grad(again, given, turned(call.gradient).to(again.dtype))
        return np.moveaxis(array(found), 1, -1) if first and found.ndim > 2 else array(found)

    def facts(self, module: Any) -> Layer:
        """Return the facts of a module."""
        return self._known[id(module)]


class _Stepper:
    """A twin of the optimizer, with copies of the trained parameters."""

    def __init__(
        self, optimizer: Any, parameters: list[Any], rate: float | None, bare: bool
    ) -> None:
        self._copies = [p.detach().clone().requires_grad_(True) for p in parameters]
        copy = dict(zip(map(id, parameters), self._copies, strict=True))
        groups = []
        first = float(optimizer.param_groups[0]["lr"])
        for group in optimizer.param_groups:
            mine = {name: value for name, value in group.items() if name != "params"}
            if rate is not None:
                mine["lr"] = rate * (float(group["lr"]) / first if first else 1.0)
            if bare and "weight_decay" in mine:
                mine["weight_decay"] = 0.0
            mine["params"] = [copy[id(p)] for p in group["params"] if id(p) in copy]
            groups.append(mine)
        groups = [group for group in groups if group["params"]]
        known = {name: value for name, value in optimizer.defaults.items() if name != "params"}
        self._twin = type(optimizer)(groups, **{**known, "lr": groups[0]["lr"]})
        for p, state in optimizer.state.items():
            if id(p) in copy:
                self._twin.state[copy[id(p)]] = {
                    name: value.detach().clone() if isinstance(value, torch.Tensor) else value
                    for name, value in state.items()
                }

    def step(self, gradients: Sequence[Array | None]) -> None:
        """Take one step."""
        for gradient, value in zip(gradients, self._copies, strict=True):
            value.grad = (
                None
                if gradient is None
                else torch.as_tensor(gradient, dtype=value.dtype, device=value.device)
            )
        self._twin.step()

    @property
    def values(self) -> list[Array]:
        """The copies as they are now."""
        return [array(value).copy() for value in self._copies]


class _Heard(TorchFunctionMode):  # type: ignore[misc,unused-ignore]
    """What was listened to in one pass, while it is entered.

    Args:
        probe: knows the modules.
        inputs: the model's.
        state: what stands for parameters and buffers, by name.
        deaf: whether noise is switched off and nothing kept.
    """

    def __init__(
        self, probe: TorchProbe, inputs: list[Any], state: dict[str, Any], deaf: bool = False
    ) -> None:
        super().__init__()
        self.probe, self.deaf = probe, deaf
        self.given = {id(t) for t in inputs}
        self._names = {id(value): name for name, value in state.items()}
        self.found: list[tuple[Layer, list[Any], Any, list[int], bool, list[Any]]] = []
        self.makers: dict[int, int] = {}
        self._first: set[int] = set()
        self._arrays: dict[int, tuple[Any, Array]] = {}
        self._counts: dict[str, int] = {}
        self.inside = 0
        self._hooks: list[Any] = []

    def __enter__(self) -> Any:
        if not self.deaf:
            for module in self.probe.module.modules():
                if is_leaf(module):
                    self._hooks += [
                        module.register_forward_pre_hook(self._before),
                        module.register_forward_hook(self._after, with_kwargs=True),
                    ]
        return super().__enter__()

    def __exit__(self, *failure: Any) -> None:
        for hook in self._hooks:
            hook.remove()
        super().__exit__(*failure)

    def _before(self, module: Any, args: Any) -> None:
        self.inside += 1
        self.probe.failed = (
            self.probe.facts(module),
            [array(t) for t in args if isinstance(t, torch.Tensor) and not t.is_floating_point()],
        )

    def _after(self, module: Any, args: Any, kwargs: Any, result: Any) -> None:
        self.inside -= 1
        self.probe.failed = None
        if not self.inside:
            self._note(self.probe.facts(module), (args, kwargs), result)

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = kwargs or {}
        name = getattr(func, "__name__", "")
        if name == "dropout" and not isinstance(func, type(torch.Tensor.add)):
            kwargs = {**kwargs, "training": False}
            args = args[:2]
        if self.inside or self.deaf:
            return func(*args, **kwargs)
        if name in _IN_PLACE:  # else the value before would be lost
            func, kwargs = _IN_PLACE[name], {k: v for k, v in kwargs.items() if k != "inplace"}
        elif kwargs.get("inplace"):
            kwargs = {**kwargs, "inplace": False}
        self.inside += 1
        try:
            result = func(*args, **kwargs)
        finally:
            self.inside -= 1
        made = isinstance(result, torch.Tensor | tuple | list)
        if made and name not in _SILENT:
            layer = self._function(name, args, kwargs)
            self._note(layer, (args, kwargs), result)
        return result

    def _function(self, name: str, args: Any, kwargs: Any) -> Layer:
        """Return the facts of a function; of one with weights, those of the layer it stands for."""
        self._counts[name] = self._counts.get(name, 0) + 1
        return function(name, self._counts[name], args, kwargs)

    def _note(self, layer: Layer, given: Any, result: Any) -> None:
        tensors = [t for t in tree.tree_leaves(given) if isinstance(t, torch.Tensor)]
        made = [t for t in tree.tree_leaves(result) if isinstance(t, torch.Tensor)]
        made = [t for t in made if t.is_floating_point()]
        # A parameter that a function is given is no signal.
        tensors = [t for t in tensors if id(t) not in self._names]
        parents = [self.makers[id(t)] for t in tensors if id(t) in self.makers]
        first = any(id(t) in self.given for t in tensors)
        if not made and layer.kind == "other":
            return
        if not parents and not first and layer.origin is None:
            return  # computed from nothing that the model was given
        if not parents and not first and self.found:
            parents = [len(self.found) - 1]
        output = made[0] if made else None
        floating = [t for t in tensors if t.is_floating_point()]
        if channels_first(layer):
            self._first |= {id(t) for t in [*floating[:1], *made] if t.ndim > 2}
        elif any(id(t) in self._first for t in floating):
            self._first |= {id(t) for t in made if t.ndim > 2 and t.ndim == floating[0].ndim}
        for tensor in made:
            self.makers[id(tensor)] = len(self.found)
        whole = [t for t in tensors if not t.is_floating_point()]
        self.found.append((layer, floating, output, parents, first, whole))

    @property
    def kept(self) -> list[tuple[list[Any], Any]]:
        """For each call its floating inputs and its output."""
        return [(ins, out) for _, ins, out, _, _, _ in self.found]

    @property
    def tensors(self) -> dict[int, Any]:
        """All floating tensors that a gradient is asked for, by identity."""
        return {id(t): t for ins, out in self.kept for t in [*ins, out] if t is not None}

    def oriented(self, tensor: Any, gradient: Any) -> Array | None:
        """Return a tensor's gradient with the channels last."""
        if gradient is None:
            return None
        dense = array(gradient)
        return np.moveaxis(dense, 1, -1) if id(tensor) in self._first else dense

    def array(self, tensor: Any) -> Array:
        """Return the tensor as an array with the channels last, the same each time."""
        if id(tensor) not in self._arrays:
            found = self.oriented(tensor, tensor)
            assert found is not None
            self._arrays[id(tensor)] = (tensor, found)
        return self._arrays[id(tensor)][1]

    @property
    def calls(self) -> list[Call]:
        """The calls as the judge sees them."""
        return [
            Call(
                layer=layer,
                inputs=[self.array(t) for t in ins],
                output=None if out is None else self.array(out),
                parents=list(parents),
                first=first,
                pre=None if out is None else self.array(out),
                whole=[array(t) for t in whole],
            )
            for layer, ins, out, parents, first, whole in self.found
        ]


_IN_PLACE = {"relu_": torch.relu, "__iadd__": torch.add, "__imul__": torch.mul}


@contextmanager
def undisturbed(module: Any) -> Iterator[None]:
    """Put back what a pass would leave behind: random states and the modes of all modules."""
    numbers, seeds = random.getstate(), np.random.get_state()  # noqa: NPY002
    modes = [(part, part.training) for part in module.modules()]
    try:
        with ExitStack() as stack:
            stack.enter_context(torch.random.fork_rng())
            yield
    finally:
        for part, mode in modes:
            part.training = mode
        random.setstate(numbers)
        np.random.set_state(seeds)  # noqa: NPY002


@contextmanager
def _training(module: Any, mode: bool = True) -> Iterator[None]:
    """Switch to training without noise, and nothing in place; put everything back."""
    changed: list[tuple[Any, str, Any]] = []

    def put(part: Any, name: str, value: Any) -> None:
        changed.append((part, name, getattr(part, name)))
        setattr(part, name, value)

    try:
        for part in module.modules():
            noise = isinstance(part, nn.modules.dropout._DropoutNd)
            put(part, "training", mode and not noise)
            if getattr(part, "inplace", False):
                put(part, "inplace", False)
            if isinstance(part, nn.RNNBase | nn.MultiheadAttention) and part.dropout:
                put(part, "dropout", 0.0)
        yield
    finally:
        for part, name, value in reversed(changed):
            setattr(part, name, value)
