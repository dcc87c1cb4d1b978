"""Starting a training on several devices, of several machines: torchrun's own engine, one `impasto train` for each."""

import logging
import os
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from impasto.cli.flags import Device, Flags, check_least, flag
from impasto.cli.terminal import Screen, write
from impasto.device import choose_device
from impasto.errors import ImpastoError, OptionError
from impasto.progress import stoppable

FAILED, INTERRUPTED = 1, 130

STOPPED = "stopped"
"""File that processes leave for the command that started them."""

SHUTDOWN_SECONDS = 600
"""How long processes may take to save before they are killed."""


@dataclass(frozen=True, kw_only=True)
class Machines(Flags):
    """What a run is trained on: how many processes on each of how many machines, and where these meet."""

    device: Device = "auto"
    precision: Literal["fp32", "bf16"] = flag("of the networks' arithmetic", "fp32")
    devices: int | None = flag(
        "GPUs of each machine to train on, or processes where there is no GPU; started with torchrun", metavar="N"
    )
    nodes: int = flag("machines to train on; give the same command to each of them", 1, metavar="N")
    rendezvous: str | None = flag("where the machines meet: one of them, and a port that is free", metavar="HOST:PORT")
    restarts: int = flag(
        "times that all go on from the last state where a process or a machine is lost", 0, metavar="N"
    )

    @property
    def count(self) -> int:
        """In all; as many as torchrun has started, if nothing is said."""
        return _started() or 1 if self.devices is None and self.nodes == 1 else (self.devices or 1) * self.nodes

    @property
    def has_to_start(self) -> bool:
        """Whether this is the command that starts them, and not one of them."""
        return not _started() and self.count > 1

    def check(self) -> None:
        """Raises OptionError where this contradicts itself, the machine, or what torchrun has started already."""
        check_least(1, devices=self.devices, nodes=self.nodes)
        check_least(0, restarts=self.restarts)
        started = _started()
        if started and started != self.count:
            asked = f"--nodes is {self.nodes} and " if self.nodes > 1 else ""
            raise OptionError(f"{asked}--devices is {self.devices}, but torchrun has started {started} processes")
        if started:
            return
        if self.nodes > 1 and self.rendezvous is None:
            raise OptionError(
                f"--nodes is {self.nodes}, but nothing says where the machines meet: --rendezvous HOST:PORT, of which"
                " HOST is one of them"
            )
        if self.rendezvous is not None and not self.rendezvous.rpartition(":")[2].isdecimal():
            raise OptionError(f"--rendezvous is '{self.rendezvous}', but must be HOST:PORT")
        if self.has_to_start:
            _check_devices(self.devices or 1, self.device)
        elif self.rendezvous is not None or self.restarts:
            raise OptionError("--rendezvous and --restarts are for more processes than one: --devices, --nodes")


def _started() -> int:
    """Processes that torchrun has started, this one among them; 0 without it."""
    return int(os.environ.get("WORLD_SIZE", "0"))


def is_restarted() -> bool:
    """Whether torchrun's engine has begun this process again, because one of the run was lost."""
    return int(os.environ.get("TORCHELASTIC_RESTART_COUNT", "0")) > 0


def end_with_launcher() -> None:
    """Let this process not outlive what has started it: the others would wait for a machine that is given up."""
    if "TORCHELASTIC_RUN_ID" not in os.environ:
        return
    launcher = os.getppid()

    def watch() -> None:
        while os.getppid() == launcher:
            time.sleep(1)
        os._exit(FAILED)

    threading.Thread(target=watch, daemon=True).start()


def leave_stopped() -> bool:
    """Tell the command that has started this process, if there is one, that the run was stopped and saved.

    By a file and not by an exit code, after which other machines would begin the run again.
    """
    from impasto.training.loop import STOP_FILE

    file = os.environ.get(STOP_FILE)
    if file is not None:
        Path(file).with_name(STOPPED).touch()
    return file is not None


def _check_devices(devices: int, device: str) -> None:
    chosen = choose_device(device)
    if ":" in device or chosen.type == "mps":
        raise OptionError(f"--devices is {devices}, but --device {device} is a single one")
    if chosen.type == "cuda":
        import torch

        there = torch.cuda.device_count()
        if devices > there:
            raise OptionError(f"--devices is {devices}, but PyTorch sees {there} CUDA devices here")


def start(machines: Machines) -> int:
    """Run this process's own command line in the processes of this machine; returns the exit code.

    The first process writes to the terminal. Ctrl-C lets all of them, on all machines, finish the step and save; a
    second one ends those of this machine. Raises ImpastoError where machines do not find each other.
    """
    from torch.distributed import DistError
    from torch.distributed.elastic.multiprocessing import DefaultLogsSpecs, Std
    from torch.distributed.elastic.multiprocessing.errors import ChildFailedError
    from torch.distributed.elastic.rendezvous import RendezvousError
    from torch.distributed.launcher.api import LaunchConfig, elastic_launch

    count, alone = machines.devices or 1, machines.nodes == 1
    with tempfile.TemporaryDirectory(prefix="impasto-") as folder, _environment(count, folder) as stop:
        config = LaunchConfig(
            min_nodes=machines.nodes, max_nodes=machines.nodes, nproc_per_node=count, max_restarts=machines.restarts,
            run_id="impasto", rdzv_backend="c10d", rdzv_endpoint=machines.rendezvous or "localhost:0",
            local_addr="localhost" if alone else None,
            # What the others say, they all say.
            logs_specs=DefaultLogsSpecs(
                log_dir=str(Path(folder) / "logs"), redirects=dict.fromkeys(range(1, count), Std.ALL)
            ),
            signals_to_handle="SIGHUP,SIGQUIT",
        )  # fmt: skip
        try:
            elastic_launch(config, sys.executable)("-m", "impasto", *sys.argv[1:])
        except ChildFailedError as error:
            if stop.exists():
                return INTERRUPTED
            rank, failure = error.get_first_failure()
            _show_reason(rank, Path(folder))
            return failure.exitcode if failure.exitcode > 0 else FAILED
        except (RendezvousError, DistError) as error:
            raise ImpastoError(
                f"the {machines.nodes} machines of the run did not meet at {machines.rendezvous}, or lost it: {error};"
                " begin again on all of them, with --resume where there is a state"
            ) from error
        return INTERRUPTED if stop.with_name(STOPPED).exists() else 0


@contextmanager
def _environment(count: int, folder: str) -> Iterator[Path]:
    """What the processes inherit, and what the signals to this one mean. Yields the file that asks them to stop."""
    from impasto.training.loop import STOP_FILE

    stop = Path(folder) / "stop"
    settings = {
        STOP_FILE: str(stop),
        "TORCH_ELASTIC_SHUTDOWN_TIMEOUT": str(SHUTDOWN_SECONDS),
        # Otherwise an agent that goes on remembers where processes met before, and never tells one that came anew.
        "TORCH_DISABLE_SHARE_RDZV_TCP_STORE": "1",
        # Otherwise each of them would start as many threads as there are cores.
        "OMP_NUM_THREADS": os.environ.get("OMP_NUM_THREADS") or str(max(1, (os.cpu_count() or 1) // count)),
    }

    def ask() -> None:
        if stop.exists():
            raise KeyboardInterrupt
        Screen().stopping()
        stop.touch()

    before = dict(os.environ)
    os.environ.update(settings)
    # What torchrun says of a process that ended, in a page of its own, that process has said in a line.
    logging.disable(logging.ERROR)
    try:
        with stoppable(ask):
            yield stop
    finally:
        logging.disable(logging.NOTSET)
        os.environ.clear()
        os.environ.update(before)


def _show_reason(rank: int, folder: Path) -> None:
    """The last words of a process that does not write to the terminal."""
    logs = sorted(folder.glob(f"logs/*/attempt_*/{rank}/stderr.log"), key=lambda log: log.stat().st_mtime)
    for log in logs[-1:]:
        lines = log.read_text(errors="replace").strip().splitlines()
        if lines:
            write(f"process {rank + 1}: {lines[-1].removeprefix('impasto: ')}", sys.stderr)
