"""Claims about p - y: heads and losses that are the same, that are slower, or that do harm."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from livegrad import MLP, outputs
from livegrad._checks import Array
from livegrad.activations import relu, sigmoid, softmax
from livegrad.outputs import Head
from livegrad_lab.claims._best import accuracies
from livegrad_lab.claims.gradients import BOUND, log_product
from livegrad_lab.panel import BATCH, examples
from livegrad_lab.stack import Arm
from livegrad_lab.trial import Case, Claim
from livegrad_lab.verdicts import BETTER

__all__ = ["CLAIMS", "SquaredError", "heads", "softmax_inside", "squared_error", "two_classes"]


def softmax_inside(seed: int) -> dict[str, float]:
    """Train with softmax and with ReLU in the hidden layers; measure the product of gains too.

    The learning rates of SGD reach up to 100, since softmax in a hidden layer asks for large ones.
    """
    found: dict[str, float] = {}

    def train(depth: int, said: str, rates: tuple[float, ...], **how: Any) -> None:
        arms = {f"{name}, {said}": Arm(name, "glorot_normal") for name in ("relu", "softmax")}
        found.update(accuracies(seed, depth * [32], arms, rates=rates, **how))

    for depth in (1, 3):
        train(depth, f"depth {depth}", (0.1, 0.3, 1.0, 3.0, 10.0, 30.0, 100.0))
    for epochs in (12, 100):
        rates = (0.001, 0.003, 0.01, 0.03, 0.1, 0.3)
        train(3, f"Adam, {epochs} epochs", rates, epochs=epochs, optimizer="adam")
    x, y = examples("digits", seed)[0]
    net = MLP([64, 32, 32, 32, 10], "softmax", "glorot_normal", "multiclass", rng=seed)
    return found | {"softmax, ln of the product": log_product(net, x, y)}


def two_classes(seed: int) -> dict[str, float]:
    """Compare softmax over two logits with the sigmoid of their difference, untrained and trained.

    Trained are two logistic regressions from zero weights on the same batches: is it an even
    number? What is measured is the largest difference between their probabilities, rounded to 12
    decimals.
    """
    rng = np.random.default_rng(seed)
    z = 10 * rng.standard_normal((1000, 2))
    found = {"functions": np.abs(softmax(z)[:, 1] - sigmoid(z[:, 1] - z[:, 0])).max()}
    (x, y), _, (x_test, _) = examples("digits", seed)
    for name, rate in [("trained, same rate", 0.1), ("trained, half the rate", 0.05)]:
        one = MLP([64, 1], initializer="zeros", head="binary", rng=seed)
        two = MLP([64, 2], initializer="zeros", head="multiclass", rng=seed)
        one.fit(x, y % 2 == 0, epochs=10, learning_rate=0.1, progress=False)
        two.fit(x, y % 2 == 0, epochs=10, learning_rate=rate, progress=False)
        found[name] = np.abs(one.predict(x_test)[:, 0] - two.predict(x_test)[:, 1]).max()
    return {name: round(float(error), 12) for name, error in found.items()}


@dataclass(frozen=True)
class SquaredError(Head):
    """The binary head, with the squared error of its probability for a loss."""

    def losses(self, logits: ArrayLike, y: ArrayLike) -> Array:
        """Return each example's squared error, shape (n,)."""
        p, t = self.predict(logits), self.targets(y, 1)  # (n, 1)
        return np.asarray(((p - t) ** 2)[:, 0])

    def gradient(self, logits: ArrayLike, y: ArrayLike) -> Array:
        """Return d(mean loss) / d(logits), shape (n, 1): the sigmoid's slope does not cancel."""
        p, t = self.predict(logits), self.targets(y, 1)  # (n, 1)
        return np.asarray(2 * (p - t) * p * (1 - p) / len(p))


def squared_error(seed: int) -> dict[str, float]:
    """Train for 5 epochs with both losses: is it an even number?

    The number is the share of wrong answers on the training images, at the best of 7 learning
    rates. The confident start has output weights that are ten times too large, so that half of the
    first answers are wrong and sure.
    """
    x, y = examples("digits", seed)[0]
    even = y % 2 == 0
    binary = outputs.head("binary")
    found = {}
    for start, factor in [("ordinary", 1.0), ("confident", 10.0)]:
        for name, head in [("cross-entropy", binary), ("squared", SquaredError(**asdict(binary)))]:
            errors = []
            for rate in (0.1, 0.2, 0.5, 1.0, 2.0, 4.0, 8.0):
                net = MLP([64, 32, 1], "relu", head=head, rng=seed)
                net.weights[-1] *= factor
                net.fit(x, even, epochs=5, learning_rate=rate, batch_size=BATCH, progress=False)
                errors.append(1 - net.accuracy(x, even))
            found[f"{name}, {start} start"] = min(errors)
    return found


def heads(seed: int) -> dict[str, float]:
    """Compare the gradient that reaches the model with (p - y) / n, for three tasks.

    The gradient is measured by central differences at the outputs of a linear model, of networks,
    and of a network whose outputs pass a ReLU. The number is the largest difference of all tasks,
    as a share of the largest gradient, rounded to 7 decimals.
    """
    rng = np.random.default_rng(seed)
    x, y = (one[:20] for one in examples("digits", seed)[0])
    tasks = {
        "binary": (1, (y % 2 == 0).astype(float)),
        "multiclass": (10, y),
        "multilabel": (1, (y > 4).astype(float)),
    }
    found = {}
    kinds: list[tuple[str, list[int], Callable[[Array], Array]]] = [
        ("linear model", [], np.asarray),
        ("1 hidden layer", [32], np.asarray),
        ("8 hidden layers", 8 * [32], np.asarray),
        ("outputs pass a ReLU", [32], relu),
    ]
    for name, hidden, last in kinds:
        worst = 0.0
        for task, (units, labels) in tasks.items():
            net = MLP([64, *hidden, units], "relu", head=task, rng=rng)
            z = net(x)  # (n, units): what the model gives to its head
            told = (net.head.predict(last(z)) - net.head.targets(labels, units)) / len(x)
            seen = np.zeros_like(z)
            for at in np.ndindex(z.shape):
                step = np.zeros_like(z)
                step[at] = 1e-5
                up, down = (net.head.loss_value(last(z + s), labels) for s in (step, -step))
                seen[at] = (up - down) / 2e-5
            worst = max(worst, float(np.abs(seen - told).max() / np.abs(told).max()))
        found[name] = round(worst, 7)
    return found


CLAIMS = (
    Claim(
        code="softmax-inside-hurts",
        statement="Softmax in a hidden layer hurts, because it shrinks the gradient.",
        source="S13",
        quantity="test accuracy, and ln of the product of gains",
        experiment=softmax_inside,
        cases=(
            *(
                Case(when, f"relu, {arm}", "above", f"softmax, {arm}", BETTER)
                for when, arm in [
                    ("SGD trains 1 hidden layer for 12 epochs", "depth 1"),
                    ("SGD trains 3 hidden layers for 12 epochs", "depth 3"),
                    ("Adam trains 3 hidden layers for 12 epochs", "Adam, 12 epochs"),
                    ("Adam trains 3 hidden layers for 100 epochs", "Adam, 100 epochs"),
                ]
            ),
            Case(
                "the product of gains is asked",
                "softmax, ln of the product",
                "below",
                0.0,
                -BOUND,
            ),
        ),
        changes="A network that is meant to share out a fixed amount, as attention does.",
    ),
    Claim(
        code="sigmoid-is-softmax",
        statement="For two classes, sigmoid and softmax are the same.",
        source="S15; Bridle 1990",
        quantity="largest difference between the probabilities",
        experiment=two_classes,
        cases=(
            Case("they are functions of the same logits", "functions", "exactly", 0.0, 1e-12),
            Case("they are trained at the same rate", "trained, same rate", "exactly", 0.0, 1e-3),
            Case("softmax is trained at half", "trained, half the rate", "exactly", 0.0, 1e-9),
        ),
        changes="For the trained models: hidden layers, momentum or weight decay.",
    ),
    Claim(
        code="squared-error-is-slower",
        statement="With a sigmoid, squared error learns more slowly than cross-entropy.",
        source="S11",
        quantity="share of wrong answers on the training images after 5 epochs",
        experiment=squared_error,
        cases=tuple(
            Case(
                f"the start is {start}",
                f"squared, {start} start",
                "above",
                f"cross-entropy, {start} start",
                BETTER,
            )
            for start in ("ordinary", "confident")
        ),
        changes="One learning rate for both: the squared error's gradient is smaller.",
    ),
    Claim(
        code="head-ignores-the-model",
        statement="The model's kind does not matter for the head: the gradient is p - y.",
        source="S14; Nelder and Wedderburn 1972",
        quantity="largest error of p - y, as a share of the largest gradient",
        experiment=heads,
        cases=tuple(
            Case(f"the model is {what}", arm, "exactly", 0.0, 1e-6)
            for what, arm in [
                ("linear", "linear model"),
                ("a network of 1 hidden layer", "1 hidden layer"),
                ("a network of 8 hidden layers", "8 hidden layers"),
                ("a network whose outputs pass a ReLU", "outputs pass a ReLU"),
            ]
        ),
        changes="A model whose outputs cannot be any number, or another loss.",
    ),
)
"""The claims, in the order of their page."""
