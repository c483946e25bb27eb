"""A process that has imported TensorFlow and Keras, and that kernels are forked from. Linux only.

    grader: Zygote ── Keras, kind of training; then a fork each time ──▶ process

Nothing heavy is imported here: a zygote is started before the grader has read what it is to do.
"""

from grader.run.zygote.ahead import foretell, started_ahead, zygote_ahead
from grader.run.zygote.handle import Kind, Zygote, can_fork

__all__ = ["Kind", "Zygote", "can_fork", "foretell", "started_ahead", "zygote_ahead"]
