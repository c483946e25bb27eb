"""A process that has imported TensorFlow and Keras, and that kernels are forked from. Linux only.

    grader: Zygote ── Keras, kind of training; then a fork each time ──▶ process

Nothing heavy is imported here: a zygote is started before the grader has read what it is to do.
"""

from grader.run.zygote.ahead import started_ahead, zygote_ahead
from grader.run.zygote.handle import Zygote, can_fork

__all__ = ["Zygote", "can_fork", "started_ahead", "zygote_ahead"]
