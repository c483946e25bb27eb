"""A filter of system calls, assembled by hand so that nothing needs to be installed.

It denies what no notebook of this kind needs and what holes in kernels have been found behind: other processes, mounts
and namespaces, the kernel's own programs and keys, and every socket that could leave the machine. Whatever is not named
is allowed. Loaded once, it holds for the process, for all its threads and for all that they start.
"""

from __future__ import annotations

import ctypes
import errno
import struct

from grader.run.isolation._calls import CLONE, SUPPORTED, forbid_new_privileges, machine, syscall

__all__ = ["deny_system_calls", "program"]

EPERM, ENOSYS, EACCES, EAFNOSUPPORT = errno.EPERM, errno.ENOSYS, errno.EACCES, getattr(errno, "EAFNOSUPPORT", 97)

AUDIT_ARCH = {"x86_64": 0xC000003E, "aarch64": 0xC00000B7}
X32 = 0x40000000
"""From here on, x86_64 takes the numbers of another table, which the rules below would miss."""

DENIED: dict[str, tuple[int | None, int | None, int]] = {
    # name: (number on x86_64, number on aarch64, error)
    # Without them the C library falls back on calls whose arguments can be looked at.
    "clone3": (435, 435, ENOSYS),
    "io_uring_setup": (425, 425, ENOSYS),
    "io_uring_enter": (426, 426, ENOSYS),
    "io_uring_register": (427, 427, ENOSYS),
    # Other processes.
    "ptrace": (101, 117, EPERM),
    "process_vm_readv": (310, 270, EPERM),
    "process_vm_writev": (311, 271, EPERM),
    "process_madvise": (440, 440, EPERM),
    "kcmp": (312, 272, EPERM),
    "pidfd_getfd": (438, 438, EPERM),
    "move_pages": (279, 239, EPERM),
    "migrate_pages": (256, 238, EPERM),
    # The kernel itself.
    "bpf": (321, 280, EPERM),
    "perf_event_open": (298, 241, EPERM),
    "userfaultfd": (323, 282, EPERM),
    "add_key": (248, 217, EPERM),
    "request_key": (249, 218, EPERM),
    "keyctl": (250, 219, EPERM),
    "kexec_load": (246, 104, EPERM),
    "kexec_file_load": (320, 294, EPERM),
    "init_module": (175, 105, EPERM),
    "finit_module": (313, 273, EPERM),
    "delete_module": (176, 106, EPERM),
    "syslog": (103, 116, EPERM),
    "reboot": (169, 142, EPERM),
    "acct": (163, 89, EPERM),
    "swapon": (167, 224, EPERM),
    "swapoff": (168, 225, EPERM),
    "iopl": (172, None, EPERM),
    "ioperm": (173, None, EPERM),
    "modify_ldt": (154, None, EPERM),
    "personality": (135, 92, EPERM),
    "lookup_dcookie": (212, 18, EPERM),
    "settimeofday": (164, 170, EPERM),
    "adjtimex": (159, 171, EPERM),
    "clock_settime": (227, 112, EPERM),
    "clock_adjtime": (305, 266, EPERM),
    "sethostname": (170, 161, EPERM),
    "setdomainname": (171, 162, EPERM),
    "vhangup": (153, 58, EPERM),
    # Files behind the walls.
    "mount": (165, 40, EPERM),
    "umount2": (166, 39, EPERM),
    "pivot_root": (155, 41, EPERM),
    "chroot": (161, 51, EPERM),
    "unshare": (272, 97, EPERM),
    "setns": (308, 268, EPERM),
    "open_tree": (428, 428, EPERM),
    "move_mount": (429, 429, EPERM),
    "fsopen": (430, 430, EPERM),
    "fsconfig": (431, 431, EPERM),
    "fsmount": (432, 432, EPERM),
    "fspick": (433, 433, EPERM),
    "mount_setattr": (442, 442, EPERM),
    "mknod": (133, None, EPERM),
    "mknodat": (259, 33, EPERM),
    "name_to_handle_at": (303, 264, EPERM),
    "open_by_handle_at": (304, 265, EPERM),
    "quotactl": (179, 60, EPERM),
    "quotactl_fd": (443, 443, EPERM),
    "fanotify_init": (300, 262, EPERM),
}

SHARED: dict[str, tuple[int | None, int | None, int]] = {
    # What would reach others, or outlive the run, where there are no namespaces.
    "connect": (42, 203, EACCES),
    "shmget": (29, 194, EACCES),
    "semget": (64, 190, EACCES),
    "msgget": (68, 186, EACCES),
    "mq_open": (240, 180, EACCES),
    # As root the kernel is counted as a user of its own, and is to stay that.
    "setreuid": (113, 145, EPERM),
    "setresuid": (117, 147, EPERM),
}

SIGNALS: dict[str, tuple[int | None, int | None, int]] = {
    "tkill": (200, 130, EPERM),
    "rt_sigqueueinfo": (129, 138, EPERM),
    "rt_tgsigqueueinfo": (297, 240, EPERM),
    "pidfd_send_signal": (424, 424, EPERM),
}
SIGNALS_BY_PROCESS = ((62, 129), (234, 131))
"""`kill` and `tgkill`, whose first argument says to whom."""
CLONE_CALL = (56, 220)
IOCTL = (16, 29)
SOCKETS = ((41, 198), (53, 199))
"""`socket` and `socketpair`."""
TIOCSTI, TIOCLINUX = 0x5412, 0x541C
AF_UNIX, SOCK_DGRAM, SOCK_TYPE = 1, 2, 0xF

LOAD, JUMP_EQUAL, JUMP_FROM, JUMP_ANY_BIT, AND, RETURN = 0x20, 0x15, 0x35, 0x45, 0x54, 0x06
ALLOW, ERROR, KILL_PROCESS = 0x7FFF0000, 0x00050000, 0x80000000
NUMBER, ARCHITECTURE, ARGUMENT = 0, 4, 16
"""Where `struct seccomp_data` has them; of each argument the lower half."""

SET_MODE_FILTER, ALL_THREADS = 1, 1


def deny_system_calls(*, others_too: bool, signals_only_to: int | None = None) -> None:
    """Load the filter. It cannot be taken off again.

    Args:
        others_too: deny also what would reach other people's programs where there is no namespace to hide them.
        signals_only_to: the only process that signals may be sent to; None: they may be sent to any.

    Raises:
        OSError: refused, or no table for this machine.
    """
    if machine() not in SUPPORTED:
        raise OSError(ENOSYS, f"no table of system calls for {machine()}")
    code = program(SUPPORTED.index(machine()), others_too, signals_only_to)
    instructions = ctypes.create_string_buffer(code, len(code))

    class Program(ctypes.Structure):
        _fields_ = [("length", ctypes.c_ushort), ("filter", ctypes.c_void_p)]

    filter = Program(len(code) // 8, ctypes.cast(instructions, ctypes.c_void_p))
    forbid_new_privileges()
    syscall("seccomp", SET_MODE_FILTER, ALL_THREADS, ctypes.byref(filter))


def program(column: int, others_too: bool, signals_only_to: int | None = None) -> bytes:
    """The filter's instructions for the machine in this column of the tables."""
    code = [
        instruction(LOAD, ARCHITECTURE),
        instruction(JUMP_EQUAL, AUDIT_ARCH[SUPPORTED[column]], 1, 0),
        instruction(RETURN, KILL_PROCESS),
        instruction(LOAD, NUMBER),
    ]
    if SUPPORTED[column] == "x86_64":
        code += [instruction(JUMP_FROM, X32, 0, 1), refuse(ENOSYS)]
    denied = [*DENIED.values()]
    if others_too:
        denied += SHARED.values()
    if signals_only_to is not None:
        denied += SIGNALS.values()
        for numbers in SIGNALS_BY_PROCESS:
            own = [signals_only_to, 0, -signals_only_to & 0xFFFFFFFF]
            checks = [instruction(JUMP_EQUAL, pid, len(own) - at, 0) for at, pid in enumerate(own)]
            body = [instruction(LOAD, ARGUMENT), *checks, refuse(EPERM), instruction(RETURN, ALLOW)]
            code += within(numbers[column], body)
    for entry in denied:
        if (number := entry[column]) is not None:
            code += [instruction(JUMP_EQUAL, number, 0, 1), refuse(entry[2])]
    new_namespaces = 0
    for flag in CLONE.values():
        new_namespaces |= flag
    code += within(
        CLONE_CALL[column],
        [
            instruction(LOAD, ARGUMENT),
            instruction(JUMP_ANY_BIT, new_namespaces, 0, 1),
            refuse(EPERM),
            instruction(RETURN, ALLOW),
        ],
    )
    code += within(
        IOCTL[column],
        [
            instruction(LOAD, ARGUMENT + 8),
            instruction(JUMP_EQUAL, TIOCSTI, 1, 0),
            instruction(JUMP_EQUAL, TIOCLINUX, 0, 1),
            refuse(EPERM),
            instruction(RETURN, ALLOW),
        ],
    )
    for numbers in SOCKETS:
        body = [instruction(LOAD, ARGUMENT), instruction(JUMP_EQUAL, AF_UNIX, 1, 0), refuse(EAFNOSUPPORT)]
        if others_too:  # Datagrams are sent without connecting first.
            kind = [instruction(LOAD, ARGUMENT + 8), instruction(AND, SOCK_TYPE)]
            body += [*kind, instruction(JUMP_EQUAL, SOCK_DGRAM, 0, 1), refuse(EACCES)]
        code += within(numbers[column], [*body, instruction(RETURN, ALLOW)])
    return b"".join([*code, instruction(RETURN, ALLOW)])


def within(number: int, body: list[bytes]) -> list[bytes]:
    """Instructions that are gone through for this system call only, and end in a return."""
    return [instruction(JUMP_EQUAL, number, 0, len(body)), *body]


def refuse(error: int) -> bytes:
    """End with this error."""
    return instruction(RETURN, ERROR | error)


def instruction(code: int, value: int, if_true: int = 0, if_false: int = 0) -> bytes:
    """`struct sock_filter`."""
    return struct.pack("=HBBI", code, if_true, if_false, value)
