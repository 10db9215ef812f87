"""A prediction is answered by the block that follows it, and says nothing that is not so."""

import re

import pytest

from livegrad_site.check import checked, locks, perturb, predictions, proofs
from livegrad_site.read import fences
from livegrad_site.read import predictions as written
from livegrad_site.run import blocks, cache, later
from livegrad_site.show import glossary, predict

ROOT = cache.ROOT
PAGES = {path.relative_to(ROOT / "docs").as_posix(): path for path in fences.pages(ROOT)[1:]}
TOPICS = (
    *("gradients", "activations", "initializers", "dropout", "shortcuts", "outputs", "inputs"),
    "step",
)
# Not only those whose text has "The question": what a topic begins with asks one, too.
LESSONS = [
    name
    for name, path in PAGES.items()
    if name.startswith(tuple(f"{topic}/" for topic in TOPICS))
    and '!!! question "The question"' in path.read_text("utf-8")
]


def asked(name):
    """The names of the predictions of a page."""
    return [one.written["id"] for one in written.read(PAGES[name].read_text("utf-8"))]


# A topic that has begun to ask asks on each of its pages.
BEGUN = [topic for topic in TOPICS if any(asked(n) for n in LESSONS if n.startswith(f"{topic}/"))]


def length(name):
    return len(written.COMMENT.sub("", PAGES[name].read_text("utf-8")))


LONGEST = sorted(LESSONS, key=length)[-10:]


@pytest.mark.parametrize("name", [name for name in LESSONS if name.split("/")[0] in BEGUN])
def test_a_lesson_asks_for_a_prediction_before_its_first_block(name):
    text = PAGES[name].read_text("utf-8")
    first = fences.python(text)[0].first
    lines = [one.line for one in written.read(text)]
    assert lines and min(lines) < first
    assert len(lines) >= (4 if name in LONGEST else 1)


def test_the_first_topics_ask():
    assert BEGUN[:2] == ["gradients", "activations"]


@pytest.mark.parametrize("name", PAGES)
def test_each_prediction_of_a_page_is_answered(name):
    text = PAGES[name].read_text("utf-8")
    assert predictions.check(text, blocks.record(text)) == []


BLOCK = "ratio, sizes, share = 1.5e-6, [0.5, 0.05, 0.001], 0.36\nprint('left', ratio)\n"
CHOICE = """\
id: what-is-left
ask: Ten layers instead of one. What is left?
choices:
  - says: about half
    when: ratio > 0.1
    reply: Each layer would keep {0.5 ** 0.1:.0%} of `W1`. It keeps less than {share:.0%}.
    because: 0.5 ** 0.1 > share
  - says: about a millionth
    when: 1e-7 < ratio < 1e-5
    reply: "So it is: {ratio:.1e} is left."
    because: ratio < 1
  - says: more than before
    when: ratio > 1
    reply: It is a product.
    because: ratio < 1
result: "{ratio:.1e} of it"
"""
LAST_CHOICE = CHOICE[CHOICE.index("  - says: more") : CHOICE.index("result:")]
REPLIES = """\
replies:
  right: {reply: So it is., because: ratio < 1}
  above: {reply: Less is left., because: ratio < 1}
  below: {reply: More is left., because: ratio > 0}
result: "{ratio:.1e} of it"
"""
NUMBER = f"""\
id: how-much
ask: How much is left?
number: {{low: 1e-8, high: 1, log: true, answer: ratio, near: 3}}
{REPLIES}"""
CURVE = f"""\
id: over-depth
ask: Draw it.
curve: {{x: "[1, 2, 4]", y: sizes, low: 1e-6, high: 1, log: true,
  x_label: layers, y_label: gradient, near: 0.1}}
{REPLIES}"""
KINDS = {"choice": CHOICE, "number": NUMBER, "curve": CURVE}


def page(comment, block=BLOCK):
    code = f"```python\n{block}```\n\n```python\nlate = 1\n```\n"
    return f"# Title\n\n<!--predict\n{comment}-->\n\n{code}"


def faults(text):
    return predictions.check(text, [blocks.given(fence.code) for fence in fences.python(text)])


def answered(comment):
    text = page(comment)
    record = [blocks.given(fence.code) for fence in fences.python(text)]
    (one,) = predictions.of_page(text, proofs.page_of(text, record))
    return one


@pytest.mark.parametrize("kind", KINDS)
def test_a_prediction_that_is_right_passes(kind):
    assert faults(page(KINDS[kind])) == []


def test_the_computer_knows_the_answer_and_says_its_numbers():
    one = answered(CHOICE)
    assert [answer.right for answer in one.answers] == [False, True, False]
    assert one.result == "1.5 × 10⁻⁶ of it"
    assert one.answers[0].reply.startswith("Each layer would keep 93\N{NO-BREAK SPACE}% of `W1`.")
    assert (one.rests.item, one.rests.value) == ("1e-7 < ratio < 1e-5", "true")
    assert answered(NUMBER).data["answer"] == 1.5e-6 and answered(NUMBER).rests.value == "1.5e-06"
    assert answered(CURVE).data["y"] == [0.5, 0.05, 0.001]


# What is planted, the line of the page that is named, and what is said of it.
WRONG = {
    "two are true": (CHOICE, "ratio > 1\n", "ratio > 0\n", 3, "exactly one `when` must be true"),
    "none is true": (CHOICE, "< 1e-5", "< 1e-6", 3, "none is"),
    "a reply that is false": (CHOICE, "0.1 > share", "0.1 < share", 10, "is False"),
    "no truth": (CHOICE, "when: ratio > 1", "when: ratio", 16, "neither True nor False"),
    "a digit by hand": (CHOICE, "is left.", "of 7 is left.", 13, "the number 7 stands outside"),
    "a digit in a result": (CHOICE, "} of it", "} of 20", 19, "the number 20 stands outside"),
    "a number in braces": (CHOICE, "{ratio:.1e} of it", "{1.5:.1e}", 19, "computes nothing"),
    "a check of nothing": (CHOICE, "0.1 > share", "0.1 > 0.3", 10, "uses nothing of the page"),
    "a name of no block": (CHOICE, "ratio > 1\n", "gone > 1\n", 16, "leaves gone behind"),
    "a name of a later block": (CHOICE, "ratio > 1\n", "late > 1\n", 16, "block that follows"),
    "two choices": (CHOICE, LAST_CHOICE, "", 4, "three or four"),
    "no YAML": (CHOICE, '"So it is', "So it is", 13, "is no YAML"),
    "a brace that is open": (CHOICE, "{ratio:.1e} is", "{ratio:.1e is", 13, "not closed"),
    "a key of nobody": (CHOICE, "result:", "hint: x\nresult:", 4, "nobody reads hint"),
    "a key that is missing": (CHOICE, "    because: ratio < 1\nresult", "result", 15, "no because"),
    "a key twice": (CHOICE, "result:", "ask: x\nresult:", 19, "stands twice"),
    "an id of its own": (CHOICE, "id: what", "id: What ", 4, "no word"),
    "two kinds": (NUMBER, "result", "choices: []\nresult", 3, "asks for one of"),
    "outside": (NUMBER, "low: 1e-8", "low: 1e-5", 6, "outside of"),
    "at the edge": (NUMBER, "low: 1e-8", "low: 1e-6", 6, "at its edge"),
    "no number": (NUMBER, "answer: ratio", "answer: sizes", 6, "no number"),
    "always right": (NUMBER, "near: 3", "near: 1000", 6, "right almost wherever"),
    "never right": (NUMBER, "near: 3", "near: 1", 6, "no guess is as near"),
    "no axis": (NUMBER, "low: 1e-8", "low: 0", 6, "no axis leads"),
    "no literal": (NUMBER, "high: 1,", "high: ratio,", 6, "is no number"),
    "no switch": (NUMBER, "log: true", "log: yes", 6, "true or false"),
    "one reply": (
        NUMBER,
        "  above: {reply: Less is left., because: ratio < 1}\n",
        "",
        8,
        "no above",
    ),
    "off the axis": (CURVE, "low: 1e-6", "low: 1e-2", 6, "leaves its axis"),
    "too few values": (CURVE, "y: sizes", "y: 'sizes[:2]'", 6, "y has 2 values, x has 3"),
    "x in disorder": (CURVE, "[1, 2, 4]", "[1, 4, 2]", 6, "each larger than the last"),
    "a line nobody drew": (CURVE, "near: 0.1", "near: 0.4", 7, "that nobody drew"),
}


@pytest.mark.parametrize("planted", WRONG)
def test_a_prediction_that_is_wrong_is_caught_at_its_line(planted):
    text, old, new, line, what = WRONG[planted]
    assert text.count(old) >= 1
    ((at, last, said),) = faults(page(text.replace(old, new, 1)))
    assert (at, what in said) == (line, True), (at, said)
    assert last >= at


@pytest.mark.parametrize("lead", ["  ", "- "])
def test_a_prediction_that_nobody_would_see_is_caught(lead):
    text = page(CHOICE).replace("<!--predict", f"{lead}<!--predict")
    assert "at the margin" in faults(text)[0][2]


def test_a_prediction_needs_a_block_and_a_name_of_its_own():
    text = page(CHOICE)
    twice = text.replace("\n```python\nlate", f"\n<!--predict\n{CHOICE}-->\n\n```python\nlate")
    assert any("stands twice" in what or "follows" in what for _, _, what in faults(twice))
    last = f"# Title\n\n```python\n{BLOCK}```\n\n<!--predict\n{CHOICE}-->\n"
    assert "no block follows" in faults(last)[0][2]


def test_the_build_names_what_is_wrong():
    text = page(CHOICE.replace("ratio > 1", "ratio > 0"))
    given = [blocks.given(fence.code) for fence in fences.python(text)]
    assert (3, True) in [(f.line, "exactly one" in f.what) for f in checked.faults(text, given)]


@pytest.mark.parametrize(
    ("old", "new"),
    [("about half", "about a third"), ("0.1 > share", "0.1 >= share"), ("1e-5", "2e-5")],
)
def test_a_change_of_words_or_checks_asks_to_be_read_again(old, new):
    text = page(CHOICE)
    assert old in text
    assert locks.of_page(text).split() != locks.of_page(text.replace(old, new)).split()


@pytest.mark.parametrize("kind", KINDS)
def test_each_digit_and_comparison_that_is_changed_is_noticed(kind):
    text = page(KINDS[kind])
    record = [blocks.given(fence.code) for fence in fences.python(text)]
    found = perturb.of_predictions({"a.md": (text, proofs.page_of(text, record))}, seed=1)
    assert found["digits of predictions"].tried > 3
    assert found["digits of predictions"].by_any == found["digits of predictions"].tried
    checks = found["turned checks of predictions"]
    assert checks.by_values == checks.tried == len(re.findall(r"when:|because:", KINDS[kind]))


def test_a_page_that_waits_shows_no_answer():
    assert "<!--predict" not in later.notice("a.md", page(CHOICE), page(CHOICE))


def test_a_fold_holds_the_choices_and_inside_of_it_the_answer():
    made = predict.fold(answered(CHOICE))
    before, _, after = made.partition('<details class="lg-predict__answer"')
    assert "about half" in before and "1.5 × 10⁻⁶" not in before
    assert after.count("data-right") == 1 and "1.5 × 10⁻⁶ of it" in after
    number = predict.fold(answered(NUMBER))
    assert "A number from 10⁻⁸ to 1." in number and "&quot;near&quot;:3" in number


def test_a_term_in_a_question_is_no_link_and_the_next_one_is():
    known = [glossary.Term("gradient", "gradient", "What it is.", frozenset())]
    asks = (
        '<details class="lg-predict"><ul><li>gradient</li></ul><details class="lg-predict__answer">'
    )
    asks += "<p>gradient</p></details><p>gradient</p></details>"
    made = glossary.linked(f"{asks}<p>A gradient.</p>", known, "terms")
    assert made.startswith(asks) and made.count("lg-term") == 1
