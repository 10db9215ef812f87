"""Each notebook runs, and gives the numbers of its text; the site is built from what it gave."""

import pytest

from livegrad_site.check import census, checked
from livegrad_site.run import notebooks


@pytest.mark.parametrize("path", census.notebook_sources(), ids=lambda path: path.stem)
def test_a_notebook_gives_the_numbers_of_its_text(path, monkeypatch):
    # Under this variable IPython's kernel treats stderr otherwise than in a reader's build.
    monkeypatch.delenv("PYTEST_CURRENT_TEST")
    source = path.read_text("utf-8")
    markdown, figures = notebooks.to_markdown(notebooks.execute(source, path.name))
    assert checked.of_notebook(source, markdown) == []
    assert figures
