"""A module's outputs, each with its loss and labels."""

from __future__ import annotations

import functools

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="needs livegrad[torch]")

import torch.nn.functional as F  # noqa: E402, N812
from torch import nn  # noqa: E402

from livegrad.doctor import examine  # noqa: E402
from livegrad.doctor._heads import KNOWN  # noqa: E402
from livegrad.doctor._torch.data import draw  # noqa: E402
from livegrad.doctor._torch.kept import undisturbed  # noqa: E402
from livegrad.doctor._torch.outputs import kind_of  # noqa: E402
from livegrad.doctor._torch.probe import TorchProbe  # noqa: E402

SPARSE, BINARY = "sparsecategoricalcrossentropy", "binarycrossentropy"
SQUARED, SHARES = "meansquarederror", "categoricalcrossentropy"
WHOLE, REAL = np.zeros(2, "int64"), np.zeros((2, 3), "float32")


@pytest.mark.parametrize(
    ("loss", "y", "kind"),
    [
        (nn.MSELoss(), REAL, (SQUARED, False)),
        (F.l1_loss, REAL, ("meanabsoluteerror", False)),
        (nn.SmoothL1Loss(), REAL, ("huber", False)),
        (nn.BCELoss(), REAL, (BINARY, False)),
        (F.binary_cross_entropy_with_logits, REAL, (BINARY, True)),
        (nn.CrossEntropyLoss(), WHOLE, (SPARSE, True)),
        (F.cross_entropy, REAL, (SHARES, True)),
        (functools.partial(F.cross_entropy, ignore_index=3), WHOLE, (SPARSE, True)),
        (nn.NLLLoss(), WHOLE, ("negativeloglikelihood", False)),
        (lambda p, y: p.sum(), WHOLE, ("", False)),
        (nn.TripletMarginLoss(), WHOLE, ("", False)),
    ],
)
def test_a_loss_is_known_by_its_class_or_function(loss, y, kind):
    assert kind_of(loss, y) == kind
    assert not kind[0] or kind[0] in KNOWN


def test_a_loss_of_the_readers_own_is_not_known_by_its_name():
    def mse_loss(p, y):
        return p.sum()

    class Own(nn.MSELoss):
        def forward(self, p, y):
            return p.sum()

    assert kind_of(mse_loss, REAL) == kind_of(Own(), REAL) == ("", False)


def paired(module, x, y, loss):
    probe = TorchProbe(module, draw(x, y, 64, next(module.parameters(), None)), loss, None)
    with undisturbed(module):
        return probe.outputs(probe.run(with_loss=False))


def data(n=32, features=8):
    x = torch.as_tensor(
        np.random.default_rng(0).standard_normal((n, features)), dtype=torch.float32
    )
    return x, (x[:, :1] > 0).float()


def test_an_output_has_its_loss_labels_and_activation():
    x, y = data()
    module = nn.Sequential(nn.Linear(8, 4), nn.ReLU(), nn.Linear(4, 1), nn.Sigmoid())
    (found,), notes = paired(module, x, y, nn.BCELoss())
    assert notes == []
    assert (found.layer, found.activation, found.kind, found.logits) == (
        "3",
        "sigmoid",
        BINARY,
        False,
    )
    assert found.output.shape == (32, 1) and found.strict and not found.weighted
    np.testing.assert_array_equal(found.y, y)
    np.testing.assert_array_equal(found.some, y)
    p = module(x)
    assert found.cost(p.detach().numpy()) == pytest.approx(F.binary_cross_entropy(p, y).item())
    assert found.cost(np.full((5, 1), 0.5)) == pytest.approx(np.log(2))


def test_classes_have_numbers_or_shares():
    x, _ = data()
    module = nn.Sequential(nn.Linear(8, 3))
    labels = torch.arange(32) % 3
    weighted = nn.CrossEntropyLoss(weight=torch.ones(3), ignore_index=2)
    for y, loss, kind in [
        (labels, nn.CrossEntropyLoss(), SPARSE),
        (F.one_hot(labels).float(), F.cross_entropy, SHARES),
        (labels, weighted, SPARSE),
        (labels, functools.partial(F.cross_entropy, ignore_index=1), SPARSE),
    ]:
        (found,), notes = paired(module, x, y, loss)
        assert (found.kind, found.logits, found.activation, notes) == (kind, True, "linear", [])
        assert not found.strict and found.weighted == (loss is weighted)
    assert found.ignored == 1
    assert paired(module, x, labels, weighted)[0][0].ignored == 2
    assert paired(module, x, labels, F.cross_entropy)[0][0].ignored == -100
    assert paired(module, x, data()[0][:, :3], F.mse_loss)[0][0].ignored is None


@pytest.mark.parametrize("dense", [True, False])
def test_answers_that_are_images_have_their_channels_last(dense):
    x = torch.randn(6, 2, 5, 4)
    module = nn.Sequential(nn.Conv2d(2, 3, 1))
    y = torch.randn(6, 3, 5, 4) if dense else torch.randint(0, 3, (6, 5, 4))
    loss = nn.MSELoss() if dense else nn.CrossEntropyLoss()
    (found,), notes = paired(module, x, y, loss)
    assert notes == [] and found.output.shape == (6, 5, 4, 3) and found.axis == -1
    assert found.y.shape == found.some.shape == ((6, 5, 4, 3) if dense else (6, 5, 4))
    assert found.cost(found.output) == pytest.approx(loss(module(x), y).item(), rel=1e-5)


def test_shares_of_classes_on_the_second_axis():
    x = torch.randn(6, 2, 5)
    y = torch.softmax(torch.randn(6, 3, 5), 1)
    (found,), _ = paired(nn.Sequential(nn.Conv1d(2, 3, 1)), x, y, nn.CrossEntropyLoss())
    assert found.kind == SHARES and found.y.shape == found.output.shape == (6, 5, 3)
    np.testing.assert_allclose(found.y.sum(-1), 1, rtol=1e-5)


class Tagger(nn.Module):
    def __init__(self, turned, how=None):
        super().__init__()
        self.words, self.out = nn.Embedding(9, 4), nn.Linear(4, 3)
        self.turned, self.how = turned, how

    def forward(self, x):
        h = self.out(self.words(x))
        return self.how(h) if self.how else (h.transpose(1, 2) if self.turned else h)


def test_classes_of_words_must_be_on_the_second_axis():
    x, y = torch.randint(0, 9, (6, 5)), torch.randint(0, 3, (6, 5))
    for module in (Tagger(True), Tagger(True, lambda h: torch.einsum("nlc->ncl", h))):
        (found,), _ = paired(module, x, y, nn.CrossEntropyLoss())
        assert found.axis == -1 and found.output.shape == (6, 5, 3)
        expected = F.cross_entropy(module(x), y).item()
        assert found.cost(found.output) == pytest.approx(expected, rel=1e-5)
    (found,), _ = paired(Tagger(False), x, y, nn.CrossEntropyLoss())
    assert found.axis == 1 and found.output.shape == (6, 5, 3)
    report = examine(Tagger(False), x, torch.randint(0, 5, (6, 3)), loss=nn.CrossEntropyLoss())
    assert "wrong-axis" in report.codes


def test_an_answer_that_is_given_another_shape_is_still_its_layers():
    class Shaped(nn.Module):
        def __init__(self):
            super().__init__()
            self.out, self.end = nn.Linear(8, 1), nn.Sigmoid()

        def forward(self, x):
            return self.end(self.out(x)).squeeze(-1).float().view(-1)

    x, y = data()
    (found,), notes = paired(Shaped(), x, y[:, 0], nn.BCELoss())
    assert (found.layer, found.activation, notes) == ("end", "sigmoid", [])
    (finding,) = examine(Shaped(), x, y[:, 0], loss=nn.BCEWithLogitsLoss()).findings
    assert (finding.code, finding.layer) == ("output-loss-mismatch", "end")


def test_what_cannot_be_told_is_a_note():
    x, y = data()

    def fourth_power(p, y):
        return (p - y).pow(4).mean()

    (found,), notes = paired(nn.Linear(8, 1), x, y, fourth_power)
    assert (found.kind, notes) == ("", ["loss of Linear: fourth_power is not known here"])
    doubled = nn.Sequential(nn.Linear(8, 1), nn.AdaptiveAvgPool1d(1))
    (found,), notes = paired(doubled, x, y, nn.MSELoss())
    assert found.activation == "unknown"
    assert notes == ["output activation of 1: it is no known layer's"]
    assert paired(doubled, x, y, fourth_power)[1] == ["loss of 1: fourth_power is not known here"]
    probe = TorchProbe(doubled, draw(x, y, 8), None, None)
    assert probe.outputs(probe.run(with_loss=False)) == (
        [], ["output, loss and labels: the module gives its own loss"],
    )  # fmt: skip


class Two(nn.Module):
    def __init__(self):
        super().__init__()
        self.a, self.b = nn.Linear(8, 1), nn.Linear(8, 2)

    def forward(self, x):
        return self.a(x), self.b(x)


def test_several_outputs_are_a_note():
    x, y = data()

    def loss(p, y):
        return F.mse_loss(p[0], y[0] if isinstance(y, tuple) else y) + p[1].pow(2).mean()

    said = "output, loss and labels: "
    assert paired(Two(), x, y, loss) == (
        [], [said + "2 outputs and 1 tensors of labels cannot be paired"],
    )  # fmt: skip
    assert paired(Two(), x, (y, x[:, :2]), loss) == ([], [said + "several outputs share one loss"])
    report = examine(Two(), x, y, loss=loss)
    assert report.loss > 0 and said + "2 outputs and 1 tensors of labels cannot be paired" in (
        report.unjudged
    )


@pytest.mark.parametrize("loss", [nn.MSELoss(), nn.BCEWithLogitsLoss()])
def test_labels_without_the_axis_of_one_unit_are_a_fault(loss):
    x, y = data()
    (finding,) = examine(nn.Linear(8, 1), x, y[:, 0], loss=loss).findings
    assert finding.code == "label-mismatch" and "(32,), must be (32, 1)" in finding.evidence


def test_a_softmax_before_a_loss_of_logits():
    x, _ = data()
    y = torch.arange(32) % 3
    ends = [nn.Softmax(-1), nn.Sigmoid()]
    for end in ends:
        report = examine(nn.Sequential(nn.Linear(8, 3), end), x, y, loss=nn.CrossEntropyLoss())
        assert report.codes == ("output-loss-mismatch",) and report.findings[0].layer == "1"
    good = nn.Sequential(nn.Linear(8, 3), nn.LogSoftmax(-1))
    for loss in (nn.NLLLoss(), nn.CrossEntropyLoss()):  # once more it changes nothing
        assert examine(good, x, y, loss=loss).codes == ()
    report = examine(nn.Sequential(nn.Linear(8, 3)), x, y, loss=nn.NLLLoss())
    assert report.codes == ("output-loss-mismatch",)
