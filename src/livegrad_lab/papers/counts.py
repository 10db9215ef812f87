"""How many numbers a network learns, counted from the shapes of its arrays.

Each function lists the shapes of one architecture as its paper describes it, and ``total`` adds up
what they hold. Nothing is drawn: a table of a billion and a half entries costs nothing here.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator

__all__ = ["gpt", "residual_network", "tokens_asked", "total", "transformer"]

Shape = tuple[int, ...]


def total(shapes: Iterable[Shape]) -> int:
    """Return how many entries arrays of these shapes have.

    Examples:
        >>> total(residual_network(20))
        269722
    """
    return sum(map(math.prod, shapes))


def residual_network(
    layers: int, *, projected: bool = False, biased: bool = False
) -> Iterator[Shape]:
    """Yield the shapes of a residual network for images of 32 by 32 in ten classes.

    A convolution, three stages of 16, 32 and 64 filters with as many blocks each, and a dense
    layer. All convolutions are 3 by 3, and a batch normalisation follows each.

    Args:
        layers: those with weights, 6 n + 2 for n blocks a stage.
        projected: whether a learnt 1 by 1 convolution, normalised too, leads around the block where
            the number of filters changes (the paper's option B); else zeros are appended (A).
        biased: whether convolutions have biases.

    Source:
        He et al. 2016, section 4.2.
    """
    blocks, rest = divmod(layers - 2, 6)
    if rest or blocks < 1:
        raise ValueError(f"layers must be 6 n + 2 with n of at least 1, got {layers}")

    def convolution(size: int, inputs: int, filters: int) -> Iterator[Shape]:
        yield (size, size, inputs, filters)
        if biased:
            yield (filters,)
        yield from 2 * [(filters,)]  # gamma and beta

    yield from convolution(3, 3, 16)
    before = 16
    for filters in (16, 32, 64):
        if projected and filters != before:
            yield from convolution(1, before, filters)
        for _ in range(blocks):
            yield from convolution(3, before, filters)
            yield from convolution(3, filters, filters)
            before = filters
    yield from [(64, 10), (10,)]


def transformer(
    tokens: int = 37_000,
    *,
    layers: int = 6,
    units: int = 512,
    hidden: int = 2048,
    heads: int = 8,
    key: int = 64,
) -> Iterator[Shape]:
    """Yield the shapes of the transformer for translation; without arguments, its base model.

    The embedding is that of both languages and of the output, places have no parameters, and the
    four matrices of an attention have no biases.

    Args:
        tokens: size of the vocabulary.
        layers: of the encoder, and as many of the decoder.
        units: size of a state.
        hidden: units inside a feed-forward layer.
        heads: of an attention.
        key: size of a head's queries and keys. Its values have ``units / heads``.

    Source:
        Vaswani et al. 2017, section 3.
    """

    def norm() -> Iterator[Shape]:
        yield from 2 * [(units,)]

    def attention() -> Iterator[Shape]:
        yield from 2 * [(units, heads * key)]  # queries and keys
        yield from 2 * [(units, units)]  # values, and what joins the heads
        yield from norm()

    def feed_forward() -> Iterator[Shape]:
        yield from [(units, hidden), (hidden,), (hidden, units), (units,)]
        yield from norm()

    yield (tokens, units)
    for _ in range(layers):
        yield from attention()
        yield from feed_forward()
        yield from attention()  # the decoder's, to what it has written
        yield from attention()  # and to the encoder
        yield from feed_forward()


def gpt(layers: int, units: int, tokens: int = 50_257, places: int = 1024) -> Iterator[Shape]:
    """Yield the shapes of GPT-2; the output's weights are the embedding's.

    Args:
        layers: how many blocks.
        units: size of a state; a feed-forward layer has four times as many inside.
        tokens: size of the vocabulary.
        places: how many tokens are seen at once.

    Source:
        Radford et al. 2019, section 2.3 and table 2.
    """
    yield from [(tokens, units), (places, units)]
    for _ in range(layers):
        yield from 4 * [(units,)]  # two normalisations
        yield from [(units, 3 * units), (3 * units,), (units, units), (units,)]
        yield from [(units, 4 * units), (4 * units,), (4 * units, units), (units,)]
    yield from 2 * [(units,)]


def tokens_asked(millions: float, without: int, units: int, half: float = 0.5) -> tuple[int, int]:
    """Return the smallest and the largest vocabulary with which a count is as it is printed.

    Args:
        millions: the printed count.
        without: what the network learns without its embedding.
        units: size of an embedding.
        half: half of the last printed digit, in millions.
    """
    low = (millions - half) * 1e6 - without
    high = (millions + half) * 1e6 - without
    return math.ceil(low / units), math.floor(high / units)
