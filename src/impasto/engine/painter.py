"""How one painting is made: prepare the photo, exchange statistics, decode; tile by tile, octave by octave."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial

import numpy as np

from impasto.engine.architecture import ENCODER_HALO, MULTIPLE
from impasto.engine.backend import Backend, one
from impasto.engine.given import Given, InRegions, grounds
from impasto.engine.preparation import (
    Colours,
    blend_colours,
    colours,
    enlarged,
    in_colours,
    masses,
    octaves,
    recolouring,
    smooth,
)
from impasto.engine.raster import Computed, Extended, Held, Raster, Resized, Window, blocks, tiles, total, whole
from impasto.engine.room import Room, Scratch, materialised, room
from impasto.engine.statistics import Array, Codes, Following, Moments, blend, merged, statistics_of
from impasto.engine.strokes import FULL, HALO, contrast_of, reach_of
from impasto.engine.styles import Style

# The radius, as a share of the shorter side, that a photo is smoothed by where none of its detail is wanted.
SMOOTHED = 1 / 128

# Of a pass over an enlarged painting: how much of the finer strokes that it adds is taken, and the side of the squares
# whose mean colours they leave as they are.
FINER, STILL = np.float32(0.8), MULTIPLE

# Side of the largest square that is painted at once.
SIDE = 1216

# Parts of a picture whose statistics are taken at once; of the largest square, each takes 100 MB.
TOGETHER = 3

# Sides that leave two positions after all poolings, which is what reflection needs.
LEAST = 9


@dataclass(frozen=True, kw_only=True)
class Painter:
    """What is to be painted in which way.

    style: the only one, or a blend. regions: instead, styles and how much of each position is that style's, (1, 1, H,
    W) each. opacity: (N or 1, 1, H, W); None where all of the photo is visible.
    strength, detail, stroke: of `StylizeOptions`. Detail and stroke mean something to a detailed decoder alone.
    drawing: how much strokes are drawn out, from 0 to 1; None as detail is left out.
    following: of a frame of a film in one style, what its statistics follow. canvas: of such a frame, too, as
    `ground_on` has it; None where strokes hold still.
    side: of the square that nothing larger than is painted at once. sparing: with memory, rather than with time.
    """

    backend: Backend
    style: Style | None = None
    regions: Sequence[tuple[Style, Raster]] = ()
    opacity: Raster | None = None
    strength: float = 1.0
    detail: float = 1.0
    stroke: float = 0.01
    drawing: float | None = None
    following: Following | None = None
    canvas: Array | None = None
    side: int = SIDE
    sparing: bool = False

    def __call__(self, photo: Array) -> Array:
        """(N, 3, H, W) in [0, 1] -> the same, in which no value is kept within [0, 1]."""
        painting = Room(np.empty(photo.shape, np.float32))
        for place, part in self.parts(Held(photo)):
            painting.write(place, part)
        return painting.pixels

    def parts(self, photo: Raster) -> Iterator[tuple[Window, Array]]:
        """photo: (N, 3, H, W) in [0, 1]. Of the painting, in rows from the top, each from the left; no value is kept
        within [0, 1]."""
        if min(photo.size) < LEAST:
            size = max(LEAST, photo.size[0]), max(LEAST, photo.size[1])
            for place, part in self._seen(lambda raster: Extended(raster, size)).parts(Extended(photo, size)):
                core = place.grown(0, *photo.size)
                yield core, place.cut(core, part)
        elif self.backend.config.detailed:
            yield from self._in_octaves(photo)
        else:
            yield from self._painted(photo, photo)

    def _in_octaves(self, photo: Raster) -> Iterator[tuple[Window, Array]]:
        sizes = octaves(*photo.size, self.stroke)
        self._expect(photo, sizes[0])
        radius = SMOOTHED * min(sizes[0]) * (1 - self._kept)
        smoothed: tuple[Raster, Raster] | None = None
        own: list[Colours] = []
        difference: Raster | None = None
        for size in sizes:
            painter = self._seen(partial(Resized, size=size))
            seen = photo if size == photo.size else materialised(Resized(photo, size))
            plain = seen
            if radius > 0:
                smoothed = smoothed or smooth(seen, radius)
                plain = masses(seen, *smoothed)
            plain = self._at_once(plain)
            own = own or painter._colours(plain)
            prepared = painter._prepared(plain, seen, own)
            if difference is None:
                prepared = self._made(prepared)
                parts = painter._painted(prepared, seen)
            else:
                parts = painter._finer(self._made(enlarged(prepared, Resized(difference, size, clamped=False))))
            if size == sizes[-1]:
                yield from parts
            else:
                difference = _gathered(size, ((place, part - prepared.window(place)) for place, part in parts))
            self._spare()

    def _expect(self, photo: Raster, size: tuple[int, int]) -> None:
        """Let what paints this size at once be made ready while the photo is prepared."""
        place = Window(0, 0, *size)
        if self.sparing or size[0] * size[1] > self.side**2:
            return
        pixel = photo.window(Window(0, 0, 1, 1))
        picture = np.broadcast_to(pixel, (*pixel.shape[:2], *size))
        if given := self._at_once_given():
            noise = grounds(self.backend.config, place, size, self.canvas)
            self.backend.expect("paint", picture, given, noise)
        if self._drawn:
            self.backend.expect(
                "draw", picture, picture, *self._seen(partial(Resized, size=size))._strokes(place, size)
            )

    def _spare(self) -> None:
        """After a pass whose programs are not needed again."""
        if self.sparing:
            self.backend.release()

    def _at_once(self, raster: Raster) -> Raster:
        """What is one tile is made only once."""
        height, width = raster.size
        return Held(raster.window(whole(raster))) if height * width <= self.side**2 else raster

    def _made(self, raster: Raster) -> Raster:
        """Made only once, although several passes look at it."""
        at_once = self._at_once(raster)
        return materialised(raster) if at_once is raster else at_once

    @property
    def _kept(self) -> float:
        """The detail that stays: without any style all of it does."""
        return 1 - min(1.0, self.strength) * (1 - self.detail)

    def _seen(self, change: Callable[[Raster], Raster]) -> "Painter":
        """The same with other masks."""
        opacity = None if self.opacity is None else change(self.opacity)
        return replace(self, opacity=opacity, regions=[(style, change(region)) for style, region in self.regions])

    # --- colours and abstraction -----------------------------------------------------------------------------------

    def _colours(self, plain: Raster) -> list[Colours]:
        """Of the photo, in each region."""
        if self.style is not None:
            measured = self._colours_of(plain, self.opacity)
            return [self.following({"colours": measured})["colours"] if self.following else measured]
        shares = [self._shown(region) for _, region in self.regions]
        return [self._colours_of(plain, share if total(share) >= 1 else self.opacity) for share in shares]

    def _colours_of(self, plain: Raster, shares: Raster | None) -> Colours:
        places = [core for core, _ in tiles(*plain.size, 0, self.side)]
        return colours((plain.window(place), _part(shares, place)) for place in places)

    def _prepared(self, plain: Raster, photo: Raster, own: Sequence[Colours]) -> Raster:
        """The photo as masses in the painting's colours. plain: the photo, smoothed. own: its colours, by region."""
        share = min(1.0, self.strength)
        if self.style is not None:
            target = blend_colours([self.style.colours, own[0]], [share, 1 - share])
            return in_colours(plain, photo, [recolouring(own[0], target)], [], share)
        maps = [recolouring(before, style.colours) for before, (style, _) in zip(own, self.regions, strict=True)]
        return in_colours(plain, photo, maps, [region for _, region in self.regions], share)

    # --- statistics and strokes ------------------------------------------------------------------------------------

    def _painted(self, prepared: Raster, photo: Raster, margin: int = 0) -> Iterator[tuple[Window, Array]]:
        """(what no other part is of, that part of the painting). prepared: what the network sees of the photo. margin:
        pixels around each part that come with it, as far as the picture has them."""
        if not self._drawn:
            yield from self._decoded(prepared, photo, margin)
            return
        size = prepared.size
        # In tiles of their own, strokes need not make those of the networks overlap more.
        decoded = _gathered(size, self._decoded(prepared, photo))
        self._spare()
        for core, place in tiles(*size, HALO + margin, self.side):
            strokes = self._strokes(place, size)
            painted = self.backend.draw(decoded.window(place), prepared.window(place), *strokes)
            yield core, place.cut(core.grown(margin, *size), painted)

    def _decoded(self, prepared: Raster, photo: Raster, margin: int = 0) -> Iterator[tuple[Window, Array]]:
        """As `_painted`, with strokes as the decoder has them."""
        size = prepared.size
        cut = tiles(*size, self.backend.config.halo + margin, self.side)
        at_once = self._at_once_given() if len(cut) == 1 else None
        given, plain = (at_once, None) if at_once else self._given(prepared, photo)
        for core, place in cut:
            noise = grounds(self.backend.config, place, size, self.canvas)
            painted = self.backend.paint(prepared.window(place), given.at(place), noise)
            if plain is not None:
                # What the decoder cannot repeat is given back where there is no style, so that that is the photo.
                rest = given.rest(place) if isinstance(given, InRegions) else np.float32(1 - self.strength)
                if np.any(rest):
                    original = photo.window(place)
                    painted = painted + rest * (original - self.backend.paint(original, plain, noise))
            yield core, place.cut(core.grown(margin, *size), painted)

    @property
    def _drawn(self) -> float:
        """How much strokes are drawn out."""
        if not self.backend.config.detailed:
            return 0.0
        return min(1.0, (1 - self._kept) / FULL) if self.drawing is None else self.drawing

    def _strokes(self, place: Window, size: tuple[int, int]) -> tuple[Array, Array, Array]:
        """Their reach at each pixel of a place of the picture of this size, how far what is done to plain places is
        done, and the contrast, of which several styles are given their mean."""
        styles = [self.style] if self.style is not None else [style for style, _ in self.regions]
        contrast = one(sum(contrast_of(style.colours[1]) for style in styles) / len(styles))
        reaches = [np.float32(reach_of(style.length, min(size)) * self._drawn) for style in styles]
        if self.style is not None:
            return one(float(reaches[0])), one(self._drawn), contrast
        shares = [region.window(place) for _, region in self.regions]
        reach = sum(reach * share for reach, share in zip(reaches, shares, strict=True))
        return np.asarray(reach), np.float32(self._drawn) * np.minimum(1, sum(shares)), contrast

    def _of_style(self, code: Codes) -> Given:
        """What features with a style's statistics are given, and what else the decoder is."""
        modulation = self.backend.conditioning(code, self._kept)
        return Given(code, modulation, of_style=True, gain=self.backend.config.gain)

    def _at_once_given(self) -> Given | None:
        """What the decoder is given of a picture whose own statistics need not be known before; None if they do."""
        if self.style is None or self.strength != 1 or self.opacity is not None or self.following:
            return None
        return self._of_style(self.style.statistics)

    def _given(self, prepared: Raster, photo: Raster) -> tuple[Given | InRegions, Given | None]:
        """What the decoder is given of the prepared photo, and of the photo for what no style is seen in."""
        if self.style is not None:
            own = self._statistics(prepared)
            own = self.following(own) if self.following else own
            code: Codes = self.style.statistics
            if self.strength != 1:
                code = blend([code, own], [self.strength, 1 - self.strength])
            given = self._of_style(code).exchanging(own)
            return given, None if self.strength >= 1 else self._plain(self._statistics(photo))
        shares = [self.opacity, *(self._shown(region) for _, region in self.regions)]
        everywhere, *there_in = self._moments(prepared, shares)
        own, regions = statistics_of(everywhere), []
        for (style, region), there in zip(self.regions, there_in, strict=True):
            # A region of less than one position has no statistics of its own.
            seen = {layer: there[layer].statistics if there[layer].total >= 1 else own[layer] for layer in own}
            regions.append((region, self._of_style(style.statistics).exchanging(seen)))
        plain = self._plain(own)
        return InRegions(regions, self.strength, plain.modulation), plain

    def _plain(self, own: Codes) -> Given:
        """Features as they are."""
        same = {layer: (np.ones_like(mean), np.zeros_like(mean)) for layer, (mean, _) in own.items()}
        return Given(same, self.backend.conditioning(own))

    def _statistics(self, picture: Raster) -> Codes:
        """Of what of a picture counts; sides of 9 or more."""
        return statistics_of(self._moments(picture, [self.opacity])[0])

    def _moments(self, picture: Raster, shares: Sequence[Raster | None]) -> list[dict[str, Moments]]:
        """By each of the shares of positions."""
        cut = tiles(*picture.size, ENCODER_HALO, self.side)
        parts = []
        for core, place in cut:
            if len(cut) == 1:
                counted = [_part(one, place) for one in shares]
            else:
                inside = np.zeros((1, 1, *place.size), np.float32)
                place.cut(core, inside)[:] = 1
                counted = [inside if one is None else inside * one.window(place) for one in shares]
            parts.append(self._encoded(picture.window(place), counted))
        return [merged(of_one) for of_one in zip(*parts, strict=True)]

    def _encoded(self, picture: Array, shares: Sequence[Array | None]) -> list[dict[str, Moments]]:
        """Moments by each of the shares, for some of which the picture is encoded at once."""
        if len(shares) == 1 or len(picture) > 1 or self.sparing:
            return [self.backend.encode(picture, one) for one in shares]
        everything = np.ones((1, 1, *picture.shape[2:]), np.float32)
        found = []
        for first, last in blocks(0, len(shares), TOGETHER):
            stacked = np.concatenate([everything if one is None else one for one in shares[first:last]])
            moments = self.backend.encode(picture, stacked)
            found += [{layer: all_of[row] for layer, all_of in moments.items()} for row in range(last - first)]
        return found

    def _shown(self, region: Raster) -> Raster:
        """How much each position of a region counts."""
        opacity = self.opacity
        if opacity is None:
            return region
        return Computed(region.size, lambda place: region.window(place) * opacity.window(place))

    def _finer(self, base: Raster) -> Iterator[tuple[Window, Array]]:
        """An enlarged painting with what a pass over it adds: strokes of this size, in the colours that are there."""
        amount = FINER * np.float32(min(1.0, self.strength))
        once_more = replace(self, strength=1.0, detail=1.0, drawing=self._drawn)
        for core, painted in once_more._painted(base, base, margin=STILL):
            place = core.grown(STILL, *base.size)
            under = base.window(place)
            added = painted - under
            added -= _local_means(added)
            added *= amount
            added += under
            yield core, place.cut(core, added)


def encoded(backend: Backend, painting: Array, opacity: Array | None = None) -> Codes:
    """Of a painting, (1, 3, h, w) in [0, 1] of any size. opacity: (1, 1, h, w), how much a pixel counts."""
    size = max(LEAST, painting.shape[2]), max(LEAST, painting.shape[3])
    shares = None if opacity is None else Extended(Held(opacity), size)
    return Painter(backend=backend, opacity=shares)._statistics(Extended(Held(painting), size))


def _part(mask: Raster | None, place: Window) -> Array | None:
    return None if mask is None else mask.window(place)


def _gathered(size: tuple[int, int], parts: Iterator[tuple[Window, Array]]) -> Raster:
    """One picture of parts of it."""
    gathered: Room | Scratch | None = None
    for place, pixels in parts:
        gathered = gathered or room(len(pixels), 3, *size)
        gathered.write(place, pixels)
    assert gathered is not None
    return gathered


def _local_means(x: Array) -> Array:
    """Means of squares, interpolated between their middles."""
    rows, columns = (np.arange(0, side, STILL) for side in x.shape[-2:])
    sums = np.add.reduceat(np.add.reduceat(x, columns, -1), rows, -2)
    heights, widths = np.minimum(STILL, x.shape[-2] - rows), np.minimum(STILL, x.shape[-1] - columns)
    means = sums / (heights[:, None] * widths).astype(np.float32)
    size = len(rows) * STILL, len(columns) * STILL
    return Resized(Held(means), size, clamped=False, kernel="linear").window(Window(0, 0, *x.shape[-2:]))
