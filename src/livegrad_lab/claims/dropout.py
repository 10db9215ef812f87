"""Claims about mask / keep: which rate, for which network, and what the signal's mean does."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from livegrad._checks import Array
from livegrad.activations import relu, sigmoid
from livegrad_lab.claims._digits import ALIKE, BETTER, accuracies, best_rates, digits
from livegrad_lab.stack import Arm, Stack
from livegrad_lab.trial import Case, Claim

__all__ = ["CLAIMS", "half", "helps", "kfold", "mean_signal"]

RATES = (0.0, 0.2, 0.5)


def half(seed: int) -> dict[str, float]:
    """Train on 150 images with several rates: one hidden layer of 16 units, and one of 256."""
    found: dict[str, float] = {}
    for width in (16, 256):
        arms = {f"{width} units, rate {rate:g}": Arm("relu", dropout=rate) for rate in RATES}
        found |= accuracies(seed, [width], arms, rates=(0.1, 0.3), train=150, epochs=40)
    return found


def helps(seed: int) -> dict[str, float]:
    """Train a network that overfits (100 images) and one that does not (1,200), rate 0 and 0.3.

    The small network sees its 1,200 images only four times.
    """
    found: dict[str, float] = {}
    for name, width, train, epochs in [("overfits", 128, 100, 60), ("does not", 16, 1200, 4)]:
        x, y, x_test, y_test = digits(seed, train, 500)
        arms = {f"{name}, rate {rate:g}": Arm("relu", dropout=rate) for rate in (0.0, 0.3)}
        stack, best = best_rates((x, y), seed, [width], arms, (0.1, 0.3), epochs)
        scores = stack.accuracy(x_test, y_test)
        found |= {arm: scores[label] for arm, label in best.items()}
        plain = best[f"{name}, rate 0"]
        found[f"{name}: gap, training minus test"] = stack.accuracy(x, y)[plain] - scores[plain]
    return found


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
    x, y, x_test, y_test = digits(seed, train=150)
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
    on_test = scores((x, y), (x_test, y_test))  # (rates,)
    return {
        "the same rate": float(chosen == on_test.argmax()),
        "regret": float(on_test.max() - on_test[chosen]),
    }


CLAIMS = (
    Claim(
        code="half-is-the-rate",
        statement="0.5 is the right dropout rate.",
        source="Srivastava et al. 2014",
        quantity="test accuracy after 40 epochs of SGD on 150 images",
        experiment=half,
        cases=tuple(
            Case(
                f"a layer of {width} units is compared with the rate {rate:g}",
                f"{width} units, rate 0.5",
                "above",
                f"{width} units, rate {rate:g}",
                -BETTER,
            )
            for width in (16, 256)
            for rate in (0.0, 0.2)
        ),
        changes="More layers of wide units, or longer training.",
    ),
    Claim(
        code="dropout-always-helps",
        statement="Dropout helps, also a network that does not overfit.",
        source="S3",
        quantity="test accuracy after 60 or 4 epochs of SGD",
        experiment=helps,
        cases=(
            Case("the network overfits", "overfits, rate 0.3", "above", "overfits, rate 0", BETTER),
            Case("it does not overfit", "does not, rate 0.3", "above", "does not, rate 0", BETTER),
        ),
        changes="Fewer images or a larger network, so that there is more to gain.",
    ),
    Claim(
        code="dropout-keeps-the-mean",
        statement="Dropout keeps the expected signal.",
        source="Srivastava et al. 2014",
        quantity="share by which the mean over all masks misses the signal",
        experiment=mean_signal,
        cases=(
            Case("what follows is linear", "linear", "equal", 0.0, 0.01),
            Case("a ReLU follows", "relu", "equal", 0.0, 0.01),
            Case("a sigmoid follows", "sigmoid", "equal", 0.0, 0.01),
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
