"""The styles that impasto knows by name: src/impasto/assets/styles.safetensors, and pictures painted in each of them.

python tools/named_styles.py FOLDERS...   encode the paintings below, found by file stem, and paint the pictures
python tools/named_styles.py              paint the pictures anew, after another decoder was embedded
"""

import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from PIL import Image

import impasto
from impasto import api, weights
from impasto.engine.styles import Style
from impasto.gallery import named_styles, packaged, styles_file

# Chosen by eye for variety; every artist died in 1954 or before. The years are those that museums give.
PAINTINGS = (
    ("vangogh-starry-night", "starry-night", "The Starry Night", "Vincent van Gogh", "1889"),
    ("vincent-van-gogh-sunset-wheat-field", "wheat-field", "Sunset: Wheat Fields near Arles", "Vincent van Gogh",
     "1888"),
    ("vincent-van-gogh-church-at-auvers", "church-at-auvers", "The Church at Auvers", "Vincent van Gogh", "1890"),
    ("vincent-van-gogh-self-portrait-1889", "self-portrait", "Self-Portrait", "Vincent van Gogh", "1889"),
    ("hokusai-great-wave", "great-wave", "The Great Wave off Kanagawa", "Katsushika Hokusai", "c. 1831"),
    ("hokusai-blossom-and-moon", "plum-blossom", "Plum Blossom and the Moon", "Katsushika Hokusai", "1803"),
    ("gustav-klimt-adele-bloch-bauer", "adele", "Portrait of Adele Bloch-Bauer I", "Gustav Klimt", "1907"),
    ("wassily-kandinsky-composition-vii", "composition-vii", "Composition VII", "Wassily Kandinsky", "1913"),
    ("francis-picabia-udnie", "udnie", "Udnie (Young American Girl, Dance)", "Francis Picabia", "1913"),
    ("henri-matisse-landscape-at-collioure", "collioure", "Landscape at Collioure", "Henri Matisse", "1905"),
    ("henri-matisse-dance", "dance", "Dance (I)", "Henri Matisse", "1909"),
    ("monet-impression-sunrise", "sunrise", "Impression, Sunrise", "Claude Monet", "1872"),
    ("claude-monet-autumn-effect-at-argenteuil", "autumn", "Autumn Effect at Argenteuil", "Claude Monet", "1873"),
    ("claude-monet-japanese-bridge", "water-lily-pond", "The Water-Lily Pond", "Claude Monet", "1899"),
    ("paul-cezanne-mont-sainte-victoire-second", "sainte-victoire", "Mont Sainte-Victoire", "Paul Cézanne", "c. 1905"),
    ("gauguin-spirit-dead", "woman-with-a-flower", "Woman with a Flower", "Paul Gauguin", "1891"),
    ("gauguin-where-do-we", "where-do-we-come-from", "Where Do We Come From? What Are We? Where Are We Going?",
     "Paul Gauguin", "1897–98"),
    ("turner-grand-canal-venice", "venice", "Venice, from the Porch of Madonna della Salute", "J. M. W. Turner",
     "c. 1835"),
    ("ivan-aivazovsky-ninth-wave", "ninth-wave", "The Ninth Wave", "Ivan Aivazovsky", "1850"),
    ("caspar-david-friedrich-wanderer", "wanderer", "Wanderer above the Sea of Fog", "Caspar David Friedrich",
     "c. 1818"),
    ("rembrandt-storm-on-the-sea-of-galilee", "storm", "The Storm on the Sea of Galilee", "Rembrandt", "1633"),
    ("seurat-grande-jatte", "grande-jatte", "A Sunday on La Grande Jatte", "Georges Seurat", "1884–86"),
    ("pissarro-red-roofs", "red-roofs", "The Red Roofs", "Camille Pissarro", "1877"),
    ("henri-rousseau-sleeping-gypsy", "sleeping-gypsy", "The Sleeping Gypsy", "Henri Rousseau", "1897"),
)  # fmt: skip
PHOTO = packaged()["mountains"]
PAINTED, SMALL = 640, 256
"""Pixels of the longer side when it is painted, and of the thumbnail."""


def main() -> None:
    if folders := sys.argv[1:]:
        encode([Path(folder) for folder in folders])
    paint()


def encode(folders: list[Path]) -> None:
    found = {path.stem: path for folder in folders for path in folder.rglob("*.jpg")}
    if missing := [stem for stem, *_ in PAINTINGS if stem not in found]:
        sys.exit(f"not in {', '.join(map(str, folders))}: {', '.join(missing)}")
    stylizer = api.load()
    styles = [api.encode_style(found[stem], stylizer=stylizer) for stem, *_ in PAINTINGS]
    about = [dict(zip(("name", "title", "artist", "year"), texts, strict=True)) for _, *texts in PAINTINGS]
    save_styles(styles_file(), styles, about)
    named_styles.cache_clear()
    print(styles_file())


def save_styles(path: Path, styles: Sequence[Style], about: Sequence[Mapping[str, str]]) -> None:
    """One file of several styles, encoded alike. about: what is told of each, with its `name` that `load_style` takes.

    Raises WeightsError if it cannot be written.
    """
    each = [style.arrays() for style in styles]
    arrays = {key: np.stack([one[key] for one in each]) for key in each[0]}
    lengths = [round(style.length, 3) for style in styles]
    config = {"styles": list(about), "encoder": styles[0].encoder, "scale": styles[0].scale, "lengths": lengths}
    weights.save_arrays(path, arrays, config)


def paint() -> None:
    """A thumbnail in each style."""
    stylizer, photo = api.load(), Image.open(PHOTO)
    for name, style in named_styles().items():
        small = impasto.stylize(photo, name, stylizer=stylizer, size=PAINTED)
        small.thumbnail((SMALL, SMALL), Image.Resampling.LANCZOS)
        style.thumbnail.parent.mkdir(exist_ok=True)
        small.save(style.thumbnail, quality=82, optimize=True)
    print(styles_file().with_suffix(""))


if __name__ == "__main__":
    main()
