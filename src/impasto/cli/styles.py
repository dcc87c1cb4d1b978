"""`impasto styles`: the paintings that impasto knows by name, as a list, or with a photo painted in each of them."""

import json as notation
import math
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Annotated, Any

from cyclopts import Group, Parameter

from impasto.cli.flags import Device, Flags, flag, given, method_flags
from impasto.cli.pictures import source
from impasto.cli.terminal import Screen, in_columns, write
from impasto.errors import OptionError
from impasto.gallery import named_styles
from impasto.methods import DEFAULT, StylizeOptions
from impasto.options import Options, choosable

SIZE = 384
# What an encoded style is enough for.
_WITHOUT = ("encoder", "quality", "refine", "style_scale", "style_blend")
_COLOUR = {item.name: item for item in choosable(Options) if item.name == "colour"}
_OPTIONS = method_flags([DEFAULT], has=lambda name: name not in _WITHOUT, instead=_COLOUR)


@dataclass(frozen=True, kw_only=True)
class SheetOfStyles(Flags, group=Group.create_ordered("The sheet")):
    """Where the photo in all styles goes."""

    output: Path | None = flag("file of the sheet; PHOTO-styles.jpg in this folder if not given", alias="-o")
    overwrite: bool = flag("replace a file that exists; never the photo", False)
    device: Device = "auto"


def styles(
    photo: Annotated[str | None, Parameter(help="picture, or mountains, still_life: impasto's own")] = None,
    /,
    *,
    sheet: SheetOfStyles = SheetOfStyles(),
    options: Any = _OPTIONS,
    json: Annotated[bool, Parameter(help="print the list as JSON")] = False,
) -> None:
    """List the paintings whose names --style takes; with a photo, paint it in all of them, onto a labelled sheet.

    Each painting is 384 pixels wide or high on the sheet, unless --size says otherwise.
    """
    if photo is not None:
        if json:
            raise OptionError("--json is for the list, without a photo")
        _write_sheet(photo, StylizeOptions(**({"size": SIZE} | given(options))), sheet)
        return
    if sheet.output is not None:
        raise OptionError("--output is for a sheet, which needs a photo")
    known = [asdict(style) for style in named_styles().values()]
    lines = [notation.dumps(known, ensure_ascii=False)] if json else in_columns([[*one.values()] for one in known])
    for line in lines:
        write(line)


def _write_sheet(photo: str, options: Options, sheet: SheetOfStyles) -> None:
    content = source(photo)
    screen = Screen()
    target = sheet.output or Path(f"{content.path.stem}-styles.jpg")
    from impasto import api, image
    from impasto.cli.sheet import sheet_record
    from impasto.report.sheets import grid

    image.check_target(target, overwrite=sheet.overwrite, sources=[content.path])
    picture = image.read(content.path)
    for note in picture.notes:
        screen.note(f"{content.name}: {note}")
    # Read and made small once, for all of them.
    height, width = image.fit(picture.height, picture.width, options.size)
    small = image.Picture(image.resize(image.on_white(picture).pixels, height, width))
    stylizer = api.load(device=sheet.device)
    painted = {content.name: image.to_pil(small)}
    with screen.counting("painting") as count:
        for number, name in enumerate(named_styles(), 1):
            painting = api.paint(small, [name], replace(options, size=None), stylizer=stylizer)
            painted[name] = image.to_pil(painting.picture)
            count(number, len(named_styles()), name)
    cells = [grid([[picture]], [name], gap=0) for name, picture in painted.items()]
    # So many abreast that the sheet is about as wide as it is high.
    abreast = max(1, round(math.sqrt(len(cells) * height / width)))
    whole = grid([cells[first : first + abreast] for first in range(0, len(cells), abreast)])
    record = sheet_record([content.name], list(named_styles()))
    image.write(image.from_pil(whole), target, overwrite=sheet.overwrite, record=record, sources=[content.path])
    screen.written(target)
