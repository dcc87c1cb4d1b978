"""Where every painting goes, decided and checked before the first one is begun."""

import os
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from difflib import get_close_matches
from pathlib import Path
from string import Formatter
from typing import Any

from impasto.cli.pictures import Source
from impasto.errors import OptionError
from impasto.options import Options

# The content's own format, so that a folder of JPEG files becomes one of JPEG files, as without a folder, and
# tree.jpg and tree.png beside each other do not become one name. `--name "{stem}-{style}.png"` keeps every bit.
IN_FOLDER = "{stem}-{style}{suffix}"
BESIDE = "{stem}-impasto{suffix}"
FIELDS = ("stem", "suffix", "name", "number", "style", "method", "size", "seed")
LONGEST_NAME = 255  # bytes, on the file systems of all usual systems


@dataclass(frozen=True)
class Job:
    """One painting to make. target: None if only a contact sheet shall show it."""

    content: Source
    styles: tuple[Source, ...]
    target: Path | None

    @property
    def title(self) -> str:
        styles = " + ".join(style.name for style in self.styles)
        return f"{self.content.name} in {styles}" if styles else self.content.name

    @property
    def state(self) -> Path:
        """The file that an unfinished painting goes on from."""
        assert self.target is not None
        return self.target.with_name(f"{self.target.stem}.state.safetensors")

    def step(self, number: int) -> Path:
        """The file of an intermediate picture."""
        assert self.target is not None
        return self.target.with_name(f"{self.target.stem}.step{number:04d}.png")


def check_pattern(pattern: str) -> None:
    """Raises OptionError unless `fill` can use the pattern."""
    try:
        parts = list(Formatter().parse(pattern))
        names = [name for _, name, _, _ in parts if name is not None]
        for name in names:
            if name not in FIELDS:
                near = get_close_matches(name, FIELDS, n=1)
                hint = f"; did you mean {{{near[0]}}}?" if near else ""
                raise OptionError(f"--name knows no {{{name}}}, only {', '.join(f'{{{f}}}' for f in FIELDS)}{hint}")
        pattern.format(**dict.fromkeys(FIELDS, "x") | {"number": 1, "seed": 1})
    except OptionError:
        raise
    except ValueError as error:
        raise OptionError(f"--name '{pattern}' is not a pattern: {error}") from None


def fill(pattern: str, content: Source, number: int, styles: Sequence[Source], options: Options) -> str:
    """The file name that a pattern gives for one painting. number: of the content, from 1."""
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
    return pattern.format(**values)


def is_folder(output: str, contents: int) -> bool:
    """Whether `--output` names a folder. Raises OptionError if it is one file for several contents."""
    path = Path(output)
    if output.endswith(("/", os.sep)) or path.is_dir() or not path.suffix:
        return True
    if contents > 1 and path.suffix.lower() in (".png", ".jpg", ".jpeg", ".webp", ".tif", ".tiff"):
        raise OptionError(f"--output {output} names one file for {contents} paintings; name a folder, such as painted/")
    return contents > 1


def plan(
    contents: Sequence[Source],
    styles: Sequence[tuple[Source, ...]],
    options: Options,
    *,
    output: str | None,
    pattern: str | None,
    beside: bool,
    saving: bool,
) -> list[Job]:
    """A job for every content in every one of `styles`.

    beside: without output, write next to the content. saving: unfinished pictures are kept, too.
    Raises OptionError if two jobs would write one file.
    """
    count = len(contents) * len(styles)
    folder = Path(output) if output is not None and is_folder(output, count) else None
    if output is not None and folder is None and pattern is not None:
        raise OptionError(f"--name is for a folder, but --output {output} names a file")
    usual = BESIDE if folder is None else IN_FOLDER

    def target(number: int, content: Source, mix: tuple[Source, ...], chosen: str) -> Path | None:
        if folder is None and output is not None:
            return Path(output)
        if folder is None and not beside:
            return None
        # A picture of impasto's own has nobody's folder to write to.
        home = folder or (Path() if content.packaged else content.path.parent)
        return home / fill(chosen, content, number, mix, options)

    jobs = [
        Job(content, mix, target(number, content, mix, pattern or usual))
        for number, content in enumerate(contents, 1)
        for mix in styles
    ]
    taken = Counter(job.target for job in jobs)
    for place, job in enumerate(jobs):
        # Beside a.png, what is made of a.gif, which cannot be written as such, takes its whole name.
        if pattern is None and taken[job.target] > 1 and _suffix(job.content) != job.content.path.suffix:
            chosen = usual.replace("{stem}", "{name}")
            number = place // len(styles) + 1
            jobs[place] = replace(job, target=target(number, job.content, job.styles, chosen))
    _refuse_collisions(jobs, saving)
    _refuse_long_names(jobs, saving)
    return jobs


def make_folders(jobs: Sequence[Job]) -> None:
    """Create the folders that the jobs write to. Raises PictureError."""
    from impasto.files import make_folder

    for folder in {job.target.parent for job in jobs if job.target is not None}:
        make_folder(folder)


def _suffix(content: Source) -> str:
    from impasto.image import FORMATS

    return content.path.suffix if content.path.suffix.lower() in FORMATS else ".png"


def _refuse_collisions(jobs: Sequence[Job], saving: bool) -> None:
    taken: dict[Path, Job] = {}
    for job in jobs:
        if job.target is None:
            continue
        path = Path(os.path.realpath(job.target))
        # The names of states and steps are made without the suffix.
        other = taken.setdefault(path.with_suffix("") if saving else path, job)
        if other is not job:
            one, same = (_told(entry) for entry in (other, job))
            if other.content == job.content:
                remedy = "rename one of the styles"
            else:
                remedy = "tell them apart with --name '{number}-{stem}-{style}{suffix}'"
            raise OptionError(f"{one} and {same} would both be written to {job.target}; {remedy}")


def _told(job: Job) -> str:
    """The title with the content's folder, which may be all that tells it from another one."""
    return f"{job.content.path}{job.title.removeprefix(job.content.name)}"


def _refuse_long_names(jobs: Sequence[Job], saving: bool) -> None:
    for job in jobs:
        names = [job.target.name, *([job.state.name] if saving else [])] if job.target else []
        for name in names:
            if len(os.fsencode(name)) > LONGEST_NAME:
                raise OptionError(
                    f"{name}: this name is longer than the {LONGEST_NAME} bytes that a file's may have; give a shorter"
                    " one with --output FILE, or with --name '{number}-{style}{suffix}'"
                )
