"""Many steps of training on copies of the weights, compiled: a loop, or on JAX each step.

A step from Python costs some milliseconds, whatever the model: several hundred of them, which tell
what a rate leads to, would take longer than all else of an examination. PyTorch has no such way.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import keras
import numpy as np

from livegrad._checks import Array
from livegrad.doctor._keras.backend import array, held

__all__ = ["WALKS"]

Slopes = Callable[..., tuple[Any, list[Any]]]


class _TensorFlow:
    """A twin of the optimizer with copies of the weights, and its steps as one function.

    Args:
        twin: the optimizer, built for the copies.
        copies: of the trainable weights.
        data: inputs, labels and weights of the sample's rows.
        slopes: returns loss and gradients for the weights, the rows' data, a step's number and
            what is held.
        rest: what the model's other variables hold; TensorFlow reads it from them.
    """

    def __init__(
        self, twin: Any, copies: list[Any], data: tuple[Any, Any, Any], slopes: Slopes, rest: Any
    ) -> None:
        import tensorflow as tf

        self._twin, self._copies, self._data, self._slopes = twin, copies, data, slopes
        kept = [*copies, *(v for v in twin.variables if v.name != "learning_rate")]
        self._start = [(variable, held(variable)) for variable in kept]
        self._tf = tf
        self._functions: dict[int, Any] = {}

    def __call__(self, rate: float, batches: Array) -> tuple[Array, list[Array]]:
        """Return the loss of each step taken and the weights at the end; ``Walker`` says how."""
        for variable, value in self._start:
            variable.assign(value)
        self._twin.learning_rate = rate
        size = batches.shape[1]
        if size not in self._functions:
            given = [self._tf.TensorSpec([None, size], "int32")]
            function = self._tf.function(self._steps, given, autograph=False)
            self._functions[size] = function.get_concrete_function()
        losses, steps = self._functions[size](self._tf.constant(batches, "int32"))
        return np.asarray(losses)[: int(steps)], [array(held(v)) for v in self._copies]

    def _steps(self, batches: Any) -> tuple[Any, Any]:
        tf = self._tf
        count = tf.shape(batches)[0]

        def step(at: Any, fine: Any, losses: Any) -> tuple[Any, Any, Any]:
            some = keras.tree.map_structure(
                lambda part: None if part is None else tf.gather(part, batches[at]), self._data
            )
            loss, found = self._slopes([v.value for v in self._copies], some, at)
            pairs = [(g, v) for g, v in zip(found, self._copies, strict=True) if g is not None]
            finite = [tf.reduce_all(tf.math.is_finite(g)) for g in (loss, *(g for g, _ in pairs))]
            fine = tf.reduce_all(tf.stack(finite))

            def moved() -> Any:
                # Made in here, as what an optimizer of one's own makes of them is.
                self._twin.apply([tf.identity(g) for g, _ in pairs], [v for _, v in pairs])
                return tf.constant(0)

            tf.cond(fine, moved, lambda: tf.constant(0))
            losses = losses.write(at, tf.cast(loss, "float32"))
            return at + tf.cast(fine, "int32"), fine, losses

        losses = tf.TensorArray("float32", size=count, element_shape=[])
        at, _, losses = tf.while_loop(
            lambda at, fine, _: tf.logical_and(fine, at < count),
            step,
            [tf.constant(0), tf.constant(True), losses],
        )
        return losses.stack(), at


class _Jax:
    """The same with each step as one function; what it is given is as above."""

    def __init__(
        self, twin: Any, copies: list[Any], data: tuple[Any, Any, Any], slopes: Slopes, rest: Any
    ) -> None:
        import jax

        self._twin, self._slopes = twin, slopes
        self._start = [held(variable) for variable in copies]
        self._given = data, rest
        self._step = jax.jit(self._stepped)

    def __call__(self, rate: float, batches: Array) -> tuple[Array, list[Array]]:
        """Return the loss of each step taken and the weights at the end; ``Walker`` says how."""
        values, losses = self._start, []
        state = [
            keras.ops.cast(rate, v.dtype) if v.name == "learning_rate" else held(v)
            for v in self._twin.variables
        ]
        for at, batch in enumerate(batches):
            loss, fine, moved = self._step(values, state, *self._given, batch, at)
            if not fine:
                break
            losses.append(float(loss))
            values, state = moved
        return np.asarray(losses), [array(value) for value in values]

    def _stepped(self, values: Any, state: Any, data: Any, rest: Any, batch: Any, at: Any) -> Any:
        some = keras.tree.map_structure(
            lambda part: None if part is None else keras.ops.take(part, batch, axis=0), data
        )
        loss, found = self._slopes(values, some, at, rest)
        fine = [keras.ops.all(keras.ops.isfinite(part)) for part in (loss, *found)]
        moved = self._twin.stateless_apply(state, found, values)
        return loss, keras.ops.all(keras.ops.stack(fine)), moved


WALKS = {"tensorflow": _TensorFlow, "jax": _Jax}
"""By the backend that has one."""
