"""Models that train, from PyTorch's tutorials and from two courses; modules of PyTorch."""

from __future__ import annotations

from typing import Any

import numpy as np

from livegrad_lab.faults.case import Patient
from livegrad_lab.world.second.case import TorchPatient, healthy
from livegrad_lab.world.second.modules import row, step, tensor
from livegrad_lab.world.working.parts import digits, pictures, reviews, sentences

PLACE = "docs.pytorch.org/tutorials"


def trained(model: Any, x: Any, y: Any, epochs: int, batch: int, **given: Any) -> Patient:
    """Return a classifier with the numbers of its classes."""
    return TorchPatient(model, x, tensor(y, "int64"), y, "class", epochs, batch, **given)


@healthy("tutorial of sixty minutes", f"{PLACE}/beginner/blitz/cifar10_tutorial", torch=True)
def _sixty_minutes(mended: bool) -> Patient:
    from torch import nn

    pages, y = pictures(384, 16, 4)
    x = tensor((pages.transpose(0, 3, 1, 2) / 255 - 0.5) / 0.5)
    model = row(
        conv1=nn.Conv2d(3, 6, 5),
        relu1=nn.ReLU(),
        pool1=nn.MaxPool2d(2, 2),
        conv2=nn.Conv2d(6, 16, 3),
        relu2=nn.ReLU(),
        pool2=nn.MaxPool2d(2, 2),
        flat=nn.Flatten(),
        fc1=nn.Linear(64, 120),
        relu3=nn.ReLU(),
        fc2=nn.Linear(120, 84),
        relu4=nn.ReLU(),
        fc3=nn.Linear(84, 4),
    )
    optimizer = step("SGD", model, 0.001, momentum=0.9)
    return trained(model, x, y, 15, 4, loss=nn.CrossEntropyLoss(), optimizer=optimizer)


@healthy("what torch.nn really is", f"{PLACE}/beginner/nn_tutorial", torch=True)
def _what_torch_nn_is(mended: bool) -> Patient:
    from torch import nn

    pixels, y = digits(2)
    x = tensor(pixels.transpose(0, 3, 1, 2))
    model = row(
        conv1=nn.Conv2d(1, 16, 3, stride=2, padding=1),
        relu1=nn.ReLU(),
        conv2=nn.Conv2d(16, 16, 3, stride=2, padding=1),
        relu2=nn.ReLU(),
        conv3=nn.Conv2d(16, 10, 3, stride=2, padding=1),
        relu3=nn.ReLU(),
        pool=nn.AdaptiveAvgPool2d(1),
        flat=nn.Flatten(),
    )
    optimizer = step("SGD", model, 0.1, momentum=0.9)
    return trained(model, x, y, 20, 64, loss=nn.CrossEntropyLoss(), optimizer=optimizer)


@healthy("quickstart with clothes", f"{PLACE}/beginner/basics/quickstart_tutorial", torch=True)
def _quickstart(mended: bool) -> Patient:
    from torch import nn

    pixels, y = digits()
    model = row(
        flatten=nn.Flatten(),
        linear_1=nn.Linear(64, 128),
        relu_1=nn.ReLU(),
        linear_2=nn.Linear(128, 128),
        relu_2=nn.ReLU(),
        linear_3=nn.Linear(128, 10),
    )
    optimizer = step("SGD", model, 0.01)
    x = tensor(pixels)
    return trained(model, x, y, 40, 16, loss=nn.CrossEntropyLoss(), optimizer=optimizer)


@healthy("languages of names", f"{PLACE}/intermediate/char_rnn_classification_tutorial", torch=True)
def _names(mended: bool) -> Patient:
    from torch import nn

    class CharRNN(nn.Module):  # type: ignore[misc,unused-ignore]
        def __init__(self) -> None:
            super().__init__()
            self.rnn = nn.RNN(26, 48, batch_first=True)
            self.h2o = nn.Linear(48, 3)
            self.softmax = nn.LogSoftmax(dim=1)

        def forward(self, x: Any) -> Any:
            _, hidden = self.rnn(x)
            return self.softmax(self.h2o(hidden[0]))

    rng = np.random.default_rng(0)
    y = rng.integers(0, 3, 400)
    # Each language has its own favourite letters.
    often = rng.dirichlet(np.full(26, 0.3), 3)
    names = np.stack([rng.choice(26, 8, p=often[kind]) for kind in y])
    x = tensor(np.eye(26)[names])
    model = CharRNN()
    optimizer = step("SGD", model, 0.05)
    return trained(model, x, y, 20, 8, loss=nn.NLLLoss(), optimizer=optimizer)


@healthy("bags of words", f"{PLACE}/beginner/text_sentiment_ngrams_tutorial", torch=True)
def _bags_of_words(mended: bool) -> Patient:
    from torch import nn

    words, y = reviews(512)
    embedding = nn.EmbeddingBag(200, 32, padding_idx=0)
    nn.init.uniform_(embedding.weight, -0.5, 0.5)
    fc = nn.Linear(32, 2)
    nn.init.uniform_(fc.weight, -0.5, 0.5)
    nn.init.zeros_(fc.bias)
    model = row(embedding=embedding, fc=fc)
    # The tutorial's rate is 5, with gradients clipped to 0.1; without that a tenth of it.
    optimizer = step("SGD", model, 0.5)
    x = tensor(words, "int64")
    return trained(model, x, y, 20, 16, loss=nn.CrossEntropyLoss(), optimizer=optimizer)


@healthy("two words before", f"{PLACE}/beginner/nlp/word_embeddings_tutorial", torch=True)
def _two_words_before(mended: bool) -> Patient:
    from torch import nn

    words, after = sentences(96)
    x = np.stack([words[:, :-1], words[:, 1:]], axis=-1).reshape(-1, 2)
    y = after[:, 1:].reshape(-1)
    model = row(
        embeddings=nn.Embedding(30, 10),
        flat=nn.Flatten(),
        linear1=nn.Linear(20, 128),
        relu=nn.ReLU(),
        linear2=nn.Linear(128, 30),
        log_softmax=nn.LogSoftmax(dim=1),
    )
    optimizer = step("SGD", model, 0.1)
    x = tensor(x, "int64")
    return trained(model, x, y, 15, 8, loss=nn.NLLLoss(), optimizer=optimizer)


@healthy("tags of parts of speech", f"{PLACE}/beginner/nlp/sequence_models_tutorial", torch=True)
def _tags(mended: bool) -> Patient:
    from torch import nn

    class Tagger(nn.Module):  # type: ignore[misc,unused-ignore]
        def __init__(self) -> None:
            super().__init__()
            self.word_embeddings = nn.Embedding(30, 16)
            self.lstm = nn.LSTM(16, 24, batch_first=True)
            self.hidden2tag = nn.Linear(24, 3)

        def forward(self, x: Any) -> Any:
            h, _ = self.lstm(self.word_embeddings(x))
            return nn.functional.log_softmax(self.hidden2tag(h), dim=2)

    words, _ = sentences(200, 12)
    # A tag by the word itself and by whether the one before was of the first half.
    before = np.roll(words, 1, axis=1) < 15
    before[:, 0] = False
    y = np.where(words % 3 == 0, before, 1 + words % 2).astype("int64")
    model = Tagger()

    def nll(said: Any, label: Any) -> Any:
        return nn.functional.nll_loss(said.flatten(0, 1), label.flatten())

    given = {"loss": nll, "optimizer": step("SGD", model, 0.5)}
    x = tensor(words, "int64")
    return TorchPatient(model, x, tensor(y, "int64"), y, "class", 40, 10, **given)


@healthy("cubic for a sine", f"{PLACE}/beginner/pytorch_with_examples", torch=True)
def _cubic(mended: bool) -> Patient:
    from torch import nn

    at = np.linspace(-np.pi, np.pi, 2000)
    y = np.sin(at)[:, None]
    model = row(linear=nn.Linear(3, 1))
    given = {"loss": nn.MSELoss(reduction="sum"), "optimizer": step("RMSprop", model, 1e-3)}
    x = tensor(np.stack([at, at**2, at**3], axis=1))
    return TorchPatient(model, x, tensor(y), y, "value", 2000, 2000, **given)


@healthy("half of two layers dropped", "d2l.ai/chapter_multilayer-perceptrons/dropout", torch=True)
def _half_dropped(mended: bool) -> Patient:
    from torch import nn

    pixels, y = digits()
    model = row(
        flatten=nn.Flatten(),
        linear_1=nn.Linear(64, 256),
        relu_1=nn.ReLU(),
        dropout_1=nn.Dropout(0.5),
        linear_2=nn.Linear(256, 256),
        relu_2=nn.ReLU(),
        dropout_2=nn.Dropout(0.5),
        linear_3=nn.Linear(256, 10),
    )
    optimizer = step("SGD", model, 0.1)
    x = tensor(pixels)
    return trained(model, x, y, 20, 64, loss=nn.CrossEntropyLoss(), optimizer=optimizer)


@healthy("names letter by letter from three before", "github.com/karpathy/makemore (MLP)",
         torch=True)  # fmt: skip
def _makemore(mended: bool) -> Patient:
    from torch import nn

    words, after = sentences(200)
    x = np.stack([words[:, at : 14 + at] for at in range(3)], axis=-1).reshape(-1, 3)
    y = after[:, 2:].reshape(-1)
    model = row(
        wte=nn.Embedding(31, 24),
        flat=nn.Flatten(),
        fc_1=nn.Linear(72, 64),
        tanh=nn.Tanh(),
        fc_2=nn.Linear(64, 31),
    )
    optimizer = step("AdamW", model, 5e-4, weight_decay=0.01, betas=(0.9, 0.99), eps=1e-8)
    x = tensor(x, "int64")
    return trained(model, x, y, 12, 32, loss=nn.CrossEntropyLoss(), optimizer=optimizer)
