"""A kernel in a new Python process, which imports everything anew. Works everywhere."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from jupyter_client.kernelspec import KernelSpec, KernelSpecManager
from jupyter_client.manager import AsyncKernelManager
from platformdirs import user_cache_path

from grader.child import python_module
from grader.run.enclosure import Enclosure
from grader.run.kernel._base import KernelStarter
from grader.run.kernel.client import PromptClient
from grader.run.kernel.monitored import Launch, new_monitor, provide
from grader.run.recorder.config import KernelConfig

__all__ = ["ColdKernel", "font_list", "kernel_environment", "new_manager"]

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

    def manager(self, enclosure: Enclosure, config: KernelConfig) -> AsyncKernelManager:
        manager = new_manager(enclosure, config)
        if sys.platform == "linux":
            provide(manager, enclosure, config, new_monitor(manager.kernel_spec.env))
        else:
            config.write(Path(enclosure.sandbox.root) / "kernel.json")
            enclosure.sandbox.fill(enclosure.places.work, enclosure.places.home)
            enclosure.adopt([], [])
        return manager

    def launch(self, flavour: str, environment: dict[str, str]) -> Launch:
        return new_monitor(environment)


def new_manager(enclosure: Enclosure, config: KernelConfig) -> AsyncKernelManager:
    """A manager that starts `grader.run.recorder.launch`, and connects where the grader can."""
    root = Path(enclosure.sandbox.root)
    command = python_module("grader.run.recorder.launch", str(root / "kernel.json"), "-f", "{connection_file}")
    environment = kernel_environment(enclosure.places.home, config.flavour, config.training)
    spec = KernelSpec(argv=command, language="python", display_name="grader", env=environment)
    manager = AsyncKernelManager(kernel_spec_manager=OneSpec(spec), client_factory=PromptClient)
    manager.connection_file = str(root / "connection.json")
    if sys.platform != "win32":
        manager.transport = "ipc"
        manager.ip = f"{enclosure.host.sockets}/k"
    return manager


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
    threads = {"TF_NUM_INTRAOP_THREADS": "1", "TF_NUM_INTEROP_THREADS": "1", "TF_ENABLE_ONEDNN_OPTS": "0"}
    return {
        **{name: os.environ[name] for name in PASSED_ON if name in os.environ},
        "HOME": home,
        "IPYTHONDIR": f"{home}/ipython",
        "JUPYTER_CONFIG_DIR": f"{home}/jupyter",
        "TMPDIR": f"{home}/tmp",
        "MPLBACKEND": "module://matplotlib_inline.backend_inline",
        "MPLCONFIGDIR": f"{home}/matplotlib",
        "TF_USE_LEGACY_KERAS": "1" if flavour == "2" else "0",
        "KERAS_BACKEND": "tensorflow",
        "TF_CPP_MIN_LOG_LEVEL": "3",
        "CUDA_VISIBLE_DEVICES": "-1",
        # Two images are too few to share out among threads, or to make a kernel of oneDNN's for.
        **(threads if training == "bounded" else {}),
        # Frozen-module and debugger warnings would end up among the student's outputs.
        "PYDEVD_DISABLE_FILE_VALIDATION": "1",
    }
