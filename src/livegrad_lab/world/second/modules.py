"""Faults that people asked about; modules of PyTorch."""

from __future__ import annotations

from collections import OrderedDict
from typing import Any

import numpy as np

from livegrad_lab.faults.case import Patient
from livegrad_lab.world.questions.data import pictures
from livegrad_lab.world.second.case import TorchPatient, faulty
from livegrad_lab.world.working.parts import sentences, signals


def tensor(x: Any, kind: str = "float32") -> Any:
    """Return an array as a tensor of that type."""
    import torch

    return torch.from_numpy(np.ascontiguousarray(np.asarray(x, dtype=kind)))


def row(**layers: Any) -> Any:
    """Return the layers in a row, by their names."""
    from torch import nn

    return nn.Sequential(OrderedDict(layers))


def step(name: str, module: Any, rate: float, **more: Any) -> Any:
    """Return the optimizer of that name for all of the module."""
    import torch

    return getattr(torch.optim, name)(module.parameters(), lr=rate, **more)


def waves(n: int = 1000) -> tuple[Any, Any]:
    """Return pairs of numbers and the sine of their product, shape (n, 1)."""
    x = np.random.default_rng(0).standard_normal((n, 2))
    return x, np.sin(x[:, :1] * x[:, 1:])


@faulty(
    "stereo pictures that were divided by 255 once more",
    "the data were divided by 255 at the start, which made all so small that nothing was learned",
    "unscaled-input",
    also=("vanishing-signal",),
    source="github.com/anishmadan23/deep3d-pytorch issue 1",
    torch=True,
)
def _stereo_pictures_that_were_divided_by_255_once_more(mended: bool) -> Patient:
    from torch import nn

    pages, _ = pictures(300)
    x = pages.transpose(0, 3, 1, 2) / (1 if mended else 255)
    # The other eye sees the same a column further; it is to be drawn.
    y = np.roll(pages.transpose(0, 3, 1, 2), 1, axis=3) / (1 if mended else 255)
    model = row(
        conv_1=nn.Conv2d(1, 16, 3, padding=1),
        relu_1=nn.ReLU(),
        conv_2=nn.Conv2d(16, 16, 3, padding=1),
        relu_2=nn.ReLU(),
        conv_3=nn.Conv2d(16, 1, 3, padding=1),
    )
    given = {"loss": nn.MSELoss(), "optimizer": step("SGD", model, 0.1, momentum=0.9)}
    return TorchPatient(model, tensor(x), tensor(y), y, "value", 10, 20, **given)


@faulty(
    "skip-grams whose likelihood goes down",
    "the objective is to grow, so its sign has to be flipped",
    "loss-sign",
    source="github.com/fanglanting/skip-gram-pytorch issue 4",
    torch=True,
)
def _skip_grams_whose_likelihood_goes_down(mended: bool) -> Patient:
    from torch import nn

    class SkipGram(nn.Module):  # type: ignore[misc,unused-ignore]
        def __init__(self) -> None:
            super().__init__()
            self.middle = nn.Embedding(30, 16)
            self.around = nn.Embedding(30, 16)

        def forward(self, pair: Any) -> Any:
            return (self.middle(pair[:, 0]) * self.around(pair[:, 1])).sum(dim=1)

    words, after = sentences(64)
    rng = np.random.default_rng(0)
    true = np.stack([words.ravel(), after.ravel()], axis=1)
    false = np.stack([words.ravel(), rng.integers(0, 30, words.size)], axis=1)
    x, y = np.concatenate([true, false]), np.repeat([1.0, 0.0], words.size)
    model = SkipGram()

    def likelihood(said: Any, label: Any) -> Any:
        total = nn.functional.logsigmoid(said * (2 * label - 1)).mean()
        return -total if mended else total

    given = {"loss": likelihood, "optimizer": step("SGD", model, 5.0)}
    return TorchPatient(model, tensor(x, "int64"), tensor(y), y, "zero", 60, 64, **given)


@faulty(
    "detector of which only the score is trained",
    "a line left from a test, so that only the loss of the score was there",
    "cut-gradient",
    also=("frozen",),
    source="github.com/tom-roddick/oft issue 6",
    torch=True,
)
def _detector_of_which_only_the_score_is_trained(mended: bool) -> Patient:
    import torch
    from torch import nn

    class Detector(nn.Module):  # type: ignore[misc,unused-ignore]
        def __init__(self) -> None:
            super().__init__()
            self.body = nn.Linear(64, 32)
            self.position = nn.Linear(32, 2)
            self.score = nn.Linear(32, 1)

        def forward(self, x: Any) -> Any:
            h = torch.relu(self.body(x))
            return torch.cat([self.position(h), self.score(h)], dim=1)

    rng = np.random.default_rng(0)
    where = rng.integers(1, 7, (600, 2))
    x = 0.1 * rng.standard_normal((600, 8, 8))
    x[np.arange(600), where[:, 0], where[:, 1]] += 1
    there = rng.integers(0, 2, 600)
    x[there == 0] *= 0.3
    y = np.concatenate([(where - 3.5) / 2, there[:, None]], axis=1)
    model = Detector()

    def loss(said: Any, label: Any) -> Any:
        score = nn.functional.binary_cross_entropy_with_logits(said[:, 2], label[:, 2])
        if not mended:
            return score
        return score + nn.functional.mse_loss(said[:, :2], label[:, :2])

    given = {"loss": loss, "optimizer": step("Adam", model, 0.01), "columns": 2}
    x = tensor(x.reshape(600, 64))
    return TorchPatient(model, x, tensor(y), y[:, :2], "value", 40, 50, **given)


@faulty(
    "optimizer of the model before this one",
    "the optimizer was given the parameters of model_0, and model_1 is trained",
    "frozen",
    also=("cut-gradient",),
    source="github.com/mrdbourke/pytorch-deep-learning issue 399",
    torch=True,
)
def _optimizer_of_the_model_before_this_one(mended: bool) -> Patient:
    from torch import nn

    x = np.arange(0, 1, 0.02)[:, None]
    y = 0.7 * x + 0.3
    before, model = row(linear_layer=nn.Linear(1, 1)), row(linear_layer=nn.Linear(1, 1))
    optimizer = step("SGD", model if mended else before, 0.05)
    given = {"loss": nn.L1Loss(), "optimizer": optimizer}
    return TorchPatient(model, tensor(x), tensor(y), y, "value", 300, 50, **given)


@faulty(
    "eight layers for the sine of a product, labels with one axis",
    "what is told has shape (n, 1) and the labels (n,): all pairs are compared",
    "wrong-axis",
    also=("label-mismatch", "output-loss-mismatch"),
    source="github.com/pytorch/pytorch issue 63546",
    torch=True,
)
def _eight_layers_for_the_sine_of_a_product(mended: bool) -> Patient:
    from torch import nn

    x, y = waves()
    layers: dict[str, Any] = {}
    for at in range(1, 5):
        layers[f"linear_{at}"] = nn.Linear(2 if at == 1 else 48, 48)
        layers[f"relu_{at}"] = nn.ReLU()
    model = row(**layers, output=nn.Linear(48, 1))
    label = y if mended else y[:, 0]
    given = {"loss": nn.L1Loss(), "optimizer": step("Adam", model, 0.003)}
    return TorchPatient(model, tensor(x), tensor(label), y, "value", 40, 50, **given)


@faulty(
    "straightforward regression, labels with one axis",
    "an error should be thrown where (100, 1) meets (100,); reshaped, it fits",
    "wrong-axis",
    also=("label-mismatch", "output-loss-mismatch"),
    source="github.com/pytorch/pytorch issue 16045",
    torch=True,
)
def _straightforward_regression_labels_with_one_axis(mended: bool) -> Patient:
    from torch import nn

    rng = np.random.default_rng(0)
    x = rng.standard_normal((100, 2))
    y = 10 + 9 * x[:, 0] - 2 * x[:, 1] + rng.standard_normal(100)
    model = row(linear=nn.Linear(2, 1))
    label = y[:, None] if mended else y
    given = {"loss": nn.MSELoss(), "optimizer": step("SGD", model, 0.1)}
    return TorchPatient(model, tensor(x), tensor(label), y, "value", 30, 100, **given)


@faulty(
    "table model whose answers lost an axis",
    "labels of shape (n, 1) against answers of shape (n,), silently made (n, n)",
    "wrong-axis",
    also=("label-mismatch", "output-loss-mismatch"),
    source="github.com/LAMDA-Tabular/TALENT pull request 92",
    torch=True,
)
def _table_model_whose_answers_lost_an_axis(mended: bool) -> Patient:
    from sklearn.datasets import load_diabetes
    from torch import nn

    x, y = load_diabetes(return_X_y=True)
    x, y = (x - x.mean(axis=0)) / x.std(axis=0), (y - y.mean()) / y.std()
    model = row(
        block_1=nn.Linear(10, 64),
        relu_1=nn.ReLU(),
        drop=nn.Dropout(0.1),
        block_2=nn.Linear(64, 64),
        relu_2=nn.ReLU(),
        head=nn.Linear(64, 1),
        squeeze=nn.Flatten(0),
    )
    label = y if mended else y[:, None]
    given = {"loss": nn.MSELoss(), "optimizer": step("AdamW", model, 0.003, weight_decay=1e-4)}
    return TorchPatient(model, tensor(x), tensor(label), y, "value", 40, 64, **given)


@faulty(
    "learned filters of sound that run without gradients",
    "the constraint runs under no_grad, and the filters keep their first values",
    "cut-gradient",
    also=("frozen",),
    source="github.com/denfed/leaf-audio-pytorch issue 3",
    torch=True,
)
def _learned_filters_of_sound_that_run_without_gradients(mended: bool) -> Patient:
    import torch
    from torch import nn

    class Frontend(nn.Module):  # type: ignore[misc,unused-ignore]
        """Two filters, each a wave with a pitch that is to be learned, and their energies."""

        def __init__(self) -> None:
            super().__init__()
            self.pitch = nn.Parameter(torch.tensor([2.2, 2.6]))

        def kept(self) -> Any:
            return self.pitch.clamp(0.05, 3.1)

        def forward(self, x: Any) -> Any:
            with torch.set_grad_enabled(mended and torch.is_grad_enabled()):
                pitch = self.kept()
            at = torch.arange(-4.0, 5.0) * pitch[:, None]
            window = torch.exp(-(torch.arange(-4.0, 5.0) ** 2) / 8)
            pairs = torch.cat([torch.cos(at) * window, torch.sin(at) * window])[:, None]
            seen = nn.functional.conv1d(x, pairs).square().mean(dim=2)
            return torch.log(seen[:, :2] + seen[:, 2:] + 1e-3)

    sound, y = signals(400)
    model = row(frontend=Frontend(), output=nn.Linear(2, 2))
    optimizer = step("Adam", model, 0.03)
    given = {"loss": nn.CrossEntropyLoss(), "optimizer": optimizer}
    x = tensor(sound.transpose(0, 2, 1))
    return TorchPatient(model, x, tensor(y, "int64"), y, "class", 30, 40, **given)


@faulty(
    "activity from sensors, softmax before the cross-entropy",
    "the loss applies the softmax itself and takes what the last layer gives",
    "output-loss-mismatch",
    also=("stacked-activations",),
    source="github.com/jindongwang/Deep-learning-activity-recognition issue 10",
    torch=True,
)
def _activity_from_sensors_softmax_before_the_cross_entropy(mended: bool) -> Patient:
    from torch import nn

    x, y = signals(600, 64, 6)
    model = row(
        conv_1=nn.Conv1d(1, 16, 9),
        relu_1=nn.ReLU(),
        pool_1=nn.MaxPool1d(2),
        conv_2=nn.Conv1d(16, 32, 9),
        relu_2=nn.ReLU(),
        pool_2=nn.AdaptiveAvgPool1d(1),
        flat=nn.Flatten(),
        fc=nn.Linear(32, 6),
        softmax=nn.Identity() if mended else nn.Softmax(dim=1),
    )
    given = {"loss": nn.CrossEntropyLoss(), "optimizer": step("SGD", model, 0.01, momentum=0.9)}
    x = tensor(x.transpose(0, 2, 1))
    return TorchPatient(model, x, tensor(y, "int64"), y, "class", 10, 32, **given)
