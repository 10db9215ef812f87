"""The same in PyTorch: what its modules may hide, and sound ones that look like it."""

from __future__ import annotations

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="needs livegrad[torch]")

from torch import nn  # noqa: E402

from livegrad.doctor import examine  # noqa: E402


@pytest.fixture(autouse=True)
def seeded():
    torch.manual_seed(0)


def found(module, x, y, loss=None, rate=0.01, parameters=None):
    optimizer = torch.optim.Adam(parameters or module.parameters(), lr=rate)
    report = examine(
        module,
        x,
        y,
        loss=loss or nn.CrossEntropyLoss(),
        optimizer=optimizer,
        batch_size=32,
        epochs=10,
    )
    return [(one.code, one.layer) for one in report.findings], report


def series(n=256, steps=6, features=4):
    x = torch.randn(n, steps, features, generator=torch.Generator().manual_seed(1))
    return x, (x[:, -1, 0] > 0).long()


class Listed(nn.Module):
    """Layers in a plain list."""

    def __init__(self, held):
        super().__init__()
        layers = [nn.Linear(16, 16), nn.Linear(16, 16)]
        self.inner = nn.ModuleList(layers) if held else layers
        self.out = nn.Linear(16, 2)

    def forward(self, x):
        for layer in self.inner:
            x = torch.relu(layer(x))
        return self.out(x)


@pytest.mark.parametrize(("held", "given", "named"), [(0, 0, 1), (1, 0, 0), (0, 1, 0)])
def test_layers_in_a_plain_list_are_nobodys_but_where_the_optimizer_has_them(held, given, named):
    x = torch.randn(256, 16)
    module = Listed(held)
    inner = [p for layer in module.inner for p in layer.parameters()]
    everything = [*module.parameters(), *inner] if given else None
    codes, report = found(module, x, (x[:, 0] > 0).long(), parameters=everything)
    assert codes == named * [("frozen", "model")]
    if named:
        assert report.findings[0].evidence.startswith("4 weights that the answers depend on")
        assert "nn.ModuleList" in report.findings[0].fix


def test_a_loss_with_weights_of_its_own_leaves_the_model_alone():
    class Scaled(nn.Module):
        def __init__(self):
            super().__init__()
            self.scale = nn.Parameter(torch.ones(()))

        def forward(self, p, y):
            return nn.functional.cross_entropy(self.scale * p, y)

    x = torch.randn(256, 16)
    module = nn.Sequential(nn.Linear(16, 16), nn.ReLU(), nn.Linear(16, 2))
    assert ("frozen", "model") not in found(module, x, (x[:, 0] > 0).long(), Scaled())[0]


class Read(nn.Module):
    """A recurrent layer and its last step."""

    def __init__(self, batch_first):
        super().__init__()
        self.rnn, self.out = nn.LSTM(4, 16, batch_first=batch_first), nn.Linear(16, 2)

    def forward(self, x):
        return self.out(self.rnn(x)[0][:, -1])


@pytest.mark.parametrize("batch_first", [False, True])
def test_a_layer_that_reads_the_examples_as_steps_is_named(batch_first):
    codes, report = found(Read(batch_first), *series())
    assert codes == (not batch_first) * [("wrong-axis", "rnn")]
    if codes:
        assert report.findings[0].fix.startswith("nn.LSTM(..., batch_first=True)")


class Looked(nn.Module):
    """Attention over words and padding."""

    def __init__(self, turned):
        super().__init__()
        self.table, self.turned = nn.Embedding(20, 8, padding_idx=0), turned
        self.att, self.out = nn.MultiheadAttention(8, 2, batch_first=True), nn.Linear(8, 2)

    def forward(self, ids):
        padding, h = ids == 0, self.table(ids)
        seen, _ = self.att(h, h, h, key_padding_mask=~padding if self.turned else padding)
        return self.out(seen[:, 0])


@pytest.mark.parametrize("turned", [True, False])
def test_a_mask_turned_round_makes_all_examples_the_same(turned):
    ids = torch.randint(1, 20, (256, 8))
    ids[:, 5:] = 0
    codes, _ = found(Looked(turned), ids, (ids[:, 0] > 10).long())
    assert codes == turned * [("constant-input", "att")]


@pytest.mark.parametrize(("weights", "named"), [([0.05, 0.9], False), ([0.9, 0.1], True)])
def test_class_weights_are_read_from_the_loss(weights, named):
    x = torch.randn(256, 16)
    y = (x[:, 0] > 1.2).long()
    module = nn.Sequential(nn.Linear(16, 16), nn.ReLU(), nn.Linear(16, 2))
    loss = nn.CrossEntropyLoss(weight=torch.tensor(weights))
    assert ("class-imbalance" in [code for code, _ in found(module, x, y, loss)[0]]) == named


class Block(nn.Module):
    """The block of torchvision's ResNet with ``zero_init_residual``."""

    def __init__(self, width):
        super().__init__()
        self.conv1 = nn.Conv2d(width, width, 3, padding=1, bias=False)
        self.conv2 = nn.Conv2d(width, width, 3, padding=1, bias=False)
        self.bn1, self.bn2 = nn.BatchNorm2d(width), nn.BatchNorm2d(width)
        self.relu = nn.ReLU()
        nn.init.zeros_(self.bn2.weight)

    def forward(self, x):
        y = self.bn2(self.conv2(self.relu(self.bn1(self.conv1(x)))))
        return self.relu(y + x)


def test_blocks_that_start_as_nothing_are_sound():
    from sklearn.datasets import load_digits

    x, y = load_digits(return_X_y=True)
    images = torch.tensor(x.reshape(-1, 1, 8, 8) / 16, dtype=torch.float32)
    stem = [nn.Conv2d(1, 16, 3, padding=1, bias=False), nn.BatchNorm2d(16), nn.ReLU()]
    ends = [nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(16, 10)]
    module = nn.Sequential(*stem, Block(16), Block(16), *ends)
    assert found(module, images, torch.tensor(y))[0] == []


def test_weighted_answers_are_not_held_against_unweighted_ones():
    rng = np.random.default_rng(0)
    x = rng.standard_normal((240, 1, 16, 16)).astype("float32")
    y = np.zeros_like(x)
    for one in y[:, 0]:
        a, b = rng.integers(0, 12, 2)
        one[a : a + 4, b : b + 4] = 1
    conv = [nn.Conv2d(1, 8, 3, padding=1), nn.BatchNorm2d(8), nn.ReLU()]
    module = nn.Sequential(*conv, nn.Conv2d(8, 1, 3, padding=1))
    loss = nn.BCEWithLogitsLoss(pos_weight=torch.tensor(3.0))
    assert found(module, torch.tensor(x + 2 * y), torch.tensor(y), loss, 3e-3)[0] == []


def test_a_signal_that_vanishes_on_the_way_keeps_its_own_name():
    layers = [part for _ in range(14) for part in (nn.Linear(16, 16), nn.Sigmoid())]
    x = torch.randn(256, 16)
    codes, _ = found(nn.Sequential(*layers, nn.Linear(16, 2)), x, (x[:, 0] > 0).long())
    assert codes and "constant-input" not in [code for code, _ in codes]


class Plain(nn.Module):
    """A body with two heads, and what a test makes of them."""

    def __init__(self, forward):
        super().__init__()
        self.body, self.one, self.two = nn.Linear(16, 16), nn.Linear(16, 2), nn.Linear(16, 2)
        self.scale, self.shift = nn.Parameter(torch.ones(16)), nn.Parameter(torch.zeros(16))
        self.none = nn.Parameter(torch.zeros(()))
        self._forward = forward

    def forward(self, *given, **named):
        return self._forward(self, *given, **named)


def mixed_up(self, x):
    h = torch.relu(self.body(x))
    if self.training:
        h = 0.7 * h + 0.3 * h[torch.randperm(len(h))]
    return self.one(h)


def over_the_batch(self, x):
    h = nn.functional.batch_norm(self.body(x), None, None, self.scale, self.shift, training=True)
    return self.one(torch.relu(h))


def nothing_yet(self, x):
    h = torch.relu(self.body(x))
    return self.one(h + self.none * torch.relu(self.body(h)))


@pytest.mark.parametrize("forward", [mixed_up, over_the_batch, nothing_yet])
def test_what_mixes_or_starts_as_nothing_on_purpose_is_sound(forward):
    module = Plain(forward)
    if forward is nothing_yet:
        nn.init.zeros_(module.one.weight)
    x = torch.randn(256, 16)
    assert found(module, x, (x[:, 0] > 0).long())[0] == []


def test_answers_about_pairs_of_examples_mix_by_design():
    module = Plain(lambda self, x: self.one(torch.relu(self.body(x))) @ self.two(x).T)

    def contrast(scores, y):
        return nn.functional.cross_entropy(scores, torch.arange(len(scores)))

    codes, _ = found(module, torch.randn(64, 16), torch.zeros(64), contrast)
    assert "wrong-axis" not in [code for code, _ in codes]


def test_a_loss_of_the_model_s_own_has_its_slope_behind_the_answers_shown():
    def forward(self, x, y):
        scores = self.one(torch.relu(self.body(x)))
        loss = nn.functional.cross_entropy(scores, y)
        return {"loss": loss, "shares": scores.softmax(-1)}

    module, x = Plain(forward), torch.randn(256, 16)
    optimizer = torch.optim.Adam(module.parameters(), lr=0.01)
    assert examine(module, {"x": x, "y": (x[:, 0] > 0).long()}, optimizer=optimizer).healthy


def test_weights_tied_by_a_list_are_the_model_s_own():
    def forward(self, x):
        return nn.functional.linear(torch.relu(self.body(x)), self.tied[0])

    module, x = Plain(forward), torch.randn(256, 16)
    module.tied = [module.body.weight]
    report = examine(module, x, x, loss=nn.MSELoss())
    assert ("frozen", "model") not in [(one.code, one.layer) for one in report.findings]
