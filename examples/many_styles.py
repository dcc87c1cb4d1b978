"""A photo in every style by name, on one sheet: python examples/many_styles.py [PHOTO]."""

import sys

from PIL import Image

import impasto
from impasto.gallery import named_styles, photos

ABREAST, WIDTH = 6, 240

photo = Image.open(sys.argv[1] if len(sys.argv) > 1 else photos()["still_life"]).convert("RGB")
painter = impasto.load()  # once for all
paintings = [impasto.stylize(photo, name, stylizer=painter, size=WIDTH) for name in named_styles()]

width, height = (max(side) for side in zip(*(painting.size for painting in paintings), strict=True))
sheet = Image.new("RGB", (ABREAST * width, -(-len(paintings) // ABREAST) * height), "white")
for number, painting in enumerate(paintings):
    sheet.paste(painting, (number % ABREAST * width, number // ABREAST * height))
sheet.save("many_styles.jpg", quality=90)
print("many_styles.jpg")
