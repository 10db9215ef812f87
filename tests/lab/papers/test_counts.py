"""Counted from shapes is what built networks hold, and the printed digits tell neighbours apart."""

import numpy as np
import pytest

from livegrad.attention import Attention, Embedding, Position
from livegrad.blocks import Activate, BatchNorm, Dense, LayerNorm, Residual, Sequential
from livegrad_lab.papers import counts
from livegrad_lab.papers.later import LATER, OLDER_TOKENS

PRINTED = {20: 0.27, 32: 0.46, 44: 0.66, 56: 0.85, 110: 1.7, 1202: 19.4}
GPT = {(12, 768): 117, (24, 1024): 345, (36, 1280): 762, (48, 1600): 1542}
ROWS = [  # of table 3: what is printed, and what differs from the base model
    (65, {}),
    (58, {"key": 16}),
    (60, {"key": 32}),
    (36, {"layers": 2}),
    (50, {"layers": 4}),
    (80, {"layers": 8}),
    (28, {"units": 256, "key": 32}),
    (168, {"units": 1024, "key": 128}),
    (53, {"hidden": 1024}),
    (90, {"hidden": 4096}),
]


def held(*blocks):
    return sum(array.size for array in Sequential(*blocks).arrays)


def test_a_small_gpt_holds_what_is_counted():
    def block():
        inside = [Dense(6, 24), Activate("gelu"), Dense(24, 6)]
        return [Residual(LayerNorm(6), Attention(6, 2)), Residual(LayerNorm(6), *inside)]

    built = [Embedding(11, 6), Position(5, 6), *block(), *block(), LayerNorm(6)]
    assert counts.total(counts.gpt(2, 6, tokens=11, places=5)) == held(*built)


def test_a_feed_forward_layer_of_the_transformer_holds_what_is_counted():
    one, two = (counts.total(counts.transformer(hidden=hidden)) for hidden in (3, 4))
    assert two - one == 12 * (
        held(Dense(512, 4), Dense(4, 512)) - held(Dense(512, 3), Dense(3, 512))
    )


def test_an_attention_of_the_transformer_holds_what_is_counted():
    # A layer of each side: three attentions, two feed-forward layers, and a normalisation each.
    one, two = (counts.total(counts.transformer(layers=layers)) for layers in (1, 2))
    attention = held(*(Dense(512, 512, use_bias=False) for _ in range(4)), LayerNorm(512))
    forward = held(Dense(512, 2048), Dense(2048, 512), LayerNorm(512))
    assert two - one == 3 * attention + 2 * forward


def test_a_stage_of_the_residual_network_holds_what_is_counted():
    """A 3 by 3 convolution is a dense layer of all nine places."""
    convolutions = [(3, 16), (16, 16), (16, 16), (16, 32), (32, 32), (32, 64), (64, 64)]
    built = [
        part
        for inputs, filters in convolutions
        for part in (Dense(9 * inputs, filters, use_bias=False), BatchNorm(filters))
    ]
    assert counts.total(counts.residual_network(8)) == held(*built, Dense(64, 10))


@pytest.mark.parametrize("layers", [8, 20, 32])
def test_a_projection_and_a_bias_are_counted(layers):
    plain = counts.total(counts.residual_network(layers))
    projected = counts.total(counts.residual_network(layers, projected=True))
    assert projected - plain == 16 * 32 + 32 * 64 + 2 * (32 + 64)
    biased = counts.total(counts.residual_network(layers, biased=True))
    assert biased - plain == 16 + (layers - 2) // 3 * (16 + 32 + 64)


@pytest.mark.parametrize("layers", [0, 2, 18, 21])
def test_layers_that_make_no_stages_are_refused(layers):
    with pytest.raises(
        ValueError, match=f"layers must be 6 n . 2 with n of at least 1, got {layers}"
    ):
        list(counts.residual_network(layers))


@pytest.mark.parametrize("layers", PRINTED)
def test_the_digits_of_the_table_come_out(layers):
    millions = counts.total(counts.residual_network(layers)) / 1e6
    assert round(millions, 1 if layers > 100 else 2) == PRINTED[layers]


def test_the_digits_tell_padding_from_projections_and_convolutions_with_biases():
    for change in ({"projected": True}, {"biased": True}):
        missed = [
            layers
            for layers, printed in PRINTED.items()
            if round(counts.total(counts.residual_network(layers, **change)) / 1e6, 2) != printed
            and layers < 100
        ]
        assert 32 in missed


def test_one_vocabulary_gives_all_base_rows_and_is_neither_the_texts_nor_the_big_models():
    ranges = []
    for printed, changed in ROWS:
        without = counts.total(counts.transformer(0, **changed))
        ranges.append(counts.tokens_asked(printed, without, changed.get("units", 512)))
    low, high = max(one for one, _ in ranges), min(one for _, one in ranges)
    assert 37_000 < low < high
    for printed, changed in ROWS:
        for tokens in (low, high):
            assert round(counts.total(counts.transformer(tokens, **changed)) / 1e6) == printed
    big = {"units": 1024, "hidden": 4096, "heads": 16}
    assert counts.tokens_asked(213, counts.total(counts.transformer(0, **big)), 1024)[1] < 37_000


def test_one_vocabulary_gives_all_sizes_that_were_printed_of_gpt_2():
    ranges = [
        counts.tokens_asked(printed, counts.total(counts.gpt(*size, tokens=0)), size[1])
        for size, printed in GPT.items()
    ]
    low, high = max(one for one, _ in ranges), min(one for _, one in ranges)
    assert low <= OLDER_TOKENS <= high < 50_257
    assert high - low < 400


def test_a_vocabulary_that_is_asked_for_is_the_widest():
    low, high = counts.tokens_asked(1.0, 900_000, 100)
    assert (low, high) == (-4000, 6000)
    for tokens, inside in [(low, True), (high, True), (low - 1, False), (high + 1, False)]:
        assert (abs(900_000 + 100 * tokens - 1e6) <= 500_000) is inside


def test_a_count_that_is_off_by_a_block_is_not_the_papers():
    """What a record would say of a network with one block more or less."""
    for record in LATER:
        if record.key.startswith("resnet-"):
            layers = int(record.key.removeprefix("resnet-"))
            for other in (layers - 6, layers + 6):
                millions = counts.total(counts.residual_network(other)) / 1e6
                assert abs(millions - record.theirs) > record.tolerance


def test_nothing_is_drawn():
    assert all(isinstance(shape, tuple) for shape in counts.gpt(2, 8))
    assert np.prod(next(counts.gpt(48, 1600))) == 50_257 * 1600
