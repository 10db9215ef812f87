"""Change a digit, a sign or a comparison somewhere in the prose, and see whether a check notices.

Each number outside of fences is changed once by a digit and once by its sign, drawn from a seed,
and some sentences are turned round; likewise some of what predictions say and check. Two things may
notice: the values (a proof no longer gives what the sentence says) and the locks (the words are not
those that a person read).
"""

from __future__ import annotations

import ast
import copy
import random
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from livegrad_site.check import locks, predictions, proofs
from livegrad_site.read import fences, sentences
from livegrad_site.read import predictions as written
from livegrad_site.run import blocks, cache

_NUMBER = re.compile(r"[-−]?(?<!\d)\d+(?:[.,]\d+)*")
_HIDDEN = re.compile(
    r"\]\([^)]*\)|\{[:#.][^}]*\}|<[^>]+>|https?://\S+|^\s*\d+\.(?= )", re.MULTILINE
)
_OPPOSITES = [
    "more less",
    "larger smaller",
    "largest smallest",
    "greater smaller",
    "higher lower",
    "highest lowest",
    "above below",
    "most least",
    "better worse",
    "best worst",
    "faster slower",
    "always never",
    "all none",
    "twice half",
    "longer shorter",
    "sooner later",
    "nearly hardly",
    "every no",
]
TURNED = {a: b for pair in _OPPOSITES for a, b in (pair.split(), pair.split()[::-1])}
_TURNS = re.compile(rf"\b({'|'.join(TURNED)})\b")
_NEGATED = {
    ast.Lt: ast.GtE,
    ast.LtE: ast.Gt,
    ast.Gt: ast.LtE,
    ast.GtE: ast.Lt,
    ast.Eq: ast.NotEq,
    ast.NotEq: ast.Eq,
    ast.In: ast.NotIn,
    ast.NotIn: ast.In,
}


@dataclass
class Score:
    """Of so many changes, how many the values noticed, and how many values or locks did."""

    tried: int = 0
    by_values: int = 0
    by_any: int = 0

    def add(self, by_values: bool, by_locks: bool) -> None:
        """Count one change."""
        self.tried += 1
        self.by_values += by_values
        self.by_any += by_values or by_locks


@dataclass(frozen=True)
class Chunk:
    """A paragraph of a page, with the proof that stands below it if it is a table or a title."""

    page: list[proofs.Block]
    text: str
    line: int
    start: int

    def wrong(self, text: str) -> bool:
        """Return whether the values notice that the paragraph says this."""
        for sentence in sentences.read(text):
            line = self.line + sentence.line - 1
            if not sentence.items and proofs.asks(sentence.plain):
                return True
            try:
                proofs.prove(sentence.plain, sentence.items, proofs.Evidence(self.page, line))
            except proofs.ProofError:
                return True
        return False

    def unlocked(self, text: str) -> bool:
        """Return whether the locks notice it."""
        if any(one.lock != one.digest for one in sentences.read(text) if one.items):
            return True
        return locks.of_page(text).split() != locks.of_page(self.text).split()


def chunk(text: str, page: list[proofs.Block], at: int) -> Chunk:
    """Return the paragraph around a place of a page's text."""
    gap = re.compile(r"\n[ \t]*\n")
    start = max((m.end() for m in gap.finditer(text, 0, at)), default=0)
    end = next((m.start() for m in gap.finditer(text, at)), len(text))
    below = re.compile(r"\n[ \t]*\n[ \t]*<!--proof.*?-->", re.DOTALL).match(text, end)
    return Chunk(
        page, text[start : below.end() if below else end], text.count("\n", 0, start) + 1, start
    )


def numbers(text: str) -> list[tuple[int, int]]:
    """Return the places of all numbers that a reader sees outside of fences."""
    prose = sentences.blanked(text)
    prose = _HIDDEN.sub(lambda m: re.sub(r"[^\n]", " ", m[0]), prose)
    return [match.span() for match in _NUMBER.finditer(prose)]


def digit(number: str, rng: random.Random) -> str:
    """Return a number with one digit changed."""
    at = rng.choice([at for at, sign in enumerate(number) if sign.isdigit()])
    return number[:at] + rng.choice([d for d in "0123456789" if d != number[at]]) + number[at + 1 :]


def sign(number: str) -> str:
    """Return a number with the other sign."""
    return number[1:] if number[0] in "-−" else f"-{number}"


Pages = dict[str, tuple[str, list[proofs.Block]]]


def pages() -> Pages:
    """Return each page: its text and what its blocks gave."""
    found = {}
    for path in fences.pages(cache.ROOT):
        name = path.relative_to(cache.ROOT).as_posix()
        text = path.read_text(encoding="utf-8")
        found[name] = text, proofs.page_of(text, blocks.record(text))
    return found


def of_predictions(pages: Pages, seed: int, most: int = 100) -> dict[str, Score]:
    """Return the scores of so many digits and checks of predictions."""
    rng = random.Random(seed)
    digits, checks = [], []
    scores = {"digits of predictions": Score(), "turned checks of predictions": Score()}
    for text, page in pages.values():
        hidden = {line for line, _ in blocks.hidden(text)}
        for line, match in written.find(text):
            here = match, line, page, hidden
            digits += [(*here, number.span()) for number in _NUMBER.finditer(match["yaml"])]
            checks += [
                (*here, at) for at in range(len(_checks(written.parsed(line, match).written)))
            ]
    for match, line, page, hidden, (start, end) in rng.sample(digits, min(most, len(digits))):
        said = match["yaml"]
        comment = f"<!--predict\n{said[:start]}{digit(said[start:end], rng)}{said[end:]}-->\n"
        changed = written.COMMENT.match(comment)
        assert changed
        seen = _unanswered(lambda: written.parsed(line, changed), page, hidden)  # noqa: B023
        scores["digits of predictions"].add(seen, locks.of_page(comment) != locks.of_page(match[0]))
    for match, line, page, hidden, at in rng.sample(checks, min(most, len(checks))):
        one = copy.deepcopy(written.parsed(line, match))
        keys, name = _checks(one.written)[at]
        # A range may be missed on its other side too, and is missed as before.
        turned = f"not ({keys[name]})" if name == "when" else _negated(keys[name])
        keys[name] = written.Text(turned, line)
        scores["turned checks of predictions"].add(_unanswered(lambda: one, page, hidden), False)  # noqa: B023
    return scores


def _checks(said: written.Keys) -> list[tuple[written.Keys, str]]:
    """Return where the checks of a prediction stand that compare."""
    keys = [*said.get("choices", []), *said.get("replies", {}).values()]
    return [
        (one, name)
        for one in keys
        for name in ("when", "because")
        if name in one and (name == "when" or _comparison(one[name]))
    ]


def _unanswered(
    read: Callable[[], written.Prediction], page: list[proofs.Block], hidden: set[int]
) -> bool:
    """Return whether the values notice that a prediction is wrong."""
    try:
        predictions.answered(read(), page, hidden)
    except written.PredictionError:
        return True
    return False


def measure(seed: int, turned: int = 100) -> dict[str, Score]:
    """Return the scores of all digits, signs, bound numbers, and of so many turned sentences."""
    rng = random.Random(seed)
    names = ("digits", "signs", "bound digits", "turned sentences", "turned checks")
    scores = {name: Score() for name in names}
    sayings: list[tuple[Chunk, re.Match[str]]] = []
    checks: list[tuple[list[proofs.Block], sentences.Sentence, str]] = []
    found = pages()
    for text, page in found.values():
        for start, end in numbers(text):
            here = chunk(text, page, start)
            at, to = start - here.start, end - here.start
            bound = _is_bound(here, at)
            for kind, number in (
                ("digits", digit(here.text[at:to], rng)),
                ("signs", sign(here.text[at:to])),
            ):
                changed = here.text[:at] + number + here.text[to:]
                seen = here.wrong(changed), here.unlocked(changed)
                scores[kind].add(*seen)
                if kind == "digits" and bound:
                    scores["bound digits"].add(*seen)
        for one in sentences.read(text):
            if one.items:
                sayings += [(chunk(text, page, one.start), m) for m in _turns(text, one)]
                checks += [(page, one, item) for item in one.items if _comparison(item)]
    for here, match in rng.sample(sayings, min(turned, len(sayings))):
        at, to = match.start() - here.start, match.end() - here.start
        changed = here.text[:at] + TURNED[match[0]] + here.text[to:]
        scores["turned sentences"].add(here.wrong(changed), here.unlocked(changed))
    for page, one, item in rng.sample(checks, min(turned, len(checks))):
        try:
            held = bool(proofs.evaluate(_negated(item), proofs.Evidence(page, one.line)))
        except proofs.ProofError:
            held = False
        scores["turned checks"].add(not held, False)
    return scores | of_predictions(found, seed, turned)


def _is_bound(here: Chunk, at: int) -> bool:
    """Return whether the number there is one that a proof of its sentence gives a value.

    An index or a power in a formula is none, nor what stands in code or is glued to a letter.
    """
    before = here.text[:at]
    if before.count("$") % 2 or before.count("`") % 2 or re.search(r"[A-Za-z_]$", before):
        return False
    around = [one for one in sentences.read(here.text) if one.start <= at < one.end]
    return any("{" in item for one in around for item in one.items)


def _turns(text: str, one: sentences.Sentence) -> list[re.Match[str]]:
    return list(_TURNS.finditer(text, one.start, one.end))


def _comparison(item: str) -> bool:
    if "{" in item or item.partition(" ")[0] in {"def", "cite", "test", "on"}:
        return False
    return bool(_comparisons(ast.parse(item, mode="eval")))


def _comparisons(tree: ast.AST) -> dict[int, ast.Compare]:
    filters = [f for one in ast.walk(tree) if isinstance(one, ast.comprehension) for f in one.ifs]
    inside = {id(node) for one in filters for node in ast.walk(one)}
    found = (node for node in ast.walk(tree) if isinstance(node, ast.Compare))
    return {id(node): node for node in found if id(node) not in inside}


def _negated(item: str) -> str:
    """Return a check with its first comparison, not counting a filter, turned into the contrary."""
    tree = ast.parse(item, mode="eval")
    node = next(iter(_comparisons(tree).values()))
    node.ops[0] = _NEGATED.get(type(node.ops[0]), ast.NotEq)()
    return ast.unparse(tree)


def sources() -> list[str]:
    """Return all that the scores are made of, beside the package."""
    files = [*fences.pages(cache.ROOT), *map(Path, (proofs.__file__, sentences.__file__))]
    files += sorted((cache.ROOT / proofs.FOLDER / "sources").glob("*.yml"))
    files += [Path(locks.__file__), Path(predictions.__file__)]
    return [path.read_text(encoding="utf-8") for path in files]
