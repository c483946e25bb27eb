"""Attacks that leave their kernel alive: many of them are cells of one notebook."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from tests.attacks.scene import Scene

__all__ = ["BARE", "BEGIN", "CELLS", "Attack"]

Seen = Callable[[Scene, str], bool]
BARE = frozenset({"bare"})
NO_OWN_VIEW = frozenset({"bare", "landlock"})


@dataclass(frozen=True)
class Attack:
    """One attack.

    Args:
        name: what it tries.
        code: the cell.
        seen: whether it got what it wanted, from the scene and from what it printed.
        open_in: tiers that are known not to stop it.
    """

    name: str
    code: str
    seen: Seen
    open_in: frozenset[str] = BARE


def read(name: str, code: str, open_in: frozenset[str] = BARE) -> Attack:
    """An attack that wants to see a secret."""
    return Attack(name, code, Scene.read, open_in)


def connect(name: str, code: str, bound: str) -> Attack:
    """An attack that wants to reach somebody's socket."""
    return Attack(name, code, lambda scene, output: scene.reached(bound))


def call(name: str, code: str, open_in: frozenset[str] = BARE) -> Attack:
    """An attack on the kernel of the system: the call is not to come back with success."""
    return Attack(name, code, lambda scene, output: f"OPEN {scene.mark}" in output, open_in)


def leave(name: str, code: str, open_in: frozenset[str] = frozenset()) -> Attack:
    """An attack that wants something of it to outlive its run, with the attack's own name in it."""
    word = name.replace(" ", "-")
    return Attack(name, code.replace("$MARK", f"$MARK-{word}"), lambda scene, output: scene.left(word), open_in)


BEGIN = """
import ctypes, os, platform, subprocess, sys
libc = ctypes.CDLL(None, use_errno=True)
x86 = platform.machine() == "x86_64"
def call(on_x86, on_arm, *arguments):
    words = [ctypes.c_long(word) if isinstance(word, int) else word for word in arguments]
    result = libc.syscall(ctypes.c_long(on_x86 if x86 else on_arm), *words)
    print(result, os.strerror(ctypes.get_errno()) if result < 0 else "OPEN " + "$MARK")
    return result
evidence = "/run/grader/evidence" if os.path.isdir("/run/grader/evidence") else os.path.abspath("../evidence")
def show(path):
    descriptor = os.open(path, os.O_RDONLY)
    print(os.read(descriptor, 100_000))
"""

FILES = [
    read("read another submission", "show('$BASE/submissions/other.ipynb')"),
    read("read the reference", "show('$BASE/reference/solution.ipynb')"),
    read("read the store of results", "show('$BASE/results.sqlite')"),
    read("read the home folder", "show('$BASE/home/.netrc')"),
    read(
        "read through the root of other processes",
        "for pid in ('1', '$VICTIM', '$GRADER', str(os.getppid())):\n"
        "    for way in ('root', 'cwd/../../../../../..'):\n"
        "        try:\n            show(f'/proc/{pid}/{way}$BASE/results.sqlite')\n"
        "        except OSError as exc:\n            print(exc)",
    ),
    read("read by a link", "os.symlink('$BASE/results.sqlite', 'link')\nshow('link')"),
    read("read by a hard link", "os.link('$BASE/results.sqlite', 'hard')\nshow('hard')"),
    read("run a program that reads", "print(subprocess.run(['cat', '$BASE/results.sqlite'], capture_output=True))"),
    Attack(
        "read /etc/shadow",
        "show('/etc/shadow')",
        lambda scene, output: "root:" in output,
    ),
    call(
        "list other submissions",
        "print('OPEN $MARK' if 'other.ipynb' in os.scandir('$BASE/submissions').__next__().name else '')",
    ),
    Attack(
        "change another submission",
        "with open('$BASE/submissions/other.ipynb', 'a') as file:\n    file.write('0 points')",
        lambda scene, output: scene.changed(),
    ),
    call(
        "write into Python's packages",
        "os.close(os.open(os.path.dirname(os.__file__) + '/$MARK', os.O_CREAT | os.O_WRONLY))\n"
        "os.unlink(os.path.dirname(os.__file__) + '/$MARK')\nprint('OPEN $MARK')",
    ),
    call(
        "write into the weights store",
        "path = ('/run/grader/weights' if 'run' in evidence.split('/')[1] else '$BASE/store') + '/$MARK'\n"
        "os.close(os.open(path, os.O_CREAT | os.O_WRONLY))\nos.unlink(path)\nprint('OPEN $MARK')",
    ),
    call("write into /proc/sys", "open('/proc/sys/vm/swappiness', 'r+').close()\nprint('OPEN $MARK')"),
    Attack(
        "leak a file through the evidence",
        "for name in ('snapshot-7.safetensors', 'model-9.json'):\n"
        "    os.symlink('$BASE/results.sqlite', f'{evidence}/{name}')\n"
        "os.symlink('$BASE', evidence + '/folder')\n"
        "os.mkfifo(evidence + '/snapshot-8.safetensors')",
        lambda scene, output: scene.token in scene.evidence,
        frozenset(),
    ),
]

SECRETS = [
    read("read the grader's environment", "print(dict(os.environ))", frozenset()),
    read(
        "read the environment of any process",
        "for pid in os.listdir('/proc'):\n    try:\n        show(f'/proc/{pid}/environ')\n    except OSError:\n        pass",
    ),
    read(
        "read the memory of a process",
        "import ctypes\n"
        "class Vector(ctypes.Structure):\n    _fields_ = [('base', ctypes.c_void_p), ('size', ctypes.c_size_t)]\n"
        "room = ctypes.create_string_buffer(200)\n"
        "here, there = Vector(ctypes.addressof(room), 200), Vector($ADDRESS, 200)\n"
        "libc.process_vm_readv($VICTIM, ctypes.byref(here), 1, ctypes.byref(there), 1, 0)\nprint(room.raw)",
    ),
    read(
        "read /proc/PID/mem", "file = os.open('/proc/$VICTIM/mem', os.O_RDONLY)\nprint(os.pread(file, 200, $ADDRESS))"
    ),
    call("list other people's processes", "print('OPEN $MARK' if '$VICTIM' in os.listdir('/proc') else '')", BARE),
]

NETWORK = [
    connect("TCP", "import socket\nsocket.create_connection(('127.0.0.1', $TCP), 2)", "tcp"),
    connect("TCP by IPv6", "import socket\nsocket.create_connection(('::1', $TCP6), 2)", "tcp6"),
    connect(
        "UDP",
        "import socket\nsocket.socket(socket.AF_INET, socket.SOCK_DGRAM).sendto(b'x', ('127.0.0.1', $UDP))",
        "udp",
    ),
    connect(
        "somebody's socket in a file", "import socket\nsocket.socket(socket.AF_UNIX).connect('$BASE/socket')", "unix"
    ),
    connect(
        "datagrams to a socket in a file",
        "import socket\nsocket.socket(socket.AF_UNIX, socket.SOCK_DGRAM).sendto(b'x', '$BASE/datagrams')",
        "datagram",
    ),
    connect(
        "somebody's abstract socket", "import socket\nsocket.socket(socket.AF_UNIX).connect('\\0$MARK')", "abstract"
    ),
    connect(
        "a program that connects", "print(subprocess.run(['bash', '-c', 'echo > /dev/tcp/127.0.0.1/$TCP']))", "tcp"
    ),
    call("netlink", "call(41, 198, 16, 3, 0)"),
    call("packets", "call(41, 198, 17, 3, 0)"),
    call("vsock", "call(41, 198, 40, 1, 0)"),
]

PROCESSES = [
    Attack("stop a process", "os.kill($VICTIM, 19)", lambda scene, output: scene.hurt()),
    Attack(
        "kill by a handle",
        "import signal\nsignal.pidfd_send_signal(os.pidfd_open($VICTIM), 19)",
        lambda scene, output: scene.hurt(),
    ),
    call("ptrace", "call(101, 117, 16, $VICTIM, 0, 0)"),
    call("take another process's files", "call(438, 438, os.pidfd_open($VICTIM), 0, 0)"),
    Attack("kill a process", "os.kill($VICTIM, 9)", lambda scene, output: scene.hurt()),
]

SYSTEM = [
    call("new namespaces", "call(272, 97, 0x10000000)"),
    call(
        "clone into new namespaces", "pid = call(56, 220, 0x10000000 | 17, 0, 0, 0, 0)\nif pid == 0:\n    os._exit(0)"
    ),
    call(
        "clone3",
        "room = (ctypes.c_uint64 * 11)(0x10000000, 0, 0, 0, 17)\n"
        "pid = call(435, 435, ctypes.byref(room), 88)\nif pid == 0:\n    os._exit(0)",
    ),
    call("mount", "call(165, 40, b'none', b'/tmp', b'tmpfs', 0, 0)", frozenset({"bare"})),
    call("new mounts", "call(428, 428, -100, b'/', 1)"),
    call("setns", "call(308, 268, os.open('/proc/self/ns/uts', os.O_RDONLY), 0)"),
    call("chroot", "call(161, 51, b'/')"),
    call("a device", "os.mknod('device', 0o60600, os.makedev(8, 0))\nprint('OPEN $MARK')"),
    call("bpf", "room = (ctypes.c_uint32 * 32)(2, 4, 4, 1)\ncall(321, 280, 0, ctypes.byref(room), 128)"),
    call("perf events", "room = (ctypes.c_uint32 * 32)(1, 128)\ncall(298, 241, ctypes.byref(room), 0, -1, -1, 0)"),
    call("userfaultfd", "call(323, 282, 1)"),
    call("keys", "call(250, 219, 0, -3, 1)"),
    call("io_uring", "room = (ctypes.c_uint32 * 30)()\ncall(425, 425, 1, ctypes.byref(room))"),
    call(
        "file handles",
        "call(303, 264, -100, b'/', ctypes.byref((ctypes.c_uint32 * 40)(128)), ctypes.byref(ctypes.c_int()), 0)",
    ),
    call("personality", "call(135, 92, 0x0040000)"),
    call("become root", "os.setuid(0) if os.geteuid() else os.setgroups([0, 4])\nprint('OPEN $MARK')"),
    call("be counted as root again", "os.setreuid(0, 0)\nprint('OPEN $MARK')"),
    call(
        "sudo and su",
        "print(subprocess.run(['su', '-c', 'echo OPEN $MARK'], capture_output=True, text=True, stdin=subprocess.DEVNULL).stdout)",
    ),
    call("raise a limit", "import resource\nresource.setrlimit(resource.RLIMIT_DATA, (-1, -1))\nprint('OPEN $MARK')"),
    call("escape from being killed first", "open('/proc/self/oom_score_adj', 'w').write('-1000')\nprint('OPEN $MARK')"),
]

DAEMON = (
    "import signal\n"
    "for way in range(3):\n"
    "    if os.fork() == 0:\n"
    "        os.setsid()\n"
    "        [signal.signal(number, signal.SIG_IGN) for number in (1, 2, 15)]\n"
    "        if os.fork():\n            os._exit(0)\n"
    "        os.execv(sys.executable, [sys.executable, '-c', 'import time; time.sleep(900)', '$MARK'])\n"
)

REMAINS = [
    leave("daemons", DAEMON),
    leave("nohup", "subprocess.Popen(['nohup', 'sh', '-c', 'sleep 900; : $MARK'], start_new_session=True)"),
    leave("temporary file", "open('/tmp/$MARK', 'w').write('x')", BARE),
    leave("shared memory", "open('/dev/shm/$MARK', 'w').write('x')", BARE),
    leave("file beside the others", "open('$BASE/$MARK', 'w').write('x')", BARE),
    Attack("System V shared memory", "call(29, 194, 0x$KEY, 4096, 0o1666)", lambda scene, output: scene.shared()),
]

CELLS: list[Attack] = [*FILES, *SECRETS, *NETWORK, *PROCESSES, *SYSTEM, *REMAINS]
