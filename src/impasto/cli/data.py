"""`impasto data`: public data sets, fetched; any pictures, checked."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from cyclopts import App, Parameter

from impasto.cli.data_check import look_at, raise_unreadable
from impasto.cli.flags import EVERY_PARAMETER
from impasto.cli.terminal import Screen, write
from impasto.errors import DataError, OptionError, suggestion_or_list

if TYPE_CHECKING:
    from impasto.cli.failures import Failure
    from impasto.cli.terminal import Count
    from impasto.data.check import Findings
    from impasto.data.folders import PictureFile

app = App(name="data", default_parameter=EVERY_PARAMETER, help_format="plaintext")


@app.command(name="list")
def list_data() -> int:
    """List the data sets that can be fetched: how large they are, what A and B show, and which paper uses them."""
    from impasto.data.archives import ARCHIVES

    for archive in ARCHIVES.values():
        size = f"{archive.num_bytes / 1e6:,.0f} MB" if archive.num_bytes else "?"
        used = f" (used by {archive.papers})" if archive.papers else ""
        hashed = "" if archive.sha256 else "; no hash of it is published"
        write(f"{archive.name:24} {size:>8}  {archive.origin}{used}{hashed}")
    return 0


@app.command
def fetch(
    name: Annotated[str, Parameter(help="one of the names in `impasto data list`")],
    /,
    *,
    out: Annotated[Path, Parameter(help="folder that the data set's own folder comes into")] = Path("datasets"),
    sha256: Annotated[
        str | None, Parameter(metavar="HEX", help="hash that the archive must have, instead of the known one")
    ] = None,
) -> int:
    """Download and unpack a data set, and print where it lies. Called again, it goes on where it was stopped.

    The pictures have licences of their own; impasto neither holds nor passes on any of them.
    """
    from impasto.data.archives import ARCHIVES, fetch_dataset

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
    return 0


@app.command
def check(
    *folders: Annotated[Path, Parameter(help="folders or tars of pictures, or a folder with trainA and trainB in it")],
    crop: Annotated[int, Parameter(metavar="PX", help="side of the training's crops")] = 256,
) -> int:
    """Look at every picture: how many there are, which cannot be read, which are in there twice or too small."""
    from impasto.data.check import warnings_of
    from impasto.data.folders import list_pictures
    from impasto.data.layout import find_layout

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
    findings = look_at(pictures, screen)
    for kind in pictures:
        write(_described(kind, findings))
    for warning in warnings_of(findings, side=crop):
        write(warning)
    for copy in findings.copies:
        write(f"copy: {copy.second} is {copy.first}")
    if failures or findings.unreadable:
        raise_unreadable(findings.unreadable, pictures, "cannot be read", failures)
    return 0


def _described(kind: str, findings: "Findings") -> str:
    facts = [findings.facts[picture] for picture in dict.fromkeys(findings.pictures[kind])]
    sides = [min(picture.width, picture.height) for picture in facts]
    span = f", shorter sides from {min(sides)} to {max(sides)} pixels" if sides else ""
    return f"{kind}: {len(facts):,} pictures{span}"


def _megabytes(count: "Count", said: str) -> Callable[[int, int], None]:
    return lambda done, total: count(done // 10**6, total // 10**6, f"MB {said}")
