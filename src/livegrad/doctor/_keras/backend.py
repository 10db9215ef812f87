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
    "eager",
    "fast",
    "floating",
    "given",
    "held",
    "is_tensor",
    "plain",
    "priced",
    "sketching",
    "tensor",
    "undisturbed",
]

Compute = Callable[[list[Any]], tuple[Any, Any]]


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
    if keras.backend.backend() == "torch":
        # Keras lets PyTorch refuse a keyword of NumPy's first, with a warning that may be an error.
        found = np.asarray(tensor.numpy(force=True)).view()
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
    compiled: Callable[..., Any] = function
    if keras.backend.backend() == "tensorflow":
        import tensorflow as tf

        compiled = tf.function(function, autograph=False)
    elif keras.backend.backend() == "jax":
        import jax

        compiled = jax.jit(function)
    return compiled


def given() -> bool:
    """Whether a compiled function is to be given all that it reads; others read variables."""
    return bool(keras.backend.backend() == "jax")


def eager(model: Any) -> bool:
    """Whether training does not compile the model, which may not be to be compiled."""
    if keras.backend.backend() == "jax" and not getattr(model, "jit_compile", True):
        return True
    return bool(getattr(model, "run_eagerly", False))


def priced(price: Callable[[], Any], predicted: Any) -> Any:
    """Return a loss, NaN where answers are not finite and PyTorch refuses them.

    The others compute with such numbers. It is made of the answers, so that it has gradients.
    """
    if keras.backend.backend() != "torch":
        return price()
    try:
        return price()
    except RuntimeError:
        made = [t for t in keras.tree.flatten(predicted) if is_tensor(t) and floating(t)]
        if all(bool(keras.ops.all(keras.ops.isfinite(t))) for t in made):
            raise
        return sum(keras.ops.sum(keras.ops.cast(t, "float32")) for t in made) * float("nan")


def differentiate(
    compute: Compute,
    values: list[Any],
    inputs: list[Any],
    tensors: Callable[[], list[Any]] = list,
) -> tuple[Any, Any, tuple[list[Any], dict[int, Any]]]:
    """Return what was computed, and the gradients for the values and for all tensors in between.

    Args:
        compute: returns the loss, or None, and what else is wanted.
        values: of the weights.
        inputs: the model's.
        tensors: returns those that the last computation made, in its order; without it, none.
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
        loss, more = compute(values)
    if loss is None:
        return None, more, ([], {})
    seen = {id(tensor): tensor for tensor in tensors()}
    found = tape.gradient(loss, values + list(seen.values()))
    return loss, more, (found[: len(values)], dict(zip(seen, found[len(values) :], strict=True)))


def _torch(compute: Compute, values: Any, inputs: Any, tensors: Any) -> Any:
    import torch

    for leaf in [*values, *inputs]:
        leaf.requires_grad_(True)
    with torch.enable_grad():
        loss, more = compute(values)
    if loss is None:
        return None, more, ([], {})
    seen = {id(tensor): tensor for tensor in tensors()}
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
    from jax.extend.core import Literal

    def cost(values: list[Any]) -> Any:
        return compute(values)

    if tensors is list:  # of the values alone
        (loss, more), found = jax.value_and_grad(cost, has_aux=True)(values)
        return loss, more, (list(found), {})

    # Nothing in between can be asked for afterwards. So the pass is traced, and the trace is played
    # with a 0 added to each tensor that is asked for: the gradient for that 0 is the tensor's.
    def traced(values: list[Any]) -> Any:
        loss, _ = compute(values)
        return loss, tensors()

    loss, more = compute(values)
    if loss is None:
        return None, more, ([], {})
    try:
        trace = jax.make_jaxpr(traced)(values)
    except Exception:
        # What ran with numbers and asks for them on its way has no trace: of the values alone.
        found = jax.grad(lambda values: compute(values)[0])(values)
        loss, more = compute(values)
        return loss, more, (list(found), {})
    asked = trace.jaxpr.outvars[1:]
    places = {v: at for at, v in enumerate(asked) if not isinstance(v, Literal)}
    zeros = [jnp.zeros(v.aval.shape, v.aval.dtype) for v in asked]

    def shifted(values: list[Any], zeros: list[Any], consts: list[Any]) -> Any:
        def shift(variable: Any, value: Any) -> Any:
            return value + zeros[places[variable]] if variable in places else value

        return _played(trace.jaxpr, consts, values, shift)

    found, by_zero = jax.jit(jax.grad(shifted, argnums=(0, 1)))(values, zeros, trace.consts)
    # Once more, so that what is kept are numbers and not what JAX traces.
    loss, more = compute(values)
    by_tensor = {
        id(tensor): None if isinstance(v, Literal) else by_zero[places[v]]
        for tensor, v in zip(tensors(), asked, strict=True)
    }
    return loss, more, (list(found), by_tensor)


def _played(jaxpr: Any, consts: list[Any], given: list[Any], change: Any) -> Any:
    """Return what a trace computes first, with ``change`` applied to each tensor of it."""
    from jax.extend.core import Literal

    known: dict[Any, Any] = {}

    def read(variable: Any) -> Any:
        return variable.val if isinstance(variable, Literal) else known[variable]

    for variable, value in zip([*jaxpr.constvars, *jaxpr.invars], [*consts, *given], strict=True):
        known[variable] = change(variable, value)
    for equation in jaxpr.eqns:
        bound = equation.primitive.get_bind_params(equation.params)
        # The functions within a line stood by themselves in older versions of JAX.
        rules, params = bound if isinstance(bound, tuple) else ((), bound)
        with equation.ctx.manager:
            made = equation.primitive.bind(*rules, *map(read, equation.invars), **params)
        made = made if equation.primitive.multiple_results else [made]
        for variable, value in zip(equation.outvars, made, strict=True):
            known[variable] = change(variable, value)
    return read(jaxpr.outvars[0])


_DIFFERENTIATE = {"tensorflow": _tensorflow, "torch": _torch, "jax": _jax}


def backwards(layer: Any, given: Array, gradient: Array) -> Array | None:
    """Return the gradient for what a layer was given, from that for its output."""
    above = tensor(gradient)

    def compute(values: list[Any]) -> tuple[Any, Any]:
        again = layer(values[0])
        return keras.ops.sum(again * keras.ops.cast(above, again.dtype)), None

    start = [tensor(given)]
    _, _, (found, _) = differentiate(compute, start, [])
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
