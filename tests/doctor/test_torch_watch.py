"""The watch beside a loop: when it looks, what it hands on, and where it is written down."""

from __future__ import annotations

import sys
import time
import types

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="needs livegrad[torch]")

from torch import nn  # noqa: E402

from livegrad.doctor import (  # noqa: E402
    Examination,
    Finding,
    LayerGain,
    TorchWatch,
    lightning_callback,
    trainer_callback,
)
from livegrad.doctor._torch import watch as _watch  # noqa: E402


def data(n=64):
    x = np.random.default_rng(0).standard_normal((n, 8)).astype("float32")
    return torch.as_tensor(x), torch.as_tensor((x[:, :1] > 0).astype("float32"))


def net():
    return nn.Sequential(nn.Linear(8, 4), nn.ReLU(), nn.Linear(4, 1))


def found(*codes):
    findings = tuple(Finding(code, "hidden", "", "", "") for code in codes)
    layers = (LayerGain("0", "relu", 0.5, float("nan")),)
    return Examination(findings, (), layers, 0.5, 2.0, 0.25)


@pytest.fixture
def told(monkeypatch):
    """Let each look find what is written down, and keep what it was given."""
    given = []
    answers = [found("frozen"), found("dead-units", "frozen"), found(), found("dead-units")]

    def look(*args):
        given.append(args)
        return answers[(len(given) - 1) % 4]

    monkeypatch.setattr(_watch, "look", look)
    return given


def train(watch, steps):
    return [watch.step() for _ in range(steps)]


def test_it_looks_before_the_first_step_and_then_every_so_many(told):
    x, y = data()
    module, loss, said = net(), nn.MSELoss(), []
    optimizer = torch.optim.SGD(module.parameters(), 0.1)
    watch = TorchWatch(
        *(module, x, y), loss=loss, optimizer=optimizer, every=np.int64(2), rows=7, share=None,
        report=lambda f, at: said.append((f.code, at)),
    )  # fmt: skip
    with watch as entered:
        seen = train(entered, 9)
    assert [one is not None for one in seen] == [False, True] * 4 + [False]
    assert [step for step, _ in watch.examinations] == [0, 2, 4, 6, 8] and watch.steps == 9
    assert watch.codes == ("frozen", "dead-units") and said == [("frozen", 0), ("dead-units", 2)]
    for at, (bare, sample, given, by, taken) in enumerate(told):
        assert bare is module and given is loss and by is optimizer and taken == 2 * at
        assert sample is told[0][1] and sample.rows == 7


def test_without_a_context_it_looks_at_steps_alone(told):
    watch = TorchWatch(net(), *data(), every=3, share=None)
    train(watch, 7)
    assert [step for step, _ in watch.examinations] == [3, 6]
    assert (watch.every, watch.rows, watch.log_dir, watch.report) == (3, 32, None, None)


@pytest.mark.parametrize("every", [True, 0, -1, 2.0, "2", None])
def test_a_pace_that_is_no_count_is_refused(every):
    with pytest.raises(ValueError, match=r"^every must be a whole number of at least 1, got"):
        TorchWatch(net(), *data(), every=every)
    watch = TorchWatch(net(), *data())
    assert (watch.every, watch.rows, watch.share) == (100, 32, 0.02)


def test_examinations_are_put_off_that_would_take_more_than_their_share(monkeypatch):
    now = [0.0]
    monkeypatch.setattr(time, "perf_counter", lambda: now[0])

    def look(*given):
        now[0] += 5.0
        return found()

    monkeypatch.setattr(_watch, "look", look)
    watch = TorchWatch(net(), *data(), every=10, share=0.05)
    with watch:
        for _ in range(1000):
            now[0] += 1.0
            watch.step()
    # The first one is free; from then on 5 seconds must be at most 5 % of those trained.
    assert [step for step, _ in watch.examinations] == [
        0,
        200,
        300,
        400,
        500,
        600,
        700,
        800,
        900,
        1000,
    ]
    assert watch._spent <= 0.05 * 1000


def test_no_trials_are_made_and_steps_are_told(monkeypatch):
    import livegrad.doctor._torch as probe

    asked = []
    monkeypatch.setattr(
        probe, "judge", lambda *given, **more: asked.append((given, more)) or found()
    )
    module = net()
    optimizer = torch.optim.SGD(module.parameters(), 0.1)
    watch = TorchWatch(module, *data(), loss=nn.MSELoss(), optimizer=optimizer, every=5, share=None)
    with watch:
        train(watch, 5)
    told = [given[0].optimizer.taken for given, _ in asked]
    assert [more for _, more in asked] == [{"trials": False}] * 2 and told == [0, 5]


def test_a_training_is_what_it_is_without_the_watch():
    def trained(watched):
        torch.manual_seed(0)
        module = nn.Sequential(nn.Linear(8, 4), nn.BatchNorm1d(4), nn.Dropout(0.5), nn.Linear(4, 1))
        optimizer = torch.optim.Adam(module.parameters(), 0.01)
        x, y = data()
        loss = nn.BCEWithLogitsLoss()
        watch = TorchWatch(module, x, y, loss=loss, optimizer=optimizer, every=2, share=None)
        for _ in range(6):
            optimizer.zero_grad()
            loss(module(x), y).backward()
            optimizer.step()
            if watched:
                watch.step()
        assert len(watch.examinations) == (3 if watched else 0)
        return [p.tolist() for p in module.parameters()]

    assert trained(True) == trained(False)


def test_a_fault_that_comes_up_in_training_is_reported():
    x, y = data(256)
    module, said = net(), []
    optimizer = torch.optim.SGD(module.parameters(), 0.1)
    watch = TorchWatch(
        *(torch.compile(module, backend="eager"), x, y), loss=nn.BCEWithLogitsLoss(),
        optimizer=optimizer, every=1, share=None, report=lambda f, at: said.append((f.code, at)),
    )  # fmt: skip
    with watch:
        watch.step()
        with torch.no_grad():
            module[0].bias.fill_(-20.0)
        watch.step()
    assert said == [("dead-units", 2)]


def test_a_loader_is_read_once(told):
    read = []

    class Loader:
        def __iter__(self):
            read.append(1)
            return iter([data(8)] * 9)

    with TorchWatch(net(), Loader(), every=1, share=None, loss=nn.MSELoss()) as watch:
        train(watch, 3)
    assert len(read) == 1 and len(told) == 4


# Logs -----------------------------------------------------------------------------------------


def test_the_log_of_tensorboard(tmp_path, told):
    pytest.importorskip("tensorboard")
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    watch = TorchWatch(net(), *data(), every=2, share=None, log_dir=tmp_path / "log")
    with watch:
        train(watch, 4)
    assert watch._writer is None
    log = EventAccumulator(str(tmp_path / "log"))
    log.Reload()
    scalars = {tag: [(e.step, e.value) for e in log.Scalars(tag)] for tag in log.Tags()["scalars"]}
    assert scalars["livegrad/findings"] == [(0, 1), (2, 2), (4, 0)]
    for tag, value in [("loss", 0.25), ("product of gains", 0.5), ("product of signal gains", 2.0)]:
        assert scalars[f"livegrad/{tag}"] == [(0, value), (2, value), (4, value)]
    assert [value for _, value in scalars["livegrad/gain/0"]] == [0.5] * 3
    texts = log.Tensors("livegrad/report/text_summary")
    assert [event.step for event in texts] == [0, 2]
    assert texts[0].tensor_proto.string_val[0].decode() == str(found("frozen"))


class Run:
    def __init__(self):
        self.rows = []

    def log(self, row, commit=True):
        self.rows.append((row, commit))


def test_a_run_of_weights_and_biases_is_written_to(monkeypatch, told):
    wandb = types.SimpleNamespace(run=None)
    monkeypatch.setitem(sys.modules, "wandb", wandb)
    watch = TorchWatch(net(), *data(), every=1, share=None)
    watch.step()
    wandb.run = Run()
    train(watch, 2)
    (first, commit), (second, _) = wandb.run.rows
    assert not commit and first["livegrad/step"] == 2 and first["livegrad/findings"] == 2
    assert first["livegrad/report"] == str(found("dead-units", "frozen"))
    # What is not finite is no point of a curve.
    assert first["livegrad/gain/0"] == 0.5 and "livegrad/signal gain/0" not in first
    assert second["livegrad/step"] == 3 and "livegrad/report" not in second


def test_a_run_of_mlflow_is_written_to(monkeypatch, told):
    wrote = []
    mlflow = types.SimpleNamespace(
        active_run=lambda: None,
        log_metrics=lambda values, step: wrote.append((values, step)),
        log_text=lambda text, path: wrote.append((text, path)),
    )
    monkeypatch.setitem(sys.modules, "mlflow", mlflow)
    watch = TorchWatch(net(), *data(), every=1, share=None)
    watch.step()
    assert wrote == []
    mlflow.active_run = lambda: object()
    train(watch, 2)
    (values, step), report, (_, last) = wrote
    assert (step, last) == (2, 3) and values["livegrad/product of gains"] == 0.5
    assert report == (str(found("dead-units", "frozen")), "livegrad/report-2.txt")


# Loops of others ------------------------------------------------------------------------------


# Lightning's own, about what it imports.
@pytest.mark.filterwarnings("ignore::FutureWarning", "ignore::UserWarning")
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_lightning(told):
    lightning = pytest.importorskip("lightning.pytorch", reason="needs lightning")

    class Own(lightning.LightningModule):
        def __init__(self):
            super().__init__()
            self.net = net()

        def forward(self, x):
            return self.net(x)

        def training_step(self, batch, at):
            x, y = batch
            return nn.functional.binary_cross_entropy_with_logits(self(x), y)

        def configure_optimizers(self):
            return torch.optim.Adam(self.parameters(), 0.01)

    x, y = data()
    module, loss = Own(), nn.BCEWithLogitsLoss()
    callback = lightning_callback(x, y, loss=loss, every=2, share=None)
    assert isinstance(callback, lightning.Callback) and callback.watch is None
    trainer = lightning.Trainer(
        max_epochs=1, accelerator="cpu", callbacks=[callback], logger=False, barebones=False,
        enable_checkpointing=False, enable_progress_bar=False, enable_model_summary=False,
        accumulate_grad_batches=2,
    )  # fmt: skip
    loader = torch.utils.data.DataLoader(torch.utils.data.TensorDataset(x, y), 8)
    trainer.fit(module, loader)
    assert [step for step, _ in callback.watch.examinations] == [0, 2, 4]
    assert told[0][0] is module and isinstance(told[0][3], torch.optim.Adam)


class Trainer:
    """Calls all events by their names, as Hugging Face's does."""

    EVENTS = ("on_init_end", "on_train_begin", "on_epoch_begin", "on_step_begin", "on_substep_end")

    def __init__(self, model, loader, callback):
        self.given = {
            "model": model, "train_dataloader": loader, "processing_class": None,
            "optimizer": types.SimpleNamespace(optimizer=torch.optim.AdamW(model.parameters())),
        }  # fmt: skip
        self.callback = callback
        self.state = types.SimpleNamespace(global_step=0, is_world_process_zero=True)

    def call(self, event):
        assert getattr(self.callback, event)(None, self.state, None, **self.given) is None

    def train(self, steps):
        for event in self.EVENTS:
            self.call(event)
        for _ in range(steps):
            self.state.global_step += 1
            self.call("on_step_end")
            self.call("on_log")
        self.call("on_train_end")


class Classifier(nn.Module):
    def __init__(self):
        super().__init__()
        self.words, self.out = nn.Embedding(9, 8), nn.Linear(8, 3)

    def forward(self, input_ids, labels=None):
        logits = self.out(self.words(input_ids).mean(1))
        return {"loss": nn.functional.cross_entropy(logits, labels), "logits": logits}


def batches():
    for at in range(4):
        yield {"input_ids": torch.arange(40).view(8, 5) % 9, "labels": (torch.arange(8) + at) % 3}


@pytest.mark.parametrize("installed", [True, False])
def test_hugging_faces_trainer(installed, monkeypatch):
    class TrainerCallback:
        def on_log(self, *given, **more):
            pass

    if installed:
        stand_in = types.SimpleNamespace(TrainerCallback=TrainerCallback)
        monkeypatch.setitem(sys.modules, "transformers", stand_in)
    callback = trainer_callback(every=2, share=None)
    assert isinstance(callback, TrainerCallback) == installed
    trainer = Trainer(Classifier(), batches(), callback)
    trainer.train(5)
    assert [step for step, _ in callback.watch.examinations] == [0, 2, 4]
    assert all(seen.loss > 0 for _, seen in callback.watch.examinations)
    with pytest.raises(AttributeError):
        _ = callback.no_event


@pytest.mark.parametrize("make", [lightning_callback, trainer_callback])
def test_what_a_watch_would_refuse_is_refused_at_once(make):
    for wrong in ({"optimizer": None}, {"evry": 3}):
        (name,) = wrong
        with pytest.raises(
            TypeError, match=rf"^{name} must be one of every, log_dir, loss, report"
        ):
            make(data()[0], **wrong)
    with pytest.raises(ValueError, match="every must be a whole number"):
        make(data()[0], every=0)


def test_other_processes_do_not_watch(told):
    callback = trainer_callback({"input_ids": torch.ones(4, 5)}, every=1)
    trainer = Trainer(Classifier(), None, callback)
    trainer.state.is_world_process_zero = False
    trainer.train(3)
    assert callback.watch is None and told == []
