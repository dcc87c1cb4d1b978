"""`impasto batch`: very many pictures, on this machine's cores or on a cluster."""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import Group, Parameter

from impasto.cli.failures import Failure, SomeFailedError
from impasto.cli.flags import Flags, PixelLimit, Quiet, check_least, flag, given, method_flags
from impasto.cli.pictures import check_paintings, find_style
from impasto.cli.terminal import Screen, write
from impasto.device import choose_device
from impasto.errors import OptionError, PictureError, from_extra
from impasto.methods import StylizeOptions
from impasto.progress import interrupt, stoppable

if TYPE_CHECKING:
    from impasto.batch.run import Executor
    from impasto.batch.task import Outcome

HERE, LISTED = "here", 50
_OPTIONS = method_flags()


@dataclass(frozen=True, kw_only=True)
class BatchOutput(Flags, group=Group.create_ordered("What to write")):
    """Where paintings go."""

    output: str | None = flag("folder, or NAME.tar for shards; path or address", alias="-o")
    format: str | None = flag("of all paintings; each content's if not given", choices=("png", "jpg", "webp", "tiff"))
    bits: str | None = flag("per channel; the content's if not given", choices=("8", "16"))
    per_shard: int = flag("paintings in each shard, where --output is NAME.tar", 1000, metavar="N")
    overwrite: bool = flag("replace what is there and is not this very painting; never inputs", False)
    ledger: str | None = flag(
        "Parquet file that says what became of every input; ledger.parquet in the output if not given",
        metavar="ADDRESS",
    )


@dataclass(frozen=True, kw_only=True)
class BatchRun(Flags, group=Group.create_ordered("Where to run")):
    """Where and how it is done."""

    on: str = flag(
        "here: in processes of this machine; local-ray: in Ray on this machine; or the address of a Ray cluster, such"
        " as ray://head:10001, head:6379, or auto for the one that this machine belongs to",
        HERE,
        metavar="WHERE",
    )
    workers: int | None = flag("at most; if not given, here one for every core or one GPU, on Ray all", metavar="N")
    threads: int = flag("cores of each worker", 1, metavar="N")
    gpus: float = flag("GPUs of each worker on Ray, such as 1 or 0.5", 0, metavar="N")
    device: str = flag("of workers here: auto, cpu, cuda, cuda:1, mps", "auto")
    weights: Path | None = flag("file of weights, as for impasto stylize")
    pixel_limit: PixelLimit = None
    json: bool = flag("print one JSON row per input, nothing else", False)
    quiet: Quiet = False


def batch(
    inputs: Annotated[
        list[str] | None,
        Parameter(
            help="folders with those below, globs, LIST.txt, SHARD.tar, MANIFEST.parquet, pictures: paths, or addresses"
            " such as s3://bucket/photos/"
        ),
    ] = None,
    /,
    *,
    style: Annotated[
        list[str] | None, Parameter(alias="-s", help="painting, by path, address or name; several are blended")
    ] = None,
    options: Any = _OPTIONS,
    how: BatchOutput = BatchOutput(),
    run: BatchRun = BatchRun(),
) -> None:
    """Paint very many pictures in one style, or each in its own.

    A painting keeps the path of its content, seen from the folder that was given. What is there is skipped.
    """
    if not inputs:
        raise OptionError("INPUTS are missing: the pictures to paint, which stand before --style")
    if how.output is None:
        raise OptionError("--output is missing: the folder, or NAME.tar for shards, to write to")
    _check(how, run)
    chosen = StylizeOptions(**given(options))
    screen = Screen(quiet=run.quiet, results=not run.json)
    with from_extra("scale", "impasto batch"):
        from impasto.addresses import is_remote
        from impasto.batch.run import Batch
        from impasto.batch.task import Settings, carried_weights
        from impasto.image import DEFAULT_PIXEL_LIMIT
    check_paintings([find_style(word) for word in style or () if not is_remote(word)], chosen)
    settings = Settings(
        device=_device(run),
        weights=None if run.weights is None else carried_weights(run.weights),
        pixel_limit=run.pixel_limit or DEFAULT_PIXEL_LIMIT,
        threads=run.threads,
        bits=None if how.bits is None else int(how.bits),
        overwrite=how.overwrite,
    )
    work = Batch(
        inputs, settings, output=how.output, options=chosen, styles=style or (), format=how.format,
        per_shard=how.per_shard, ledger=how.ledger,
    )  # fmt: skip
    _follow(work.run(_executor(run)), work.total, work.ledger, screen, json=run.json)


def _check(how: BatchOutput, run: BatchRun) -> None:
    check_least(1, per_shard=how.per_shard, workers=run.workers, threads=run.threads)
    check_least(0, gpus=run.gpus)
    if run.gpus and run.on == HERE:
        raise OptionError("--gpus is for Ray; here --device says what paints")
    if run.on != HERE and run.device != "auto":
        raise OptionError("--device is for workers here; on Ray --gpus says what paints")
    if how.bits == "16" and how.format in ("jpg", "webp"):
        raise OptionError(f"--bits 16 is for PNG and TIFF, but --format is {how.format}")


def _device(run: BatchRun) -> str:
    """Of every worker. Raises OptionError if it is not there."""
    if run.on != HERE:
        return "cuda" if run.gpus else "cpu"
    return str(choose_device(run.device))


def _executor(run: BatchRun) -> "Executor":
    if run.on == HERE:
        from impasto.batch import local

        cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
        usual = max(1, cores // run.threads) if _device(run) == "cpu" else 1
        return partial(local.run, workers=run.workers or usual)
    with from_extra("scale", "--on"):
        from impasto.batch import on_ray
    return partial(on_ray.run, cluster=on_ray.Cluster(run.on, run.workers, run.gpus))


def _follow(rows: "Iterator[Outcome]", total: int, ledger: str, screen: Screen, *, json: bool) -> None:
    """Show what comes, and at the end what failed."""
    from impasto.record import to_text

    counts = {"done": 0, "skipped": 0, "failed": 0}
    failures: list[Failure] = []
    with stoppable(interrupt), screen.counting("painting") as count:
        for row in rows:
            counts[row.state] += 1
            count(sum(counts.values()), total, f"{counts['failed']} failed" if counts["failed"] else "")
            if json:
                write(to_text(row.to_json()))
            if row.state == "failed":
                failures.append((row.input, PictureError(row.reason)))
    screen.result(", ".join(f"{number} {state}" for state, number in counts.items()) + f"; {ledger} says of what")
    if failures:
        error = SomeFailedError(failures, total, "could not be painted")
        # Of a million pictures more may have failed than anybody reads.
        if len(failures) > LISTED:
            error.__notes__[LISTED:] = [f"and {len(failures) - LISTED} more, which the ledger names"]
        raise error
