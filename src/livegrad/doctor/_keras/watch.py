"""The doctor as a Keras callback: the same codes, while ``fit`` runs."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras

from livegrad._checks import counted
from livegrad.doctor._keras import examine
from livegrad.doctor._report import Examination, Finding

__all__ = ["Watch"]


class Watch(keras.callbacks.Callback):  # type: ignore[misc,unused-ignore]
    """Examine the model before training, and then every so many steps.

    An examination costs about three steps without compilation; every 100 steps and on 64 examples
    that is a few per cent of the time of training.

    Args:
        x: a sample of the inputs, as ``examine`` takes it.
        y: its labels; none with a data set.
        every: steps between two examinations.
        rows: examples to measure on.
        log_dir: folder for TensorBoard: loss and both products, each layer's gains, the number of
            findings and their text. Nothing is logged without it.
        report: called with each finding that is new, and the step; without it, nothing is printed.

    Attributes:
        examinations: (step, ``Examination``) in their order.

    Raises:
        ValueError: if ``every`` is no whole number of at least 1.
    """

    def __init__(
        self,
        x: Any,
        y: Any = None,
        *,
        every: int = 100,
        rows: int = 64,
        log_dir: str | Path | None = None,
        report: Callable[[Finding, int], None] | None = None,
    ) -> None:
        super().__init__()
        counted(every, "every")
        self.x, self.y = x, y
        self.every, self.rows = int(every), rows
        self.log_dir, self.report = log_dir, report
        self.examinations: list[tuple[int, Examination]] = []
        self._step = 0
        self._writer: Any = None

    @property
    def codes(self) -> tuple[str, ...]:
        """All codes that were found, each once, in the order in which they first were."""
        return tuple(dict.fromkeys(code for _, seen in self.examinations for code in seen.codes))

    def on_train_begin(self, logs: dict[str, Any] | None = None) -> None:
        """Examine the model as it starts; one without weights waits for its first step."""
        self._step = 0
        if self.log_dir is not None:
            import tensorflow as tf

            self._writer = tf.summary.create_file_writer(str(self.log_dir))
        if self.model.built and self.model.weights:
            self._look()

    def on_train_batch_end(self, batch: int, logs: dict[str, Any] | None = None) -> None:
        """Examine the model every ``every`` steps."""
        self._step += 1
        if self._step % self.every == 0:
            self._look()

    def on_train_end(self, logs: dict[str, Any] | None = None) -> None:
        """Close the log."""
        if self._writer is not None:
            self._writer.close()
            self._writer = None

    def _look(self) -> None:
        before = self.codes
        examination = examine(self.model, self.x, self.y, self.rows, trials=False)
        self.examinations.append((self._step, examination))
        if self.report is not None:
            for finding in examination.findings:
                if finding.code not in before:
                    self.report(finding, self._step)
        if self._writer is not None:
            self._log(examination)

    def _log(self, examination: Examination) -> None:
        import tensorflow as tf

        with self._writer.as_default(step=self._step):
            tf.summary.scalar("livegrad/loss", examination.loss)
            tf.summary.scalar("livegrad/product of gains", examination.gain)
            tf.summary.scalar("livegrad/product of signal gains", examination.signal_gain)
            tf.summary.scalar("livegrad/findings", len(examination.findings))
            for layer in examination.layers:
                tf.summary.scalar(f"livegrad/gain/{layer.layer}", layer.gain)
                tf.summary.scalar(f"livegrad/signal gain/{layer.layer}", layer.signal_gain)
            if examination.findings:
                tf.summary.text("livegrad/report", str(examination))
        self._writer.flush()
