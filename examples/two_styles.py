"""Two styles, each where a mask says, and the photo's own colours: python examples/two_styles.py."""

import numpy as np
from PIL import Image

import impasto
from impasto.gallery import photos

photo = Image.open(photos()["mountains"]).convert("RGB")
# White where the first style goes: above, with a soft edge in the middle. The second goes where the first does not.
above = np.clip(np.linspace(4, -3, photo.height), 0, 1)[:, None].repeat(photo.width, axis=1).astype(np.float32)
painting = impasto.stylize(photo, ["starry-night", "autumn"], masks=[above], colour="keep")
painting.save("two_styles.png")
print("two_styles.png")
