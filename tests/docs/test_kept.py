"""What the build keeps is used again, and made anew as soon as what it was made of changes."""

import errno
import json
import os
import shutil
import types
from concurrent.futures import ThreadPoolExecutor

import pytest
from mkdocs.exceptions import PluginError

from livegrad_site.run import cache
from livegrad_site.show import index, trust


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.setattr(cache, "FOLDER", tmp_path)
    return tmp_path


def test_what_is_kept_is_made_once_and_anew_for_other_parts(monkeypatch):
    made = []

    def make():
        made.append(1)
        return b"%d" % len(made)

    assert [cache.kept("a", make, part) for part in "xxyxy"] == [b"1", b"1", b"2", b"1", b"2"]
    assert cache.kept("b", make, "x") == b"3"
    monkeypatch.setattr(cache, "_ground", lambda root, stamped: "edited")
    assert cache.kept("a", make, "x") == b"4"


@pytest.mark.parametrize("damage", [b"", b"\xff\xfe", b"{}", b"0" * 64 + b"\nkept"])
def test_an_entry_that_is_not_as_it_was_stored_is_made_anew(folder, caplog, damage):
    caplog.set_level("INFO")
    assert cache.kept("a", lambda: b"kept") == b"kept"
    (path,) = (folder / "made").iterdir()
    path.write_bytes(damage)
    assert cache.kept("a", lambda: b"kept") == b"kept"
    assert cache.load(path) == b"kept"
    assert "is not as it was stored: it is computed anew" in caplog.text


def test_a_full_disk_ends_in_one_line_and_leaves_nothing(folder, monkeypatch):
    def full(*_):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(cache.os, "replace", full)
    with pytest.raises(PluginError, match=r"^cannot keep .*-a in .*made: No space left on device$"):
        cache.kept("a", lambda: b"kept")
    assert list((folder / "made").iterdir()) == []


def test_two_may_store_the_same_at_once(folder):
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda _: cache.store(folder / "a", b"x" * 10**6), range(64)))
    assert cache.load(folder / "a") == b"x" * 10**6
    assert [path.name for path in folder.iterdir()] == ["a"]


def test_a_folder_that_may_only_be_read_is_left_alone(monkeypatch):
    monkeypatch.delenv("LIVEGRAD_KEPT", raising=False)
    monkeypatch.setattr(cache.os, "access", lambda path, mode: False)
    elsewhere = cache._folder()
    assert cache.ROOT not in elsewhere.parents
    assert cache._folder() == elsewhere, "the processes that it starts keep things there, too"
    shutil.rmtree(elsewhere)


def test_the_file_that_makes_it_is_one_of_the_parts(tmp_path):
    maker = tmp_path / "maker.py"
    seen = set()
    for text in ("1", "2"):
        maker.write_text(f"def make():\n    return b'{text}'\n")
        space = {}
        exec(compile(maker.read_text(), str(maker), "exec"), space)
        seen.add(cache.kept("a", space["make"]))
    assert seen == {b"1", b"2"}


class Index:
    """What the plugin's index does: it parses a page and adds its sections."""

    def __init__(self):
        self.entries = [{"location": "before"}]
        self.parsed = 0

    def add_entry_from_context(self, page):
        self.parsed += 1
        self.entries += [{"location": page.url, "text": word} for word in page.content.split()]


def page(content, url="a/", **meta):
    return types.SimpleNamespace(content=content, url=url, title="A", meta=meta)


def indexed(*pages):
    found = Index()
    plugin = types.SimpleNamespace(search_index=found)
    index.configure(types.SimpleNamespace(plugins={"material/search": plugin}))
    for one in pages:
        found.add_entry_from_context(one)
    return found


def test_a_page_is_indexed_once_and_anew_when_it_changes():
    first = indexed(page("one two"), page("three", "b/"))
    assert first.parsed == 2
    again = indexed(page("one two"), page("three", "b/"))
    assert again.parsed == 0 and again.entries == first.entries
    changed = indexed(page("one too"), page("three", "b/"))
    assert changed.parsed == 1
    assert "too" in json.dumps(changed.entries) and "two" not in json.dumps(changed.entries)
    assert indexed(page("one two", search={"boost": 2})).parsed == 1
    assert indexed(page("one two", "c/")).parsed == 1


def test_the_trust_page_counts_anew_when_a_page_or_a_score_changes(tmp_path, monkeypatch):
    tree = tmp_path / "tree"
    scores = [f"benchmarks/{name}.json" for name in trust.SCORES]
    names = ["README.md", "docs/a.md", "docs/experiments/n.py", *scores]
    for name in names:
        (tree / name).parent.mkdir(parents=True, exist_ok=True)
        (tree / name).write_text("1")
    before = trust.counted(tree)
    assert trust.counted(tree) == before
    for name in names:
        (tree / name).write_text("2")
        assert trust.counted(tree) != before
        (tree / name).write_text("1")
    (tree / "docs" / "b.md").write_text("new")
    assert trust.counted(tree) != before
