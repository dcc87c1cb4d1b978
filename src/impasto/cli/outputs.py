"""Where every painting goes, decided and checked before the first one is begun."""

import os
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from string import Formatter
from typing import TYPE_CHECKING, Any

from impasto.errors import OptionError, suggestion
from impasto.files import make_folder
from impasto.gallery import FORMATS
from impasto.jobs.job import FileSource, Mask, PaintJob
from impasto.options import Options

if TYPE_CHECKING:
    from impasto.jobs.file_target import FileTarget

# The content's own format, so that a folder of JPEG files becomes one of JPEG files, as without a folder, and
# tree.jpg and tree.png beside each other do not become one name. `--name "{stem}-{style}.png"` keeps every bit.
IN_FOLDER = "{stem}-{style}{suffix}"
BESIDE = "{stem}-impasto{suffix}"
FIELDS = ("stem", "suffix", "name", "number", "style", "method", "size", "seed")
LONGEST_NAME = 255  # bytes, on the file systems of all usual systems


def check_pattern(pattern: str) -> None:
    """Raises OptionError unless `fill` can use the pattern."""
    try:
        unknown = [name for _, name, _, _ in Formatter().parse(pattern) if name is not None and name not in FIELDS]
        if not unknown:
            pattern.format(**dict.fromkeys(FIELDS, "x") | {"number": 1, "seed": 1})
    except ValueError as error:
        raise OptionError(f"--name '{pattern}' is not a pattern: {error}") from None
    for name in unknown:
        known = [f"{{{field}}}" for field in FIELDS]
        raise OptionError(f"--name knows no {{{name}}}, only {', '.join(known)}{suggestion(f'{{{name}}}', known)}")


def fill(pattern: str, content: FileSource, number: int, styles: Sequence[FileSource], options: Options) -> str:
    """The file name that a pattern gives for one painting, with the content's suffix if the pattern ends in none.

    number: of the content, from 1.
    """
    values: dict[str, Any] = {
        "stem": content.path.stem,
        "suffix": _suffix(content),
        "name": content.path.name,
        "number": number,
        # Where the method is the style, its name stands for it.
        "style": "+".join(Path(style.name).stem for style in styles) or options.method,
        "method": options.method,
        "size": "full" if options.size is None else str(options.size),
        "seed": options.seed,
    }
    literal, field = [("", None), *((text, name) for text, name, _, _ in Formatter().parse(pattern))][-1]
    has_suffix = field in ("suffix", "name") or (field is None and "." in literal)
    return pattern.format(**values) + ("" if has_suffix else _suffix(content))


def is_folder(output: str, contents: int, *, pattern: str | None = None) -> bool:
    """Whether `--output` names a folder. Raises OptionError if it is one file for several contents, or neither.

    pattern: for the files in it, if one was given.
    """
    path = Path(output)
    if output.endswith(("/", os.sep)) or path.is_dir():
        return True
    if not path.suffix:
        if contents == 1 and pattern is None:
            raise OptionError(f"--output is {output}, but must be a file, such as {output}.png, or a folder, {output}/")
        return True
    if contents > 1 and path.suffix.lower() in FORMATS:
        raise OptionError(f"--output {output} names one file for {contents} paintings; name a folder, such as painted/")
    return contents > 1


def plan(
    contents: Sequence[FileSource],
    styles: Sequence[tuple[FileSource, ...]],
    masks: Sequence[Mask],
    options: Options,
    *,
    output: str | None,
    pattern: str | None,
    beside: bool,
    how: "FileTarget",
) -> list[PaintJob]:
    """A job for every content in every one of `styles`.

    beside: without output, write next to the content. how: what all targets share, wherever they are.
    Raises OptionError if two jobs would write one file.
    """
    count = len(contents) * len(styles)
    folder = Path(output) if output is not None and is_folder(output, count, pattern=pattern) else None
    if output is not None and folder is None and pattern is not None:
        raise OptionError(f"--name is for a folder, but --output {output} names a file")
    usual = BESIDE if folder is None else IN_FOLDER

    def path(number: int, content: FileSource, mix: tuple[FileSource, ...], chosen: str) -> Path | None:
        if folder is None and output is not None:
            return Path(output)
        if folder is None and not beside:
            return None
        # A picture of impasto's own has nobody's folder to write to.
        home = folder or (Path() if content.packaged else content.path.parent)
        return home / fill(chosen, content, number, mix, options)

    pairs = [(number, content, mix) for number, content in enumerate(contents, 1) for mix in styles]
    paths = [path(*pair, pattern or usual) for pair in pairs]
    taken = Counter(paths)
    for place, (number, content, mix) in enumerate(pairs):
        # Beside a.png, what is made of a.gif, which cannot be written as such, takes its whole name.
        if pattern is None and taken[paths[place]] > 1 and _suffix(content) != content.path.suffix:
            paths[place] = path(number, content, mix, usual.replace("{stem}", "{name}"))
    jobs = []
    for (_, content, mix), file in zip(pairs, paths, strict=True):
        facts = _places(mix, masks, options, file.parent) if file else {}
        target = replace(how, path=file) if file else None
        jobs.append(PaintJob(content, mix, options, tuple(masks), target, facts))
    _refuse_collisions(jobs)
    _refuse_long_names(jobs)
    return jobs


def make_ready(jobs: Sequence[PaintJob]) -> None:
    """Create the folders that the jobs write to. Raises PictureError or OptionError if one could not be written."""
    for folder in {target.path.parent for _, target in targets(jobs)}:
        make_folder(folder)
    for job, target in targets(jobs):
        target.check(job)


def targets(jobs: Sequence[PaintJob]) -> "list[tuple[PaintJob, FileTarget]]":
    """The jobs that write a file, and that file."""
    from impasto.jobs.file_target import FileTarget

    return [(job, job.target) for job in jobs if isinstance(job.target, FileTarget)]


def _places(
    styles: Sequence[FileSource], masks: Sequence[Mask], options: Options, folder: Path
) -> dict[str, dict[str, list[str]]]:
    """Where the files lie that the record names, seen from the painting, so that --like finds them.

    Nothing is said of what lies in other parts of the machine, whose names are nobody's business.
    """
    lists: dict[str, list[Path | None]] = {
        "style": [None if style.packaged else style.path for style in styles],
        "masks": [mask.source.path if isinstance(mask.source, FileSource) else None for mask in masks],
        **{name: [Path(value)] for name, value in options.files.items()},
    }
    places = {name: [_place(path, folder) for path in paths] for name, paths in lists.items()}
    known = {name: files for name, files in places.items() if any(files)}
    return {"places": known} if known else {}


def _place(path: Path | None, folder: Path) -> str:
    if path is None or not path.is_file():
        return ""
    place, folder = path.resolve(), folder.resolve()
    shared = Path(os.path.commonpath([place, folder]))
    return "" if shared in Path(os.path.expanduser("~")).parents else os.path.relpath(place, folder)  # noqa: PTH111


def _suffix(content: FileSource) -> str:
    return content.path.suffix if content.path.suffix.lower() in FORMATS else ".png"


def _refuse_collisions(jobs: Sequence[PaintJob]) -> None:
    taken: dict[Path, PaintJob] = {}
    for job, target in targets(jobs):
        path = Path(os.path.realpath(target.path))
        # The names of states and steps are made without the suffix.
        other = taken.setdefault(path.with_suffix("") if target.save_every else path, job)
        if other is not job:
            one, same = (_in_words(entry) for entry in (other, job))
            if other.content == job.content:
                remedy = "rename one of the styles"
            else:
                remedy = "tell them apart with --name '{number}-{stem}-{style}{suffix}'"
            raise OptionError(f"{one} and {same} would both be written to {target}; {remedy}")


def _in_words(job: PaintJob) -> str:
    """The title with the content's folder, which may be all that tells it from another one."""
    assert isinstance(job.content, FileSource)
    return f"{job.content.path}{job.title.removeprefix(job.content.name)}"


def _refuse_long_names(jobs: Sequence[PaintJob]) -> None:
    for _, target in targets(jobs):
        for name in [target.path.name, *([target.state.name] if target.save_every else [])]:
            if len(os.fsencode(name)) > LONGEST_NAME:
                raise OptionError(
                    f"{name}: this name is longer than the {LONGEST_NAME} bytes that a file's may have; give a shorter"
                    " one with --output FILE, or with --name '{number}-{style}{suffix}'"
                )
