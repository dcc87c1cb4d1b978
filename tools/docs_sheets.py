"""Pictures of the documentation that no command of impasto writes as they stand there.

    python tools/docs_sheets.py adain OUT.jpg --data FOLDER    twelve photographs, each in the style of a painting
    python tools/docs_sheets.py monet OUT.jpg --data FOLDER    24 photographs by `--method nla-cyclegan --weights monet`
    python tools/docs_sheets.py gatys OUT.jpg                  impasto's own pictures by `--method gatys`
    python tools/docs_sheets.py gallery OUT                    impasto's own photographs in its 24 styles, a file each
    python tools/docs_sheets.py film OUT.gif STRIP.jpg         a pan, and frames of it painted singly and steadily

FOLDER has `content/` and `photos/` (photographs) and `styles/` (paintings), found by their names.
"""

import argparse
import subprocess
import sys
import tempfile
from itertools import cycle
from pathlib import Path

from PIL import Image

import impasto
from impasto.gallery import named_styles, photos
from impasto.report.sheets import grid

Picture = Image.Image

# Chosen by eye, for photographs and paintings of every kind.
ADAIN = (
    ("sailboat", "vangogh-starry-night"),
    ("sailboat", "cezanne-card-players"),
    ("sailboat", "pissarro-red-roofs"),
    ("newyork", "vangogh-starry-night"),
    ("blonde_girl", "gauguin-where-do-we"),
    ("blonde_girl", "monet-impression-sunrise"),
    ("blonde_girl", "seurat-circus"),
    ("291000", "cezanne-card-players"),
    ("145053", "renoir-swing"),
    ("189013", "vangogh-starry-night"),
    ("376043", "pissarro-red-roofs"),
    ("103078", "degas-absinthe"),
)
# The first of 100 that were kept out of the training of `monet`.
MONET = (
    "00068bc07f", "00104fd531", "03e48faafa", "0451cdb867", "0b21ce3df6", "0f3757e6cd", "17a8bd8ba4", "18162a62a3",
    "192caaa1bf", "1970faab6a", "19b98e5663", "1cc26c48b8", "26bbb89fd6", "2fffa9b80b", "30c43e2fe9", "343fa4c0eb",
    "34c5f04545", "3916d76a57", "3cc973e9c6", "40365d3029", "42d09ebeef", "43bcfa7f99", "43be6f2003", "46e47f7efe",
)  # fmt: skip
GATYS = (("mountains", "swirls"), ("still_life", "cubes"))
FRAMES, SPEED, FRAME = 16, (5, 1), (576, 384)
"""Of the film: how many, pixels that it moves between two, and their size."""


def adain(out: Path, data: Path) -> None:
    """In the middle of `data`'s pictures, cut square."""
    stylizer = impasto.load()
    painted = [
        impasto.stylize(shorter_side(read(data / "content", photo), 512), data / "styles" / f"{style}.jpg",
                        stylizer=stylizer)
        for photo, style in ADAIN
    ]  # fmt: skip
    save(grid(rows([square(picture).resize((360, 360), Image.Resampling.LANCZOS) for picture in painted], 4)), out)


def monet(out: Path, data: Path) -> None:
    """Each photograph with its painting at its right."""
    generator = impasto.load("nla-cyclegan", weights="monet")
    cells = []
    for name in MONET:
        photo = read(data / "photos", name)
        painted = impasto.stylize(photo, method="nla-cyclegan", stylizer=generator, size=256)
        cells += [square(picture).resize((146, 146), Image.Resampling.LANCZOS) for picture in (photo, painted)]
    save(grid(rows(cells, 8), gap=2), out)


def gatys(out: Path) -> None:
    painted = [
        impasto.stylize(Image.open(impasto.gallery.packaged()[photo]), style, method="gatys", size=384)
        for photo, style in GATYS
    ]
    save(grid(rows(painted, 2)), out)


def gallery(out: Path) -> None:
    """Photographs in turns, each style with one of them; and the photographs at the same size."""
    stylizer = impasto.load()
    own = {name: Image.open(file) for name, file in photos().items()}
    for (name, picture), style in zip(cycle(own.items()), named_styles(), strict=False):
        painted = impasto.stylize(picture, style, stylizer=stylizer)
        save(painted, out / f"{name}-{style}.jpg", width=360)
    for name, picture in own.items():
        save(picture, out / f"{name}.jpg", width=360)


def film(out: Path, strip: Path) -> None:
    """A pan over the lake as a GIF, and a piece of its sky in frames after each other: singly above, steadily below."""
    photo = Image.open(photos()["mountains"])
    with tempfile.TemporaryDirectory() as folder:
        clip = Path(folder) / "clip"
        clip.mkdir()
        for number in range(FRAMES):
            left, top = SPEED[0] * number, SPEED[1] * number
            photo.crop((left, top, left + FRAME[0], top + FRAME[1])).save(clip / f"{number:03}.png")
        painted = {}
        for name, steady in (("singly", "0"), ("steadily", "0.8")):
            painted[name] = Path(folder) / name
            video(clip, painted[name], "--steady", steady)
        video(clip, out, "--size", "288", "--fps", "12", "--overwrite")
        # A piece of sky that stays in sight, so that what moves in it is paint.
        cells = [
            [
                Image.open(file).crop((300 - SPEED[0] * number, 20, 390 - SPEED[0] * number, 110)).resize((150, 150))
                for number, file in enumerate(sorted(painted[name].iterdir())[:7])
            ]
            for name in painted
        ]
    save(grid(cells, gap=3), strip)


def video(clip: Path, out: Path, *words: str) -> None:
    command = [sys.executable, "-m", "impasto", "video", clip, "--style", "starry-night", "-o", out, *words]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)


def read(folder: Path, stem: str) -> Picture:
    return Image.open(folder / f"{stem}.jpg").convert("RGB")


def shorter_side(picture: Picture, pixels: int) -> Picture:
    scale = pixels / min(picture.size)
    return picture.resize((round(picture.width * scale), round(picture.height * scale)), Image.Resampling.LANCZOS)


def square(picture: Picture) -> Picture:
    side = min(picture.size)
    # Of a tall picture the upper part, where faces are.
    left, top = (picture.width - side) // 2, (picture.height - side) // 3
    return picture.crop((left, top, left + side, top + side))


def rows(cells: list[Picture], count: int) -> list[list[Picture]]:
    return [cells[first : first + count] for first in range(0, len(cells), count)]


def save(picture: Picture, out: Path, width: int | None = None) -> None:
    if width and picture.width > width:
        picture = picture.resize((width, round(picture.height * width / picture.width)), Image.Resampling.LANCZOS)
    out.parent.mkdir(parents=True, exist_ok=True)
    picture.save(out, quality=84, optimize=True)
    print(out)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=("adain", "monet", "gatys", "gallery", "film"))
    parser.add_argument("files", nargs="+", type=Path)
    parser.add_argument("--data", type=Path)
    arguments = parser.parse_args()
    data = (arguments.data,) if arguments.data else ()
    globals()[arguments.what](*arguments.files, *data)


if __name__ == "__main__":
    main()
