"""Where places of a content look in a style: the weights of the attention style loss (paper 001, Figure 4)."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any, ClassVar

import torch
from PIL import Image
from torch import Tensor

from impasto import image, tensors
from impasto.attention import maps
from impasto.attention.maps import Place, by_order, dimmed, enlarged, grey, scaled, seen_size
from impasto.losses.attention_style import Compared, attention_weights, best_matches
from impasto.masks import content_with_opacity, with_opacity
from impasto.report.sheets import marked


@dataclass(frozen=True)
class Look(Compared):
    """Where a content looks in a style at one layer.

    style: (1, 3, h, w) in [0, 1]. weights: (K, h, w), of every position of the style for each of K places; each (h, w)
    sums to 1.
    """

    style: Tensor
    weights: Tensor

    @property
    def best(self) -> list[Place]:
        """In pixels of the style, for each place: the middle of the position with the highest weight."""
        height, width = self.style.shape[-2:]
        columns = self.weights.shape[-1]
        top = self.weights.flatten(1).argmax(1).tolist()
        places = (((index % columns + 0.5) * self.cell, (index // columns + 0.5) * self.cell) for index in top)
        # The last position of an odd side reaches beyond the picture.
        return [(min(x, width - 0.5), min(y, height - 0.5)) for x, y in places]

    @cached_property
    def correspondence(self) -> Tensor:
        """(2, H, W) int64, row and column of the style's position that each of the content's looks at most.

        Computed when it is first asked for, as it takes longer than everything else together.
        """
        with torch.inference_mode():
            return best_matches(self.queries, self.keys, key_weights=self.shares).cpu()

    def marked_style(self, number: int) -> Image.Image:
        """The style with the best match of one place."""
        return marked(image.to_pil(tensors.to_picture(self.style)), self.best[number])

    def heat(self, number: int) -> Image.Image:
        """Where one place looks in the style, in grey, from black to white."""
        return enlarged(grey(by_order(self.weights[number])), self.cell, self.style)


@dataclass(frozen=True)
class StyleAttention:
    """Where places of a content look in a style, and all that is needed to ask about others.

    given: (width, height) of the content as it was given. content, style: (1, 3, h, w) as the network saw them. places:
    in pixels of that content.
    """

    hint: ClassVar[str] = (
        "Point at the content, or move with the arrow keys: the dots in the style are where each layer's attention is"
        " highest."
    )
    given: tuple[int, int]
    content: Tensor
    style: Tensor
    temperature: float
    layers: Sequence[Compared] = field(repr=False)
    places: Sequence[Place] = ()

    def at(self, places: Sequence[str | Place]) -> "StyleAttention":
        """Where other places look. Raises OptionError."""
        return replace(self, places=scaled(places, self.given, self.content))

    @cached_property
    def looks(self) -> list[Look]:
        with torch.inference_mode():
            return [self._look(one) for one in self.layers]

    @property
    def num_bytes(self) -> int:
        tensors = [self.content, self.style, *(one for each in self.layers for one in (each.queries, each.keys))]
        return sum(tensor.nbytes for tensor in tensors)

    @property
    def columns(self) -> list[str]:
        """The content, and for each layer the style with the best match and the weights: white is the highest of its
        map, and the half with the lowest is black."""
        return ["content", *(name for look in self.looks for name in (look.layer, "weights"))]

    def rows(self, *, overall: bool) -> list[tuple[str, list[Image.Image]]]:
        """overall: one more, in which each place of the content has the colour of the place of the style that it looks
        at, and one with the style's own pixels gathered there."""
        content, style = (image.to_pil(tensors.to_picture(pixels)) for pixels in (self.content, self.style))
        rows = []
        for number, place in enumerate(self.places):
            row = [marked(content, place)]
            for look in self.looks:
                row += [look.marked_style(number), marked(look.heat(number), look.best[number], ring=True)]
            rows.append(row)
        if overall:
            matched = [(look.correspondence, look.cell, self.content, self.style) for look in self.looks]
            key = maps.key(style)
            rows.append([content, *(one for each in matched for one in (key, maps.in_colours(*each)))])
            rows.append([content, *(one for each in matched for one in (style, maps.gathered(*each)))])
        return [("", row) for row in rows]

    def lit(self, number: int) -> Image.Image:
        """The style, bright where one place looks at the first layer, and a ring around the best match."""
        look = self.looks[0]
        return marked(dimmed(self.style, by_order(look.weights[number]), look.cell), look.best[number], ring=True)

    def panels(self) -> list[dict[str, Any]]:
        """The style once for each layer, and where in it every position of the content looks."""
        style = image.to_pil(tensors.to_picture(self.style))
        return [
            {
                "name": look.layer, "alt": "style", "picture": style,
                "data": {"cell": look.cell, "map": look.correspondence.permute(1, 2, 0).tolist()},
            }
            for look in self.looks
        ]  # fmt: skip

    def _look(self, one: Compared) -> Look:
        at = [one.queries[0, :, int(y) // one.cell, int(x) // one.cell] for x, y in self.places]
        chosen = torch.stack(at) if at else one.queries.new_zeros(0, one.queries.shape[1])
        weights = attention_weights(chosen, one.keys, temperature=self.temperature, key_weights=one.shares)
        return Look(**vars(one), style=self.style, weights=weights.cpu())


def prepare(content: image.Picture, style: image.Picture, options: Any, method: Any) -> StyleAttention:
    """What is needed before the places are known, for many of them one after the other.

    options: of a method that looks in the style, whose `look_options` matter here. method: its stylizer.
    """
    seen = tensors.resize(torch.from_numpy(content_with_opacity(content)), *seen_size(content, options))
    content_seen, style_seen, layers = method.compare(seen, torch.from_numpy(with_opacity(style)), options)
    given = content.width, content.height
    return StyleAttention(given, content_seen, style_seen, options.attention_temperature, layers)
