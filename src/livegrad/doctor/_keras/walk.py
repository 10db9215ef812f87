"""Many steps of training in one compiled loop, on copies of the weights; TensorFlow's alone.

A step from Python costs some milliseconds, whatever the model: several hundred of them, which tell
what a rate leads to, would take longer than all else of an examination.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import keras
import numpy as np

from livegrad._checks import Array
from livegrad.doctor._keras.backend import array, held

__all__ = ["Walk"]

Slopes = Callable[[list[Any], Any, Any, Any, Any], tuple[Any, list[Any]]]


class Walk:
    """A twin of the optimizer with copies of the weights, and its steps as one function.

    Args:
        twin: the optimizer, built for the copies.
        copies: of the trainable weights.
        data: inputs, labels and weights of the sample's rows.
        slopes: returns loss and gradients for the weights, the rows' data and a step's number.
    """

    def __init__(
        self, twin: Any, copies: list[Any], data: tuple[Any, Any, Any], slopes: Slopes
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
            x, y, weight = keras.tree.map_structure(
                lambda part: None if part is None else tf.gather(part, batches[at]), self._data
            )
            loss, found = self._slopes([v.value for v in self._copies], x, y, weight, at)
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
