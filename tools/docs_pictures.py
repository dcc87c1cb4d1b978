"""Make the pictures and figures of the documentation again: `make docs-pictures`.

    python tools/docs_pictures.py                       those that need nothing but impasto
    python tools/docs_pictures.py --data FOLDER         and those of photographs and paintings, about an hour
    python tools/docs_pictures.py --data FOLDER NAME... the named ones alone; those of trainings are only made by name
    python tools/docs_pictures.py --list                which command makes which

FOLDER has photographs in `content/` and `photos/`, and paintings in `styles/`, `monet/` and `vangogh/`. Needs
Chromium and the extras `all` and `dev`. Look at every picture before you commit it.
"""

import argparse
import shlex
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from PIL import Image

PROJECT = Path(__file__).parents[1]
FOLDER = PROJECT / "docs" / "pictures"
OWN = PROJECT / "src" / "impasto" / "assets" / "pictures"
WIDTH = 1800
"""Pixels of a figure at most."""


@dataclass(frozen=True)
class Made:
    """Pictures that one command makes.

    command: {pictures} is docs/pictures, {own} impasto's own pictures, {out} a fresh folder, {data} photographs and
    paintings. files: {picture: file in
    {out}}, no file for what the command writes into {pictures} itself. trains: it takes hours.
    """

    command: str
    files: Mapping[str, str] = field(default_factory=dict)
    trains: bool = False

    @property
    def needs_data(self) -> bool:
        return "{data}" in self.command


def itself(*names: str) -> dict[str, str]:
    return dict.fromkeys(names, "")


NEW_YORK = "--content {data}/content/newyork.jpg --style {data}/styles/vangogh-starry-night.jpg -o {out}"
MONET = "--data A={data}/photos B={data}/monet -o {out}"
SIZES = [f"page-{width}-{scheme}.jpg" for width in (1440, 820, 390) for scheme in ("light", "dark")]
TABS = (
    "page-begin-light.jpg",
    "page-styles.jpg",
    "page-compare.jpg",
    "page-explore.jpg",
    "page-video.jpg",
    "page-tabs-390.jpg",
    "page-tabs-820.jpg",
)

PICTURES = (
    Made("python tools/docs_sheets.py gallery {pictures}/gallery", itself("gallery")),
    Made("python tools/docs_sheets.py gatys {pictures}/gatys.jpg", itself("gatys.jpg")),
    Made(
        "python tools/docs_sheets.py film {pictures}/video.gif {pictures}/video-strip.jpg",
        itself("video.gif", "video-strip.jpg"),
    ),
    Made("python tools/bot_transcript.py --picture {pictures}/bot.png", itself("bot.png")),
    Made("python tools/page_pictures.py {pictures}", itself(*SIZES, *TABS)),
    Made("python tools/survey_page.py {pictures}/survey.jpg", itself("survey.jpg")),
    Made(
        "impasto compare {own}/mountains.jpg {own}/still_life.jpg --style swirls cubes"
        " --methods adain,gatys:steps=10:coarse_steps=10 -o {out}",
        {"compare-sheet.jpg": "sheet.png"},
    ),
    Made(
        "impasto study divergence -o {out}",
        {"study-divergence.jpg": "figure.png", "study-divergence-curves.png": "curves.png"},
    ),
    Made("python tools/docs_sheets.py adain {pictures}/adain-sheet.jpg --data {data}", itself("adain-sheet.jpg")),
    Made("python tools/docs_sheets.py monet {pictures}/monet-sheet.jpg --data {data}", itself("monet-sheet.jpg")),
    Made(
        "impasto study ratio-sweep --content {data}/content/sailboat.jpg"
        " --style {data}/styles/vangogh-starry-night.jpg -o {out}",
        {"study-ratio-sweep.jpg": "figure.png"},
    ),
    Made(
        "impasto study attention-vs-vanilla --content {data}/content/newyork.jpg {data}/content/blonde_girl.jpg"
        " --style {data}/styles/vangogh-starry-night.jpg -o {out}",
        {"study-attention-vs-vanilla.jpg": "figure.png"},
    ),
    *(
        Made(f"impasto study {name} {NEW_YORK}", {f"study-{name}.jpg": "figure.png"})
        for name in ("attention-layers", "attention-repairs", "pooling", "normalisation", "init")
    ),
    Made(
        f"impasto study optimisers {NEW_YORK}",
        {"study-optimisers.jpg": "figure.png", "study-optimisers-curves-time.png": "curves-time.png"},
    ),
    Made(
        "impasto study attention-map --content {data}/content/sailboat.jpg"
        " --style {data}/styles/monet-impression-sunrise.jpg --at 50%,17% 50%,83% -o {out}",
        {"study-attention-map.jpg": "figure.png"},
    ),
    *(
        Made(
            f"impasto study {name} --slim --size 64 --steps 2000 --precision bf16 {MONET}",
            {f"study-{name}.jpg": "figure.png", f"study-{name}-curves.jpg": "curves.png"},
            trains=True,
        )
        for name in ("nadam-vs-adam", "nla-vs-cyclegan")
    ),
    Made(
        "impasto study dncnn-batch-and-decay --size 32 --steps 250 --data A={data}/photos B={data}/vangogh -o {out}",
        {"study-dncnn-batch-and-decay.jpg": "figure.png", "study-dncnn-batch-and-decay-curves.jpg": "curves.png"},
        trains=True,
    ),
    Made(
        f"impasto study semantic-ablation --slim --size 64 --steps 400 --seed 0 --precision bf16 {MONET}",
        {"study-baselines.jpg": "figure.png"},
        trains=True,
    ),
    Made(
        f"impasto study semantic-ablation --slim --size 64 --steps 2000 --precision bf16 {MONET}",
        {
            "semantic-ablation.jpg": "figure.png",
            "semantic-ablation-curves.jpg": "curves.png",
            "semantic-ablation-failures.jpg": "failures.png",
        },
        trains=True,
    ),
)


def make(made: Made, data: Path | None) -> None:
    """Run the command, and bring what it wrote into docs/pictures."""
    with tempfile.TemporaryDirectory() as out:
        places = {"pictures": FOLDER, "own": OWN, "out": f"{out}/made", "data": data}
        for command in made.command.split(" && "):
            words = shlex.split(command.format(**places))
            start = [sys.executable, "-m", "impasto"] if words[0] == "impasto" else [sys.executable]
            subprocess.run([*start, *words[1:]], cwd=PROJECT, check=True)
        for name, file in made.files.items():
            if file:
                bring(Path(out) / "made" / file, FOLDER / name)


def bring(file: Path, target: Path) -> None:
    if target.suffix == file.suffix:
        shutil.copyfile(file, target)
        return
    with Image.open(file) as opened:
        picture = opened.convert("RGB")
    if picture.width > WIDTH:
        picture = picture.resize((WIDTH, round(picture.height * WIDTH / picture.width)), Image.Resampling.LANCZOS)
    picture.save(target, quality=84, optimize=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", help="pictures, as they are called in docs/pictures")
    parser.add_argument("--data", type=Path, help="photographs and paintings")
    parser.add_argument("--list", action="store_true")
    arguments = parser.parse_args()
    if arguments.list:
        for made in PICTURES:
            print(f"{', '.join(made.files)}: {made.command}")
        return
    if unknown := set(arguments.names) - {name for made in PICTURES for name in made.files}:
        parser.error(f"not in the table: {', '.join(sorted(unknown))}")
    for made in PICTURES:
        wanted = set(arguments.names) & set(made.files) if arguments.names else not made.trains
        if wanted and made.needs_data and arguments.data is None:
            print(f"left out, because they need --data: {', '.join(made.files)}")
        elif wanted:
            print(f"{', '.join(made.files)}: {made.command}", flush=True)
            make(made, arguments.data and arguments.data.resolve())


if __name__ == "__main__":
    main()
