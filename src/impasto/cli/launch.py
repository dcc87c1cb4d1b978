"""Starting a training on several devices: torchrun's own engine, one `impasto train` for each of them."""

import logging
import os
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from impasto.cli.terminal import write
from impasto.errors import OptionError
from impasto.progress import stoppable

FAILED, INTERRUPTED = 1, 130

PATIENCE_SECONDS = 600
"""How long processes may take to save before they are killed."""


@dataclass(frozen=True)
class Wanted:
    """Processes of a run: how many, and whether they still have to be started."""

    count: int
    to_start: bool


def processes(devices: int | None, device: str) -> Wanted:
    """What `--devices` and `--device` ask for, given what torchrun has started already.

    Raises OptionError where they contradict each other or this machine.
    """
    started = int(os.environ.get("WORLD_SIZE", "0"))
    if devices is None:
        return Wanted(max(1, started), to_start=False)
    if devices < 1:
        raise OptionError(f"--devices is {devices}, but must be 1 or more")
    if started:
        if started != devices:
            raise OptionError(f"--devices is {devices}, but torchrun has started {started} processes")
        return Wanted(devices, to_start=False)
    if devices > 1:
        _check_devices(devices, device)
    return Wanted(devices, to_start=devices > 1)


def _check_devices(devices: int, device: str) -> None:
    from impasto.device import choose_device

    chosen = choose_device(device)
    if ":" in device or chosen.type == "mps":
        raise OptionError(f"--devices is {devices}, but --device {device} is a single one")
    if chosen.type == "cuda":
        import torch

        there = torch.cuda.device_count()
        if devices > there:
            raise OptionError(f"--devices is {devices}, but PyTorch sees {there} CUDA devices here")


def start(count: int) -> int:
    """Run this process's own command line in so many processes; returns the exit code.

    The first process writes to the terminal. Ctrl-C lets all of them finish the step and save, a second one ends them.
    """
    from torch.distributed.elastic.multiprocessing import DefaultLogsSpecs, Std
    from torch.distributed.elastic.multiprocessing.errors import ChildFailedError
    from torch.distributed.launcher.api import LaunchConfig, elastic_launch

    with tempfile.TemporaryDirectory(prefix="impasto-") as folder, _environment(count, folder) as stop:
        config = LaunchConfig(
            min_nodes=1, max_nodes=1, nproc_per_node=count, max_restarts=0,
            run_id="impasto", rdzv_backend="c10d", rdzv_endpoint="localhost:0", local_addr="localhost",
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
    return 0


@contextmanager
def _environment(count: int, folder: str) -> Iterator[Path]:
    """What the processes inherit, and what the signals to this one mean. Yields the file that asks them to stop."""
    from impasto.training.loop import STOP_FILE

    stop = Path(folder) / "stop"
    settings = {
        STOP_FILE: str(stop),
        "TORCH_ELASTIC_SHUTDOWN_TIMEOUT": str(PATIENCE_SECONDS),
        # Otherwise each of them would start as many threads as there are cores.
        "OMP_NUM_THREADS": os.environ.get("OMP_NUM_THREADS") or str(max(1, (os.cpu_count() or 1) // count)),
    }

    def ask() -> None:
        if stop.exists():
            raise KeyboardInterrupt
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
    for log in folder.glob(f"logs/*/attempt_0/{rank}/stderr.log"):
        lines = log.read_text(errors="replace").strip().splitlines()
        if lines:
            write(f"process {rank + 1}: {lines[-1].removeprefix('impasto: ')}", sys.stderr)
