"""Several networks of one shape, trained at once: NumPy's matrix products over a leading axis.

Experiments train many small networks that differ in one thing. Python's own time, not arithmetic,
is what training them one by one costs. Here all arms of an experiment are one array, with shapes
(arms, fan_in, fan_out), and every arm sees the same batches and, where they have the same law, the
same first weights and masks.

The backward pass is that of ``livegrad.network``. ``blocks`` has normalisation and shortcuts.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby, pairwise

import numpy as np

from livegrad import activations, initializers
from livegrad._checks import Array
from livegrad.activations import Activation

__all__ = ["OPTIMIZERS", "Arm", "Stack"]

OPTIMIZERS = ("sgd", "momentum", "adam")


@dataclass(frozen=True)
class Arm:
    """What one network of a stack has of its own.

    Attributes:
        activation: the hidden layers', by name.
        initializer: name of the initializer of all layers or any ``f(shape, rng)``; without one,
            the one that pairs with the activation.
        learning_rate: of the stack's optimizer.
        dropout: share of each hidden layer's outputs that is dropped in training.
        clip: largest norm of all gradients together; without one, nothing is clipped.
        shift: is subtracted from the activation's value.
    """

    activation: str = "relu"
    initializer: str | Callable[..., Array] | None = None
    learning_rate: float = 0.1
    dropout: float = 0.0
    clip: float = np.inf
    shift: float = 0.0


class Stack:
    """Classifiers of the same widths, one an arm, with softmax and cross-entropy.

    Args:
        widths: units of each layer, e.g. ``[64, 32, 32, 10]``.
        arms: label and arm.
        seed: of weights, batches and masks, which all arms share.
        optimizer: "sgd", "momentum" (0.9; Polyak 1964, as Keras writes it), or "adam" with its
            usual constants (Kingma and Ba 2015, algorithm 1).

    Raises:
        ValueError: if there is no such optimizer.

    Examples:
        >>> x = np.random.default_rng(0).standard_normal((90, 4))
        >>> stack = Stack([4, 16, 2], {"relu": Arm(), "tanh": Arm("tanh")}, seed=0)
        >>> stack.fit(x, x[:, 0] > 0, epochs=30, batch_size=30)
        >>> {arm: score > 0.9 for arm, score in stack.accuracy(x, x[:, 0] > 0).items()}
        {'relu': True, 'tanh': True}
    """

    def __init__(
        self,
        widths: Sequence[int],
        arms: Mapping[str, Arm],
        seed: int,
        *,
        optimizer: str = "sgd",
    ) -> None:
        if optimizer not in OPTIMIZERS:
            raise ValueError(f"optimizer must be one of {', '.join(OPTIMIZERS)}, got {optimizer!r}")
        self.optimizer = optimizer
        self.widths, self.arms = list(widths), dict(arms)
        self.rng = np.random.default_rng(seed)
        self.depth = len(self.widths) - 2
        drawn = [_draw(arm, self.widths, seed) for arm in self.arms.values()]
        # (arms, fan_in, fan_out) each, and (arms, 1, fan_out).
        self.weights = [np.stack(layer) for layer in zip(*drawn, strict=True)]
        self.biases = [np.zeros((len(self.arms), 1, width)) for width in self.widths[1:]]
        self._groups = _runs(list(self.arms.values()))
        self._shifts = self._column([arm.shift for arm in self.arms.values()])
        self._rates = self._column([arm.learning_rate for arm in self.arms.values()])
        self._dropout = self._column([arm.dropout for arm in self.arms.values()])
        self._clip = self._column([arm.clip for arm in self.arms.values()])
        arrays = [*self.weights, *self.biases]
        moments = {"sgd": 0, "momentum": 1, "adam": 2}[optimizer]
        self._moments = [[np.zeros_like(array) for array in arrays] for _ in range(moments)]
        self._steps = 0

    @staticmethod
    def _column(numbers: list[float]) -> Array:
        return np.array(numbers)[:, None, None]  # (arms, 1, 1)

    def fit(self, x: Array, y: Array, epochs: int, batch_size: int) -> None:
        """Train all arms by gradient descent on the same batches.

        Args:
            x: inputs, shape (n, widths[0]).
            y: class numbers, shape (n,).
            epochs: passes over the data, shuffled anew each time.
            batch_size: examples a step; a rest that does not fill a batch waits for the next epoch.
        """
        targets = np.eye(self.widths[-1])[np.asarray(y, dtype=int)]  # (n, classes)
        # An arm may diverge: its numbers overflow, its accuracy tells.
        with np.errstate(over="ignore", invalid="ignore"):
            for _ in range(epochs):
                order = self.rng.permutation(len(x))
                for start in range(0, len(x) - batch_size + 1, batch_size):
                    rows = order[start : start + batch_size]
                    self._step(*self.gradients(x[rows], targets[rows], training=True))

    def gradients(
        self, x: Array, targets: Array, training: bool = False
    ) -> tuple[list[Array], list[Array]]:
        """Return the gradients of the mean loss of each arm.

        Args:
            x: inputs, shape (n, widths[0]).
            targets: one-hot rows, shape (n, classes).
            training: whether dropout acts.

        Returns:
            dL/dW, shape (arms, fan_in, fan_out) each, and dL/db, shape (arms, 1, fan_out) each.
        """
        signals, inside, masks = [x], [], []
        for layer in range(self.depth):
            z = signals[-1] @ self.weights[layer] + self.biases[layer]  # (arms, n, fan_out)
            a = self._activate(z)
            mask = self._mask(a.shape[1:]) if training else None
            if mask is not None:
                a = a * mask
            inside.append(z)
            masks.append(mask)
            signals.append(a)
        delta = _softmax(signals[-1] @ self.weights[-1] + self.biases[-1])  # (arms, n, classes)
        delta = (delta - targets) / len(x)  # p - y
        by_weights: list[Array] = [np.empty(0)] * (self.depth + 1)
        by_biases: list[Array] = [np.empty(0)] * (self.depth + 1)
        for layer in range(self.depth, -1, -1):
            by_weights[layer] = signals[layer].swapaxes(-1, -2) @ delta
            by_biases[layer] = delta.sum(axis=1, keepdims=True)
            if layer == 0:
                break
            below = delta @ self.weights[layer].swapaxes(-1, -2)  # (arms, n, fan_in)
            mask = masks[layer - 1]
            delta = self._back(inside[layer - 1], below if mask is None else below * mask)
        return by_weights, by_biases

    def logits(self, x: Array) -> Array:
        """Return the outputs before softmax, shape (arms, n, classes); nothing is dropped."""
        signal = x
        with np.errstate(over="ignore", invalid="ignore"):
            for weights, biases in zip(self.weights[:-1], self.biases[:-1], strict=True):
                signal = self._activate(signal @ weights + biases)
            return np.asarray(signal @ self.weights[-1] + self.biases[-1])

    def accuracy(self, x: Array, y: Array) -> dict[str, float]:
        """Return each arm's share of right answers."""
        right = self.logits(x).argmax(axis=-1) == np.asarray(y, dtype=int)  # (arms, n)
        return dict(zip(self.arms, right.mean(axis=1).tolist(), strict=True))

    def loss(self, x: Array, y: Array) -> dict[str, float]:
        """Return each arm's mean cross-entropy, infinite where it has diverged."""
        from scipy.special import logsumexp

        logits = self.logits(x)  # (arms, n, classes)
        labels = np.asarray(y, dtype=int)
        with np.errstate(over="ignore", invalid="ignore"):
            own = logits[:, np.arange(len(labels)), labels]  # (arms, n)
            losses = (logsumexp(logits, axis=-1) - own).mean(axis=1)  # (arms,)
        losses = np.where(np.isfinite(losses), losses, np.inf)
        return dict(zip(self.arms, losses.tolist(), strict=True))

    def _activate(self, z: Array) -> Array:
        values = np.empty_like(z)
        for one, rows in self._groups:
            values[rows] = one(z[rows])
        return values - self._shifts

    def _back(self, z: Array, above: Array) -> Array:
        below = np.empty_like(z)
        for one, rows in self._groups:
            below[rows] = one.vjp(z[rows], above[rows])
        return below

    def _mask(self, shape: tuple[int, ...]) -> Array | None:
        """Return mask / keep, shape (arms, n, units): the same draw for all arms."""
        if not self._dropout.any():
            return None
        drawn = self.rng.random(shape)  # (n, units)
        return np.asarray((drawn >= self._dropout) / (1 - self._dropout))

    def _step(self, by_weights: list[Array], by_biases: list[Array]) -> None:
        arrays = [*self.weights, *self.biases]
        steps = [*by_weights, *by_biases]
        rate = self._rates
        if np.isfinite(self._clip).any():
            squares = sum(np.sum(step**2, axis=(1, 2), keepdims=True) for step in steps)
            rate = rate * np.minimum(1.0, self._clip / np.sqrt(squares))
        self._steps += 1
        if self.optimizer == "sgd":
            for array, step in zip(arrays, steps, strict=True):
                array -= rate * step
        elif self.optimizer == "momentum":
            for array, step, velocity in zip(arrays, steps, *self._moments, strict=True):
                velocity *= 0.9
                velocity -= rate * step
                array += velocity
        else:
            size = rate * math.sqrt(1 - 0.999**self._steps) / (1 - 0.9**self._steps)
            for array, step, first, second in zip(arrays, steps, *self._moments, strict=True):
                first += 0.1 * (step - first)
                second += 0.001 * (step**2 - second)
                array -= size * first / (np.sqrt(second) + 1e-7)


def _draw(arm: Arm, widths: list[int], seed: int) -> list[Array]:
    """Return one arm's first weights: the same draws for every arm of a seed."""
    chosen = arm.initializer or activations.get(arm.activation).initializer
    draw = initializers.get(chosen) if isinstance(chosen, str) else chosen
    rng = np.random.default_rng(seed)
    return [draw(shape, rng) for shape in pairwise(widths)]


def _runs(arms: list[Arm]) -> list[tuple[Activation, slice]]:
    """Return the activations and the neighbouring arms that share each."""
    found, start = [], 0
    for name, run in groupby(arm.activation for arm in arms):
        stop = start + len(list(run))
        found.append((activations.get(name), slice(start, stop)))
        start = stop
    return found


def _softmax(z: Array) -> Array:
    powers = np.exp(z - z.max(axis=-1, keepdims=True))
    return np.asarray(powers / powers.sum(axis=-1, keepdims=True))
