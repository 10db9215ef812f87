"""Write docs/assets/explorers/kernel.wasm: the dense layer's products and slopes, with SIMD.

The program is generated, since what makes it fast is repetition: ten examples, a strip, lie side by
side in five vectors of two doubles, and each inner loop holds two units' sums in registers. A row
is one unit's values of a strip, so that no product needs a transposed copy.

Run it after a change: ``python benchmarks/explorers/kernel.py``. A test compares the bytes.
"""

from __future__ import annotations

import re
from math import factorial
from pathlib import Path

KERNEL = Path(__file__).resolve().parents[2] / "docs" / "assets" / "explorers" / "kernel.wasm"

VECTORS = 5
ROW = 16 * VECTORS  # bytes
EACH = range(VECTORS)

# ln 2 in two parts: the first has so few digits that its whole multiples are exact.
LN2_HIGH, LN2_LOW = 6.93147180369123816490e-01, 1.90821492927058770002e-10
LOG2_E = 1.4426950408889634
# Adding it leaves a whole number in a double's lowest bits.
MAGIC = 2.0**52 + 2.0**51


def get(name: str) -> str:
    """Read a local."""
    return f"(local.get ${name})"


def put(name: str, value: str) -> str:
    """Set a local."""
    return f"(local.set ${name} {value})"


def splat(number: float) -> str:
    """Put one number in both lanes."""
    return f"(f64x2.splat (f64.const {number!r}))"


def add(a: str, b: str) -> str:
    """Add lane by lane."""
    return f"(f64x2.add {a} {b})"


def mul(a: str, b: str) -> str:
    """Multiply lane by lane."""
    return f"(f64x2.mul {a} {b})"


def load(name: str, vector: int, row: int = 0) -> str:
    """Read a vector of the row that a pointer stands at, or of one after it."""
    return f"(v128.load offset={16 * vector + ROW * row} {get(name)})"


def store(name: str, value: str, vector: int, row: int = 0) -> str:
    """Write a vector, to where ``load`` reads it."""
    return f"(v128.store offset={16 * vector + ROW * row} {get(name)} {value})"


def move(name: str, by: str | int) -> str:
    """Advance a pointer by bytes, given or in a local."""
    step = f"(i32.const {by})" if isinstance(by, int) else get(by)
    return put(name, f"(i32.add {get(name)} {step})")


def bytes_of(name: str, size: int = 8) -> str:
    """Turn a count of doubles into bytes."""
    return f"(i32.mul {get(name)} (i32.const {size}))"


def repeat(label: str, counter: str, *body: str) -> str:
    """Run the body as often as the counter says, at least once; the counter ends at 0."""
    down = f"(local.tee ${counter} (i32.sub {get(counter)} (i32.const 1)))"
    return f"(loop ${label} {' '.join(body)} (br_if ${label} {down}))"


def when(condition: str, *body: str) -> str:
    """Run the body if the condition is not 0."""
    return f"(if {condition} (then {' '.join(body)}))"


def function(name: str, parameters: str, integers: str, vectors: list[str], *body: str) -> str:
    """Export a function; its parameters are given as in ``a i32,b f64``."""
    declared = [f"(param ${name} {kind})" for name, kind in map(str.split, parameters.split(","))]
    declared += [f"(local ${name} i32)" for name in integers.split()]
    declared += [f"(local ${name} v128)" for name in vectors]
    return f'(func (export "{name}") {" ".join(declared)} {" ".join(body)})'


def sums(letters: str) -> list[str]:
    """Name a strip's vectors for each letter."""
    return [f"{letter}{j}" for letter in letters for j in EACH]


def forward() -> str:
    """out[o] = bias[o] + sum over i of w[i, o] in[i], two units o at a time."""

    def units(letters: str) -> list[str]:
        body = []
        for at, letter in enumerate(letters):
            bias = f"(v128.load64_splat offset={8 * at} {get('b')})"
            body += [put(f"{letter}{j}", bias) for j in EACH]
        inner = [
            put(f"w{letter}", f"(v128.load64_splat offset={8 * at} {get('p')})")
            for at, letter in enumerate(letters)
        ]
        for j in EACH:
            inner.append(put("x", load("q", j)))
            inner += [
                put(f"{letter}{j}", add(get(f"{letter}{j}"), mul(get("x"), get(f"w{letter}"))))
                for letter in letters
            ]
        body += [put("p", get("w")), put("q", get("in")), put("i", get("k"))]
        body.append(repeat(f"in{letters}", "i", *inner, move("p", "stride"), move("q", ROW)))
        for at, letter in enumerate(letters):
            body += [store("out", get(f"{letter}{j}"), j, at) for j in EACH]
        some = len(letters)
        return [*body, move("out", ROW * some), move("w", 8 * some), move("b", 8 * some)]

    return function(
        "forward",
        "w i32,b i32,in i32,out i32,k i32,m i32",
        "p q i pairs stride",
        [*sums("ab"), "wa", "wb", "x"],
        put("stride", bytes_of("m")),
        put("pairs", f"(i32.shr_u {get('m')} (i32.const 1))"),
        when(get("pairs"), repeat("out", "pairs", *units("ab"))),
        when(f"(i32.and {get('m')} (i32.const 1))", *units("a")),
    )


def backward() -> str:
    """below[i] = slope[i] * sum over o of w[i, o] delta[o], two inputs i at a time."""

    def inputs(letters: str) -> list[str]:
        body = [put(f"{letter}{j}", splat(0.0)) for letter in letters for j in EACH]
        body += [put("p", get("w")), put("q", get("delta")), put("o", get("m"))]
        inner = [put("wa", f"(v128.load64_splat {get('p')})")]
        if len(letters) > 1:
            second = f"(v128.load64_splat (i32.add {get('p')} {get('stride')}))"
            inner.append(put("wb", second))
        for j in EACH:
            inner.append(put("x", load("q", j)))
            inner += [
                put(f"{letter}{j}", add(get(f"{letter}{j}"), mul(get("x"), get(f"w{letter}"))))
                for letter in letters
            ]
        body.append(repeat(f"out{letters}", "o", *inner, move("p", 8), move("q", ROW)))
        for at, letter in enumerate(letters):
            for j in EACH:
                body.append(store("below", mul(get(f"{letter}{j}"), load("slope", j, at)), j, at))
        body += [move("w", "stride") for _ in letters]
        return [*body, move("below", ROW * len(letters)), move("slope", ROW * len(letters))]

    return function(
        "backward",
        "w i32,delta i32,slope i32,below i32,k i32,m i32",
        "p q o pairs stride",
        [*sums("ab"), "wa", "wb", "x"],
        put("stride", bytes_of("m")),
        put("pairs", f"(i32.shr_u {get('k')} (i32.const 1))"),
        when(get("pairs"), repeat("in", "pairs", *inputs("ab"))),
        when(f"(i32.and {get('k')} (i32.const 1))", *inputs("a")),
    )


def gradient() -> str:
    """g[i, o] += factor * sum over examples of in[i] delta[o], two by two."""

    def dot(letter: str, into: str, row: int) -> list[str]:
        first = put(into, mul(get(f"{letter}0"), load("q", 0, row)))
        rest = [
            put(into, add(get(into), mul(get(f"{letter}{j}"), load("q", j, row)))) for j in EACH[1:]
        ]
        return [first, *rest]

    def pair_of_sums(p: str, q: str) -> str:
        low = f"(i8x16.shuffle {halves(0)} {get(p)} {get(q)})"
        high = f"(i8x16.shuffle {halves(8)} {get(p)} {get(q)})"
        return add(low, high)

    def halves(start: int) -> str:
        return " ".join(str(at) for base in (0, 16) for at in range(base + start, base + start + 8))

    def rows(letters: str) -> list[str]:
        body = []
        for at, letter in enumerate(letters):
            body += [put(f"{letter}{j}", mul(load("in", j, at), get("c"))) for j in EACH]
        body += [put("q", get("delta")), put("pairs", f"(i32.shr_u {get('m')} (i32.const 1))")]
        pointers = {"a": "g", "b": "h"}
        body.append(put("h", f"(i32.add {get('g')} {get('stride')})"))
        inner = []
        for letter in letters:
            inner += dot(letter, "s", 0) + dot(letter, "t", 1)
            to = get(pointers[letter])
            pair = add(f"(v128.load {to})", pair_of_sums("s", "t"))
            inner.append(f"(v128.store {to} {pair})")
        inner += [move("g", 16), move("h", 16), move("q", 2 * ROW)]
        body.append(when(get("pairs"), repeat(f"out{letters}", "pairs", *inner)))
        odd = []
        for letter in letters:
            odd += dot(letter, "s", 0)
            to = get(pointers[letter])
            lanes = [f"(f64x2.extract_lane {lane} {get('s')})" for lane in (0, 1)]
            odd.append(f"(f64.store {to} (f64.add (f64.load {to}) (f64.add {' '.join(lanes)})))")
        odd += [move("g", 8), move("h", 8)]
        body.append(when(f"(i32.and {get('m')} (i32.const 1))", *odd))
        if len(letters) > 1:
            body.append(put("g", get("h")))
        return [*body, move("in", ROW * len(letters))]

    return function(
        "gradient",
        "in i32,delta i32,g i32,k i32,m i32,factor f64",
        "q h pairs twos stride",
        [*sums("ab"), "c", "s", "t"],
        put("stride", bytes_of("m")),
        put("c", f"(f64x2.splat {get('factor')})"),
        put("twos", f"(i32.shr_u {get('k')} (i32.const 1))"),
        when(get("twos"), repeat("in", "twos", *rows("ab"))),
        when(f"(i32.and {get('k')} (i32.const 1))", *rows("a")),
    )


def bias() -> str:
    """g[o] += factor * sum over examples of delta[o]."""
    total = load("delta", 0)
    for j in EACH[1:]:
        total = add(total, load("delta", j))
    lanes = [f"(f64x2.extract_lane {lane} {get('s')})" for lane in (0, 1)]
    step = f"(f64.mul {get('factor')} (f64.add {' '.join(lanes)}))"
    return function(
        "bias",
        "delta i32,g i32,m i32,factor f64",
        "",
        ["s"],
        repeat(
            "out",
            "m",
            put("s", total),
            f"(f64.store {get('g')} (f64.add (f64.load {get('g')}) {step}))",
            move("g", 8),
            move("delta", ROW),
        ),
    )


def update() -> str:
    """Add g to w, and set g to 0, for a whole number of pairs."""
    return function(
        "update",
        "w i32,g i32,pairs i32",
        "",
        [],
        repeat(
            "all",
            "pairs",
            store("w", add(load("w", 0), load("g", 0)), 0),
            store("g", splat(0.0), 0),
            move("w", 16),
            move("g", 16),
        ),
    )


def exponential(y: str) -> list[str]:
    """Leave p = 2^k and n = e^r - 1 with e^y = p (1 + n), for -700 <= y <= 0; |r| <= ln(2) / 2."""

    def every_third(first: int) -> str:
        """The series' terms of the powers first, first + 3, ... over r^first, as one in r^3."""
        *rest, last = [splat(1 / factorial(power)) for power in range(first, 14, 3)]
        for coefficient in reversed(rest):
            last = add(mul(last, get("u")), coefficient)
        return last

    # Three short chains run at once, where one long chain would wait for itself.
    series = add(
        add(every_third(2), mul(get("r"), every_third(3))),
        mul(get("square"), every_third(4)),
    )
    bits = add(get("n"), splat(MAGIC))
    exponent = f"(i64x2.add {bits} (i64x2.splat (i64.const 1023)))"
    return [
        put("n", f"(f64x2.nearest {mul(y, splat(LOG2_E))})"),
        put("r", f"(f64x2.sub {y} {mul(get('n'), splat(LN2_HIGH))})"),
        put("r", f"(f64x2.sub {get('r')} {mul(get('n'), splat(LN2_LOW))})"),
        put("p", f"(i64x2.shl {exponent} (i32.const 52))"),
        put("square", mul(get("r"), get("r"))),
        put("u", mul(get("square"), get("r"))),
        put("n", add(get("r"), mul(get("square"), series))),
    ]


def elementwise(name: str, vectors: list[str], *body: str) -> str:
    """Turn ``count`` vectors of pre-activations at ``a`` into activations, with slopes at ``s``."""
    # Constants are made once, before the loop: the compiler would make them anew each time.
    written = " ".join(body)
    constants = sorted(set(re.findall(r"\(f64x2\.splat \(f64\.const [^)]*\)\)", written)))
    for at, constant in enumerate(constants):
        written = written.replace(constant, get(f"c{at}"))
    return function(
        name,
        "a i32,s i32,count i32",
        "",
        [*vectors, "x", *(f"c{at}" for at in range(len(constants)))],
        *(put(f"c{at}", constant) for at, constant in enumerate(constants)),
        repeat(
            "all",
            "count",
            put("x", load("a", 0)),
            written,
            move("a", 16),
            move("s", 16),
        ),
    )


def relu() -> str:
    """Max(x, 0); the slope is 0 or 1."""
    positive = f"(f64x2.gt {get('x')} {splat(0.0)})"
    return elementwise(
        "relu",
        [],
        store("a", f"(f64x2.max {get('x')} {splat(0.0)})", 0),
        store("s", f"(v128.and {positive} {splat(1.0)})", 0),
    )


def tanh() -> str:
    """|e / (2 + e)| with e = e^(-2 |x|) - 1, the sign put back; the slope is 1 - tanh^2."""
    sign = f"(v128.and {get('x')} {splat(-0.0)})"
    size = f"(f64x2.pmin (f64x2.abs {get('x')}) {splat(20.0)})"
    # e^y - 1 as p n + (p - 1) keeps its digits where y is small.
    below = add(get("n"), f"(f64x2.sub {get('p')} {splat(1.0)})")
    above = add(get("n"), add(get("p"), splat(1.0)))
    return elementwise(
        "tanh",
        ["y", "n", "r", "p", "square", "u"],
        put("y", mul(size, splat(-2.0))),
        *exponential(get("y")),
        put("n", mul(get("p"), get("n"))),
        put("r", f"(f64x2.abs (f64x2.div {below} {above}))"),
        store("a", f"(v128.or {get('r')} {sign})", 0),
        store("s", f"(f64x2.sub {splat(1.0)} {mul(get('r'), get('r'))})", 0),
    )


def sigmoid() -> str:
    """1 / (1 + e) or e / (1 + e) with e = e^-|x|; the slope is e / (1 + e)^2."""
    small = f"(f64x2.pmax (f64x2.neg (f64x2.abs {get('x')})) {splat(-700.0)})"
    positive = f"(f64x2.ge {get('x')} {splat(0.0)})"
    upper = f"(f64x2.div {splat(1.0)} {get('n')})"
    return elementwise(
        "sigmoid",
        ["y", "n", "r", "p", "e", "square", "u"],
        put("y", small),
        *exponential(get("y")),
        put("e", add(get("p"), mul(get("p"), get("n")))),
        put("n", add(get("e"), splat(1.0))),
        put("r", upper),
        put("p", mul(get("e"), get("r"))),
        store("a", f"(v128.bitselect {get('r')} {get('p')} {positive})", 0),
        store("s", mul(get("p"), get("r")), 0),
    )


def scale() -> str:
    """Multiply activations at ``a`` and slopes at ``s`` by dropout's factors at ``f``."""
    return function(
        "scale",
        "a i32,s i32,f i32,count i32",
        "",
        ["x"],
        repeat(
            "all",
            "count",
            put("x", load("f", 0)),
            store("a", mul(load("a", 0), get("x")), 0),
            store("s", mul(load("s", 0), get("x")), 0),
            move("a", 16),
            move("s", 16),
            move("f", 16),
        ),
    )


def text() -> str:
    """Return the module in WebAssembly's text format."""
    parts = [
        forward(),
        backward(),
        gradient(),
        bias(),
        update(),
        relu(),
        tanh(),
        sigmoid(),
        scale(),
    ]
    return '(module (import "js" "memory" (memory 1)) ' + "\n".join(parts) + ")"


def assembled() -> bytes:
    """Return the module's bytes."""
    import wasmtime

    return bytes(wasmtime.wat2wasm(text()))


if __name__ == "__main__":
    KERNEL.write_bytes(assembled())
    print(f"{KERNEL.name}: {KERNEL.stat().st_size} bytes")
