import datetime
import pathlib
import re

import pytest

from livegrad_lab import errata
from livegrad_lab.errata import ERRATA, Erratum, _erratum
from livegrad_site.read import sentences

DOCS = pathlib.Path(__file__).resolve().parents[2] / "docs"


def test_the_codes_are_unique():
    assert len({erratum.code for erratum in ERRATA}) == len(ERRATA)


@pytest.mark.parametrize("erratum", ERRATA, ids=lambda erratum: erratum.code)
def test_the_correction_holds(erratum):
    assert len(erratum.check()) > 20
    assert datetime.date.fromisoformat(erratum.since) >= datetime.date(2026, 11, 26)


@pytest.mark.parametrize("erratum", ERRATA, ids=lambda erratum: erratum.code)
def test_its_page_no_longer_says_it(erratum):
    name = erratum.page.partition("#")[0]
    page = DOCS / (name if name.endswith(".py") else name + ".md")
    words = re.sub(r"[^a-z0-9]+", " ", sentences.bare(page.read_text("utf-8")).lower())
    for sentence in re.split(r"[.:] ", erratum.said.rstrip(".")):
        said = re.sub(r"[^a-z0-9]+", " ", sentence.lower()).strip()
        assert len(said.split()) < 8 or said not in words


def test_the_page_lists_every_topic():
    page = (DOCS / "reference" / "errata.md").read_text("utf-8")
    topics = re.findall(r'listing\("(\w+)"\)', page)
    assert sorted(topics) == sorted({erratum.topic for erratum in ERRATA})


def test_a_wrong_correction_cannot_be_listed(monkeypatch):
    wrong = Erratum(
        "x", "gradients/y", "a", "b", "2026-11-26", lambda: _erratum.checked("no", False)
    )
    monkeypatch.setattr(errata, "ERRATA", (wrong,))
    with pytest.raises(ValueError, match="does not hold: no"):
        errata.listing("gradients")


def test_a_list_has_what_was_said_what_is_so_and_what_was_found(monkeypatch):
    own = Erratum("x", "gradients/y#z", "Said.", "Right.", "2026-11-26", lambda: "found 3")
    monkeypatch.setattr(errata, "ERRATA", (own,))
    listed = errata.listing("gradients")
    assert listed.startswith("- On [gradients/y](../gradients/y.md#z), until 2026-11-26:")
    assert "> Said." in listed
    assert "Right." in listed
    assert "found 3." in listed


def test_a_notebook_is_named_with_its_ending(monkeypatch):
    own = Erratum("x", "experiments/y.py", "Said.", "Right.", "2026-11-26", lambda: "found 3")
    monkeypatch.setattr(errata, "ERRATA", (own,))
    listed = errata.listing("experiments")
    assert listed.startswith("- On [experiments/y](../experiments/y.py), until 2026-11-26:")


def test_an_unknown_topic_is_refused():
    with pytest.raises(ValueError, match="topic must be one of"):
        errata.listing("nothing")
