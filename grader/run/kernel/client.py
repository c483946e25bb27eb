"""The grader's end of the line to a kernel."""

from __future__ import annotations

import time
from queue import Empty
from typing import Any

import zmq
import zmq.asyncio
from jupyter_client.asynchronous.client import AsyncKernelClient

__all__ = ["PromptClient"]

REPLY = 1.0
"""Seconds to wait for an answer before asking again: the first question may come before the kernel listens."""
RECONNECT = 5
"""Milliseconds until a socket is tried again: the kernel is asked for it before it is there."""
IDLE = 0.2
"""Seconds for the other channel to say so too, where it is connected already."""


class PromptClient(AsyncKernelClient):
    """Takes a kernel for ready as soon as it is, where jupyter_client waits until nothing has come for a while."""

    def _context_default(self) -> zmq.asyncio.Context:
        context: zmq.asyncio.Context = super()._context_default()
        context.setsockopt(zmq.RECONNECT_IVL, RECONNECT)
        return context

    async def wait_for_ready(self, timeout: float | None = None) -> None:
        """Return once the kernel has answered on both channels.

        What came before the answer is read by then, because messages keep their order.

        Raises:
            RuntimeError: the kernel died, or did not answer in time.
        """
        deadline = time.monotonic() + (timeout or float("inf"))
        while not await self._answers(self.kernel_info()):
            if not await self.is_alive():
                raise RuntimeError("Kernel died before replying to kernel_info")
            if time.monotonic() > deadline:
                raise RuntimeError(f"Kernel didn't respond in {timeout} seconds")

    async def _answers(self, question: str) -> bool:
        try:
            reply = await self.get_shell_msg(timeout=REPLY)
            if reply["msg_type"] != "kernel_info_reply":
                return False
            while not is_idle(await self.get_iopub_msg(timeout=IDLE), question):
                pass
        except Empty:
            return False
        self._handle_kernel_info_reply(reply)
        return True


def is_idle(message: dict[str, Any], question: str) -> bool:
    """Whether the kernel says that it is done with this question."""
    of_it = bool(message["parent_header"].get("msg_id") == question)
    return of_it and bool(message["content"].get("execution_state") == "idle")
