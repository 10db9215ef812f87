"""A translation is of what the English page says now, and says no other number or comparison."""

import re
from types import SimpleNamespace

import pytest
from mkdocs.exceptions import PluginError

from livegrad_site.check import checked
from livegrad_site.read import fences, languages, sentences
from livegrad_site.read.languages import Pair, disagreement, of
from livegrad_site.run import later

GERMAN = languages.known()["de"]
ALL = [(code, name) for code in languages.known() for name in languages.translated(code)]


@pytest.fixture(scope="module", params=ALL, ids="/".join)
def page(request):
    return languages.page(*request.param)


def test_a_topic_is_translated_as_a_whole(root):
    topics = {name.partition("/")[0] for _, name in ALL}
    of_topics = {
        f"{topic}/{path.name}" for topic in topics for path in root.glob(f"docs/{topic}/*.md")
    }
    assert {name for _, name in ALL} == of_topics


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
