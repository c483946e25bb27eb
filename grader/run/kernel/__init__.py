"""How a kernel starts: one file a way."""

from grader.run.kernel._base import KernelStarter
from grader.run.kernel.cold import ColdKernel

__all__ = ["ColdKernel", "KernelStarter"]
