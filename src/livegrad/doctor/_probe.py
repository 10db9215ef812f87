"""One instrumented pass through a model: every layer's input and output, and their gradients.

It runs on values that stand in for the model's variables, in a ``keras.StatelessScope``: nothing
that the model holds is written, whatever happens. Layers are listened to where all of them pass, in
``Layer.__call__``, so that nested, subclassed and functional models are all seen alike.
"""

from __future__ import annotations

import random
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from livegrad.doctor._data import Sample

__all__ = ["Call", "Pass", "line", "loss_at", "norm", "run", "spread", "tensor", "undisturbed"]

# They add noise that is not a property of the weights.
_NOISE = (
    keras.layers.Dropout,
    keras.layers.SpatialDropout1D,
    keras.layers.SpatialDropout2D,
    keras.layers.SpatialDropout3D,
    keras.layers.AlphaDropout,
    keras.layers.GaussianDropout,
    keras.layers.GaussianNoise,
)


@dataclass
class Call:
    """One call of a layer that has no layers inside which could be told apart.

    Attributes:
        layer: the layer.
        inputs: the tensors it was given.
        output: its first floating output.
        parents: the calls that made the inputs; the call before, where that is not known.
        first: whether an input of the model is among the inputs.
        pre: what its own activation was given; its output, where it has none.
        gradients: of the loss for each of the inputs; None where there is none.
        gradient: of the loss for the output.
        delta: of the loss for ``pre``.
    """

    layer: Any
    inputs: list[Any]
    output: Any
    parents: list[int]
    first: bool
    pre: Any = None
    gradients: list[Any] = field(default_factory=list)
    gradient: Any = None
    delta: Any = None


@dataclass
class Pass:
    """What one pass gave.

    Attributes:
        calls: in the order in which they ran.
        outputs: the model's outputs, flat.
        loss: regularisation included; NaN where it could not be computed.
        weights: one gradient a trainable variable, None where it has none.
        error: what kept the loss from being computed.
    """

    calls: list[Call]
    outputs: list[Any]
    loss: float
    weights: list[Any]
    error: str = ""


@contextmanager
def undisturbed(model: Any) -> Iterator[None]:
    """Put back what a pass would leave behind: random states and the compiled loss's state."""
    numbers, seeds = random.getstate(), np.random.get_state()  # noqa: NPY002
    eager = tf.random.get_global_generator().state.numpy()
    kept = model._compile_loss
    try:
        if kept is not None:
            names = getattr(model, "output_names", None)
            # Building it is what a first step of ``fit`` does; here a twin is built.
            model._compile_loss = type(kept)(
                kept._user_loss, kept._user_loss_weights, output_names=names
            )
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        model._compile_loss = kept
        model._clear_losses()
        random.setstate(numbers)
        np.random.set_state(seeds)  # noqa: NPY002
        tf.random.get_global_generator().state.assign(eager)


def run(
    model: Any, sample: Sample, values: Sequence[Any] | None = None, with_loss: bool = True
) -> Pass:
    """Run forward and backward in training mode, without dropout.

    Args:
        model: a built and compiled model.
        sample: the data.
        values: stand for the trainable variables; without them, their own values.
        with_loss: whether labels fit, so that a loss can be asked for.
    """
    variables = model.trainable_variables
    values = [tensor(v) for v in variables] if values is None else list(values)
    lower = any(layer.compute_dtype == "float16" for layer in model._flatten_layers())
    # In half precision small gradients underflow: training scales the loss, and so do we, with
    # the largest power that leaves everything finite.
    scales = [2.0**15, 2.0**10, 2.0**5, 1.0] if lower else [1.0]
    for scale in scales:
        result = _run(model, sample, variables, values, with_loss, scale)
        if all(
            bool(tf.reduce_all(tf.math.is_finite(_dense(g))))
            for g in result.weights
            if g is not None
        ):
            break
    return result


def _run(
    model: Any, sample: Sample, variables: Any, values: list[Any], with_loss: bool, scale: float
) -> Pass:
    calls: list[Call] = []
    error, loss = "", tf.constant(np.nan)
    mapping = list(zip(variables, values, strict=True))
    inputs = [t for t in keras.tree.flatten(sample.x) if t.dtype.is_floating]
    with (
        keras.StatelessScope(state_mapping=mapping, collect_losses=True),
        _listening(calls, sample.x),
        tf.GradientTape() as tape,
    ):
        tape.watch(values)
        tape.watch(inputs)
        predicted = model(sample.x, training=True)
        if with_loss:
            try:
                loss = model.compute_loss(
                    sample.x, sample.y, predicted, sample.weight, training=True
                )
                scaled = loss * tf.cast(scale, loss.dtype)
            except Exception as failure:
                error = line(failure)
    outputs = keras.tree.flatten(predicted)
    if not with_loss or error:
        return Pass(calls, outputs, float("nan"), [None] * len(values), error)
    seen: dict[int, Any] = {}
    for call in calls:
        for signal in [*call.inputs, call.output, call.pre]:
            if signal is not None:
                seen[id(signal)] = signal
    found = tape.gradient(scaled, values + list(seen.values()))
    found = [None if g is None else _unscaled(g, scale) for g in found]
    gradient = dict(zip(seen, found[len(values) :], strict=True))
    for call in calls:
        call.gradients = [gradient[id(signal)] for signal in call.inputs]
        call.gradient = gradient.get(id(call.output))
        call.delta = gradient.get(id(call.pre))
    return Pass(calls, outputs, float(loss), found[: len(values)])


def _unscaled(gradient: Any, scale: float) -> Any:
    if scale == 1.0:
        return gradient
    return tf.cast(_dense(gradient), tf.float32) / scale


def _dense(gradient: Any) -> Any:
    return tf.convert_to_tensor(gradient)


def loss_at(model: Any, sample: Sample, values: Sequence[Any]) -> float:
    """Return the loss with ``values`` for the trainable variables; infinite where it failed."""
    mapping = list(zip(model.trainable_variables, values, strict=True))
    with (
        keras.StatelessScope(state_mapping=mapping, collect_losses=True),
        _listening([], sample.x),
    ):
        predicted = model(sample.x, training=True)
        loss = model.compute_loss(sample.x, sample.y, predicted, sample.weight, training=True)
    return float(loss)


@contextmanager
def _listening(calls: list[Call], x: Any) -> Iterator[None]:
    """Append every call of a layer to ``calls``, and switch dropout off."""
    original = keras.layers.Layer.__call__
    given = {id(part) for part in keras.tree.flatten(x)}
    makers: dict[int, int] = {}
    inside = 0

    def listened(layer: Any, *args: Any, **kwargs: Any) -> Any:
        nonlocal inside
        if isinstance(layer, _NOISE):
            kwargs["training"] = False
        if inside or _has_parts(layer):
            return original(layer, *args, **kwargs)
        inside += 1
        given_to: list[Any] = []
        try:
            with _overheard(layer, given_to):
                result = original(layer, *args, **kwargs)
        finally:
            inside -= 1
        tensors = [t for t in keras.tree.flatten([args, kwargs]) if tf.is_tensor(t)]
        parents = [makers[id(t)] for t in tensors if id(t) in makers]
        first = any(id(t) in given for t in tensors)
        if not parents and not first and calls:
            parents = [len(calls) - 1]
        outputs = [t for t in keras.tree.flatten(result) if tf.is_tensor(t) and t.dtype.is_floating]
        for part in outputs:
            makers[id(part)] = len(calls)
        floating = [t for t in tensors if t.dtype.is_floating]
        output = outputs[0] if outputs else None
        pre = given_to[0] if given_to else output
        calls.append(Call(layer, floating, output, parents, first, pre))
        return result

    keras.layers.Layer.__call__ = listened
    try:
        yield
    finally:
        keras.layers.Layer.__call__ = original


@contextmanager
def _overheard(layer: Any, given: list[Any]) -> Iterator[None]:
    """Append what the layer's own activation is given: its pre-activations."""
    own = vars(layer).get("activation")
    if not callable(own):
        yield
        return

    def activation(z: Any, *args: Any, **kwargs: Any) -> Any:
        given.append(z)
        return own(z, *args, **kwargs)

    # Past Keras, which would take note of an attribute that is a layer.
    object.__setattr__(layer, "activation", activation)
    try:
        yield
    finally:
        object.__setattr__(layer, "activation", own)


def _has_parts(layer: Any) -> bool:
    """Whether a layer's own layers are looked at one by one: a model's, a reader's block's."""
    if isinstance(layer, keras.Model):
        return True
    own = not type(layer).__module__.startswith("keras.")
    return own and bool(layer._layers)


def line(failure: Exception) -> str:
    """Return the first line of what a failure says, or its type's name where it says nothing."""
    return (str(failure).strip().splitlines() or [type(failure).__name__])[0]


def tensor(variable: Any) -> Any:
    """Return what a variable holds, as a tensor that later assignments do not change."""
    return tf.convert_to_tensor(variable.value)


def norm(array: Any) -> float:
    """Return the Frobenius norm in double precision; NaN without a tensor."""
    if array is None:
        return float("nan")
    return float(tf.norm(tf.cast(_dense(array), tf.float64)))


def spread(array: Any) -> float:
    """Return the standard deviation over the examples, root mean square over the rest."""
    if array is None:
        return float("nan")
    wide = np.asarray(_dense(array), dtype="float64").reshape(len(array), -1)  # (n, values)
    return float(np.sqrt(np.mean(np.var(wide, axis=0))))
