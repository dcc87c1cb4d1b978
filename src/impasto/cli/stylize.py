"""`impasto stylize`: what can be said, checked before PyTorch is imported, and handed on to be painted."""

import shlex
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated, Any, TypeVar

from cyclopts import Parameter

from impasto.cli.failures import SomeFailedError
from impasto.cli.flags import (
    WORDS,
    Device,
    Flags,
    PixelLimit,
    Quiet,
    Vgg19,
    check_least,
    check_weights,
    flag,
    flag_of,
    given,
    heading,
    method_flags,
)
from impasto.cli.outputs import IN_FOLDER, check_pattern, is_folder, make_ready, plan, targets
from impasto.cli.pictures import (
    INVERSE,
    STDOUT,
    called,
    check_paintings,
    find_contents,
    find_mask,
    find_style,
    left_out,
    piped,
)
from impasto.cli.terminal import Screen
from impasto.device import give_memory_back
from impasto.errors import OptionError, PictureError
from impasto.files import is_same_file
from impasto.jobs.job import FileSource, Mask
from impasto.methods import DEFAULT, METHODS, StylizeOptions, every_field, fields_of
from impasto.options import Options
from impasto.progress import interrupt, stoppable

DEFAULT_SAVE_EVERY = 50
T = TypeVar("T")
_OPTIONS = method_flags()


@dataclass(frozen=True, kw_only=True)
class StylizePictures(Flags):
    """In which styles, and where each goes."""

    style: list[str] | None = flag(
        "painting; or a name that `impasto styles` lists, or swirls, cubes, ink: impasto's own; or"
        " NAME.style.safetensors of `impasto encode`. Several are blended, or each has its mask",
        alias="-s",
    )
    mask: list[str] | None = flag(
        "picture that is white where a style goes, one per --style, in their order; not:FILE where it is black; rest,"
        " or no last one, where no other style goes"
    )
    like: Path | None = flag("repeat the options, and without --style the styles and masks, of this picture by impasto")


@dataclass(frozen=True, kw_only=True)
class StylizeOutput(Flags, group=heading("What to write", plain=("--output", "--overwrite", "--grid"))):
    """Where pictures go."""

    output: str | None = flag(
        "file, whose suffix says the format, or FOLDER/; - is standard output, as PNG; beside the content, as"
        " NAME-impasto, if not given",
        alias="-o",
    )
    name: str | None = flag(
        "file names in the folder, of {stem} {suffix} (with its dot) {name} (both) {number} {style} {method} {size}"
        f" {{seed}}; without a suffix, the content's; {IN_FOLDER} if not given"
    )
    overwrite: bool = flag("replace files that exist; never the inputs", False)
    bits: str | None = flag("per channel, 16 for PNG and TIFF; the content's if not given", choices=("8", "16"))
    grid: Path | None = flag(
        "paint every content in every style, all onto this contact sheet; and singly with --output"
    )


@dataclass(frozen=True, kw_only=True)
class StylizeRun(Flags, group=heading("How to run", plain=("--device", "--weights", "--resume", "--quiet"))):
    """How the command goes about it."""

    device: Device = "auto"
    weights: Path | None = flag(
        "of a method whose weights are its style: the file that its training wrote, or monet, which comes with impasto"
    )
    vgg19: Vgg19 = None
    pixel_limit: PixelLimit = None
    save_every: int | None = flag("every N steps, keep the picture (OUT.step0050.png) and the state", metavar="N")
    losses: bool = flag("write the losses of every step beside the picture, as OUT.losses.csv", False)
    resume: bool = flag(
        f"go on where a stopped run left off, and keep the state every {DEFAULT_SAVE_EVERY} or --save-every steps",
        False,
    )
    json: bool = flag("print one JSON record per painting, nothing else", False)
    quiet: Quiet = False


def stylize(
    content: Annotated[
        list[str] | None,
        Parameter(help="pictures, folders, globs; - is standard input; or mountains, still_life: impasto's own"),
    ] = None,
    /,
    *,
    pictures: StylizePictures = StylizePictures(),
    options: Any = _OPTIONS,
    output: StylizeOutput = StylizeOutput(),
    run: StylizeRun = StylizeRun(),
) -> None:
    """Paint pictures in the style of others.

    The result has the size of its content unless --size says otherwise, and carries how it was made.
    """
    style, mask, like = pictures.style, pictures.mask, pictures.like
    if not content:
        words = style or []
        meant = _meant(words[-1:] + words[:-1])
        raise OptionError(f"CONTENT is missing: the pictures to paint, which stand before --style{meant}")
    screen = Screen(quiet=run.quiet, results=not run.json and output.output != STDOUT)
    repeated, styles_before, masks_before = _repeat(like, screen) if like else ({}, [], [])
    chosen = _options(like, repeated, given(options))
    if output.name is not None:
        check_pattern(output.name)
    words = style or (styles_before if chosen.takes_styles else [])
    mask_words = (mask if style or mask else masks_before) if chosen.takes_styles else mask
    if not words and chosen.needs_style:
        raise OptionError(f"--style is missing: the painting whose style to use{_meant(content)}")
    _check(run, output, chosen, masked=bool(mask_words))
    chosen.check_styles(len(words) if output.grid is None else 1, masks=len(mask_words or ()))
    with piped([*content, *words], output.output) as pipes:
        contents, problems = find_contents([pipes.file(word) for word in content])
        contents = [pipes.named(one) for one in contents]
        for note in left_out(content, output.output):
            screen.note(note)
        folders = [like.parent if like else Path(), *{c.path.parent for c in contents}]
        styles = [pipes.named(_found(find_style, pipes.file(word), [] if style else folders)) for word in words]
        check_paintings(styles, chosen)
        masks = [_found(find_mask, word, [] if style or mask else folders) for word in mask_words or ()]
        count = len(contents) * (len(styles) if output.grid else 1)
        if pipes.sent is not None:
            _check_piped(count, output, run)
            output = replace(output, output=str(pipes.sent))
        elif output.output is not None:
            is_folder(output.output, count, pattern=output.name)
        if len(problems) == 1 and not contents:
            raise problems[0]
        try:
            _paint(Sources(contents, styles, masks, like, problems), chosen, output, run, screen)
        finally:
            pipes.send()


def _check_piped(count: int, output: StylizeOutput, run: StylizeRun) -> None:
    """Raises OptionError for what standard output cannot hold."""
    if count > 1:
        raise OptionError(f"--output - is standard output, which holds one painting, but there are {count}")
    for name in ("json", "resume", "save_every", "losses"):
        if getattr(run, name):
            raise OptionError(f"{flag_of(name)} needs a file, but --output - is standard output")
    if output.name is not None:
        raise OptionError("--name is for a folder, but --output - is standard output")


def _meant(words: Sequence[str]) -> str:
    """What was probably meant by two pictures: the first one in the style of the second, and all else as it is."""
    if len(words) != 2:
        return ""
    rest = [word for word in WORDS.get() if word not in ("-s", "--style") and not word.startswith("--style=")]
    for word in ("stylize", *words):
        if word in rest:
            rest.remove(word)
    return f"; did you mean: impasto {shlex.join([words[0], '--style', words[1], *rest])}"


@dataclass(frozen=True)
class Sources:
    """What is read. like: whose record was repeated. problems: words that mean no picture."""

    contents: Sequence[FileSource]
    styles: Sequence[FileSource]
    masks: Sequence[Mask]
    like: Path | None
    problems: Sequence[PictureError]

    @property
    def paths(self) -> list[Path]:
        masks = [mask.source for mask in self.masks if isinstance(mask.source, FileSource)]
        return [*(one.path for one in (*self.contents, *self.styles, *masks)), *([self.like] if self.like else [])]


def _paint(pictures: Sources, options: Options, output: StylizeOutput, run: StylizeRun, screen: Screen) -> None:
    from impasto import api
    from impasto.cli.painting import RunDisplay
    from impasto.image import DEFAULT_PIXEL_LIMIT
    from impasto.jobs.file_target import FileTarget
    from impasto.jobs.pipeline import prepare
    from impasto.jobs.pipeline import run as paint
    from impasto.jobs.session import Session

    contents, styles, problems = pictures.contents, pictures.styles, pictures.problems
    mixes = [(style,) for style in styles] if output.grid else [tuple(styles)]
    weights = check_weights(options, run.weights, run.vgg19)
    how = FileTarget(
        path=Path(), bits=None if output.bits is None else int(output.bits), overwrite=output.overwrite,
        inputs=[*pictures.paths, *options.files.values(), weights], resume=run.resume,
        save_every=run.save_every or (DEFAULT_SAVE_EVERY if run.resume else 0),
        keep_steps=run.save_every is not None, losses=run.losses,
    )  # fmt: skip
    jobs = plan(
        contents, mixes, pictures.masks, options, output=output.output, pattern=output.name,
        beside=output.grid is None, how=how,
    )  # fmt: skip
    give_memory_back()
    stylizer = api.load(options.method, device=run.device, weights=weights, download=screen.download)
    make_ready(jobs)
    sheet = None
    if output.grid is not None:
        from impasto.cli.sheet import Sheet

        if any(is_same_file(output.grid, target.path) for _, target in targets(jobs)):
            said = f"--grid {output.grid} is also one of the paintings that --output asks for"
            raise OptionError(f"{said}; choose another name")
        sheet = Sheet(output.grid, contents, styles, how)
    pixel_limit = run.pixel_limit or DEFAULT_PIXEL_LIMIT
    session = Session(lambda _: stylizer, pixel_limit=pixel_limit, note=screen.note)
    display = RunDisplay(screen, sheet, several=len(mixes) > 1, json=run.json)
    display.failures += [("", problem) for problem in problems]
    prepare(jobs, session)
    with stoppable(interrupt):
        try:
            display.draw(paint(jobs, session, display.progress))
        finally:
            if sheet and sheet.cells:
                sheet.write(pixel_limit)
                screen.written(sheet.path)
    failures = display.failures
    if failures and len(jobs) + len(problems) == 1:
        raise failures[0][1]
    if failures:
        count, total = (len(some) + len(problems) for some in (display.failed, contents))
        raise SomeFailedError(failures, total, "could not be painted", count=count)


def _repeat(like: Path, screen: Screen) -> tuple[dict[str, Any], list[str], list[str]]:
    """(options, styles, masks) that a picture's record says; what this version does not know is named and left out."""
    from impasto.record import read_record

    record = read_record(like)
    recorded = record.get("options")
    if not isinstance(recorded, dict):
        raise PictureError(f"{like}: its record holds no options to repeat")
    known = {"method", *every_field()}
    unknown = [f"{name}={value!r}" for name, value in recorded.items() if name not in known]
    if unknown:
        screen.note(f"{like}: this version of impasto leaves out what it does not know: {', '.join(unknown)}")
    # Records of 0.1 hold the options of all methods, with what was usual then for those that meant nothing.
    method = recorded.get("method")
    fields = {"method", *fields_of(method)} if method in METHODS else known
    options = {name: value for name, value in recorded.items() if name in fields}
    texts = [name for name, owners in every_field().items() if any(o.metadata["words"] for o in owners.values())]
    for name in texts:
        for word in _recorded(like, record, name, [options.get(name)]):
            options[name] = word
    style, masks = (_recorded(like, record, name, record.get(name)) for name in ("style", "masks"))
    return options, style, masks


def _recorded(like: Path, record: dict[str, Any], name: str, words: Any) -> list[str]:
    """The words of the record for files: where they lay, seen from the painting, if they are there, or else as they
    are. name: of the record's member; words: what it says."""
    places = record.get("places")
    where = places.get(name) if isinstance(places, dict) else None
    recorded = []
    for number, word in enumerate(words if isinstance(words, list) else []):
        place = where[number] if isinstance(where, list) and number < len(where) else None
        path = called(like.parent, place) if isinstance(place, str) and place else None
        inverted = INVERSE if isinstance(word, str) and word.startswith(INVERSE) else ""
        recorded += [f"{inverted}{path}"] if path else [word] if isinstance(word, str) else []
    return recorded


def _options(like: Path | None, repeated: dict[str, Any], chosen: dict[str, Any]) -> Options:
    try:
        StylizeOptions(**repeated)
    except OptionError as error:
        raise PictureError(f"{like}: its options cannot be repeated: {error}") from error
    method = str(chosen.get("method", repeated.get("method", DEFAULT)))
    if method != repeated.get("method"):
        # What only the other method has cannot be repeated by this one.
        repeated = {name: value for name, value in repeated.items() if name in fields_of(method)}
    return StylizeOptions(**(repeated | chosen))


def _check(run: StylizeRun, output: StylizeOutput, options: Options, *, masked: bool) -> None:
    check_least(1, pixel_limit=run.pixel_limit, save_every=run.save_every)
    if output.grid and not options.takes_styles:
        raise OptionError(f"--grid shows contents in several styles, but the method {options.method} has one")
    if output.grid and options.to_json().get("style_blend"):
        raise OptionError("--style-blend mixes styles in one picture, but --grid paints each style by itself")
    if output.grid and masked:
        raise OptionError("--mask gives styles their places in one picture, but --grid paints each style by itself")
    for name in ("save_every", "losses"):
        if getattr(run, name) and not options.takes_steps:
            needed = f"paintings that take steps, and the method {options.method} takes one"
            raise OptionError(f"{flag_of(name)} is for {needed}")
    if output.grid and output.output is None and (output.name or run.save_every or run.losses or run.resume):
        raise OptionError(
            "--name, --save-every, --losses and --resume are for single pictures; with --grid they need --output"
        )


def _found(find: Callable[[str, Sequence[Path]], T], word: str, folders: Sequence[Path]) -> T:
    """A style or a mask. folders: where to look for one that a record names; empty for a caller's own word."""
    try:
        return find(word, folders)
    except PictureError as error:
        if not folders:
            raise
        raise PictureError(f"the record names a style that is not here; give it with --style ({error})") from None
