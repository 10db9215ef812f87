"""What a case is: a model with its data, the finding that is expected of it, and its trial."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from livegrad._checks import Array


@dataclass
class Patient:
    """A compiled model with its data.

    Attributes:
        model: the compiled Keras model.
        x: inputs.
        y: labels, as the loss takes them.
        truth: what a prediction is scored against: classes, 0/1 labels or measurements.
        read: how the output is read: "class" by the largest, "half" or "zero" by the threshold,
            "value" as it is.
        epochs: of training; none with 0.
        batch: examples a step.
    """

    model: Any
    x: Any
    y: Any
    truth: Array
    read: str
    epochs: int = 30
    batch: int = 64

    def score(self) -> float:
        """Return the share of what knowing nothing leaves open: 0 for that, 1 for all right."""
        output = self.model(self.x, training=False)
        if isinstance(output, list):
            output = output[0]
        output = np.asarray(output, dtype="float64")
        if not np.isfinite(output).all():
            return 0.0
        truth = np.asarray(self.truth, dtype="float64")
        if self.read == "value":
            rest = np.mean((output.reshape(truth.shape) - truth) ** 2)
            return float(1 - rest / np.mean((truth - truth.mean(axis=0)) ** 2))
        if self.read == "class":
            right = np.mean(output.argmax(axis=-1) == truth)
            most = np.unique(truth, return_counts=True)[1].max() / truth.size
        else:
            limit = 0.5 if self.read == "half" else 0.0
            right = np.mean((output.reshape(truth.shape) > limit) == (truth > 0.5))
            most = max(np.mean(truth > 0.5), np.mean(truth <= 0.5))
        return float((right - most) / (1 - most))

    def train(self) -> float:
        """Train and return the score; 0 where the loss refuses the labels."""
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            try:
                if self.epochs:
                    self._steps()
            except Exception:
                return 0.0
            return self.score()

    def _steps(self) -> None:
        """Take the steps that ``fit`` would take, in one compiled loop: a sixth of its time."""
        import keras
        import tensorflow as tf

        batch = self.batch
        model, variables = self.model, self.model.trainable_variables
        data = keras.tree.map_structure(tf.convert_to_tensor, (self.x, self.y))
        rows = len(keras.tree.flatten(self.y)[0])
        rng = np.random.default_rng(0)
        order = np.concatenate([rng.permutation(rows) for _ in range(self.epochs)])
        batches = tf.constant(order[: len(order) // batch * batch].reshape(-1, batch))
        # Both make variables at their first use, which a loop must not.
        model.optimizer.build(variables)
        x, y = keras.tree.map_structure(lambda part: part[:batch], data)
        model.compute_loss(x, y, model(x, training=False))

        def step(at: Any) -> list[Any]:
            x, y = keras.tree.map_structure(lambda part: tf.gather(part, batches[at]), data)
            with tf.GradientTape() as tape:
                loss = model.compute_loss(x, y, model(x, training=True), training=True)
                scaled = model.optimizer.scale_loss(loss)
            if variables:
                model.optimizer.apply(tape.gradient(scaled, variables), variables)
            return [at + 1]

        @tf.function(autograph=False)  # type: ignore[untyped-decorator,unused-ignore]
        def run() -> None:
            tf.while_loop(lambda at: at < len(batches), step, [tf.constant(0)])

        run()


@dataclass(frozen=True)
class Case:
    """One case of the catalogue.

    Attributes:
        name: what is planted, or what the healthy model is.
        build: makes the patient; with True mended as the doctor suggests.
        code: the finding that is expected; "" for a healthy model.
        layer: the layer it is expected at.
        fix: the part of the suggested line that the mended patient applies.
    """

    name: str
    build: Callable[[bool], Patient]
    code: str = ""
    layer: str = ""
    fix: str = ""


CASES: dict[str, Case] = {}
"""All cases by name, the healthy ones first, then by the factor that is at fault."""

Build = Callable[[bool], Patient]


def healthy(name: str) -> Callable[[Build], Build]:
    """Register a healthy model under its name."""

    def add(build: Build) -> Build:
        CASES[name] = Case(name, build)
        return build

    return add


def fault(name: str, code: str, layer: str, fix: str) -> Callable[[Build], Build]:
    """Register a model with one fault, which is found with this code at this layer."""

    def add(build: Build) -> Build:
        CASES[name] = Case(name, build, code, layer, fix)
        return build

    return add


def run_case(name: str, seed: int = 0) -> dict[str, Any]:
    """Run one case: examine, train, and for a fault mend and train once more.

    Args:
        name: a key of ``CASES``.
        seed: of the weights and of the order of the batches.

    Returns:
        ``found``: (code, layer) of each finding; ``evidence``: of the expected finding, else "";
        ``applied``: whether the suggested line is the one that mends; ``before`` and ``after``: the
        scores (of a healthy model ``before`` alone).
    """
    import keras
    import tensorflow as tf

    from livegrad.doctor import examine

    # Each case compiles its own loop, and TensorFlow would warn of that.
    tf.get_logger().setLevel("ERROR")
    case = CASES[name]
    keras.utils.set_random_seed(seed)
    patient = case.build(False)
    report = examine(
        patient.model,
        patient.x,
        patient.y,
        batch_size=patient.batch,
        epochs=patient.epochs,
    )
    named = [f for f in report.findings if (f.code, f.layer) == (case.code, case.layer)]
    row: dict[str, Any] = {
        "found": [(f.code, f.layer) for f in report.findings],
        "evidence": named[0].evidence if named else "",
        "applied": bool(named) and case.fix in named[0].fix,
        "before": patient.train(),
    }
    if case.code:
        keras.utils.set_random_seed(seed)
        row["after"] = case.build(True).train()
    keras.backend.clear_session()
    return row
