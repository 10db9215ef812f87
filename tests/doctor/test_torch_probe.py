"""The instrumented pass: what it records of a module, beside plain autograd on the same module."""

from __future__ import annotations

import math

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="needs livegrad[torch]")

import torch.nn.functional as F  # noqa: E402, N812
from torch import nn  # noqa: E402

from livegrad.doctor import examine  # noqa: E402
from livegrad.doctor._facts import norm  # noqa: E402
from livegrad.doctor._torch.data import Sample, draw  # noqa: E402
from livegrad.doctor._torch.kept import undisturbed  # noqa: E402
from livegrad.doctor._torch.probe import TorchProbe  # noqa: E402


def data(n=16, features=8):
    x = torch.as_tensor(
        np.random.default_rng(0).standard_normal((n, features)), dtype=torch.float32
    )
    return x, (x[:, :1] > 0).float()


def probe_of(module, x, y, loss=F.mse_loss, optimizer=None):
    like = next(module.parameters(), None)
    return TorchProbe(module, draw(x, y, 64, like, own=loss is None), loss, optimizer)


def run(module, x, y, loss=F.mse_loss, **more):
    probe = probe_of(module, x, y, loss)
    with undisturbed(module):
        result = probe.run(**more)
        again = probe.loss() if result.error == "" and more.get("with_loss", True) else math.nan
    assert result.error == "" and again == pytest.approx(result.loss, rel=1e-5, nan_ok=True)
    return result


def names(result):
    return [call.layer.name for call in result.calls]


def beside(found, true, **more):
    assert found is not None
    np.testing.assert_allclose(
        found, true.detach().numpy(), **({"rtol": 1e-4, "atol": 1e-7} | more)
    )


def slopes(loss, *of):
    return torch.autograd.grad(loss, of, retain_graph=True)


def test_each_calls_tensors_and_gradients_are_those_of_plain_autograd():
    x, y = data()
    a, b, out = nn.Linear(8, 4), nn.Linear(4, 4), nn.Linear(4, 1)
    module = nn.Sequential(a, nn.Tanh(), b, nn.ReLU(), out, nn.Sigmoid())
    result = run(module, x, y, nn.BCELoss())
    x = x.clone().requires_grad_(True)
    z1 = a(x)
    h1 = torch.tanh(z1)
    z2 = b(h1)
    h2 = torch.relu(z2)
    z3 = out(h2)
    p = torch.sigmoid(z3)
    loss = F.binary_cross_entropy(p, y)
    assert result.loss == pytest.approx(loss.item(), rel=1e-6) and result.penalty == 0
    assert [call.layer.origin for call in result.calls] == list(module)
    assert [call.parents for call in result.calls] == [[], [0], [1], [2], [3], [4]]
    assert [call.first for call in result.calls] == [True, *[False] * 5]
    chain = [x, z1, h1, z2, h2, z3, p]
    for call, came, made in zip(result.calls, chain, chain[1:], strict=False):
        beside(call.inputs[0], came)
        beside(call.output, made)
        assert call.pre is call.output and call.delta is call.gradient
        below, above = slopes(loss, came, made)
        beside(call.gradients[0], below)
        beside(call.gradient, above)
    # What one call makes and the next is given is one array.
    for above, below in zip(result.calls[1:], result.calls, strict=False):
        assert above.inputs[0] is below.output
    assert result.outputs[0] is result.calls[-1].output
    for found, true in zip(result.weights, slopes(loss, *module.parameters()), strict=True):
        beside(found, true)


class Written(nn.Module):
    """A module whose forward is the test's."""

    def __init__(self, forward, **inside):
        super().__init__()
        for name, part in inside.items():
            setattr(self, name, part)
        self._forward = forward

    def forward(self, *given, **named):
        return self._forward(self, *given, **named)


def test_functions_between_modules_are_calls_with_their_true_parents():
    def forward(self, x):
        left, right = self.left(x), self.right(x)
        both = torch.cat([F.relu(left), torch.tanh(right)], dim=1)
        return self.out(both.view(len(x), 2, 4).flatten(1)) + left.sum(1, keepdim=True)

    module = Written(forward, left=nn.Linear(8, 4), right=nn.Linear(8, 4), out=nn.Linear(8, 1))
    result = run(module, *data())
    made = {name: at for at, name in enumerate(names(result))}
    assert [call.layer.kind for call in result.calls] == [
        *["dense", "dense", "activation", "activation", "merging", "passing", "passing", "dense"],
        *["other", "merging"],
    ]
    parents = {
        "left": [], "right": [], "relu": ["left"], "tanh": ["right"], "cat": ["relu", "tanh"],
        "view": ["cat"], "flatten": ["view"], "out": ["flatten"], "sum": ["left"],
        "add": ["out", "sum"],
    }  # fmt: skip
    assert {name: result.calls[made[name]].parents for name in made} == {
        name: [made[one] for one in above] for name, above in parents.items()
    }
    assert {name for name in made if result.calls[made[name]].first} == {"left", "right"}
    assert result.calls[made["add"]].output is result.outputs[0]
    bent = result.calls[made["tanh"]]
    np.testing.assert_allclose(
        bent.gradients[0], bent.gradient * (1 - bent.output**2), rtol=1e-4, atol=1e-8
    )


IN_PLACE = {
    "a module": lambda self, h: self.act(h),
    "a function": lambda self, h: F.relu(h, inplace=True),
    "a method": lambda self, h: h.relu_(),
    "a statement": lambda self, h: (h.relu_(), h)[1],
    "a function, as a statement": lambda self, h: (F.relu(h, True), h)[1],
    "torch's own": lambda self, h: torch.relu_(h),
}


@pytest.mark.parametrize("how", IN_PLACE)
def test_what_is_done_in_place_leaves_the_value_before(how):
    x, y = data()
    a, out = nn.Linear(8, 4), nn.Linear(4, 1)
    module = Written(
        lambda self, x: self.out(IN_PLACE[how](self, self.a(x))),
        a=a,
        act=nn.ReLU(inplace=True),
        out=out,
    )
    result = run(module, x, y)
    z = a(x)
    h = torch.relu(z)
    loss = F.mse_loss(out(h), y)
    first, act, last = result.calls
    assert (act.layer.activation, act.parents, last.parents) == ("relu", [0], [1])
    assert act.inputs[0] is first.output and last.inputs[0] is act.output
    beside(first.output, z)
    beside(act.output, h)
    before, after = slopes(loss, z, h)
    beside(first.gradient, before)
    beside(act.gradients[0], before)
    beside(act.gradient, after)
    beside(result.weights[0], slopes(loss, a.weight)[0])


def test_a_shortcut_that_is_changed_in_place_is_changed():
    """Out of place it would be another model: the shortcut would be what it was before."""
    x, y = data()
    a, b = nn.Linear(8, 4), nn.Linear(4, 4)

    def forward(self, x):
        h = self.a(x)
        return (self.b(self.act(h)) + h).sum(1, keepdim=True)

    module = Written(forward, a=a, b=b, act=nn.ReLU(inplace=True))
    result = run(module, x, y)
    h = torch.relu(a(x))
    beside(result.outputs[0], (b(h) + h).sum(1, keepdim=True))
    add = result.calls[names(result).index("add")]
    assert add.parents == [2, 1] and add.inputs[1] is result.calls[1].output


@pytest.mark.parametrize("augment", ["+=", "add_", "setitem", "masked_fill_"])
def test_sums_in_place_are_calls(augment):
    x, y = data()

    def forward(self, x):
        h, g = self.a(x), self.b(x)
        if augment == "+=":
            h += g
        elif augment == "add_":
            h.add_(g)
        elif augment == "setitem":
            h[:, 1:] = g[:, 1:]
        else:
            h.masked_fill_(g > 0, 0.5)
        return self.out(h)

    module = Written(forward, a=nn.Linear(8, 4), b=nn.Linear(8, 4), out=nn.Linear(4, 1))
    result = run(module, x, y)
    out = result.calls[-1]
    (above,) = out.parents
    assert out.inputs[0] is result.calls[above].output
    assert not np.array_equal(out.inputs[0], result.calls[0].output)
    loss = F.mse_loss(module(x), y)
    for found, p in zip(result.weights, module.parameters(), strict=True):
        (true,) = torch.autograd.grad(loss, [p], retain_graph=True, allow_unused=True)
        assert (found is None) == (true is None)
        if true is not None:
            beside(found, true)


def test_in_place_on_a_view_keeps_the_gradient_of_what_came_before():
    x, y = data()
    module = nn.Sequential(
        nn.Conv1d(2, 3, 1), nn.Flatten(), nn.ReLU(inplace=True), nn.Linear(12, 1)
    )
    result = run(module, x.view(16, 2, 4), y)
    assert all(norm(call.gradient) > 0 for call in result.calls)
    assert all(norm(g) > 0 for call in result.calls for g in call.gradients)


def test_inputs_may_be_changed_in_place_and_stay_as_they_are():
    x, y = data()
    before = x.clone()

    def forward(self, x):
        z = torch.sigmoid(x)
        z.mul_(2)  # which autograd would refuse, were a gradient asked for the input
        x.sub_(x.mean(0))
        return self.a(x) + z.sum(1, keepdim=True)

    module = Written(forward, a=nn.Linear(8, 1))
    result = run(module, x, y)
    loss = F.mse_loss(module(x.clone()), y)
    beside(result.weights[0], slopes(loss, module.a.weight)[0], rtol=1e-3)
    assert torch.equal(x, before)


def test_nested_and_shared_modules():
    inner = nn.Sequential(nn.Linear(8, 8), nn.ReLU())
    shared = nn.Linear(8, 8)
    module = nn.Sequential(
        inner, shared, nn.ReLU(), nn.Sequential(shared, nn.Tanh()), nn.Linear(8, 1)
    )
    result = run(module, *data())
    assert names(result) == ["0.0", "0.1", "1", "2", "1", "3.1", "4"]
    first, second = result.calls[2], result.calls[4]
    assert first.layer is second.layer and first.output is not second.output
    assert [layer.name for layer in probe_of(module, *data()).layers] == [
        "0.0", "0.1", "1", "2", "3.1", "4",
    ]  # fmt: skip


def test_a_tied_weight_has_one_place_and_one_gradient():
    words, out = nn.Embedding(9, 4), nn.Linear(4, 9, bias=False)
    out.weight = words.weight
    module = nn.Sequential(words, out)
    x, y = torch.arange(18).view(9, 2) % 9, torch.arange(9)
    result = run(module, x, y, lambda p, y: F.cross_entropy(p[:, 0], y))
    assert [call.layer.kernel.place for call in result.calls] == [0, 0] and len(result.weights) == 1
    (true,) = slopes(F.cross_entropy(module(x)[:, 0], y), words.weight)
    beside(result.weights[0], true)
    assert result.calls[0].layer.kernel.path == "0.weight"


def test_convolutions_have_their_channels_last():
    x = torch.randn(4, 2, 6, 5)
    conv, norm2, out = nn.Conv2d(2, 3, 3), nn.BatchNorm2d(3), nn.Linear(3, 1)

    def forward(self, x):
        h = F.relu(self.norm(self.conv(x)))
        h = F.max_pool2d(h, 2)
        return self.out(h.permute(0, 2, 3, 1)).mean((1, 2))

    module = Written(forward, conv=conv, norm=norm2, out=out)
    result = run(module, x, torch.randn(4, 1))
    z = conv(x)
    h = torch.relu(F.batch_norm(z, None, None, norm2.weight, norm2.bias, training=True))
    loss_of = dict(zip(names(result), result.calls, strict=True))
    beside(loss_of["conv"].inputs[0], x.movedim(1, -1))
    beside(loss_of["conv"].output, z.movedim(1, -1))
    beside(loss_of["relu"].output, h.movedim(1, -1), rtol=1e-3, atol=1e-5)
    pooled = F.max_pool2d(h, 2).movedim(1, -1)
    for name in ("max_pool2d", "permute"):
        beside(loss_of[name].output, pooled, rtol=1e-3, atol=1e-5)
    assert loss_of["out"].inputs[0] is loss_of["permute"].output
    assert loss_of["conv"].gradient.shape == z.movedim(1, -1).shape
    kernel = loss_of["conv"].layer.kernel
    assert kernel.shape == (3, 3, 2, 3)
    np.testing.assert_array_equal(kernel.value, conv.weight.detach().permute(2, 3, 1, 0))
    gradient = kernel.turned(result.weights[kernel.place])
    np.testing.assert_array_equal(kernel.back(gradient), result.weights[kernel.place])


@pytest.mark.parametrize(
    ("conv", "x", "shape"),
    [
        (nn.Conv1d(6, 4, 3), (5, 6, 8), (5, 6, 4)),
        (nn.ConvTranspose2d(6, 4, 2), (5, 6, 3, 3), (5, 4, 4, 4)),
        (nn.Conv3d(6, 4, 2), (5, 6, 3, 3, 3), (5, 2, 2, 2, 4)),
        (nn.Conv2d(6, 12, 2, groups=6), (5, 6, 3, 3), (5, 2, 2, 12)),
    ],
)
def test_each_convolution_makes_what_its_kernel_makes(conv, x, shape):
    module = nn.Sequential(conv, nn.ReLU(), nn.Flatten(), nn.LazyLinear(1))
    module(torch.zeros(x))
    result = run(module, torch.randn(x), torch.randn(5, 1))
    assert result.calls[0].output.shape == result.calls[1].output.shape == shape
    kernel = result.calls[0].layer.kernel
    assert kernel.shape[-1] == (2 if conv.groups > 1 else 4) * conv.groups / max(conv.groups, 1) * (
        6 if conv.groups > 1 else 1
    )
    assert kernel.turned(result.weights[0]).shape == kernel.shape


def test_a_sequence_that_is_turned_for_a_convolution_is_turned_back():
    x = torch.randint(0, 9, (7, 5))
    module = Written(
        lambda self, x: self.out(self.conv(self.words(x).transpose(1, 2)).transpose(1, 2).mean(1)),
        words=nn.Embedding(9, 6),
        conv=nn.Conv1d(6, 4, 3),
        out=nn.Linear(4, 1),
    )
    result = run(module, x, torch.randn(7, 1))
    made = dict(zip(names(result), result.calls, strict=True))
    shapes = {name: call.output.shape for name, call in made.items()}
    assert shapes == {
        "words": (7, 5, 6), "transpose": (7, 5, 6), "conv": (7, 3, 4), "transpose_2": (7, 3, 4),
        "mean": (7, 4), "out": (7, 1),
    }  # fmt: skip
    assert made["words"].first and made["words"].inputs == []
    np.testing.assert_array_equal(made["words"].whole[0], x)


@pytest.mark.parametrize(
    ("norm_", "shape"),
    [
        (nn.BatchNorm1d(6), (8, 6)),
        (nn.LayerNorm(6), (8, 6)),
        (nn.GroupNorm(2, 6), (8, 6)),
        (nn.RMSNorm(6), (8, 6)),
        (nn.BatchNorm1d(6, affine=False), (8, 6)),
        (nn.GroupNorm(2, 6), (8, 6, 3)),
        (nn.InstanceNorm1d(6, affine=True), (8, 6, 3)),
    ],
)
def test_normalisations(norm_, shape):
    x = torch.randn(shape) * 3 + 1
    module = nn.Sequential(norm_, nn.Flatten(), nn.Linear(int(np.prod(shape[1:])), 1))
    result = run(module, x, torch.randn(8, 1))
    first = result.calls[0]
    assert first.layer.kind == "normalization"
    assert first.layer.over == ("batch" if isinstance(norm_, nn.BatchNorm1d) else "features")
    true = norm_.train()(x)
    beside(first.output, true.movedim(1, -1) if len(shape) > 2 else true, rtol=1e-3, atol=1e-5)
    assert set(first.layer.weights) >= (
        {"gamma"} if getattr(norm_, "weight", None) is not None else set()
    )


@pytest.mark.parametrize("kind", [nn.LSTM, nn.GRU, nn.RNN])
@pytest.mark.parametrize("first", [True, False])
def test_recurrent_layers_have_the_examples_first(kind, first):
    x = torch.randn(6, 5, 3)

    def forward(self, x):
        out, _ = self.cells(x if first else x.transpose(0, 1))
        return self.out(out[:, -1] if first else out[-1])

    module = Written(forward, cells=kind(3, 4, batch_first=first, dropout=0.5, num_layers=2),
                     out=nn.Linear(4, 1))  # fmt: skip
    module.cells.dropout = 0.0
    y = torch.randn(6, 1)
    result = run(module, x, y)
    cells = next(call for call in result.calls if call.layer.kind == "recurrent")
    given = x.clone().requires_grad_(True)
    loss = F.mse_loss(module(given), y)
    beside(cells.inputs[0], x)
    beside(cells.gradients[0], slopes(loss, given)[0], rtol=1e-3)
    assert cells.output.shape == (6, 5, 4)
    assert {"weight_ih_l0", "bias_hh_l1"} <= set(cells.layer.weights) and cells.layer.kernel is None
    for found, p in zip(result.weights, module.parameters(), strict=True):
        beside(found, slopes(loss, p)[0], rtol=1e-3)
    assert not cells.layer.masked


def test_a_cell_that_is_called_in_a_loop():
    def forward(self, x):
        h = torch.zeros(len(x), 4)
        for at in range(x.shape[1]):
            h = self.cell(x[:, at], h)
        return self.out(h)

    module = Written(forward, cell=nn.GRUCell(3, 4), out=nn.Linear(4, 1))
    result = run(module, torch.randn(6, 5, 3), torch.randn(6, 1))
    cells = [call for call in result.calls if call.layer.kind == "recurrent"]
    assert len(cells) == 5 and all(call.layer is cells[0].layer for call in cells)
    assert result.calls[-1].parents == [result.calls.index(cells[-1])]


def test_packed_sequences_are_heard():
    def forward(self, x):
        packed = nn.utils.rnn.pack_padded_sequence(x, torch.tensor([5, 4, 3]), batch_first=True)
        _, h = self.cells(packed)
        return self.out(h[-1])

    module = Written(forward, cells=nn.GRU(3, 4, batch_first=True), out=nn.Linear(4, 1))
    result = run(module, torch.randn(3, 5, 3), torch.randn(3, 1))
    cells = next(call for call in result.calls if call.layer.kind == "recurrent")
    assert cells.inputs[0].shape == (12, 3) and all(g is not None for g in result.weights)


ASKED = [
    {}, {"need_weights": False}, {"average_attn_weights": False},
    {"need_weights": True, "average_attn_weights": True},
]  # fmt: skip


@pytest.mark.parametrize("asked", ASKED)
@pytest.mark.parametrize("first", [True, False])
@pytest.mark.parametrize("positional", [True, False])
def test_attention_gives_its_scores_and_the_reader_gets_what_was_asked_for(
    asked, first, positional
):
    got = []

    def forward(self, x):
        h = x if first else x.transpose(0, 1)
        out = self.attend(h, h, h, None, *asked.values()) if positional and len(asked) == 1 and (
            "need_weights" in asked) else self.attend(h, h, h, **asked)  # fmt: skip
        got.append(out[1])
        return self.out((out[0] if first else out[0].transpose(0, 1)).mean(1))

    attend = nn.MultiheadAttention(8, 2, dropout=0.5, batch_first=first)
    module = Written(forward, attend=attend, out=nn.Linear(8, 1))
    x, y = torch.randn(6, 5, 8), torch.randn(6, 1)
    result = run(module, x, y)
    call = next(call for call in result.calls if call.layer.kind == "attention")
    attend.dropout = 0.0
    module(x)
    shown, true = got[0], got[-1]
    assert (shown is None) == (true is None)
    if true is not None:
        beside(shown.detach().numpy(), true, rtol=1e-4)
    h = x if first else x.transpose(0, 1)
    _, scores = attend(h, h, h, average_attn_weights=False)
    beside(call.scores, scores)
    assert call.scores.shape == (6, 2, 5, 5) and call.output.shape == (6, 5, 8)
    beside(call.inputs[0], x)
    loss = F.mse_loss(module(x), y)
    for found, p in zip(result.weights, module.parameters(), strict=True):
        beside(found, slopes(loss, p)[0], rtol=1e-3, atol=1e-6)
    # What is inside it is no layer of its own.
    assert [layer.name for layer in probe_of(module, x, y).layers] == ["attend", "out"]


@pytest.mark.parametrize("before", [True, False])
def test_an_encoder_layer_is_looked_into(before):
    layer = nn.TransformerEncoderLayer(8, 2, 16, dropout=0.9, batch_first=True, norm_first=before)
    module = nn.Sequential(layer, nn.Flatten(), nn.Linear(40, 1))
    x, y = torch.randn(6, 5, 8), torch.randn(6, 1)
    result = run(module, x, y)
    own = {
        "0.self_attn",
        "0.linear1",
        "0.linear2",
        "0.norm1",
        "0.norm2",
        "0.dropout",
        "relu",
        "add",
    }
    assert own <= set(names(result))
    call = next(call for call in result.calls if call.layer.kind == "attention")
    assert call.scores.shape == (6, 2, 5, 5)
    np.testing.assert_allclose(call.scores.sum(-1), 1, rtol=1e-5)
    quiet = nn.TransformerEncoderLayer(8, 2, 16, dropout=0.0, batch_first=True, norm_first=before)
    quiet.load_state_dict(layer.state_dict())
    loss = F.mse_loss(module[2](quiet(x).flatten(1)), y)
    assert result.loss == pytest.approx(loss.item(), rel=1e-5)


@pytest.mark.parametrize(
    "more",
    [
        {},
        {"is_causal": True},
        {"scale": 0.1},
        {"dropout_p": 0.9},
        {"attn_mask": torch.ones(5, 5, dtype=torch.bool).tril()},
        {"attn_mask": torch.linspace(0, 3, 25).view(5, 5)},
        {"attn_mask": torch.ones(6, 1, 5, 5, dtype=torch.bool).tril()},
    ],
)
@pytest.mark.parametrize("heads", [True, False])
def test_attention_as_a_function_gives_its_scores_too(more, heads):
    if not heads and getattr(more.get("attn_mask"), "ndim", 0) == 4:
        more = {"attn_mask": more["attn_mask"][:, 0]}

    def forward(self, x):
        q, k, v = self.qkv(x).chunk(3, -1)
        if heads:
            q, k, v = (part.view(6, 5, 2, 4).transpose(1, 2) for part in (q, k, v))
        h = F.scaled_dot_product_attention(q, k, v, **more)
        kept.append((q, k, v, h))
        return self.out((h.transpose(1, 2).flatten(2) if heads else h).mean(1))

    kept = []
    module = Written(forward, qkv=nn.Linear(8, 24), out=nn.Linear(8, 1))
    result = run(module, torch.randn(6, 5, 8), torch.randn(6, 1))
    call = next(call for call in result.calls if call.layer.kind == "attention")
    assert call.scores.shape == (6, 2 if heads else 1, 5, 5)
    *_, v, h = kept[0]
    scores = torch.as_tensor(call.scores)
    beside((scores if heads else scores[:, 0]) @ v.detach(), h, rtol=1e-3, atol=1e-5)


MASKED = {
    "masked_fill": lambda scores, mask: scores.masked_fill(mask == 0, float("-inf")),
    "masked_fill_": lambda scores, mask: scores.masked_fill_(mask == 0, -torch.inf),
    "where": lambda scores, mask: torch.where(mask == 1, scores, -torch.inf),
    "add": lambda scores, mask: scores + torch.full((5, 5), -torch.inf).triu(1),
}


@pytest.mark.parametrize("how", MASKED)
def test_where_attention_is_not_to_look_is_no_fault(how):
    """What is minus infinity before a softmax is 0 behind it."""

    def forward(self, x):
        q, k, v = self.qkv(x).chunk(3, -1)
        scores = MASKED[how](q @ k.transpose(-2, -1) / 8**0.5, torch.ones(5, 5).tril())
        return self.out((F.softmax(scores, -1) @ v).mean(1))

    module = Written(forward, qkv=nn.Linear(8, 24), out=nn.Linear(8, 1))
    x, y = torch.randn(64, 5, 8), torch.randn(64, 1)
    result = run(module, x, y)
    assert all(np.isfinite(call.output).all() for call in result.calls)
    soft = next(call for call in result.calls if call.layer.activation == "softmax")
    assert result.calls[soft.parents[0]].layer.type == "div" and np.isneginf(soft.inputs[0]).any()
    assert "non-finite" not in examine(module, x, y, loss=nn.MSELoss()).codes


def test_infinity_that_comes_of_itself_is_one():
    module = Written(lambda self, x: self.a(x) + torch.log(x * 0), a=nn.Linear(8, 8))
    x = torch.rand(32, 8) + 1
    (finding,) = examine(module, x, x, loss=nn.MSELoss()).findings
    assert (finding.code, finding.layer) == ("non-finite", "log")


@pytest.mark.parametrize(
    "noise",
    [
        *[nn.Dropout(0.9), nn.Dropout(0.9, inplace=True), nn.AlphaDropout(0.9)],
        *[nn.FeatureAlphaDropout(0.9), nn.Dropout1d(0.9)],
    ],
)
def test_dropout_is_switched_off_and_the_rest_trains(noise):
    x, y = data()
    module = nn.Sequential(nn.Linear(8, 4), nn.BatchNorm1d(4), noise, nn.Linear(4, 1))
    result = run(module, x, y)
    norm_, mask = result.calls[1:3]
    np.testing.assert_array_equal(mask.output, mask.inputs[0])
    assert (mask.layer.kind, mask.layer.rate) == ("mask", 0.9)
    assert np.abs(np.mean(norm_.output, axis=0)).max() < 1e-5


@pytest.mark.parametrize(
    "drop",
    [
        lambda h: F.dropout(h, 0.9),
        lambda h: F.dropout(h, p=0.9, training=True, inplace=True),
        lambda h: torch.dropout(h, 0.9, True),
        lambda h: torch.nn.functional.alpha_dropout(h, 0.9, True),
        lambda h: F.dropout1d(h, 0.9),
    ],
)
def test_dropout_as_a_function_is_switched_off(drop):
    x, y = data()
    module = Written(lambda self, x: self.b(drop(self.a(x))), a=nn.Linear(8, 4), b=nn.Linear(4, 1))
    result = run(module, x, y)
    mask = result.calls[1]
    assert (mask.layer.kind, mask.layer.rate, mask.parents) == ("mask", 0.9, [0])
    np.testing.assert_array_equal(mask.output, mask.inputs[0])
    assert result.loss == pytest.approx(F.mse_loss(module.b(module.a(x)), y).item(), rel=1e-5)


def test_noise_of_the_readers_own_is_the_same_in_each_pass():
    x, y = data()
    module = Written(
        lambda self, x: self.a(x) + torch.randn(len(x), 1) + float(np.random.rand()),  # noqa: NPY002
        a=nn.Linear(8, 1),
    )
    run(module, x, y)  # compares two


class DropPath(nn.Module):
    def forward(self, x):
        return x * torch.bernoulli(torch.full((len(x), 1), 0.5)) if self.training else x


def test_a_known_noise_of_another_library_is_switched_off():
    x, y = data()
    module = nn.Sequential(nn.Linear(8, 4), DropPath(), nn.Linear(4, 1))
    result = run(module, x, y)
    assert result.calls[1].layer.kind == "noise"
    np.testing.assert_array_equal(result.calls[1].output, result.calls[1].inputs[0])


class Scale(nn.Module):
    """A layer of the reader's own, with weights and nothing inside."""

    def __init__(self):
        super().__init__()
        self.times = nn.Parameter(torch.full((4,), 2.0))

    def forward(self, x):
        return torch.sigmoid(x * self.times)


def test_a_layer_of_the_readers_own_is_one_call():
    x, y = data()
    result = run(nn.Sequential(nn.Linear(8, 4), Scale(), nn.Linear(4, 1)), x, y)
    assert names(result) == ["0", "1", "2"]
    own = result.calls[1]
    assert (own.layer.kind, own.layer.own, own.layer.type) == ("other", False, "Scale")
    assert list(own.layer.weights) == ["times"] and own.parents == [0]
    assert result.calls[2].inputs[0] is own.output


class ByHand(nn.Module):
    """A network without modules: parameters and functions."""

    def __init__(self):
        super().__init__()
        self.w1, self.b1 = nn.Parameter(torch.randn(8, 6) / 3), nn.Parameter(torch.zeros(6))
        self.w2, self.w3 = nn.Parameter(torch.randn(5, 6)), nn.Parameter(torch.randn(1, 5))

    def forward(self, x):
        h = torch.relu(x @ self.w1 + self.b1)
        return F.linear(torch.tanh(h @ self.w2.T), self.w3)


def test_functions_of_parameters_are_layers():
    x, y = data()
    module = ByHand()
    result = run(module, x, y)
    kinds = [(call.layer.name, call.layer.kind) for call in result.calls]
    assert kinds == [
        ("w1", "dense"), ("add", "merging"), ("relu", "activation"), ("w2", "dense"),
        ("tanh", "activation"), ("w3", "dense"),
    ]  # fmt: skip
    shapes = [call.layer.kernel.shape for call in result.calls if call.layer.weighted]
    assert shapes == [(8, 6), (6, 5), (5, 1)]
    for call in result.calls:
        if call.layer.kernel is not None:
            made = call.inputs[0] @ call.layer.kernel.value
            np.testing.assert_allclose(call.output, made, rtol=1e-4, atol=1e-5)
            turned = call.layer.kernel.turned(result.weights[call.layer.kernel.place])
            np.testing.assert_allclose(
                turned, call.inputs[0].T @ call.gradient, rtol=1e-3, atol=1e-5
            )


class Norm(nn.Module):
    """A normalisation as some write it for themselves."""

    def __init__(self, width):
        super().__init__()
        self.weight = nn.Parameter(torch.ones(width))

    def forward(self, x):
        return F.layer_norm(x, self.weight.shape, self.weight, None, 1e-5)


def test_what_the_readers_own_hands_to_a_known_function_is_known():
    x, y = data()
    result = run(nn.Sequential(nn.Linear(8, 4), Norm(4), nn.Linear(4, 1)), x, y)
    own = result.calls[1].layer
    assert (own.name, own.kind, list(own.weights), own.over) == (
        "1", "normalization", ["gamma"], "features",
    )  # fmt: skip
    assert result.calls[1].parents == [0] and result.calls[2].parents == [1]


def test_weights_that_are_computed_have_a_value():
    x, y = data()
    for wrap in (nn.utils.parametrizations.weight_norm, nn.utils.parametrizations.spectral_norm):
        module = nn.Sequential(wrap(nn.Linear(8, 4)), nn.ReLU(), nn.Linear(4, 1))
        result = run(module, x, y)
        assert names(result) == ["0", "1", "2"]
        layer = result.calls[0].layer
        assert layer.kind == "dense" and layer.kernel.shape == (8, 4) and layer.kernel.place is None
        np.testing.assert_allclose(layer.kernel.value, module[0].weight.detach().T, rtol=1e-2)
        assert all(g is not None for g in result.weights)


def test_positions_that_are_embedded_come_from_nothing():
    x = torch.randint(0, 9, (7, 5))
    module = Written(
        lambda self, x: self.out((self.words(x) + self.places(torch.arange(5)) + self.own).mean(1)),
        words=nn.Embedding(9, 4),
        places=nn.Embedding(5, 4),
        own=nn.Parameter(torch.zeros(4)),
        out=nn.Linear(4, 1),
    )
    result = run(module, x, torch.randn(7, 1))
    made = dict(zip(names(result), result.calls, strict=True))
    assert made["places"].parents == [] and not made["places"].first and made["words"].first
    assert made["add"].parents == [0, 1] and len(made["add_2"].inputs) == 1


def test_values_stand_in_for_the_weights():
    x, y = data()
    module = nn.Sequential(nn.Linear(8, 4), nn.ReLU(), nn.Linear(4, 1))
    probe = probe_of(module, x, y, nn.BCEWithLogitsLoss())
    zeros = [np.zeros_like(value) for value in probe.values()]
    result = probe.run(zeros)
    assert result.loss == pytest.approx(math.log(2), rel=1e-6) == probe.loss(zeros)
    assert not result.calls[0].output.any() and module[0].weight.detach().numpy().any()
    for wrong in (zeros[:-1], [*zeros, zeros[0]]):
        for act in (probe.run, probe.loss):
            with pytest.raises(ValueError, match="zip"):
                act(wrong)


def test_a_loss_that_looks_at_the_parameters_sees_those_that_stand_in():
    x, y = data()
    module = nn.Linear(8, 1)

    def loss(p, y):
        return F.mse_loss(p, y) + 3 * module.weight.pow(2).sum()

    probe = probe_of(module, x, y, loss)
    zeros = [np.zeros_like(value) for value in probe.values()]
    assert probe.loss(zeros) == pytest.approx(y.mean().item())
    result = probe.run()
    beside(result.weights[0], slopes(loss(module(x), y), module.weight)[0])
    cost, found = probe.slopes(probe.values(), rows=np.arange(16))
    assert cost == pytest.approx(result.loss, rel=1e-6)
    np.testing.assert_allclose(found[0], result.weights[0], rtol=1e-5)


def test_without_a_loss_there_are_no_gradients():
    result = run(nn.Sequential(nn.Linear(8, 4), nn.Linear(4, 1)), *data(), with_loss=False)
    assert math.isnan(result.loss) and result.error == "" and result.weights == [None] * 4
    assert all(call.gradient is None and call.gradients == [] for call in result.calls)


@pytest.mark.parametrize(
    ("said", "error"), [("two\nlines ", "two"), ("", "OSError"), (" \n", "OSError")]
)
def test_what_keeps_the_loss_from_being_computed_is_told_in_a_line(said, error):
    def fail(p, y):
        raise OSError(said)

    module = nn.Linear(8, 1)
    result = probe_of(module, *data(), fail).run()
    assert result.error == error and math.isnan(result.loss) and result.weights == [None] * 2


def test_what_autograd_refuses_is_told_too():
    def forward(self, x):
        h = torch.sigmoid(self.a(x))
        h.mul_(2)
        return h

    result = probe_of(Written(forward, a=nn.Linear(8, 1)), *data()).run()
    assert "modified by an inplace operation" in result.error and math.isnan(result.loss)


def test_a_module_without_a_loss_of_its_own():
    module = nn.Linear(8, 1)
    result = probe_of(module, data()[0], None, None).run()
    assert result.error == "no loss was given, and the module gives none of its own"


def test_a_loss_that_depends_on_nothing_has_no_gradients():
    module = nn.Linear(8, 1)
    probe = probe_of(module, *data(), lambda p, y: y.mean())
    result = probe.run()
    assert result.weights == [None, None] and result.loss == pytest.approx(0.5, abs=0.2)
    assert probe.slopes(probe.values(), rows=np.arange(4))[1] == [None, None]
    module = Written(lambda self, x: self.a(x).detach().requires_grad_(), a=nn.Linear(8, 1))
    assert probe_of(module, *data()).run().weights == [None, None]


def test_frozen_parameters_have_no_place():
    module = nn.Sequential(nn.Linear(8, 4), nn.ReLU(), nn.Linear(4, 1))
    module[0].requires_grad_(False)
    result = run(module, *data())
    first, _, last = (call.layer for call in result.calls)
    assert [w.place for w in first.weights.values()] == [None, None] and not first.trainable
    assert [w.place for w in last.weights.values()] == [0, 1] and last.trainable
    assert len(result.weights) == 2


def test_parameters_that_are_never_called_are_told_and_have_no_gradient():
    module = Written(
        lambda self, x: self.a(x),
        a=nn.Linear(8, 1), idle=nn.Linear(3, 3), own=nn.Parameter(torch.ones(2)),
    )  # fmt: skip
    probe = probe_of(module, *data())
    result = probe.run()
    assert [g is None for g in result.weights] == [True, False, False, True, True]
    assert {layer.name for layer in probe.layers} == {"Written", "a", "idle"}


def test_a_module_without_parameters():
    module = nn.Sequential(nn.Flatten(), nn.Tanh())
    probe = probe_of(module, *data(), lambda p, y: p.mean())
    result = probe.run()
    assert result.weights == [] and names(result) == ["0", "1"] and probe.trainable == 0
    assert norm(result.calls[0].gradient) > 0


def test_a_lone_module_and_one_whose_part_is_called_module():
    result = run(nn.Linear(8, 1), *data())
    assert names(result) == ["Linear"]
    assert result.calls[0].layer.kernel.path == "weight"
    inner = nn.Sequential(nn.Linear(8, 4), nn.ReLU())
    module = Written(lambda self, x: self.out(self.module(x)), module=inner, out=nn.Linear(4, 1))
    assert names(run(module, *data())) == ["module.0", "module.1", "out"]


def test_several_inputs_as_a_tuple_or_by_name():
    x, y = data()
    module = Written(lambda self, a, b: self.l(a) * self.r(b), l=nn.Linear(8, 1), r=nn.Linear(3, 1))
    other = torch.randn(16, 3)
    for given in ((x, other), {"b": other, "a": x}):
        result = run(module, given, y)
        assert names(result) == ["l", "r", "mul"] and result.calls[2].parents == [0, 1]
        assert result.calls[0].first and result.calls[1].first
        np.testing.assert_allclose(
            result.calls[2].gradients[0],
            result.calls[2].gradient * result.calls[1].output,
            rtol=1e-5,
        )


class Answer:
    """As Hugging Face's models answer."""

    def __init__(self, loss, logits):
        self.loss, self.logits = loss, logits


@pytest.mark.parametrize("how", [Answer, lambda loss, logits: {"loss": loss, "logits": logits}])
def test_a_module_may_give_its_own_loss(how):
    def forward(self, ids, labels=None):
        logits = self.out(self.words(ids).mean(1))
        return how(F.cross_entropy(logits, labels), logits)

    module = Written(forward, words=nn.Embedding(9, 4), out=nn.Linear(4, 3))
    ids, labels = torch.randint(0, 9, (12, 5)), torch.randint(0, 3, (12,))
    result = run(module, {"ids": ids, "labels": labels}, None, None)
    logits = module.out(module.words(ids).mean(1))
    assert result.loss == pytest.approx(F.cross_entropy(logits, labels).item(), rel=1e-5)
    beside(result.outputs[0], logits)
    assert result.outputs[0] is result.calls[2].output and len(result.outputs) == 1
    # A number that no examples have is no call.
    assert names(result) == ["words", "mean", "out"]


def test_a_dict_of_answers_is_flat():
    module = Written(
        lambda self, x: {"b": self.b(x), "a": self.a(x)}, a=nn.Linear(8, 1), b=nn.Linear(8, 2)
    )
    result = run(module, *data(), lambda p, y: (p["a"] - y).pow(2).mean() + p["b"].mean())
    assert [out.shape for out in result.outputs] == [(16, 2), (16, 1)]


# Precision ------------------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", [torch.float64, torch.bfloat16, torch.float16])
def test_other_precisions(dtype):
    x, y = data()
    module = nn.Sequential(nn.Linear(8, 4), nn.Tanh(), nn.Linear(4, 1)).to(dtype)
    result = run(module, x.numpy(), y.numpy())
    loss = F.mse_loss(module(x.to(dtype)), y.to(dtype))
    assert result.loss == pytest.approx(loss.item(), rel=1e-2)
    kernel = result.calls[0].layer.kernel
    assert kernel.epsilon == torch.finfo(dtype).eps
    for found, true in zip(result.weights, slopes(loss, *module.parameters()), strict=True):
        beside(found, true.float() if dtype != torch.float64 else true, rtol=0.1, atol=1e-2)
    expected = {torch.float64: "float64", torch.float16: "float32", torch.bfloat16: "float32"}[
        dtype
    ]
    assert result.weights[0].dtype == expected


def test_parameters_of_several_precisions():
    x, y = data()
    module = Written(
        lambda self, x: self.b(self.a(x).double()), a=nn.Linear(8, 4), b=nn.Linear(4, 1).double()
    )
    result = run(module, x, y.double())
    epsilons = [w.epsilon for call in result.calls for w in call.layer.weights.values()]
    assert epsilons == [np.finfo("float32").eps] * 2 + [np.finfo("float64").eps] * 2
    assert names(result) == ["a", "double", "b"] and result.calls[2].parents == [1]
    assert [g.dtype for g in result.weights] == ["float32"] * 2 + ["float64"] * 2


def test_a_small_gradient_is_kept_in_half_precision():
    x, y = data()
    module = nn.Sequential(nn.Linear(8, 4), nn.Tanh(), nn.Linear(4, 1)).half()
    nn.init.constant_(module[2].weight, 1e-6)
    result = run(module, x.half(), y.half())
    assert 1e-9 < norm(result.weights[0]) < 1e-5


def test_a_scale_that_overflows_is_lowered():
    x, y = data()
    module = nn.Sequential(nn.Linear(8, 4), nn.Linear(4, 1)).half()
    nn.init.constant_(module[1].weight, 100.0)
    result = run(module, x.half(), y.half())
    assert all(np.isfinite(g).all() for g in result.weights) and norm(result.weights[0]) > 100


def test_autocast_is_that_of_the_reader():
    x, y = data()
    module = nn.Sequential(nn.Linear(8, 4), nn.Tanh(), nn.Linear(4, 1))
    with torch.autocast("cpu", dtype=torch.bfloat16):
        result = run(module, x, y)
    assert result.calls[0].output.dtype == np.float32
    rounded = torch.as_tensor(result.calls[0].output).bfloat16().float().numpy()
    np.testing.assert_array_equal(result.calls[0].output, rounded)
    assert [g.dtype for g in result.weights] == ["float32"] * 4


@pytest.mark.parametrize("around", [torch.no_grad, torch.inference_mode])
def test_gradients_are_there_where_the_reader_has_switched_them_off(around):
    module = nn.Linear(8, 1)
    x, y = data()
    with around():
        probe = probe_of(module, x, y)
        with undisturbed(module):
            probe = probe_of(module, x, y)
            assert norm(probe.run().weights[0]) > 0 and probe.loss() > 0


# Compiled and recomputed ----------------------------------------------------------------------


@pytest.mark.parametrize("how", ["inside", "in place", "a function"])
def test_what_is_compiled_runs_as_it_was_written(how):
    x, y = data()
    inner = nn.Sequential(nn.Linear(8, 4), nn.ReLU())
    module = nn.Sequential(inner, nn.Linear(4, 1))
    if how == "inside":
        module[0] = torch.compile(inner, backend="eager")
    elif how == "in place":
        inner.compile(backend="eager")
    else:
        module = Written(
            torch.compile(lambda self, x: self.b(self.a(x)), backend="eager"), a=inner, b=module[1]
        )
    before = getattr(inner, "_compiled_call_impl", None)
    result = run(module, x, y)
    inside = ["a.0", "a.1", "b"] if how == "a function" else ["0.0", "0.1", "1"]
    assert names(result) == inside
    assert getattr(inner, "_compiled_call_impl", None) is before
    paths = {w.path for layer in probe_of(module, x, y).layers for w in layer.weights.values()}
    assert f"{inside[0]}.weight" in paths and not any("_orig_mod" in path for path in paths)


@pytest.mark.parametrize("reentrant", [True, False])
def test_what_is_computed_again_for_the_gradient(reentrant):
    from torch.utils.checkpoint import checkpoint

    x, y = data()
    inner = nn.Sequential(nn.Linear(8, 4), nn.Dropout(0.5), nn.Tanh())
    module = Written(
        lambda self, x: self.b(checkpoint(self.a, x, use_reentrant=reentrant)),
        a=inner,
        b=nn.Linear(4, 1),
    )
    probe = probe_of(module, x, y)
    zeros = [value * 0.5 for value in probe.values()]
    result = probe.run(zeros)
    if reentrant:  # which is not made for gradients of single tensors
        assert "use_reentrant" in result.error
        return
    assert result.error == ""
    halves = [torch.as_tensor(value).requires_grad_(True) for value in zeros]
    p = F.linear(torch.tanh(F.linear(x, *halves[:2])), *halves[2:])
    for found, true in zip(result.weights, slopes(F.mse_loss(p, y), *halves), strict=True):
        beside(found, true)


# For the judge --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "module",
    [
        nn.Sequential(nn.Linear(8, 6), nn.Linear(6, 1)),
        nn.Sequential(nn.Unflatten(1, (2, 4)), nn.Conv1d(2, 3, 1), nn.Conv1d(3, 2, 2), nn.Flatten(),
                      nn.Linear(6, 1)),
        nn.Sequential(nn.Linear(8, 6), nn.Linear(6, 1)).to(torch.bfloat16),
    ],
)  # fmt: skip
def test_what_one_call_alone_sends_back(module):
    x, y = data()
    probe = probe_of(module, x.numpy(), y.numpy())
    with undisturbed(module):
        result = probe.run()
        for call in result.calls:
            if call.layer.weighted:
                np.testing.assert_allclose(
                    probe.alone(call), call.gradients[0], rtol=1e-2, atol=1e-6
                )


def test_of_a_function_nothing_is_told_alone():
    probe = probe_of(ByHand(), *data())
    assert [probe.alone(call) for call in probe.run().calls] == [None] * 6


def test_a_sample_of_rows():
    x, y = data()
    module = nn.Linear(8, 1)
    probe = probe_of(module, x, y)
    assert probe.run(rows=5).outputs[0].shape == (5, 1)
    at = np.array([1, 3])
    assert probe.loss(rows=at) == pytest.approx(F.mse_loss(module(x[at]), y[at]).item(), rel=1e-5)
    assert isinstance(probe.sample.some(3), Sample)


def test_an_encoder_whose_layers_start_as_copies_is_healthy():
    torch.manual_seed(0)

    class Model(nn.Module):
        def __init__(self):
            super().__init__()
            layer = nn.TransformerEncoderLayer(16, 2, 32, batch_first=True, norm_first=True)
            self.encoder = nn.TransformerEncoder(layer, 3, enable_nested_tensor=False)
            self.output = nn.Linear(16, 2)

        def forward(self, x):
            return self.output(self.encoder(x).mean(1))

    model = Model()
    first, second = (one.linear1.weight for one in model.encoder.layers[:2])
    assert torch.equal(first, second)
    x = torch.randn(128, 6, 16)
    y = (x[:, 0, 0] > 0).long()
    optimizer = torch.optim.Adam(model.parameters(), 1e-3)
    assert examine(model, x, y, loss=nn.CrossEntropyLoss(), optimizer=optimizer).codes == ()
