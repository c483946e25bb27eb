"""What the processes of kernels find around them: variables, and the fonts of the machine."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from platformdirs import user_cache_path

__all__ = ["font_list", "framework_settings", "kernel_environment", "surroundings"]

PASSED_ON = (
    "PATH",
    "LANG",
    "LC_ALL",
    "LD_LIBRARY_PATH",
    "SYSTEMROOT",
    "PYTHONDONTWRITEBYTECODE",
    "TF_NUM_INTRAOP_THREADS",
    "TF_NUM_INTEROP_THREADS",
)


def font_list() -> Path:
    """Folder with Matplotlib's list of the machine's fonts, which takes seconds to make: made once, by the grader.

    Each kernel gets a copy. What a notebook writes there reaches no other one.
    """
    folder = user_cache_path("grader") / "matplotlib"
    folder.mkdir(parents=True, exist_ok=True)
    if not any(folder.glob("fontlist-*.json")):
        environment = {**os.environ, "MPLCONFIGDIR": str(folder)}
        command = [sys.executable, "-c", "import matplotlib.font_manager"]
        subprocess.run(command, env=environment, cwd="/", capture_output=True, check=False)
    return folder


def kernel_environment(home: str, flavour: str, training: str) -> dict[str, str]:
    """The environment of a kernel's process: nothing of the grader's own but what Python needs to start."""
    return {**surroundings(home), **framework_settings(flavour, training)}


def surroundings(home: str) -> dict[str, str]:
    """The part that is the same for all kernels."""
    return {
        **{name: os.environ[name] for name in PASSED_ON if name in os.environ},
        "HOME": home,
        "IPYTHONDIR": f"{home}/ipython",
        "JUPYTER_CONFIG_DIR": f"{home}/jupyter",
        "TMPDIR": f"{home}/tmp",
        "MPLBACKEND": "module://matplotlib_inline.backend_inline",
        "MPLCONFIGDIR": f"{home}/matplotlib",
        "CUDA_VISIBLE_DEVICES": "-1",
        # Frozen-module and debugger warnings would end up among the student's outputs.
        "PYDEVD_DISABLE_FILE_VALIDATION": "1",
    }


def framework_settings(flavour: str, training: str) -> dict[str, str]:
    """What TensorFlow and Keras are told. They look at it while they are being imported."""
    threads = {"TF_NUM_INTRAOP_THREADS": "1", "TF_NUM_INTEROP_THREADS": "1", "TF_ENABLE_ONEDNN_OPTS": "0"}
    return {
        "TF_USE_LEGACY_KERAS": "1" if flavour == "2" else "0",
        "KERAS_BACKEND": "tensorflow",
        "TF_CPP_MIN_LOG_LEVEL": "3",
        # Two images are too few to share out among threads, or to make a kernel of oneDNN's for.
        **(threads if training == "bounded" else {}),
    }
