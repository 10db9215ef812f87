"""Plain facts of a module, and of a function that stands for a layer."""

from __future__ import annotations

import math

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="needs livegrad[torch]")

from torch import nn  # noqa: E402

from livegrad.doctor._torch.layers import (  # noqa: E402
    FUNCTIONS,
    Parameters,
    array,
    facts,
    function,
    kind_of,
    parts,
)
from livegrad.doctor._weights import drawn  # noqa: E402


def told(module, fresh=True, decays=None):
    places = {id(p): at for at, p in enumerate(p for p in module.parameters() if p.requires_grad)}
    return facts("part", module, Parameters(places, decays or {}, fresh))


@pytest.mark.parametrize(
    ("module", "kind", "activation"),
    [
        *[(nn.Linear(2, 2), "dense", "linear"), (nn.Conv1d(2, 2, 1), "convolution", "linear")],
        *[(nn.Conv2d(4, 8, 1, groups=4), "depthwise", "linear")],
        *[(nn.Conv2d(4, 8, 1, groups=2), "convolution", "linear")],
        *[(nn.ConvTranspose2d(2, 2, 1), "transposed", "linear")],
        *[(nn.Embedding(2, 2), "embedding", "none"), (nn.EmbeddingBag(2, 2), "embedding", "none")],
        *[(nn.LSTM(2, 2), "recurrent", "none"), (nn.GRUCell(2, 2), "recurrent", "none")],
        *[(nn.MultiheadAttention(2, 1), "attention", "none")],
        *[(nn.BatchNorm2d(2), "normalization", "none"), (nn.LayerNorm(2), "normalization", "none")],
        *[(nn.GroupNorm(1, 2), "normalization", "none"), (nn.RMSNorm(2), "normalization", "none")],
        *[(nn.InstanceNorm2d(2), "normalization", "none"), (nn.Dropout(0.1), "mask", "none")],
        *[(nn.Dropout3d(0.1), "mask", "none"), (nn.AlphaDropout(0.1), "mask", "none")],
        *[(nn.Flatten(), "passing", "none"), (nn.Identity(), "passing", "none")],
        *[(nn.AdaptiveAvgPool3d(1), "passing", "none"), (nn.MaxPool2d(2), "pooling", "none")],
        *[(nn.ZeroPad2d(1), "padding", "none"), (nn.ReflectionPad1d(1), "padding", "none")],
        *[(nn.ReLU(), "activation", "relu"), (nn.ReLU6(), "activation", "relu6")],
        *[(nn.PReLU(), "activation", "leaky_relu"), (nn.GELU("tanh"), "activation", "gelu")],
        *[
            (nn.Softmax(-1), "activation", "softmax"),
            (nn.LogSoftmax(-1), "activation", "log_softmax"),
        ],
        *[(nn.Hardsigmoid(), "activation", "unknown"), (nn.Hardtanh(), "activation", "unknown")],
        *[(nn.PixelShuffle(2), "other", "none"), (nn.Bilinear(2, 2, 2), "other", "none")],
    ],
)
def test_kinds_and_activations(module, kind, activation):
    layer = told(module)
    assert (layer.kind, layer.activation) == (kind, activation)
    assert layer.own and layer.type == type(module).__name__ and layer.origin is module


class Bent(nn.Linear):
    def forward(self, x):
        return torch.tanh(super().forward(x))


class Named(nn.Linear):
    pass


def test_a_layer_with_a_forward_of_its_own_is_not_taken_for_torchs():
    assert kind_of(Bent(2, 2)) == "other" and told(Bent(2, 2)).activation == "none"
    layer = told(Named(2, 2))
    assert layer.kind == "dense" and not layer.own and list(layer.weights) == ["kernel", "bias"]


def test_facts_of_a_few():
    assert told(nn.Dropout(0.25)).rate == 0.25 and told(nn.Linear(2, 2)).rate == 0
    assert told(nn.LeakyReLU(0.2)).negative == 0.2 and told(nn.PReLU()).negative == 0.25
    assert told(nn.ReLU6()).most == 6 and told(nn.ReLU()).most == math.inf
    assert told(nn.Embedding(7, 2)).rows == 7 and told(nn.Linear(2, 2)).rows == 0
    assert told(nn.BatchNorm1d(2)).over == "batch" and told(nn.GroupNorm(1, 2)).over == "features"
    # Padding that is embedded as 0 is read by all that follows.
    assert not told(nn.Embedding(7, 2, padding_idx=0)).masked


@pytest.mark.parametrize(("given", "kept"), [(0.1, 0.9), (1.0, 0.0), (None, 0.0)])
def test_momentum_is_the_share_that_is_kept(given, kept):
    assert told(nn.BatchNorm1d(2, momentum=given)).momentum == pytest.approx(kept)
    assert told(nn.LayerNorm(2)).momentum == told(nn.Linear(2, 2)).momentum == 0


def test_kernels_have_the_inputs_before_the_units():
    for module, shape, axes in [
        (nn.Linear(2, 3), (2, 3), (1, 0)),
        (nn.Conv2d(2, 3, (4, 5)), (4, 5, 2, 3), (2, 3, 1, 0)),
        (nn.ConvTranspose1d(2, 3, 4), (4, 2, 3), (2, 0, 1)),
        (nn.Embedding(2, 3), (2, 3), (0, 1)),
    ]:
        kernel = told(module).kernel
        assert kernel.shape == shape == kernel.value.shape
        np.testing.assert_array_equal(kernel.value, module.weight.detach().permute(axes))
        own = array(module.weight)
        np.testing.assert_array_equal(kernel.back(kernel.turned(own)), own)


def test_weights_have_names_paths_and_places():
    layer = told(nn.BatchNorm1d(2))
    said = [(w.name, w.path, w.trainable, w.place) for w in layer.weights.values()]
    assert said == [
        ("gamma", "part.weight", True, 0), ("beta", "part.bias", True, 1),
        ("running_mean", "part.running_mean", False, None),
        ("running_var", "part.running_var", False, None),
    ]  # fmt: skip
    names = list(told(nn.LSTM(2, 3)).weights)
    assert names == ["weight_ih_l0", "weight_hh_l0", "bias_ih_l0", "bias_hh_l0"]
    frozen = told(nn.Linear(2, 2).requires_grad_(False))
    assert not frozen.trainable and [w.place for w in frozen.weights.values()] == [None, None]
    assert told(nn.ReLU()).trainable and told(nn.Dropout()).trainable


def test_a_weights_value_is_that_of_the_moment_in_double_precision():
    for dtype in (torch.float16, torch.bfloat16, torch.float32, torch.float64):
        module = nn.Linear(2, 2).to(dtype)
        kernel = told(module).kernel
        nn.init.constant_(module.weight, 1.5)
        assert kernel.value.dtype == np.float64 and (kernel.value == 1.5).all()
        assert kernel.epsilon == torch.finfo(dtype).eps


def test_what_torch_draws_is_told_from_what_was_trained():
    torch.manual_seed(0)
    layer = nn.Linear(64, 64)
    assert drawn(told(layer)) is True and drawn(told(layer, fresh=False)) is True
    with torch.no_grad():
        layer.weight *= 3
    # Fresh, it was drawn in another way; else it has been trained.
    assert drawn(told(layer)) is None and drawn(told(layer, fresh=False)) is False
    assert drawn(told(nn.Linear(1, 1))) in (True, None)


def test_penalties_are_those_of_the_optimizer():
    layer = nn.Linear(2, 2)
    told_ = told(layer, decays={id(layer.weight): 0.25})
    assert told_.kernel.penalty == (0, 0.25) and told_.bias.penalty == (0, 0)


def test_parts_are_what_is_looked_at_one_by_one():
    class Own(nn.Module):
        def __init__(self):
            super().__init__()
            self.scale = nn.Parameter(torch.ones(2))
            self.inner = nn.Linear(2, 2)

    module = nn.Sequential(Own(), nn.MultiheadAttention(4, 2), nn.Linear(2, 2))
    module.append(module[2])
    names = [name for name, _ in parts(module)]
    assert names == ["", "0", "0.inner", "1", "2"]


# Functions --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "args", "kwargs", "facts_"),
    [
        ("relu", (0,), {}, {"kind": "activation", "activation": "relu"}),
        ("relu_", (0,), {}, {"kind": "activation", "activation": "relu", "name": "relu"}),
        ("relu6", (0,), {}, {"most": 6.0}),
        ("leaky_relu", (0, 0.3), {}, {"activation": "leaky_relu", "negative": 0.3}),
        ("leaky_relu", (0,), {}, {"negative": 0.01}),
        ("leaky_relu", (0,), {"negative_slope": 0.4}, {"negative": 0.4}),
        ("clamp", (0,), {"min": 0}, {"activation": "relu", "most": math.inf}),
        ("clamp", (0, 0, 6), {}, {"activation": "relu", "most": 6.0}),
        ("clamp", (0, 1), {}, {"kind": "other"}),
        ("dropout", (0,), {}, {"kind": "mask", "rate": 0.5}),
        ("dropout", (0, 0.2), {}, {"rate": 0.2}),
        ("dropout", (0,), {"p": 0.0}, {"rate": 0.0}),
        ("hardtanh", (0,), {}, {"kind": "activation", "activation": "unknown"}),
        ("add_", (0, 0), {}, {"kind": "merging"}),
        ("rsub", (0, 0), {}, {"kind": "merging"}),
        ("einsum", (0, 0), {}, {"kind": "other", "activation": "none"}),
        ("batch_norm", (0,), {}, {"kind": "normalization", "over": "batch"}),
        ("layer_norm", (0,), {}, {"kind": "normalization", "over": "features"}),
    ],
)
def test_facts_of_functions(name, args, kwargs, facts_):
    layer = function(name, 1, args, kwargs)
    assert {key: getattr(layer, key) for key in facts_} == facts_
    assert function(name, 3, args, kwargs).name == f"{name.strip('_')}_3"


def test_all_names_are_functions_of_torch():
    import torch.nn.functional as F  # noqa: N812

    holders = (torch, F, torch.Tensor)
    own = {"rsub", "rdiv", "getitem", "feature_dropout", "native_dropout"}
    unknown = {name for name in FUNCTIONS if not any(hasattr(one, name) for one in holders)} - own
    assert unknown == set()
