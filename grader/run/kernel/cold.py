"""A kernel in a new Python process, which imports everything anew. Works everywhere."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from jupyter_client.kernelspec import KernelSpec, KernelSpecManager
from jupyter_client.manager import AsyncKernelManager

from grader.child import python_module
from grader.run.enclosure import Enclosure
from grader.run.environment import kernel_environment
from grader.run.kernel._base import KernelStarter
from grader.run.kernel.client import PromptClient
from grader.run.kernel.monitored import Launch, new_monitor, provide
from grader.run.recorder.config import KernelConfig

__all__ = ["ColdKernel", "new_manager"]


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
