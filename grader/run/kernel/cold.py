"""A kernel in a new Python process, which imports everything anew. Works everywhere."""

from __future__ import annotations

import os
import sys
from typing import Any

from jupyter_client.kernelspec import KernelSpec, KernelSpecManager
from jupyter_client.manager import AsyncKernelManager
from platformdirs import user_cache_path

from grader.run.kernel._base import KernelStarter
from grader.run.recorder.config import KernelConfig
from grader.run.workspace import Workspace

__all__ = ["ColdKernel", "kernel_environment"]

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


class OneSpec(KernelSpecManager):
    """Knows a single kernel, whatever is asked for: what is installed on the machine does not matter."""

    def __init__(self, spec: KernelSpec, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self._spec = spec

    def get_kernel_spec(self, kernel_name: str) -> KernelSpec:
        return self._spec


class ColdKernel(KernelStarter):
    """Starts `grader.run.recorder.launch`."""

    name = "cold"

    def manager(self, folders: Workspace, config: KernelConfig) -> AsyncKernelManager:
        file = folders.root / "kernel.json"
        config.write(file)
        spec = KernelSpec(
            argv=[sys.executable, "-m", "grader.run.recorder.launch", str(file), "-f", "{connection_file}"],
            language="python",
            display_name="grader",
            env=kernel_environment(folders, config),
        )
        manager = AsyncKernelManager(kernel_spec_manager=OneSpec(spec))
        manager.connection_file = str(folders.root / "connection.json")
        if sys.platform != "win32":
            manager.transport = "ipc"
            manager.ip = str(folders.root / "k")
        return manager


def kernel_environment(folders: Workspace, config: KernelConfig) -> dict[str, str]:
    """The environment of a kernel's process: nothing of the grader's own but what Python needs to start."""
    # Matplotlib takes seconds to list the machine's fonts, and keeps the list in this folder.
    fonts = user_cache_path("grader") / "matplotlib"
    fonts.mkdir(parents=True, exist_ok=True)
    threads = {"TF_NUM_INTRAOP_THREADS": "1", "TF_NUM_INTEROP_THREADS": "1", "TF_ENABLE_ONEDNN_OPTS": "0"}
    return {
        **{name: os.environ[name] for name in PASSED_ON if name in os.environ},
        "HOME": str(folders.home),
        "IPYTHONDIR": str(folders.home / "ipython"),
        "JUPYTER_CONFIG_DIR": str(folders.home / "jupyter"),
        "TMPDIR": str(folders.home / "tmp"),
        "MPLBACKEND": "module://matplotlib_inline.backend_inline",
        "MPLCONFIGDIR": str(fonts),
        "TF_USE_LEGACY_KERAS": "1" if config.flavour == "2" else "0",
        "KERAS_BACKEND": "tensorflow",
        "TF_CPP_MIN_LOG_LEVEL": "3",
        "CUDA_VISIBLE_DEVICES": "-1",
        # Two images are too few to share out among threads, or to make a kernel of oneDNN's for.
        **(threads if config.training == "bounded" else {}),
        # Frozen-module and debugger warnings would end up among the student's outputs.
        "PYDEVD_DISABLE_FILE_VALIDATION": "1",
    }
