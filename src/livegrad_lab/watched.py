"""What a person sees who trains a planted fault: the numbers that ``fit`` shows, and the answers.

``symptoms`` puts them into words. The validation data are the training examples themselves, so that
nothing but the mode of the model tells the two losses apart.
"""

from __future__ import annotations

import math
import warnings
from typing import Any

import numpy as np

from livegrad_lab.faults.case import CASES, Patient

__all__ = ["run", "settings"]

LOOKS = 4
"""How often the answers are looked at on the way, besides before the first step."""


def run(name: str, seed: int = 0) -> dict[str, Any]:
    """Train one case of the catalogue as it is, and look on.

    Args:
        name: a key of ``faults.CASES``.
        seed: of the weights and of the order of the batches.

    Returns:
        ``error``: the class of what training raised, or ""; ``losses``: as ``fit`` shows them, one
        an epoch; ``validation``: at the last epoch, on the training examples; ``metric``: a metric
        as it is shown there, or None; ``right``: share of right answers at each look, of
        measurements the share of their variance that is told; ``most``: the share that always
        giving the commonest answer gets right, 0 of measurements; ``alike``: whether all answers
        are one and the same at the end.
    """
    import keras
    import tensorflow as tf

    tf.get_logger().setLevel("ERROR")
    keras.utils.set_random_seed(seed)
    patient = CASES[name].build(False)
    epochs = max(patient.epochs, 1)
    row: dict[str, Any] = {"error": "", "losses": [], "validation": math.nan, "metric": None}
    row |= {"most": _most(patient), "right": [], "alike": False}
    marks = {epochs * at // LOOKS for at in range(1, LOOKS + 1)}

    def look() -> None:
        right, row["alike"] = _answers(patient)
        row["right"].append(right)

    class Looks(keras.callbacks.Callback):
        def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
            if epoch + 1 in marks:
                look()

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            look()
            shown = patient.model.fit(
                patient.x,
                patient.y,
                epochs=epochs,
                batch_size=patient.batch,
                validation_data=(patient.x, patient.y),
                validation_freq=epochs,
                callbacks=[Looks()],
                verbose=0,
            ).history
        except Exception as error:
            shown = {}
            row["error"] = type(error).__name__
    row["losses"] = [_short(loss) for loss in shown.get("loss", [])]
    row["validation"] = _short(shown.get("val_loss", [math.nan])[-1])
    metric = next((key for key in shown if "acc" in key and not key.startswith("val_")), None)
    row["metric"] = _short(shown[metric][-1]) if metric else None
    keras.backend.clear_session()
    return row


def _short(value: float) -> float:
    """Return it as ``fit`` prints it, but for very large and very small ones."""
    return float(f"{value:.4g}")


def _most(patient: Patient) -> float:
    if patient.read == "value":
        return 0.0
    _, counts = np.unique(np.asarray(patient.truth), return_counts=True)
    return float(counts.max() / counts.sum())


def _answers(patient: Patient) -> tuple[float, bool]:
    """Return the share of right answers, and whether all of them are one and the same."""
    output = patient.model(patient.x, training=False)
    output = np.asarray(output[0] if isinstance(output, list) else output, dtype="float64")
    truth = np.asarray(patient.truth, dtype="float64")
    if not np.isfinite(output).all():
        return 0.0, False
    if patient.read == "value":
        output = output.reshape(truth.shape)
        left = np.mean((output - truth) ** 2) / np.mean((truth - truth.mean(axis=0)) ** 2)
        return _short(float(1 - left)), bool(np.all(output.std(axis=0) < 0.01 * truth.std(axis=0)))
    if patient.read == "class":
        said = output.argmax(axis=-1)
    else:
        said = output.reshape(truth.shape) > (0.5 if patient.read == "half" else 0.0)
        truth = truth > 0.5
    return _short(float(np.mean(said == truth))), bool(np.all(said == said[:1]))


def settings() -> list[dict[str, Any]]:
    """Return the settings of all runs: the faults and, for comparison, what is healthy."""
    return [{"name": name} for name in CASES]
