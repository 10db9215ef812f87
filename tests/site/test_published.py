"""What the built site says of itself to search engines, previews and readers who take it away."""

import hashlib
import io
import json
import re
import struct
from pathlib import Path

import jupytext
import nbformat
import pypdf
import pytest
from bs4 import BeautifulSoup

from livegrad_site.show import provenance

REQUIRED = {
    "@context",
    "@type",
    "name",
    "description",
    "url",
    "image",
    "inLanguage",
    "isAccessibleForFree",
    "license",
    "version",
}
TAGS = ["og:title", "og:description", "og:url", "og:image", "og:image:alt", "og:type"]


@pytest.fixture(scope="module")
def texts(site, pages):
    return {page: (site / page / "index.html").read_text("utf-8") for page in pages}


def wrong(text, home, page, site):
    """What is missing or false in the head of a page of the site at the address home."""
    soup = BeautifulSoup(text, "html.parser")
    found = []
    blocks = [tag.string for tag in soup.select('head script[type="application/ld+json"]')]
    try:
        (data,) = map(json.loads, blocks)
    except ValueError:
        return [f"{len(blocks)} blocks of structured data, or not JSON"]
    found += sorted(REQUIRED - {key for key, value in data.items() if value not in ("", None)})
    kind = data.get("@type")
    if kind != ("LearningResource" if page else "Course"):
        found.append(f"is a {kind}")
    if kind == "LearningResource" and data.get("isPartOf", {}).get("@type") != "Course":
        found.append("is part of no course")
    said = {
        tag.get("property") or tag.get("name"): tag["content"]
        for tag in soup.select("meta[content]")
    }
    found += [name for name in TAGS if not said.get(name)]
    if said.get("twitter:card") != "summary_large_image":
        found.append("twitter:card")
    canonical = [tag["href"] for tag in soup.select('link[rel="canonical"]')]
    for name, value in {
        "canonical": canonical,
        "url": [data.get("url")],
        "og:url": [said.get("og:url")],
    }.items():
        if value != [home + page]:
            found.append(f"{name} is {value}")
    if said.get("og:description") != said.get("description") or len(said["description"]) < 20:
        found.append("description")
    image = said.get("og:image", "").removeprefix(home)
    if not (site / image).is_file():
        found.append(f"no picture {image}")
    return found


def test_each_page_says_what_it_is(texts, site, address):
    found = {page: wrong(text, address, page, site) for page, text in texts.items()}
    assert {page: said for page, said in found.items() if said} == {}


@pytest.mark.parametrize(
    ("fault", "instead", "caught"),
    [
        ('"@type": "LearningResource"', '"@type": "Thing"', "is a Thing"),
        ('"license": "https', '"licence": "https', "license"),
        ('{"@context"', '{@context"', "1 blocks of structured data, or not JSON"),
        ('type="application/ld+json"', 'type="text/x"', "0 blocks"),
        ('"isPartOf": {"@type": "Course"', '"isPartOf": {"@type": "Book"', "is part of no course"),
        ('<meta property="og:title"', '<meta property="og:titel"', "og:title"),
        ("summary_large_image", "summary", "twitter:card"),
        ("assets/social.png", "assets/gone.png", "no picture assets/gone.png"),
        ('rel="canonical" href="', 'rel="canonical" href="x', "canonical is"),
        (
            'property="og:description" content="',
            'property="og:description" content="x',
            "description",
        ),
    ],
)
def test_what_a_page_leaves_out_or_gets_wrong_is_caught(
    texts, site, address, fault, instead, caught
):
    page = "gradients/vanishing/"
    assert fault in texts[page]
    found = wrong(texts[page].replace(fault, instead), address, page, site)
    assert any(said.startswith(caught) for said in found), found


def test_titles_and_descriptions_are_each_page_s_own(texts):
    for pattern in (r"<title>(.*?)</title>", r'<meta name="description" content="(.*?)"'):
        # "Dropout" is the same word in two languages.
        both = re.compile(rf'<html lang="(\w+)".*?{pattern}', re.DOTALL)
        said = [both.search(text).groups() for text in texts.values()]
        assert sorted({one for one in said if said.count(one) > 1}) == []


def test_the_picture_is_1200_by_630_and_colourful(site):
    picture = (site / "assets" / "social.png").read_bytes()
    assert picture.startswith(b"\x89PNG\r\n\x1a\n")
    assert struct.unpack(">II", picture[16:24]) == (1200, 630)
    assert len(picture) < 300_000  # what some hosts refuse to show
    from matplotlib import image

    pixels = image.imread(io.BytesIO(picture))
    assert len({tuple(pixel) for pixel in pixels[::7, ::7].reshape(-1, pixels.shape[-1])}) > 20


def test_the_sitemap_has_each_page_at_its_canonical_address(site, texts, address):
    listed = re.findall(r"<loc>(.*?)</loc>", (site / "sitemap.xml").read_text("utf-8"))
    assert sorted(listed) == sorted(address + page for page in texts)


def test_each_page_names_what_it_was_built_from(texts, source):
    line = provenance.line(source)
    for page, text in texts.items():
        assert f'<span class="lg-verified">{line}</span>' in text, page


def notebooks(site):
    found = sorted((site / "downloads").glob("*.ipynb"))
    return [path for path in found if "-problems" not in path.stem]


def test_each_page_of_problems_offers_its_sheet_and_its_teacher_s_copy(site, texts, root):
    offered = []
    addresses = {f"{path.parent.name}/problems/" for path in (root / "docs").glob("*/problems.md")}
    addresses |= {page for page in texts if page.endswith("/problems/")}
    for address in addresses:
        page = BeautifulSoup(texts[address], "html.parser")
        for link in page.select("article a[download]"):
            file = (site / address / link["href"]).resolve()
            made = nbformat.read(file, as_version=4)
            nbformat.validate(made)
            # Each page has its own: the sheet begins with the page's title.
            title = page.select_one("h1").get_text().removesuffix("¶").strip()
            assert made.cells[1].source.startswith(f"# {title}\n"), file
            offered.append(file)
    there = {path.resolve() for path in (site / "downloads").glob("*-problems*.ipynb")}
    assert len(offered) == len(there) == 2 * len(addresses) == 18 and set(offered) == there


def test_each_notebook_can_be_taken_away(site, texts, root):
    sources = sorted((root / "docs" / "experiments").glob("*.py"))
    assert [path.stem for path in notebooks(site)] == [path.stem for path in sources]
    for source, path in zip(sources, notebooks(site), strict=True):
        notebook = nbformat.read(path, as_version=4)
        nbformat.validate(notebook)
        taken = path.with_suffix(".py").read_text("utf-8")
        assert taken == source.read_text("utf-8")
        cells = [cell.source for cell in notebook.cells if cell.cell_type == "code"]
        plain = jupytext.reads(taken, fmt="py:percent")
        assert cells[1:] == [cell.source for cell in plain.cells if cell.cell_type == "code"]
        outputs = [out for cell in notebook.cells for out in cell.get("outputs", [])]
        assert any("text/html" in out.get("data", {}) for out in outputs)
        page = BeautifulSoup(texts[f"experiments/{path.stem}/"], "html.parser")
        links = {link["href"] for link in page.select("article a[download]")}
        assert links == {f"../../downloads/{path.stem}.{kind}" for kind in ("ipynb", "py")}


def test_a_download_arrives_as_a_file(open_page, site):
    page = open_page("experiments/vanishing/")
    with page.expect_download() as started:
        page.locator("article a[download]").first.click()
    arrived = Path(started.value.path()).read_bytes()
    published = (site / "downloads" / "vanishing.ipynb").read_bytes()
    assert hashlib.sha256(arrived).digest() == hashlib.sha256(published).digest()
    assert started.value.suggested_filename == "vanishing.ipynb"
    assert page.complaints == []


def test_the_cheat_sheet_is_printed_on_one_side_of_a4(open_page, texts):
    printing = open_page("reference/cheat-sheet/").pdf(prefer_css_page_size=True)
    (side,) = pypdf.PdfReader(io.BytesIO(printing)).pages
    assert [round(float(length)) for length in side.mediabox[2:]] == [595, 842]
    page = BeautifulSoup(texts["reference/cheat-sheet/"], "html.parser")
    printed = "".join(side.extract_text().split())
    for table in page.select("article table"):
        for code in table.select("td code"):
            assert "".join(code.get_text().split()) in printed, code
