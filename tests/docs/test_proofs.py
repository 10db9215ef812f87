"""Each sentence of the site carries its proof, and a sentence that is changed is noticed."""

import re

import numpy as np
import pytest

from livegrad_site.check import locks, proofs
from livegrad_site.read import fences, sentences
from livegrad_site.run import blocks, cache, shapes, snapshot
from livegrad_site.show import marks

ROOT = cache.ROOT
PAGES = {p.relative_to(ROOT).as_posix(): p for p in fences.pages(ROOT)}
PRINTED = "rate  first  last\n 0.1   1.5e-03   93%\nrelu he_normal  0.79  -1.2\n"
CODE = "epochs = 20\nfor depth in [2, 4]:\n    fit(widths, rate=0.1)\n"
NAMES = {"depths": [5, 6], "share": 0.935, "worst": -0.25, "table": {"relu": [1.0, 2.0]}}
BLOCK = proofs.Block(3, CODE, PRINTED, snapshot.of(NAMES))
OTHER = proofs.Block(20, "epochs = 7\n", "relu he_normal 9\n", {"share": 0.5, "late": 1})


def proven(sentence, line=5):
    """What is wrong with a sentence behind these two blocks; the lock is right."""
    (found,) = sentences.read(proofs.locked(sentence + "\n"))
    assert found.lock == found.digest or not found.items
    return proofs.fault(found, [BLOCK, OTHER])


@pytest.mark.parametrize("name", PAGES)
def test_each_sentence_of_a_page_has_its_proof(name):
    text = PAGES[name].read_text("utf-8")
    assert proofs.check(text, blocks.record(text)) == []


def test_all_words_were_read_since_they_changed():
    assert [locks.name(path) for path in locks.unread()] == []


RIGHT = [
    "The share is 93.5 %.<!--proof {share:.1%}-->",
    "The share is 0.94, the other −0.25.<!--proof {share:.2f} ; {worst:.2f}-->",
    "It is $1.5 \\times 10^{-3}$ at first.<!--proof {cell('0.1', 0):.1e}-->",
    "Five layers are enough.<!--proof {min(depths):w} layers-->",
    "After 20 epochs.<!--proof {arg('epochs')}-->",
    "ReLU keeps more.<!--proof cell('relu he_normal', 0) > worst-->",
    "It is at most 0.25.<!--proof {-worst:.2f} ; activations.sigmoid.derivative(0.0) == 0.25-->",
    "Take layer 3.<!--proof def 3-->",
    "The most is lost.<!--proof all(d > 4 for d in depths) and near(share, 0.94, 0.01)-->",
    "A sentence that claims nothing.",
    "Is it always so?",
    "[He et al. 2015](../reference/papers.md#he-2015) say it.",
    "About 0.79 and -1.2 came out.<!--proof {row('relu he_normal')[0]} and {rows('relu')[1][1]}-->",
    "More than one.<!--proof table['relu'][1] > 1 and code('rate=0.1') and '93' in out()-->",
]


@pytest.mark.parametrize("sentence", RIGHT)
def test_a_sentence_that_is_proven_passes(sentence):
    assert proven(sentence) == ""


WRONG = {
    "The share is 93.4 %.<!--proof {share:.1%}-->": "does not say so",
    "The share is -0.94.<!--proof {share:.2f}-->": "does not say so",
    "The share is 0.945.<!--proof {share:.2f}-->": "does not say so",
    "The share is 0.94 of 3.<!--proof {share:.2f}-->": "nothing gives the number 3",
    "The worst is 0.25.<!--proof {worst:.2f}-->": "does not say so",
    "Six layers are enough.<!--proof {min(depths):w} layers-->": "does not say so",
    "ReLU keeps less.": "nothing proves 'less'",
    "ReLU keeps less.<!--proof cell('relu he_normal', 0) < worst-->": "is False, not True",
    "ReLU keeps less, 0.94.<!--proof {share:.2f}-->": "nothing proves 'less'",
    "It is always so.<!--proof 1 < 2-->": "uses nothing of the page",
    "It is always so.<!--proof True-->": "uses nothing of the page",
    "It is always so.<!--proof share-->": "not True",
    "It is always so.<!--proof gone > 1-->": "leaves gone behind",
    "It is always so.<!--proof share >-->": "is no expression",
    "It is always so.<!--proof share.x > 1-->": "AttributeError",
    "It is 3.5.<!--proof def 3.5-->": "no convention",
    "It is 3.<!--proof def 3 4-->": "does not say 4",
    "It is 3.<!--proof def 4-->": "does not say 4",
    "It is always so.<!--proof cite he-2015 page 999-->": "has no 'page 999'",
    "It is always so.<!--proof test tests/docs/test_proofs.py::test_gone-->": "there is no test",
    "[He et al. 2014](../reference/papers.md#he-2015) say it.": "'2014'",
    "[Glorot 2015](../reference/papers.md#he-2015) say it.": "'2015'",
    "The 77-layer network.": "'77'",
    "The 7th.": "'7'",
    "Half: ½.<!--proof {share:.1%}-->": "does not say so",
    "| layers | 7 |": "'7'",
    "It is 10⁻⁵.<!--proof def-->": "nothing gives the number",
    "### Always the best": "nothing proves 'Always'",
    '!!! note "Always the best"': "nothing proves 'Always'",
    "In row 3.<!--proof {row('tanh')[0]:.0f}-->": "no block prints a line",
    "In row 3.<!--proof {share-->": "not closed",
    "Two.<!--proof {share:w}-->": "cannot be written",
}


@pytest.mark.parametrize("sentence", WRONG)
def test_a_sentence_that_is_not_proven_is_caught(sentence):
    assert WRONG[sentence] in proven(sentence)


def test_the_nearest_block_above_gives_a_name():
    assert proven("It is 0.94.<!--proof {share:.2f}-->", 5) == ""
    evidence = proofs.Evidence([BLOCK, OTHER], 30)
    assert proofs.filled("{share:.1f} {cell('relu he_normal', 0):.0f}", evidence) == "0.5 9"
    assert proofs.evaluate("share > 0.9 > worst", evidence), "the nearest that has all names"
    with pytest.raises(proofs.ProofError, match="worst"):
        proofs.evaluate("late > worst", evidence)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("ReLU keeps more", "ReLU keeps less"),
        ("ReLU keeps", "Tanh keeps"),
        ("> worst", ">= worst"),
        (", 0) >", ", 0) > 0 *"),
    ],
)
def test_a_change_of_sentence_or_proof_opens_the_lock(old, new):
    locked = proofs.locked("ReLU keeps more.<!--proof cell('relu he_normal', 0) > worst-->\n")
    changed = locked.replace(old, new)
    assert changed != locked
    (found,) = sentences.read(changed)
    assert "changed since they were read" in proofs.fault(found, [BLOCK])
    assert proofs.fault(found, [BLOCK], locked=False) == ""


def test_a_lock_is_written_once():
    text = "It is so.<!--proof share > 0\n  ; share < 1--> More here.<!--proof share > 0-->\n"
    locked = proofs.locked(text)
    assert len(re.findall("#[0-9a-f]{6}-->", locked)) == 2
    assert proofs.locked(locked) == locked
    assert re.sub(" #[0-9a-f]{6}", "", locked) == text


def test_a_page_is_read_as_its_sentences():
    text = (
        "---\ntitle: T\n---\n# Title of 3\n\nOne, e.g. of He et al. 2015. Two `a.b` ends:\n\n"
        "- An item.<!--proof share-->\n  Its second.\n- Another\n\n"
        '!!! note "A box"\n\n    Inside it. And more.\n\n'
        "| a | b |\n|---|---|\n| 1 | 2 |\n<!--proof def-->\n\n"
        "```python\nx = 5  # not read.\n```\n\n$$x = 5$$\n\nLast\nline.\n"
    )
    found = sentences.read(text)
    words = [sentence.plain for sentence in found]
    assert words[:8] == [
        "Title of 3",
        "One, e.g. of He et al. 2015.",
        "Two ` ends:",
        "An item.",
        "Its second.",
        "Another",
        "A box",
        "Inside it.",
    ]
    assert words[8] == "And more." and words[-1] == "Last line."
    table = found[9]
    assert table.kind == "table" and table.items == ["def"] and found[3].items == ["share"]
    assert found[-1].line == text.count("\n") - 1


def test_what_a_block_leaves_behind_comes_back_as_it_was():
    space = {
        "a": np.arange(3.0),
        "flags": np.array([True]),
        "nested": {("relu", 1): [np.float32(0.5), None, float("inf")]},
        "large": np.zeros(5000),
        "function": len,
        "_private": 1,
    }
    kept = snapshot.of(space)
    assert set(kept) == {"a", "flags", "nested"}
    back = {name: snapshot.unpacked(value) for name, value in kept.items()}
    np.testing.assert_array_equal(back["a"], [0.0, 1.0, 2.0])
    assert back["flags"].dtype == bool
    assert back["nested"] == {("relu", 1): [0.5, None, float("inf")]}


@pytest.mark.parametrize(
    "code",
    [
        "import numpy as np\nx = np.zeros((2, 3))  # (2, 3)\n",
        "x = [[1, 2]]  # (examples, 2): a row an example\n",
        "import numpy as np\na, b = np.zeros((2, 3))  # (3,) each\n",
        "import numpy as np\na, _ = np.zeros((2, 3))  # (3,)\n",
        "import numpy as np\na, b = np.zeros(2), np.zeros(3)  # (2,), (3,)\n",
        "x = 5  # (see below)\n",
    ],
)
def test_a_shape_that_is_right_passes(code):
    blocks.printed(code)


@pytest.mark.parametrize(
    "code",
    [
        "import numpy as np\nx = np.zeros((2, 3))  # (3, 2)\n",
        "import numpy as np\nx = np.zeros(\n    (2, 3)\n)  # (2,)\n",
        "import numpy as np\na, b = np.zeros((2, 3))  # (2,) each\n",
        "import numpy as np\na, b = np.zeros((2, 3))  # (3,)\n",
        "import numpy as np\nfor x in range(1):\n    y = np.zeros(3)  # (examples, 3)\n",
    ],
)
def test_a_shape_that_is_wrong_fails_its_block(code):
    with pytest.raises(shapes.ShapeError):
        blocks.printed(code)


@pytest.mark.parametrize(
    ("name", "old", "new", "noticed"),
    [
        ("a.md", "Words here", "Word here", True),
        ("a.md", "x = 1", "x = 2", True),
        ("a.md", "text\n1\n", "text\n2\n", False),  # compared with what the block prints
        ("a.md", "ReLU keeps more", "ReLU keeps less", False),  # it has a lock of its own
        ("src/a.py", "A module.", "The module.", True),
        ("src/a.py", "# why", "# how", True),
        ("src/a.py", "x = 1", "x = 2", False),  # the tests' and the pages' matter
        ("a.js", '"over the gain"', '"below the gain"', True),
        ("a.js", "x + 1", "x + 2", False),
    ],
)
def test_words_without_a_proof_are_held_to_when_they_were_read(
    tmp_path, monkeypatch, name, old, new, noticed
):
    monkeypatch.setattr(cache, "ROOT", tmp_path)
    texts = {
        "a.md": f"Words here. ReLU keeps more.<!--proof share > 0-->\n\n```python\nx = 1\n```\n\n"
        f"{fences.OUTPUT_MARK}\n```text\n1\n```\n",
        "src/a.py": '"""A module."""\n\nx = 1  # why\n',
        "a.js": 'const a = x + 1;\nsay("over the gain");\n',
    }
    path = tmp_path / name
    path.parent.mkdir(exist_ok=True)
    path.write_text(texts[name])
    before = locks.digest(path)
    assert old in texts[name]
    path.write_text(texts[name].replace(old, new))
    assert (locks.digest(path) != before) == noticed


def test_a_mark_opens_the_proof_with_its_values():
    shown = [proofs.Shown("{share:.2f}", "0.94"), proofs.Shown(proofs.SET, "3")]
    made = marks.button(4, shown)
    assert 'popovertarget="proof-4"' in made and 'id="proof-4"' in made
    assert "<code>{share:.2f}</code>" in made and "0.94" in made and proofs.SET not in made
    assert made.count("<span") == 1  # at the end of a second one the search would begin again
    assert marks.button(4, shown[1:]) == ""


class Page:
    class File:
        src_uri = "a.md"

    file = File


def test_a_mark_alone_is_a_line_and_one_that_has_nothing_to_show_is_none(monkeypatch):
    shown = [[proofs.Shown("share > 0", "true")], [proofs.Shown(proofs.SET, "1")]]
    monkeypatch.setitem(marks._shown, "a.md", shown)
    first, second = (f'<span data-lg-proof="{at}"></span>' for at in range(2))
    made = marks.in_content(f"<p>A.{first} B.</p><p>{first}</p><p>{second}</p>", Page)
    assert made.startswith('<p><span class="lg-proof-word">A.<button') and made.count("<p") == 2
    assert '</bdi></span></span> B.</p><p class="lg-proof-line"><button' in made
    assert made.endswith("</p>")
    assert marks.in_content(f"<p>{first} B.</p>", Page).startswith("<p><button")


@pytest.mark.parametrize(
    ("before", "made"),
    [
        ("One word.", 'One <span class="lg-proof-word">word.{}</span>'),
        ("A <code>b</code>.", 'A <code>b</code><span class="lg-proof-word">.{}</span>'),
        ("<strong>A b.</strong>", '<strong>A <span class="lg-proof-word">b.{}</span></strong>'),
        ("A <code>b</code>", "A <code>b</code>{}"),
    ],
)
def test_a_mark_is_one_piece_with_the_word_before_it(monkeypatch, before, made):
    shown = [[proofs.Shown("share > 0", "true")], [proofs.Shown(proofs.SET, "1")]]
    monkeypatch.setitem(marks._shown, "a.md", shown)
    mark = made.format(marks.button(0, shown[0]))
    place = '{}<span data-lg-proof="{}"></span> More.'
    assert marks.in_content(place.format(before, 0), Page) == f"{mark} More."
    assert marks.in_content(place.format(before, 1), Page) == f"{before} More."


def test_marks_leave_the_page_s_markdown_whole():
    text = "- One.<!--proof share > 0--> Two.\n\n| a |\n|---|\n| 1 |\n<!--proof def 1-->\n\nEnd.\n"
    placed = marks.placed(text)
    assert placed.startswith('- One.<span data-lg-proof="0"></span> Two.')
    assert '| 1 |\n\n<span data-lg-proof="1"></span>\n' in placed
    assert marks.placed("<!--given\nx = 1\n-->\nA.\n") == "\nA.\n"
