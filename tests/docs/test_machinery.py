"""The build's own machinery: what it cannot render it refuses, what changed it computes anew."""

import os
import re
import shutil
import time
import types
import xml.etree.ElementTree as ET

import nbformat
import pytest
from mkdocs.config.defaults import MkDocsConfig
from mkdocs.exceptions import PluginError
from mkdocs.structure.files import File, Files

from livegrad_site.check import stale
from livegrad_site.read import fences
from livegrad_site.run import blocks, cache, machine, notebooks, results
from livegrad_site.show import mathematics

FIGURE = "from livegrad import figures\n\nfigures.activations('relu')\n"


@pytest.mark.parametrize(
    "tex",
    [
        r"\frac{\partial L}{\partial W_1} = \hd{p - y} \prod_l \wt{W_l} \act{\varphi'(z_l)}",
        r"\sqrt{\frac{6}{n_{in} + n_{out}}}",
        r"\begin{cases} z & z > 0 \\ 0 & z < 0 \end{cases}",
        r"\begin{aligned} a &= b \\ &= c \end{aligned}",
        r"\underbrace{0.25}_{\mathrm{slope}}",
        r"a < b",
    ],
)
def test_mathematics_becomes_mathml(tex):
    element = ET.fromstring(mathematics.mathml(tex))
    assert element.tag.endswith("math")


def test_factors_get_their_class():
    assert 'class="lg-act"' in mathematics.mathml(r"\act{\varphi'(z)}")


@pytest.mark.parametrize("tex", [r"\color{orange} a", r"\unknownthing{a}"])
def test_mathematics_that_is_not_understood_fails_the_build(tex):
    with pytest.raises(PluginError, match="not understood"):
        mathematics.mathml(tex)


def test_page_mathematics_is_replaced():
    content = r'<p><span class="arithmatex">\(a &lt; b\)</span></p>'
    content += r'<div class="arithmatex">\[c\]</div>'
    page = mathematics.in_html(content)
    assert page.count("<math") == 2 and "arithmatex" not in page and "\\" not in page


def test_a_figure_takes_the_mark_s_place():
    page = results.expand(f"```python\n{FIGURE}```\n\n<!--livegrad:result-->\n")
    html = results.in_html(page)
    assert "<svg" in html and "<figcaption" in html and 'role="img"' in html


def test_a_table_takes_the_mark_s_place_at_its_indent():
    page = results.expand("```python\n'| a |\\n|---|'\n```\n\n    <!--livegrad:result-->\n")
    assert "\n    | a |\n    |---|\n" in page


@pytest.mark.parametrize(
    ("block", "reason"),
    [
        ("```python\nx = 1\n```\n", "end with an expression"),
        ("```python\n1 / 0\n```\n", "ZeroDivisionError"),
        ("```python\n[1]\n```\n", "must be a Figure or Markdown, not list"),
        ("```text\nx\n```\n", "no python block"),
        ("", "no python block"),
    ],
)
def test_a_result_that_cannot_be_drawn_fails_the_build(block, reason):
    with pytest.raises(ValueError, match=reason):
        results.expand(f"{block}\n<!--livegrad:result-->\n")


@pytest.fixture
def copy(tmp_path):
    """A small tree with a package, makers and a lock, to change without harm."""
    for name in ("__init__", "used", "other"):
        path = tmp_path / "src" / "livegrad" / f"{name}.py"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("x = 1\n")
    for room in ("run", "show"):
        (tmp_path / "src" / "livegrad_site" / room).mkdir(parents=True)
    (tmp_path / "requirements.lock").write_text("a==1\n")
    return tmp_path


USES = "from livegrad import used"


@pytest.mark.parametrize(
    ("change", "counts"),
    [
        ("src/livegrad/used.py", True),
        ("src/livegrad/other.py", False),
        ("requirements.lock", True),
        ("src/livegrad_site/run/results.py", True),
        ("src/livegrad_site/show/social.py", False),
    ],
)
def test_what_counts_changes_the_key(copy, change, counts):
    before = notebooks.kept_as(USES, copy)
    assert notebooks.kept_as(USES, copy) == before
    (copy / change).write_text("changed = 1\n")
    assert (notebooks.kept_as(USES, copy) != before) == counts
    assert notebooks.kept_as("2", copy) != notebooks.kept_as(USES, copy)


@pytest.mark.parametrize(("module", "counts"), [("used", True), ("other", False)])
def test_what_is_kept_of_an_experiment_changes_the_key_of_what_may_ask_for_it(copy, module, counts):
    before = cache.key(code=[USES], root=copy)
    record = copy / "docs" / "_kept" / f"livegrad.{module}.run.json"
    record.parent.mkdir(parents=True)
    record.write_text("[0.25]")
    kept = cache.key(code=[USES], root=copy)
    assert (kept != before) == counts
    record.write_text("[0.5]")
    assert (cache.key(code=[USES], root=copy) != kept) == counts


def test_each_record_stands_under_the_name_of_a_function_that_is_there():
    for path in cache.RECORDS.glob("*.json"):
        homes = cache._homes(path.stem, cache.ROOT)
        assert [home.exists() for home in homes].count(True) == 1, path.stem


def test_a_word_in_a_docstring_changes_no_key(copy):
    before = notebooks.kept_as(USES, copy)
    (copy / "src" / "livegrad" / "used.py").write_text('"""Other words."""\n\nx = 1  # why\n')
    assert notebooks.kept_as(USES, copy) == before


def test_a_notebook_runs_and_is_kept(copy):
    source = "# %% [markdown]\n# # Title\n\n# %%\nprint(6 * 7)\n"
    text, _ = notebooks.to_markdown(notebooks.execute(source, "n", copy))
    assert text == "# Title\n\n```python\nprint(6 * 7)\n```\n\n```text\n42\n```\n"
    kept = notebooks.kept_as(source, copy)
    assert kept.exists()
    cache.store(kept, cache.load(kept).replace(b"42", b"43"))
    text, _ = notebooks.to_markdown(notebooks.execute(source, "n", copy))
    assert "43" in text, "the kept form was not used"


@pytest.mark.parametrize("damage", ["altered", "garbage", "empty", "cut"])
def test_a_kept_notebook_that_was_damaged_is_run_anew(copy, damage):
    source = "# %%\nprint(6 * 7)\n"
    notebooks.execute(source, "n", copy)
    kept = notebooks.kept_as(source, copy)
    body = kept.read_bytes()
    damaged = {
        "altered": body.replace(b"42", b"43"),
        "garbage": b"\xff\x00" * 99,
        "empty": b"",
        "cut": body[:-10],
    }
    kept.write_bytes(damaged[damage])
    text, _ = notebooks.to_markdown(notebooks.execute(source, "n", copy))
    assert "42" in text and "43" not in text
    assert b"42" in cache.load(kept), "what was made anew was not kept"


def test_what_is_printed_in_one_go_is_one_output():
    outputs = [
        nbformat.v4.new_output("stream", text="1\n2"),
        nbformat.v4.new_output("stream", text="\n3\n"),
        nbformat.v4.new_output("execute_result", {"text/plain": "4"}),
        nbformat.v4.new_output("stream", text="5\n"),
    ]
    cell = nbformat.v4.new_code_cell("x", outputs=outputs)
    text, _ = notebooks.to_markdown(nbformat.v4.new_notebook(cells=[cell]))
    shown = [fence.code for fence in fences.find(text)]
    assert shown == ["x\n", "1\n2\n3\n", "4\n", "5\n"]
    assert notebooks.to_markdown(nbformat.v4.new_notebook(cells=[cell]))[0] == text


@pytest.mark.parametrize(
    "cell",
    [
        "raise KeyError('gone')",
        "import sys; print('x', file=sys.stderr)",
        "import warnings; warnings.warn('x')",
    ],
)
def test_a_notebook_that_fails_or_complains_fails_the_build(copy, cell):
    with pytest.raises(PluginError, match=r"failed|stderr"):
        notebooks.execute(f"# %%\n{cell}\n", "n", copy)
    assert not notebooks.kept_as(f"# %%\n{cell}\n", copy).exists()


def test_the_digest_names_files_not_the_folder(copy, tmp_path_factory):
    other = tmp_path_factory.mktemp("other") / "tree"
    shutil.copytree(copy, other)
    assert cache.code_digest(copy) == cache.code_digest(other)
    assert cache.key(code=[USES], root=copy) == cache.key(code=[USES], root=other)
    assert re.fullmatch(r"[0-9a-f]{64}", cache.code_digest(copy))


def test_the_marks_of_outputs_do_not_reach_the_page():
    page = types.SimpleNamespace(file=types.SimpleNamespace(src_uri="a.md"))
    markdown = f'=== "NumPy"\n\n    {fences.OUTPUT_MARK}\n    ```text\n    1\n    ```\n'
    assert "<!--" not in results.in_markdown(markdown, page)


@pytest.mark.parametrize(
    ("text", "notebook", "uses"),
    [
        ("# A\n", False, ""),
        ("```python\nimport numpy\n```\n", False, ""),
        ("```python\nfrom livegrad import dropout\n```\n", False, "livegrad/dropout.py"),
        ("<!--given\nfrom livegrad_lab import clipping\n-->", False, "livegrad_lab/clipping.py"),
        ("::: livegrad.doctor\n", False, "livegrad/doctor/__init__.py"),
        ("::: livegrad_lab.sweep.sweep\n", False, "livegrad_lab/sweep.py"),
        ("# %%\nfrom livegrad import figures\n", True, "livegrad/figures/__init__.py"),
        ("<!--livegrad:trust counts-->", False, "livegrad_lab/errata/__init__.py"),
        ("```python\nfrom livegrad import\n```\n", False, ""),
    ],
)
def test_a_page_uses_what_its_code_imports_and_what_it_shows(text, notebook, uses):
    found = {p.relative_to(stale.cache.ROOT / "src").as_posix() for p in stale.used(text, notebook)}
    assert uses in found if uses else found == set()


@pytest.mark.parametrize(("age", "anew"), [(-60, False), (10**9, True)])
def test_a_page_older_than_the_code_is_built_anew(tmp_path, age, anew):
    docs, site = tmp_path / "docs", tmp_path / "site"
    for folder in (docs, site / "a"):
        folder.mkdir(parents=True)
    (docs / "a.md").write_text("# A\n")
    built = site / "a" / "index.html"
    built.write_text("")
    os.utime(docs / "a.md", (0, 0))
    os.utime(built, (time.time() - age,) * 2)
    config = MkDocsConfig()
    config.load_dict({"docs_dir": str(docs), "site_dir": str(site), "use_directory_urls": True})
    file = File("a.md", str(docs), str(site), use_directory_urls=True)
    stale.renew(Files([file]))
    assert file.is_modified() is anew


def test_machinery_that_was_edited_while_the_site_is_served_stops_the_build(monkeypatch):
    monkeypatch.setitem(stale.LOADED, stale.MACHINERY / "show" / "trust.py", 0)
    with pytest.raises(PluginError, match=r"^trust\.py in src/livegrad_site changed: stop"):
        stale.renew(Files([]))


def test_a_block_runs_as_what_a_reader_pastes_does():
    space = {}
    code = "def mine():\n    pass\n\n\nprint(__name__, mine.__module__)"
    assert blocks.printed(code, space) == "__main__ __main__\n"


@pytest.mark.parametrize(
    ("flags", "there"),
    [("fpu avx2 avx512f", True), ("fpu avx avx2", True), ("fpu avx", False), ("asimd", False)],
)
def test_products_are_those_of_one_kind_of_processor_where_it_can_be_had(tmp_path, flags, there):
    (tmp_path / "cpuinfo").write_text(f"model name\t: any\nflags\t\t: {flags}\n", "utf-8")
    plain = machine.environment(tmp_path / "none")
    said = machine.environment(tmp_path / "cpuinfo")
    kinds = {name: value for name, value in said.items() if name not in plain}
    told = {
        "OPENBLAS_CORETYPE": "Haswell",
        "ONEDNN_MAX_CPU_ISA": "AVX2",
        "XLA_FLAGS": "--xla_cpu_max_isa=AVX2",
    }
    assert kinds == (told if there else {})


def test_these_tests_multiply_as_the_site_does():
    said = machine.environment()
    assert {name: os.environ.get(name) for name in said} == said
    if "OPENBLAS_CORETYPE" in said:
        threadpoolctl = pytest.importorskip("threadpoolctl")
        kernels = {pool.get("architecture") for pool in threadpoolctl.threadpool_info()}
        assert said["OPENBLAS_CORETYPE"] in kernels
