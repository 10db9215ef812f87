"""A page becomes a chapter: folds open, the first tab stays, explorers say where they are alive."""

import io
import xml.etree.ElementTree as ET

import pypdf
import pytest

from livegrad_site.bind import chapters, epub, packed, paper
from livegrad_site.run import cache
from livegrad_site.show import downloads, tree

ARTICLE = """
<link rel="canonical" href="https://e.org/x/"><span class="lg-verified">Last: 2026-01-02.</span>
<article class="md-content__inner md-typeset"><p class="lg-place">3 of 63</p>
<h1 id="t">One<a class="headerlink" href="#t">&para;</a></h1>
<p><span class="lg-proof-word">Text<button class="lg-proof"></button></span>
<a href="../two/#deep">two</a>
<a href="../gone/file.py">file</a> <a href="#t">here</a></p>
<div class="tabbed-set"><input type="radio"><div class="tabbed-labels"><label>NumPy</label>
<label>Keras</label><label>PyTorch</label></div><div class="tabbed-content">
<div class="tabbed-block"><div class="highlight"><pre id="b1">numpy</pre></div></div>
<div class="tabbed-block"><div class="highlight"><pre id="b2">keras</pre></div>
<div class="language-text">7</div></div>
<div class="tabbed-block"><div class="highlight"><pre id="b3">torch</pre></div></div></div></div>
<details><summary>Solution</summary><p>Open.</p></details>
<div class="lg-explorer" id="explorer-x" data-explorer="x"><figure class="lg-figure">
<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 1 1" fill="var(--lg-c1,#0072b2)"></svg>
</figure></div><p><span class="p">(</span><span class="k">for</span></p>
<math display="block"><mi>x</mi></math></article>
"""


@pytest.fixture
def book(tmp_path):
    for name, text in {"": ARTICLE, "one/": ARTICLE, "two/": ARTICLE.replace("One", "Two")}.items():
        (tmp_path / name).mkdir(exist_ok=True)
        (tmp_path / name / "index.html").write_text(text, encoding="utf-8")
    config = tmp_path / "mkdocs.yml"
    config.write_text("nav: [Home: index.md, Part: [one.md, Second: two.md]]")
    return chapters.read(tmp_path, config)


def test_the_order_and_the_depths_are_the_navigation_s(book):
    said = [(one.url, one.title, one.depth) for one in book.chapters]
    last = ("keras-and-pytorch/", chapters.APPENDIX, 1)
    assert said == [("", "One", 1), ("one/", "Part", 1), ("two/", "Second", 2), last]
    assert (book.site, book.day) == ("https://e.org/x/", "2026-01-02")


def test_a_section_in_a_section_is_deeper():
    nav = ["a.md", {"P": ["p/index.md", {"Q": ["q/index.md", {"R": "q/r.md"}]}]}]
    assert list(chapters.listed(nav)) == [
        ("", "a.md", 1),
        ("P", "p/index.md", 1),
        ("Q", "q/index.md", 2),
        ("R", "q/r.md", 3),
    ]


def test_what_only_a_screen_can_do_is_gone_or_done(book):
    text = tree.written(book.chapters[1].body)
    assert not any(
        word in text for word in ("lg-proof", "button", "3 of 63", "¶", "<details", "data-")
    )
    assert '<p class="fold-title">Solution</p>' in text and "Open." in text
    assert "numpy" in text and "keras</pre>" not in text
    assert 'href="https://e.org/x/one/#explorer-x"' in text
    assert 'viewBox="0 0 1 1" fill="#0072b2"' in text and 'display="block"' in text
    assert '(<span class="k">for</span>' in text


def test_the_appendix_has_the_other_tabs_without_what_they_print(book):
    text = tree.written(book.chapters[-1].body)
    assert text.count("keras</pre>") == text.count("torch</pre>") == 3
    assert ">7<" not in text and 'id="b2"' not in text
    assert 'id="one"' in text and 'href="/one/"' in text


def test_links_lead_to_chapters_and_to_the_web(book):
    electronic = epub.chapter(book, book.chapters[1])
    assert 'href="two.xhtml#deep"' in electronic and 'href="one.xhtml#t"' in electronic
    assert 'href="https://e.org/x/gone/file.py"' in electronic
    assert 'href="keras-and-pytorch.xhtml#one"' in electronic
    printed = paper.chapter(book, book.chapters[2])
    assert 'href="#two--deep"' in printed and '<h2 id="two--t">' in printed


def test_each_document_is_xml_and_says_what_is_in_it(book):
    assert ET.fromstring(epub.chapter(book, book.chapters[1]).encode()) is not None
    menu = epub.contents(book)
    assert ET.fromstring(menu.encode()) is not None and menu.count("<ol>") == menu.count("</ol>")
    said = epub.package(book, "T", "A.", {"a.xhtml": "<svg><math>", "contents.xhtml": ""})
    assert 'properties="svg mathml"' in said and 'properties="nav"' in said


def test_a_file_of_objects_together_is_read_as_it_was_written():
    writer = pypdf.PdfWriter()
    for _ in range(3):
        writer.add_blank_page(100, 200)
    writer.add_outline_item(title="Here", page_number=2)
    writer.metadata = {"/Title": "T"}
    made = packed.written(writer, "same")
    reader = pypdf.PdfReader(io.BytesIO(made), strict=True)
    assert len(reader.pages) == 3 and reader.metadata["/Title"] == "T"
    assert reader.get_destination_page_number(reader.outline[0]) == 2
    assert made == packed.written(writer, "same")


class Page:
    url = "reference/"


def test_only_a_published_version_leads_to_the_book(monkeypatch):
    monkeypatch.delenv("MIKE_DOCS_VERSION", raising=False)
    assert "href" not in downloads.book(Page)
    monkeypatch.setenv("MIKE_DOCS_VERSION", "dev")
    assert '<a href="../downloads/livegrad.pdf" download>PDF</a>' in downloads.book(Page)


def test_what_the_tests_made_is_what_ci_publishes():
    said = (cache.ROOT / ".ci" / "run").read_text("utf-8")
    names = " ".join(f".cache/book/{name}" for name in downloads.BOOK.values())
    assert f"\ncp {names} site/{downloads.FOLDER}/\n" in said
