"""The optimizer: what is told of it, and its twin beside a step of its own."""

from __future__ import annotations

import copy

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="needs livegrad[torch]")

import torch.nn.functional as F  # noqa: E402, N812
from torch import nn  # noqa: E402

from livegrad.doctor import examine  # noqa: E402
from livegrad.doctor._torch.data import draw  # noqa: E402
from livegrad.doctor._torch.probe import TorchProbe  # noqa: E402

O = torch.optim  # noqa: E741


def data(n=32):
    x = torch.as_tensor(np.random.default_rng(0).standard_normal((n, 8)), dtype=torch.float32)
    return x, x[:, :1] * 2 + x[:, 1:2]


def net():
    return nn.Sequential(nn.Linear(8, 8), nn.ReLU(), nn.Linear(8, 1))


def probe_of(module, optimizer):
    return TorchProbe(module, draw(*data(), 64), F.mse_loss, optimizer)


def step(module, optimizer):
    x, y = data()
    optimizer.zero_grad()
    F.mse_loss(module(x), y).backward()
    optimizer.step()


KINDS = {
    "SGD": lambda p: O.SGD(p, 0.1, weight_decay=0.01),
    "momentum": lambda p: O.SGD(p, 0.1, momentum=0.9, nesterov=True),
    "Adam": lambda p: O.Adam(p, 0.01, weight_decay=0.1, amsgrad=True),
    "AdamW": lambda p: O.AdamW(p, 0.01, weight_decay=0.1),
    "RMSprop": lambda p: O.RMSprop(p, 0.01, momentum=0.5, centered=True),
    "Adagrad": lambda p: O.Adagrad(p, 0.01, weight_decay=0.1),
    "NAdam": lambda p: O.NAdam(p, 0.01, decoupled_weight_decay=True, weight_decay=0.1),
    "tensor": lambda p: O.Adam(p, torch.tensor(0.01), foreach=False),
    "named": lambda p: O.Adam([{"params": list(p)}], 0.01),
}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("before", [0, 3])
def test_a_twins_steps_are_the_optimizers(kind, before):
    module = net()
    optimizer = KINDS[kind](module.parameters())
    for _ in range(before):
        step(module, optimizer)
    probe = probe_of(module, optimizer)
    twin = probe.stepper()
    kept = copy.deepcopy(optimizer.state_dict())
    for _ in range(2):
        twin.step(probe.run(twin.values).weights)
    assert str(optimizer.state_dict()) == str(kept)
    for _ in range(2):
        step(module, optimizer)
    for found, p in zip(twin.values, module.parameters(), strict=True):
        np.testing.assert_allclose(found, p.detach(), rtol=1e-4, atol=1e-6)


def test_a_schedule_that_has_a_hold_on_step_is_not_asked():
    module = net()
    optimizer = O.SGD(module.parameters(), 0.1)
    schedule = O.lr_scheduler.StepLR(optimizer, 1, 0.5)
    before = [p.detach().clone() for p in module.parameters()]
    hooked = []
    optimizer.register_step_post_hook(lambda *given: hooked.append(1))
    probe = probe_of(module, optimizer)
    twin = probe.stepper()
    twin.step(probe.run().weights)
    assert all(torch.equal(p, b) for p, b in zip(module.parameters(), before, strict=True))
    assert not hooked and not np.array_equal(twin.values[0], before[0])
    assert (probe.optimizer.rate, probe.optimizer.began) == (0.1, 0.1)
    assert probe.optimizer.taken == 0
    step(module, optimizer)
    schedule.step()
    told = probe_of(module, optimizer).optimizer
    assert (told.rate, told.began, told.taken) == (0.05, 0.1, 1)


def test_groups_keep_the_ratio_of_their_rates():
    module = net()
    groups = [
        {"params": module[0].parameters(), "lr": 0.1, "weight_decay": 0.0},
        {"params": module[2].parameters(), "lr": 0.01, "weight_decay": 0.5},
    ]
    optimizer = O.SGD(groups, 1.0)
    probe = probe_of(module, optimizer)
    twin = probe.stepper(0.2)
    ones = [np.ones_like(value) for value in probe.values()]
    twin.step(ones)
    moved = [float(np.mean(b - a)) for a, b in zip(twin.values, probe.values(), strict=True)]
    np.testing.assert_allclose(moved, [0.2, 0.2, 0.02, 0.02], rtol=1e-4)
    assert [w.penalty[1] for layer in probe.layers for w in layer.weights.values()] == [
        0,
        0,
        0.25,
        0.25,
    ]
    assert probe.optimizer.decay == 0


def test_a_penalty_of_the_optimizer_is_one_of_the_loss():
    module = net()
    x, y = data()
    for kind, part in ((O.SGD, 0.5), (O.Adam, 0.5), (O.AdamW, 0.0)):
        optimizer = kind(module.parameters(), 0.1, weight_decay=0.5)
        probe = probe_of(module, optimizer)
        result = probe.run()
        squares = sum(float(p.detach().pow(2).sum()) for p in module.parameters())
        assert result.penalty == pytest.approx(part / 2 * squares, rel=1e-5)
        bare = F.mse_loss(module(x), y)
        assert result.loss == pytest.approx(bare.item() + result.penalty, rel=1e-5)
        assert probe.loss() == pytest.approx(result.loss, rel=1e-5)
        assert probe.loss(bare=True) == pytest.approx(bare.item(), rel=1e-5)
        (true,) = torch.autograd.grad(bare, [module[0].weight])
        expected = true + part * module[0].weight.detach()
        np.testing.assert_allclose(result.weights[0], expected, rtol=1e-4, atol=1e-6)
        cost, found = probe.slopes(probe.values(), rows=np.arange(32), bare=True)
        np.testing.assert_allclose(found[0], true, rtol=1e-4, atol=1e-6)
        assert cost == pytest.approx(bare.item(), rel=1e-5)
        assert probe.optimizer.decay == (0.5 if kind is O.AdamW else 0)
        # A bare twin shrinks nothing.
        for bare_, shrinks in ((False, kind is O.AdamW), (True, False)):
            twin = probe.stepper(0.1, bare=bare_)
            twin.step([np.zeros_like(value) for value in probe.values()])
            assert np.array_equal(twin.values[0], probe.values()[0]) != shrinks


def test_what_is_told_of_an_optimizer():
    module = net()
    for kind, adaptive in [("SGD", False), ("Adam", True), ("RMSprop", True), ("Adagrad", True)]:
        told = probe_of(module, KINDS[kind](module.parameters())).optimizer
        assert (told.name, told.adaptive) == (kind, adaptive)
        assert told.moved == {"0.weight", "0.bias", "2.weight", "2.bias"}
    assert probe_of(module, KINDS["momentum"](module.parameters())).optimizer.momentum == 0.9
    optimizer = KINDS["Adam"](module.parameters())
    for _ in range(3):
        step(module, optimizer)
    assert probe_of(module, optimizer).optimizer.taken == 3
    none = probe_of(module, None).optimizer
    assert (none.name, none.rate, none.moved) == ("", 0, None)


class Wrapper:
    """As Lightning and Accelerate wrap an optimizer."""

    def __init__(self, optimizer):
        self.optimizer = optimizer


def test_a_wrapped_optimizer_is_unwrapped_and_what_is_none_refused():
    module = net()
    x, y = data()
    given = {"loss": nn.MSELoss(), "optimizer": Wrapper(O.SGD(module.parameters(), 1e-9))}
    assert examine(module, x, y, **given).codes == ("learning-rate",)
    for wrong in (3, nn.Linear(1, 1), Wrapper(3)):
        with pytest.raises(TypeError, match=r"optimizer must be a torch.optim.Optimizer, got"):
            examine(module, x, y, loss=nn.MSELoss(), optimizer=wrong)
    with pytest.raises(
        TypeError, match=r"loss must be made, such as torch.nn.MSELoss\(\), got str"
    ):
        examine(module, x, y, loss="mse")


class Odd(O.SGD):
    """Which cannot be made as its groups tell."""

    def __init__(self, params, secret):
        super().__init__(params, 0.01)


class Own(O.Optimizer):
    """As papers write theirs."""

    def __init__(self, params, lr, beta=0.9):
        super().__init__(params, {"lr": lr, "beta": beta})

    def step(self, closure=None):
        for group in self.param_groups:
            for p in group["params"]:
                mean = self.state[p].setdefault("mean", torch.zeros_like(p))
                mean.mul_(group["beta"]).add_(p.grad)
                p.data.sub_(group["lr"] * mean.sign())


def test_an_optimizer_of_the_readers_own_is_copied():
    module = net()
    optimizer = Own(module.parameters(), 0.01)
    step(module, optimizer)
    probe = probe_of(module, optimizer)
    assert (probe.optimizer.name, probe.optimizer.adaptive) == ("Own", True)
    twin = probe.stepper()
    twin.step(probe.run().weights)
    step(module, optimizer)
    for found, p in zip(twin.values, module.parameters(), strict=True):
        np.testing.assert_allclose(found, p.detach(), rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("make", [lambda p: O.LBFGS(p, 0.1), lambda p: Odd(p, 1), lambda p: None])
def test_an_optimizer_that_cannot_be_copied_is_a_note(make):
    module = net()
    x, y = data(256)
    report = examine(module, x, y, loss=nn.MSELoss(), optimizer=make(module.parameters()))
    assert report.codes == ()
    assert report.unjudged == ("learning rate: the optimizer cannot be copied (TypeError)",)


def test_an_optimizer_of_other_parameters():
    module, other = net(), net()
    x, y = data()
    for optimizer, layer in [
        (O.Adam(other.parameters()), "0"), (O.Adam(module[0].parameters()), "2"),
    ]:  # fmt: skip
        (finding,) = examine(module, x, y, loss=nn.MSELoss(), optimizer=optimizer).findings
        assert (finding.code, finding.layer) == ("frozen", layer)
    module[2].requires_grad_(False)
    optimizer = O.Adam(module[0].parameters(), 0.01)
    assert "frozen" not in {
        f.code
        for f in examine(module, x, y, loss=nn.MSELoss(), optimizer=optimizer).findings
        if f.layer == "0"
    }


def test_tied_weights_are_the_optimizers():
    words, out = nn.Embedding(9, 16), nn.Linear(16, 9, bias=False)
    out.weight = words.weight
    module = nn.Sequential(words, nn.Flatten(), out)
    optimizer = O.Adam(module.parameters(), 0.01)
    x = torch.arange(90)[:, None] % 9
    assert (
        "frozen"
        not in examine(module, x, x[:, 0], loss=nn.CrossEntropyLoss(), optimizer=optimizer).codes
    )
    assert probe_of(net(), None).trainable == 4


def test_everything_frozen_and_lazy_and_no_module():
    x, y = data()
    module = net().requires_grad_(False)
    assert examine(module, x, y, loss=nn.MSELoss()).codes == ("frozen",)
    lazy = nn.Sequential(nn.Linear(8, 4), nn.LazyLinear(1))
    with pytest.raises(ValueError, match=r"^module has no shape for 1.weight yet: call it once"):
        examine(lazy, x, y, loss=nn.MSELoss())
    with pytest.raises(TypeError, match=r"torch.nn.Module or a flax.nnx.Module, got int"):
        examine(3, x, y)
    with pytest.raises(ValueError, match=r"^model could not be run on x: mat1 and mat2"):
        examine(net(), x[:, :3], y, loss=nn.MSELoss())


def test_what_wraps_a_module_is_taken_off():
    x, y = data()
    module = net()
    compiled = torch.compile(nn.DataParallel(module), backend="eager")
    optimizer = O.SGD(module.parameters(), 1e-9)
    report = examine(compiled, x, y, loss=nn.MSELoss(), optimizer=optimizer)
    assert report.codes == ("learning-rate",) and report.layers[0].layer == "0"
