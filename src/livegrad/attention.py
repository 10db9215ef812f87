"""A transformer's own blocks: embeddings, and attention with the way back through it.

    scores  S = Q K^T / sqrt(d)        (places, places), for each example and head
    rows    P = softmax(S)             each row sums to 1
    value   O = P V

and on the way back, with G = dL/dO,

    dL/dV = P^T G      dL/dP = G V^T      dL/dS = P * (dL/dP - rowsum(P * dL/dP))
    dL/dQ = dL/dS K / sqrt(d)             dL/dK = dL/dS^T Q / sqrt(d)
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import DTypeLike

from livegrad._checks import Array, counted, generator
from livegrad.blocks import Block, Dense, RMSNorm

__all__ = ["Attention", "Embedding", "Position"]


class Embedding(Block):
    """A table of vectors, of which each token takes one.

    Args:
        tokens: how many there are.
        units: size of a vector.
        scale: standard deviation of the first entries, drawn from a normal distribution.
        rng: generator or seed.
        dtype: floating type of the table.

    Raises:
        ValueError: if a size is below 1, or a token is not one of 0 to tokens - 1.
    """

    def __init__(
        self,
        tokens: int,
        units: int,
        scale: float = 0.02,
        rng: np.random.Generator | int = 0,
        dtype: DTypeLike = np.float64,
    ) -> None:
        super().__init__()
        counted(tokens, "tokens")
        counted(units, "units")
        drawn = scale * generator(rng).standard_normal((tokens, units))
        self.arrays = [drawn.astype(dtype)]

    def _forward(self, x: Array, training: bool) -> Array:
        tokens = len(self.arrays[0])
        self._at = x.astype(np.intp)  # (n, places)
        if (self._at != x).any() or (x < 0).any() or (x >= tokens).any():
            raise ValueError(f"x must hold tokens from 0 to {tokens - 1}, got {x.min()}..{x.max()}")
        return np.asarray(self.arrays[0][self._at])  # (n, places, units)

    def _backward(self, upstream: Array) -> Array:
        found = np.zeros_like(self.arrays[0])
        np.add.at(found, self._at, upstream)
        self.gradients = [found]
        return np.zeros(self._at.shape)  # a token has no slope


class Position(Block):
    """Add a learnt vector to each place.

    Args:
        places: how many there are at most.
        units: size of a vector.
        scale: standard deviation of the first entries.
        rng: generator or seed.
        dtype: floating type.

    Raises:
        ValueError: if a size is below 1, or an input has more places.
    """

    def __init__(
        self,
        places: int,
        units: int,
        scale: float = 0.02,
        rng: np.random.Generator | int = 0,
        dtype: DTypeLike = np.float64,
    ) -> None:
        super().__init__()
        counted(places, "places")
        counted(units, "units")
        self.arrays = [(scale * generator(rng).standard_normal((places, units))).astype(dtype)]

    def _forward(self, x: Array, training: bool) -> Array:
        own = self.arrays[0]
        if x.ndim != 3 or x.shape[1] > len(own) or x.shape[2] != own.shape[1]:
            most = f"(n, at most {len(own)}, {own.shape[1]})"
            raise ValueError(f"x must have the shape {most}, got {x.shape}")
        return np.asarray(x + own[: x.shape[1]])

    def _backward(self, upstream: Array) -> Array:
        found = np.zeros_like(self.arrays[0])
        found[: upstream.shape[1]] = upstream.sum(axis=0)
        self.gradients = [found]
        return upstream


class Attention(Block):
    """Self-attention of several heads: each place takes from all places, by likeness.

    Args:
        units: size of the last axis; each head has ``units / heads`` of them.
        heads: how many.
        causal: whether a place takes from itself and those before it alone.
        scaled: whether the scores are divided by sqrt(d), d the units of a head.
        normalized: whether each query and key is divided by its root mean square first.
        initializer: of the four weights; see ``Dense``.
        rng: generator or seed.
        dtype: floating type of the arrays.

    Attributes:
        rows: P of the last ``forward``, shape (n, heads, places, places).
        scores: S before softmax, of the same shape; what is masked is -inf.

    Raises:
        ValueError: if heads does not divide units.

    Source:
        Vaswani et al. 2017, eq. 1; Henry et al. 2020 (normalised queries and keys; there by the
        2-norm, with a learnt scale).
    """

    def __init__(
        self,
        units: int,
        heads: int = 1,
        causal: bool = False,
        scaled: bool = True,
        normalized: bool = False,
        initializer: str = "glorot_uniform",
        rng: np.random.Generator | int = 0,
        dtype: DTypeLike = np.float64,
    ) -> None:
        super().__init__()
        counted(units, "units")
        counted(heads, "heads")
        if units % heads:
            raise ValueError(f"heads must divide {units} units, got {heads}")
        source = generator(rng)
        self.heads, self.causal = heads, causal
        self._factor = 1 / math.sqrt(units // heads) if scaled else 1.0
        self.query, self.key, self.value, self.output = (
            Dense(units, units, initializer, source, dtype=dtype) for _ in range(4)
        )
        size = units // heads
        self._norms = [RMSNorm(size, dtype=dtype) for _ in range(2)] if normalized else []
        self._parts: list[Block] = [self.query, self.key, self.value, self.output, *self._norms]
        self.arrays = [array for part in self._parts for array in part.arrays]

    def _forward(self, x: Array, training: bool) -> Array:
        if x.ndim != 3:
            raise ValueError(f"x must have the shape (n, places, units), got {x.shape}")
        q, k, v = (self._split(part.forward(x)) for part in (self.query, self.key, self.value))
        if self._norms:
            q, k = (norm.forward(one) for norm, one in zip(self._norms, (q, k), strict=True))
        self._q, self._k, self._v = q, k, v  # (n, heads, places, d) each
        factor = q.dtype.type(self._factor)
        self.scores = (q @ k.swapaxes(-1, -2)) * factor  # (n, heads, places, places)
        if self.causal:
            later = np.triu(np.ones(self.scores.shape[-2:], dtype=bool), 1)
            self.scores = np.where(later, q.dtype.type(-np.inf), self.scores)
        powers = np.exp(self.scores - self.scores.max(axis=-1, keepdims=True))
        self.rows = powers / powers.sum(axis=-1, keepdims=True)
        return self.output.forward(self._joined(self.rows @ v))

    def _backward(self, upstream: Array) -> Array:
        above = self._split(self.output.backward(upstream))  # (n, heads, places, d)
        to_rows = above @ self._v.swapaxes(-1, -2)
        mean = (self.rows * to_rows).sum(axis=-1, keepdims=True)
        to_scores = self.rows * (to_rows - mean) * self._q.dtype.type(self._factor)
        deltas = [
            to_scores @ self._k,
            to_scores.swapaxes(-1, -2) @ self._q,
            self.rows.swapaxes(-1, -2) @ above,
        ]
        for at, norm in enumerate(self._norms):
            deltas[at] = norm.backward(deltas[at])
        parts = (self.query, self.key, self.value)
        pairs = zip(parts, deltas, strict=True)
        below = sum(part.backward(self._joined(delta)) for part, delta in pairs)
        self.gradients = [one for part in self._parts for one in part.gradients]
        return np.asarray(below)

    def _split(self, x: Array) -> Array:
        n, places, units = x.shape
        return x.reshape(n, places, self.heads, units // self.heads).swapaxes(1, 2)

    def _joined(self, x: Array) -> Array:
        n, heads, places, size = x.shape
        return x.swapaxes(1, 2).reshape(n, places, heads * size)
