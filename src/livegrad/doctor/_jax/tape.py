"""What JAX has no tape for: all that one pass computes, and the gradient of each part.

The pass is traced once. Each module's call marks what it is given and what it gives, and what was
computed between two modules is read from the trace. The trace is then played with a 0 added to
each array that is asked for: the gradient for that 0 is the array's.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import jax
import jax.numpy as jnp
from flax import nnx
from jax.ad_checkpoint import checkpoint_name
from jax.extend import core

from livegrad._checks import Array
from livegrad.doctor._facts import Layer
from livegrad.doctor._jax import functions
from livegrad.doctor._jax.layers import array, floating, leaves, named

__all__ = ["TAG", "Heard", "Node", "Played", "Tape", "listening", "mark_outputs", "tagged"]

TAG = "_livegrad_name"
"""The attribute of a copy's module that says where it is; it goes along into ``nnx.jit``."""
_MARK = "livegrad "
# What is looked through for an activation that the trace has as several lines.
_LINES = 24


@dataclass
class Heard:
    """The calls of one trace.

    Attributes:
        calls: the name of each call's module.
        inside: whether a module is being called.
        failed: the name of the module that raised, "" if none did.
    """

    calls: list[str] = field(default_factory=list)
    inside: bool = False
    failed: str = ""


def tagged(module: Any) -> list[Any]:
    """Tell each part of a copy where it is; return those that are called as a whole."""
    called = [(path, part) for path, part, whole in leaves(module) if whole]
    for path, part in called:
        setattr(part, TAG, named(path, part))
    return [part for _, part in called]


@contextmanager
def listening(parts: list[Any], heard: Heard | None, training: bool) -> Iterator[None]:
    """Let the calls of these modules' classes be heard, and switch dropout off."""
    classes = list(dict.fromkeys(type(part) for part in parts))
    own = [(kind, vars(kind).get("__call__")) for kind in classes if callable(kind)]
    calls = [(kind, kind.__call__) for kind, _ in own if hasattr(kind, "__call__")]  # noqa: B004
    try:
        for kind, original in calls:
            kind.__call__ = _listened(original, heard, training)
        yield
    finally:
        for kind, original in own:
            if original is not None:
                kind.__call__ = original
            elif "__call__" in vars(kind):
                del kind.__call__


def _listened(original: Any, heard: Heard | None, training: bool) -> Any:
    @functools.wraps(original)
    def call(module: Any, *args: Any, **kwargs: Any) -> Any:
        if isinstance(module, nnx.Dropout):
            kwargs["deterministic"] = True
        elif isinstance(module, nnx.BatchNorm):
            kwargs["use_running_average"] = not training
        elif isinstance(module, nnx.MultiHeadAttention) and "deterministic" in kwargs:
            kwargs["deterministic"] = True
        name = vars(module).get(TAG)
        if heard is None or name is None or heard.inside:
            return original(module, *args, **kwargs)
        at = len(heard.calls)
        heard.calls.append(name)
        args, kwargs = _marked((args, kwargs), f"{_MARK}{at} in")
        heard.inside = True
        try:
            result = _attended(original, module, args, kwargs, f"{_MARK}{at} scores")
        except Exception:
            heard.failed = name
            raise
        finally:
            heard.inside = False
        return _marked(result, f"{_MARK}{at} out")

    return call


def _attended(original: Any, module: Any, args: Any, kwargs: dict[str, Any], mark: str) -> Any:
    """Call a module, and work an attention's scores out too."""
    plain = nnx.dot_product_attention
    if not isinstance(module, nnx.MultiHeadAttention) or module.attention_fn is not plain:
        return original(module, *args, **kwargs)

    def attend(query: Any, key: Any, value: Any, **more: Any) -> Any:
        result = plain(query, key, value, **more)
        scores = _scores(query, key, more.get("mask"), bool(more.get("is_causal")))
        if scores is None:
            return result
        total = jax.lax.stop_gradient(_marked(scores, mark)).sum()
        # Added as nothing: a trace may leave out what nothing is computed from.
        return result + (0 * total).astype(result.dtype)

    module.attention_fn = attend
    try:
        return original(module, *args, **kwargs)
    finally:
        module.attention_fn = plain


def _scores(query: Any, key: Any, mask: Any, causal: bool) -> Any:
    """Return the weights (n, heads, queries, keys); None where heads share keys."""
    if query.shape[-2] != key.shape[-2]:
        return None
    scores = jnp.einsum("...qhd,...khd->...hqk", query, key) / jnp.sqrt(query.shape[-1])
    low = jnp.finfo(scores.dtype).min
    if causal:
        mask = jnp.tri(*scores.shape[-2:], dtype=bool) & (True if mask is None else mask)
    return jax.nn.softmax(scores if mask is None else jnp.where(mask, scores, low))


def _marked(value: Any, mark: str) -> Any:
    """Mark all arrays of what a module is given or gives."""
    if isinstance(value, jax.Array):
        return checkpoint_name(value, mark)
    if isinstance(value, tuple) and hasattr(value, "_fields"):
        return type(value)(*(_marked(part, mark) for part in value))
    if isinstance(value, tuple | list):
        return type(value)(_marked(part, mark) for part in value)
    if isinstance(value, dict):
        return {key: _marked(part, mark) for key, part in value.items()}
    return value


def mark_outputs(value: Any) -> Any:
    """Mark what the model gives."""
    return _marked(value, f"{_MARK}model out")


@dataclass(eq=False)
class Node:
    """A module's call, or a function between two modules, in the trace.

    Attributes:
        name: the module's; "" for a function.
        layer: a function's facts.
        given: what enters, floating numbers only.
        whole: whole numbers that enter.
        output: what it gives first; None if no floating number.
        parents: the nodes that made what enters.
        first: whether an input of the model enters.
        entered: for each of ``given`` the mark behind which this node alone is.
        scores: of an attention.
    """

    name: str
    layer: Layer | None = None
    given: list[Any] = field(default_factory=list)
    whole: list[Any] = field(default_factory=list)
    output: Any = None
    parents: list[int] = field(default_factory=list)
    first: bool = False
    entered: list[Any] = field(default_factory=list)
    scores: Any = None


class Tape:
    """The trace of one pass, and what is computed between its modules.

    Args:
        compute: takes the trained weights, the others, the inputs and the labels; returns the loss.
        given: these four, to trace it with.
        heard: filled while ``compute`` runs.
        with_loss: whether ``compute`` returns a loss.
    """

    def __init__(
        self, compute: Callable[..., Any], given: tuple[Any, ...], heard: Heard, with_loss: bool
    ) -> None:
        self.with_loss = with_loss
        flat, tree = jax.tree.flatten(given)

        def plain(*flat: Any) -> Any:
            return compute(*jax.tree.unflatten(tree, flat))

        closed = jax.make_jaxpr(plain)(*flat)
        if any(_holds_mark(equation) for equation in closed.jaxpr.eqns):
            inner = closed
            closed = jax.make_jaxpr(lambda *a: _play(inner.jaxpr, inner.consts, a, _keep))(*flat)
        self._jaxpr, self._consts = closed.jaxpr, closed.consts
        sizes = [len(jax.tree.leaves(part)) for part in given]
        begin = sizes[0] + sizes[1]
        self.weights = list(self._jaxpr.invars[: sizes[0]])
        self.inputs = list(self._jaxpr.invars[begin : begin + sizes[2]])
        self._params = set(self._jaxpr.invars[:begin])
        self._names = list(heard.calls)
        self._makers = {v: at for at, eqn in enumerate(self._jaxpr.eqns) for v in eqn.outvars}
        self.outputs = [v for v in self._read_marks("model", "out") if floating(v.aval)]
        self._between = self._outside()
        self._wanted = self._arrays()
        self._zeroed = [v for v in self._wanted if floating(v.aval)]
        self.reached = self._reached()
        self._evaluate = jax.jit(self._differentiated if with_loss else self._played)
        self.nodes: list[Node] = []
        self._roots: dict[Any, int] = {}
        self._called: dict[str, int] = {}

    # What the trace holds

    def _mark(self, equation: Any) -> tuple[str, str] | None:
        name = equation.params.get("name") if equation.primitive.name == "name" else None
        if not isinstance(name, str) or not name.startswith(_MARK):
            return None
        at, what = name.removeprefix(_MARK).split(" ")
        return at, what

    def _read_marks(self, at: str, what: str) -> list[Any]:
        """Return what was marked, as it was before."""
        return [
            equation.invars[0]
            for equation in self._jaxpr.eqns
            if self._mark(equation) == (at, what) and isinstance(equation.invars[0], core.Var)
        ]

    def _outside(self) -> list[int]:
        """Return the lines that no module computes, which lie behind an input of the model."""
        marks = [(at, self._mark(equation)) for at, equation in enumerate(self._jaxpr.eqns)]
        todo = [v for at, mark in marks if mark and mark[1] == "in"
                for v in self._jaxpr.eqns[at].invars]  # fmt: skip
        todo += self.outputs
        ends = {at for at, mark in marks if mark and mark[1] == "out" and mark[0] != "model"}
        self._ends = ends
        seen: set[int] = set()
        while todo:
            variable = todo.pop()
            maker = None if isinstance(variable, core.Literal) else self._makers.get(variable)
            if maker is None or maker in seen or maker in ends:
                continue
            seen.add(maker)
            todo += self._jaxpr.eqns[maker].invars
        # Forward: what comes from the inputs.
        signals: set[Any] = set(self.inputs)
        for at in sorted(seen | ends):
            equation = self._jaxpr.eqns[at]
            ins = [v for v in equation.invars if isinstance(v, core.Var)]
            if at in ends or any(v in signals for v in ins):
                signals |= set(equation.outvars)
        self._signals = signals
        self._learned, moving = set(self._params), set(self.inputs)
        for equation in self._jaxpr.eqns:
            ins = [v for v in equation.invars if isinstance(v, core.Var)]
            if any(v in moving for v in ins):
                moving |= set(equation.outvars)
            elif any(v in self._learned for v in ins):
                self._learned |= set(equation.outvars)
        return [
            at for at in sorted(seen)
            if any(v in signals for v in self._ins(at)) and self._mark(self._jaxpr.eqns[at]) is None
        ]  # fmt: skip

    def _ins(self, at: int) -> list[Any]:
        ins = [v for v in self._jaxpr.eqns[at].invars if isinstance(v, core.Var)]
        return [v for v in dict.fromkeys(ins) if v in self._signals]

    def _arrays(self) -> list[Any]:
        """Return all that is to be kept: what enters and leaves modules and lines between them."""
        found: list[Any] = list(self.inputs)
        for at, equation in enumerate(self._jaxpr.eqns):
            mark = self._mark(equation)
            if mark is not None and mark[0] != "model":
                before = equation.invars[0]
                # Behind a module the array is the one with the mark, before it the one without.
                found += [before, *equation.outvars] if mark[1] == "in" else equation.outvars
            elif at in set(self._between):
                found += equation.outvars
        return [v for v in dict.fromkeys([*found, *self.outputs]) if isinstance(v, core.Var)]

    def _reached(self) -> set[Any]:
        """Return what the loss depends on, as far as a slope could go."""
        if not self.with_loss:
            return set()
        reached = {v for v in self._jaxpr.outvars if isinstance(v, core.Var)}
        for equation in reversed(self._jaxpr.eqns):
            if equation.primitive.name == "stop_gradient":
                continue
            if any(v in reached and floating(v.aval) for v in equation.outvars):
                ins = [v for v in equation.invars if isinstance(v, core.Var)]
                reached |= {v for v in ins if floating(v.aval)}
        return reached

    # What it gives

    def _played(self, *flat: Any) -> Any:
        kept: dict[Any, Any] = {}

        def keep(variable: Any, value: Any) -> Any:
            kept[variable] = value
            return value

        _play(self._jaxpr, self._consts, flat, keep)
        return jnp.nan, [kept[v] for v in self._wanted], [], []

    def _differentiated(self, *flat: Any) -> Any:
        count = len(self.weights)

        def shifted(weights: list[Any], zeros: list[Any]) -> Any:
            added = dict(zip(self._zeroed, zeros, strict=True))
            kept: dict[Any, Any] = {}

            def shift(variable: Any, value: Any) -> Any:
                kept[variable] = value = value + added[variable] if variable in added else value
                return value

            out = _play(self._jaxpr, self._consts, (*weights, *flat[count:]), shift)
            return out[0], [kept[v] for v in self._wanted]

        zeros = [jnp.zeros(v.aval.shape, v.aval.dtype) for v in self._zeroed]
        found = jax.value_and_grad(shifted, argnums=(0, 1), has_aux=True)
        (loss, kept), (by_weight, by_zero) = found(list(flat[:count]), zeros)
        return loss, kept, by_weight, by_zero

    def play(self, given: tuple[Any, ...]) -> Played:
        """Compute all of it."""
        loss, kept, by_weight, by_zero = self._evaluate(*jax.tree.leaves(given))
        values = dict(zip(self._wanted, kept, strict=True))
        gradients: dict[Any, Any] = {}
        if self.with_loss:
            pairs = zip(self._zeroed, by_zero, strict=True)
            gradients = {v: g for v, g in pairs if v in self.reached}
        pairs = zip(self.weights, by_weight, strict=False)
        weights = [array(g) if v in self.reached else None for v, g in pairs]
        return Played(float(loss), values, gradients, weights)

    # What it means

    def read(self, played: Played) -> None:
        """Tell modules and functions from each other, by what they give."""
        groups, activations = self._told(played)
        lines = {group[-1]: group for group in groups}
        taken = {at for group in groups for at in group}
        counts: dict[str, int] = {}
        for at, equation in enumerate(self._jaxpr.eqns):
            mark = self._mark(equation)
            if at in lines:
                self._function(lines[at], activations.get(at), counts)
            elif at in self._between and at not in taken:
                if any(floating(v.aval) for v in equation.outvars):
                    self._function([at], None, counts)
            elif mark is not None and mark[1] == "out" and mark[0] != "model":
                self._module(mark[0], equation.outvars[0])

    def _module(self, at: str, output: Any) -> None:
        if at not in self._called:
            node = Node(self._names[int(at)])
            marks = [e for e in self._jaxpr.eqns if self._mark(e) == (at, "in")]
            marks = [e for e in marks if e.invars[0] in self._signals]
            self._join(node, [e.invars[0] for e in marks])
            entered = {e.invars[0]: e.outvars[0] for e in marks}
            node.entered = [entered.get(v) for v in node.given]
            scores = [e.outvars[0] for e in self._jaxpr.eqns if self._mark(e) == (at, "scores")]
            node.scores = scores[0] if scores else None
            self._called[at] = len(self.nodes)
            self.nodes.append(node)
        node = self.nodes[self._called[at]]
        if node.output is None and floating(output.aval):
            node.output = output
        self._roots[output] = self._called[at]

    def _function(self, lines: list[int], activation: Any, counts: dict[str, int]) -> None:
        last = self._jaxpr.eqns[lines[-1]]
        outs = [v for v in last.outvars if floating(v.aval)]
        inside = {v for at in lines for v in self._jaxpr.eqns[at].outvars}
        given = [v for at in lines for v in self._ins(at) if v not in inside]
        given, steps = self._floats(list(dict.fromkeys(given)))
        names = [functions.hint(self._jaxpr.eqns[at]) for at in [*steps, lines[-1]]]
        name = next((n for n in names if functions.layer(n, 1, None, 1).kind == "other"), names[-1])
        learned = any(v in self._learned for v in last.invars if isinstance(v, core.Var))
        several = len(given) if len(given) > 1 else -1 if learned else 0
        name = activation[0] if activation else name
        counts[name] = counts.get(name, 0) + 1
        node = Node("", functions.layer(name, counts[name], activation, several))
        self._join(node, given)
        node.output = outs[0]
        for out in outs:
            self._roots[out] = len(self.nodes)
        self.nodes.append(node)

    def _floats(self, variables: list[Any]) -> tuple[list[Any], list[int]]:
        """Return floating numbers for those that whole ones were computed from, and the lines."""
        found: list[Any] = []
        steps: list[int] = []
        todo = list(variables)
        while todo:
            variable = todo.pop(0)
            maker = self._makers.get(variable)
            if floating(variable.aval) or maker is None or maker not in self._between:
                found.append(variable)
            else:
                steps.append(maker)
                todo += self._ins(maker)
        return list(dict.fromkeys(found)), sorted(set(steps))

    def _join(self, node: Node, variables: list[Any]) -> None:
        node.whole = [v for v in variables if not floating(v.aval)]
        variables, _ = self._floats(variables)
        node.given = [v for v in variables if floating(v.aval)]
        node.parents = sorted({self._roots[v] for v in variables if v in self._roots})
        node.first = any(v in self.inputs for v in variables)

    def _told(self, played: Played) -> tuple[list[list[int]], dict[int, tuple[str, float]]]:
        """Return groups of lines that are one activation, with it at each group's last line."""
        groups: list[list[int]] = []
        activations: dict[int, tuple[str, float]] = {}
        taken: set[int] = set()
        starts = [v for v in self._signals if v in set(self._wanted) and floating(v.aval)]
        order = {v: self._makers.get(v, -1) for v in starts}
        readers: dict[Any, list[int]] = {}
        for at in range(len(self._jaxpr.eqns)):
            for v in self._ins(at):
                readers.setdefault(v, []).append(at)
        for start in sorted(starts, key=order.__getitem__):
            if order[start] in taken:
                continue
            region: set[Any] = {start}
            lines: list[int] = []
            best: tuple[list[int], tuple[str, float]] | None = None
            for at in [at for at in self._between if at > order[start] and at not in taken]:
                if len(lines) >= _LINES:
                    break
                if all(v in region for v in self._ins(at)):
                    lines.append(at)
                    region |= set(self._jaxpr.eqns[at].outvars)
                    found = self._activation(start, at, played)
                    group = self._needed(at, start, lines)
                    # The last that fits: a sigmoid may be on the way to more.
                    if found and self._closed(group, readers):
                        best = group, found
            if best is not None:
                groups.append(best[0])
                activations[best[0][-1]] = best[1]
                taken |= set(best[0])
        return groups, activations

    def _activation(self, start: Any, at: int, played: Played) -> tuple[str, float] | None:
        out = self._jaxpr.eqns[at].outvars[0]
        if len(self._jaxpr.eqns[at].outvars) > 1 or out.aval.shape != start.aval.shape:
            return None
        # What stops a gradient gives what it is given, and is no part of an activation's end.
        if not floating(out.aval) or self._jaxpr.eqns[at].primitive.name == "stop_gradient":
            return None
        name = functions.hint(self._jaxpr.eqns[at])
        return functions.told(played.array(start), played.array(out), name)

    def _needed(self, at: int, start: Any, lines: list[int]) -> list[int]:
        """Return the lines that lead from an array to a line."""
        needed, todo = {at}, [at]
        while todo:
            for v in self._ins(todo.pop()):
                maker = self._makers.get(v)
                if v is not start and maker in lines and maker not in needed:
                    needed.add(maker)
                    todo.append(maker)
        return sorted(needed)

    def _closed(self, group: list[int], readers: dict[Any, list[int]]) -> bool:
        """Whether nothing else reads what lies within."""
        inner = [v for at in group[:-1] for v in self._jaxpr.eqns[at].outvars]
        return not any(set(readers.get(v, [])) - set(group) for v in inner)


@dataclass
class Played:
    """What one pass gave.

    Attributes:
        loss: NaN without one.
        values: by variable of the trace.
        gradients: by variable of the trace.
        weights: the gradients of the trained weights.
    """

    loss: float
    values: dict[Any, Any]
    gradients: dict[Any, Any]
    weights: list[Array | None]
    _arrays: dict[Any, Array] = field(default_factory=dict)

    def array(self, variable: Any) -> Array:
        """Return what a variable stands for, the same array each time."""
        if variable not in self._arrays:
            self._arrays[variable] = array(self.values[variable])
        return self._arrays[variable]

    def gradient(self, variable: Any) -> Array | None:
        """Return a variable's gradient."""
        found = self.gradients.get(variable)
        return None if found is None else array(found)


def _keep(variable: Any, value: Any) -> Any:
    return value


def _inner(equation: Any) -> Any:
    """Return the trace that is called as it is, where the line holds one."""
    if equation.primitive.name in ("jit", "pjit", "checkpoint", "remat", "remat2"):
        return equation.params.get("jaxpr")
    return None


def _holds_mark(equation: Any) -> bool:
    inner = _inner(equation)
    if inner is None:
        return False
    lines = getattr(inner, "jaxpr", inner).eqns
    return any(
        str(line.params.get("name", "")).startswith(_MARK) or _holds_mark(line) for line in lines
    )


def _play(jaxpr: Any, consts: Any, given: Any, change: Callable[[Any, Any], Any]) -> list[Any]:
    """Compute a trace line by line, ``change`` applied to each array that has a name in it."""
    known: dict[Any, Any] = {}

    def read(variable: Any) -> Any:
        return variable.val if isinstance(variable, core.Literal) else known[variable]

    for variable, value in zip(jaxpr.constvars, consts, strict=True):
        known[variable] = value
    for variable, value in zip(jaxpr.invars, given, strict=True):
        known[variable] = change(variable, value)
    for equation in jaxpr.eqns:
        values = [read(v) for v in equation.invars]
        if _holds_mark(equation):
            inner = _inner(equation)
            lines = getattr(inner, "jaxpr", inner)
            result = _play(lines, getattr(inner, "consts", ()), values, _keep)
        else:
            bound = equation.primitive.get_bind_params(equation.params)
            # The functions within a line stood by themselves in older versions of JAX.
            rules, params = bound if isinstance(bound, tuple) else ((), bound)
            with equation.ctx.manager:
                result = equation.primitive.bind(*rules, *values, **params)
            result = result if equation.primitive.multiple_results else [result]
        for variable, value in zip(equation.outvars, result, strict=True):
            known[variable] = change(variable, value)
    return [read(v) for v in jaxpr.outvars]
