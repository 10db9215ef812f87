"""The slides of a lesson are parts of its page, and each part finds what it looks for."""

import pytest

from livegrad_site.show import decks, slides, tree

PAGE = """
<h1 id="t">Title<a class="headerlink" href="#t">&para;</a></h1>
<div class="admonition question"><p class="admonition-title">The question</p>
<p>Why is it <a class="lg-term" href="../g/#so">so</a>?</p></div>
<p>Far before.</p>
<p>Look at it.<button class="lg-proof"></button></p>
<div class="tabbed-set"><input id="a" type="radio" checked><div class="tabbed-content">
<div class="tabbed-block">
<div class="language-python highlight"><pre><code>print(1)</code></pre></div>
<div class="language-text highlight"><pre><code>1</code></pre></div></div>
<div class="tabbed-block">
<div class="language-python highlight"><pre><code>keras</code></pre></div></div>
</div></div>
<h2 id="saw">What you saw</h2>
<p>First. Second.</p>
<h2 id="why">Why: it is a product</h2>
<p>Because:</p>
<div class="lg-math"><math><mi>x</mi></math></div>
<figure class="lg-figure"><svg aria-label="A line"><path id="lg1-0"></path></svg></figure>
<h3 id="try">Try it</h3>
<p>Drag.</p>
<div class="lg-explorer" id="explorer-x" data-explorer="x"><figure></figure>
<details>Python</details></div>
<h2 id="pitfalls">Pitfalls</h2>
<ul><li><strong>Gain.</strong> A factor of a function. More.</li>
<li><p><strong>A rate is no cure at all.</strong> Others.</p><div class="highlight"></div></li>
<li>No bold <em>print</em>. At all.</li></ul>
<h2 id="ex">Exercise</h2><p>Do it.</p><details><summary>Solution</summary></details>
"""


@pytest.fixture
def made():
    return slides.slides(PAGE)


def test_a_lesson_has_its_parts_in_order(made):
    first = ["question", "code", "figure", "conclusion"]
    assert [one.kind for one in made] == [*first, "why", "explorer", "pitfalls", "exercise"]


def test_each_part_shows_what_the_page_says_and_nothing_of_its_furniture(made):
    by = {one.kind: one for one in made}
    assert "¶" not in by["question"].title and "<p>Why is it so?</p>" in by["question"].body
    assert "print(1)" in by["code"].body and "keras" not in by["code"].body
    assert "<p>Look at it.</p>" in by["code"].body and "Far before" in by["question"].notes
    assert by["why"].title == "Why: it is a product" and "<mi>x</mi>" in by["why"].body
    assert by["explorer"].title == "Try it" and "Drag." in by["explorer"].notes
    assert 'id="explorer-x"' in by["explorer"].body and "Python" not in by["explorer"].body
    assert "Solution" not in by["exercise"].body
    assert 'id="lg1-0"' in by["figure"].body


def test_pitfalls_are_short_but_not_names(made):
    short = next(one for one in made if one.kind == "pitfalls")
    items = [tree.words(one) for one in tree.parsed(short.body)[0]]
    assert items == [
        "Gain. A factor of a function. More.",
        "A rate is no cure at all.",
        "No bold print. At all.",
    ]
    assert "Others." in short.notes and "highlight" not in short.notes


def test_what_a_slide_does_not_show_is_in_its_notes():
    paragraph = tree.parsed(f"<p>{'A first one. ' * 4}<em>In it</em> too. {'Last. ' * 90}</p>")[0]
    shown, others = slides.cut(paragraph, 80)
    assert tree.words(shown).endswith("too. Last. Last.") and len(tree.words(shown)) <= 80
    assert f"{tree.words(shown)} {tree.words(others)}" == tree.words(paragraph)


@pytest.mark.parametrize("text", ["See He et al. Then go. On.", "As e.g. This one, it goes. On."])
def test_a_sentence_does_not_end_at_an_abbreviation(text):
    _, others = slides.cut(tree.parsed(f"<p>{text}</p>")[0], 1)
    assert tree.words(others) == "On."


def test_the_conclusion_is_what_stands_first_and_the_rest_is_in_the_notes():
    first, second = "It falls by half. " * 12, "It rises again. " * 12
    block = '<div class="highlight"></div>'
    page = PAGE.replace(
        "<p>First. Second.</p>", f"<p>{first}</p><p>{second}</p>{block}<p>Last.</p>"
    )
    [made] = slides.conclusion(slides.read(page))
    whole = tree.words(tree.parsed(made.body)) + " " + tree.words(tree.parsed(made.notes))
    assert whole == f"{first}{second}Last."
    assert 0 < len(tree.words(tree.parsed(made.body))) <= slides.SHOWN


def test_long_code_has_a_slide_of_its_own_and_long_lines_are_broken():
    page = PAGE.replace("print(1)", "print(1)\n" * 30)
    lesson = slides.read(page)
    assert [one.kind for one in slides.code(lesson)] == ["code", "output"]
    wide = slides.read(PAGE.replace("print(1)", "x" * 200))
    assert [one.kind for one in slides.code(wide)] == ["wide"]


def test_another_part_is_another_function(monkeypatch):
    def prediction(lesson):
        return [slides.Slide("predict", "What will it be?", slides.html(lesson.start[0]))]

    first, *others = slides.PARTS
    lesson = slides.read(PAGE)
    made = [one.kind for part in (first, prediction, *others) for one in part(lesson)]
    assert made[:3] == ["question", "predict", "code"]


def test_links_lead_from_the_slides_to_the_page_or_to_its_slides():
    html = '<a href="../chain/">a</a><a href="../chain/#x">b</a><a href="#y">c</a><a href="https://e.org/">d</a>'
    made = decks.led(
        html, "gradients/vanishing/", "slides/gradients", {"gradients/chain/": "#/chain/1"}
    )
    assert 'href="#/chain/1">a' in made
    assert 'href="#/chain/1">b' in made
    assert 'href="../../gradients/vanishing/#y">c' in made
    assert 'href="https://e.org/">d' in made
