"""What each backend of Keras does in its own way: gradients of any tensor, and random states."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import keras
import numpy as np
from keras.src.backend import in_symbolic_scope

from livegrad._checks import Array

__all__ = [
    "array",
    "backwards",
    "dense",
    "differentiate",
    "fast",
    "floating",
    "held",
    "is_tensor",
    "plain",
    "sketching",
    "tensor",
    "undisturbed",
]

Compute = Callable[[list[Any], Callable[[Any], Any]], tuple[Any, Any]]


def is_tensor(value: Any) -> bool:
    """Whether it is a tensor of the backend."""
    return bool(keras.ops.is_tensor(value))


def floating(tensor: Any) -> bool:
    """Whether it holds floating numbers."""
    return bool(keras.backend.is_float_dtype(keras.backend.standardize_dtype(tensor.dtype)))


def sketching() -> bool:
    """Whether Keras only works out shapes, to build a layer: its tensors hold no numbers."""
    return bool(in_symbolic_scope())


def array(tensor: Any) -> Array:
    """Return a tensor as an array; bfloat16, which NumPy does not know, in single precision."""
    if keras.backend.standardize_dtype(tensor.dtype) == "bfloat16":
        tensor = keras.ops.cast(tensor, "float32")
    if keras.backend.backend() == "tensorflow":
        # Without a copy, which of all that a pass makes would take as long as the pass itself.
        found = np.asarray(tensor).view()
        found.flags.writeable = False
        return found
    return np.asarray(keras.ops.convert_to_numpy(tensor))


def tensor(value: Any, dtype: str | None = None) -> Any:
    """Return an array as a tensor."""
    return keras.ops.convert_to_tensor(value, dtype=dtype)


def held(variable: Any) -> Any:
    """Return what a variable holds, as a tensor that later assignments do not change."""
    if keras.backend.backend() == "tensorflow":
        import tensorflow as tf

        # Keras would take TensorFlow's variable for a tensor, and hand it back.
        return tf.convert_to_tensor(variable.value)
    if keras.backend.backend() == "torch":
        return variable.value.detach().clone()
    return variable.value


def plain(tensor: Any) -> Any:
    """Return the tensor itself, without what a backend wraps around it while it differentiates."""
    if keras.backend.backend() == "torch":
        return tensor.detach()
    return tensor


def dense(gradient: Any) -> Any:
    """Return a gradient of all rows, where the backend gives those that are not 0."""
    if keras.backend.backend() == "tensorflow":
        import tensorflow as tf

        return tf.convert_to_tensor(gradient)
    return plain(gradient)


def fast(function: Callable[..., Any]) -> Callable[..., Any]:
    """Return a function of tensors that is worked out once for each shape, where that helps."""
    if keras.backend.backend() == "tensorflow":
        import tensorflow as tf

        compiled: Callable[..., Any] = tf.function(function, autograph=False)
        return compiled
    return function


def differentiate(
    compute: Compute,
    values: list[Any],
    inputs: list[Any],
    tensors: Callable[[], dict[int, Any]],
) -> tuple[Any, Any, tuple[list[Any], dict[int, Any]]]:
    """Return what was computed, and the gradients for the values and for all tensors in between.

    Args:
        compute: returns the loss, or None, and what else is wanted; each tensor that it makes goes
            through the function that it is given.
        values: of the weights.
        inputs: the model's.
        tensors: returns those that were made, by identity.
    """
    found: tuple[Any, Any, tuple[list[Any], dict[int, Any]]] = _DIFFERENTIATE[
        keras.backend.backend()
    ](compute, values, inputs, tensors)
    return found


def _tensorflow(compute: Compute, values: Any, inputs: Any, tensors: Any) -> Any:
    import tensorflow as tf

    with tf.GradientTape() as tape:
        tape.watch(values)
        tape.watch(inputs)
        loss, more = compute(values, lambda t: t)
    if loss is None:
        return None, more, ([], {})
    seen = tensors()
    found = tape.gradient(loss, values + list(seen.values()))
    return loss, more, (found[: len(values)], dict(zip(seen, found[len(values) :], strict=True)))


def _torch(compute: Compute, values: Any, inputs: Any, tensors: Any) -> Any:
    import torch

    for leaf in [*values, *inputs]:
        leaf.requires_grad_(True)
    with torch.enable_grad():
        loss, more = compute(values, lambda t: t)
    if loss is None:
        return None, more, ([], {})
    seen = tensors()
    wanted = [t for t in [*values, *seen.values()] if t.requires_grad]
    found: dict[int, Any] = {}
    if loss.requires_grad:
        gradients = torch.autograd.grad(loss, wanted, allow_unused=True)
        found = {id(t): g for t, g in zip(wanted, gradients, strict=True)}
    return (
        loss.detach(),
        more,
        ([found.get(id(v)) for v in values], {key: found.get(key) for key in seen}),
    )


def _jax(compute: Compute, values: Any, inputs: Any, tensors: Any) -> Any:
    import jax
    import jax.numpy as jnp

    # Nothing in between can be asked for afterwards: to each tensor a 0 is added, and the gradient
    # for that 0 is the tensor's.
    shapes: list[Any] = []

    def noted(tensor: Any) -> Any:
        shapes.append(tensor)
        return tensor

    loss, more = compute(values, noted)
    if loss is None:
        return None, more, ([], {})
    zeros = [jnp.zeros(t.shape, t.dtype) for t in shapes]

    def shifted(values: list[Any], zeros: list[Any]) -> Any:
        place = iter(zeros)
        loss, _ = compute(values, lambda t: t + next(place))
        return loss

    by_value, by_zero = jax.grad(shifted, argnums=(0, 1))(values, zeros)
    # Without the shift once more, so that what is kept are numbers and not what JAX traces.
    again: list[Any] = []

    def kept(tensor: Any) -> Any:
        again.append(tensor)
        return tensor

    loss, more = compute(values, kept)
    by_tensor = {id(t): g for t, g in zip(again, by_zero, strict=True)}
    return loss, more, (list(by_value), {key: by_tensor.get(key) for key in tensors()})


_DIFFERENTIATE = {"tensorflow": _tensorflow, "torch": _torch, "jax": _jax}


def backwards(layer: Any, given: Array, gradient: Array) -> Array | None:
    """Return the gradient for what a layer was given, from that for its output."""
    above = tensor(gradient)

    def compute(values: list[Any], touch: Any) -> tuple[Any, Any]:
        again = layer(values[0])
        return keras.ops.sum(again * keras.ops.cast(above, again.dtype)), None

    start = [tensor(given)]
    _, _, (found, _) = differentiate(compute, start, [], dict)
    return None if found[0] is None else array(dense(found[0]))


@contextmanager
def undisturbed() -> Iterator[None]:
    """Put the backend's own random state back."""
    with contextlib.ExitStack() as stack:
        if keras.backend.backend() == "tensorflow":
            import tensorflow as tf

            state = tf.random.get_global_generator().state
            eager = state.numpy()
            stack.callback(lambda: tf.random.get_global_generator().state.assign(eager))
        elif keras.backend.backend() == "torch":
            import torch

            stack.enter_context(torch.random.fork_rng())
        yield
