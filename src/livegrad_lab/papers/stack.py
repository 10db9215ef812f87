"""Many networks of one shape, trained side by side: the seeds are an axis of every array.

Each seed has its own weights and its own order of the examples; the data are the same for all. One
step is what ``livegrad.network.MLP`` does, for all seeds in one product of arrays.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from livegrad import activations, initializers
from livegrad._checks import Array
from livegrad.activations import Activation

__all__ = ["Stack", "digits"]


@dataclass
class Stack:
    """Classifiers with a softmax head.

    Attributes:
        weights: one array a layer, shape (seeds, fan_in, fan_out).
        biases: one array a layer, shape (seeds, 1, fan_out).
        activation: of the hidden layers.
    """

    weights: list[Array]
    biases: list[Array]
    activation: Activation

    @classmethod
    def draw(
        cls,
        widths: Sequence[int],
        activation: str,
        initializer: str | Callable[[tuple[int, int], np.random.Generator], Array],
        seeds: Sequence[int],
    ) -> Stack:
        """Draw first weights, with biases of 0.

        Args:
            widths: units of the inputs, the hidden layers and the head.
            activation: name of the hidden layers' activation.
            initializer: name, or ``f(shape, rng)``.
            seeds: one network each.
        """
        rule = initializers.get(initializer) if isinstance(initializer, str) else initializer
        nets = []
        for seed in seeds:
            rng = np.random.default_rng(seed)
            nets.append([rule(shape, rng) for shape in pairwise(widths)])
        weights = [np.stack(layer) for layer in zip(*nets, strict=True)]
        biases = [np.zeros((len(seeds), 1, w.shape[2])) for w in weights]
        return cls(weights, biases, activations.get(activation))

    def forward(self, x: Array) -> tuple[list[Array], list[Array]]:
        """Return the inputs of all layers and their pre-activations.

        Args:
            x: shape (examples, features) for all seeds, or (seeds, examples, features).
        """
        inputs, z = [x], []
        for at, (weight, bias) in enumerate(zip(self.weights, self.biases, strict=True)):
            z.append(inputs[-1] @ weight + bias)  # (seeds, examples, fan_out)
            if at + 1 < len(self.weights):
                inputs.append(self.activation(z[-1]))
        return inputs, z

    def gradients(self, x: Array, y: Array) -> tuple[Array, list[Array], list[Array]]:
        """Return the mean loss of each seed, and the gradients of weights and biases.

        Args:
            x: shape (seeds, examples, features).
            y: classes, shape (seeds, examples).
        """
        inputs, z = self.forward(x)
        shifted = z[-1] - z[-1].max(axis=2, keepdims=True)  # (seeds, examples, classes)
        p = np.exp(shifted)
        p /= p.sum(axis=2, keepdims=True)
        rows, columns = np.indices(y.shape)
        with np.errstate(divide="ignore"):
            loss = -np.log(p[rows, columns, y]).mean(axis=1)  # (seeds,)
        p[rows, columns, y] -= 1  # the head's gradient p - y
        delta = p / y.shape[1]
        weights: list[Array] = []
        biases: list[Array] = []
        for at in range(len(self.weights) - 1, -1, -1):
            weights.append(np.swapaxes(inputs[at], 1, 2) @ delta)  # (seeds, fan_in, fan_out)
            biases.append(delta.sum(axis=1, keepdims=True))  # (seeds, 1, fan_out)
            if at:
                below = delta @ np.swapaxes(self.weights[at], 1, 2)
                delta = below * self.activation.derivative(z[at - 1])
        return loss, weights[::-1], biases[::-1]

    def fit(
        self,
        x: Array,
        y: Array,
        steps: int,
        learning_rate: float,
        momentum: float = 0.9,
        batch: int = 64,
        rng: int = 0,
    ) -> Array:
        """Train by gradient descent with momentum; return the loss, shape (steps, seeds).

        Args:
            x: shape (examples, features).
            y: classes, shape (examples,).
            steps: updates.
            learning_rate: the step's factor.
            momentum: share of the last step that is kept.
            batch: examples a step, drawn anew with replacement.
            rng: seed of the batches.
        """
        random = np.random.default_rng(rng)
        arrays = self.weights + self.biases
        speeds = [np.zeros_like(array) for array in arrays]
        losses = []
        for _ in range(steps):
            rows = random.integers(0, len(x), (len(self.weights[0]), batch))  # (seeds, batch)
            loss, *parts = self.gradients(x[rows], y[rows])
            losses.append(loss)
            for array, speed, step in zip(arrays, speeds, parts[0] + parts[1], strict=True):
                speed *= momentum
                speed -= learning_rate * step
                array += speed
        return np.array(losses)

    def accuracy(self, x: Array, y: Array) -> list[float]:
        """Return each seed's share of right answers.

        Args:
            x: shape (examples, features).
            y: classes, shape (examples,).
        """
        answers = self.forward(x)[1][-1].argmax(axis=2)  # (seeds, examples)
        return [float(share) for share in (answers == y).mean(axis=1)]


def digits(n_train: int = 1000) -> tuple[Array, Array, Array, Array]:
    """Return images of digits, standardised over all pixels: x, y to train on, then to test on.

    Args:
        n_train: examples to train on; the others are for the test.
    """
    from sklearn.datasets import load_digits

    x, y = load_digits(return_X_y=True)  # (1797, 64), (1797,)
    order = np.random.default_rng(0).permutation(len(x))
    x, y = x[order], y[order]
    x = (x - x[:n_train].mean()) / x[:n_train].std()
    return x[:n_train], y[:n_train], x[n_train:], y[n_train:]
