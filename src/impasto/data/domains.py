"""Pictures of the two kinds that are translated into each other without pairs, A and B."""

from collections.abc import Mapping
from dataclasses import dataclass

from impasto.data.folders import Crops, Folders, PictureFile, PictureStream, hold_out, list_pictures
from impasto.data.layout import TEST
from impasto.errors import OptionError

KINDS = ("A", "B")
"""As `impasto train --data A=FOLDER B=FOLDER` names them; testA and testB may come with them."""


Domains = Mapping[str, PictureStream]
"""{kind: an endless stream of its pictures}; the streams have nothing to do with each other."""


@dataclass(frozen=True, kw_only=True)
class DomainCrops:
    """What is seen of the pictures.

    crop, shorter: pixels of a training crop, and of the picture's shorter side that it is cut from.
    zoom: that side is drawn, log-uniformly, from `shorter` to so many times as much, so that what is learned holds for
        pictures of several sizes.
    held_out: pictures of each kind that are never trained on, for previews and validation. Where the data have a test
        set of a kind, it is that, whole. A kind of a single picture is trained on and shown.
    """

    crop: int = 256
    # Paper 000 brings pictures to 286 x 286. Those of its data set are square; others keep their aspect ratio here.
    shorter: int = 286
    zoom: float = 1.0
    held_out: int = 4

    def __post_init__(self) -> None:
        if self.zoom < 1:
            raise OptionError(f"zoom is {self.zoom}, but must be 1 or more")

    def domains(self, data: Mapping[str, Folders], seed: int) -> tuple[Domains, Domains]:
        """(to train on, held out). Both kinds in orders of their own, so that every picture meets many of the other
        kind, which is also paper 002's pairing of a style picture with several contents (section 2.6)."""
        streams, held_out = {}, {}
        crops = Crops(side=self.crop, shorter=(self.shorter, round(self.zoom * self.shorter)))
        whole = Crops(side=self.crop, shorter=(self.crop, self.crop), flip=False)
        for number, kind in enumerate(KINDS):
            learned_from, kept_back = self.split(data, kind, seed)
            streams[kind] = PictureStream(learned_from, crops, 2 * seed + number)
            held_out[kind] = PictureStream(kept_back, whole, 2 * seed + number)
        return streams, held_out

    def split(self, data: Mapping[str, Folders], kind: str, seed: int) -> tuple[list[PictureFile], list[PictureFile]]:
        """(to train on, held out) of a kind."""
        pictures = list_pictures(data[kind], shards=True)
        if TEST[kind] in data:
            return pictures, list_pictures(data[TEST[kind]], shards=True)
        if len(set(pictures)) == 1:
            return pictures, pictures[:1]
        return hold_out(pictures, self.held_out, seed)
