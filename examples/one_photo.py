"""A photo in the style of a painting: python examples/one_photo.py [PHOTO [STYLE]]."""

import sys

from PIL import Image

import impasto
from impasto.gallery import photos

photo = sys.argv[1] if len(sys.argv) > 1 else photos()["mountains"]
style = sys.argv[2] if len(sys.argv) > 2 else "starry-night"
painting = impasto.stylize(Image.open(photo), style, strength=0.9)
painting.save("one_photo.png")
print("one_photo.png")
