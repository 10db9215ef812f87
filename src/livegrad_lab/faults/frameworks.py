"""Twelve faults built twice, in Keras and in PyTorch, from the same weights in NumPy.

PyTorch says some things otherwise. An activation is a module of its own, ``hidden_1_bend`` behind
``hidden_1``, where Keras has it in the layer, and a fault of it is told there. A loss of
probabilities loses what float32 rounds to 1: Keras goes past the sigmoid to what it was given, and
in PyTorch the model ends before it, with ``BCEWithLogitsLoss``. The loss over classes takes logits
alone: what is a choice in Keras, ``from_logits=True``, is the rule there; and a softmax before it,
which is the same fault in both, is passed over by Keras where it sees it, so that its loss is
another. Labels of one output have its shape, (n, 1); Keras adds the axis. Kernels have the units
before the inputs.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np

from livegrad import initializers
from livegrad._checks import Array
from livegrad_lab.faults.models import binary, classes, corners, measured

__all__ = ["BEHIND", "FAULTS", "Plain", "Stack", "in_keras", "in_torch"]

BEHIND = "_bend"
"""What the name of an activation's module in PyTorch adds to that of its layer."""


@dataclass(frozen=True)
class Plain:
    """A dense layer, with what follows it.

    Attributes:
        name: of the layer.
        kernel: shape (inputs, units).
        activation: "relu", "sigmoid", "softmax" or "linear".
        bias: of all units.
        initializer: what drew the kernel.
        mask: rate of a dropout behind it; none with 0.
    """

    name: str
    kernel: Array
    activation: str = "relu"
    bias: float = 0.0
    initializer: str = "he_normal"
    mask: float = 0.0


@dataclass(frozen=True)
class Stack:
    """A stack of dense layers with its data, and how it is to be trained.

    Attributes:
        layers: in their order.
        x: inputs, shape (n, features).
        y: labels, shape (n,).
        loss: "binary" of a sigmoid's probability, "classes" of logits or "squared".
        rate: of the step; of Adam's steps, or else of plain ones.
        adam: whether it is Adam's.
        code: the finding that is expected.
        layer: the layer it is expected at.
    """

    layers: tuple[Plain, ...]
    x: Array
    y: Array
    loss: str
    rate: float
    adam: bool
    code: str
    layer: str


FAULTS: dict[str, Callable[[], Stack]] = {}
"""By the name that the fault has in the catalogue, what builds it."""


def _fault(name: str) -> Callable[[Callable[[], Stack]], Callable[[], Stack]]:
    def add(build: Callable[[], Stack]) -> Callable[[], Stack]:
        FAULTS[name] = build
        return build

    return add


def _stack(
    code: str,
    layer: str,
    data: tuple[Array, Array],
    depth: int = 2,
    *,
    activation: str = "relu",
    initializer: str = "he_normal",
    out: int = 1,
    end: str = "sigmoid",
    loss: str = "binary",
    rate: float = 0.003,
    adam: bool = True,
    width: int = 32,
    **hidden: Any,
) -> Stack:
    """Return hidden layers of one kind and an output; ``hidden`` are arguments of ``Plain``."""
    x, y = data
    sizes = [x.shape[1], *[width] * depth, out]
    layers = []
    for at, (before, units) in enumerate(pairwise(sizes), start=1):
        last = at == len(sizes) - 1
        drawn = "glorot_uniform" if last else initializer
        kernel = initializers.get(drawn)((before, units), rng=at).astype("float32")
        if last:
            layers.append(Plain("output", kernel, end, initializer=drawn))
        else:
            layers.append(Plain(f"hidden_{at}", kernel, activation, initializer=drawn, **hidden))
    return Stack(tuple(layers), x.astype("float32"), y, loss, rate, adam, code, layer)


@_fault("ten sigmoid layers")
def _ten_sigmoid_layers() -> Stack:
    return _stack(
        *("vanishing-gradient", "hidden_1", binary(), 10),
        activation="sigmoid",
        initializer="glorot_uniform",
    )


@_fault("thirty ReLU layers with glorot_uniform")
def _thirty_relu_layers_with_glorot_uniform() -> Stack:
    return _stack(
        *("initializer-mismatch", "hidden_2", binary(), 30),
        initializer="glorot_uniform",
        rate=0.05,
        adam=False,
    )


@_fault("softmax taken for logits")
def _softmax_taken_for_logits() -> Stack:
    return _stack(
        *("output-loss-mismatch", "output", classes()), out=3, end="softmax", loss="classes"
    )


@_fault("no activation between layers")
def _no_activation_between_layers() -> Stack:
    return _stack(
        *("no-nonlinearity", "hidden_1", corners()),
        activation="linear",
        initializer="glorot_uniform",
        rate=0.01,
    )


@_fault("all weights zero")
def _all_weights_zero() -> Stack:
    return _stack("symmetric-weights", "hidden_1", binary(), initializer="zeros")


@_fault("one feature in the thousands")
def _one_feature_in_the_thousands() -> Stack:
    x, y = binary()
    x = x * np.array([1, 1, 3000, 1, 1, 1, 1, 1], "float32")
    return _stack("unscaled-input", "data", (x, y), rate=0.1, adam=False)


@_fault("SGD's rate too high")
def _sgds_rate_too_high() -> Stack:
    return _stack(
        *("learning-rate", "optimizer", measured()),
        end="linear",
        loss="squared",
        rate=5.0,
        adam=False,
    )


@_fault("the rate far too low")
def _the_rate_far_too_low() -> Stack:
    return _stack(
        *("learning-rate", "optimizer", measured()),
        end="linear",
        loss="squared",
        rate=1e-8,
        adam=False,
    )


@_fault("all units born dead")
def _all_units_born_dead() -> Stack:
    return _stack("dead-units", "hidden_1", binary(), bias=-10.0)


@_fault("softmax between layers")
def _softmax_between_layers() -> Stack:
    return _stack(
        *("softmax-hidden", "hidden_1", binary()), activation="softmax", rate=0.05, adam=False
    )


@_fault("the share kept taken for the rate")
def _the_share_kept_taken_for_the_rate() -> Stack:
    return _stack("dropout-rate", "mask_1", binary(), 3, width=16, mask=0.95)


@_fault("classes numbered from 1")
def _classes_numbered_from_1() -> Stack:
    x, y = classes()
    return _stack("label-mismatch", "data", (x, y + 1), out=3, end="linear", loss="classes")


def in_keras(stack: Stack) -> tuple[Any, Array, Array]:
    """Return a compiled Keras model with its data."""
    import keras

    layers: list[Any] = [keras.Input(stack.x.shape[1:])]
    for plain in stack.layers:
        layers.append(
            keras.layers.Dense(
                plain.kernel.shape[1],
                plain.activation,
                kernel_initializer=plain.initializer,
                bias_initializer=keras.initializers.Constant(plain.bias),
                name=plain.name,
            )
        )
        if plain.mask:
            name = plain.name.replace("hidden", "mask")
            layers.append(keras.layers.Dropout(plain.mask, name=name))
    model = keras.Sequential(layers)
    for plain in stack.layers:
        model.get_layer(plain.name).kernel.assign(plain.kernel)
    optimizer = keras.optimizers.Adam if stack.adam else keras.optimizers.SGD
    losses = {
        "binary": "binary_crossentropy",
        "classes": keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        "squared": "mean_squared_error",
    }
    model.compile(optimizer(stack.rate), losses[stack.loss])
    return model, stack.x, stack.y


def in_torch(stack: Stack) -> tuple[Any, Array, Array, dict[str, Any]]:
    """Return a PyTorch module with its data, and its loss and optimizer by their names."""
    import torch
    from torch import nn

    bent = {"relu": nn.ReLU, "sigmoid": nn.Sigmoid, "softmax": lambda: nn.Softmax(dim=-1)}
    module = nn.Sequential()
    for plain in stack.layers:
        layer = nn.Linear(*plain.kernel.shape)
        with torch.no_grad():
            layer.weight.copy_(torch.as_tensor(plain.kernel.T))
            layer.bias.fill_(plain.bias)
        module.add_module(plain.name, layer)
        if plain.activation != "linear" and not (stack.loss == "binary" and plain.name == "output"):
            module.add_module(f"{plain.name}{BEHIND}", bent[plain.activation]())
        if plain.mask:
            module.add_module(plain.name.replace("hidden", "mask"), nn.Dropout(plain.mask))
    if stack.adam:
        # Keras's epsilon.
        optimizer: Any = torch.optim.Adam(module.parameters(), stack.rate, eps=1e-7)
    else:
        optimizer = torch.optim.SGD(module.parameters(), stack.rate)
    losses = {"binary": nn.BCEWithLogitsLoss, "classes": nn.CrossEntropyLoss, "squared": nn.MSELoss}
    y = stack.y if stack.loss == "classes" else stack.y[:, None].astype("float32")
    return module, stack.x, y, {"loss": losses[stack.loss](), "optimizer": optimizer}
