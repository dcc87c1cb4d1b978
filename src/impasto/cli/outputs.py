"""Where every painting goes, decided and checked before the first one is begun."""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from string import Formatter
from typing import Any

from impasto.cli.pictures import Source
from impasto.errors import OptionError
from impasto.options import StylizeOptions

# The content's own format, so that a folder of JPEG files becomes one of JPEG files, as without a folder, and
# tree.jpg and tree.png beside each other do not become one name. `--name "{stem}-{style}.png"` keeps every bit.
IN_FOLDER = "{stem}-{style}{suffix}"
BESIDE = "{stem}-impasto{suffix}"
FIELDS = ("stem", "suffix", "style", "method", "size", "seed")


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
        pattern.format(**dict.fromkeys(FIELDS[:-1], "x"), seed=1)
    except OptionError:
        raise
    except ValueError as error:
        raise OptionError(f"--name '{pattern}' is not a pattern: {error}") from None


def fill(pattern: str, content: Source, styles: Sequence[Source], options: StylizeOptions, suffix: str) -> str:
    """The file name that a pattern gives for one painting."""
    values: dict[str, Any] = {
        "stem": content.path.stem,
        "suffix": suffix,
        # Where the method is the style, its name stands for it.
        "style": "+".join(style.path.stem for style in styles) or options.method,
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
    options: StylizeOptions,
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
    jobs = []
    for content in contents:
        for mix in styles:
            if folder is None and output is not None:
                target: Path | None = Path(output)
            elif folder is None and not beside:
                target = None
            else:
                # A picture of impasto's own has nobody's folder to write to.
                home = folder or (Path() if content.packaged else content.path.parent)
                chosen = pattern or (BESIDE if folder is None else IN_FOLDER)
                target = home / fill(chosen, content, mix, options, _suffix(content))
            jobs.append(Job(content, mix, target))
    _refuse_collisions(jobs, saving)
    return jobs


def make_folders(jobs: Sequence[Job]) -> None:
    """Create the folders that the jobs write to. Raises PictureError."""
    from impasto.record import make_folder

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
            raise OptionError(
                f"{other.title} and {job.title} would both be written to {job.target}; give --name more fields,"
                f" of {', '.join(f'{{{f}}}' for f in FIELDS)}"
            )
