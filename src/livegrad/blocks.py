"""The factors I + J and normalisation: what a shortcut and a normalised layer put into the product.

A block is a function of arrays and the way back through it. Put together they are a network:

    normalise   y = gamma x_hat + beta        x_hat = (x - mean) / sqrt(var + epsilon)
    back        dL/dx = (d - mean(d) - x_hat mean(d x_hat)) / sqrt(var + epsilon),  d = gamma dL/dy

    shortcut    y = x + f(x)
    back        dL/dx = dL/dy + J^T dL/dy     the factor I + J, J the Jacobian of f

The last axis of an array holds the units; those before it are examples, or examples and places.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import replace
from itertools import pairwise

import numpy as np
from numpy.typing import ArrayLike, DTypeLike

from livegrad import activations, initializers, outputs
from livegrad._checks import Array, counted, floating, generator
from livegrad.network import History
from livegrad.optimizers import SGD, Optimizer

__all__ = [
    "Activate",
    "BatchNorm",
    "Block",
    "Dense",
    "LayerNorm",
    "Network",
    "RMSNorm",
    "Residual",
    "Sequential",
    "mlp",
]


class Block:
    """A function of an array, with the way back through it.

    Attributes:
        arrays: what it learns, stepped in place by an optimizer.
        gradients: dL/d(array) in the same order, as the last ``backward`` left them.
    """

    def __init__(self) -> None:
        self.arrays: list[Array] = []
        self.gradients: list[Array] = []

    def forward(self, x: ArrayLike, training: bool = False) -> Array:
        """Return the block's value, and keep what ``backward`` needs.

        Args:
            x: shape (..., units).
            training: whether it behaves as while it trains: batch normalisation then takes the
                batch's own mean and variance.
        """
        # Overflow shows as inf, not as a warning.
        with np.errstate(over="ignore", invalid="ignore"):
            return self._forward(floating(x), training)

    def backward(self, upstream: Array) -> Array:
        """Return dL/dx, and leave dL/d(array) in ``gradients``.

        Args:
            upstream: dL/dy, of the shape that ``forward`` returned last.
        """
        with np.errstate(over="ignore", invalid="ignore"):
            return self._backward(upstream)

    def __call__(self, x: ArrayLike) -> Array:
        """Return the value outside training."""
        return self.forward(x)

    def _forward(self, x: Array, training: bool) -> Array:
        """Return the value: each kind of block has its own way."""
        raise NotImplementedError

    def _backward(self, upstream: Array) -> Array:
        """Return dL/dx and leave the gradients: each kind of block has its own way."""
        raise NotImplementedError


class Dense(Block):
    """A dense layer without an activation: ``y = x W + b``.

    Args:
        inputs: fan-in.
        units: fan-out.
        initializer: name of an initializer or any ``f(shape, rng)``; the bias starts at 0.
        rng: generator or seed.
        use_bias: whether b is there.
        dtype: floating type of the arrays.

    Raises:
        ValueError: if a size is below 1 or the initializer's name is unknown.
    """

    def __init__(
        self,
        inputs: int,
        units: int,
        initializer: str | Callable[..., Array] = "glorot_uniform",
        rng: np.random.Generator | int = 0,
        use_bias: bool = True,
        dtype: DTypeLike = np.float64,
    ) -> None:
        super().__init__()
        counted(inputs, "inputs")
        counted(units, "units")
        draw = initializers.get(initializer) if isinstance(initializer, str) else initializer
        self.arrays = [np.array(draw((inputs, units), generator(rng)), dtype=dtype)]
        if use_bias:
            self.arrays.append(np.zeros(units, dtype=dtype))

    def _forward(self, x: Array, training: bool) -> Array:
        weight = self.arrays[0]  # (inputs, units)
        _fits(x, len(weight))
        self._x = x
        y = x @ weight  # (..., units)
        return y + self.arrays[1] if len(self.arrays) > 1 else y

    def _backward(self, upstream: Array) -> Array:
        weight = self.arrays[0]
        rows = self._x.reshape(-1, weight.shape[0])  # (rows, inputs)
        delta = upstream.reshape(-1, weight.shape[1])  # (rows, units)
        self.gradients = [rows.T @ delta, delta.sum(axis=0)][: len(self.arrays)]
        return np.asarray(upstream @ weight.T)


class Activate(Block):
    """An activation, entry by entry.

    Args:
        activation: by name or as an ``Activation``.

    Raises:
        ValueError: if the name is unknown.
    """

    def __init__(self, activation: str | activations.Activation) -> None:
        super().__init__()
        self.activation = activations.get(activation)

    def _forward(self, x: Array, training: bool) -> Array:
        self._x = x
        return self.activation(x)

    def _backward(self, upstream: Array) -> Array:
        return self.activation.vjp(self._x, upstream)


class _Normalization(Block):
    """What the three share: divide by a root mean square, then scale and shift."""

    axes: tuple[int, ...] | int = -1
    centred = True

    def __init__(self, units: int, epsilon: float, dtype: DTypeLike) -> None:
        super().__init__()
        counted(units, "units")
        if isinstance(epsilon, bool) or not 0 <= epsilon < math.inf:
            raise ValueError(f"epsilon must be finite and at least 0, got {epsilon!r}")
        self.epsilon = epsilon
        self.arrays = [np.ones(units, dtype=dtype)]  # gamma
        if self.centred:
            self.arrays.append(np.zeros(units, dtype=dtype))  # beta

    def _normalized(self, x: Array, axes: tuple[int, ...] | int) -> Array:
        """Return x_hat, and keep it with what it was divided by."""
        wide = x.astype(np.promote_types(x.dtype, np.float32), copy=False)
        # Squares of what is huge would overflow: x / s has the same x_hat, with epsilon / s^2.
        top = np.abs(wide).max(axis=axes, keepdims=True, initial=0.0)
        self._s = np.maximum(top / np.float32(1e15), 1)
        scaled = wide / self._s
        mean = scaled.mean(axis=axes, keepdims=True) if self.centred else 0.0
        square = np.mean((scaled - mean) ** 2, axis=axes, keepdims=True)
        self._mean, self._variance = mean * self._s, square * self._s**2
        self._root = np.sqrt(square + self.epsilon / self._s**2)
        self._hat = _divided(scaled - mean, self._root)
        return self._hat

    def _scaled(self, hat: Array, dtype: np.dtype[np.floating]) -> Array:
        y = hat * self.arrays[0]
        return np.asarray(y + self.arrays[1] if self.centred else y).astype(dtype, copy=False)

    def _through(self, upstream: Array, axes: tuple[int, ...] | int) -> Array:
        """Return dL/dx where mean and variance are those of x itself."""
        d = upstream * self.arrays[0]
        away = self._hat * np.mean(d * self._hat, axis=axes, keepdims=True)
        if self.centred:
            away = away + d.mean(axis=axes, keepdims=True)
        below = _divided(d - away, self._root) / self._s
        return np.asarray(below).astype(upstream.dtype, copy=False)

    def _learnt(self, upstream: Array) -> None:
        rows = tuple(range(upstream.ndim - 1))
        found = [(upstream * self._hat).sum(axis=rows), upstream.sum(axis=rows)]
        self.gradients = [one.astype(self.arrays[0].dtype) for one in found][: len(self.arrays)]


class LayerNorm(_Normalization):
    """Normalise each example over its units, then scale by gamma and shift by beta.

    Keras's default for epsilon, which is larger than PyTorch's.

    Args:
        units: size of the last axis.
        epsilon: is added to the variance, at least 0.
        dtype: floating type of gamma and beta.

    Raises:
        ValueError: if an argument is out of its range.

    Source:
        Ba, Kiros and Hinton 2016, eq. 3.
    """

    def __init__(self, units: int, epsilon: float = 1e-3, dtype: DTypeLike = np.float64) -> None:
        super().__init__(units, epsilon, dtype)

    def _forward(self, x: Array, training: bool) -> Array:
        _fits(x, len(self.arrays[0]))
        return self._scaled(self._normalized(x, self.axes), x.dtype)

    def _backward(self, upstream: Array) -> Array:
        self._learnt(upstream)
        return self._through(upstream, self.axes)


class RMSNorm(LayerNorm):
    """Divide each example by the root mean square of its units, then scale by gamma.

    Nothing is subtracted and nothing is shifted.

    Args:
        units: size of the last axis.
        epsilon: is added to the mean square, at least 0.
        dtype: floating type of gamma.

    Raises:
        ValueError: if an argument is out of its range.

    Source:
        Zhang and Sennrich 2019, eq. 4.
    """

    centred = False

    def __init__(self, units: int, epsilon: float = 1e-6, dtype: DTypeLike = np.float64) -> None:
        super().__init__(units, epsilon, dtype)


class BatchNorm(_Normalization):
    """Normalise each unit over the batch, then scale by gamma and shift by beta.

    Outside training it uses running averages of what the batches gave, and is a fixed affine map.
    Keras's defaults; in PyTorch ``momentum`` is the share of the *new* value, and the running
    variance is the unbiased one.

    Args:
        units: size of the last axis.
        momentum: share of the running averages that a batch leaves, in [0, 1).
        epsilon: is added to the variance, at least 0.
        dtype: floating type of all arrays.

    Attributes:
        moving_mean: running average of the batches' means, shape (units,).
        moving_variance: the same of their variances.

    Raises:
        ValueError: if an argument is out of its range, or a batch is empty in training.

    Source:
        Ioffe and Szegedy 2015, algorithms 1 and 2.
    """

    def __init__(
        self,
        units: int,
        momentum: float = 0.99,
        epsilon: float = 1e-3,
        dtype: DTypeLike = np.float64,
    ) -> None:
        super().__init__(units, epsilon, dtype)
        if isinstance(momentum, bool) or not 0 <= momentum < 1:
            raise ValueError(f"momentum must be in [0, 1), got {momentum!r}")
        self.momentum = momentum
        self.moving_mean = np.zeros(units, dtype=dtype)
        self.moving_variance = np.ones(units, dtype=dtype)

    def _forward(self, x: Array, training: bool) -> Array:
        _fits(x, len(self.arrays[0]))
        rows = tuple(range(x.ndim - 1))
        self._training = training
        if not training:
            self._root = np.sqrt(self.moving_variance + self.epsilon)  # (units,)
            self._hat = _divided(x - self.moving_mean, self._root)
            return self._scaled(self._hat, x.dtype)
        if x.size == 0:
            raise ValueError(f"x must hold at least one example, got the shape {x.shape}")
        hat = self._normalized(x, rows)
        new = (np.ravel(self._mean), np.ravel(self._variance))
        for moving, own in zip((self.moving_mean, self.moving_variance), new, strict=True):
            moving *= self.momentum
            moving += (1 - self.momentum) * own
        return self._scaled(hat, x.dtype)

    def _backward(self, upstream: Array) -> Array:
        self._learnt(upstream)
        if self._training:
            return self._through(upstream, tuple(range(upstream.ndim - 1)))
        return np.asarray(_divided(upstream * self.arrays[0], self._root))


class Sequential(Block):
    """Blocks one after the other.

    Args:
        *blocks: the first takes the input.

    Attributes:
        values: what went into each block, and what came out of the last, in ``forward``.
        deltas: dL/d(value) of each of them, in ``backward``.
    """

    def __init__(self, *blocks: Block) -> None:
        super().__init__()
        self.blocks = blocks
        self.arrays = [array for block in blocks for array in block.arrays]

    def _forward(self, x: Array, training: bool) -> Array:
        self.values = [x]
        for block in self.blocks:
            self.values.append(block.forward(self.values[-1], training))
        return self.values[-1]

    def _backward(self, upstream: Array) -> Array:
        self.deltas = [upstream]
        for block in reversed(self.blocks):
            self.deltas.insert(0, block.backward(self.deltas[0]))
        self.gradients = [one for block in self.blocks for one in block.gradients]
        return self.deltas[0]


class Residual(Block):
    """A shortcut around blocks: ``y = x + f(x)``, or ``y = x + scale f(x)`` with a learnt scale.

    Args:
        *blocks: the branch f, one after the other. Its output has the shape of its input.
        scale: where a number is given, a scale of the branch that is learnt, and its first value:
            0 is SkipInit's and ReZero's.
        dtype: floating type of the scale.

    Raises:
        ValueError: if the branch changes the shape.

    Source:
        He et al. 2016, eq. 1; De and Smith 2020 (SkipInit); Bachlechner et al. 2021 (ReZero).
    """

    def __init__(
        self, *blocks: Block, scale: float | None = None, dtype: DTypeLike = np.float64
    ) -> None:
        super().__init__()
        self.branch = Sequential(*blocks)
        self._scale = None if scale is None else np.array(scale, dtype=dtype)
        own = [] if self._scale is None else [self._scale]
        self.arrays = [*self.branch.arrays, *own]

    def _forward(self, x: Array, training: bool) -> Array:
        self._f = self.branch.forward(x, training)
        if self._f.shape != x.shape:
            raise ValueError(f"the branch must keep the shape {x.shape}, got {self._f.shape}")
        return np.asarray(x + (self._f if self._scale is None else self._scale * self._f))

    def _backward(self, upstream: Array) -> Array:
        if self._scale is None:
            below = self.branch.backward(upstream)
            self.gradients = self.branch.gradients
        else:
            below = self.branch.backward(self._scale * upstream)
            self.gradients = [*self.branch.gradients, np.sum(upstream * self._f)]
        return np.asarray(upstream + below)


class Network(Sequential):
    """Blocks with an output head, to be trained.

    Args:
        *blocks: the last gives the logits.
        head: the task, one of ``outputs.TASKS``, or a ``Head``.

    Examples:
        >>> net = Network(Dense(2, 8), BatchNorm(8), Activate("relu"), Dense(8, 1))
        >>> x = np.random.default_rng(0).standard_normal((100, 2))
        >>> history = net.fit(x, x[:, 0] > 0, epochs=20, optimizer=SGD(0.5))
        >>> net.accuracy(x, x[:, 0] > 0) > 0.9
        True
    """

    def __init__(self, *blocks: Block, head: str | outputs.Head = "binary") -> None:
        super().__init__(*blocks)
        self.head = outputs.head(head)

    def loss(self, x: ArrayLike, y: ArrayLike, training: bool = False) -> float:
        """Return the mean loss.

        Args:
            x: inputs; the first axis holds the examples.
            y: labels that fit the head. Of logits with places, shape (n, places, units), each
                place is an example of its own, and y has the shape (n, places).
            training: see ``Block.forward``.

        Raises:
            ValueError: if the labels do not fit.
        """
        logits, labels = _flat(self.forward(x, training), y)
        return self.head.loss_value(logits, labels)

    def loss_and_gradients(self, x: ArrayLike, y: ArrayLike) -> float:
        """Return the mean loss in training, and leave its gradients in ``gradients``.

        Args:
            x: see ``loss``.
            y: see ``loss``.
        """
        found = self.forward(x, training=True)
        logits, labels = _flat(found, y)
        delta = self.head.gradient(logits, labels)  # p - y, averaged
        self.backward(delta.reshape(found.shape))
        return self.head.loss_value(logits, labels)

    def accuracy(self, x: ArrayLike, y: ArrayLike) -> float:
        """Return the share of right classes.

        Args:
            x: see ``loss``.
            y: see ``loss``.

        Raises:
            ValueError: if the head is not one of classes.
        """
        if self.head.activation not in ("sigmoid", "softmax"):
            raise ValueError(f"accuracy needs a classification head, got {self.head.task!r}")
        logits, labels = _flat(self.forward(x), y)
        targets = self.head.targets(labels, logits.shape[-1])
        if self.head.activation == "softmax":
            return float(np.mean(logits.argmax(axis=1) == targets.argmax(axis=1)))
        return float(np.mean((logits > 0) == (targets > 0.5)))

    def fit(
        self,
        x: ArrayLike,
        y: ArrayLike,
        epochs: int = 10,
        batch_size: int = 32,
        optimizer: Optimizer | None = None,
        rng: np.random.Generator | int = 0,
    ) -> History:
        """Train, and return the losses; see ``MLP.fit``.

        Args:
            x: see ``loss``.
            y: see ``loss``.
            epochs: passes over the data, shuffled anew each time.
            batch_size: examples a step.
            optimizer: any of ``livegrad.optimizers``; without one, ``SGD(0.1)``.
            rng: generator or seed of the order.

        Raises:
            ValueError: if an argument is out of its range or the data do not fit.
        """
        inputs, labels = np.asarray(x), np.asarray(y)
        if len(inputs) != len(labels) or len(inputs) == 0:
            shapes = f"{inputs.shape} and {labels.shape}"
            raise ValueError(f"x and y must have as many examples, at least 1, got shapes {shapes}")
        counted(epochs, "epochs")
        counted(batch_size, "batch_size")
        order, chosen = generator(rng), SGD(0.1) if optimizer is None else optimizer
        history = History()
        for _ in range(epochs):
            shuffled = order.permutation(len(inputs))
            total = 0.0
            for start in range(0, len(inputs), batch_size):
                rows = shuffled[start : start + batch_size]
                loss = self.loss_and_gradients(inputs[rows], labels[rows])
                total += loss * len(rows)
                if not math.isfinite(loss):
                    history.loss.append(total)
                    return replace(history, diverged=True)
                chosen.step(self.arrays, self.gradients)
            history.loss.append(total / len(inputs))
        return history


_NORMALIZATIONS: dict[str, Callable[..., Block]] = {
    "batch": BatchNorm,
    "layer": LayerNorm,
    "rms": RMSNorm,
}


def mlp(
    widths: Sequence[int],
    activation: str = "relu",
    initializer: str | Callable[..., Array] | None = None,
    head: str | outputs.Head = "binary",
    normalization: str | None = None,
    shortcut: bool = False,
    rng: np.random.Generator | int = 0,
    dtype: DTypeLike = np.float64,
) -> Network:
    """Return a multi-layer perceptron of blocks, with what today's networks add.

    Without normalisation and shortcuts it is ``MLP``, with the same weights for the same seed.

    Args:
        widths: units of each layer: inputs, hidden layers, outputs.
        activation: the hidden layers'.
        initializer: of all layers; without one, the one that pairs with the activation.
        head: the task.
        normalization: "batch", "layer" or "rms", between each hidden layer's weights and its
            activation.
        shortcut: whether each hidden layer that keeps the width has a shortcut around it.
        rng: generator or seed.
        dtype: floating type of all arrays.

    Raises:
        ValueError: if a name is unknown.

    Examples:
        >>> net = mlp([2, 8, 8, 1], normalization="layer", shortcut=True)
        >>> [type(block).__name__ for block in net.blocks]
        ['Dense', 'LayerNorm', 'Activate', 'Residual', 'Dense']
    """
    if len(widths) < 2:
        raise ValueError(f"widths must name inputs and outputs at least, got {widths!r}")
    if normalization is not None and normalization not in _NORMALIZATIONS:
        known = ", ".join(_NORMALIZATIONS)
        raise ValueError(f"normalization must be None or one of {known}, got {normalization!r}")
    source = generator(rng)
    chosen = initializer or activations.get(activation).initializer
    blocks: list[Block] = []
    for inputs, units in pairwise(widths[:-1]):
        layer: list[Block] = [Dense(inputs, units, chosen, source, dtype=dtype)]
        if normalization is not None:
            layer.append(_NORMALIZATIONS[normalization](units, dtype=dtype))
        layer.append(Activate(activation))
        blocks += [Residual(*layer)] if shortcut and inputs == units else layer
    last = Dense(widths[-2], widths[-1], chosen, source, dtype=dtype)
    return Network(*blocks, last, head=head)


def _fits(x: Array, units: int) -> None:
    if x.ndim < 2 or x.shape[-1] != units:
        raise ValueError(f"x must have the shape (n, ..., {units}), got {x.shape}")


def _divided(above: Array, root: Array) -> Array:
    """Divide, and let 0 / 0, units that are all alike without an epsilon, be 0."""
    return np.asarray(above / np.where(root == 0, root.dtype.type(1), root))


def _flat(logits: Array, y: ArrayLike) -> tuple[Array, Array]:
    """Return logits and labels with each place as an example."""
    labels = np.asarray(y)
    if logits.ndim > 2:
        if labels.shape[: logits.ndim - 1] != logits.shape[:-1]:
            shape = logits.shape[:-1]
            raise ValueError(f"y must have a label a place, shape {shape}, got {labels.shape}")
        labels = labels.reshape(-1, *labels.shape[logits.ndim - 1 :])
        logits = logits.reshape(-1, logits.shape[-1])
    return logits, labels
