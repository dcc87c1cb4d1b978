"""Contact sheets: pictures in rows with titles, marks in them, and files made of them."""

import base64
import io
from collections.abc import Sequence

from PIL import Image, ImageDraw, ImageFont

GAP = 8
LABEL = 56
"""Height of the largest titles and names, in pixels."""
MARK = (230, 30, 30)
MISSING = (217, 217, 217)
"""Grey, where a picture is not there."""


def grid(
    rows: Sequence[Sequence[Image.Image | None]],
    columns: Sequence[str] = (),
    names: Sequence[str] = (),
    gap: int = GAP,
) -> Image.Image:
    """Pictures in rows on white, centred in cells as large as the largest of their column and row; grey for None.

    columns, names: titles above the columns, smaller where a column is too narrow for one, and below the left corner of
        each row's first picture.
    """
    count = max(len(row) for row in rows)
    widths = [max((cell.width for row in rows for cell in row[i : i + 1] if cell), default=1) for i in range(count)]
    heights = [max((cell.height for cell in row if cell), default=1) for row in rows]
    letters = max(10, min(max(widths) // 14, LABEL // 2))
    head, foot = (2 * letters if columns else 0), (2 * letters if any(names) else 0)
    size = sum(widths) + gap * (count + 1), head + sum(heights) + (gap + foot) * len(rows) + gap
    sheet = Image.new("RGB", size, "white")
    drawing = ImageDraw.Draw(sheet)
    font = ImageFont.load_default(letters)
    lefts = [gap * (i + 1) + sum(widths[:i]) for i in range(count)]
    for left, width, title in zip(lefts, widths, columns, strict=False):
        fitting = ImageFont.load_default(max(1, letters * min(1, width / max(1, drawing.textlength(title, font)))))
        drawing.text((left + width // 2, head // 2 + gap // 2), title, fill="black", font=fitting, anchor="mm")
    top = head + gap
    for number, (row, height) in enumerate(zip(rows, heights, strict=True)):
        for left, width, picture in zip(lefts, widths, row, strict=False):
            cell = picture or Image.new("RGB", (width, height), MISSING)
            sheet.paste(cell, (left + (width - cell.width) // 2, top + (height - cell.height) // 2))
        if foot and number < len(names):
            drawing.text((lefts[0], top + height + foot // 2), names[number], fill="black", font=font, anchor="lm")
        top += height + foot + gap
    return sheet


def blank() -> Image.Image:
    """Paper, where no picture belongs."""
    return Image.new("RGB", (1, 1), "white")


def marked(picture: Image.Image, place: tuple[float, float], *, ring: bool = False) -> Image.Image:
    """A copy with a red dot at the place (x, y) in pixels; ring: with a ring around it, which hides nothing there."""
    copy = picture.convert("RGB")
    drawing = ImageDraw.Draw(copy)
    radius = max(3, min(copy.size) // 60)
    if ring:
        # Beside an edge it is moved, so that the whole of it is seen: it still goes around the place.
        x, y = (max(2 * radius, min(at, side - 1 - 2 * radius)) for at, side in zip(place, copy.size, strict=True))
        drawing.circle((x, y), 2 * radius, outline=MARK, width=2)
    else:
        drawing.circle(place, radius + 2, fill="white")
        drawing.circle(place, radius, fill=MARK)
    return copy


def numbered(picture: Image.Image, number: int) -> Image.Image:
    """A copy with a number in its upper left corner."""
    copy, label = picture.copy(), str(number)
    drawing, font = ImageDraw.Draw(copy), ImageFont.load_default(36)
    drawing.rectangle((0, 0, round(drawing.textlength(label, font)) + 20, 48), fill="white")
    drawing.text((10, 24), label, fill="black", font=font, anchor="lm")
    return copy


def png(picture: Image.Image) -> bytes:
    """The bytes of a PNG file."""
    stream = io.BytesIO()
    picture.save(stream, "PNG")
    return stream.getvalue()


def jpeg(picture: Image.Image, quality: int, *, fine_colours: bool = False) -> bytes:
    """The bytes of a JPEG file. fine_colours: as many pixels of colour as of lightness."""
    stream = io.BytesIO()
    picture.save(stream, "JPEG", quality=quality, **({"subsampling": "4:4:4"} if fine_colours else {}))
    return stream.getvalue()


def data_url(file: bytes) -> str:
    """A PNG or JPEG file inside a page."""
    kind = "png" if file.startswith(b"\x89PNG") else "jpeg"
    return f"data:image/{kind};base64,{base64.b64encode(file).decode()}"


def reduced(picture: Image.Image, width: int, height: int | None = None) -> Image.Image:
    """A copy of at most this width and height, which is the width's if there is none."""
    copy = picture.copy()
    copy.thumbnail((width, height or width), Image.Resampling.LANCZOS)
    return copy
