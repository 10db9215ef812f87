"""The doctor beside a loop of one's own, and in the loops of Lightning and Hugging Face."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from contextlib import nullcontext
from pathlib import Path
from types import TracebackType
from typing import Any

from livegrad._checks import counted
from livegrad.doctor._logged import elsewhere, numbers
from livegrad.doctor._report import Examination, Finding
from livegrad.doctor._torch import bare, look, sampled
from livegrad.doctor._torch.data import Sample
from livegrad.doctor._torch.kept import undisturbed

__all__ = ["TorchWatch", "lightning_callback", "trainer_callback"]

Report = Callable[[Finding, int], None]


class TorchWatch:
    """Examine a module every so many steps of a training loop.

    Call ``step()`` behind ``optimizer.step()``. As a context manager it examines the module before
    the first step too, and closes its log in the end. No trials are made.

    Args:
        module: the module that is trained.
        x: a sample of the inputs, as ``examine`` takes it; drawn once.
        y: its labels; none with a loader.
        loss: as ``examine`` takes it.
        optimizer: as ``examine`` takes it.
        every: steps between two examinations, at least.
        rows: examples to measure on.
        share: of the time of training, that examinations may take: one that would take more is put
            off. None for as many as ``every`` asks for, whatever they take.
        log_dir: folder for TensorBoard, which must be installed: loss and both products, each
            layer's gains, the number of findings and their text. Weights & Biases and MLflow are
            written to without it, where a run is active.
        report: called with each finding that is new, and the step; without it, nothing is printed.

    Attributes:
        examinations: (step, ``Examination``) in their order.
        steps: so far.

    Raises:
        ValueError: if ``every`` is no whole number of at least 1.
    """

    def __init__(
        self,
        module: Any,
        x: Any,
        y: Any = None,
        *,
        loss: Any = None,
        optimizer: Any = None,
        every: int = 100,
        rows: int = 32,
        share: float | None = 0.02,
        log_dir: str | Path | None = None,
        report: Report | None = None,
    ) -> None:
        counted(every, "every")
        self.module, self.x, self.y = module, x, y
        self.loss, self.optimizer = loss, optimizer
        self.every, self.rows, self.share = int(every), rows, share
        self.log_dir, self.report = log_dir, report
        self.examinations: list[tuple[int, Examination]] = []
        self.steps = 0
        self._sample: Sample | None = None
        self._writer: Any = None
        self._began = time.perf_counter()
        self._spent = self._last = 0.0

    @property
    def codes(self) -> tuple[str, ...]:
        """All codes that were found, each once, in the order in which they first were."""
        return tuple(dict.fromkeys(code for _, seen in self.examinations for code in seen.codes))

    def __enter__(self) -> TorchWatch:
        """Examine the module as it starts."""
        self._began = time.perf_counter()
        self._look()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        failure: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Close the log."""
        self.close()

    def step(self) -> Examination | None:
        """Count a step, and return what was found where the module was examined."""
        self.steps += 1
        if self.steps % self.every or not self._affordable():
            return None
        return self._look()

    def close(self) -> None:
        """Close the log."""
        if self._writer is not None:
            self._writer.close()
            self._writer = None

    def _affordable(self) -> bool:
        """Whether one more examination keeps to the share of the time that was trained."""
        if self.share is None or not self._spent:
            return True
        trained = time.perf_counter() - self._began - self._spent
        return self._spent + self._last <= self.share * trained

    def _look(self) -> Examination:
        started, before = time.perf_counter(), self.codes
        module = bare(self.module)
        if self._sample is None:
            with undisturbed(module):
                self._sample = sampled(module, self.x, self.y, self.rows, self.loss)
        examination = look(module, self._sample, self.loss, self.optimizer, self.steps)
        self.examinations.append((self.steps, examination))
        if self.report is not None:
            for finding in examination.findings:
                if finding.code not in before:
                    self.report(finding, self.steps)
        if self.log_dir is not None:
            self._log(examination)
        elsewhere(examination, self.steps)
        self._last = time.perf_counter() - started
        self._spent += self._last
        return examination

    def _log(self, examination: Examination) -> None:
        if self._writer is None:
            from torch.utils.tensorboard import SummaryWriter

            self._writer = SummaryWriter(str(self.log_dir))
        for name, value in numbers(examination).items():
            self._writer.add_scalar(name, value, self.steps)
        if examination.findings:
            self._writer.add_text("livegrad/report", str(examination), self.steps)
        self._writer.flush()


def lightning_callback(x: Any, y: Any = None, **given: Any) -> Any:
    """Return a callback for Lightning's ``Trainer``, which watches the module that it trains.

    What is examined is the module's ``forward`` with ``loss``, in the trainer's precision; its
    ``training_step`` is not called. The first optimizer is looked at.

    Args:
        x: a sample of the inputs, as ``examine`` takes it.
        y: its labels; none with a loader.
        given: all else that ``TorchWatch`` takes, but module and optimizer; ``loss`` among it.

    Returns:
        A ``lightning.pytorch.Callback``, with the ``TorchWatch`` as ``watch`` once it trains.
    """
    _known(given, "optimizer")
    try:
        from lightning.pytorch import Callback
    except ImportError:  # by its older name
        from pytorch_lightning import Callback

    class Watching(Callback):  # type: ignore[misc,unused-ignore]
        watch: TorchWatch | None = None

        def on_train_start(self, trainer: Any, pl_module: Any) -> None:
            if not trainer.is_global_zero:
                return
            optimizer = trainer.optimizers[0]
            self.watch = TorchWatch(pl_module, x, y, optimizer=optimizer, **given)
            self.watch.steps = trainer.global_step
            with _precision(trainer):
                self.watch.__enter__()

        def on_train_batch_end(self, trainer: Any, *given: Any) -> None:
            # Not after a batch whose gradient is only added up.
            if self.watch is not None and trainer.global_step > self.watch.steps:
                with _precision(trainer):
                    self.watch.step()

        def on_train_end(self, trainer: Any, pl_module: Any) -> None:
            if self.watch is not None:
                self.watch.close()

        def on_exception(self, trainer: Any, pl_module: Any, exception: BaseException) -> None:
            self.on_train_end(trainer, pl_module)

    return Watching()


def _known(given: dict[str, Any], *own: str) -> None:
    """Refuse at once what ``TorchWatch`` would refuse when training begins."""
    known = set(TorchWatch.__init__.__kwdefaults__ or {}) - set(own)
    for name in given:
        if name not in known:
            raise TypeError(f"{name} must be one of {', '.join(sorted(known))}")
    counted(given.get("every", 1), "every")


def _precision(trainer: Any) -> Any:
    context = getattr(getattr(trainer, "precision_plugin", None), "forward_context", nullcontext)
    return context()


def trainer_callback(x: Any = None, y: Any = None, **given: Any) -> Any:
    """Return a callback for Hugging Face's ``Trainer``, which watches the model that it trains.

    Args:
        x: a sample of the inputs, as ``examine`` takes it; without it the trainer's own batches,
            which bring their labels.
        y: its labels.
        given: all else that ``TorchWatch`` takes, but module and optimizer; without ``loss`` the
            model gives its own.

    Returns:
        A ``transformers.TrainerCallback``, with the ``TorchWatch`` as ``watch`` once it trains.
    """
    _known(given, "optimizer")
    base: Any = getattr(sys.modules.get("transformers"), "TrainerCallback", object)

    class Watching(base):  # type: ignore[misc,unused-ignore]
        watch: TorchWatch | None = None

        def on_train_begin(self, args: Any, state: Any, control: Any, **more: Any) -> None:
            if not state.is_world_process_zero:
                return
            data = more.get("train_dataloader") if x is None else x
            optimizer = more.get("optimizer")
            self.watch = TorchWatch(more["model"], data, y, optimizer=optimizer, **given)
            self.watch.steps = state.global_step
            self.watch.__enter__()

        def on_step_end(self, args: Any, state: Any, control: Any, **more: Any) -> None:
            if self.watch is not None:
                self.watch.step()

        def on_train_end(self, args: Any, state: Any, control: Any, **more: Any) -> None:
            if self.watch is not None:
                self.watch.close()

        def __getattr__(self, name: str) -> Any:
            if name.startswith("on_"):  # all other events
                return lambda *given, **more: None
            raise AttributeError(name)

    return Watching()
