"""docs/pictures/adain-sheet.jpg: twelve of the pairs that `benchmarks/adain_quality.py -o REPORT` painted.

python tools/adain_sheet.py REPORT
"""

import sys
from pathlib import Path

from PIL import Image

from impasto.report.sheets import grid

# Chosen by eye, for photographs and paintings of every kind.
PAIRS = (
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
TARGET = Path(__file__).parents[1] / "docs" / "pictures" / "adain-sheet.jpg"
ABREAST, SIDE = 4, 360


def main() -> None:
    report = Path(sys.argv[1])
    cells = [square(Image.open(report / f"{photo} x {painting}.png")) for photo, painting in PAIRS]
    rows = [cells[first : first + ABREAST] for first in range(0, len(cells), ABREAST)]
    grid(rows).save(TARGET, quality=84, optimize=True)
    print(TARGET)


def square(picture: Image.Image) -> Image.Image:
    side = min(picture.size)
    # Of a tall picture the upper part, where faces are.
    left, top = (picture.width - side) // 2, (picture.height - side) // 3
    return picture.crop((left, top, left + side, top + side)).resize((SIDE, SIDE), Image.Resampling.LANCZOS)


if __name__ == "__main__":
    main()
