"""HTML goes through the tree and comes out as it was."""

import pytest

from livegrad_site.show import tree


@pytest.mark.parametrize(
    "text",
    [
        "<p>One <b>two</b> three.</p><p>é &amp; &lt;x&gt;</p>",
        '<svg viewBox="0 0 1 1"><clipPath id="a"></clipPath><use xlink:href="#a"></use></svg>',
        '<p title="a &gt; b">x<br>y</p>',
    ],
)
def test_what_is_read_is_what_is_written(text):
    assert tree.inside(tree.parsed(text)) == text


def test_bare_attributes_comments_and_named_characters_are_mended():
    made = tree.inside(tree.parsed("<input disabled value=3 title='a'><!-- no -->&para; &copy b"))
    assert made == '<input disabled="" value="3" title="a">¶ &amp;copy b'


def test_an_element_that_is_not_closed_is_an_error():
    with pytest.raises(tree.expat.ExpatError):
        tree.parsed("<p><b>x</p>")


def test_what_is_taken_out_leaves_its_text_if_asked_and_what_follows_always():
    root = tree.parsed('<p>a <i class="x">b <b>c</b> d</i> e <u class="y">f</u> g</p>')
    tree.drop(root, tree.has("x"), keep_content=True)
    tree.drop(root, tree.has("y"))
    assert tree.inside(root) == "<p>a b <b>c</b> d e  g</p>"


def test_xml_closes_what_html_leaves_open():
    assert tree.written(tree.parsed("<p>a<br>b</p>")[0], "xml") == "<p>a<br />b</p>"
