"""What a process is told before it computes, so that other machines print the same digits.

A matrix product adds in another order where a processor has wider registers. The last bits differ,
and hundreds of steps at a rate that is almost too large make other losses of them. Only the
standard library is used here: NumPy and TensorFlow read these variables once, as they are imported.
"""

from __future__ import annotations

from pathlib import Path

_PROCESSOR = Path("/proc/cpuinfo")


def environment(processor: Path = _PROCESSOR) -> dict[str, str]:
    """Return the variables: a quiet TensorFlow, without what rounds by the machine, and products.

    On Linux with AVX2, NumPy's OpenBLAS, TensorFlow's oneDNN (which multiplies its matrices even
    where its other operations are off) and XLA multiply as they do on the first processors that had
    it, whatever this one could do more. On any other machine they multiply in the machine's own
    way.

    Args:
        processor: the file in which Linux describes it; there is none elsewhere.
    """
    said = {
        "TF_CPP_MIN_LOG_LEVEL": "3",
        "TF_ENABLE_ONEDNN_OPTS": "0",
        "CUDA_VISIBLE_DEVICES": "-1",
    }
    if processor.exists() and "avx2" in processor.read_text(encoding="utf-8").split():
        said |= {
            "OPENBLAS_CORETYPE": "Haswell",
            "ONEDNN_MAX_CPU_ISA": "AVX2",
            "XLA_FLAGS": "--xla_cpu_max_isa=AVX2",
        }
    return said
