"""What a watch writes down of each examination, and where else it may be written."""

from __future__ import annotations

import math
import sys

from livegrad.doctor._report import Examination

__all__ = ["elsewhere", "numbers"]


def numbers(examination: Examination) -> dict[str, float]:
    """Return the numbers of an examination by the names that they have in a log."""
    found = {
        "livegrad/loss": examination.loss,
        "livegrad/product of gains": examination.gain,
        "livegrad/product of signal gains": examination.signal_gain,
        "livegrad/findings": float(len(examination.findings)),
    }
    for layer in examination.layers:
        found[f"livegrad/gain/{layer.layer}"] = layer.gain
        found[f"livegrad/signal gain/{layer.layer}"] = layer.signal_gain
    return found


def elsewhere(examination: Examination, step: int) -> None:
    """Log to Weights & Biases and to MLflow, each where the reader has begun a run of it.

    A run is begun by a program that has imported them, so they are not imported here.
    """
    known = {name: value for name, value in numbers(examination).items() if math.isfinite(value)}
    said = str(examination) if examination.findings else ""
    wandb, mlflow = sys.modules.get("wandb"), sys.modules.get("mlflow")
    run = getattr(wandb, "run", None)
    if run is not None:
        report = {"livegrad/report": said} if said else {}
        # Beside what the reader logs next, whose count of steps stays what it is.
        run.log({**known, **report, "livegrad/step": step}, commit=False)
    if mlflow is not None and mlflow.active_run() is not None:
        mlflow.log_metrics(known, step=step)
        if said:
            mlflow.log_text(said, f"livegrad/report-{step}.txt")
