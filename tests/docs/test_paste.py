"""The check that pastes blocks as a reader does: what it must catch is planted."""

import pytest

from livegrad_lab import catalogue, kept
from livegrad_site.commands import paste
from livegrad_site.read import fences

GOOD = f"```python\nx = 1\nprint(x)\n```\n\n{fences.OUTPUT_MARK}\n```text\n1\n```\n"


def test_blocks_that_say_what_the_page_says_pass():
    assert paste.paste([GOOD + "```python\nassert x == 1\n```\n"]) == [""]


@pytest.mark.parametrize(
    ("page", "complaint"),
    [
        (GOOD.replace("text\n1", "text\n2"), "printed"),
        ("```python\nassert False\n```\n", "AssertionError"),
        ("```python\nimport fences\n```\n", "No module named 'fences'"),
        ("```python\nopen('README.md')\n```\n", "No such file"),
        ("```python\nprint(undefined)\n```\n", "NameError"),
        ("```python\njson.dumps(paste)\n```\n", "NameError"),
        ("```python\nimport os\nos._exit(3)\n```\n", "status"),
    ],
)
def test_a_block_that_does_not_run_for_a_reader_is_caught(page, complaint):
    said = paste.paste([GOOD, page, GOOD])
    assert complaint in said[1]
    assert [said[0], said[2]] == ["", ""]


def test_what_one_page_does_no_other_sees():
    leave = "```python\nimport sys, json\nsys.modules['left'] = json\nleft = 1\n```\n"
    see = "```python\nimport sys\nassert 'left' not in sys.modules\nleft\n```\n"
    assert "NameError" in paste.paste([leave, see])[1]


def test_workers_that_a_page_leaves_behind_do_not_hold_up_the_others():
    page = "```python\nimport subprocess\nsubprocess.Popen(['sleep', '600'])\n```\n"
    assert paste.paste([page]) == [""]


def test_what_a_page_writes_past_python_goes_nowhere():
    page = "```python\nimport os\nos.write(1, b'not JSON')\n```\n"
    assert paste.paste([page]) == [""]


def test_a_page_finds_loaded_what_its_interpreter_was_started_with_but_not_its_name():
    page = "```python\nimport sys\nprint('wave' in sys.modules, 'wave' in globals())\n```\n"
    page += f"\n{fences.OUTPUT_MARK}\n```text\n{{}} False\n```\n"
    assert paste.paste([page.format(False)]) == [""]
    assert paste.paste([page.format(True)], warm=["wave"]) == [""]


def test_the_number_of_failing_pages_is_returned(tmp_path, capsys):
    pages = [tmp_path / "good.md", tmp_path / "bad.md"]
    pages[0].write_text(GOOD)
    pages[1].write_text("```python\n1 / 0\n```\n")
    assert paste.main([str(page) for page in pages]) == 1
    said = capsys.readouterr()
    assert "2 blocks of 2 pages" in said.out and "bad.md" in said.err


def test_an_experiment_that_takes_minutes_is_lent_to_pasted_pages(root):
    session = (root / "noxfile.py").read_text("utf-8")
    for function in catalogue.EXPERIMENTS:
        record = kept.read(kept.path_of(function, root / "docs/_kept"))
        name = kept.name_of(function).removeprefix("livegrad_lab.")
        assert record.seconds < 100 or f'"{name}"' in session
