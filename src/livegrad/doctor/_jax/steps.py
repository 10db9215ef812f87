"""What is known of an optimizer of Optax, and its steps on copies of the weights.

A transformation is a pair of functions: it has no name and no rate that could be asked for. Both
are read from what its functions enclose, where they are those of Optax, and what it does is tried:
whether it answers a larger gradient with a larger step, whether it shrinks weights that have no
gradient, and how often it must be called until it moves.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from flax import nnx

from livegrad._checks import Array
from livegrad.doctor._facts import Optimizer
from livegrad.doctor._jax.layers import array

__all__ = ["Moves", "Stepper"]

# By what a chain holds, the name that Optax has for it.
_NAMES = (
    ("scale_by_trust_ratio", "lamb"),
    ("scale_by_amsgrad", "amsgrad"),
    ("scale_by_adamax", "adamax"),
    ("scale_by_radam", "radam"),
    ("scale_by_yogi", "yogi"),
    ("scale_by_belief", "adabelief"),
    ("scale_by_novograd", "novograd"),
    ("scale_by_lion", "lion"),
    ("scale_by_adan", "adan"),
    ("scale_by_rss", "adagrad"),
    ("scale_by_stddev", "rmsprop"),
    ("scale_by_rms", "rmsprop"),
    ("scale_by_adam", "adam"),
)
# What is in a chain that goes by the gradient itself.
_PLAIN = {
    *("trace", "scale", "scale_by_learning_rate", "scale_by_schedule", "chain", "identity"),
    *("add_decayed_weights", "clip", "clip_by_global_norm", "with_extra_args_support"),
}
# Accumulated gradients make no step for so many calls.
_CALLS = 64
# Norms of a gradient that no clipping touches.
_SMALL = 1e-3


class Moves:
    """What an optimizer does.

    Args:
        given: an ``nnx.Optimizer``, or a transformation of Optax, which then begins anew.

    Raises:
        TypeError: if it is neither.
    """

    def __init__(self, given: Any) -> None:
        held = isinstance(given, nnx.Optimizer)
        self.tx = given.tx if held else given
        if not callable(getattr(self.tx, "init", None)) or not hasattr(self.tx, "update"):
            raise TypeError(
                "optimizer must be an nnx.Optimizer or an optax.GradientTransformation, got "
                f"{type(given).__name__}"
            )
        self.wrt = given.wrt if held else nnx.Param
        self._state = nnx.as_pure(given.opt_state) if held else None
        self.taken = int(given.step[...]) if held else 0
        self.known = Optimizer("", True, 0.0)
        self.decays: list[float] = []
        self.calls = 1

    def learn(self, params: Any) -> None:
        """Find out what it does to weights like these."""
        leaves = jax.tree.leaves(params)
        self.decays = [0.0] * len(leaves)
        parts = _parts(self.tx)
        moved = self._moved()
        try:
            first, calls = self._tried(params, _SMALL, 0.0, None)
            second, _ = self._tried(params, 10 * _SMALL, 0.0, calls)
            still, _ = self._tried(params, 0.0, 1.0, calls)
            twice, _ = self._tried(params, 0.0, 2.0, calls)
        except Exception:
            # It wants more than a gradient, such as the loss itself: no step can be tried.
            return
        small, large = _norm(first), _norm(second)
        adaptive = large < 5 * small or any(part in parts for part, _ in _NAMES)
        schedule = self._schedule(parts)
        rate = self._rate(parts, schedule)
        name = self._name(parts)
        if rate is None:  # a step is all that is known: other rates are shares of it
            rate = 1.0 if adaptive else small / _SMALL
        then = rate if schedule is None else schedule(calls - 1)
        # A schedule that begins at 0 moves late too, and is no accumulation.
        self.calls = calls if schedule is None or schedule(0) > 0 else 1
        self.decays = [
            float(np.mean(-a)) / then if then > 0 and np.allclose(2 * a, b, rtol=1e-3) else 0.0
            for a, b in zip(still, twice, strict=True)
        ]
        decoupled = adaptive and max(self.decays, default=0.0) > 0
        clips = (("clip_by_global_norm", "max_norm"), ("clip", "max_delta"))
        found = ((of, _number(parts[of].get(inner))) for of, inner in clips if of in parts)
        self.known = Optimizer(
            name="adamw" if name == "adam" and decoupled else name,
            adaptive=adaptive,
            rate=rate,
            schedule=schedule,
            taken=self.taken,
            decay=max(self.decays) if decoupled else 0.0,
            clipped=next(((of, most) for of, most in found if most), None),
            moved=moved,
            momentum=_number(parts.get("trace", {}).get("decay")) or 0.0,
        )

    def _tried(
        self, params: Any, norm: float, value: float, calls: int | None
    ) -> tuple[list[Array], int]:
        """Return a first step's updates for one gradient and equal weights, and its calls.

        Args:
            params: weights of these shapes.
            norm: of the gradient.
            value: of the weights.
            calls: how many; as many as it takes to move without it.
        """
        count = sum(leaf.size for leaf in jax.tree.leaves(params))
        entry = norm / math.sqrt(max(count, 1))
        weights = jax.tree.map(lambda leaf: jnp.full_like(leaf, value), params)
        gradients = jax.tree.map(lambda leaf: jnp.full_like(leaf, entry), params)
        state = self.tx.init(weights)
        updates = gradients
        moved = 1
        for call in range(1, (calls or _CALLS) + 1):
            updates, state = self.tx.update(gradients, state, weights)
            if calls is None and any(np.any(leaf) for leaf in jax.tree.leaves(updates)):
                moved = call
                break
        arrays = [array(leaf).astype("float64") for leaf in jax.tree.leaves(updates)]
        return arrays, calls or moved

    def _moved(self) -> frozenset[str] | None:
        """Return the weights that it keeps something for; None where it keeps nothing."""
        kept: set[str] = set()

        def look(part: Any) -> None:
            if isinstance(part, nnx.State):
                kept.update(".".join(map(str, path)) for path, _ in nnx.to_flat_state(part))
            elif isinstance(part, tuple | list):
                for inner in part:
                    look(inner)
            elif isinstance(part, dict):
                for inner in part.values():
                    look(inner)

        look(self._state)
        return frozenset(kept) or None

    def _name(self, parts: dict[str, dict[str, Any]]) -> str:
        factory = parts.get("inject_hyperparams.wrapped_transform", {}).get("inner_factory")
        own = getattr(factory, "__name__", "")
        if own and not own.startswith(("<", "scale_by")):
            return own
        if "partition" in parts:  # several, each for some of the weights
            return "chain"
        for part, name in _NAMES:
            if part in parts:
                return name
        own = {part for part in parts if part == "scale_by_schedule" or "schedule" not in part}
        return "sgd" if own and own <= _PLAIN else "chain"

    def _schedule(self, parts: dict[str, dict[str, Any]]) -> Callable[[int], float] | None:
        asked = parts.get("scale_by_schedule", {}).get("step_size_fn")
        injected = parts.get("inject_hyperparams.wrapped_transform", {}).get("sched_hps", {})
        own = getattr(injected.get("learning_rate"), "schedule_fn", None)
        if own is not None:
            return lambda step: float(own(step))
        return None if asked is None else (lambda step: abs(float(asked(step))))

    def _rate(
        self, parts: dict[str, dict[str, Any]], schedule: Callable[[int], float] | None
    ) -> float | None:
        if schedule is not None:
            return schedule(self.taken)
        injected = _hyperparameters(self._state).get("learning_rate")
        if injected is None:
            numbers = parts.get("inject_hyperparams.wrapped_transform", {}).get("numeric_hps", {})
            injected = numbers.get("learning_rate")
        if injected is not None:
            return float(injected)
        size = _number(parts.get("scale", {}).get("step_size"))
        return None if size is None or "partition" in parts else abs(size)


class Stepper:
    """A twin of the optimizer, with copies of the trained weights.

    Args:
        moves: the optimizer.
        params: the weights, as it takes them.
        rate: of the steps; its own rate without it. The updates are scaled for another one.
        bare: whether decay is left out.
    """

    def __init__(self, moves: Moves, params: Any, rate: float | None, bare: bool) -> None:
        self._moves, self._bare = moves, bare
        self._rate = moves.known.rate if rate is None else rate
        self._params = params
        self._state = moves.tx.init(params) if moves._state is None else moves._state
        self._update = jax.jit(moves.tx.update)
        # A schedule stands still: all steps are taken at one rate.
        self._factor = self._rate / moves.known.rate if moves.known.rate > 0 else None

    def step(self, gradients: Sequence[Array | None]) -> None:
        """Take one step."""
        leaves, tree = jax.tree.flatten(self._params)
        pairs = zip(gradients, leaves, strict=True)
        wanted = jax.tree.unflatten(
            tree, [jnp.zeros_like(p) if g is None else jnp.asarray(g, p.dtype) for g, p in pairs]
        )
        if self._factor is None:  # a rate of 0 has no share: by the gradient itself
            self._params = jax.tree.map(lambda p, g: p - self._rate * g, self._params, wanted)
            return
        before = self._state
        updates = wanted
        for _ in range(self._moves.calls):
            updates, self._state = self._update(wanted, self._state, self._params)
        self._state = _standing(self._state, before)
        moves, rate = self._moves, self._moves.known.rate
        added = []
        for update, p, decay in zip(jax.tree.leaves(updates), leaves, moves.decays, strict=True):
            kept = update + rate * decay * p if self._bare and decay else update
            added.append((p + self._factor * kept).astype(p.dtype))
        self._params = jax.tree.unflatten(tree, added)

    @property
    def values(self) -> list[Array]:
        """The copies as they are now."""
        return [np.array(leaf) for leaf in jax.tree.leaves(self._params)]


def _parts(tx: Any) -> dict[str, dict[str, Any]]:
    """Return what a transformation is made of: for each function of Optax what it encloses."""
    parts: dict[str, dict[str, Any]] = {}
    seen: set[int] = set()

    def look(part: Any) -> None:
        if isinstance(part, tuple | list):
            for inner in part:
                look(inner)
            return
        if isinstance(part, dict):
            for inner in part.values():
                look(inner)
            return
        function = getattr(part, "__func__", part)
        own = getattr(part, "__self__", None)
        if own is not None and type(own).__module__.startswith("optax."):
            look(list(vars(own).values()))
        cells = getattr(function, "__closure__", None)
        if id(function) in seen:
            return
        seen.add(id(function))
        if not str(getattr(function, "__module__", "")).startswith("optax.") or not cells:
            return
        made = function.__qualname__.replace(".<locals>", "").rsplit(".", 1)[0]
        free = {}
        for name, cell in zip(function.__code__.co_freevars, cells, strict=True):
            try:
                free[name] = cell.cell_contents
            except ValueError:
                continue
        parts.setdefault(made, {}).update(free)
        look(list(free.values()))

    look([tx.init, tx.update])
    return parts


def _hyperparameters(state: Any) -> dict[str, Any]:
    """Return the hyperparameters that an optimizer's state holds."""
    found = getattr(state, "hyperparams", None)
    if isinstance(found, dict):
        return found
    if isinstance(state, tuple | list):
        for part in state:
            inner = _hyperparameters(part)
            if inner:
                return inner
    return {}


def _standing(state: Any, before: Any) -> Any:
    """Return a state in which a schedule's count is what it was."""
    if type(state).__name__ in ("ScaleByScheduleState", "WrappedScheduleState"):
        return before
    if isinstance(state, dict) and not isinstance(state, nnx.State):
        return {key: _standing(part, before[key]) for key, part in state.items()}
    if not isinstance(state, tuple):
        return state
    parts = [_standing(one, other) for one, other in zip(state, before, strict=True)]
    return type(state)(*parts) if hasattr(state, "_fields") else tuple(parts)


def _norm(updates: list[Array]) -> float:
    return math.sqrt(sum(float(np.sum(update**2)) for update in updates))


def _number(value: Any) -> float | None:
    """Return a value as a number; None if it is none."""
    if value is None or callable(value) or np.ndim(value):
        return None
    return float(value)
