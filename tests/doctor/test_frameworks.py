"""The same faults in two frameworks: the same findings, at the same places, and the same gains."""

from __future__ import annotations

import pytest

torch = pytest.importorskip("torch", reason="needs livegrad[torch]")

from livegrad.doctor import examine  # noqa: E402
from livegrad_lab.faults import CASES  # noqa: E402
from livegrad_lab.faults.frameworks import BEHIND, FAULTS, in_keras, in_torch  # noqa: E402

# Keras takes the logits before the softmax where it sees one: its loss is another.
MENDED = "softmax taken for logits"


def test_they_are_those_of_the_catalogue():
    assert len(FAULTS) == 12
    for name, build in FAULTS.items():
        assert CASES[name].code == build().code


@pytest.mark.parametrize("name", FAULTS)
def test_both_frameworks_tell_the_same(name):
    stack = FAULTS[name]()
    model, x, y = in_keras(stack)
    keras_says = examine(model, x, y)
    module, x, y, more = in_torch(stack)
    torch_says = examine(module, x, y, **more)
    found = [(f.code, f.layer) for f in keras_says.findings]
    assert found == [(stack.code, stack.layer)]
    assert [(f.code, f.layer.removesuffix(BEHIND)) for f in torch_says.findings] == found
    assert torch_says.unjudged == keras_says.unjudged
    said = [(layer.layer, layer.activation) for layer in torch_says.layers]
    assert said == [(layer.layer, layer.activation) for layer in keras_says.layers]
    if name == MENDED:
        assert torch_says.loss != pytest.approx(keras_says.loss, rel=0.1)
        return
    near = {"rel": 1e-5, "nan_ok": True}
    # Ten sigmoid layers leave a spread over the examples of some roundings, which are others.
    rounded = near | ({"rel": 0.02} if name == "ten sigmoid layers" else {})
    assert torch_says.loss == pytest.approx(keras_says.loss, **near)
    assert torch_says.gain == pytest.approx(keras_says.gain, **near)
    assert torch_says.signal_gain == pytest.approx(keras_says.signal_gain, **rounded)
    for one, other in zip(torch_says.layers, keras_says.layers, strict=True):
        assert one.gain == pytest.approx(other.gain, **near)
        assert one.signal_gain == pytest.approx(other.signal_gain, **rounded)


@pytest.mark.parametrize("name", FAULTS)
def test_each_fix_is_a_line_of_the_frameworks_own(name):
    module, x, y, more = in_torch(FAULTS[name]())
    (finding,) = examine(module, x, y, **more).findings
    assert "keras" not in finding.fix and "initializer=" not in finding.fix
    compile(finding.fix.replace("...", "0"), name, "exec")
