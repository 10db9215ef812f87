"""What is judged: arrays and plain facts of a model, whatever framework it is written in.

A probe, one a framework, collects them; the judge sees nothing else. Arrays have the examples on
their first axis and the features or channels on their last, kernels the inputs before the units.
An array stands for the tensor it was read from: two calls that share one share the array.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np

from livegrad._checks import Array

__all__ = [
    "BENDING",
    "MASKS",
    "WEIGHTED",
    "Call",
    "Layer",
    "Metric",
    "Optimizer",
    "Output",
    "Pass",
    "Plan",
    "Probe",
    "Stepper",
    "Walker",
    "Weight",
    "Words",
    "norm",
    "spread",
]

WEIGHTED = ("dense", "convolution", "transposed", "depthwise", "separable")
"""Kinds whose kernel is one linear map from the inputs to the units."""
BENDING = "activation"
MASKS = ("mask", "noise")
"""Kinds that add noise in training; only a "mask" has a rate."""
# As many numbers are taken in double precision at once as a cache holds.
_PIECE = 2**16


@dataclass(eq=False)
class Weight:
    """One weight of a layer.

    Attributes:
        name: "kernel", "bias", "gamma", "beta" or what the framework calls it.
        path: its name within the model.
        shape: its shape.
        read: returns its value.
        trainable: whether training moves it.
        place: among the model's trainable weights; None for the others.
        epsilon: the distance from 1 to the next number of its type.
        draw: returns what its initializer would draw; None where that is not known.
        zeros: whether its initializer gives zeros; None where that is not known.
        penalty: l1 and l2 of the loss's terms ``l1 * sum(abs(w)) + l2 * sum(w ** 2)``.
        turned: returns an array of the framework's shape, such as a gradient, in that of ``value``;
            ``back`` the other way.
    """

    name: str
    path: str
    shape: tuple[int, ...]
    read: Callable[[], Array]
    trainable: bool = True
    place: int | None = None
    epsilon: float = float(np.finfo("float32").eps)
    draw: Callable[[], Array] | None = None
    zeros: bool | None = None
    penalty: tuple[float, float] = (0.0, 0.0)
    turned: Callable[[Array], Array] = lambda array: array
    back: Callable[[Array], Array] = lambda array: array

    @property
    def value(self) -> Array:
        """Its value, in double precision."""
        return np.asarray(self.read(), dtype="float64")


@dataclass(eq=False)
class Layer:
    """A layer that has no layers inside which are looked at one by one.

    Attributes:
        name: within the model.
        kind: one of ``WEIGHTED``, "embedding", "recurrent", "wrapper" (of another layer),
            "attention", "normalization",
            "activation", "mask", "noise", "passing" (nothing is lost or bent), "padding" (with
            zeros), "pooling" (by the largest), "scaling" (by fixed numbers), "merging" or "other".
        type: its class, as the framework calls it.
        activation: the activation's name, "linear", "none" where it has none, or "unknown".
        weights: by name.
        trainable: whether its weights are.
        own: whether the layer is the framework's, not the reader's.
        rate: of a mask.
        negative: the slope below 0 of a ReLU; ``most`` its upper end, ``threshold`` its lower.
        over: what a normalization averages over, "batch" or "features".
        momentum: of a normalization's running averages.
        rows: of an embedding's table.
        masked: whether an embedding or a recurrent layer leaves padding out.
        initializer: the kernel's, by name.
        within: the name of the frozen model that it is in, "" if in none.
        origin: the framework's object.
    """

    name: str
    kind: str
    type: str = ""
    activation: str = "none"
    weights: dict[str, Weight] = field(default_factory=dict)
    trainable: bool = True
    own: bool = True
    rate: float = 0.0
    negative: float = 0.0
    most: float = math.inf
    threshold: float = 0.0
    over: str = ""
    momentum: float = 0.0
    rows: int = 0
    masked: bool = False
    initializer: str = ""
    within: str = ""
    origin: Any = None

    @property
    def weighted(self) -> bool:
        """Whether it is a dense layer or a convolution."""
        return self.kind in WEIGHTED

    @property
    def kernel(self) -> Weight | None:
        """Its kernel; that of the first map, where there are several."""
        return self.weights.get("kernel")

    @property
    def bias(self) -> Weight | None:
        """Its bias."""
        return self.weights.get("bias")


@dataclass(eq=False)
class Call:
    """One call of a layer.

    Attributes:
        layer: the layer.
        inputs: the floating arrays it was given.
        output: its first floating output.
        parents: the calls that made the inputs; the call before, where that is not known.
        first: whether an input of the model is among the inputs.
        pre: what its own activation was given; its output, where it has none.
        gradients: of the loss for each of the inputs; None where there is none.
        gradient: of the loss for the output.
        delta: of the loss for ``pre``.
        chained: whether all parents are known, and nothing unseen was computed in between.
        whole: the whole numbers it was given.
        scores: of an attention, the weights that it gave: (n, heads, queries, keys).
    """

    layer: Layer
    inputs: list[Array]
    output: Array | None
    parents: list[int]
    first: bool
    pre: Array | None = None
    gradients: list[Array | None] = field(default_factory=list)
    gradient: Array | None = None
    delta: Array | None = None
    whole: list[Array] = field(default_factory=list)
    scores: Array | None = None


@dataclass(eq=False)
class Pass:
    """What one pass gave.

    Attributes:
        calls: in the order in which they ran.
        outputs: the model's outputs, flat.
        loss: penalties included; NaN where it could not be computed.
        weights: one gradient a trainable weight, None where it has none.
        error: what kept the loss from being computed.
        penalty: the part of the loss that knows no labels.
        lost: the share of the gradients' entries that half precision rounds to 0.
        stray: trainable weights that the outputs depend on, and that are neither among the model's
            nor among the optimizer's.
    """

    calls: list[Call]
    outputs: list[Array]
    loss: float
    weights: list[Array | None]
    error: str = ""
    penalty: float = 0.0
    lost: float = 0.0
    stray: int = 0


@dataclass(frozen=True)
class Metric:
    """A metric of an output.

    Attributes:
        name: lower case without underscores.
        plain: given by name, for the framework to choose the fitting one.
        threshold: between two classes; None where it has none.
        equal: whether it counts equal numbers.
    """

    name: str
    plain: bool = False
    threshold: float | None = None
    equal: bool = False


@dataclass(eq=False)
class Output:
    """One output with its loss and its labels.

    Attributes:
        layer: the name of the layer that gives the output.
        activation: its activation's name; "unknown" where it is not a known layer's.
        kind: the loss's name, lower case without underscores; "" for one that is not known here.
        logits: whether the loss takes logits.
        ignored: a label that the loss ignores.
        output: a sample of the output.
        y: all labels.
        metrics: those of this output.
        weighted: whether examples or classes have weights.
        cost: returns the loss for predictions in place of the output, and the sample's labels; None
            where it cannot be asked.
        some: the labels of the sample.
        axis: over which a loss over classes takes them.
        strict: whether labels must have the output's shape, a last axis of length 1 included.
        share: of the kind's usual loss; a half where it is half of the squared error.
        classes: the weight of each class, where the loss has them.
    """

    layer: str
    activation: str
    kind: str
    logits: bool
    ignored: int | None
    output: Array
    y: Array
    metrics: list[Metric] = field(default_factory=list)
    weighted: bool = False
    cost: Callable[[Array], float] | None = None
    some: Array | None = None
    axis: int = -1
    strict: bool = False
    share: float = 1.0
    classes: Array | None = None

    @property
    def units(self) -> int:
        """Entries of the last axis."""
        return int(self.output.shape[-1]) if self.output.ndim > 1 else 1


@dataclass(frozen=True)
class Optimizer:
    """What is known of the optimizer.

    Attributes:
        name: its class.
        adaptive: whether it divides each gradient by its own size.
        rate: the learning rate now.
        schedule: returns the rate of a step; None where one rate holds for all.
        began: the rate of the first step, where that is known.
        taken: steps taken so far.
        decay: weight decay beside the loss.
        clipped: the gradient's largest norm or entry, where it is clipped, by the argument's name.
        scales: whether it scales the loss for half precision.
        moved: paths of the weights that it was made for; None if all that are trainable.
        momentum: of plain steps.
    """

    name: str
    adaptive: bool
    rate: float
    schedule: Callable[[int], float] | None = None
    began: float = math.nan
    taken: int = 0
    decay: float = 0.0
    clipped: tuple[str, float] | None = None
    scales: bool = False
    moved: frozenset[str] | None = None
    momentum: float = 0.0

    def lasting(self, steps: int) -> float:
        """Return so many steps in steps of the present rate."""
        if self.schedule is None or self.rate <= 0:
            return float(steps)
        places = np.unique(np.linspace(0, steps - 1, min(steps, 200)).astype(int)) + self.taken
        rates = [self.schedule(int(place)) for place in places]
        return float(np.mean(rates)) * steps / self.rate


@dataclass(frozen=True)
class Plan:
    """How the model is to be trained, as far as that was told.

    Attributes:
        batch: examples a step; None if unknown.
        epochs: passes over the data; None if unknown.
        total: examples in all.
    """

    batch: int | None = None
    epochs: int | None = None
    total: int = 0

    def steps(self, batch: int | None = None) -> int | None:
        """Return the steps in all, with batches of another size if given; None if unknown."""
        size = batch or self.batch
        if size is None or self.epochs is None or not self.total:
            return None
        return self.epochs * math.ceil(self.total / size)


class Stepper(Protocol):
    """A twin of the optimizer, with copies of the trainable weights."""

    def step(self, gradients: Sequence[Array | None]) -> None:
        """Take one step."""

    @property
    def values(self) -> list[Array]:
        """The copies as they are now."""


class Words(Protocol):
    """Lines of code, in the framework's own words."""

    def layer(
        self,
        layer: Layer,
        *,
        units: int | None = None,
        activation: str | None = None,
        initializer: str | None = None,
        bias: str | None = None,
    ) -> str:
        """The layer once more, with these arguments; with an ellipsis where units are left out."""

    def dense(self, units: int, activation: str, initializer: str | None = None) -> str:
        """A dense layer."""

    def without(self, layer: Layer) -> str:
        """The model without the layer."""

    def mask(self, rate: float) -> str:
        """A dropout layer."""

    def restart(self, layer: Layer, weight: Weight) -> str:
        """The weight drawn anew."""

    def thaw(self, layer: Layer | None) -> str:
        """The layer, or the model, made trainable."""

    def finite(self) -> str:
        """A logarithm and a division that stay finite."""

    def stable(self) -> str:
        """A loss that is finite for any output."""

    def scale(self, pixels: bool) -> str:
        """The inputs scaled."""

    def normalise(self) -> str:
        """A normalisation before each block."""

    def rate(self, rate: float, optimizer: Optimizer) -> str:
        """The learning rate set."""

    def loss(self, kind: str, logits: bool = False) -> str:
        """The loss set."""

    def metric(self, kind: str, threshold: float | None = None) -> str:
        """The metric set."""

    def with_loss(self, layer: str, kind: str) -> str:
        """An output layer together with its loss."""

    def columns(self) -> str:
        """Class numbers made columns."""

    def smooth(self) -> str:
        """Something with a slope in place of what has none."""

    def again(self) -> str:
        """The optimizer made anew, for all weights."""

    def lighter(self, layer: Layer, strength: float) -> str:
        """The layer with a weaker penalty."""

    def decay(self, strength: float) -> str:
        """The optimizer with a weaker decay."""

    def layer_norm(self, layer: Layer) -> str:
        """A normalisation of each example by itself."""

    def momentum(self, layer: Layer, momentum: float) -> str:
        """A normalisation whose running averages follow faster."""

    def recurrent(self, layer: Layer) -> str:
        """A recurrent layer that keeps the size of what it remembers."""

    def masked(self) -> str:
        """Padding left out."""

    def attend(self) -> str:
        """Attention with queries and keys of a fair size."""

    def soft(self, layer: Layer) -> str:
        """A softmax over the last axis."""

    def training(self, layer: Layer) -> str:
        """The layer called as in training."""

    def apart(self, layer: Layer) -> str:
        """The axes in an order in which examples stay apart."""

    def tracked(self) -> str:
        """Layers kept where the model finds them."""

    def half(self) -> str:
        """The loss scaled for half precision."""

    def batch(self, size: int) -> str:
        """Batches of another size."""

    def targets(self) -> str:
        """The targets standardised."""


class Walker(Protocol):
    """Takes many steps at once, where a framework has a faster way than one by one."""

    def __call__(
        self, rate: float, batches: Array, *, bare: bool = False, masks: bool = False
    ) -> tuple[Array, list[Array]]:
        """Return the loss of each step taken and the weights at the end.

        Args:
            rate: of the steps.
            batches: places of the examples of each step, (steps, batch).
            bare: whether penalties and decay are left out.
            masks: whether dropout is on.

        None is taken from where the loss or a gradient is not finite.
        """


class Probe(Protocol):
    """What a framework's probe tells of one model and its data, and does for the judge."""

    layers: list[Layer]
    trainable: int
    rows: int
    x: list[Array]
    y: list[Array]
    bad: str
    plan: Plan
    failed: tuple[Layer, list[Array]] | None

    @property
    def walk(self) -> Walker | None:
        """Takes many steps at once; None where they are taken one by one."""

    @property
    def instead(self) -> Callable[[set[str], list[Array]], AbstractContextManager[Probe]] | None:
        """Gives, for a while, a probe of the model with ReLUs as the activations of these layers.

        It begins at the weights given. None where layers cannot be changed for a while.
        """

    @property
    def words(self) -> Words:
        """How it says what to change."""

    @property
    def optimizer(self) -> Optimizer:
        """What is known of the optimizer."""

    def run(
        self,
        values: Sequence[Array] | None = None,
        *,
        rows: int | Array | None = None,
        with_loss: bool = True,
    ) -> Pass:
        """Run forward and backward in training mode, without dropout."""

    def slopes(
        self, values: Sequence[Array], *, rows: Array, bare: bool = False
    ) -> tuple[float, list[Array | None]]:
        """Return the loss and the weights' gradients alone; ``bare`` without penalties."""

    def loss(
        self,
        values: Sequence[Array] | None = None,
        training: bool = True,
        *,
        rows: Array | None = None,
        bare: bool = False,
    ) -> float:
        """Return the loss with ``values`` for the trainable weights."""

    def values(self) -> list[Array]:
        """Return the trainable weights, in the framework's own shapes."""

    def stepper(self, rate: float | None = None, *, bare: bool = False) -> Stepper:
        """Return a twin of the optimizer as it is now, at a rate; ``bare`` without decay."""

    def outputs(self, glance: Pass) -> tuple[list[Output], list[str]]:
        """Return the outputs with their losses, and what could not be told of them."""

    def alone(self, call: Call) -> Array | None:
        """Return the gradient that one call alone sends to its first input."""


def norm(array: Array | None) -> float:
    """Return the Frobenius norm in double precision; NaN without an array."""
    if array is None:
        return math.nan
    flat, squares = np.asarray(array).ravel(), 0.0
    with np.errstate(over="ignore"):
        for at in range(0, flat.size, _PIECE):
            piece = flat[at : at + _PIECE].astype("float64")
            # No product of BLAS, whose threads would wait for each other at each piece.
            squares += float(np.square(piece, out=piece).sum())
    return math.sqrt(squares)


def spread(array: Array | None) -> float:
    """Return the standard deviation over the examples, root mean square over the rest.

    NaN without numbers.
    """
    if array is None or not array.size:
        return math.nan
    wide = np.asarray(array).reshape(len(array), -1)  # (n, values)
    columns, variances = max(1, _PIECE // len(wide)), 0.0
    for at in range(0, wide.shape[1], columns):
        piece = wide[:, at : at + columns].astype("float64")
        variances += float(np.var(piece, axis=0).sum())
    return math.sqrt(variances / wide.shape[1])
