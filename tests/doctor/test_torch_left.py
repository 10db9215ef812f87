"""All is left as it was, also where the module or its loss fails."""

from __future__ import annotations

import random

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="needs livegrad[torch]")

import torch.nn.functional as F  # noqa: E402, N812
from torch import nn  # noqa: E402

from livegrad.doctor import examine  # noqa: E402


class Everything(nn.Module):
    """A module with all that a pass could change, and which fails when it is asked to."""

    def __init__(self, fails=False):
        super().__init__()
        self.words = nn.Embedding(9, 8)
        self.norm = nn.BatchNorm1d(8)
        self.cells = nn.LSTM(8, 8, num_layers=2, dropout=0.3, batch_first=True)
        self.attend = nn.MultiheadAttention(8, 2, dropout=0.2, batch_first=True)
        self.act, self.drop = nn.ReLU(inplace=True), nn.Dropout(0.5, inplace=True)
        self.old = torch.nn.utils.parametrizations.weight_norm(nn.Linear(8, 8))
        self.out = nn.Linear(8, 2)
        self.frozen = nn.Linear(8, 8)
        self.frozen.requires_grad_(False)
        self.register_buffer("seen", torch.zeros(()))
        self.plain, self.kept, self.calls = torch.zeros(3), [], 0
        self.fails = fails

    def forward(self, x):
        self.seen += 1
        self.plain.add_(1)
        self.calls += 1
        self.kept.append(x)
        self.fresh = x
        random.random(), np.random.rand(), torch.rand(1)  # noqa: NPY002
        h = self.words(x.clone())
        h = self.norm(h.transpose(1, 2)).transpose(1, 2)
        h, _ = self.cells(h)
        h = h + self.attend(h, h, h, need_weights=False)[0]
        if self.fails:
            raise OSError("broken")
        h = self.act(self.drop(self.old(self.frozen(h))))
        x.zero_()
        return self.out(F.dropout(h, 0.5, self.training).mean(1))


def flat(value):
    """Numbers of tensors, and all else as it is."""
    if isinstance(value, torch.Tensor):
        return (str(value.dtype), value.detach().tolist())
    if isinstance(value, dict):
        return {str(key): flat(part) for key, part in value.items()}
    return [flat(part) for part in value] if isinstance(value, list | tuple) else value


def hooks(part):
    return {name: len(table) for name, table in vars(part).items() if name.endswith("_hooks")}


def state(module, optimizer):
    parts = list(module.modules())
    return {
        "state": flat(module.state_dict()),
        "identity": [id(p) for p in [*module.parameters(), *module.buffers()]],
        "grad": [None if p.grad is None else flat(p.grad) for p in module.parameters()],
        "requires": [p.requires_grad for p in module.parameters()],
        "optimizer": flat(optimizer.state_dict()),
        "hooks": [hooks(part) for part in parts],
        "modes": [part.training for part in parts],
        "inplace": [getattr(part, "inplace", None) for part in parts],
        "dropout": [getattr(part, "dropout", None) for part in parts if isinstance(part, nn.LSTM)],
        "attend": module.attend.dropout,
        "flat": [id(w) for w in module.cells._flat_weights],
        "names": [sorted(vars(part)) for part in parts],
        "plain": (flat(module.plain), module.calls, list(module.kept)),
        "compiled": [part._compiled_call_impl for part in parts],
        "python": random.getstate(),
        "numpy": flat(list(np.random.get_state()[1])),  # noqa: NPY002
        "torch": flat(torch.get_rng_state()),
        "cuda": [flat(s) for s in torch.cuda.get_rng_state_all()]
        if torch.cuda.is_available()
        else [],
        "default": torch.get_default_dtype(),
        "grad mode": (torch.is_grad_enabled(), torch.is_inference_mode_enabled()),
        "autocast": torch.is_autocast_enabled("cpu"),
        "deterministic": torch.are_deterministic_algorithms_enabled(),
    }


def broken(p, y):
    raise KeyError("no loss")


@pytest.mark.parametrize("fails", ["", "forward", "loss"])
@pytest.mark.parametrize("kind", [torch.optim.SGD, torch.optim.AdamW])
def test_all_is_left_as_it_was(fails, kind):
    module = Everything()
    x, y = torch.arange(96).view(16, 6) % 9, torch.arange(16) % 2
    trained = [p for p in module.parameters() if p.requires_grad]
    optimizer = kind(trained, lr=0.01, **({"momentum": 0.9} if kind is torch.optim.SGD else {}))
    F.cross_entropy(module(x.clone()), y).backward()
    optimizer.step()
    module.out.zero_grad()  # which sets them to None
    module.norm.eval()
    module.fails = fails == "forward"
    schedule = torch.optim.lr_scheduler.StepLR(optimizer, 5)
    module.register_forward_hook(lambda *given: None)
    before, data = state(module, optimizer), (x.clone(), y.clone())
    loss = broken if fails == "loss" else nn.CrossEntropyLoss()
    if fails == "forward":
        with pytest.raises(ValueError, match="model could not be run on x: broken"):
            examine(module, x, y, loss=loss, optimizer=optimizer)
    else:
        report = examine(module, x, y, loss=loss, optimizer=optimizer)
        assert any("no loss" in note for note in report.unjudged) == (fails == "loss")
    after = state(module, optimizer)
    for name in before:
        assert after[name] == before[name], name
    assert torch.equal(x, data[0]) and torch.equal(y, data[1])
    assert not any(t.requires_grad for t in (x, y))
    assert schedule.last_epoch == 0 and optimizer.param_groups[0]["lr"] == 0.01


def test_gradients_of_a_step_under_way_are_left():
    module = nn.Sequential(nn.Linear(8, 4), nn.ReLU(), nn.Linear(4, 1))
    x, y = torch.randn(32, 8), torch.randn(32, 1)
    optimizer = torch.optim.Adam(module.parameters())
    F.mse_loss(module(x), y).backward()
    own = [p.grad for p in module.parameters()]
    before = [g.clone() for g in own]
    examine(module, x, y, loss=F.mse_loss, optimizer=optimizer)
    for p, g, value in zip(module.parameters(), own, before, strict=True):
        assert p.grad is g and torch.equal(g, value)
    assert optimizer.state == {}


def test_a_step_after_an_examination_is_the_step_without_one():
    def train(look):
        torch.manual_seed(1)
        module = nn.Sequential(nn.Linear(8, 8), nn.BatchNorm1d(8), nn.ReLU(), nn.Dropout(0.5),
                               nn.Linear(8, 1))  # fmt: skip
        optimizer = torch.optim.Adam(module.parameters(), 0.01)
        schedule = torch.optim.lr_scheduler.ExponentialLR(optimizer, 0.9)
        x, y = torch.randn(32, 8), torch.randn(32, 1)
        for _ in range(3):
            if look:
                examine(module, x, y, loss=F.mse_loss, optimizer=optimizer)
            optimizer.zero_grad()
            F.mse_loss(module(x), y).backward()
            optimizer.step()
            schedule.step()
        return [flat(module.state_dict()), flat(optimizer.state_dict())]

    assert train(True) == train(False)


def test_what_an_older_norm_of_weights_keeps_is_left():
    with pytest.warns(FutureWarning, match="weight_norm"):
        layer = torch.nn.utils.weight_norm(nn.Linear(8, 8))
    module = nn.Sequential(layer, nn.ReLU(), nn.Linear(8, 1))
    kept = layer.weight
    examine(module, torch.randn(32, 8), torch.randn(32, 1), loss=F.mse_loss)
    assert layer.weight is kept


def test_a_part_that_was_switched_by_the_reader_stays_so_in_the_pass():
    module = nn.Sequential(nn.Linear(8, 8), nn.BatchNorm1d(8), nn.ReLU(), nn.Linear(8, 1))
    modes = []
    module[1].register_forward_hook(lambda part, *given: modes.append(part.training))
    x, y = torch.randn(32, 8), torch.randn(32, 1)
    for train, expected in [(True, True), (False, True), (None, False)]:
        module.train(train is not False)
        if train is None:  # a frozen normalisation within what trains
            module[1].eval()
        modes.clear()
        examine(module, x, y, loss=F.mse_loss)
        assert set(modes) == {expected} and module[1].training == bool(train)


def test_a_module_that_trains_in_its_own_way_is_asked_to():
    class Careful(nn.Sequential):
        def train(self, mode=True):
            super().train(mode)
            self[1].eval()
            return self

    module = Careful(nn.Linear(8, 8), nn.BatchNorm1d(8), nn.Linear(8, 1)).eval()
    modes = []
    module[1].register_forward_hook(lambda part, *given: modes.append(part.training))
    examine(module, torch.randn(32, 8), torch.randn(32, 1), loss=F.mse_loss)
    assert set(modes) == {False} and not module.training


def test_a_loss_that_counts_is_left():
    class Counted(nn.Module):
        def __init__(self):
            super().__init__()
            self.register_buffer("mean", torch.zeros(1))
            self.asked = 0

        def forward(self, p, y):
            self.asked += 1
            self.mean += p.detach().mean()
            y -= 1
            return (p - y).pow(2).mean()

    loss, y = Counted(), torch.randn(32, 1)
    before = y.clone()
    examine(nn.Linear(8, 1), torch.randn(32, 8), y, loss=loss)
    assert loss.asked == 0 and loss.mean.item() == 0 and torch.equal(y, before)


def test_random_numbers_of_a_loader_are_left():
    generator = torch.Generator().manual_seed(3)
    data = torch.utils.data.TensorDataset(torch.randn(64, 8), torch.randn(64, 1))
    loader = torch.utils.data.DataLoader(data, 8, shuffle=True, generator=generator)
    module = nn.Linear(8, 1)
    before, own = torch.get_rng_state(), generator.get_state()
    examine(module, loader, loss=F.mse_loss)
    assert torch.equal(torch.get_rng_state(), before) and torch.equal(generator.get_state(), own)
