"""The forms of clipping compared, each at its own best threshold and learning rate.

ReLU networks of five layers of 32 units whose weights are three times He's tell the sign of the
first of 20 features. Each form is tried with two thresholds and with steps of several lengths, the
threshold times the rate: where each step is clipped, that is what counts. What is not clipped, from
the same weights and from He's own, is tried at several rates. The accuracy on the training examples
chooses, of equals the loss, anew for each number of epochs; 1000 fresh examples decide nothing.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from livegrad import initializers
from livegrad._checks import Array
from livegrad_lab.stack import Arm, Stack
from livegrad_lab.sweep import sweep

__all__ = ["STEPS", "Form", "compare"]

THRESHOLDS = (0.01, 1.0)
STEPS = {
    "clipvalue": (0.001, 0.003, 0.01, 0.03, 0.1),
    "clipnorm": (0.01, 0.03, 0.1, 0.3, 1.0),
    "global_clipnorm": (0.03, 0.1, 0.3, 1.0),
}
"""For each form, what the threshold times the rate may be."""
RATES = {"no clipping": (0.0003, 0.001, 0.003, 0.01), "He's weights": (0.1, 0.3, 1.0, 3.0)}
EPOCHS = (10, 60)
WIDTHS = [20, 32, 32, 32, 32, 32, 2]
EXAMPLES, FRESH, BATCH = 256, 1000, 32


@dataclass(frozen=True)
class Form:
    """What one form came to at its best.

    Attributes:
        name: the form of clipping, "no clipping", or "He's weights" (not clipped either).
        epochs: passes over the training examples.
        threshold: the best one; infinite where nothing is clipped.
        rate: the learning rate that goes with it.
        loss: mean loss on the training examples, mean over the seeds.
        train: accuracy on them, one a seed.
        fresh: accuracy on fresh examples, one a seed.
        best_fresh: the mean accuracy on fresh examples at the setting that is best for it.
    """

    name: str
    epochs: int
    threshold: float
    rate: float
    loss: float
    train: tuple[float, ...]
    fresh: tuple[float, ...]
    best_fresh: float


class _Clipped(Stack):
    """A stack in which each arm, labelled (form, threshold, rate), is clipped in its own way."""

    def _step(self, by_weights: list[Array], by_biases: list[Array]) -> None:
        forms = np.array([form for form, _, _ in self._labels()])[:, None, None]
        limits = self._column([threshold for _, threshold, _ in self._labels()])
        arrays, steps = [*self.weights, *self.biases], [*by_weights, *by_biases]
        norms = [np.sqrt(np.sum(step**2, axis=(1, 2), keepdims=True)) for step in steps]
        together = np.sqrt(sum(norm**2 for norm in norms))  # (arms, 1, 1)
        for array, step, norm in zip(arrays, steps, norms, strict=True):
            size = np.where(forms == "global_clipnorm", together, norm)
            by_norm = (forms == "clipnorm") | (forms == "global_clipnorm")
            shrink = np.where(
                by_norm, np.minimum(1, limits / np.maximum(size, 1e-300)), 1
            )  # (arms, 1, 1)
            cut = np.where(forms == "clipvalue", limits, np.inf)
            array -= self._rates * np.clip(step * shrink, -cut, cut)

    def _labels(self) -> list[tuple[str, float, float]]:
        return [_parsed(label) for label in self.arms]


def _label(form: str, threshold: float, rate: float) -> str:
    return f"{form}|{threshold}|{rate}"


def _parsed(label: str) -> tuple[str, float, float]:
    form, threshold, rate = label.split("|")
    return form, float(threshold), float(rate)


def _three_times_he(shape: tuple[int, int], rng: np.random.Generator) -> Array:
    return 3 * initializers.he_normal(shape, rng)


def _arms() -> dict[str, Arm]:
    settings = [(name, math.inf, rate) for name, rates in RATES.items() for rate in rates]
    settings += [
        (form, threshold, step / threshold)
        for form, steps in STEPS.items()
        for threshold in THRESHOLDS
        for step in steps
    ]
    return {
        _label(*setting): Arm(
            "relu", "he_normal" if setting[0] == "He's weights" else _three_times_he, setting[2]
        )
        for setting in settings
    }


def run(seed: int) -> dict[int, dict[str, dict[str, float]]]:
    """Train all arms on the same batches; by epochs, each arm's loss and accuracies."""
    rng = np.random.default_rng(seed)
    x = rng.standard_normal((EXAMPLES + FRESH, WIDTHS[0]))  # (examples, features)
    y = (x[:, 0] > 0).astype(int)  # (examples,)
    train, fresh = slice(EXAMPLES), slice(EXAMPLES, None)
    stack = _Clipped(WIDTHS, _arms(), seed)
    found, done = {}, 0
    for epochs in EPOCHS:
        stack.fit(x[train], y[train], epochs - done, BATCH)
        done = epochs
        found[epochs] = {
            "loss": stack.loss(x[train], y[train]),
            "train": stack.accuracy(x[train], y[train]),
            "fresh": stack.accuracy(x[fresh], y[fresh]),
        }
    return found


SEEDS = range(3)


def compare(seeds: Sequence[int] = SEEDS) -> list[Form]:
    """Return each form at its best, after few epochs and after many."""
    runs = sweep(run, [{"seed": seed} for seed in seeds], progress=False)
    forms = []
    for epochs in EPOCHS:
        for name in [*RATES, *STEPS]:
            labels = [label for label in _arms() if _parsed(label)[0] == name]
            mean = {
                kind: {
                    label: float(np.mean([one[epochs][kind][label] for one in runs]))
                    for label in labels
                }
                for kind in ("loss", "train", "fresh")
            }
            best = max(labels, key=lambda label: (mean["train"][label], -mean["loss"][label]))
            forms.append(
                Form(
                    name,
                    epochs,
                    *_parsed(best)[1:],
                    mean["loss"][best],
                    tuple(one[epochs]["train"][best] for one in runs),
                    tuple(one[epochs]["fresh"][best] for one in runs),
                    max(mean["fresh"].values()),
                )
            )
    return forms
