"""How a kernel starts: one file a way."""

from grader.run.kernel._base import KernelStarter
from grader.run.kernel.cold import ColdKernel
from grader.run.kernel.lent import Lender, LentKernels
from grader.run.kernel.warm import WarmKernels

__all__ = ["ColdKernel", "KernelStarter", "Lender", "LentKernels", "WarmKernels", "best_for"]


def best_for(notebooks: int) -> KernelStarter:
    """The fastest way for so many notebooks."""
    return WarmKernels(lean=notebooks == 1) if WarmKernels.available() else ColdKernel()
