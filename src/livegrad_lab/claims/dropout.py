"""Claims about mask / keep: which rate, for which network, and what the signal's mean does."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from livegrad._checks import Array
from livegrad.activations import relu, sigmoid
from livegrad_lab.panel import examples
from livegrad_lab.stack import Arm, Stack
from livegrad_lab.trial import Case, Claim
from livegrad_lab.verdicts import ALIKE

__all__ = ["CLAIMS", "kfold", "mean_signal"]


def mean_signal(seed: int) -> dict[str, float]:
    """Average over all 256 masks of 8 units, exactly, and compare with no dropout at all.

    The units feed 200 units; the number is by how much their averaged outputs miss what they are
    without dropout, as a share of the latter's mean size, rounded to 12 decimals.
    """
    rng = np.random.default_rng(seed)
    a = relu(rng.standard_normal((50, 8)))  # (examples, 8)
    weights = rng.standard_normal((8, 200)) / 2
    functions: dict[str, Callable[[Array], Array]] = {
        "linear": np.asarray,
        "relu": relu,
        "sigmoid": sigmoid,
    }
    masks = (np.arange(256)[:, None] >> np.arange(8)) & 1  # (masks, 8), each as likely: rate 0.5
    dropped = (a * masks[:, None, :] / 0.5) @ weights  # (masks, examples, 200)
    found = {}
    for name, function in functions.items():
        plain = function(a @ weights)  # (examples, 200)
        moved = function(dropped).mean(axis=0) - plain
        found[name] = round(float(np.mean(np.abs(moved)) / np.mean(np.abs(plain))), 12)
    return found


def kfold(seed: int) -> dict[str, float]:
    """Choose the rate by 5-fold cross-validation on 150 images, and by the test images.

    The regret is the best test accuracy of any rate minus that of the chosen rate.
    """
    (x, y), _, test = examples("digits", seed)
    x, y = x[:150], y[:150]
    rates = (0.0, 0.2, 0.5, 0.8)
    arms = {f"{rate:g}": Arm("relu", dropout=rate, learning_rate=0.1) for rate in rates}

    def scores(train: tuple[Array, Array], test: tuple[Array, Array]) -> Array:
        stack = Stack([64, 64, 10], arms, seed)
        stack.fit(*train, epochs=30, batch_size=30)
        return np.array(list(stack.accuracy(*test).values()))  # (rates,)

    folds = np.array_split(np.arange(len(x)), 5)
    left_out = []
    for fold in folds:
        rest = np.setdiff1d(np.arange(len(x)), fold)
        left_out.append(scores((x[rest], y[rest]), (x[fold], y[fold])))
    chosen = int(np.mean(left_out, axis=0).argmax())
    on_test = scores((x, y), test)  # (rates,)
    return {
        "the same rate": float(chosen == on_test.argmax()),
        "regret": float(on_test.max() - on_test[chosen]),
    }


CLAIMS = (
    Claim(
        code="dropout-keeps-the-mean",
        statement="Dropout keeps the expected signal.",
        source="Srivastava et al. 2014",
        quantity="share by which the mean over all masks misses the signal",
        experiment=mean_signal,
        cases=(
            Case("what follows is linear", "linear", "exactly", 0.0, 0.01),
            Case("a ReLU follows", "relu", "exactly", 0.0, 0.01),
            Case("a sigmoid follows", "sigmoid", "exactly", 0.0, 0.01),
        ),
        changes="A lower rate: the spread that a curve turns into a shift shrinks with it.",
    ),
    Claim(
        code="k-fold-picks-the-rate",
        statement="K-fold cross-validation picks the dropout rate that the test set would pick.",
        source="S3; Kohavi 1995",
        quantity="share of agreement, and accuracy lost",
        experiment=kfold,
        cases=(
            Case("the very same rate is asked for", "the same rate", "above", 0.0, 0.8),
            Case("a rate that does as well is enough", "regret", "below", 0.0, ALIKE),
        ),
        changes="Repeated folds, more images, or rates that differ more.",
    ),
)
"""The claims, in the order of their page."""
