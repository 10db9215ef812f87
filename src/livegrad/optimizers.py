"""The step: what is done with the product.

    W_l <- W_l - step(dL/dW_l)

An optimizer takes a network's arrays and their gradients and changes the arrays in place. Each is
Keras's of the same name, step for step; ``tests/test_optimizers.py`` holds them to it.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import numpy as np

from livegrad._checks import Array, counted

__all__ = ["SGD", "Adam", "AdamW", "Optimizer", "RMSprop", "cosine_decay", "warmup"]

Rate = float | Callable[[int], float]


class Optimizer:
    """What all optimizers share: the rate, the clipping, and the count of steps.

    Args:
        learning_rate: the step's factor, finite and above 0; or a schedule, a function of the
            number of steps taken so far, which may give 0.
        clipnorm: largest norm of each array's gradient.
        global_clipnorm: largest norm of all gradients together (Pascanu et al. 2013).
        clipvalue: largest absolute value of each gradient's entry. At most one of the three.

    Attributes:
        iterations: how many steps were taken.
        clipped: in how many of them clipping changed a gradient.

    Raises:
        ValueError: if the rate is out of its range, a limit is not above 0, or two are given.
    """

    slots = 0
    """How many arrays it remembers for each array that it steps."""

    def __init__(
        self,
        learning_rate: Rate = 0.01,
        *,
        clipnorm: float | None = None,
        global_clipnorm: float | None = None,
        clipvalue: float | None = None,
    ) -> None:
        if not callable(learning_rate):
            _above_0(learning_rate, "learning_rate")
        self.learning_rate = learning_rate
        self.iterations = 0
        self.clipped = 0
        self._limits = _limits(clipnorm, global_clipnorm, clipvalue)
        self._state: list[list[Array]] | None = None

    @property
    def rate(self) -> float:
        """The rate of the next step.

        Raises:
            ValueError: if a schedule gives one out of its range.
        """
        if not callable(self.learning_rate):
            return float(self.learning_rate)
        rate = self.learning_rate(self.iterations)
        if not 0 <= rate < math.inf:
            at = f"{rate!r} at step {self.iterations}"
            raise ValueError(f"learning_rate must be finite and at least 0, got {at}")
        return float(rate)

    def step(self, arrays: Sequence[Array], gradients: Sequence[Array]) -> None:
        """Take one step: change the arrays in place.

        Args:
            arrays: what is learnt; the same arrays, in the same order, at each step.
            gradients: dL/d(array), of the arrays' shapes.

        Raises:
            ValueError: if a gradient has another shape than its array, or the arrays are not those
                of the step before.

        Examples:
            >>> w = np.array([1.0, -2.0])
            >>> SGD(0.1).step([w], [np.array([1.0, 1.0])])
            >>> w
            array([ 0.9, -2.1])
        """
        shapes = [array.shape for array in arrays]
        given = [np.shape(gradient) for gradient in gradients]
        if shapes != given:
            raise ValueError(f"gradients must have the arrays' shapes {shapes}, got {given}")
        if self._state is None:
            self._state = [[_empty(array) for _ in range(self.slots)] for array in arrays]
            self._shapes = shapes
        if shapes != self._shapes:
            raise ValueError(f"arrays must be those of the step before, got the shapes {shapes}")
        rate = self.rate
        # Where training diverges these lines overflow; the next loss will say so.
        with np.errstate(over="ignore", invalid="ignore"):
            steps = self._clip(list(gradients))
            for array, gradient, state in zip(arrays, steps, self._state, strict=True):
                self._update(array, gradient, rate, *state)
        self.iterations += 1

    def _update(self, array: Array, gradient: Array, rate: float, *state: Array) -> None:
        """Move an array in place: each optimizer has its own rule."""
        raise NotImplementedError

    def _clip(self, gradients: list[Array]) -> list[Array]:
        """Return the clipped gradients; each norm keeps the direction."""
        if not self._limits:
            return gradients
        ((kind, limit),) = self._limits.items()
        if kind == "clipvalue":
            acts = any(bool((np.abs(one) > limit).any()) for one in gradients)
            clipped = [np.clip(one, -limit, limit) for one in gradients]
        else:
            norms = [_norm(one) for one in gradients]
            if kind == "global_clipnorm":
                norms = [math.hypot(*norms)] * len(norms)
            acts = any(size > limit for size in norms)
            pairs = zip(gradients, norms, strict=True)
            clipped = [one * (limit / size) if size > limit else one for one, size in pairs]
        self.clipped += acts
        return clipped


class SGD(Optimizer):
    """Stochastic gradient descent: ``v <- momentum v - rate g``, ``w <- w + v``.

    PyTorch leaves the rate out of ``v`` and multiplies by it at the end. As long as the rate stays
    the same, the steps are the same.

    Args:
        learning_rate: see ``Optimizer``.
        momentum: share of the last step that is kept, in [0, 1).
        nesterov: whether the step is taken from where the momentum leads.
        **clipping: see ``Optimizer``.

    Raises:
        ValueError: if an argument is out of its range.

    Source:
        Polyak 1964 (momentum); Sutskever et al. 2013 (Nesterov's, in this form).
    """

    slots = 1

    def __init__(
        self,
        learning_rate: Rate = 0.01,
        momentum: float = 0.0,
        nesterov: bool = False,
        **clipping: float | None,
    ) -> None:
        super().__init__(learning_rate, **clipping)
        self.momentum = _share(momentum, "momentum")
        self.nesterov = nesterov

    def _update(self, array: Array, gradient: Array, rate: float, *state: Array) -> None:
        (velocity,) = state
        velocity *= self.momentum
        velocity -= rate * gradient
        array += self.momentum * velocity - rate * gradient if self.nesterov else velocity


class RMSprop(Optimizer):
    """Divide each entry's gradient by the root of its running mean square.

    ``m <- rho m + (1 - rho) g^2``, ``w <- w - rate g / sqrt(m + epsilon)``. PyTorch's adds epsilon
    to the root instead, and has another default for the share.

    Args:
        learning_rate: see ``Optimizer``.
        rho: share of the running mean that is kept at a step, in [0, 1).
        epsilon: keeps it from dividing by 0, above 0.
        **clipping: see ``Optimizer``.

    Raises:
        ValueError: if an argument is out of its range.

    Source:
        Tieleman and Hinton 2012.
    """

    slots = 1

    def __init__(
        self,
        learning_rate: Rate = 0.001,
        rho: float = 0.9,
        epsilon: float = 1e-7,
        **clipping: float | None,
    ) -> None:
        super().__init__(learning_rate, **clipping)
        self.rho = _share(rho, "rho")
        self.epsilon = _above_0(epsilon, "epsilon")

    def _update(self, array: Array, gradient: Array, rate: float, *state: Array) -> None:
        (square,) = state
        square *= self.rho
        square += (1 - self.rho) * _wide(gradient) ** 2
        array -= rate * gradient / np.sqrt(square + self.epsilon)


class Adam(Optimizer):
    """Running means of the gradient and of its square, both corrected for their start at 0.

    ``m <- beta_1 m + (1 - beta_1) g``, ``v <- beta_2 v + (1 - beta_2) g^2``, and at step t

        w <- w - rate sqrt(1 - beta_2^t) / (1 - beta_1^t) * m / (sqrt(v) + epsilon)

    This is the paper's second form, which Keras has. PyTorch has the first: its epsilon is added
    to the corrected root, and so acts as one that is ``sqrt(1 - beta_2^t)`` times as large.

    Args:
        learning_rate: see ``Optimizer``.
        beta_1: share of the mean gradient that is kept at a step, in [0, 1).
        beta_2: the same for the mean square.
        epsilon: keeps it from dividing by 0, above 0.
        **clipping: see ``Optimizer``.

    Raises:
        ValueError: if an argument is out of its range.

    Source:
        Kingma and Ba 2015, algorithm 1 and the end of section 2.
    """

    slots = 2

    def __init__(
        self,
        learning_rate: Rate = 0.001,
        beta_1: float = 0.9,
        beta_2: float = 0.999,
        epsilon: float = 1e-7,
        **clipping: float | None,
    ) -> None:
        super().__init__(learning_rate, **clipping)
        self.beta_1 = _share(beta_1, "beta_1")
        self.beta_2 = _share(beta_2, "beta_2")
        self.epsilon = _above_0(epsilon, "epsilon")

    def _update(self, array: Array, gradient: Array, rate: float, *state: Array) -> None:
        mean, square = state
        t = self.iterations + 1
        mean += (1 - self.beta_1) * (gradient - mean)
        square += (1 - self.beta_2) * (_wide(gradient) ** 2 - square)
        corrected = rate * math.sqrt(1 - self.beta_2**t) / (1 - self.beta_1**t)
        array -= corrected * mean / (np.sqrt(square) + self.epsilon)


class AdamW(Adam):
    """Adam, and beside it a decay of the weights that its division does not touch.

    ``w <- w - rate weight_decay w`` before Adam's step. A penalty on the squared weights, whose
    gradient Adam divides like any other, is something else.

    Args:
        learning_rate: see ``Optimizer``.
        weight_decay: share of each entry, times the rate, that a step takes away, at least 0.
        **others: see ``Adam``.

    Raises:
        ValueError: if an argument is out of its range.

    Source:
        Loshchilov and Hutter 2019, algorithm 2 (there the decay is not times the rate).
    """

    def __init__(
        self, learning_rate: Rate = 0.001, weight_decay: float = 0.004, **others: float
    ) -> None:
        super().__init__(learning_rate, **others)
        if not 0 <= weight_decay < math.inf:
            raise ValueError(f"weight_decay must be finite and at least 0, got {weight_decay!r}")
        self.weight_decay = weight_decay

    def _update(self, array: Array, gradient: Array, rate: float, *state: Array) -> None:
        array -= rate * self.weight_decay * array
        super()._update(array, gradient, rate, *state)


def warmup(learning_rate: float, steps: int) -> Callable[[int], float]:
    """Return a schedule that grows to the rate in equal parts, and stays there.

    Args:
        learning_rate: the rate at the end.
        steps: how many steps it takes; the first has ``learning_rate / steps``, and not 0.

    Raises:
        ValueError: if an argument is out of its range.

    Examples:
        >>> [warmup(0.4, 4)(step) for step in range(6)]
        [0.1, 0.2, 0.30000000000000004, 0.4, 0.4, 0.4]
    """
    _above_0(learning_rate, "learning_rate")
    counted(steps, "steps")
    return lambda step: learning_rate * min(1.0, (step + 1) / steps)


def cosine_decay(learning_rate: float, steps: int, warmup_steps: int = 0) -> Callable[[int], float]:
    """Return a schedule that falls from the rate to 0 along half a cosine.

    Args:
        learning_rate: the largest rate.
        steps: how many steps the fall takes; what follows has the rate 0.
        warmup_steps: how many steps before that the rate grows in equal parts, see ``warmup``.

    Raises:
        ValueError: if an argument is out of its range.

    Examples:
        >>> [round(cosine_decay(0.4, 4, 2)(step), 3) for step in range(8)]
        [0.2, 0.4, 0.4, 0.341, 0.2, 0.059, 0.0, 0.0]

    Source:
        Loshchilov and Hutter 2017, eq. 5, without restarts.
    """
    _above_0(learning_rate, "learning_rate")
    counted(steps, "steps")
    counted(warmup_steps, "warmup_steps", least=0)

    def rate(step: int) -> float:
        if step < warmup_steps:
            return learning_rate * (step + 1) / warmup_steps
        share = min(1.0, (step - warmup_steps) / steps)
        return learning_rate * 0.5 * (1 + math.cos(math.pi * share))

    return rate


def _norm(array: Array) -> float:
    """Return the Frobenius norm, also where the squares would overflow or vanish.

    Args:
        array: of any shape.
    """
    wide = np.abs(array.astype(np.float64))
    top = float(wide.max(initial=0.0))
    if top == 0 or not math.isfinite(top):
        return top
    return float(np.linalg.norm(wide / top)) * top


def _empty(array: Array) -> Array:
    """Return zeros to remember means in: squares of float16 would leave its range."""
    return np.zeros_like(_wide(array))


def _wide(array: Array) -> Array:
    return array.astype(np.promote_types(array.dtype, np.float32), copy=False)


def _share(value: float, name: str) -> float:
    if isinstance(value, bool) or not 0 <= value < 1:
        raise ValueError(f"{name} must be in [0, 1), got {value!r}")
    return float(value)


def _above_0(value: float, name: str) -> float:
    if isinstance(value, bool) or not 0 < value < math.inf:
        raise ValueError(f"{name} must be finite and above 0, got {value!r}")
    return float(value)


def _limits(
    clipnorm: float | None, global_clipnorm: float | None, clipvalue: float | None
) -> dict[str, float]:
    """Return the one limit that is given, by name."""
    limits = {"clipnorm": clipnorm, "global_clipnorm": global_clipnorm, "clipvalue": clipvalue}
    given = {name: limit for name, limit in limits.items() if limit is not None}
    if len(given) > 1:
        raise ValueError(f"at most one way of clipping may be given, got {given}")
    for name, limit in given.items():
        if not limit > 0:
            raise ValueError(f"{name} must be above 0, got {limit!r}")
    return given
