"""One instrumented pass through a Flax NNX module, and the optimizer's steps on copies.

It runs on a copy that ``nnx.merge`` makes in each trace: nothing that the module holds is written,
neither weights nor batch statistics nor random streams, whatever happens.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from typing import Any
from weakref import WeakKeyDictionary

import jax
import jax.numpy as jnp
import numpy as np
from flax import nnx

from livegrad._checks import Array
from livegrad.doctor._facts import Call, Layer, Optimizer, Output, Pass, Plan
from livegrad.doctor._jax.data import Sample
from livegrad.doctor._jax.layers import array, facts, floating, leaves
from livegrad.doctor._jax.outputs import outputs
from livegrad.doctor._jax.steps import Moves, Stepper
from livegrad.doctor._jax.tape import Heard, Node, Played, Tape, listening, mark_outputs, tagged
from livegrad.doctor._jax.words import WORDS
from livegrad.doctor._judge import line

__all__ = ["JaxProbe"]

_MODES = ("train", "training", "is_training")


class JaxProbe:
    """A module with a sample of its data, its loss and its optimizer.

    Args:
        module: the module.
        sample: of its data.
        loss: of an output and labels.
        moves: the optimizer; None if there is none.
        plan: how it is to be trained.
    """

    words = WORDS
    walk = None
    instead = None

    def __init__(
        self, module: Any, sample: Sample, loss: Any, moves: Moves | None, plan: Plan | None = None
    ) -> None:
        self.module, self.sample, self._loss, self._moves = module, sample, loss, moves
        self.rows, self.bad, self.plan = sample.rows, sample.bad, plan or Plan()
        self.x, self.y = (
            [array(part) for part in jax.tree.leaves(group)] for group in (sample.x, sample.y)
        )
        wrt = nnx.Param if moves is None else moves.wrt
        trained = nnx.All(wrt, lambda path, value: floating(value[...]))
        self._graph, params, rest = nnx.split(module, trained, ...)
        self._params = nnx.as_pure(params)
        self._weights, self._tree = jax.tree.flatten(params)
        others, self._other_tree = jax.tree.flatten(rest)
        self._arrays = [at for at, v in enumerate(others) if isinstance(v, jax.Array | np.ndarray)]
        self._others = others
        self.trainable = len(self._weights)
        if moves is not None:
            moves.learn(self._params)
        decays = [0.0] * self.trainable if moves is None or moves.known.adaptive else moves.decays
        paths = [tuple(path) for path, _ in nnx.to_flat_state(params)]
        places = {path: at for at, path in enumerate(paths)}
        fresh = self.optimizer.taken == 0
        self._known: dict[str, Layer] = {}
        self._apart: set[str] = set()  # weights beside those of the modules inside
        for path, part, called in leaves(module):
            layer = facts(path, part, called, places, decays, fresh)
            self._known[layer.name] = layer
            self._apart |= set() if called else {layer.name}
        self.layers = list(self._known.values())
        self.failed: tuple[Layer, list[Array]] | None = None
        self._tapes: dict[tuple[int, bool], Tape] = {}
        self._slopes = jax.jit(jax.value_and_grad(self._cost(True)))
        self._costs = {mode: jax.jit(self._cost(mode)) for mode in (True, False)}
        self._alone: WeakKeyDictionary[Call, Array | None] = WeakKeyDictionary()

    @property
    def optimizer(self) -> Optimizer:
        """What is known of the optimizer."""
        return Optimizer("", True, 0.0) if self._moves is None else self._moves.known

    def values(self) -> list[Array]:
        """Return the trained weights."""
        return [np.array(weight) for weight in self._weights]

    def outputs(self, glance: Pass) -> tuple[list[Output], list[str]]:
        """Return the outputs with their losses, and what could not be told of them."""
        found, unjudged = outputs(self._loss, self.sample, glance)
        seen = {call.layer.name for call in glance.calls}
        # In a loop of JAX's own a module's call has no place of its own.
        hidden = [one for one in self.layers if one.weights and one.name not in seen | self._apart]
        unjudged += [f"{one.name} ({one.type}): its calls are not seen" for one in hidden]
        return found, unjudged

    def _given(self, values: Sequence[Array] | None, sample: Sample) -> tuple[Any, ...]:
        """Return weights, other arrays, inputs and labels."""
        given = self._weights if values is None else values
        pairs = zip(given, self._weights, strict=True)
        weights = [jnp.asarray(value, weight.dtype) for value, weight in pairs]
        return weights, [self._others[at] for at in self._arrays], sample.x, sample.y

    def _merged(self, weights: Any, others: Any, training: bool) -> tuple[Any, list[Any]]:
        """Return a copy with these weights, in training or not, and its parts."""
        every = list(self._others)
        for at, value in zip(self._arrays, others, strict=True):
            every[at] = value
        params = jax.tree.unflatten(self._tree, weights)
        rest = jax.tree.unflatten(self._other_tree, every)
        module = nnx.merge(self._graph, params, rest)
        for _, part in nnx.iter_modules(module):
            if hasattr(part, "deterministic"):
                part.deterministic = True
            if hasattr(part, "use_running_average"):
                part.use_running_average = not training
        return module, tagged(module)

    def _called(self, module: Any, x: Any, training: bool) -> Any:
        """Call a module: a tuple gives several arguments, a dict named ones."""
        named = dict(x) if isinstance(x, dict) else {}
        args = () if isinstance(x, dict) else x if isinstance(x, tuple) else (x,)
        try:
            wanted = list(inspect.signature(module.__call__).parameters.values())
        except (TypeError, ValueError):
            wanted = []
        free = [p for p in wanted[len(args) :] if p.name not in named]
        for parameter in free:
            if parameter.name in _MODES:
                named[parameter.name] = training
            elif parameter.name == "deterministic":
                named[parameter.name] = True
            elif parameter.name == "rngs" and parameter.default is inspect.Parameter.empty:
                named[parameter.name] = nnx.Rngs(0)
        return module(*args, **named)

    def _cost(self, training: bool) -> Callable[..., Any]:
        def cost(weights: Any, others: Any, x: Any, y: Any) -> Any:
            module, parts = self._merged(weights, others, training)
            with listening(parts, None, training):
                return jnp.mean(self._loss(self._called(module, x, training), y))

        return cost

    def _tape(self, sample: Sample, with_loss: bool) -> Tape:
        """Return the trace for so many rows, with what its lines mean."""
        key = sample.rows, with_loss
        if key in self._tapes:
            return self._tapes[key]
        heard = Heard()
        refused: list[Exception] = []

        def compute(weights: Any, others: Any, x: Any, y: Any) -> Any:
            heard.calls.clear()
            module, parts = self._merged(weights, others, True)
            with listening(parts, heard, True):
                predicted = mark_outputs(self._called(module, x, True))
            if not with_loss:
                return jax.tree.leaves(predicted)
            try:
                return jnp.mean(self._loss(predicted, y))
            except Exception as failure:
                refused.append(failure)
                raise

        given = self._given(None, sample)
        try:
            tape = Tape(compute, given, heard, with_loss)
        except Exception as failure:
            if heard.failed:
                self.failed = self._known[heard.failed], []
            if refused:
                raise _RefusedError(line(refused[0])) from failure
            raise
        tape.read(tape.play(given))
        self._tapes[key] = tape
        return tape

    def run(
        self,
        values: Sequence[Array] | None = None,
        *,
        rows: int | Array | None = None,
        with_loss: bool = True,
    ) -> Pass:
        """Run forward and backward in training mode, without dropout.

        Args:
            values: stand for the trained weights; without them, their own values.
            rows: the first so many examples, or places; all of the sample without it.
            with_loss: whether labels fit, so that a loss can be asked for.
        """
        sample = self.sample if rows is None else self.sample.some(rows)
        given = self._given(values, sample)
        error = ""
        try:
            tape = self._tape(sample, with_loss)
        except _RefusedError as failure:
            error = str(failure)
            tape = self._tape(sample, False)
        played = tape.play(given)
        calls = [self._call(node, played, tape) for node in tape.nodes]
        for call in calls:
            self._check(call)
        shown = [played.array(v) for v in tape.outputs]
        if not tape.with_loss:
            return Pass(calls, shown, float("nan"), [None] * self.trainable, error)
        return Pass(calls, shown, played.loss, played.weights)

    def _call(self, node: Node, played: Played, tape: Tape) -> Call:
        layer = self._known[node.name] if node.layer is None else node.layer
        output = None if node.output is None else played.array(node.output)
        gradient = None if node.output is None else played.gradient(node.output)
        call = Call(
            layer=layer,
            inputs=[played.array(v) for v in node.given],
            output=output,
            parents=list(node.parents),
            first=node.first,
            pre=output,
            gradients=[played.gradient(v) for v in node.given] if tape.with_loss else [],
            gradient=gradient,
            delta=gradient,
            whole=[played.array(v) for v in node.whole],
            scores=None if node.scores is None else played.array(node.scores),
        )
        first = node.entered[0] if node.entered else None
        self._alone[call] = None if first is None else played.gradient(first)
        return call

    def _check(self, call: Call) -> None:
        """Raise where an embedding is asked for rows it does not have: JAX gives others instead."""
        if call.layer.kind != "embedding" or not call.whole:
            return
        low, high = int(call.whole[0].min()), int(call.whole[0].max())
        if low < 0 or high >= call.layer.rows:
            self.failed = call.layer, call.whole
            raise ValueError(f"{call.layer.name} has {call.layer.rows} rows, got {low} to {high}")

    def loss(
        self,
        values: Sequence[Array] | None = None,
        training: bool = True,
        *,
        rows: Array | None = None,
        bare: bool = False,
    ) -> float:
        """Return the loss with ``values`` for the trained weights; it holds no penalties."""
        sample = self.sample if rows is None else self.sample.some(rows)
        return float(self._costs[training](*self._given(values, sample)))

    def slopes(
        self, values: Sequence[Array], *, rows: Array, bare: bool = False
    ) -> tuple[float, list[Array | None]]:
        """Return the loss and the weights' gradients alone."""
        loss, found = self._slopes(*self._given(values, self.sample.some(rows)))
        return float(loss), [array(g) for g in found]

    def stepper(self, rate: float | None = None, *, bare: bool = False) -> Stepper:
        """Return a twin of the optimizer as it is now, at a rate; ``bare`` without decay."""
        if self._moves is None:
            raise ValueError("there is no optimizer")
        return Stepper(self._moves, self._params, rate, bare)

    def alone(self, call: Call) -> Array | None:
        """Return the gradient that one call alone sends to its first input."""
        return self._alone.get(call)


class _RefusedError(Exception):
    """The loss could not be computed."""
