"""A translation is of what the English page says now, and says no other number or comparison."""

import re
from itertools import chain
from types import SimpleNamespace

import pytest
from mkdocs.exceptions import PluginError

from livegrad_site.check import checked, predictions, proofs
from livegrad_site.read import fences, languages, sentences
from livegrad_site.read.languages import Pair, disagreement, of
from livegrad_site.run import blocks, later
from livegrad_site.show import downloads, predict, sheets
from livegrad_site.show import languages as shown

GERMAN = languages.known()["de"]
ALL = [(code, name) for code in languages.known() for name in languages.translated(code)]


@pytest.fixture(scope="module", params=ALL, ids="/".join)
def page(request):
    return languages.page(*request.param)


def test_a_topic_is_translated_as_a_whole(root):
    topics = {name.partition("/")[0] for _, name in ALL}
    paths = [path for topic in topics for path in root.glob(f"docs/{topic}/*.md")]
    assert {name for _, name in ALL} == {
        path.relative_to(root / "docs").as_posix() for path in paths
    }


def test_each_sentence_has_its_translation_and_no_translation_is_left_over(page):
    assert page.missing == () and page.unused == ()


def test_each_translation_agrees_with_its_sentence(page):
    language = languages.known()[of(page.name)[0]]
    assert len(page.pairs) > 20
    assert [said for pair in page.pairs if (said := disagreement(language, pair))] == []


def test_code_figures_and_proofs_are_those_of_the_english_page(page, root):
    text = (root / "docs" / page.english).read_text("utf-8")
    for find in (fences.python, fences.torch):
        assert [f.code for f in find(text)] == [f.code for f in find(page.text)]
    results = [[result.digest for result in fences.results(one)] for one in (text, page.text)]
    assert results[0] == results[1]
    outputs = [[f.code for f in fences.find(one) if f.is_output] for one in (text, page.text)]
    assert outputs[0] == outputs[1]
    marks = [sentences.MARK.findall(one) for one in (text, page.text)]
    assert marks[0] == marks[1]
    source = languages.source(*of(page.name)).read_text("utf-8")
    assert "```" not in source and "<!--" not in source


def changed(text):
    """Every form of a text with one digit changed."""
    for match in re.finditer(r"(?<![\w#/-])\d", text):
        other = str((int(match[0]) + 1) % 10)
        yield text[: match.start()] + other + text[match.end() :]


def test_a_digit_that_is_changed_in_a_translation_is_noticed():
    pairs = [pair for one in ALL for pair in languages.page(*one).pairs]
    tried = [Pair(pair.english, text, 1) for pair in pairs for text in changed(pair.theirs)]
    assert [pair.theirs for pair in tried if not disagreement(GERMAN, pair)] == []
    assert len(tried) > 60


TURNED = {
    "größer": "kleiner",
    "nicht": "",
    "nichts": "alles",
    "kaum": "sehr",
    "keine": "eine",
    "jede": "manche",
    "jeder": "mancher",
    "nur": "auch",
    "ohne": "mit",
    "fünf": "vier",
    "Hälfte": "Menge",
    "weniger": "mehr",
    "niedrigsten": "höchsten",
    "fast": "gar",
    "Fünftel": "Zehntel",
    "Sechstel": "Fünftel",
    "Sechsfache": "Fünffache",
    "sicherer": "unsicherer",
    "meisten": "wenigsten",
    "einhalb": "eins",
    "höchstens": "mindestens",
}


def test_a_comparison_that_is_turned_round_is_noticed():
    tried = set()
    for pair in (pair for one in ALL for pair in languages.page(*one).pairs):
        for word, other in TURNED.items():
            text, count = re.subn(rf"(?<![\w-]){word}(?![\w-])", other, pair.theirs, count=1)
            if count:
                tried.add(word)
                assert disagreement(GERMAN, Pair(pair.english, text, 1)), text
    assert tried == set(TURNED)


@pytest.mark.parametrize(
    ("english", "theirs"),
    [
        ("A rate of 0.5 is `half`.", "Eine Rate von 0,5 ist `halb`."),
        ("See [it](a.md#b).", "Siehe [dort](c.md#b)."),
        ("It is $1 - r$.", "Es ist $1 + r$."),
        ("From 0.2 to 0.4.", "Von 0,4 bis 0,2."),
        ("At most ten.", "Mindestens zehn."),
    ],
)
def test_code_links_formulas_and_order_are_held(english, theirs):
    assert disagreement(GERMAN, Pair(english, theirs, 1))


def test_a_number_has_the_sign_of_the_language():
    assert not disagreement(GERMAN, Pair("A rate of 0.25.", "Eine Rate von 0,25.", 1))


def test_an_ordinal_is_no_number():
    assert not disagreement(GERMAN, Pair("Second hint", "Zweiter Hinweis", 1))
    assert disagreement(GERMAN, Pair("Both hints", "Der zweite Hinweis", 1))


def test_a_formula_has_the_sign_of_the_language():
    text = "Der Anteil 0.5 ist $1 / 0.7$ mal $x_1.$ in `0.2`."
    assert GERMAN.formulas(text) == text.replace("/ 0.7", "/ 0{,}7")
    assert languages.ENGLISH.formulas(text) == text
    content = "<math><mn>1</mn><mo>/</mo><mn>0.7</mn></math><code>0.7</code>"
    pages = {
        name: shown.in_content(content, SimpleNamespace(file=SimpleNamespace(src_uri=name)))
        for name in ("dropout/problems.md", "de/dropout/problems.md")
    }
    assert list(pages.values()) == [content, content.replace("<mn>0.7", "<mn>0,7")]


ENGLISH = """---
title: A page
description: A page of few words.
---

# A page

## Why

The mean is 2.<!--proof def 2 #123456-->
See [the rate](rate.md) and [papers](../reference/papers.md#he-2015).

- **Once.** It is.

```python
print("The mean is 2.")
```
"""
OWN = """A page
= Eine Seite

A page of few words.
= Eine Seite aus wenigen Worten.

The mean is 2.
= Der Mittelwert ist 2.

See [the rate](rate.md) and [papers](../reference/papers.md#he-2015).
= Siehe [die Rate](rate.md) und [Arbeiten](../reference/papers.md#he-2015).

**Once.**
= **Einmal.**

It is.
= Es ist.

Why
= Warum
"""


@pytest.fixture
def made(tmp_path):
    def assembled(english=ENGLISH, own=OWN):
        path = tmp_path / "a.txt"
        path.write_text(own, "utf-8")
        pairs = languages.pairs(path)
        return languages.assembled(GERMAN, "dropout/a.md", english, pairs, [], {"dropout/rate.md"})

    return assembled


def test_a_page_is_the_english_one_with_other_sentences(made):
    page = made()
    assert page.missing == () and page.unused == ()
    assert "\n# Eine Seite {#a-page}\n" in page.text
    assert "\n## Warum {#why}\n" in page.text
    assert "Der Mittelwert ist 2.<!--proof def 2 #123456-->\nSiehe [die Rate](rate.md)" in page.text
    assert "[Arbeiten](../../reference/papers.md#he-2015)" in page.text
    assert "- **Einmal.** Es ist." in page.text
    assert '```python\nprint("The mean is 2.")\n```' in page.text
    assert "title: Eine Seite\n" in page.text and "lang: de\n" in page.text
    assert "[Englischen](../../dropout/a.md)" in page.text


def test_a_sentence_that_was_changed_stands_in_english_and_is_named(made):
    page = made(ENGLISH.replace("The mean is 2.<", "The mean stays 2.<"))
    assert page.missing == ("The mean stays 2.",)
    assert [pair.english for pair in page.unused] == ["The mean is 2."]
    assert "\nThe mean stays 2.<!--proof" in page.text


@pytest.mark.parametrize(
    "own", [OWN + "\nAlone.\n", OWN + "\nWhy\n= Weshalb\n"], ids=["no translation", "two"]
)
def test_a_file_that_is_no_list_of_pairs_is_refused(made, own):
    with pytest.raises(ValueError, match=r"a\.txt:\d+: "):
        made(own=own)


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """The repository's translations, in a copy that may be changed."""
    for path in languages.FOLDER.rglob("*.*"):
        copy = tmp_path / path.relative_to(languages.FOLDER)
        copy.parent.mkdir(parents=True, exist_ok=True)
        copy.write_text(path.read_text("utf-8"), "utf-8")
    monkeypatch.setattr(languages, "FOLDER", tmp_path)
    return tmp_path


def plant(folder, old, new):
    path = folder / "de/dropout/signal.txt"
    text = path.read_text("utf-8")
    assert text.count(old) == 1
    path.write_text(text.replace(old, new), "utf-8")


def test_a_wrong_number_in_a_translation_ends_the_build(folder):
    checked.compare_translations()
    plant(folder, "bei jeder Rate 2.", "bei jeder Rate 3.")
    with pytest.raises(PluginError, match="1 things"):
        checked.compare_translations()


def test_the_build_names_what_is_not_translated_any_more(folder, caplog):
    plant(folder, "The mean stays at 2 for every rate.", "The mean stayed at 2 for every rate.")
    with caplog.at_level("INFO", logger="mkdocs.plugins"):
        checked.compare_translations()
    assert "changed since: The mean stays at 2 for every rate." in caplog.text


def test_a_translation_waits_for_what_its_english_page_waits_for(root, monkeypatch):
    page = SimpleNamespace(file=SimpleNamespace(abs_src_path=None, src_uri="de/dropout/signal.md"))
    assert checked.in_markdown("# A\n", page) == "# A\n"
    monkeypatch.setattr(later.queue, "waiting", {str(root / "docs/dropout/signal.md")})
    assert "Not computed yet" in checked.in_markdown("# A\n", page)


ASKS = """<!--predict
id: mean
ask: What is left of 2?
number:
  low: 0
  high: 10
  answer: mean
  near: 0.5
  unit: of it
replies:
  right: {reply: "It is {mean:.1f}, more is not.", because: mean > 1}
  above: {reply: "It is {mean:.1f}.", because: mean > 1}
  below: {reply: "It is {mean:.1f}.", because: mean > 1}
result: "{mean:.1f}"
-->

```python
mean = 2.5
print(mean)
```
"""
ASKED = """
What is left of 2?
= Was bleibt von 2?

of it
= davon

It is {mean:.1f}, more is not.
= Es ist {mean:.1f}, mehr nicht.

It is {mean:.1f}.
= Es sind {mean:.1f}.
"""


def test_the_texts_of_a_prediction_are_pairs_and_a_missing_one_is_named(made):
    assert made(ENGLISH + "\n" + ASKS, OWN + ASKED).missing == ()
    page = made(ENGLISH + "\n" + ASKS, OWN + ASKED.replace("of it\n=", "of them\n="))
    assert page.missing == ("of it",)
    assert [pair.english for pair in page.unused] == ["of them"]


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("mean:.1f", "mean:.2f"),
        ("{mean:.1f}", "{rate:.1f}"),
        ("{mean:.1f}", "2,5"),
        ("mehr nicht", "weniger nicht"),
        ("mehr nicht", "mehr"),
    ],
)
def test_what_a_prediction_computes_and_compares_is_the_same_in_both(old, new):
    english, theirs = "It is {mean:.1f}, more is not.", "Es ist {mean:.1f}, mehr nicht."
    assert not disagreement(GERMAN, Pair(english, theirs, 1))
    assert disagreement(GERMAN, Pair(english, theirs.replace(old, new), 1))


def test_a_translated_prediction_is_answered_by_the_english_page(monkeypatch):
    theirs = dict(one.split("\n= ") for one in ASKED.strip().split("\n\n"))
    monkeypatch.setattr(languages, "said", lambda code, _: str if code == "en" else theirs.get)
    page = proofs.page_of(ASKS, [blocks.given(fence.code) for fence in fences.python(ASKS)])
    [here], [there] = (predictions.of_page(ASKS, page, code, "a.md") for code in ("en", "de"))
    assert (here.ask, there.ask) == ("What is left of 2?", "Was bleibt von 2?")
    assert (here.result, there.result) == ("2.5", "2,5")
    assert there.answers[0].reply == "Es ist 2,5, mehr nicht."
    assert here.data | {"unit": "davon"} == there.data
    assert [one.rests for one in here.answers] == [one.rests for one in there.answers]
    fold = predict.fold(there, GERMAN, "a/")
    assert "Eine Zahl von 0 bis 10 davon." in fold and 'data-home="a/"' in fold
    assert "A number" not in fold and "data-home" not in predict.fold(here)


def test_a_text_without_its_translation_is_asked_in_english(folder):
    english = "zeros and twos"
    assert languages.said("de", "dropout/index.md")(english) == "Nullen und Zweien"
    path = folder / "de/dropout/index.txt"
    path.write_text(path.read_text("utf-8").replace(english, "zeros and threes"), "utf-8")
    assert languages.said("de", "dropout/index.md")(english) == english


def test_a_row_of_numbers_is_parted_where_the_comma_is_within_them():
    assert GERMAN.number("0.2, 0.5, −1 and 6 × 10⁻⁸") == "0,2; 0,5; −1 and 6 × 10⁻⁸"
    assert languages.ENGLISH.number("0.2, 0.5") == "0.2, 0.5"


def asked_for(root):
    """What the form of a prediction says, by the scripts and by what makes the fold."""
    scripts = [root / "docs/assets/predict.js", *root.glob("docs/assets/predict/*.js")]
    text = "".join(path.read_text("utf-8") for path in scripts)
    found = set(re.findall(r'\bsay\(\s*"([^"]+)"', text))
    for name in ("SURE", "PARTS", "MANY"):
        [words] = re.findall(rf"const {name} = [\[{{](.*?)[\]}}];", text, re.DOTALL)
        found |= set(filter(None, re.findall(r'"([^"]*)"', words)))
    sides = chain.from_iterable(one.values() for one in predict.SAID.values())
    return found | {predict.LEAD, predict.CAME, predict.NUMBER, predict.CURVE, *sides}


@pytest.mark.parametrize("language", languages.known().values(), ids=languages.known())
def test_all_that_a_form_says_is_said_in_each_language(language, root):
    assert set(language.says) == asked_for(root)
    holes = [[sorted(re.findall(r"{\w+}", one)) for one in pair] for pair in language.says.items()]
    assert [pair for pair in holes if pair[0] != pair[1]] == []


@pytest.mark.parametrize("language", languages.known().values(), ids=languages.known())
def test_all_that_a_sheet_says_is_said_in_each_language(language):
    own = {sheets.LINKS, sheets.HOW, sheets.CHECK, sheets.LATEST}
    assert set(language.sheet) == own | {downloads.OPEN, downloads.UPLOAD}
    said = [disagreement(language, Pair(*one, 1)) for one in language.sheet.items()]
    assert set(said) == {""}


def unsaid(script):
    """Texts of a script that are words to a reader, and not asked of ``say``."""
    code = re.sub(r"/\*.*?\*/|//[^\n]*", "", script, flags=re.DOTALL)
    texts = re.findall(r'(\bsay\(\s*)?"([^"\n]*)"', code)
    words = re.compile(r"[A-Z][a-z]+\b|[a-z]+( [a-z]+)+$")
    return [text for said, text in texts if not said and words.match(text)]


def test_no_text_of_a_form_goes_past_the_translation(root):
    scripts = [root / f"docs/assets/{name}.js" for name in ("predict", "predict/curve")]
    assert [unsaid(path.read_text("utf-8")) for path in scripts] == [[], []]
    for path, text in zip(scripts, ["Try again", "your curve"], strict=True):
        code = path.read_text("utf-8")
        assert unsaid(code.replace(f'say("{text}")', f'"{text}"')) != []


def test_what_a_translation_costs_is_told_as_it_is(root):
    files = list(languages.FOLDER.glob("de/**/*.txt"))
    pairs = [pair for path in files for pair in languages.pairs(path)]
    words = sum(len(pair.english.split()) for pair in pairs)
    told = f"{len(pairs)} pairs, {words:,} English words"
    assert told in (root / "CONTRIBUTING.md").read_text("utf-8")
