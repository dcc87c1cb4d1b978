"""What a process may still do once it is confined: no network, few files, so much memory. Linux alone has all of it.

A process confines itself, before its first thread is started and before it has seen what strangers sent. The kernel
holds it, and all that it starts, to that until its end:

- seccomp refuses to open a socket of any kind, and to look into other processes;
- Landlock refuses every file but those that are named, and signals to processes outside;
- resource limits bound memory, the size of a file and the number of open ones, and a crash leaves no image of memory.
"""

import ctypes
import os
import platform
import struct
import sys
import sysconfig
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

LARGEST_FILE = 2**32
"""Bytes of one that is written, at the least: the parts of a large picture lie in one."""
MOST_FILES = 1024
FIRST_TO_GO = 800
"""Of 1000: how readily the system kills this process where memory runs out, before the server that keeps the jobs."""

PARTS = ("memory", "files", "network")

# Beside Python and impasto, what libraries read: themselves, the processor, memory, the time zone. Of processes, only
# this one: others' environments may hold what is secret.
_READ = (
    "/usr", "/lib", "/lib64", "/bin", "/nix/store", "/sys/devices", "/sys/fs/cgroup", "/dev/urandom", "/dev/random",
    "/dev/zero", "/etc/ld.so.cache", "/etc/localtime", "/etc/passwd", "/etc/os-release", "/etc/fonts", "/proc/self",
    "/proc/cpuinfo", "/proc/meminfo", "/proc/stat", "/proc/filesystems", "/proc/sys",
)  # fmt: skip

# System calls by number: where socket, ptrace, process_vm_readv and process_vm_writev differ; those of 2011 and later,
# which are the same everywhere: io_uring_setup, and Landlock's.
_PROCESSORS = {
    "x86_64": (0xC000003E, (41, 101, 310, 311)),
    "aarch64": (0xC00000B7, (198, 117, 270, 271)),
}
_IO_URING_SETUP, _CREATE_RULESET, _ADD_RULE, _RESTRICT_SELF = 425, 444, 445, 446
_PR_SET_NO_NEW_PRIVS, _PR_SET_SECCOMP, _SECCOMP_MODE_FILTER = 38, 22, 2
_OTHER_ABI = 0x40000000
_ALLOW, _REFUSE = 0x7FFF0000, 0x00050001  # the second: EPERM

# Landlock's rights on files, by the bits of linux/landlock.h: to execute, write, read and list; then what becomes of
# folders' entries, which are removed, made (folders and regular files alone), moved and truncated.
_EXECUTE, _WRITE_FILE, _READ_FILE, _READ_DIR, _TRUNCATE = 1 << 0, 1 << 1, 1 << 2, 1 << 3, 1 << 14
_CHANGE = _WRITE_FILE | _READ_FILE | _READ_DIR | 1 << 4 | 1 << 5 | 1 << 7 | 1 << 8 | 1 << 13 | _TRUNCATE
_ON_FILES = _EXECUTE | _WRITE_FILE | _READ_FILE | _TRUNCATE


def confine(readable: Iterable[Path] = (), writable: Iterable[Path] = (), *, file_bytes: int = 0) -> dict[str, str]:
    """Confine this process. readable: files and folders beside Python's own. writable: folders, which may be read, too.
    file_bytes: of the largest that is written, where that is more than `LARGEST_FILE`.

    {part of PARTS: why it is not confined}; empty if all of it is.
    """
    if sys.platform != "linux":
        return dict.fromkeys(PARTS, "only Linux can")
    lacking = {}
    steps: tuple[Callable[[], None], ...] = (
        lambda: _limit(max(LARGEST_FILE, file_bytes)),
        lambda: _restrict_files([*_of_python(), *readable], writable),
        _refuse_calls,
    )
    for name, step in zip(PARTS, steps, strict=True):
        try:
            step()
        except OSError as error:
            lacking[name] = error.strerror or str(error)
    return lacking


def _of_python() -> Iterator[Path]:
    folders = (*sys.path, sys.prefix, sys.base_prefix, *sysconfig.get_paths().values())
    libraries = os.environ.get("LD_LIBRARY_PATH", "").split(os.pathsep)
    yield from (Path(name) for name in (*_READ, *folders, *libraries) if name)


# --- memory ----------------------------------------------------------------------------------------------------------


def _limit(file_bytes: int) -> None:
    import resource

    from impasto.device import memory_size

    memory = memory_size()
    bounds = {resource.RLIMIT_CORE: 0, resource.RLIMIT_FSIZE: file_bytes, resource.RLIMIT_NOFILE: MOST_FILES}
    for kind, most in (bounds if memory is None else {**bounds, resource.RLIMIT_DATA: memory}).items():
        hard = resource.getrlimit(kind)[1]
        bound = most if hard == resource.RLIM_INFINITY else min(most, hard)
        resource.setrlimit(kind, (bound, bound))
    Path("/proc/self/oom_score_adj").write_text(str(FIRST_TO_GO))
    if memory is None:
        raise OSError(0, "the system does not say how much memory there is")


# --- files: Landlock -------------------------------------------------------------------------------------------------


def _restrict_files(readable: Iterable[Path], writable: Iterable[Path]) -> None:
    """Raises OSError, if there are threads, too: they would keep their rights."""
    if len(os.listdir("/proc/self/task")) > 1:  # noqa: PTH208
        raise OSError(0, "the process has several threads")
    version = _system(_CREATE_RULESET, None, 0, 1)
    rights = (1 << {1: 13, 2: 14}.get(version, 15)) - 1 | (1 << 15 if version >= 5 else 0)
    # TCP as well, from version 4 on, and signals and abstract sockets from version 6 on, to what is outside.
    attributes = struct.pack("<QQQ", rights, 3, 3)[: 24 if version >= 6 else 16 if version >= 4 else 8]
    ruleset = _system(_CREATE_RULESET, attributes, len(attributes), 0)
    try:
        for path in readable:
            _allow(ruleset, path, _EXECUTE | _READ_FILE | _READ_DIR)
        for path in writable:
            _allow(ruleset, path, rights & _CHANGE)
        _allow(ruleset, Path(os.devnull), rights & (_READ_FILE | _WRITE_FILE))
        _no_new_privileges()
        _system(_RESTRICT_SELF, ruleset, 0)
    finally:
        os.close(ruleset)


def _allow(ruleset: int, path: Path, rights: int) -> None:
    """What is not there, or not for this process, it need not be allowed."""
    try:
        place = os.open(path, os.O_PATH | os.O_CLOEXEC)
    except OSError:
        return
    try:
        given = rights if path.is_dir() else rights & _ON_FILES
        _system(_ADD_RULE, ruleset, 1, struct.pack("<Qi", given, place), 0)
    finally:
        os.close(place)


# --- network: seccomp ------------------------------------------------------------------------------------------------


def _refuse_calls() -> None:
    if platform.machine() not in _PROCESSORS:
        raise OSError(0, f"{platform.system()} on {platform.machine()} has no filter of system calls here")
    audited, refused = _PROCESSORS[platform.machine()]
    program = _filter(audited, (*refused, _IO_URING_SETUP))
    code = ctypes.create_string_buffer(program, len(program))
    # struct sock_fprog: a length, and an address that begins where addresses may.
    shown = struct.pack("@HP", len(program) // 8, ctypes.addressof(code))
    _no_new_privileges()
    _checked(_libc().prctl(_PR_SET_SECCOMP, _SECCOMP_MODE_FILTER, shown, 0, 0))


def _filter(audited: int, refused: Iterable[int]) -> bytes:
    """A program of classic BPF: what is called by the numbers of another processor is refused, as are some numbers."""
    load, equal, at_least, give = 0x20, 0x15, 0x35, 0x06
    numbers = list(refused)
    # (code, steps on if so, steps on if not, value); `seccomp_data` begins with the number, and the processor is next.
    lines = [(load, 0, 0, 4), (equal, 1, 0, audited), (give, 0, 0, _REFUSE), (load, 0, 0, 0)]
    lines.append((at_least, len(numbers) + 1, 0, _OTHER_ABI))
    lines += [(equal, len(numbers) - place, 0, number) for place, number in enumerate(numbers)]
    lines += [(give, 0, 0, _ALLOW), (give, 0, 0, _REFUSE)]
    return b"".join(struct.pack("<HBBI", *line) for line in lines)


# --- calls -----------------------------------------------------------------------------------------------------------


def _libc() -> ctypes.CDLL:
    return ctypes.CDLL(None, use_errno=True)


def _system(number: int, *arguments: int | bytes | None) -> int:
    """Raises OSError."""
    words = [ctypes.c_long(word) if isinstance(word, int) else word for word in arguments]
    return _checked(_libc().syscall(ctypes.c_long(number), *words))


def _no_new_privileges() -> None:
    _checked(_libc().prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0))


def _checked(outcome: int) -> int:
    if outcome < 0:
        code = ctypes.get_errno()
        raise OSError(code, os.strerror(code))
    return outcome
