"""Attacks that end their kernel, or want more than they may have: each is a notebook of its own."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["ENDINGS", "Ending"]


@dataclass(frozen=True)
class Ending:
    """One attack with a notebook of its own.

    Args:
        name: what it tries.
        code: the cell.
        breach: the limit that it is stopped at; empty: none.
        status: what becomes of its cell.
        open_in: tiers that are known not to stop it.
        only_in: tiers in which it is tried; empty: all.
    """

    name: str
    code: str
    breach: str = ""
    status: tuple[str, ...] = ("killed",)
    open_in: frozenset[str] = frozenset()
    only_in: frozenset[str] = frozenset()


WALLED = frozenset({"namespaces", "landlock"})

ENDINGS = [
    Ending(
        "fork bomb",
        "import os\nwhile True:\n    try:\n        os.fork()\n    except OSError:\n        pass",
        "processes",
        only_in=WALLED,
    ),
    Ending("memory in small steps", "hog = []\nwhile True:\n    hog.append(bytearray(1_000_000))", "memory"),
    Ending("memory at once", "hog = bytearray(200 * 10**9)", "", ("failed",)),
    Ending(
        "a layer of two billion units",
        "import tensorflow as tf\ntf.keras.Sequential([tf.keras.Input((8,)), tf.keras.layers.Dense(2_000_000_000)])",
        "",
        ("failed",),
    ),
    Ending(
        "memory of many processes",
        "import os, signal\nfor _ in range(6):\n    if os.fork() == 0:\n        hog = b'x' * 400_000_000\n"
        "        signal.pause()\nwhile True:\n    pass",
        "memory",
    ),
    Ending(
        "fill the disk",
        "with open('big', 'wb', buffering=0) as file:\n    while True:\n        file.write(bytes(10**6))",
        "disk",
        ("timed_out", "killed"),
    ),
    Ending(
        "fill the disk with many files",
        "number = 0\nwhile True:\n    number += 1\n    open(f'part{number}', 'wb').write(bytes(10**6))",
        "disk",
        ("timed_out", "killed"),
    ),
    Ending(
        "fill the inodes",
        "number = 0\nwhile True:\n    number += 1\n    open(f'{number}', 'wb').close()",
        "inodes",
        ("timed_out", "killed"),
    ),
    Ending("flood of output", "while True:\n    print('x' * 10_000)", "output", ("timed_out", "killed")),
    Ending(
        "fill stderr",
        "import os\nfor _ in range(100_000):\n    os.write(2, b'x' * 1000)",
        "output",
        ("timed_out", "killed"),
    ),
    Ending(
        "a loop that ignores signals",
        "import signal\nsignal.signal(signal.SIGINT, signal.SIG_IGN)\nwhile True:\n    pass",
        "cell",
    ),
    Ending(
        "signal handlers of its own",
        "import signal\nsignal.signal(signal.SIGINT, lambda *_: None)\nsignal.signal(signal.SIGTERM, lambda *_: None)\n"
        "while True:\n    pass",
        "cell",
    ),
    Ending(
        "kill the parent", "import os\nos.kill(os.getppid(), 9)", "", ("failed", "ran"), frozenset({"bare"}), WALLED
    ),
    Ending(
        "stop the parent", "import os\nos.kill(os.getppid(), 19)", "", ("failed", "ran"), frozenset({"bare"}), WALLED
    ),
    Ending("kill everything", "import os\nos.kill(-1, 9)", "", ("failed", "ran"), frozenset({"bare"}), WALLED),
    Ending("sys.exit", "import sys\nsys.exit('enough')", "", ("ran", "failed", "killed")),
    Ending("os._exit", "import os\nos._exit(0)"),
    Ending(
        "an atexit that hangs",
        "import atexit, threading\natexit.register(lambda: threading.Event().wait())\nexit()",
        "",
        ("ran", "killed"),
    ),
    Ending(
        "threads that outlive the cell",
        "import threading\n[threading.Thread(target=lambda: threading.Event().wait()).start() for _ in range(8)]",
        "",
        ("ran",),
    ),
    Ending(
        "delete its own folders",
        "import os, shutil\nfor folder in (os.getcwd(), os.environ['HOME']):\n    shutil.rmtree(folder, ignore_errors=True)",
        "",
        ("ran",),
    ),
]
