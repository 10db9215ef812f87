"""The product itself: a multi-layer perceptron whose backward pass is the chain rule, line by line.

    dL/dW_1 = x^T (p - y) product over l = L..1 of (W_(l+1)^T phi'(z_l) mask_l / keep)

Arrays hold one example a row. A layer's weights have the shape (fan_in, fan_out), as in Keras.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise

import numpy as np
from numpy.typing import ArrayLike, DTypeLike

from livegrad import activations, initializers, outputs
from livegrad._checks import Array, counted, floating, generator, whole
from livegrad.dropout import dropout as drop
from livegrad.optimizers import SGD, Optimizer, _norm

__all__ = ["MLP", "Gradients", "History", "Trace"]

# A fit of fewer updates than this is over before a bar would help.
_LONG_FIT = 2000


@dataclass(frozen=True)
class Trace:
    """What one forward pass computed, kept for the way back.

    Attributes:
        x: the input, shape (n, widths[0]).
        z: pre-activations of every layer, the output layer included; z[l] has shape (n, fan_out).
        a: what each hidden layer passes on (after dropout, where there is any).
        masks: the dropout mask of each hidden layer, ones where nothing is dropped.
        keep: what the masked values were divided by; 1 outside training.
    """

    x: Array
    z: list[Array]
    a: list[Array]
    masks: list[Array]
    keep: float = 1.0

    @property
    def logits(self) -> Array:
        """The output layer's pre-activations, shape (n, widths[-1])."""
        return self.z[-1]


@dataclass(frozen=True)
class Gradients:
    """The gradient of the mean loss with respect to everything the forward pass used.

    Attributes:
        loss: the mean loss itself.
        weights: dL/dW_l for every layer, shape (fan_in, fan_out).
        biases: dL/db_l for every layer, shape (fan_out,).
        z: dL/dz_l for every layer, shape (n, fan_out).
        a: dL/da_l for every hidden layer, shape (n, fan_out).
        x: dL/dx, shape (n, widths[0]).
    """

    loss: float
    weights: list[Array]
    biases: list[Array]
    z: list[Array]
    a: list[Array]
    x: Array

    @property
    def arrays(self) -> list[Array]:
        """The gradients of weights and biases in Keras's order: dL/dW1, dL/db1, dL/dW2, ..."""
        pairs = zip(self.weights, self.biases, strict=True)
        return [array for pair in pairs for array in pair]

    def norms(self) -> list[float]:
        """Return the Frobenius norm of each layer's weight gradient."""
        return [_norm(gradient) for gradient in self.weights]


@dataclass(frozen=True)
class History:
    """What ``fit`` saw.

    Attributes:
        loss: mean training loss of each epoch, measured batch by batch while it trained.
        val_loss: mean loss on the validation data after each epoch; empty without any.
        diverged: whether the training loss stopped being finite; training ends with that batch.
    """

    loss: list[float] = field(default_factory=list)
    val_loss: list[float] = field(default_factory=list)
    diverged: bool = False


class MLP:
    """A multi-layer perceptron: dense layers, one activation, an output head.

    Args:
        widths: units of each layer: inputs, hidden layers, outputs, e.g. ``[2, 64, 64, 1]``.
        activation: the hidden layers' activation, by name or as an ``Activation``.
        initializer: name of an initializer or any ``f(shape, rng) -> array``; without one, the
            initializer that pairs with the activation. Biases start at zero.
        head: the task, one of ``outputs.TASKS``, or a ``Head``.
        dropout: share of each hidden layer's outputs that is dropped in training, in [0, 1).
        rng: generator or seed for weights, masks and shuffling.
        dtype: floating type of weights and computations.

    Raises:
        ValueError: if a width is below 1, a name is unknown, the rate is outside [0, 1), the
            last width does not fit the head, or the initializer returns another shape.
        TypeError: if ``initializer``, ``rng`` or ``dtype`` is of another kind.

    Examples:
        >>> net = MLP([2, 3, 1], activation="relu", head="binary", rng=0)
        >>> [w.shape for w in net.weights]
        [(2, 3), (3, 1)]
        >>> net(np.zeros((4, 2))).shape
        (4, 1)

    Source:
        Rumelhart, Hinton and Williams 1986 (backpropagation).
    """

    def __init__(
        self,
        widths: Sequence[int],
        activation: str | activations.Activation = "relu",
        initializer: str | Callable[..., Array] | None = None,
        head: str | outputs.Head = "binary",
        dropout: float = 0.0,
        rng: np.random.Generator | int = 0,
        dtype: DTypeLike = np.float64,
    ) -> None:
        self.widths = _checked_widths(widths)
        self.activation = activations.get(activation)
        self.head = outputs.head(head)
        self.head.check_units(self.widths[-1])
        if isinstance(dropout, bool) or not 0 <= dropout < 1:
            raise ValueError(f"dropout must be in [0, 1), got {dropout!r}")
        self.dropout = dropout
        self.rng = generator(rng)
        self.dtype = np.dtype(dtype)
        if self.dtype.kind != "f":
            raise TypeError(f"dtype must be a floating type, got {dtype!r}")
        chosen = self.activation.initializer if initializer is None else initializer
        self.initializer = initializers.get(chosen) if isinstance(chosen, str) else chosen
        if not callable(self.initializer):
            raise TypeError(f"initializer must be a name or a function, got {initializer!r}")
        self.weights: list[Array] = []
        self.biases: list[Array] = []
        for shape in pairwise(self.widths):
            weight = self._typed(np.array(self.initializer(shape, self.rng)))
            if weight.shape != shape:
                raise ValueError(f"initializer must return the shape {shape}, got {weight.shape}")
            self.weights.append(weight)  # (fan_in, fan_out)
            self.biases.append(np.zeros(shape[1], dtype=self.dtype))  # (fan_out,)

    def __repr__(self) -> str:
        return f"MLP({list(self.widths)}, {self.activation.name!r}, head={self.head.task!r})"

    @property
    def depth(self) -> int:
        """The number of hidden layers."""
        return len(self.widths) - 2

    def forward(self, x: ArrayLike, training: bool = False) -> Trace:
        """Run the network and keep what the way back needs.

        Args:
            x: inputs, shape (n, widths[0]).
            training: whether dropout acts.

        Raises:
            ValueError: if the shape does not fit or there are no examples.

        Examples:
            >>> trace = MLP([2, 3, 1]).forward(np.zeros((4, 2)))
            >>> [z.shape for z in trace.z], [a.shape for a in trace.a]
            ([(4, 3), (4, 1)], [(4, 3)])
        """
        inputs = self._inputs(x)
        z: list[Array] = []
        a: list[Array] = []
        masks: list[Array] = []
        signal = inputs  # (n, widths[0])
        with np.errstate(over="ignore", invalid="ignore"):
            for weight, bias in zip(self.weights, self.biases, strict=True):
                z.append(signal @ weight + bias)  # (n, fan_out)
                if len(a) < self.depth:
                    value = self.activation(z[-1])  # (n, fan_out)
                    signal, mask = drop(value, self.dropout, self.rng, training)  # (n, fan_out)
                    a.append(signal)
                    masks.append(mask)
        return Trace(inputs, z, a, masks, 1 - self.dropout if training else 1.0)

    def backward(self, trace: Trace, y: ArrayLike) -> Gradients:
        """Return the gradients of the mean loss: the chain rule from the output to the input.

        Args:
            trace: of ``forward``, for the same weights.
            y: labels that fit the head.

        Raises:
            ValueError: if the labels do not fit the head or the batch.

        Examples:
            >>> net = MLP([2, 3, 1])
            >>> gradients = net.backward(net.forward([[1.0, 2.0]]), [1])
            >>> [g.shape for g in gradients.weights], gradients.x.shape
            ([(2, 3), (3, 1)], (1, 2))
        """
        depth = self.depth
        weights: list[Array] = [np.empty(0)] * (depth + 1)
        biases: list[Array] = [np.empty(0)] * (depth + 1)
        z_gradients: list[Array] = [np.empty(0)] * (depth + 1)
        a_gradients: list[Array] = [np.empty(0)] * depth
        # Overflow is what an exploding gradient is; it shows as inf, not as a warning.
        with np.errstate(over="ignore", invalid="ignore"):
            loss = self.head.loss_value(trace.logits, y)
            delta = self.head.gradient(trace.logits, y)  # (n, units): p - y, averaged
            for layer in range(depth, -1, -1):
                came_in = trace.a[layer - 1] if layer else trace.x  # (n, fan_in)
                z_gradients[layer] = delta  # (n, fan_out)
                weights[layer] = came_in.T @ delta  # (fan_in, fan_out)
                biases[layer] = delta.sum(axis=0)  # (fan_out,)
                below = delta @ self.weights[layer].T  # (n, fan_in): the factor W
                if layer:
                    a_gradients[layer - 1] = below
                    keep = np.asarray(trace.keep, self.dtype)  # (): 1 - dropout
                    scale = trace.masks[layer - 1] / keep  # (n, fan_in): the factor mask / keep
                    delta = self.activation.vjp(trace.z[layer - 1], below * scale)  # phi'
        # The last step down went past the first layer: what is below it is the input.
        return Gradients(loss, weights, biases, z_gradients, a_gradients, x=below)

    def __call__(self, x: ArrayLike) -> Array:
        """Return the logits, shape (n, widths[-1])."""
        return self.forward(x).logits

    def predict(self, x: ArrayLike) -> Array:
        """Return the head's predictions: probabilities, values or rates, shape (n, widths[-1])."""
        return self.head.predict(self(x))

    def loss(self, x: ArrayLike, y: ArrayLike) -> float:
        """Return the mean loss, without dropout."""
        return self.head.loss_value(self(x), y)

    def accuracy(self, x: ArrayLike, y: ArrayLike) -> float:
        """Return the share of right answers, labels of one example counted one by one.

        Raises:
            ValueError: if the head is not one of classification or the labels do not fit.
        """
        if self.head.activation not in ("sigmoid", "softmax"):
            raise ValueError(f"accuracy needs a classification head, got {self.head.task!r}")
        logits = self(x)  # (n, units)
        targets = self._targets(y, len(logits))  # (n, units)
        if self.head.activation == "softmax":
            return float(np.mean(logits.argmax(axis=1) == targets.argmax(axis=1)))
        return float(np.mean((logits > 0) == (targets > 0.5)))

    @property
    def arrays(self) -> list[Array]:
        """The weights and biases themselves in Keras's order: W1, b1, W2, b2, ..."""
        pairs = zip(self.weights, self.biases, strict=True)
        return [array for pair in pairs for array in pair]

    def get_weights(self) -> list[Array]:
        """Return copies of all arrays in Keras's order: W1, b1, W2, b2, ..."""
        return [array.copy() for array in self.arrays]

    def set_weights(self, arrays: Sequence[ArrayLike]) -> None:
        """Take over arrays in Keras's order: W1, b1, W2, b2, ...

        Raises:
            ValueError: if their number or a shape differs.
        """
        own = self.arrays
        if len(arrays) != len(own):
            raise ValueError(f"arrays must be {len(own)} in number, got {len(arrays)}")
        given = [floating(array, "arrays") for array in arrays]
        for at, (new, old) in enumerate(zip(given, own, strict=True)):
            if new.shape != old.shape:
                raise ValueError(f"arrays[{at}] must have the shape {old.shape}, got {new.shape}")
        for new, old in zip(given, own, strict=True):
            old[...] = self._typed(new)

    def fit(
        self,
        x: ArrayLike,
        y: ArrayLike,
        epochs: int = 10,
        learning_rate: float = 0.1,
        momentum: float = 0.0,
        batch_size: int = 32,
        clipnorm: float | None = None,
        global_clipnorm: float | None = None,
        clipvalue: float | None = None,
        validation: tuple[ArrayLike, ArrayLike] | None = None,
        progress: bool | None = None,
        optimizer: Optimizer | None = None,
    ) -> History:
        """Train, step for step as Keras does: by gradient descent, or by another optimizer.

        Args:
            x: inputs, shape (n, widths[0]).
            y: labels that fit the head.
            epochs: passes over the data, shuffled anew each time.
            learning_rate: the step's factor, above 0.
            momentum: share of the last step that is kept, in [0, 1).
            batch_size: examples a step.
            clipnorm: largest norm of each array's gradient.
            global_clipnorm: largest norm of all gradients together (Pascanu et al. 2013).
            clipvalue: largest absolute value of each gradient's entry. At most one of the three.
            validation: (x, y) whose loss is measured after each epoch.
            progress: show a bar; without a choice, on a terminal when the fit is long.
            optimizer: any of ``livegrad.optimizers``, in place of ``SGD`` with the rate, momentum
                and clipping given here. What it remembers stays in it for the next fit.

        Returns:
            The losses. Training stops at the first batch whose loss is not finite, before its
            step is taken.

        Raises:
            ValueError: if an argument is out of its range or the data do not fit.

        Examples:
            >>> x = np.random.default_rng(0).standard_normal((100, 2))
            >>> net = MLP([2, 8, 1], rng=0)
            >>> history = net.fit(x, x[:, 0] > 0, epochs=20)
            >>> history.loss[-1] < 0.5 * history.loss[0], history.diverged
            (True, False)

        Source:
            Polyak 1964 (momentum); Pascanu et al. 2013 (clipping by the norm).
        """
        inputs = self._inputs(x)
        n = len(inputs)
        targets = self._targets(y, n)  # (n, units)
        counted(epochs, "epochs")
        counted(batch_size, "batch_size")
        limits = (clipnorm, global_clipnorm, clipvalue)
        if optimizer is None:
            optimizer = SGD(
                learning_rate,
                momentum,
                clipnorm=clipnorm,
                global_clipnorm=global_clipnorm,
                clipvalue=clipvalue,
            )
        elif (learning_rate, momentum, *limits) != (0.1, 0.0, None, None, None):
            raise ValueError("optimizer has its own rate, momentum and clipping: give them to it")
        history = History()
        for _ in self._bar(epochs, -(-n // batch_size), progress):
            order = self.rng.permutation(n)  # (n,)
            total, seen = 0.0, 0
            for start in range(0, n, batch_size):
                rows = order[start : start + batch_size]  # (batch,)
                trace = self.forward(inputs[rows], training=True)
                gradients = self.backward(trace, targets[rows])
                total += gradients.loss * len(rows)
                seen += len(rows)
                if not math.isfinite(gradients.loss):
                    break
                optimizer.step(self.arrays, gradients.arrays)
            history.loss.append(total / seen)
            if validation is not None:
                history.val_loss.append(self.loss(*validation))
            if not math.isfinite(total):
                return replace(history, diverged=True)
        return history

    def _bar(self, epochs: int, batches: int, progress: bool | None) -> Iterable[int]:
        if progress is None:
            progress = sys.stderr.isatty() and epochs * batches >= _LONG_FIT
        if not progress:
            return range(epochs)
        from tqdm import tqdm

        return tqdm(range(epochs), desc="fit", unit="epoch")

    def _inputs(self, x: ArrayLike) -> Array:
        array = floating(x)
        if array.ndim != 2 or array.shape[1] != self.widths[0]:
            raise ValueError(f"x must have the shape (n, {self.widths[0]}), got {array.shape}")
        if len(array) == 0:
            raise ValueError(f"x must hold at least one example, got the shape {array.shape}")
        return self._typed(array)

    def _targets(self, y: ArrayLike, n: int) -> Array:
        targets = self.head.targets(y, self.widths[-1])  # (n, units)
        if len(targets) != n:
            shapes = f"{(n, self.widths[0])} and {np.shape(y)}"
            raise ValueError(f"x and y must have as many examples, got shapes {shapes}")
        return targets

    def _typed(self, array: Array) -> Array:
        # What is beyond the network's type becomes inf, as everywhere here.
        with np.errstate(over="ignore"):
            return array.astype(self.dtype, copy=False)


def _checked_widths(widths: Sequence[int]) -> tuple[int, ...]:
    sizes = tuple(widths)
    if len(sizes) < 2:
        raise ValueError(f"widths must name inputs and outputs at least, got {sizes!r}")
    for size in sizes:
        if not whole(size, 1):
            raise ValueError(f"widths must be whole numbers of at least 1, got {size!r} in {sizes}")
    return tuple(int(size) for size in sizes)
