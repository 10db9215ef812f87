"""One instrumented pass through a Keras model, and the optimizer's steps on copies.

It runs on values that stand in for the model's variables, in a ``keras.StatelessScope``: nothing
that the model holds is written, whatever happens. Layers are listened to where all of them pass, in
``Operation.__call__``, so that nested, subclassed and functional models are all seen alike.
"""

from __future__ import annotations

import contextlib
import random
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from typing import Any

import keras
import numpy as np

from livegrad._checks import Array
from livegrad.doctor._facts import Call, Layer, Optimizer, Output, Pass, Plan
from livegrad.doctor._judge import line
from livegrad.doctor._keras import backend
from livegrad.doctor._keras.backend import array
from livegrad.doctor._keras.data import Sample
from livegrad.doctor._keras.layers import (
    bent,
    facts,
    has_parts,
    inner,
    kind_of,
    own_activation,
)
from livegrad.doctor._keras.outputs import outputs
from livegrad.doctor._keras.walk import WALKS
from livegrad.doctor._keras.words import WORDS

__all__ = ["KerasProbe", "undisturbed"]

# They add noise that is not a property of the weights.
_NOISE = ("mask", "noise")


class KerasProbe:
    """A built and compiled Keras model with a sample of its data.

    Args:
        model: built and compiled.
        sample: of its data.
        plan: how it is to be trained.
    """

    words = WORDS

    def __init__(self, model: Any, sample: Sample, plan: Plan | None = None) -> None:
        self.model, self.sample, self.plan = model, sample, plan or Plan()
        self.rows, self.bad = sample.rows, sample.bad
        self.x = [array(part) for part in keras.tree.flatten(sample.x)]
        self.y = [array(part) for part in keras.tree.flatten(sample.y)]
        self.variables = list(model.trainable_variables)
        self.trainable = len(self.variables)
        self._places = {id(v): at for at, v in enumerate(self.variables)}
        self._known: dict[tuple[int, bool], Layer] = {}
        self.layers = [self.facts(layer) for layer in inner(model)]
        for part in model.layers:
            if isinstance(part, keras.Model) and not part.trainable:
                for layer in inner(part):
                    self.facts(layer).within = str(part.name)
        self.failed: tuple[Layer, list[Array]] | None = None
        self._eager = backend.eager(model)
        self._fast: dict[bool, Any] = {}
        self._walks: dict[tuple[bool, bool], Any] = {}

    def facts(self, layer: Any) -> Layer:
        """Return the facts of a layer, the same each time once it is built."""
        key = id(layer), bool(getattr(layer, "built", True))
        if key not in self._known:
            self._known[key] = facts(layer, self._places)
        return self._known[key]

    @property
    def optimizer(self) -> Optimizer:
        """What is known of the optimizer."""
        given = self.model.optimizer
        own = getattr(given, "inner_optimizer", given)
        schedule = own._learning_rate
        scheduled = isinstance(schedule, keras.optimizers.schedules.LearningRateSchedule)
        clips = ((name, getattr(own, name, None)) for name in _CLIPS)
        moved = getattr(own, "_trainable_variables", None) if own.built else None
        return Optimizer(
            name=type(own).__name__,
            adaptive=not isinstance(own, keras.optimizers.SGD),
            rate=float(own.learning_rate),
            schedule=(lambda step: float(schedule(step))) if scheduled else None,
            taken=int(own.iterations),
            decay=float(getattr(own, "weight_decay", None) or 0.0),
            clipped=next(((name, float(most)) for name, most in clips if most), None),
            scales=own is not given,
            moved=None if moved is None else frozenset(str(v.path) for v in moved),
            momentum=float(getattr(own, "momentum", None) or 0.0),
        )

    def values(self) -> list[Array]:
        """Return the trainable weights."""
        return [array(backend.held(variable)) for variable in self.variables]

    def _tensors(self, values: Sequence[Array] | None) -> list[Any]:
        if values is None:
            return [backend.held(variable) for variable in self.variables]
        pairs = zip(values, self.variables, strict=True)
        return [backend.tensor(value, variable.dtype) for value, variable in pairs]

    def outputs(self, glance: Pass) -> tuple[list[Output], list[str]]:
        """Return the outputs with their losses, and what could not be told of them."""
        return outputs(self.model, self.sample, glance)

    def run(
        self,
        values: Sequence[Any] | None = None,
        *,
        rows: int | Array | None = None,
        with_loss: bool = True,
    ) -> Pass:
        """Run forward and backward in training mode, without dropout.

        Args:
            values: stand for the trainable variables; without them, their own values.
            rows: the first so many examples, or places; all of the sample without it.
            with_loss: whether labels fit, so that a loss can be asked for.
        """
        sample = self.sample if rows is None else self.sample.some(rows)
        given = self._tensors(values)
        lower = any(layer.compute_dtype == "float16" for layer in self.model._flatten_layers())
        # In half precision small gradients underflow: training scales the loss, and so do we, with
        # the largest power that leaves everything finite.
        scales = [2.0**15, 2.0**10, 2.0**5, 1.0] if lower else [1.0]
        for scale in scales:
            result = self._run(sample, given, with_loss, scale)
            if all(np.isfinite(g).all() for g in result.weights if g is not None):
                break
        return result

    def _run(self, sample: Sample, values: list[Any], with_loss: bool, scale: float) -> Pass:
        heard = _Heard(self, sample.x)
        error, scaled, penalty = "", None, 0.0

        def compute(values: list[Any]) -> tuple[Any, Any]:
            nonlocal error, penalty
            heard.clear()
            mapping = list(zip(self.variables, values, strict=True))
            loss, scaled = None, None
            with (
                keras.StatelessScope(state_mapping=mapping, collect_losses=True),
                _listening(heard),
            ):
                predicted = self.model(sample.x, training=True)
                if with_loss:
                    try:
                        loss = self._price(sample, predicted, True)
                        scaled = loss * keras.ops.cast(scale, loss.dtype)
                        penalty = sum(self.model.losses) if self.model.losses else 0.0
                    except Exception as failure:
                        error = line(failure)
            return scaled, (predicted, loss)

        inputs = [t for t in keras.tree.flatten(sample.x) if backend.floating(t)]
        scaled, (predicted, loss), found = backend.differentiate(
            compute, values, inputs, lambda: heard.tensors
        )
        read = heard.arrays
        outputs = [read(t) for t in keras.tree.flatten(predicted)]
        calls = heard.calls
        if scaled is None:
            for call in calls:
                call.gradients = []
            return Pass(calls, outputs, float("nan"), [None] * len(values), error)
        gradients, by_tensor = found

        def unscaled(gradient: Any) -> Array | None:
            if gradient is None:
                return None
            dense = array(backend.dense(gradient))
            return dense if scale == 1.0 else dense.astype("float32") / scale

        seen = {key: unscaled(gradient) for key, gradient in by_tensor.items()}
        for call, (ins, out, pre) in zip(calls, heard.kept, strict=True):
            call.gradients = [seen.get(id(t)) for t in ins]
            call.gradient = seen.get(id(out))
            call.delta = seen.get(id(pre))
        weights = [unscaled(g) for g in gradients]
        return Pass(calls, outputs, float(loss), weights, error, float(penalty))

    def loss(
        self,
        values: Sequence[Array] | None = None,
        training: bool = True,
        *,
        rows: Array | None = None,
        bare: bool = False,
    ) -> float:
        """Return the loss with ``values`` for the trainable variables."""
        sample = self.sample if rows is None else self.sample.some(rows)
        return float(self._cost(sample, self._tensors(values), training, bare))

    def _cost(
        self,
        sample: Sample,
        values: list[Any],
        training: bool,
        bare: bool,
        step: Any = None,
        rest: Sequence[Any] = (),
    ) -> Any:
        """Return the loss; with a step's number the masks are on, and another one's differ."""
        mapping = list(zip(self.variables, values, strict=True))
        mapping += zip(self._rest, rest, strict=False)
        if step is not None:
            mapping += [(seed, _seed(seed, step, at)) for at, seed in enumerate(self._seeds)]
        with (
            keras.StatelessScope(state_mapping=mapping, collect_losses=True),
            _listening(_Heard(self, sample.x, deaf=True, masks=step is not None)),
        ):
            predicted = self.model(sample.x, training=training)
            loss = self._price(sample, predicted, training)
            return loss - sum(self.model.losses) if bare and self.model.losses else loss

    def _price(self, sample: Sample, predicted: Any, training: bool) -> Any:
        given = sample.x, sample.y, predicted, sample.weight
        return backend.priced(lambda: self.model.compute_loss(*given, training=training), predicted)

    def slopes(
        self, values: Sequence[Array], *, rows: Array, bare: bool = False
    ) -> tuple[float, list[Array | None]]:
        """Return the loss and the weights' gradients alone; ``bare`` without penalties."""
        sample = self.sample.some(rows)
        if bare not in self._fast:
            slopes = partial(self._slopes, bare)
            self._fast[bare] = slopes if self._eager else backend.fast(slopes)
        given = sample.x, sample.y, sample.weight, None, self._held()
        loss, found = self._fast[bare](self._tensors(values), *given)
        return float(loss), [None if g is None else array(g) for g in found]

    def _slopes(
        self,
        bare: bool,
        values: Any,
        x: Any,
        y: Any,
        weight: Any,
        step: Any = None,
        rest: Sequence[Any] = (),
    ) -> tuple[Any, Any]:
        sample = replace(self.sample, x=x, y=y, weight=weight)

        def compute(values: list[Any]) -> tuple[Any, Any]:
            return self._cost(sample, values, True, bare, step, rest), None

        loss, _, (found, _) = backend.differentiate(compute, list(values), [])
        return loss, [None if g is None else backend.dense(g) for g in found]

    @property
    def _rest(self) -> list[Any]:
        """The variables that are no weights of training."""
        return list(self.model.non_trainable_variables)

    def _held(self) -> list[Any]:
        """Return what they hold, where a compiled function is to be given it.

        Without that JAX would write a frozen model's numbers into it.
        """
        return [variable.value for variable in self._rest] if backend.given() else []

    @property
    def _seeds(self) -> list[Any]:
        """The states that masks draw from."""
        return [v for v in self.model.variables if v.name == "seed_generator_state"]

    @property
    def walk(self) -> Any:
        """Takes many steps at once; None where they are taken one by one."""
        compiles = keras.backend.backend() in WALKS and not self._eager
        return self._walk if compiles else None

    def _walk(
        self, rate: float, batches: Array, *, bare: bool = False, masks: bool = False
    ) -> tuple[Array, list[Array]]:
        masks = masks and any(layer.kind in _NOISE for layer in self.layers)
        if (bare, masks) not in self._walks:
            twin = self.stepper(bare=bare)
            data = self.sample.x, self.sample.y, self.sample.weight

            def slopes(values: Any, data: Any, at: Any, rest: Any = ()) -> Any:
                x, y, weight = data
                return self._slopes(bare, values, x, y, weight, at if masks else None, rest)

            walk = WALKS[keras.backend.backend()]
            self._walks[bare, masks] = walk(twin.twin, twin.copies, data, slopes, self._held())
        losses, values = self._walks[bare, masks](rate, batches)
        return losses, values

    @contextmanager
    def instead(self, names: set[str], values: Sequence[Array]) -> Iterator[KerasProbe]:
        """Give a probe of the model with ReLUs in these layers, which begins at other weights."""
        changed = [
            layer
            for layer in self.model._flatten_layers(include_self=False)
            if layer.name in names and own_activation(layer) is not None
        ]
        kept = [backend.held(variable) for variable in self.variables]
        with contextlib.ExitStack() as stack:
            for layer in changed:
                stack.enter_context(bent(layer, keras.activations.relu))
            try:
                for variable, value in zip(self.variables, values, strict=True):
                    variable.assign(value)
                yield KerasProbe(self.model, self.sample, self.plan)
            finally:
                for variable, value in zip(self.variables, kept, strict=True):
                    variable.assign(value)

    def stepper(self, rate: float | None = None, *, bare: bool = False) -> _Stepper:
        """Return a twin of the optimizer as it is now, at a rate; ``bare`` without decay."""
        return _Stepper(self.model.optimizer, self.variables, rate, bare)

    def alone(self, call: Call) -> Array | None:
        """Return the gradient that one call alone sends to its first input."""
        if call.gradient is None:
            return None
        return backend.backwards(call.layer.origin, call.inputs[0], call.gradient)


def _seed(seed: Any, step: Any, at: int) -> Any:
    """Return a state to draw from, another for each step and each layer."""
    parts = [keras.ops.cast(step, seed.dtype), keras.ops.cast(at, seed.dtype)]
    return keras.ops.stack(parts)


_CLIPS = ("clipnorm", "global_clipnorm", "clipvalue")


class _Stepper:
    """A twin of the optimizer, with copies of the trainable weights."""

    def __init__(
        self, optimizer: Any, variables: list[Any], rate: float | None, bare: bool
    ) -> None:
        own = getattr(optimizer, "inner_optimizer", optimizer)
        rate = float(own.learning_rate) if rate is None else rate
        config = own.get_config() | {"learning_rate": rate}
        if bare and config.get("weight_decay"):
            config["weight_decay"] = 0.0  # AdamW takes no None
        self.twin = type(own).from_config(config)
        # The names go with them: weight decay leaves some out by name.
        # A tensor is copied; handed the value itself, Keras would take the model's variable.
        self.copies = [
            keras.Variable(backend.held(v), dtype=v.dtype, name=v.name) for v in variables
        ]
        self.twin.build(self.copies)
        new, old = (
            [v for v in one.variables if v.name != "learning_rate"] for one in (self.twin, own)
        )
        if own.built and len(new) == len(old):
            for fresh, given in zip(new, old, strict=True):
                fresh.assign(backend.held(given))

    def step(self, gradients: Sequence[Array | None]) -> None:
        """Take one step."""
        pairs = zip(gradients, self.copies, strict=True)
        self.twin.apply_gradients([(backend.tensor(g), v) for g, v in pairs if g is not None])

    @property
    def values(self) -> list[Array]:
        """The copies as they are now."""
        return [array(backend.held(v)) for v in self.copies]


class _Heard:
    """What was listened to in one pass: the calls, and the tensors that they made and were given.

    Args:
        probe: knows the layers.
        x: the model's inputs.
        deaf: whether nothing is kept.
        masks: whether noise stays on.
    """

    def __init__(self, probe: KerasProbe, x: Any, deaf: bool = False, masks: bool = False) -> None:
        self.probe, self.deaf, self.masks = probe, deaf, masks
        self.given = {id(part) for part in keras.tree.flatten(x)}
        self._arrays: dict[int, tuple[Any, Array]] = {}
        self.clear()

    def clear(self) -> None:
        """Begin anew."""
        self.found: list[tuple[Any, ...]] = []
        self.makers: dict[int, int] = {}
        self.inside = 0

    def arrays(self, tensor: Any) -> Array:
        """Return the tensor as an array, the same each time."""
        if id(tensor) not in self._arrays:
            self._arrays[id(tensor)] = (tensor, array(backend.plain(tensor)))
        return self._arrays[id(tensor)][1]

    @property
    def kept(self) -> list[tuple[list[Any], Any, Any]]:
        """For each call its floating inputs, its output and its pre-activation."""
        return [(ins, out, pre) for _, ins, out, pre, *_ in self.found]

    @property
    def tensors(self) -> list[Any]:
        """All floating tensors that a gradient is asked for, some more than once."""
        return [t for ins, out, pre in self.kept for t in [*ins, out, pre] if t is not None]

    @property
    def calls(self) -> list[Call]:
        """The calls as the judge sees them."""
        read = self.arrays
        return [
            Call(
                layer=self.probe.facts(layer),
                inputs=[read(t) for t in ins],
                output=None if out is None else read(out),
                parents=list(parents),
                first=first,
                pre=None if pre is None else read(pre),
                whole=[read(t) for t in whole],
                scores=None if scores is None else read(scores),
            )
            for layer, ins, out, pre, parents, first, whole, scores in self.found
        ]


@contextmanager
def undisturbed(model: Any) -> Iterator[None]:
    """Put back what a pass would leave behind: random states and the compiled loss's state."""
    numbers, seeds = random.getstate(), np.random.get_state()  # noqa: NPY002
    kept = model._compile_loss
    try:
        if kept is not None:
            names = getattr(model, "output_names", None)
            # Building it is what a first step of ``fit`` does; here a twin is built.
            model._compile_loss = type(kept)(
                kept._user_loss, kept._user_loss_weights, output_names=names
            )
        with warnings.catch_warnings(), backend.undisturbed():
            warnings.simplefilter("ignore")
            yield
    finally:
        model._compile_loss = kept
        model._clear_losses()
        random.setstate(numbers)
        np.random.set_state(seeds)  # noqa: NPY002


@contextmanager
def _listening(heard: _Heard) -> Iterator[None]:
    """Let every call of a layer or an operation be heard, and switch dropout off."""
    layers, operations = keras.layers.Layer.__call__, keras.Operation.__call__

    def listened(original: Any, layer: Any, *args: Any, **kwargs: Any) -> Any:
        if kind_of(layer) in _NOISE and not heard.masks:
            kwargs["training"] = False
        if heard.deaf or heard.inside or has_parts(layer) or backend.sketching():
            return original(layer, *args, **kwargs)
        tensors = [t for t in keras.tree.flatten([args, kwargs]) if backend.is_tensor(t)]
        heard.inside += 1
        given: list[Any] = []
        try:
            with _overheard(layer, given):
                result, scores = _attended(original, layer, args, kwargs)
        except Exception:
            # What is only traced has no numbers to be told.
            with contextlib.suppress(TypeError, NotImplementedError):
                heard.probe.failed = heard.probe.facts(layer), [array(t) for t in tensors]
            raise
        finally:
            heard.inside -= 1
        if kind_of(layer) in _NOISE and any(result is t for t in tensors):
            result = result * 1  # a call's output is its own, or two masks of one tensor are a row
        parents = [heard.makers[id(t)] for t in tensors if id(t) in heard.makers]
        first = any(id(t) in heard.given for t in tensors)
        if not parents and not first and heard.found:
            parents = [len(heard.found) - 1]
        made = [t for t in keras.tree.flatten(result) if backend.is_tensor(t)]
        made = [t for t in made if backend.floating(t)]
        for part in made:
            heard.makers[id(part)] = len(heard.found)
        floating = [t for t in tensors if backend.floating(t)]
        whole = [t for t in tensors if not backend.floating(t)]
        output = made[0] if made else None
        pre = given[0] if given else output
        heard.found.append((layer, floating, output, pre, parents, first, whole, scores))
        return result

    def layer_call(layer: Any, *args: Any, **kwargs: Any) -> Any:
        return listened(layers, layer, *args, **kwargs)

    def operation_call(operation: Any, *args: Any, **kwargs: Any) -> Any:
        return listened(operations, operation, *args, **kwargs)

    keras.layers.Layer.__call__ = layer_call
    keras.Operation.__call__ = operation_call
    try:
        yield
    finally:
        keras.layers.Layer.__call__ = layers
        keras.Operation.__call__ = operations


def _attended(original: Any, layer: Any, args: Any, kwargs: dict[str, Any]) -> tuple[Any, Any]:
    """Call a layer, and ask an attention for its scores too."""
    own = type(layer).__module__.startswith("keras.")
    asked = kwargs.get("return_attention_scores")
    if kind_of(layer) != "attention" or not own or asked:
        return original(layer, *args, **kwargs), None
    result, scores = original(layer, *args, **kwargs, return_attention_scores=True)
    return result, scores


@contextmanager
def _overheard(layer: Any, given: list[Any]) -> Iterator[None]:
    """Append what the layer's own activation is given: its pre-activations."""
    own = own_activation(layer)
    if own is None:
        yield
        return

    def activation(z: Any, *args: Any, **kwargs: Any) -> Any:
        given.append(z)
        return own(z, *args, **kwargs)

    with bent(layer, activation):
        yield
