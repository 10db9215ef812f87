"""One instrumented pass through a module, and its optimizer's steps on copies.

It runs on copies that stand in for the module's parameters and buffers: nothing that the module
holds is written, whatever happens. Modules are heard by hooks, and functions that are called
between them by a ``TorchFunctionMode``.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from typing import Any

import torch
from torch import nn

from livegrad._checks import Array
from livegrad.doctor._facts import Call, Layer, Optimizer, Output, Pass, Plan
from livegrad.doctor._judge import line
from livegrad.doctor._torch.data import Sample
from livegrad.doctor._torch.heard import Heard, Seen, tensors
from livegrad.doctor._torch.kept import eager, in_mode, seeded, standing_in
from livegrad.doctor._torch.layers import Parameters, array, facts, heard_as_one, parts
from livegrad.doctor._torch.optimizer import Stepper, counted, decays, told
from livegrad.doctor._torch.outputs import answers, outputs, own_loss
from livegrad.doctor._torch.words import WORDS

__all__ = ["TorchProbe"]


class TorchProbe:
    """A module with a sample of its data, its loss and its optimizer.

    Args:
        module: the module.
        sample: of its data.
        loss: of an output and labels; None if the module gives its own.
        optimizer: of ``torch.optim``; None if there is none.
        plan: how it is to be trained.
        taken: steps so far, where that is known; not every optimizer counts them.
    """

    words = WORDS
    walk = None
    instead = None

    def __init__(
        self,
        module: Any,
        sample: Sample,
        loss: Any,
        optimizer: Any,
        plan: Plan | None = None,
        taken: int = 0,
    ) -> None:
        self.module, self.sample, self._loss, self._given = module, sample, loss, optimizer
        self.rows, self.bad, self.plan = sample.rows, sample.bad, plan or Plan()
        self.x, self.y = ([array(t) for t in tensors(part)] for part in (sample.x, sample.y))
        self._parameters = [p for p in module.parameters() if p.requires_grad]
        self.trainable = len(self._parameters)
        penalties = decays(optimizer)
        self._decays = [penalties.get(id(p), 0.0) for p in self._parameters]
        places = {id(p): at for at, p in enumerate(self._parameters)}
        self._taken = max(taken, counted(optimizer))
        self.parameters = Parameters(places, penalties, self._taken == 0)
        self._known: dict[int, Layer] = {}
        self._functions: dict[str, Layer | None] = {}
        self._paths: dict[int, tuple[str, Any]] = {}
        self.layers: list[Layer] = []
        for name, part in parts(module):
            own = [*part.named_parameters(recurse=False), *part.named_buffers(recurse=False)]
            for inner, value in own:
                path = f"{name}.{inner}".lstrip(".")
                self._paths.setdefault(id(value), (path, value))
            one = heard_as_one(part)
            if one or any(True for _ in part.parameters(recurse=False)):
                self._known[id(part)] = facts(name, part, self.parameters)
                self.layers.append(self._known[id(part)])
        self.failed: tuple[Layer, list[Array]] | None = None
        self._optimizer: Optimizer | None = None
        self._outputs: list[Seen] = []
        self._seen: dict[int, Seen] = {}

    @property
    def optimizer(self) -> Optimizer:
        """What is known of the optimizer."""
        if self._optimizer is None:
            self._optimizer = told(self._given, self._parameters, self.layers, self._taken)
        return self._optimizer

    def facts(self, module: Any) -> Layer:
        """Return the facts of a module."""
        if id(module) not in self._known:
            self._known[id(module)] = facts("", module, self.parameters)
        return self._known[id(module)]

    def standing(self, path: str, make: Callable[[], Layer | None]) -> Layer | None:
        """Return the facts of a function of parameters, the same each time."""
        if path not in self._functions:
            self._functions[path] = make()
        return self._functions[path]

    def values(self) -> list[Array]:
        """Return the trainable parameters."""
        return [array(p).copy() for p in self._parameters]

    def outputs(self, glance: Pass) -> tuple[list[Output], list[str]]:
        """Return the outputs with their losses, and what could not be told of them."""
        return outputs(self._loss, self.sample, glance, self._outputs)

    @contextmanager
    def _standing_in(
        self, values: Sequence[Array] | None, training: bool
    ) -> Iterator[tuple[list[Any], dict[int, tuple[str, Any]]]]:
        """Let copies stand in; give those that are trained, and the paths of all by identity."""
        given = [None] * self.trainable if values is None else values
        moved = []
        for value, p in zip(given, self._parameters, strict=True):
            held = p.detach() if value is None else torch.as_tensor(value.copy(), dtype=p.dtype)
            moved.append(nn.Parameter(held.to(p.device).clone()))
        stand: dict[int, Any] = {id(p): m for p, m in zip(self._parameters, moved, strict=True)}
        for p in self.module.parameters():
            if id(p) not in stand:
                copied = p.detach().clone()
                stand[id(p)] = nn.Parameter(copied, requires_grad=False)
        for buffer in self.module.buffers():
            stand[id(buffer)] = buffer.detach().clone()
        paths = {id(stand[key]): known for key, known in self._paths.items() if key in stand}
        with ExitStack() as stack:
            stack.enter_context(standing_in(self.module, stand))
            stack.enter_context(in_mode(self.module, training))
            stack.enter_context(eager())
            seeded(self.module)
            yield moved, paths

    def _cost(self, predicted: Any, sample: Sample) -> Any:
        if self._loss is not None:
            return self._loss(predicted, sample.y).mean()
        loss = own_loss(predicted)
        if loss is None:
            raise ValueError("no loss was given, and the module gives none of its own")
        return loss.mean()

    def _penalty(self, moved: list[Any]) -> float:
        """Return what the optimizer's penalties, which it adds to the gradients, would cost."""
        pairs = zip(self._decays, moved, strict=True)
        return sum(l2 * float(p.detach().double().pow(2).sum()) for l2, p in pairs if l2)

    def _slopes(self, found: Sequence[Any], moved: list[Any], scale: float, bare: bool) -> Any:
        """Return gradients as arrays, penalties included."""
        arrays: list[Array | None] = []
        for gradient, l2, p in zip(found, self._decays, moved, strict=True):
            if gradient is None:
                arrays.append(None)
                continue
            own = _unscaled(array(gradient), scale)
            arrays.append(own + 2 * l2 * array(p).astype(own.dtype) if l2 and not bare else own)
        return arrays

    @property
    def _scales(self) -> list[float]:
        """What the loss may be scaled by, as it is in training where small gradients underflow.

        The largest power is taken that leaves everything finite.
        """
        half = any(p.dtype == torch.float16 for p in self._parameters) or any(
            torch.is_autocast_enabled(kind) and torch.get_autocast_dtype(kind) == torch.float16
            for kind in {p.device.type for p in self._parameters}
        )
        return [2.0**15, 2.0**10, 2.0**5, 1.0] if half else [1.0]

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
        result = self._run(sample, values, with_loss, True)
        if "modified by an inplace operation" in result.error:
            # In training the inputs have no gradient, and what is done to them in place no harm.
            result = self._run(sample, values, with_loss, False)
        return result

    def _run(
        self, sample: Sample, values: Sequence[Array] | None, with_loss: bool, inputs: bool
    ) -> Pass:
        sample = sample.fresh(inputs)
        error, loss, found, edges, scale = "", None, None, [], 1.0
        with torch.enable_grad(), self._standing_in(values, True) as (moved, paths):
            heard = Heard(self, list(tensors(sample.x)), paths, sample.rows)
            with heard:
                predicted = sample.call(self.module)
            self._outputs = [heard.see(t) for t in answers(predicted)]
            calls, seen = heard.calls, heard.seen
            penalty = self._penalty(moved)
            stray = self._stray([one.tensor for one in self._outputs], moved)
            edges = [one for one in seen if one.edge is not None]
            if with_loss:
                try:
                    with Heard(self, [], paths, deaf=True):
                        loss = self._cost(predicted, sample)
                        found, scale = self._derived(loss, moved, edges)
                except Exception as failure:
                    error, loss = line(failure), None
        shown = [one.array for one in self._outputs]
        self._seen = {id(one.array): one for one in seen}
        if loss is None:
            return Pass(calls, shown, math.nan, [None] * len(moved), error)
        by_seen: dict[int, Array] = {}
        if found is not None:
            pairs = zip(edges, found[len(moved) :], strict=True)
            by_seen = {
                id(one): one.forth(_unscaled(array(g), scale)) for one, g in pairs if g is not None
            }
        for call, noted in zip(calls, heard.found, strict=True):
            call.gradients = [by_seen.get(id(one)) for one in noted.inputs]
            call.gradient = call.delta = by_seen.get(id(noted.output))
        slopes = [None] * len(moved) if found is None else found[: len(moved)]
        weights = self._slopes(slopes, moved, scale, False)
        cost = float(loss.detach()) + penalty
        return Pass(calls, shown, cost, weights, error, penalty, stray=stray)

    def _stray(self, outputs: list[Any], moved: list[Any]) -> int:
        """Return how many parameters the outputs depend on that nobody has: of no optimizer."""
        groups = getattr(self._given, "param_groups", [])
        own = {id(p) for p in (*moved, *self._parameters, *self.module.parameters())}
        own |= {id(p) for group in groups for p in group["params"]}
        found, seen, todo = set(), set(), [t.grad_fn for t in outputs if t.grad_fn is not None]
        while todo:
            node = todo.pop()
            if node in seen:
                continue
            seen.add(node)
            leaf = getattr(node, "variable", None)
            if isinstance(leaf, nn.Parameter) and id(leaf) not in own:
                found.add(id(leaf))
            todo += [below for below, _ in node.next_functions if below is not None]
        return len(found)

    def _derived(self, loss: Any, moved: list[Any], edges: list[Seen]) -> tuple[Any, float]:
        """Return the gradients for parameters and for what was heard, and by what they are scaled.

        Without any, where the loss depends on nothing.
        """
        wanted = [*moved, *(one.edge for one in edges)]
        if not loss.requires_grad or not wanted:
            return None, 1.0
        scales = self._scales
        for scale in scales:
            found = torch.autograd.grad(
                loss * scale, wanted, allow_unused=True, retain_graph=scale != scales[-1]
            )
            known = [g for g in found[: len(moved)] if g is not None]
            if scale == 1.0 or all(bool(torch.isfinite(_values(g)).all()) for g in known):
                break
        return found, scale

    def loss(
        self,
        values: Sequence[Array] | None = None,
        training: bool = True,
        *,
        rows: Array | None = None,
        bare: bool = False,
    ) -> float:
        """Return the loss with ``values`` for the trained parameters."""
        sample = (self.sample if rows is None else self.sample.some(rows)).fresh(False)
        with torch.no_grad(), self._standing_in(values, training) as (moved, paths):
            with Heard(self, [], paths, deaf=True):
                loss = float(self._cost(sample.call(self.module), sample))
            return loss if bare else loss + self._penalty(moved)

    def slopes(
        self, values: Sequence[Array], *, rows: Array, bare: bool = False
    ) -> tuple[float, list[Array | None]]:
        """Return the loss and the parameters' gradients alone; ``bare`` without penalties."""
        sample = self.sample.some(rows).fresh(False)
        with torch.enable_grad(), self._standing_in(values, True) as (moved, paths):
            with Heard(self, [], paths, deaf=True):
                loss = self._cost(sample.call(self.module), sample)
                found, scale = self._derived(loss, moved, [])
            slopes = [None] * len(moved) if found is None else found
            cost = float(loss.detach()) + (0.0 if bare else self._penalty(moved))
            return cost, self._slopes(slopes, moved, scale, bare)

    def stepper(self, rate: float | None = None, *, bare: bool = False) -> Stepper:
        """Return a twin of the optimizer as it is now, at a rate; ``bare`` without decay."""
        return Stepper(self._given, self._parameters, rate, bare)

    def alone(self, call: Call) -> Array | None:
        """Return the gradient that one call alone sends to its first input."""
        module = call.layer.origin
        seen = self._seen.get(id(call.inputs[0])) if call.inputs else None
        made = self._seen.get(id(call.output))
        if call.gradient is None or module is None or seen is None or made is None:
            return None
        dtype, device = seen.tensor.dtype, seen.tensor.device
        given = torch.as_tensor(seen.value, dtype=dtype, device=device).clone()
        with torch.enable_grad(), in_mode(module):
            again = module(given.requires_grad_(True))
            above = torch.as_tensor(made.back(call.gradient).copy())
            (found,) = torch.autograd.grad(again, given, above.to(again))
        return seen.forth(array(found))


def _unscaled(gradient: Array, scale: float) -> Array:
    return gradient if scale == 1.0 else gradient.astype("float32") / scale


def _values(gradient: Any) -> Any:
    return gradient.coalesce().values() if gradient.is_sparse else gradient
