"""`impasto styles`: the paintings that impasto knows by name, as a list, or with a photo painted in each of them."""

import json as notation
import math
from collections.abc import Mapping
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import Group, Parameter

from impasto.cli.flags import DEVICE, given, method_flags
from impasto.cli.pictures import source
from impasto.cli.terminal import Screen, in_columns, write
from impasto.errors import OptionError
from impasto.gallery import named_styles
from impasto.methods import DEFAULT, StylizeOptions
from impasto.options import Options, choosable

if TYPE_CHECKING:
    from PIL import Image

    OptionFlags = Any
else:
    # What an encoded style is enough for.
    WITHOUT = ("encoder", "quality", "refine", "style_scale", "style_blend")
    COLOUR = {item.name: item for item in choosable(Options) if item.name == "colour"}
    OptionFlags = method_flags([DEFAULT], has=lambda name: name not in WITHOUT, instead=COLOUR)

SIZE = 384
_SHEET = Group.create_ordered("The sheet")
_NO_FLAGS = OptionFlags()


def styles(
    photo: Annotated[str | None, Parameter(help="picture, or mountains, still_life: impasto's own")] = None,
    /,
    *,
    output: Annotated[
        Path | None,
        Parameter(alias="-o", group=_SHEET, help="file of the sheet; PHOTO-styles.jpg in this folder if not given"),
    ] = None,
    overwrite: Annotated[bool, Parameter(group=_SHEET, help="replace a file that exists; never the photo")] = False,
    device: Annotated[str, DEVICE, Parameter(group=_SHEET)] = "auto",
    options: Annotated[OptionFlags, Parameter(name="*")] = _NO_FLAGS,
    json: Annotated[bool, Parameter(help="print the list as JSON")] = False,
) -> int:
    """List the paintings whose names --style takes; with a photo, paint it in all of them, onto a labelled sheet.

    Each painting is 384 pixels wide or high on the sheet, unless --size says otherwise.
    """
    if photo is None:
        if output is not None:
            raise OptionError("--output is for a sheet, which needs a photo")
        _print_list(json)
        return 0
    if json:
        raise OptionError("--json is for the list, without a photo")
    chosen = StylizeOptions(**({"size": SIZE} | given(options)))
    return _write_sheet(photo, chosen, output, device, overwrite=overwrite)


def _print_list(as_json: bool) -> None:
    known = named_styles().values()
    if as_json:
        write(notation.dumps([asdict(style) for style in known], ensure_ascii=False))
        return
    for line in in_columns([tuple(asdict(style).values()) for style in known]):
        write(line)


def _write_sheet(photo: str, options: Options, output: Path | None, device: str, *, overwrite: bool) -> int:
    content = source(photo)
    screen = Screen()
    target = output or Path(f"{content.path.stem}-styles.jpg")
    # PyTorch comes in here.
    from impasto import api, image
    from impasto.cli.sheet import sheet_record

    image.check_target(target, overwrite=overwrite, sources=[content.path])
    picture = image.read(content.path)
    for note in picture.notes:
        screen.note(f"{content.name}: {note}")
    # Read and made small once, for all of them.
    height, width = image.fit(picture.height, picture.width, options.size)
    small = image.Picture(image.resize(image.on_white(picture).pixels, height, width))
    stylizer = api.load(device=device)
    painted = {content.name: image.to_pil(small)}
    with screen.counting("painting") as count:
        for number, name in enumerate(named_styles(), 1):
            painting = api.paint(small, [name], replace(options, size=None), stylizer=stylizer)
            painted[name] = image.to_pil(painting.picture)
            count(number, len(named_styles()), name)
    whole = sheet(painted, _abreast(width, height, len(painted)))
    record = sheet_record([content.name], list(named_styles()))
    image.write(image.from_pil(whole), target, overwrite=overwrite, record=record, sources=[content.path])
    screen.written(target)
    return 0


def sheet(painted: Mapping[str, "Image.Image"], abreast: int) -> "Image.Image":
    """Pictures in rows, each below its name."""
    from impasto.report.sheets import grid

    cells = [grid([[picture]], [name], gap=0) for name, picture in painted.items()]
    return grid([cells[first : first + abreast] for first in range(0, len(cells), abreast)])


def _abreast(width: int, height: int, count: int) -> int:
    """So many that the sheet is about as wide as it is high."""
    return max(1, round(math.sqrt(count * height / width)))
