"""Every photo of a folder in one style: python examples/folder.py [FOLDER [PAINTING]]."""

import sys
from pathlib import Path

import impasto
from impasto.errors import PictureError
from impasto.gallery import packaged, photos

files = sorted(Path(sys.argv[1]).iterdir()) if len(sys.argv) > 1 else list(photos().values())
painting = sys.argv[2] if len(sys.argv) > 2 else packaged()["swirls"]

painter = impasto.load()
style = impasto.encode_style(painting, stylizer=painter)  # looked at once, and kept
style.save("swirls.style.safetensors")
target = Path("painted")
target.mkdir(exist_ok=True)
for file in files:
    try:
        print(impasto.stylize(file, style, stylizer=painter, output=target / f"{file.stem}.png", overwrite=True))
    except PictureError as error:
        print(f"left out: {error}")
