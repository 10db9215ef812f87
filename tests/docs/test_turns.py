"""What a slow check leaves out now comes in its turn, and nothing is left out before a release."""

import subprocess

import pytest

from livegrad_site.check import turns
from livegrad_site.commands import paste

PAGES = ["", *(f"{at}/" for at in range(40))]


@pytest.fixture
def no_tag(monkeypatch):
    monkeypatch.delenv("GITHUB_REF_TYPE", raising=False)


def test_before_a_release_all_pages_are_taken(monkeypatch):
    monkeypatch.setenv("GITHUB_REF_TYPE", "tag")
    assert turns.taken(PAGES, "a", ()) == PAGES


def test_else_each_page_has_its_turn_and_some_are_always_there(no_tag):
    taken = [turns.taken(PAGES, f"commit {at}", {"", "7/"}) for at in range(60)]
    assert all({"", "7/"} <= set(turn) and 5 < len(turn) < 30 for turn in taken)
    assert set().union(*taken) == set(PAGES)


def test_of_a_few_each_has_its_turn_and_a_release_takes_all(no_tag, monkeypatch):
    assert {tuple(turns.one([1, 2, 3], f"{at:040x}"[::-1])) for at in range(16)} == {
        (1,),
        (2,),
        (3,),
    }
    assert turns.one([1, 2, 3], "0") == [1]
    monkeypatch.setenv("GITHUB_REF_TYPE", "tag")
    assert turns.one([1, 2, 3], "0") == [1, 2, 3]


def test_a_page_s_file_has_an_address():
    names = ["docs/index.md", "docs/dropout/index.md", "docs/dropout/rate.md", "README.md"]
    assert turns.addresses(names) == ["", "dropout/", "dropout/rate/"]
    assert turns.addresses(["docs/experiments/vanishing.py"]) == ["experiments/vanishing/"]
    translated = ["docs/_languages/de/dropout/index.txt", "docs/_languages/de/dropout/rate.txt"]
    assert turns.addresses(translated) == ["de/dropout/", "de/dropout/rate/"]


def test_what_the_last_commit_and_work_since_changed_is_known(tmp_path, monkeypatch):
    for name in ("GITHUB_SHA", "SOURCE_COMMIT"):
        monkeypatch.delenv(name, raising=False)
    assert turns.commit(tmp_path) == "0" and turns.changed(tmp_path) == []
    git = ["git", "-C", str(tmp_path), "-c", "user.name=a", "-c", "user.email=a@example.org"]
    subprocess.run([*git, "init", "-q"], check=True)
    for name in ("one", "two", "three"):
        (tmp_path / name).write_text("a")
        subprocess.run([*git, "add", name], check=True)
        subprocess.run([*git, "commit", "-q", "-m", name], check=True)
    assert turns.changed(tmp_path) == ["three"]
    (tmp_path / "one").write_text("b")
    assert turns.changed(tmp_path) == ["one", "three"]
    assert len(turns.commit(tmp_path)) == 40


def test_pasting_by_turns_takes_the_pages_whose_turn_it_is(monkeypatch):
    pasted = []
    monkeypatch.setattr(paste, "paste", lambda texts, *_: pasted.extend(texts) or [""] * len(texts))
    monkeypatch.setattr(turns, "taken", lambda pages, *_: [p for p in pages if "/dropout/" in p])
    assert paste.main(["--turn"]) == 0
    dropout = [path.read_text("utf-8") for path in (paste.ROOT / "docs/dropout").glob("*.md")]
    assert sorted(pasted) == sorted(dropout)
