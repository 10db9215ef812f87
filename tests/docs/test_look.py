"""What is behind the look: the content policy, terms of the glossary, what the search finds."""

import base64
import hashlib
import re
import types

import pytest
from mkdocs.exceptions import PluginError

from livegrad_site.show import findable, glossary, lessons, light, markup, policy

HEAD = '<head><meta charset="utf-8"></head>'


def test_a_figure_s_styles_become_attributes():
    svg = '<svg style="max-width:605px;font-family:serif"><path style="fill: none;stroke:red"/>'
    made = '<svg width="605" font-family="serif"><path fill="none" stroke="red"/>'
    assert policy.unstyled(svg) == made


@pytest.mark.parametrize("tag", ['<p style="color:red">', '<svg style="display:none">'])
def test_a_style_that_the_policy_would_drop_fails_the_build(tag):
    with pytest.raises(PluginError, match="forbids"):
        policy.unstyled(tag)


def test_the_policy_names_each_script_of_the_page_and_no_other():
    code = "let a = 1 < 2;"
    page = f'{HEAD}<script>{code}</script><script src="a.js"></script>'
    page += '<script type="application/ld+json">{}</script>'
    digest = base64.b64encode(hashlib.sha256(code.encode()).digest()).decode()
    assert policy.hashes(page) == [digest]
    said = policy.policy(page, assembly=policy.compiles())
    assert f"script-src 'self' 'sha256-{digest}'" in said
    assert f'content="{said}"' in policy.guarded(page)


def test_only_a_site_with_web_assembly_may_compile_it():
    assert "wasm" not in policy.policy(HEAD, assembly=False)
    assert "script-src 'self' 'wasm-unsafe-eval';" in policy.policy(HEAD, assembly=True)


def test_a_page_without_a_place_for_the_policy_fails_the_build():
    with pytest.raises(PluginError, match="place"):
        policy.guarded("<head></head>")


GLOSSARY = """
**Dead unit** {#dead-unit}
:   A unit whose slope is 0. See [ReLU](../activations/relu.md).

**Unit** {#unit}
:   One column, $\\varphi$ of it.
    See [Fans](../initializers/fans.md).
"""


def test_the_glossary_is_read_as_it_stands():
    dead, unit = glossary.parse(GLOSSARY)
    assert (dead.name, dead.id, dead.meaning) == (
        "Dead unit",
        "dead-unit",
        "A unit whose slope is 0.",
    )
    assert dead.taught == {"activations/relu"}
    assert unit.meaning == "One column, φ of it."


def test_each_term_of_the_site_s_glossary_has_a_meaning():
    assert len(glossary.terms()) > 50
    assert min(len(term.meaning) for term in glossary.terms()) > 20


def test_markup_that_a_tooltip_cannot_show_fails_the_build():
    with pytest.raises(PluginError, match="tooltip"):
        glossary.plain(r"The sum $\sum_i x_i$.")


def names(content):
    made = glossary.linked(content, glossary.parse(GLOSSARY), "g/")
    return [part.split("<")[0].split(">")[1] for part in made.split('class="lg-term"')[1:]]


def test_a_term_is_linked_once_a_section_and_the_longest_wins():
    assert names("<p>Units and dead units, a unit.</p>") == ["Units", "dead units"]
    assert names("<p>A unit.</p><h2>Unit</h2><p>A unit.</p>") == ["unit", "unit"]


@pytest.mark.parametrize("name", ["a", "code", "h2", "pre", "math", "svg", "summary", "table"])
def test_a_term_in_code_headings_and_links_is_left_alone(name):
    assert names(f"<li><{name}>a unit</{name}></li>") == []


@pytest.mark.parametrize("text", ["community", "multi-unit", "unitary"])
def test_a_part_of_a_word_is_no_term(text):
    assert names(f"<p>{text}</p>") == []


def test_states_of_the_search_are_told_apart_and_only_the_last_word_is_a_beginning():
    script = f"r=1;{findable._ALIKE}return e{findable._ALL_BEGIN}"
    mended = findable.mend(script)
    assert mended == f"r=1;{findable._APART}return e{findable._LAST_BEGINS}"
    assert mended == findable.mend(mended)
    for lost in (findable._ALIKE, findable._ALL_BEGIN):
        with pytest.raises(ValueError, match="once, got 0 times"):
            findable.mend(script.replace(lost, ""))


def test_each_message_has_an_anchor_of_its_own():
    block = "<pre><span></span><code>ValueError: x must be 1\nTypeError: x must be 1\n</code></pre>"
    page = f'<h2 id="a">Net<a class="headerlink"></a></h2>\n{block}'
    content, entries = findable.messages(page, "e/")
    assert [entry["location"] for entry in entries] == ["e/#x-must-be-1", "e/#x-must-be-1-2"]
    assert entries[0]["text"] == "ValueError: Net" and entries[0]["tags"] == ["x must be 1"]
    assert content.count("<span id=") == 2 and content.endswith("</code></pre>")


def test_each_row_that_explains_a_code_has_an_anchor():
    row = "<tr>\n<td><code>dead-units</code></td>\n<td>silent</td>\n</tr>"
    content, entries = findable.codes(row, "d/")
    assert content.startswith('<tr id="code-dead-units">')
    assert entries[0]["location"] == "d/#code-dead-units"


def test_the_topics_of_the_path_are_those_of_the_navigation(root):
    text = (root / "mkdocs.yml").read_text("utf-8")
    assert all(f"  - {topic}:\n" in text for topic in lessons.FACTORS)


def test_code_has_an_element_for_each_change_of_colour_and_no_other():
    words = '<span class="n">x</span><span class="w"> </span><span class="o">=</span> '
    signs = '<span class="p">(</span><span class="mi">1</span><span class="p">)</span>\n'
    thin = 'x <span class="o">= (</span><span class="mi">1</span><span class="p">)</span>\n'
    assert light.thinned(words + signs) == thin
    link = '<span class="n"><a href="#x">x</a></span>'
    assert light.thinned(link) == link


def test_a_block_says_how_many_lines_it_has():
    page = '<pre id="a"><span></span><code>x\n\ny\n</code></pre>'
    page += "<pre><span></span><code>z</code></pre>"
    assert re.findall(r'data-lg-lines="(.)"', light.counted(page)) == ["3", "1"]


def test_a_block_knows_that_its_output_follows():
    block, output = (
        f'<div class="language-{name} highlight"><pre><span></span><code>x</code></pre></div>\n'
        for name in ("python", "text")
    )
    marked = block.replace('highlight"', 'highlight lg-prints"')
    assert light.joined(block + output) == marked + output
    assert light.joined(block + block + output + output) == block + marked + output + output
    assert light.joined(block + "<p>x</p>" + output) == block + "<p>x</p>" + output


@pytest.mark.parametrize(("repository", "edited"), [("", None), ("https://a.example/", "edit/")])
def test_without_a_repository_there_is_no_edit_link(repository, edited, monkeypatch):
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "0")
    config = types.SimpleNamespace(repo_url=repository, edit_uri="edit/")
    markup.configure(config)
    assert config.edit_uri == edited


def test_a_symptom_is_found_by_what_is_typed():
    page = (
        '<h2 id="a">A<a class="headerlink" href="#a">¶</a></h2>\n'
        "<p>Typed as: loss stays at 0.69; accuracy stuck at 10 %; it&#x27;s nan.</p>"
        '<h2 id="b">B</h2><p>Nothing.</p>'
    )
    said = ["loss stays at 0.69", "accuracy stuck at 10 %", "it's nan"]
    assert findable.typed(page) == {"a": said}
