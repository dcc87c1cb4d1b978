"""What `impasto train` and `impasto data check` do with pictures before anybody learns from them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from impasto.cli.failures import Failure, SomeFailedError
from impasto.cli.terminal import Screen
from impasto.errors import CheckpointError, DataError

if TYPE_CHECKING:
    from accelerate import Accelerator

    from impasto.data.check import Findings
    from impasto.data.folders import PictureFile

MANY = 500
"""Pictures, from which on looking at them takes long enough to be told where no bar shows it."""

ONE_KIND = ""
"""The kind of all pictures where a recipe does not tell kinds apart."""


@dataclass(frozen=True, kw_only=True)
class Checked:
    """data: what the recipe is given, without the pictures that cannot be read. findings: of the first process."""

    data: Any
    findings: "Findings | None"
    screen: Screen

    def refuse_others(self, run: Path, facts: Mapping[str, Any]) -> None:
        """Raises CheckpointError, with the names that differ, if there is a run that learns from other pictures.

        facts: its settings, as they would be now.
        """
        from impasto.data.check import CACHE, changes_since
        from impasto.files import read_json

        assert self.findings is not None
        before = read_json(run / "config.json")
        if (
            not isinstance(before, dict)
            or before.get("picture_names", facts["picture_names"]) == facts["picture_names"]
        ):
            return
        raise CheckpointError(
            f"{run}: holds a run that learns from other pictures; choose another folder, or give it those that it began"
            f" with (pictures was {before.get('pictures')} and is now {facts['pictures']};"
            f" {changes_since(run / CACHE, self.findings.facts)})"
        )

    def remember(self, run: Path, *, side: int) -> None:
        """Say what stands out, and leave in the run's folder what a resumed run need not look at again."""
        from impasto.data.check import CACHE, warnings_of, write_cache

        assert self.findings is not None
        for warning in warnings_of(self.findings, side=side):
            self.screen.note(f"note: {warning}")
        write_cache(run / CACHE, self.findings)


def with_shards(data: Any, accelerator: "Accelerator", screen: Screen) -> Any:
    """The same with a shard's pictures in the place of its address; only the first process asks for them.

    data: folders and, as texts, addresses of shards; or {kind: these}. Raises DataError, in the first process, for a
    shard that cannot be used.
    """
    from accelerate.utils import broadcast_object_list

    from impasto.data.shards import pictures_at

    kinds = data if isinstance(data, dict) else {ONE_KIND: data}
    addresses = [one for places in kinds.values() for one in places if isinstance(one, str)]
    if not addresses:
        return data
    by_address: dict[str, Any] = {}
    if accelerator.is_main_process:
        for address in dict.fromkeys(addresses):
            with screen.counting(f"reading the headers of {address}") as count:
                by_address[address] = pictures_at([address], count)
    [by_address] = broadcast_object_list([by_address])
    listed = {
        kind: [one for place in places for one in (by_address[place] if isinstance(place, str) else [place])]
        for kind, places in kinds.items()
    }
    return listed if isinstance(data, dict) else listed[ONE_KIND]


def check_data(data: Any, run: Path, accelerator: "Accelerator | None", screen: Screen, *, skip: bool) -> Checked:
    """Look at every picture of a run before it begins; only the first process does, and tells the others.

    What is elsewhere is only looked at where `skip` demands it, which means to read all of it.

    data: folders, or {kind: folders}. accelerator: None for a process that is alone. skip: leave out what cannot be
        read. Raises DataError for what `list_pictures` refuses, and, unless it is skipped, SomeFailedError with the
        name of every picture that cannot be read.
    """
    from accelerate.utils import broadcast_object_list

    from impasto.data.check import CACHE
    from impasto.data.folders import is_elsewhere, list_pictures

    kinds = data if isinstance(data, dict) else {ONE_KIND: data}
    pictures = {kind: list_pictures(folders, shards=True) for kind, folders in kinds.items()}
    is_first = accelerator is None or accelerator.is_main_process
    here = {kind: [one for one in files if skip or not is_elsewhere(one)] for kind, files in pictures.items()}
    count = sum(map(len, here.values()))
    if count >= MANY and not screen.has_bars:
        screen.note(f"looking at {count:,} pictures")
    findings = look_at(here, screen, run / CACHE) if is_first else None
    unreadable = findings.unreadable if findings else []
    if accelerator is not None:
        [unreadable] = broadcast_object_list([unreadable])
    if unreadable and not skip:
        raise_unreadable(unreadable, pictures, "cannot be read; take them out, or train with --skip-unreadable")
    if unreadable:
        names = {picture for picture, _ in unreadable}
        screen.note(f"note: {len(names)} pictures cannot be read and are left out:")
        for picture, reason in unreadable:
            screen.note(f"  {picture}: {reason}")
        kinds = {kind: [picture for picture in files if picture not in names] for kind, files in pictures.items()}
        for kind, left in kinds.items():
            if not left:
                raise DataError(f"no picture {f'of {kind} ' if kind else ''}can be read")
    return Checked(data=kinds if isinstance(data, dict) else kinds[ONE_KIND], findings=findings, screen=screen)


def look_at(pictures: Mapping[str, Sequence["PictureFile"]], screen: Screen, cache: Path | None = None) -> "Findings":
    """`check_pictures` behind a progress bar."""
    from impasto.data.check import check_pictures

    with screen.counting("looking at the pictures") as count:
        return check_pictures(pictures, cache=cache, progress=count)


def raise_unreadable(
    unreadable: Sequence[tuple["PictureFile", str]],
    pictures: Mapping[str, Sequence["PictureFile"]],
    what: str,
    folders: Sequence[Failure] = (),
) -> None:
    """Raises SomeFailedError, which names every one of them, and every folder of which nothing is known."""
    total = len({picture for files in pictures.values() for picture in files}) + len(folders)
    failures = [(str(picture), DataError(f"{picture}: {reason}")) for picture, reason in unreadable]
    raise SomeFailedError([*folders, *failures], total, f"pictures {'and folders ' if folders else ''}{what}")
