"""The footer names the commit and the versions that ran, and nothing that a rebuild changes."""

import subprocess
import types
from importlib.metadata import version

import pytest

from livegrad_site.show import provenance

MIDNIGHT = "2020-02-03T23:30:00-05:00"
DAY = {"GIT_AUTHOR_DATE": MIDNIGHT, "GIT_COMMITTER_DATE": MIDNIGHT}
ME = {f"GIT_{who}_{what}": "x" for who in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")}


@pytest.fixture
def repository(tmp_path, monkeypatch):
    """A repository of one commit, made at midnight somewhere."""
    monkeypatch.delenv("SOURCE_COMMIT", raising=False)
    for name, value in (DAY | ME).items():
        monkeypatch.setenv(name, value)
    (tmp_path / "a").write_text("1")
    for command in (["init", "-q"], ["add", "a"], ["commit", "-qm", "a"]):
        subprocess.run(["git", *command], cwd=tmp_path, check=True)
    return tmp_path


def head(repository):
    said = ["git", "rev-parse", "HEAD"]
    return subprocess.run(said, cwd=repository, capture_output=True, text=True).stdout[:7]


@pytest.mark.parametrize("zone", ["UTC", "Asia/Tokyo"])
def test_the_commit_and_its_own_day_are_named(repository, monkeypatch, zone):
    monkeypatch.setenv("TZ", zone)
    assert provenance.commit(repository) == f"{head(repository)} of 2020-02-03"


def test_an_edited_tree_is_not_passed_off_as_the_commit(repository):
    (repository / "a").write_text("2")
    assert provenance.commit(repository) == f"{head(repository)} of 2020-02-03, edited since"


def test_the_environment_comes_first(repository, monkeypatch):
    monkeypatch.setenv("SOURCE_COMMIT", "abc")
    assert provenance.commit(repository) == "abc"


def test_a_tree_that_is_no_repository_names_the_version(tmp_path, monkeypatch):
    monkeypatch.delenv("SOURCE_COMMIT", raising=False)
    assert provenance.commit(tmp_path) == ""
    (tmp_path / ".git").write_text("gitdir: nowhere")
    assert provenance.commit(tmp_path) == ""
    assert f"livegrad {version('livegrad')}," in provenance.line("")


def test_the_line_stands_in_the_footer_with_the_versions_that_ran(monkeypatch):
    monkeypatch.setenv("SOURCE_COMMIT", "0123456 of 2026-01-02")
    config = types.SimpleNamespace(copyright="CC BY.")
    provenance.configure(config)
    assert config.copyright.startswith("CC BY.")
    assert "commit 0123456 of 2026-01-02" in config.copyright
    for name, package in {"NumPy": "numpy", "TensorFlow": "tensorflow", "Keras": "keras"}.items():
        assert f"{name} {version(package)}" in config.copyright
