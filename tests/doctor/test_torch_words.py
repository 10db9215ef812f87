"""What to change, as lines of PyTorch that run."""

from __future__ import annotations

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="needs livegrad[torch]")

import torch.nn.functional as F  # noqa: E402, N812
from torch import nn  # noqa: E402

from livegrad.doctor._facts import Layer, Optimizer, Weight  # noqa: E402
from livegrad.doctor._torch.layers import Parameters, facts, function  # noqa: E402
from livegrad.doctor._torch.words import WORDS, place  # noqa: E402

KNOWN = Parameters({}, {}, True)


class Model(nn.Module):
    def __init__(self):
        super().__init__()
        self.features = nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4), nn.Dropout(0.9))
        self.cells = nn.RNN(3, 4)
        self.words = nn.Embedding(5, 3)


def layers(model):
    parts = {"features.0": model.features[0], "features.1": model.features[1]}
    parts |= {"features.2": model.features[2], "cells": model.cells, "words": model.words}
    return {name: facts(name, part, KNOWN) for name, part in parts.items()}


def done(line, **more):
    """Run a line, and return what it has made of the model."""
    model = Model()
    names = {"model": model, "nn": nn, "F": F, "torch": torch} | more
    exec(line, names)
    return names


def test_a_module_is_reached_by_its_name():
    said = {"0": "model[0]", "a.0.b.12": "model.a[0].b[12]", "fc": "model.fc", "w1": "model.w1"}
    assert {name: place(name) for name in said} == said


@pytest.mark.parametrize("name", ["features.0", "words"])
@pytest.mark.parametrize(
    "initializer", ["he_normal", "glorot_uniform", "lecun_normal", "orthogonal"]
)
def test_a_kernel_is_drawn_anew(name, initializer):
    line = WORDS.layer(layers(Model())[name], initializer=initializer)
    torch.manual_seed(3)
    model = done(line)["model"]
    torch.manual_seed(3)
    part = dict(Model().named_modules())[name].weight
    assert not torch.equal(dict(model.named_modules())[name].weight, part)


def test_a_layer_with_another_activation_and_bias():
    layer = layers(Model())["features.0"]
    line = WORDS.layer(layer, units=4, activation="relu", initializer="he_normal")
    assert line == (
        "nn.Sequential(model.features[0], nn.ReLU()); "
        'nn.init.kaiming_normal_(model.features[0].weight, nonlinearity="relu")'
    )
    done(line)
    assert not done(WORDS.layer(layer, bias="zeros"))["model"].features[0].bias.any()
    assert WORDS.layer(layer, activation="linear") == "nn.Linear(...)"


def test_the_model_itself_may_be_the_layer():
    line = WORDS.layer(facts("", nn.Linear(3, 4), KNOWN), bias="zeros", activation="relu")
    assert line == "nn.Sequential(model, nn.ReLU()); nn.init.zeros_(model.bias)"


def test_a_function_is_no_part_of_the_model():
    soft = function("softmax", 2, (), {})
    assert WORDS.without(soft) == "x = hidden  # without softmax_2"
    assert WORDS.soft(soft) == "x = torch.softmax(x, dim=-1)"
    assert WORDS.layer(soft, activation="relu") == "x = F.relu(x)"
    assert WORDS.layer(soft) == "x = torch.softmax(x, dim=-1)"
    assert WORDS.layer(function("relu", 1, (), {}), activation="linear") == "x = x"
    own = Layer(
        "w1", "dense", weights={"kernel": Weight("kernel", "w1", (3, 4), lambda: np.ones(1))}
    )
    assert WORDS.thaw(own) == "model.w1.requires_grad_(True)"
    assert WORDS.layer(own, initializer="glorot_uniform") == "nn.init.xavier_uniform_(model.w1)"


def test_a_weight_is_made_anew():
    told = layers(Model())
    for layer, weight, value in [
        ("features.0", "bias", 0), ("features.1", "gamma", 1), ("features.1", "beta", 0),
        ("features.1", "running_mean", 0), ("features.1", "running_var", 1),
    ]:  # fmt: skip
        line = WORDS.restart(told[layer], told[layer].weights[weight])
        name = line.partition("(")[2].rstrip(")")
        assert (eval(name, {"model": done(line)["model"]}) == value).all()
    done(WORDS.restart(told["cells"], told["cells"].weights["weight_hh_l0"]))
    done(WORDS.restart(told["words"], told["words"].weights["kernel"]))


def test_lines_that_change_the_model_or_the_optimizer():
    told = layers(Model())
    model = done(WORDS.without(told["features.2"]))["model"]
    assert isinstance(model.features[2], nn.Identity)
    assert done(WORDS.momentum(told["features.1"], 0.75))["model"].features[1].momentum == 0.25
    done(WORDS.recurrent(told["cells"]))
    for name in (None, "features.0"):
        frozen = Model().requires_grad_(False)
        exec(WORDS.thaw(told.get(name)), {"model": frozen})
        assert frozen.features[0].weight.requires_grad
    optimizer = torch.optim.AdamW([nn.Parameter(torch.ones(1))])
    known = Optimizer("AdamW", True, 0.1)
    done(WORDS.rate(0.25, known), optimizer=optimizer)
    done(WORDS.decay(0.5), optimizer=optimizer)
    (group,) = optimizer.param_groups
    assert (group["lr"], group["weight_decay"]) == (0.25, 0.5)
    # Keras's penalty has no half in front of it.
    assert WORDS.lighter(told["features.0"], 0.25) == WORDS.decay(0.5)
    assert float(WORDS.rate(1e-5, known).rpartition("=")[2]) == 1e-5


def test_losses_and_what_belongs_to_them():
    kinds = ("binarycrossentropy", "categoricalcrossentropy", "meansquarederror")
    made = [type(done(WORDS.loss(kind))["loss"]) for kind in kinds]
    assert made == [nn.BCELoss, nn.CrossEntropyLoss, nn.MSELoss]
    assert WORDS.loss("binarycrossentropy", logits=True) == "loss = nn.BCEWithLogitsLoss()"
    # These losses take logits.
    for activation, kind, loss in [
        ("softmax", "sparsecategoricalcrossentropy", "nn.CrossEntropyLoss()"),
        ("sigmoid", "binarycrossentropy", "nn.BCEWithLogitsLoss()"),
    ]:
        line = WORDS.with_loss(WORDS.dense(3, activation), kind)
        assert line == f"nn.Linear(..., 3); loss = {loss}"
    assert WORDS.dense(3, "relu") == "nn.Sequential(nn.Linear(..., 3), nn.ReLU())"
    assert WORDS.dense(3, "linear") == WORDS.dense(3, "unknown") == "nn.Linear(..., 3)"


def test_lines_that_change_the_data():
    x = torch.rand(9, 3) * 255
    assert done(WORDS.scale(pixels=True), x=x)["x"].abs().max() <= 1
    assert done(WORDS.scale(pixels=False), x=x)["x"].mean().abs() < 1e-5
    assert done(WORDS.targets(), y=x)["y"].std() == pytest.approx(1, rel=1e-5)
    assert done(WORDS.columns(), y=torch.tensor([0, 2]))["y"].shape == (2, 3)
    assert done(WORDS.normalise(), x=x)["x"].shape == (9, 3)
    assert done(WORDS.smooth(), x=x) and done(WORDS.finite(), x=x)
    q = torch.randn(2, 5, 4)
    assert done(WORDS.attend(), q=q, k=q, d=4)["scores"].sum(-1).allclose(torch.ones(2, 5))


def test_all_lines_can_be_read():
    told = layers(Model())["features.0"]
    lines = [
        *[WORDS.mask(0.2), WORDS.stable(), WORDS.again(), WORDS.layer_norm(told), WORDS.soft(told)],
        *[
            WORDS.half(),
            WORDS.batch(32),
            WORDS.masked(),
            WORDS.metric("acc"),
            WORDS.metric("a", 0.0),
        ],
        *[WORDS.metric("mean_absolute_error"), WORDS.recurrent(told)],
    ]
    for line in lines:
        compile(line, "line", "exec")
        assert "keras" not in line and "\n" not in line
