"""`impasto data`: public data sets, fetched; any pictures, checked, as `impasto train` does before it learns."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import App, Parameter

from impasto.cli.failures import Failure, SomeFailedError
from impasto.cli.flags import EVERY_PARAMETER
from impasto.cli.terminal import Count, Screen, write
from impasto.data.archives import ARCHIVES, fetch_dataset
from impasto.data.layout import find_layout
from impasto.errors import CheckpointError, DataError, OptionError, suggestion_or_list
from impasto.files import read_json

if TYPE_CHECKING:
    from accelerate import Accelerator

    from impasto.data.check import Findings
    from impasto.data.folders import PictureFile

app = App(name="data", default_parameter=EVERY_PARAMETER, help_format="plaintext")

MANY = 500
"""Pictures, from which on looking at them takes long enough to be told where no bar shows it."""


@app.command(name="list")
def list_data() -> None:
    """List the data sets that can be fetched: how large they are, what A and B show, and which paper uses them."""
    for archive in ARCHIVES.values():
        size = f"{archive.num_bytes / 1e6:,.0f} MB" if archive.num_bytes else "?"
        used = f" (used by {archive.papers})" if archive.papers else ""
        hashed = "" if archive.sha256 else "; no hash of it is published"
        write(f"{archive.name:24} {size:>8}  {archive.origin}{used}{hashed}")


@app.command
def fetch(
    name: Annotated[str, Parameter(help="one of the names in `impasto data list`")],
    /,
    *,
    out: Annotated[Path, Parameter(help="folder that the data set's own folder comes into")] = Path("datasets"),
    sha256: Annotated[
        str | None, Parameter(metavar="HEX", help="hash that the archive must have, instead of the known one")
    ] = None,
) -> None:
    """Download and unpack a data set, and print where it lies. Called again, it goes on where it was stopped.

    The pictures have licences of their own; impasto neither holds nor passes on any of them.
    """
    archive = ARCHIVES.get(name)
    if archive is None:
        raise OptionError(f"no data set '{name}'{suggestion_or_list(name, ARCHIVES)}")
    screen = Screen()
    with screen.counting(f"fetching {name}") as count:
        fetched = fetch_dataset(
            archive, out, sha256=sha256,
            downloading=_megabytes(count, "downloaded"), unpacking=_megabytes(count, "unpacked"),
        )  # fmt: skip
    if not fetched.is_checked:
        screen.note(
            f"nobody published the hash of this archive: what came has the SHA-256 {fetched.sha256}; --sha256 demands"
            " it the next time"
        )
    screen.result(str(fetched.folder))


@app.command
def check(
    *folders: Annotated[Path, Parameter(help="folders or tars of pictures, or a folder with trainA and trainB in it")],
    crop: Annotated[int, Parameter(metavar="PX", help="side of the training's crops")] = 256,
) -> None:
    """Look at every picture: how many there are, which cannot be read, which are in there twice or too small."""
    from impasto.data.check import warnings_of
    from impasto.data.folders import list_pictures

    if not folders:
        raise OptionError("impasto data check needs a folder")
    pictures: dict[str, list[PictureFile]] = {}
    failures: list[Failure] = []
    for folder in folders:
        prefix = f"{folder}/" if len(folders) > 1 else ""
        try:
            layout = find_layout(folder)
            kinds = {f"{prefix}{kind}": paths for kind, paths in layout.items()} if layout else {str(folder): [folder]}
            pictures |= {kind: list_pictures(paths, shards=True) for kind, paths in kinds.items()}
        except (DataError, OSError) as error:
            failures.append((str(folder), error))
    if failures and not pictures:
        raise failures[0][1]
    screen = Screen()
    findings = _look_at(pictures, screen)
    for kind in pictures:
        write(_described(kind, findings))
    for warning in warnings_of(findings, side=crop):
        write(warning)
    for copy in findings.copies:
        write(f"copy: {copy.second} is {copy.first}")
    if failures or findings.unreadable:
        raise _unreadable(findings.unreadable, pictures, "cannot be read", failures)


def _described(kind: str, findings: "Findings") -> str:
    facts = [findings.facts[picture] for picture in dict.fromkeys(findings.pictures[kind])]
    sides = [min(picture.width, picture.height) for picture in facts]
    span = f", shorter sides from {min(sides)} to {max(sides)} pixels" if sides else ""
    return f"{kind}: {len(facts):,} pictures{span}"


def _megabytes(count: Count, said: str) -> Callable[[int, int], None]:
    return lambda done, total: count(done // 10**6, total // 10**6, f"MB {said}")


# --- before a training -----------------------------------------------------------------------------------------------


def with_shards(
    kinds: Mapping[str, Sequence[Path | str]], accelerator: "Accelerator", screen: Screen
) -> dict[str, list[Any]]:
    """{kind: folders and pictures} of {kind: folders and, as texts, addresses of shards}, whose pictures are named.

    Only the first process asks for them. Raises DataError, in it, for a shard that cannot be used.
    """
    addresses = dict.fromkeys(place for places in kinds.values() for place in places if isinstance(place, str))
    by_address: dict[str, Any] = {}
    if addresses:
        from accelerate.utils import broadcast_object_list

        from impasto.data.shards import pictures_at

        if accelerator.is_main_process:
            for address in addresses:
                with screen.counting(f"reading the headers of {address}") as count:
                    by_address[address] = pictures_at([address], count)
        [by_address] = broadcast_object_list([by_address])
    return {
        kind: [one for place in places for one in (by_address[place] if isinstance(place, str) else [place])]
        for kind, places in kinds.items()
    }


def check_data(
    kinds: Mapping[str, Sequence[Any]], run: Path, accelerator: "Accelerator", screen: Screen, *, skip: bool
) -> tuple[dict[str, Any], "Findings | None"]:
    """Look at every picture of a run before it begins; only the first process does, and tells the others.

    What is elsewhere is only looked at where `skip` demands it, which means to read all of it.

    kinds: {kind: folders}. skip: leave out what cannot be read. Returns the same without it, and what the first process
        found. Raises DataError for what `list_pictures` refuses, and, unless it is skipped, SomeFailedError with the
        name of every picture that cannot be read.
    """
    from accelerate.utils import broadcast_object_list

    from impasto.data.check import CACHE
    from impasto.data.folders import is_elsewhere, list_pictures

    pictures = {kind: list_pictures(folders, shards=True) for kind, folders in kinds.items()}
    here = {kind: [one for one in files if skip or not is_elsewhere(one)] for kind, files in pictures.items()}
    count = sum(map(len, here.values()))
    if count >= MANY and not screen.has_bars:
        screen.note(f"looking at {count:,} pictures")
    findings = _look_at(here, screen, run / CACHE) if accelerator.is_main_process else None
    [unreadable] = broadcast_object_list([findings.unreadable if findings else []])
    if not unreadable:
        return dict(kinds), findings
    if not skip:
        raise _unreadable(unreadable, pictures, "cannot be read; take them out, or train with --skip-unreadable")
    names = {picture for picture, _ in unreadable}
    screen.note(f"note: {len(names)} pictures cannot be read and are left out:")
    for picture, reason in unreadable:
        screen.note(f"  {picture}: {reason}")
    readable = {kind: [picture for picture in files if picture not in names] for kind, files in pictures.items()}
    for kind, left in readable.items():
        if not left:
            raise DataError(f"no picture {f'of {kind} ' if kind else ''}can be read")
    return readable, findings


def refuse_others(findings: "Findings", run: Path, facts: Mapping[str, Any]) -> None:
    """Raises CheckpointError, with the names that differ, if there is a run that learns from other pictures.

    facts: its settings, as they would be now.
    """
    from impasto.data.check import CACHE, changes_since

    before = read_json(run / "config.json")
    if isinstance(before, dict) and before.get("picture_names", facts["picture_names"]) != facts["picture_names"]:
        raise CheckpointError(
            f"{run}: holds a run that learns from other pictures; choose another folder, or give it those that it began"
            f" with (pictures was {before.get('pictures')} and is now {facts['pictures']};"
            f" {changes_since(run / CACHE, findings.facts)})"
        )


def remember(findings: "Findings", run: Path, screen: Screen, *, side: int) -> None:
    """Say what stands out, and leave in the run's folder what a resumed run need not look at again."""
    from impasto.data.check import CACHE, warnings_of, write_cache

    for warning in warnings_of(findings, side=side):
        screen.note(f"note: {warning}")
    write_cache(run / CACHE, findings)


def _look_at(pictures: Mapping[str, Sequence["PictureFile"]], screen: Screen, cache: Path | None = None) -> "Findings":
    from impasto.data.check import check_pictures

    with screen.counting("looking at the pictures") as count:
        return check_pictures(pictures, cache=cache, progress=count)


def _unreadable(
    unreadable: Sequence[tuple["PictureFile", str]],
    pictures: Mapping[str, Sequence["PictureFile"]],
    what: str,
    folders: Sequence[Failure] = (),
) -> SomeFailedError:
    """With the names of all of them, and of the folders of which nothing is known."""
    total = len({picture for files in pictures.values() for picture in files}) + len(folders)
    failures = [(str(picture), DataError(f"{picture}: {reason}")) for picture, reason in unreadable]
    return SomeFailedError([*folders, *failures], total, f"pictures {'and folders ' if folders else ''}{what}")
