"""Attention and embeddings against finite differences, Keras and PyTorch."""

import numpy as np
import pytest

from livegrad.attention import Attention, Embedding, Position
from livegrad.blocks import Activate, Dense, LayerNorm, Network, Residual, Sequential
from livegrad.optimizers import Adam

RNG = np.random.default_rng(7)
ROWS, PLACES = RNG.standard_normal((6, 4)), RNG.standard_normal((3, 5, 4))

MADE = {
    "position": lambda: (Position(6, 4), PLACES),
    "attention": lambda: (Attention(4, rng=2), PLACES),
    "causal attention of two heads": lambda: (Attention(4, 2, causal=True, rng=2), PLACES),
    "normalised attention": lambda: (Attention(4, 2, normalized=True, rng=2), PLACES),
    "unscaled attention": lambda: (Attention(4, 2, scaled=False, rng=2), PLACES),
    "transformer block": lambda: (
        Sequential(
            Residual(LayerNorm(4), Attention(4, 2, causal=True)),
            Residual(LayerNorm(4), Dense(4, 8), Activate("gelu"), Dense(8, 4)),
        ),
        PLACES,
    ),
}


@pytest.mark.parametrize("name", MADE)
def test_the_way_back_is_the_slope(way_back, name):
    way_back(*MADE[name](), training=True)


@pytest.mark.parametrize("name", MADE)
def test_no_input_warns(name):
    block, x = MADE[name]()
    for value in (np.inf, -np.inf, np.nan, 1e308):
        bad = x.copy()
        bad[0] = value
        block.backward(np.ones_like(block.forward(bad, training=True)))


def test_the_tables_slope(differences):
    table = Embedding(5, 3, scale=1.0)
    tokens = np.array([[0, 3, 3], [4, 0, 3]])
    weight = RNG.standard_normal((2, 3, 3))

    def value():
        return float((table.forward(tokens) * weight).sum())

    value()
    assert table.backward(weight).shape == tokens.shape
    np.testing.assert_allclose(
        table.gradients[0], differences(value, table.arrays[0]), rtol=1e-6, atol=1e-9
    )
    np.testing.assert_array_equal(table.gradients[0][1], 0)


@pytest.fixture
def keras():
    return pytest.importorskip("keras", reason="the oracle is Keras")


@pytest.mark.parametrize("causal", [True, False])
def test_attention_is_kerass(shaken, keras, causal):
    own = shaken(Attention(4, 2, causal=causal, rng=9))
    layer = keras.layers.MultiHeadAttention(num_heads=2, key_dim=2, dtype="float64")
    layer(PLACES, PLACES)
    given = []
    for part in (own.query, own.key, own.value):
        given += [part.arrays[0].reshape(4, 2, 2), part.arrays[1].reshape(2, 2)]
    layer.set_weights([*given, own.output.arrays[0].reshape(2, 2, 4), own.output.arrays[1]])
    theirs, rows = layer(PLACES, PLACES, use_causal_mask=causal, return_attention_scores=True)
    np.testing.assert_allclose(own.forward(PLACES), theirs.numpy(), rtol=1e-6, atol=1e-9)
    np.testing.assert_allclose(own.rows, rows.numpy(), rtol=1e-6, atol=1e-9)


@pytest.fixture
def torch():
    return pytest.importorskip("torch", reason="nox -s torch")


@pytest.mark.parametrize("causal", [True, False])
def test_attention_is_torchs(shaken, torch, causal):
    own = shaken(Attention(4, 2, causal=causal, rng=9))
    x = torch.tensor(PLACES, requires_grad=True)

    def parted(dense):
        w, b = (torch.tensor(array) for array in dense.arrays)
        return (x @ w + b).reshape(3, 5, 2, 2).swapaxes(1, 2)

    q, k, v = parted(own.query), parted(own.key), parted(own.value)
    found = torch.nn.functional.scaled_dot_product_attention(q, k, v, is_causal=causal)
    w, b = (torch.tensor(array) for array in own.output.arrays)
    y = found.swapaxes(1, 2).reshape(3, 5, 4) @ w + b
    up = RNG.standard_normal((3, 5, 4))
    y.backward(torch.tensor(up))
    np.testing.assert_allclose(own.forward(PLACES), y.detach().numpy(), rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(own.backward(up), x.grad.numpy(), rtol=1e-9, atol=1e-12)


def test_a_causal_place_sees_nothing_later():
    own = Attention(4, 2, causal=True)
    before = own.forward(PLACES)
    changed = PLACES.copy()
    changed[:, 3:] += 1
    after = own.forward(changed)
    np.testing.assert_array_equal(after[:, :3], before[:, :3])
    assert (after[:, 3:] != before[:, 3:]).all()
    np.testing.assert_allclose(own.rows.sum(axis=-1), 1)
    assert np.isneginf(own.scores[..., 0, 1:]).all()


def test_a_number_for_each_place_is_an_example():
    net = Network(Embedding(5, 8, scale=1.0), Dense(8, 5, rng=1), head="multiclass")
    tokens = np.array([[0, 1, 2, 3], [4, 3, 2, 1]])
    loss = net.loss(tokens[:, :-1], tokens[:, 1:])
    flat = net.forward(tokens[:, :-1]).reshape(6, 5)
    assert loss == pytest.approx(net.head.loss_value(flat, tokens[:, 1:].ravel()))
    net.fit(tokens[:, :-1], tokens[:, 1:], epochs=300, optimizer=Adam(0.05))
    assert net.accuracy(tokens[:, :-1], tokens[:, 1:]) == pytest.approx(
        5 / 6
    )  # from 2 two ways lead on


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (lambda: Attention(4, 3), "heads must divide 4 units, got 3"),
        (lambda: Attention(4).forward(ROWS), r"shape \(n, places, units\), got \(6, 4\)"),
        (lambda: Position(3, 4).forward(PLACES), r"\(n, at most 3, 4\), got \(3, 5, 4\)"),
        (lambda: Embedding(3, 2).forward([[0, 3]]), "tokens from 0 to 2"),
        (lambda: Embedding(3, 2).forward([[0.5]]), "tokens from 0 to 2"),
    ],
)
def test_what_does_not_fit_is_named(call, said):
    with pytest.raises(ValueError, match=said):
        call()
