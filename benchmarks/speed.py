"""Time activations and training beside TensorFlow, SciPy and scikit-learn: ratios of one run.

Run as ``python benchmarks/speed.py``, on one core. A ratio is the other's time over ours: 1 is
equal, below 1 ours is slower. Both are timed in turns, and the shortest turn of each counts.
"""

from __future__ import annotations

import os
import time
import warnings
from collections.abc import Callable, Iterator

os.environ |= {"CUDA_VISIBLE_DEVICES": "-1", "OMP_NUM_THREADS": "1", "TF_CPP_MIN_LOG_LEVEL": "3"}

import keras
import numpy as np
import scipy.special
import tensorflow as tf
from sklearn.datasets import load_digits
from sklearn.neural_network import MLPClassifier

from livegrad import MLP, activations

COUNTS = {"2 million": 2_000_000, "10,000": 10_000}
SECONDS = 0.3
LEAST = 0.5
SCIPY = {
    "sigmoid": scipy.special.expit,
    "softmax": lambda x: scipy.special.softmax(x, axis=-1),
    "log_softmax": lambda x: scipy.special.log_softmax(x, axis=-1),
}


def shortest(*calls: Callable[[], object]) -> list[float]:
    """Return each call's shortest time in seconds, all of them timed in turns."""
    best = [float("inf")] * len(calls)
    end = time.perf_counter() + SECONDS * len(calls)
    while time.perf_counter() < end:
        for at, call in enumerate(calls):
            start = time.perf_counter()
            call()
            best[at] = min(best[at], time.perf_counter() - start)
    return best


def slope(function: Callable[[tf.Tensor], tf.Tensor], x: tf.Tensor) -> Callable[[], object]:
    """Return a call of TensorFlow's slope at every entry, from one tape; the tape is not timed."""
    with tf.GradientTape(persistent=True) as tape:
        tape.watch(x)
        y = function(x)
    return lambda: tape.gradient(y, x)


def ratios_of(name: str, x: np.ndarray) -> Iterator[tuple[str, float]]:
    """Yield each ratio of an activation under its name: TensorFlow, SciPy, TensorFlow's slope."""
    own, theirs = activations.get(name), keras.activations.get(name)
    x = x if own.elementwise else x.reshape(-1, 10)
    given = tf.constant(x)
    ours, tensorflow = shortest(lambda: own(x), lambda: theirs(given))
    yield name, tensorflow / ours
    if name in SCIPY:
        ours, scipys = shortest(lambda: own(x), lambda: SCIPY[name](x))
        yield f"{name}, SciPy", scipys / ours
    if own.elementwise:
        ours, tensorflow = shortest(lambda: own.derivative(x), slope(theirs, given))
        yield f"{name}, slope", tensorflow / ours


def training() -> float:
    """Return scikit-learn's time over ours for five epochs on the same network and batches."""
    x, y = load_digits(return_X_y=True)
    x = x / 16.0
    sizes = {"epochs": 5, "batch_size": 32, "learning_rate": 0.1}

    def ours() -> None:
        MLP([64, 64, 64, 10], "relu", head="multiclass", rng=0).fit(x, y, **sizes)

    def theirs() -> None:
        given = {"solver": "sgd", "momentum": 0.0, "alpha": 0.0, "n_iter_no_change": 99}
        given |= {"max_iter": 5, "batch_size": 32, "learning_rate_init": 0.1, "random_state": 0}
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # five epochs are no convergence
            MLPClassifier((64, 64), activation="relu", **given).fit(x, y)

    own, other = shortest(ours, theirs)
    return other / own


def main() -> None:
    """Print the table."""
    tf.config.threading.set_intra_op_parallelism_threads(1)
    tf.config.threading.set_inter_op_parallelism_threads(1)
    kinds = [(dtype, count) for dtype in ("float32", "float64") for count in COUNTS]
    print(f"{'':24}" + "".join(f"{f'{dtype} {count}':>20}" for dtype, count in kinds))
    slow = 0
    for name in activations.NAMES:
        rows: dict[str, list[float]] = {}
        for dtype, count in kinds:
            x = np.random.default_rng(0).normal(0, 3, COUNTS[count]).astype(dtype)
            for what, ratio in ratios_of(name, x):
                rows.setdefault(what, []).append(ratio)
        for what, ratios in rows.items():
            least = 1.0 if "SciPy" in what else LEAST
            slow += sum(ratio < least for ratio in ratios)
            marks = ["  " if ratio >= least else " <" for ratio in ratios]
            cells = zip(ratios, marks, strict=True)
            print(f"{what:24}" + "".join(f"{ratio:>18.2f}{mark}" for ratio, mark in cells))
    print(f"{'MLP.fit, scikit-learn':24}{training():>18.2f}   (goal at least 1.5)")
    print(f"{slow} below {LEAST} of TensorFlow's speed or below SciPy's")


if __name__ == "__main__":
    main()
