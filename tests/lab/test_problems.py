"""A file is graded in a process of its own, and whatever is odd in it gets one clear line."""

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from livegrad import __main__ as entry
from livegrad_lab import problems
from livegrad_lab.problems import PROBLEMS, _command, check_cells
from livegrad_lab.problems._answer import Called, agree, array, no_slower, number, pair
from livegrad_lab.problems._child import judged
from livegrad_lab.problems._file import NotNamedError, answers
from livegrad_lab.problems._grade import grade
from livegrad_lab.problems._problem import Problem, Refused

HAND = "gradients-typical"
CODE = "gradients-first"
RIGHT = f"# problem: {HAND}\nanswer = 0.75**15\n"
HEAD = f"# problem: {CODE}\nimport numpy as np\n\n\ndef first_gradient(x, weights, y):\n    "


def refused(code, name=CODE):
    told = judged(PROBLEMS[name], code, "mine.py")["refused"]
    assert told is not None and "\n" not in told
    return told


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ("raise ValueError('no')", "failed: ValueError in line 6: no"),
        ("return 1 / 0", "failed: ZeroDivisionError in line 6: division by zero"),
        ("return [0.0]", "expected a NumPy array of shape (3, 4), got a list"),
        ("return 0", "expected a NumPy array of shape (3, 4), got an int"),
        ("return None", "returned None: is its return missing?"),
        ("return 'text'", "got a text"),
        ("return np.zeros((3, 4), int)", "expected an array of floats, got an array of int64"),
        ("return np.zeros((4, 3))", "expected the shape (3, 4), got (4, 3)"),
        ("return np.full((3, 4), np.nan)", "expected finite numbers, got nan at index [0, 0]"),
        ("return np.full((3, 4), np.inf)", "expected finite numbers, got inf at index [0, 0]"),
        ("x *= 2; return x", "changes its argument 1 in place"),
        ("weights[0] += 1; return x", "changes its argument 2 in place"),
        ("exit(3)", "failed: SystemExit in line 6: 3"),
        ("return first_gradient(x, weights, y)", "failed: RecursionError"),
        ("raise MemoryError", "needed more memory than it may have"),
        ("return np.zeros((3, 4))", "expected "),
        ("raise NotImplementedError", "not answered yet"),
    ],
)
def test_what_a_function_does_wrong_is_told_in_one_line(body, said):
    assert said in refused(HEAD + body)


@pytest.mark.parametrize(
    ("code", "said"),
    [
        ("def first_gradient(", "the file failed before the checks: SyntaxError in line 1"),
        ("x = 1\n1 / 0", "before the checks: ZeroDivisionError in line 2: division by zero"),
        ("import no_such_module", "before the checks: ModuleNotFoundError in line 1"),
        ("exit()", "before the checks: SystemExit"),
        ("", "must define first_gradient(x, weights, y); it defines nothing"),
        (
            "def gradient(x):\n    return x",
            "must define first_gradient(x, weights, y); it d",
        ),
        ("first_gradient = 3", "must be a function, first_gradient(x, weights, y); got 3"),
        ("def first_gradient(x):\n    return x", "TypeError"),
        ("input()", "before the checks: "),
    ],
)
def test_what_is_wrong_with_a_file_is_told_in_one_line(code, said):
    assert said in refused(code)


@pytest.mark.parametrize(
    ("code", "said"),
    [
        ("answer = ...", "not answered yet"),
        ("answer = '0.1'", "expected one number, got a text"),
        ("answer = True", "expected one number, got a bool"),
        ("answer = [0.1]", "expected one number, got a list"),
        ("answer = float('nan')", "expected one number, got nan"),
        ("answer = 1e400", "expected one number, got inf"),
        ("answer = None", "answer"),
        ("Answer = 0.1", "must define answer; it defines Answer"),
        ("answer = 1", "that is the mean over all networks"),
        ("answer = 0.5", "expected 0.01336"),
    ],
)
def test_what_is_wrong_with_a_number_is_told_in_one_line(code, said):
    assert said in refused(code, HAND)


def graded(body, name=CODE, **limits):
    told = grade(PROBLEMS[name], body, "mine.py", **limits)
    assert not told.solved and "\n" not in told.refused
    return told.refused


def test_a_file_that_hangs_is_stopped():
    said = graded("while True:\n    pass", seconds=5)
    assert said.startswith("took more than 5 s, and was stopped")


@pytest.mark.skipif(sys.platform != "linux", reason="memory is limited on Linux alone")
def test_a_file_that_eats_memory_is_stopped():
    body = "return np.ones((40000, 40000))"
    assert "needed more memory than it may have" in graded(HEAD + body)


def test_a_file_that_prints_much_is_stopped():
    said = graded("while True:\n    print('x' * 1000)", seconds=50)
    assert said == "printed more than 1000000 characters, and was stopped"


def test_a_file_that_ends_its_process_is_noticed():
    assert "ended its own process before" in graded("import os\nos._exit(0)")


def test_a_file_gets_no_network():
    code = "import socket\nsocket.create_connection(('127.0.0.1', 9))"
    assert "PermissionError in line 2: it asked for the network" in graded(code)


def test_what_a_file_starts_ends_with_it(tmp_path):
    mark = tmp_path / "late"
    late = f"import time, pathlib; time.sleep(2); pathlib.Path({str(mark)!r}).touch()"
    code = f"import subprocess, sys\nsubprocess.Popen([sys.executable, '-c', {late!r}])\n"
    graded(code + "import os\nos._exit(1)", HAND)
    time.sleep(3)
    assert not mark.exists()


def test_a_file_may_use_a_module_beside_it_and_shadow_none(tmp_path):
    (tmp_path / "mine.py").write_text("VALUE = 0.75**15\n")
    (tmp_path / "random.py").write_text("raise RuntimeError('shadowed')\n")
    file = tmp_path / "a.py"
    file.write_text(f"# problem: {HAND}\nimport random\nfrom mine import VALUE\nanswer = VALUE\n")
    assert grade(PROBLEMS[HAND], file.read_text(), str(file)).solved


def test_a_file_is_cut_at_the_lines_that_name_problems(tmp_path):
    file = tmp_path / "a.py"
    file.write_text(f"import math\n{RIGHT}x = 2\n# problem: {CODE}\ny = 1 / 0\n")
    found = answers(file, PROBLEMS)
    assert list(found) == [HAND, CODE]
    assert found[HAND].startswith("import math\n") and "y = " not in found[HAND]
    assert found[CODE].startswith("import math\n") and "answer" not in found[CODE]
    assert found[CODE].splitlines().index("y = 1 / 0") == 5  # its line in the file
    assert list(answers(file, PROBLEMS, CODE)) == [CODE]


def test_a_file_without_a_name_answers_the_problem_that_is_asked_for(tmp_path):
    file = tmp_path / "a.py"
    file.write_text("answer = 1\n")
    assert answers(file, PROBLEMS, HAND) == {HAND: "answer = 1\n"}
    with pytest.raises(
        NotNamedError, match="names no problem: begin the answer with the line '# prob"
    ):
        answers(file, PROBLEMS)


@pytest.mark.parametrize(
    ("name", "content", "only", "said"),
    [
        ("a.py", b"# problem: gradients\n", None, "no problem 'gradients'; known: gradients-typ"),
        ("a.py", RIGHT.encode(), "x", "no problem 'x'"),
        ("a.py", RIGHT.encode(), CODE, f"names no problem {CODE}"),
        ("a.py", b"\xff\xfe", None, "must be a text file in UTF-8"),
        ("a.ipynb", b"{}", None, "broken, not a notebook"),
        ("a.ipynb", b"[1]", None, "broken, not a notebook"),
        ("a.ipynb", b'{"cells": []}', None, "names no problem"),
    ],
)
def test_a_file_that_cannot_be_checked_says_why(tmp_path, capsys, name, content, only, said):
    file = tmp_path / name
    file.write_bytes(content)
    more = ["--problem", only] if only else []
    assert _command.main([str(file), *more]) == 2
    err = capsys.readouterr().err
    assert said in err and err.count("\n") == 1


def test_a_file_that_is_not_there(tmp_path, capsys):
    assert _command.main([str(tmp_path / "no.py")]) == 2
    assert "No such file" in capsys.readouterr().err
    assert _command.main([str(tmp_path)]) == 2
    assert "s a directory" in capsys.readouterr().err.lower().replace("is a", "s a")


def notebook(*cells):
    kinds = [{"cell_type": "markdown", "source": RIGHT}]
    kinds += [{"cell_type": "code", "source": cell.splitlines(True)} for cell in cells]
    return json.dumps({"cells": kinds})


def test_the_command_grades_a_notebook_and_tells_by_its_status(tmp_path, capsys):
    file = tmp_path / "a.ipynb"
    file.write_text(notebook("%matplotlib inline", "# problem: " + HAND + "\nanswer = 1", RIGHT))
    assert _command.main([str(file)]) == 0
    assert capsys.readouterr().out == f"solved      {HAND}: 1 check passed\n"
    file.write_text(notebook(RIGHT, HEAD + "return x"))
    assert _command.main([str(file), "--json"]) == 1
    one, two = json.loads(capsys.readouterr().out)
    assert one["solved"] and one["passed"] and one["refused"] is None
    assert two["problem"] == CODE and "expected the shape" in two["refused"]


def test_cells_are_checked_in_place(capsys):
    check_cells(["import numpy", RIGHT.replace("15", "14"), RIGHT, PROBLEMS[CODE].start])
    said = capsys.readouterr().out.splitlines()
    assert said[0].startswith(f"solved      {HAND}") and said[1].startswith(f"open        {CODE}")
    assert said[2] == "1 of 2 solved"
    with pytest.raises(ValueError, match="no problem 'x'"):
        check_cells(["# problem: x\n"])


def test_without_a_verb_it_says_what_there_is(capsys):
    assert entry.main([]) == 2
    said = capsys.readouterr().err
    assert "examine" in said and "check" in said
    assert entry.main(["--help"]) == 0
    assert capsys.readouterr().out == said
    assert entry.main(["grade"]) == 2
    assert capsys.readouterr().err == f"livegrad: no verb 'grade'\n{said}"


@pytest.mark.parametrize("verb", entry.VERBS)
def test_each_verb_leads_to_its_command(verb, capsys):
    with pytest.raises(SystemExit) as end:
        entry.main([verb, "--help"])
    assert end.value.code == 0
    assert capsys.readouterr().out.startswith(f"usage: python -m livegrad {verb} ")


def test_from_a_shell(tmp_path):
    file = tmp_path / "a.py"
    file.write_text(RIGHT)
    command = [sys.executable, "-m", "livegrad", "check", str(file)]
    done = subprocess.run(command, capture_output=True, text=True, env={**os.environ}, timeout=120)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == f"solved      {HAND}: 1 check passed\n"


@pytest.mark.parametrize("seconds", ["0", "-1", "nan", "x"])
def test_seconds_that_are_none(tmp_path, capsys, seconds):
    with pytest.raises(SystemExit) as end:
        _command.main([str(tmp_path), "--seconds", seconds])
    assert end.value.code == 2 and "must be a number above 0" in capsys.readouterr().err


def test_a_fault_that_is_known_is_named_and_a_factor_too():
    with pytest.raises(Refused, match=r"f: expected 2 at index \[1\], got 4: twice"):
        agree([2.0, 4.0], [1.0, 2.0], "f", {"twice": [2.0, 4.0]})
    with pytest.raises(Refused, match="every entry is 3 times the right one"):
        agree([3.0, 6.0], [1.0, 2.0], "f")
    with pytest.raises(Refused, match=r"f: expected 0, got 1$"):
        agree(1.0, 0.0, "f")
    agree(1.0 + 1e-8, 1.0, "f")


def test_numbers_and_pairs():
    assert number(np.array(2.0), "f") == number(np.float32(2), "f") == number(2, "f") == 2
    assert array(np.float64(2), (), "f") == 2
    assert pair((1, 2), "f", "a, b") == (1, 2)
    for wrong in ((1,), [1, 2], None):
        with pytest.raises(Refused, match=r"expected a pair \(a, b\)"):
            pair(wrong, "f", "a, b")
    with pytest.raises(Refused, match="one whole number"):
        number(2.5, "f", whole=True)


def test_a_slow_answer_is_told_by_how_much():
    with pytest.raises(Refused, match=r"got [0-9]+ times: use arrays"):
        no_slower(lambda: time.sleep(0.02), lambda: None, 5, "f", "use arrays")
    no_slower(lambda: None, lambda: time.sleep(0.001), 5, "f", "")


def test_a_function_gets_copies():
    given = [np.zeros(2)]
    Called(lambda arrays: arrays[0] + 1, "a.py")(given)
    with pytest.raises(Refused, match="changes its argument 1 in place: it was"):
        Called(lambda arrays: arrays[0].fill(1), "a.py")(given)
    assert given[0].tolist() == [0, 0]


def test_each_problem_says_what_it_is():
    names = [problem.name for problem in PROBLEMS.values()]
    assert list(PROBLEMS) == names and len(set(names)) == len(names)
    for problem in PROBLEMS.values():
        module = getattr(problems, problem.topic)
        assert problem in module.PROBLEMS and len(module.PROBLEMS) == 5
        kinds = {one.kind for one in module.PROBLEMS}
        assert kinds == {"by hand", "by code", "by experiment"}
        assert len({check.__name__ for check in problem.checks}) == len(problem.checks)
        assert (problem.asks == "answer") == (problem.kind == "by hand")
    assert isinstance(next(iter(PROBLEMS.values())), Problem) and Path(problems.__file__).exists()
