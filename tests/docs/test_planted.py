"""False things, planted one at a time where a reader would read them, are noticed.

By its ``value`` what a proof gives is no longer what is written, by ``run`` its block fails, by
``lock`` the words are not those that were read. What differs from a block's output, and fences, are
planted through the build in ``test_checked.py``.
"""

import pathlib

import pytest

from livegrad_site.check import locks, proofs
from livegrad_site.read import fences
from livegrad_site.run import blocks, cache

ROOT = cache.ROOT
VANISHING, MEASURE = "docs/gradients/vanishing.md", "docs/gradients/measure.md"
CHAIN, NOTEBOOK = "docs/gradients/chain-rule.md", "docs/experiments/vanishing.py"

PLANTS = {
    "a comparison, on a page": (
        VANISHING,
        "which is far less than a sig",
        "which is far more than a sig",
        "lock",
    ),
    "a conclusion, on a page": (VANISHING, "is no cure", "is a cure", "lock"),
    "a comparison, in a notebook": (NOTEBOOK, "at chance", "above chance", "lock"),
    "a comparison, in the glossary": (
        "docs/reference/glossary.md",
        "so far below 1",
        "so far above 1",
        "lock",
    ),
    "a comparison, in a docstring": ("src/livegrad/signals.py", "smaller", "larger", "lock"),
    "a comparison, beside an explorer": (
        VANISHING,
        "make the weights larger",
        "make the weights smaller",
        "lock",
    ),
    "what an explorer says": (
        "docs/assets/explorers/signals.js",
        "`above ${high}`",
        "`below ${high}`",
        "lock",
    ),
    "a verdict's name": (
        MEASURE,
        "| `vanishing-signal` | the",
        "| `exploding-signal` | the",
        "lock",
    ),
    "a number in words": (VANISHING, "four layers loses", "five layers loses", "lock"),
    "a number in words that is bound": (
        "docs/outputs/index.md",
        "Two rows are missing",
        "Three rows are missing",
        "lock",
    ),
    "a number glued to a letter": (CHAIN, "is of matrices", "is of 77-layer matrices", "value"),
    "a number after step": (CHAIN, "At last the weights", "At step 4 the weights", "value"),
    "a Roman numeral": ("docs/reference/papers.md", "Chapter III", "Chapter IV", "lock"),
    "a 2 for a 3": (
        "docs/experiments/papers/mishkin-lecun.md",
        "tanh(2x/3)",
        "tanh(2x/5)",
        "value",
    ),
    "a percentage": ("docs/gradients/trainability.md", "puts 90 % of", "puts 80 % of", "value"),
    "a sign": ("docs/experiments/myths.md", "the value at -1", "the value at 1", "value"),
    "inline code with a wrong result": (
        MEASURE,
        "`measure` prints",
        "`sigmoid(0) = 0.6` prints",
        "lock",
    ),
    "a displayed formula": (
        CHAIN,
        r"\delta_l = \partial L / \partial z_l",
        r"\delta_l = \partial L / \partial a_l",
        "lock",
    ),
    "an option of Keras": (
        "docs/gradients/exploding.md",
        "`clipvalue`, which",
        "`clip_value`, which",
        "lock",
    ),
    "a year": (VANISHING, "Kingma and Ba 2015]", "Kingma and Ba 2014]", "value"),
    "an author": (VANISHING, "[Kingma and Ba 2015]", "[Glorot 2015]", "value"),
    "an equation's number": ("docs/initializers/glorot.md", "(eq. 12)", "(eq. 13)", "value"),
    "a cited number": ("docs/experiments/papers/saxe.md", "32 percent", "38 percent", "value"),
    "a source that is none": (
        "docs/initializers/glorot.md",
        "cite glorot-2010 eq. 12",
        "cite glorot-2010 eq. 99",
        "value",
    ),
    "a shape": (CHAIN, "# (4, 5)   through W3", "# (5, 4)   through W3", "run"),
    "a comment in code": (CHAIN, "through W3 and layer 2's", "through W2 and layer 3's", "lock"),
    "a block made trivial": (
        CHAIN,
        "    assert np.allclose(by_hand, net.backward(trace, y).weights[0])",
        "    assert True",
        "lock",
    ),
    "a tab that fudges": (
        VANISHING,
        "first = np.linalg.norm(tape.gradient",
        "first = 1.0 * np.linalg.norm(tape.gradient",
        "lock",
    ),
    "a notebook's assertion": (NOTEBOOK, "\nassert ", "\nbool ", "lock"),
    "a bound on the cheat sheet": (
        "docs/reference/cheat-sheet.md",
        "between 0.005 and 20",
        "between 0.05 and 20",
        "value",
    ),
    "an aria-label": (
        "docs/index.md",
        "The chain rule as a map",
        "The product rule as a map",
        "lock",
    ),
    "a description": (VANISHING, "hardly move, measured", "quickly move, measured", "lock"),
    "a keyword": (VANISHING, "keywords: [vanishing", "keywords: [exploding", "lock"),
    "a number in mkdocs.yml": (
        "mkdocs.yml",
        "Every number on this site",
        "99 numbers on this site",
        "lock",
    ),
    "a template": (
        "docs/_overrides/main.html",
        "its place on the path",
        "its place off the path",
        "lock",
    ),
    "a comment in the package": ("src/livegrad/signals.py", "# ", "# not ", "lock"),
}


@pytest.mark.parametrize("plant", PLANTS)
def test_what_is_planted_is_noticed(plant, tmp_path, monkeypatch):
    name, old, new, by = PLANTS[plant]
    text = (ROOT / name).read_text("utf-8")
    assert old in text, f"{name} no longer says {old!r}"
    changed = text.replace(old, new, 1)
    if by == "value":
        # The blocks are as they were, so what they gave is what is kept.
        assert proofs.check(text, blocks.record(text)) == []
        found = [what for *_, what in proofs.check(changed, blocks.record(text))]
        assert any("changed since" not in what for what in found), found
    elif by == "run":
        code = next(one.code for one in fences.python(changed) if new.strip() in one.code)
        assert "ShapeError" in str(blocks.given(code))
    else:
        own = by_its_own_lock(changed, text) if name.endswith(".md") else False
        assert own or digest(tmp_path, monkeypatch, name, changed) != locks.written()[name]


def by_its_own_lock(changed, text):
    """Whether a sentence with a proof is no longer the one that was locked."""
    return any("changed since" in what for *_, what in proofs.check(changed, blocks.record(text)))


def digest(tmp_path, monkeypatch, name, text):
    path = pathlib.Path(tmp_path, name)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, "utf-8")
    with monkeypatch.context() as patched:
        patched.setattr(cache, "ROOT", tmp_path)
        return locks.digest(path)


def test_an_untouched_file_is_as_it_was_read(tmp_path, monkeypatch):
    for name in {plant[0] for plant in PLANTS.values()}:
        (tmp_path / name).unlink(missing_ok=True)
        text = (ROOT / name).read_text("utf-8")
        sub = tmp_path / name.replace("/", "-")
        assert digest(sub, monkeypatch, name, text) == locks.written()[name], name
