"""``mkdocs build`` itself fails on a page that says something else than its blocks give."""

import contextlib
import json
import os
import re
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import pytest

from livegrad_site import events
from livegrad_site.check import checked, proofs
from livegrad_site.read import fences
from livegrad_site.run import blocks, later, results

ROOT = Path(__file__).resolve().parents[2]
FIGURE = "from livegrad import figures\n\nfigures.activations('relu')\n"
TABLE = '"| a |\\n|---|\\n| 7 |"\n'


def block(code, output=None, lead=""):
    text = f"```python\n{code}```\n"
    if output is not None:
        text += f"\n{fences.OUTPUT_MARK}\n```text\n{output}```\n"
    return "".join(lead + line if line.strip() else line for line in text.splitlines(True)) + "\n"


def drawing(code):
    return block(code) + f"<!--livegrad:result {results.digest(results.drawn(code))}-->\n\n"


PAGE = proofs.locked(
    "".join(
        [
            "---\ntitle: A page\ndescription: One of each kind.\n---\n# A page\n\n",
            'The product is 42, the gradient 4.1e-07.<!--proof {rows("42")[0][0]:.0f} ; '
            '{cell("gradient", 0):.1e}--> ',
            'It is more.<!--proof rows("42")[0][0] > cell("gradient", 0)--> Nothing else is said.'
            "\n\n",
            block("print(6 * 7)\n", "42\n"),
            block("print('gradient', '4.1e-07')\n", "gradient 4.1e-07\n"),
            drawing(FIGURE),
            drawing(TABLE),
            '=== "NumPy"\n\n',
            block("print(1 + 1)\n", "2\n", "    "),
            '=== "Keras"\n\n',
            block("print(2 * 1)\n", "2\n", "    "),
            block("assert 1 + 1 == 2\n"),
            "```console\nnox -s serve\n```\n",
        ]
    )
)
CONFIG = """\
site_name: Small
site_url: http://127.0.0.1/
theme: {name: null, custom_dir: theme}
plugins: []
hooks: [src/livegrad_site/events.py]
markdown_extensions:
  - admonition
  - pymdownx.superfences
  - pymdownx.tabbed: {alternate_style: true}
  - livegrad_site.show.extension
"""
TEMPLATE = """\
<html><head><meta charset="utf-8"><title>{{ page.title }}</title></head>
<body>{{ page.content }}</body></html>
"""
# For a tree whose package has nothing to draw with.
FEW = """\
from livegrad_site import events

events.PUBLISHED = ()
on_startup, on_config, on_files = events.on_startup, events.on_config, events.on_files
on_page_markdown, on_post_build = events.on_page_markdown, events.on_build_error
on_build_error = events.on_build_error
"""
PACKAGE = '"""A package.\n\n>>> 6 * 7\n42\n"""\n'


def environment(tree):
    kept = {"LIVEGRAD_CACHE": str(tree / ".cache" / "sweeps"), "PYTHONUNBUFFERED": "1"}
    kept["PYTHONPATH"] = str(tree / "src")
    return os.environ | kept


def build(tree, *options, **given):
    """Build the site of the tree; return the exit status and what was said."""
    done = subprocess.run(
        [sys.executable, "-m", "mkdocs", "build", *options],
        cwd=tree,
        capture_output=True,
        text=True,
        env=environment(tree) | given,
    )
    return done.returncode, done.stdout + done.stderr


def read(tree, **given):
    """Lock the tree's words, as a person does who has read them."""
    command = [sys.executable, "-m", "livegrad_site.commands.read", "--yes"]
    subprocess.run(
        command, cwd=tree, check=True, capture_output=True, env=environment(tree) | given
    )


@pytest.fixture(scope="module")
def good(tmp_path_factory):
    """A small site that is right, with what its build kept."""
    tree = tmp_path_factory.mktemp("small") / "tree"
    shutil.copytree(
        ROOT / "src" / "livegrad_site",
        tree / "src" / "livegrad_site",
        ignore=lambda *_: ["__pycache__"],
    )
    (tree / "src" / "livegrad").mkdir()
    (tree / "docs").mkdir()
    (tree / "theme").mkdir()
    (tree / "theme" / "main.html").write_text(TEMPLATE)
    (tree / "mkdocs.yml").write_text(CONFIG)
    (tree / "README.md").write_text("# Small\n")
    (tree / "requirements.lock").write_text("a==1\n")
    (tree / "docs" / "index.md").write_text(PAGE)
    read(tree)
    status, said = build(tree)
    assert status == 0, said
    assert (tree / "site" / "index.html").exists()
    shutil.rmtree(tree / "site")
    return tree


@pytest.fixture
def tree(good, tmp_path):
    return Path(shutil.copytree(good, tmp_path / "tree"))


def test_a_build_that_has_all_records_runs_nothing(tree):
    status, said = build(tree, "--strict")
    assert status == 0 and "have run" not in said, said


def test_what_was_kept_and_damaged_fails_no_build(tree):
    kept = [path for kind in ("pages", "results", "made") for path in tree.glob(f".cache/{kind}/*")]
    assert {path.parent.name for path in kept} == {"pages", "results", "made"}
    for path in kept:
        path.write_bytes(path.read_bytes()[:-1])
    status, said = build(tree, "--strict")
    assert status == 0 and "it is computed anew" in said, said
    assert "computed anew" not in build(tree, "--strict")[1]


FENCE = "```python\nprint(6 * 7)\n"
PLANTS = {
    "an output": ("```text\n42\n", "```text\n43\n", "prints something else"),
    "an output's exponent": ("text\ngradient 4.1e-07", "text\ngradient 7.7e+07", "'gradient 7.7e+"),
    "an output's last blank": ("```text\n42\n", "```text\n42 \n", "prints something else"),
    "a block": ("print(6 * 7)", "print(6 * 8)", "found:    '48\\n'"),
    "a block that fails": ("print(6 * 7)", "print(6 / 0)", "ZeroDivisionError"),
    "a block that compares nothing": ("assert 1 + 1 == 2", "sum([1, 1])", "neither prints"),
    "an output that is taken out": (
        f"{fences.OUTPUT_MARK}\n```text\n42\n```\n",
        "",
        "nothing compares what this block prints",
    ),
    "an output without its mark": (
        f"{fences.OUTPUT_MARK}\n```text\n42\n",
        "```text\n42\n",
        "nothing compares",
    ),
    "py3": (FENCE, FENCE.replace("python", "py3"), "nobody runs a fence of 'py3'"),
    "numpy": (FENCE, FENCE.replace("python", "numpy"), "nobody runs a fence of 'numpy'"),
    "no language": (FENCE, FENCE.replace("python", ""), "nobody runs a fence of 'no language'"),
    "a title": (FENCE, FENCE.replace("python", 'python title="a"'), "nobody runs a fence of"),
    "tildes": ("```console\nnox -s serve\n```", "~~~python\nprint(1)\n~~~", "nothing compares"),
    "a quotation": ("```console\nnox -s serve\n```", "> ```python\n> assert 1\n> ```", "quotation"),
    "a made-up output": ("```console\nnox", "```text\nnox", "nothing compares this output"),
    "a tab": (
        "    print(2 * 1)\n    ```\n\n    " + fences.OUTPUT_MARK + "\n    ```text\n    2\n",
        "    print(2 * 2)\n    ```\n\n    " + fences.OUTPUT_MARK + "\n    ```text\n    4\n",
        "the tabs NumPy and Keras print different things",
    ),
    "a figure": ("activations('relu')", "activations('elu')", "draws something else"),
    "a figure's digest": (r"(relu'\)\n```\n\n<!--livegrad:result )\w", r"\g<1>x", None),
    "a table": ("| 7 |", "| 8 |", "draws something else"),
    "a number in a sentence": ("The product is 42", "The product is 43", "does not say so"),
    "a sign": ("is 42, the", "is -42, the", "does not say so"),
    "a comparison": ("It is more", "It is less", "changed since they were read"),
    "a proof": ("[0][0] > cell", "[0][0] >= cell", "changed since they were read"),
    "a proof that is false": ("[0][0] > cell", "[0][0] < cell", "is False, not True"),
    "a sentence without a number": ("Nothing else is", "Much else is", "words changed since they"),
    "a proof that is taken out": (r'<!--proof rows\("42"\)\[0\]\[0\] > .*?-->', "", None),
    "a shape": ("print(6 * 7)", "x = [6, 7]  # (3,)\nprint(x[0] * x[1])", "the array is (2,)"),
}


@pytest.mark.parametrize("plant", PLANTS)
def test_a_build_fails_and_names_page_and_line(tree, plant):
    old, new, complaint = PLANTS[plant]
    if plant == "a proof that is taken out":
        old, complaint = re.search(old, PAGE)[0], "nothing proves 'more'"
    if complaint is None:
        mark = re.search(r"<!--livegrad:result (\w+)-->", PAGE)
        other = ("0" if mark[1][0] != "0" else "1") + mark[1][1:]
        old, new, complaint = mark[1], other, "draws something else"
    page = PAGE.replace(old, new)
    assert page != PAGE
    (tree / "docs" / "index.md").write_text(page)
    status, said = build(tree)
    assert status != 0, said
    assert complaint in said, said
    named = re.findall(r"docs/index\.md:(\d+): ", said)
    at = next(
        n for n, (a, b) in enumerate(zip(PAGE, page + "x" * len(PAGE), strict=False)) if a != b
    )
    planted = PAGE[:at].count("\n") + 1
    assert named and min(abs(int(line) - planted) for line in named) <= 8, said
    assert not (tree / "site" / "index.html").exists(), "a false page was written"


def test_a_docstring_s_example_that_is_wrong_fails_the_build(tree):
    package = tree / "src" / "livegrad" / "__init__.py"
    package.write_text(PACKAGE)
    (tree / "docs" / "index.md").write_text("# API\n\n::: livegrad\n")
    (tree / "few.py").write_text(FEW)
    (tree / "mkdocs.yml").write_text(CONFIG.replace("src/livegrad_site/events.py", "few.py"))
    read(tree)
    assert build(tree)[0] == 0
    package.write_text(PACKAGE.replace("\n42", "\n43"))
    status, said = build(tree)
    assert status != 0
    assert "src/livegrad/__init__.py:3: this example gives 42, not 43" in said
    # Of another length: Python tells a file that changed within a second by that alone.
    package.write_text(PACKAGE.replace("6 * 7", "6 // 0"))
    assert "raises ZeroDivisionError" in build(tree)[1]


def test_a_docstring_s_number_that_its_code_does_not_give_fails_the_build(tree):
    package = tree / "src" / "livegrad" / "__init__.py"
    package.write_text(PACKAGE.replace("A package.", "A package.\n\nOf about 77 parts."))
    (tree / "docs" / "index.md").write_text("# API\n\n::: livegrad\n")
    (tree / "few.py").write_text(FEW)
    (tree / "mkdocs.yml").write_text(CONFIG.replace("src/livegrad_site/events.py", "few.py"))
    status, said = build(tree)
    assert status != 0
    assert "src/livegrad/__init__.py:3: its code does not give the number 77" in said


def test_a_notebook_s_number_that_it_does_not_give_is_a_fault():
    source = "# %% [markdown]\n# # Title\n#\n# It is 7.\n\n# %%\nprint(x)\n"
    executed = "It is 7.\n\n```text\n{}\n```\n"
    assert checked.of_notebook(source, executed.format(7)) == []
    (fault,) = checked.of_notebook(source, executed.format(8))
    assert fault.line == 4 and "7" in fault.what


@pytest.mark.parametrize(
    ("file", "text", "runs", "status"),
    [
        ("used.py", "x = 2\n", True, 1),
        ("used.py", "x = 2 - 1\n", True, 0),
        ("used.py", "x = 1  # why\n", False, 0),
        ("other.py", "x = 2\n", False, 0),
    ],
)
def test_a_changed_package_makes_the_build_run_the_pages_that_use_it(
    tree, file, text, runs, status
):
    package = tree / "src" / "livegrad"
    for name in ("__init__", "used", "other"):
        (package / f"{name}.py").write_text("x = 1\n")
    uses = block("from livegrad.used import x\n\nprint(x)\n", "1\n")
    (tree / "docs" / "index.md").write_text("# A page\n\n" + uses)
    (tree / "few.py").write_text(FEW)
    (tree / "mkdocs.yml").write_text(CONFIG.replace("src/livegrad_site/events.py", "few.py"))
    read(tree)
    found, said = build(tree)
    assert found == 0, said
    (package / file).write_text(text)
    if not runs:
        read(tree)  # which would run it
    found, said = build(tree)
    assert (found, "have run" in said) == (status, runs), said


def test_nothing_works_on_a_page_before_it_was_checked():
    assert events.IN_MARKDOWN[0] is checked.in_markdown


def test_a_quiet_build_is_refused(tree):
    status, said = build(tree, "-q", "--strict")
    assert status != 0 and "mkdocs -q switches --strict off" in said
    assert not (tree / "site" / "index.html").exists()


def test_the_machinery_of_another_checkout_is_refused(tree):
    status, said = build(tree, PYTHONPATH=str(ROOT / "src"))
    assert status != 0 and f"{ROOT} is installed, not {tree}: set PYTHONPATH to its src" in said


def test_an_interpreter_that_ends_fails_the_build(tree):
    text = PAGE.replace("print(6 * 7)", "import os\nos._exit(3)")
    (tree / "docs" / "index.md").write_text(text)
    status, said = build(tree)
    assert status != 0 and "its interpreter ended" in said


@contextlib.contextmanager
def serving(tree):
    """Serve the tree's site; the value fetches its page until it has the words."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "mkdocs", "serve", "--dirty", "--livereload"]
    log = tree.with_suffix(".log")

    def page(words, seconds=60):
        end = time.monotonic() + seconds
        text = ""
        while time.monotonic() < end:
            with contextlib.suppress(OSError):
                address = f"http://127.0.0.1:{port}/"
                text = urllib.request.urlopen(address, timeout=5).read().decode()
            if words in text:
                return text
            time.sleep(0.1)
        raise AssertionError(f"never {words!r} in\n{text}\n{log.read_text()}")

    with log.open("w") as said:
        server = subprocess.Popen(
            [*command, "--dev-addr", f"127.0.0.1:{port}"],
            cwd=tree,
            stdout=said,
            stderr=subprocess.STDOUT,
            env=environment(tree),
        )
        try:
            yield page
        finally:
            # Not SIGINT: what was started in the background of a shell ignores it.
            server.terminate()
            server.wait()


def test_what_is_served_shows_the_difference_at_its_block(tree):
    (tree / "docs" / "index.md").write_text(PAGE.replace("print(6 * 7)", "print(6 * 8)"))
    with serving(tree) as page:
        text = page("this block now prints something else")
        box = text[text.index("this block now prints something else") :]
        expected, found = re.findall(r"<code[^>]*>(?:<[^>]+>)*(\d+)", box)[:2]
        assert (expected, found) == ("42", "48")
        assert text.index("print") < text.index("admonition failure") < text.rindex("4.1e")
        (tree / "docs" / "index.md").write_text(PAGE + "\nIt is mended.\n")
        assert "admonition failure" not in page("It is mended.")


def test_a_site_that_is_served_does_not_wait_for_what_has_to_run(tree):
    slow = "import time\n\ntime.sleep(4)\nassert 1 + 1 == 2\n"
    (tree / "docs" / "index.md").write_text(PAGE.replace("assert 1 + 1 == 2\n", slow))
    with serving(tree) as page:
        text = page("Not computed yet", seconds=20)
        assert "being computed" in text and "lg-proof" not in text and "<svg" not in text
        text = page("lg-proof")
        assert "Not computed yet" not in text and "<svg" in text


def test_what_could_not_be_run_is_served_with_its_reason_and_not_run_again(tree, tmp_path):
    runs = tmp_path / "runs"
    ends = f"""import os

with open({str(runs)!r}, "a") as file:
    file.write("x")
os._exit(1)
assert 1 + 1 == 2
"""
    (tree / "docs" / "index.md").write_text(PAGE.replace("assert 1 + 1 == 2\n", ends))
    with serving(tree) as page:
        assert "its interpreter ended" in page("could not be run")
        time.sleep(3)
        assert runs.read_text() == "x"
        (tree / "docs" / "index.md").write_text(PAGE)
        assert "could not be run" not in page("lg-proof")


def test_a_fault_is_shown_below_what_it_is_about_whatever_the_front_matter():
    text = "---\ntitle: t\n---\n# A\n\n```text\n1\n```\n"
    markdown = text.partition("---\n# ")[2]
    fault = checked.Fault(6, "other", after=8, expected="1\n", found="2\n")
    head = text.count("\n") - f"# {markdown}".count("\n")
    lines = checked.shown(f"# {markdown}", [fault], head).split("\n")
    at = lines.index('!!! failure "Line 6: other"')
    assert lines[at - 2] == "```" and "    1" in lines[at:] and "    2" in lines[at:]


def test_blocks_run_alone_and_what_they_give_is_kept(tmp_path, monkeypatch):
    monkeypatch.setattr(blocks.cache, "FOLDER", tmp_path)
    monkeypatch.setenv("LIVEGRAD_CACHE", "anywhere")
    text = block("x = 1\nprint(x)\n", "1\n") + block("print(x)\n", "1\n") + drawing(TABLE)
    made = blocks.record(text)
    assert made[0] == {"printed": "1\n", "names": {"x": 1}}
    assert made[1] == {"error": "its line 1: NameError: name 'x' is not defined"}
    assert list(made[2]) == ["drawn", "names"]
    path = blocks.kept_as(text)
    blocks.cache.store(path, json.dumps([{"printed": "kept"}, *made[1:]]))
    assert blocks.record(text)[0] == {"printed": "kept"}
    assert blocks.kept_as(text + "More words.\n") == path
    assert blocks.kept_as(text.replace("x = 1", "x = 2")) != path
    monkeypatch.setenv("LIVEGRAD_CACHE", "")
    assert blocks.record(text) == made


def test_what_was_drawn_and_is_kept_no_more_is_drawn_again_beside_the_record(tmp_path, monkeypatch):
    monkeypatch.setattr(blocks.cache, "FOLDER", tmp_path)
    monkeypatch.setenv("LIVEGRAD_CACHE", "anywhere")
    failing = block("undefined\n") + "<!--livegrad:result 0123456789ab-->\n\n"
    text = block("print(1)\n", "1\n") + drawing(TABLE) + failing
    assert blocks.known(text) is None
    made = blocks.record(text)
    (kept,) = (tmp_path / "results").iterdir()
    assert blocks.known(text) == made
    whole = kept.read_bytes()
    kept.unlink()
    assert blocks.known(text) is None
    blocks.draw(text)
    assert kept.read_bytes() == whole and blocks.known(text) == made


def test_a_warning_in_a_block_is_an_error():
    code = "import warnings\nwarnings.warn('old')\nprint(1)\n"
    assert blocks.given(code) == {"error": "its line 2: UserWarning: old"}
    assert "error" in blocks.given("import sys\nsys.exit('done')\n")


@pytest.fixture
def queue(monkeypatch):
    monkeypatch.setattr(blocks.cache, "FOLDER", ROOT / ".cache")  # where the interpreters keep it
    monkeypatch.setenv("LIVEGRAD_CACHE", "anywhere")
    made = later.Queue()
    yield made
    made.stop()


def new_pages(folder, codes):
    """Pages that nobody has run, by path."""
    pages = {}
    for at, code in enumerate(codes):
        text = block(f"{code}\nprint({time.time_ns()} + {at})\n", "1\n")
        (folder / f"{at}.md").write_text(text)
        pages[str(folder / f"{at}.md")] = text
    return pages


def alive(pid):
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def test_all_pages_at_once_are_run_by_two_interpreters(tmp_path, queue):
    pages = new_pages(tmp_path, 3 * ["x = 1"])
    queue.add(pages)
    queue.wait()
    assert queue.failed == {} and len(queue._workers) == later.AT_ONCE
    for text in pages.values():
        assert blocks.known(text)
        blocks.kept_as(text).unlink()
    queue.stop()
    assert queue._workers == []


def test_an_interpreter_that_ends_takes_nothing_with_it(tmp_path, queue):
    pages = new_pages(tmp_path, ["import os; os._exit(1)", "x = 1", "x = 2"])
    queue.add(pages)
    queue.wait()
    (first, *others) = pages
    assert queue.failed == {first: "its interpreter ended"}
    for name in others:
        assert blocks.known(pages[name])
        blocks.kept_as(pages[name]).unlink()


def test_what_is_held_begins_when_it_is_told_to(tmp_path, queue):
    pages = new_pages(tmp_path, ["x = 1"])
    queue.held = True
    queue.add(pages)
    queue.wait(0.1)
    assert queue.waiting == set(pages) and queue._workers == []
    queue.start()
    queue.wait()
    (text,) = pages.values()
    blocks.kept_as(text).unlink()


def test_stopping_ends_what_a_page_has_started(tmp_path, queue):
    started = tmp_path / "pid"
    code = f"""import subprocess, sys
child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
from pathlib import Path
Path({str(started)!r}).write_text(str(child.pid))
child.wait()"""
    queue.add(new_pages(tmp_path, [code]))
    while not started.exists() or not started.read_text():
        queue.wait(0.1)
    queue.stop()
    deadline = time.monotonic() + 10
    while alive(int(started.read_text())) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not alive(int(started.read_text())) and queue.waiting == set()


def test_a_page_that_waits_says_so_and_comes_once(monkeypatch):
    text = (
        "# A\n\nTwo.<!--proof def 2-->\n\n```python\n1\n```\n\n"
        "<!--livegrad:result 0123456789ab-->\n\nOther.<!--proof on b.md: x == 1-->\n"
    )
    path = str(ROOT / "docs" / "a.md")
    assert not later.waits(path, text)
    for waiting in (path, str(ROOT / "docs" / "b.md")):
        monkeypatch.setattr(later.queue, "waiting", {waiting})
        assert later.waits(path, text) and not later.come(path, text)
        shown = later.notice(path, text, text)
        assert shown.startswith(f"# A\n\n{later.ABOVE}") and later.BELOW in shown
        assert "<!--" not in shown and "```python\n1\n```" in shown
        assert not later.come(path, text)
        monkeypatch.setattr(later.queue, "waiting", set())
        assert later.come(path, text) and not later.come(path, text)
