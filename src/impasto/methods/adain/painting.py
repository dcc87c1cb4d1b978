"""How the default method's decoder learns to paint: photographs with dirt, abstracted, in a painting's colours, against
the painting's statistics and its distribution of patches.

A step on a GPU is a thousand small kernels, and starting them takes longer than their work. A single process on a GPU
therefore records its step once, as a CUDA graph, and replays it.
"""

import itertools
import random
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import torch
import torch.nn.functional as F
from accelerate import Accelerator
from torch import Tensor

from impasto.data.folders import hold_out, list_pictures
from impasto.data.memory import PicturesInMemory
from impasto.encoders import load_encoder
from impasto.engine.architecture import LAYERS, DecoderConfig, level
from impasto.errors import OptionError
from impasto.losses.feature_statistics import (
    Statistics,
    mean_covariance,
    mean_std,
    normalised_content_loss,
    relative_covariance_loss,
    relative_statistics_loss,
)
from impasto.losses.nearest_neighbour import nearest_neighbour_loss
from impasto.losses.sliced_wasserstein import directions, sliced_wasserstein_loss
from impasto.methods.adain.backend import load_decoder
from impasto.methods.adain.network import Decoder
from impasto.methods.adain.preparation import recoloured, smoothed, soiled, within
from impasto.methods.adain.training import KINDS, DecoderTraining
from impasto.training.loop import Recipe
from impasto.training.optimisation import OneCycle

Batch = dict[str, Tensor]
Codes = Mapping[str, Statistics]

# The most that the photo is smoothed by, in pixels: what a wanted detail of 0 means.
RADIUS = 4.0


@dataclass(frozen=True, kw_only=True)
class PaintingObjective:
    """Weights of the losses.

    content: at a wanted detail of 1 and of 0; in between they mix. identity: of the squared pixel error where a
    photograph is given its own statistics; steady: of the squared difference that dirt on the photograph makes; both on
    an eighth of the batch. masses: of the squared difference to the photo in the painting's colours, both as means of
    8 x 8 pixels: no glow beside dark shapes, fainter pebbles in a plain sky. finest: of the squared difference to what
    that photo has and its softened copy has not: crisp edges, and no mesh. sliced: of patches of 3 x 3 features;
    pixels: of 5 x 5 pixels; `filters` random directions each, in `blocks` blocks of 8 x 8 places. neighbours: every
    place like some place of the painting; alike: like the place whose features are closest to the photo's.
    """

    content: tuple[float, float] = (4.0, 2.0)
    statistics: float = 3.0
    covariance: float = 2.0
    sliced: float = 1.0
    pixels: float = 1.0
    neighbours: float = 1.0
    alike: float = 2.0
    identity: float = 5.0
    steady: float = 20.0
    masses: float = 40.0
    finest: float = 100.0
    filters: int = 32
    blocks: int = 64
    content_layers: tuple[str, ...] = ("relu3_1", "relu4_2")
    style_layers: tuple[str, ...] = ("relu1_1", "relu2_1", "relu3_1", "relu4_1", "relu5_1")


@dataclass(frozen=True, kw_only=True)
class AdaINRecipe(Recipe):
    """Settings of a run of the default method.

    stages: (share of the run at which it begins, pictures of each kind that a process works on, pixels of a crop, which
        16 divides), in order; the first one at 0. clip: largest norm of the gradient. average_decay: of the moving
        average of the weights, which is what the run is for.
    encoder: whose features the decoder paints from. depths, hidden, gain, grounds: of `DecoderConfig`.
    sides: shorter sides that photographs and paintings are held at, in pixels. held_out: pictures of each kind that are
        never trained on, for previews and validation.
    """

    kinds = KINDS

    objective: PaintingObjective
    rates: OneCycle
    stages: tuple[tuple[float, int, int], ...] = ((0.0, 16, 256),)
    clip: float = 1.0
    average_decay: float = 0.999
    encoder: str = "lite"
    depths: tuple[int, int, int, int] = (2, 2, 2, 4)
    hidden: int = 128
    gain: float = 4.0
    grounds: tuple[int, ...] = (4, 3, 2)
    content_sides: tuple[int, ...] = (224, 272, 336, 448)
    style_sides: tuple[int, ...] = (320, 416, 512, 640)
    held_out: int = 8

    @property
    def crop(self) -> int:
        """Pixels of the largest crops; smaller pictures are enlarged for them, or do without."""
        return max(side for _, _, side in self.stages)

    def build(
        self,
        accelerator: Accelerator,
        data: Mapping[str, Sequence[Path]],
        *,
        weights: Path | None = None,
        start: Path | None = None,
    ) -> "PaintingTraining":
        """weights: a local file for the encoder vgg19. start: a decoder's file, with whose weights the run begins.

        Raises DataError, OptionError, WeightsError.
        """
        encoder = load_encoder(self.encoder, weights=weights)
        decoder = DecoderConfig(
            widths=encoder.config.widths[:4],
            depths=self.depths,
            joined=True,
            hidden=self.hidden,
            gain=self.gain,
            grounds=self.grounds,
            detailed=True,
            upsampling="bilinear",
        )
        begun = None
        if start is not None:
            begun, _ = load_decoder(start)
            if begun.config != decoder:
                raise OptionError(
                    f"--start is {start}, but the recipe has another network: {decoder}, not {begun.config}"
                )
        training, held_out = [], []
        for kind, sides in zip(KINDS, (self.content_sides, self.style_sides), strict=True):
            learned_from, kept_back = hold_out(list_pictures(data[kind], shards=True), self.held_out, self.seed)
            training.append(PicturesInMemory(learned_from, sides, accelerator.device))
            held_out.append(PicturesInMemory(kept_back, sides[-1:], accelerator.device))
        for source in (*training, *held_out):
            for _, _, side in self.stages:
                source.drawn(side)
        return PaintingTraining(decoder, encoder, accelerator, tuple(training), tuple(held_out), self, begun)


class PaintingTraining(DecoderTraining):
    """A decoder's training by pictures that are held in memory."""

    settings: AdaINRecipe
    pictures: tuple[PicturesInMemory, PicturesInMemory]
    held_out: tuple[PicturesInMemory, PicturesInMemory]
    bare = True

    # --- batches ---------------------------------------------------------------------------------------------------

    def batches(self, start: int) -> Iterator[Batch]:
        rank, world_size = self.accelerator.process_index, self.accelerator.num_processes
        for step in itertools.count(start):
            done = step / self.settings.schedule.steps
            _, count, side = next(stage for stage in reversed(self.settings.stages) if stage[0] <= done)
            yield self._drawn(step * world_size + rank, count, side, self.pictures)

    @torch.no_grad()
    def _drawn(self, number: int, count: int, side: int, pictures: tuple[PicturesInMemory, PicturesInMemory]) -> Batch:
        """A function of the seed and the batch's number alone."""
        chance = random.Random(f"{self.settings.seed}/{number}")
        generator = torch.Generator(self.device).manual_seed(chance.getrandbits(62))
        detail = 1.0 if chance.random() < 0.25 else chance.random()
        content, style = (source.crops(count, side, generator).float() / 255 for source in pictures)
        # With dirt and without, both as masses in the paintings' colours.
        photos = torch.cat([soiled(content, generator), content])
        plain = smoothed(photos, RADIUS * (1 - detail))
        mean, covariance = (torch.cat([value, value]) for value in mean_covariance(style))
        dirty, clean = within(recoloured(plain, mean_covariance(plain), (mean, covariance)), plain).chunk(2)
        batch = {
            "style": style, "input": dirty, "wanted": clean, "own": content[: max(1, count // 8)],
            "detail": torch.full((1, 1), detail, device=self.device),
            **self._grounds(count, side, generator), **self._filters(generator),
            "places": torch.rand(2, self.settings.objective.blocks, device=self.device, generator=generator),
        }  # fmt: skip
        formats = {True: torch.channels_last, False: torch.contiguous_format}
        return {name: value.contiguous(memory_format=formats[value.ndim == 4]) for name, value in batch.items()}

    def _grounds(self, count: int, side: int, generator: torch.Generator) -> Batch:
        """As `ground` has them, but others in every batch."""
        found = {}
        for name in self.average.grounds:
            length = side >> level(name)
            values = torch.rand(count, 1, length, length, device=self.device, generator=generator)
            found[f"ground {name}"] = 3**0.5 * (2 * values - 1)
        return found

    def _filters(self, generator: torch.Generator) -> Batch:
        """Directions of the sliced losses."""
        widths = zip(LAYERS, self.average.config.widths, strict=True)
        layers = (("pixels", 3, 5), *((layer, width, 3) for layer, width in widths))
        count = self.settings.objective.filters
        return {f"filters {layer}": directions(width, count, side, generator) for layer, width, side in layers}

    # --- a step ----------------------------------------------------------------------------------------------------

    @cached_property
    def _recorded(self) -> "defaultdict[torch.Size, _Recorded]":
        """By the shape of a batch."""
        return defaultdict(lambda: _Recorded(self._update))

    def _learn(self, batch: Batch) -> dict[str, Tensor]:
        if not self.records:
            return self._update(batch)
        return self._recorded[batch["style"].shape](batch)

    def _update(self, batch: Batch) -> dict[str, Tensor]:
        losses = self._losses(batch, self.network)[1]
        total = torch.stack(list(losses.values())).sum()
        total.backward()
        self.descend()
        return {"loss": total.detach()} | {f"loss/{name}": value.detach() for name, value in losses.items()}

    def _losses(self, batch: Batch, network: Decoder) -> tuple[Tensor, dict[str, Tensor]]:
        """The painted pictures, (N, 3, H, W), and {name: weighted loss}."""
        objective, count, few = self.settings.objective, len(batch["style"]), len(batch["own"])
        with self._autocast():
            with torch.no_grad():
                wanted = self.encoder(softened(batch["wanted"]), {*objective.content_layers, *LAYERS[2:]})
                seen = self.encoder(softened(batch["style"]), {*objective.style_layers, *LAYERS})
                target = {layer: mean_std(value) for layer, value in self.encoder(batch["style"], LAYERS).items()}
                given = self._given(batch, target)
            pictures = network(*given)
            painted, clean, same = (part.float() for part in pictures.split([count, few, few]))
            soft = softened(painted)
            found = self.encoder(soft, {*objective.content_layers, *objective.style_layers, *LAYERS})
        finest = batch["wanted"] - softened(batch["wanted"])
        share = batch["detail"].mean()
        amount = objective.content[0] * share + objective.content[1] * (1 - share)
        close = [normalised_content_loss(found[layer], wanted[layer]) for layer in objective.content_layers]
        losses = {
            "content": amount * torch.stack(close).sum(),
            "masses": objective.masses * (F.avg_pool2d(painted, 8) - F.avg_pool2d(batch["wanted"], 8)).square().mean(),
            "identity": objective.identity * (same - batch["own"]).square().mean(),
            "steady": objective.steady * (painted[:few] - clean).square().mean(),
            "finest": objective.finest * ((painted - soft) - finest).square().mean(),
            **self._style_losses(soft, found, batch, seen, wanted),
        }
        return painted, losses

    def _given(self, batch: Batch, target: Codes) -> tuple[Batch, Codes, Tensor, Batch]:
        """Features, statistics, details and grounds, as the decoder takes them.

        After the pictures come the first few without their dirt, and the first few photographs with their own
        statistics.
        """
        count, few = len(batch["style"]), len(batch["own"])
        entering = self.encoder(torch.cat([batch["input"], batch["wanted"][:few], batch["own"]]), LAYERS)
        given: Batch = {}
        codes: dict[str, Statistics] = {}
        for layer, value in entering.items():
            own, style = mean_std(value), target[layer]
            mean, std = (torch.cat([style[k], style[k][:few], own[k][count + few :]]) for k in (0, 1))
            codes[layer] = mean, std
            given[layer] = self.average.given(value, codes[layer], own)
        detail = batch["detail"].expand(count + few, 1)
        detail = torch.cat([detail, torch.ones_like(detail[:few])])
        grounds = {name: batch[f"ground {name}"] for name in self.average.grounds}
        return given, codes, detail, {name: torch.cat([x, x[:few], x[:few]]) for name, x in grounds.items()}

    def _style_losses(
        self, soft: Tensor, found: dict[str, Tensor], batch: Batch, seen: dict[str, Tensor], wanted: dict[str, Tensor]
    ) -> dict[str, Tensor]:
        """soft: the painted pictures, softened; found: their features; seen, wanted: those of the softened
        paintings and photographs."""
        objective = self.settings.objective
        alike = {layer: (mean_std(found[layer]), mean_std(seen[layer])) for layer in objective.style_layers}
        style, places = softened(batch["style"]), batch["places"]
        terms = {
            "statistics": [relative_statistics_loss(*alike[x]) for x in objective.style_layers],
            "covariance": [relative_covariance_loss(found[x], seen[x]) for x in LAYERS],
            "sliced": [sliced_wasserstein_loss(found[x], seen[x], batch[f"filters {x}"], places) for x in LAYERS],
            "pixels": [sliced_wasserstein_loss(soft, style, batch["filters pixels"], places)],
            "alike": [nearest_neighbour_loss(found[x], seen[x], query=wanted[x]) for x in LAYERS[2:]],
            "neighbours": [nearest_neighbour_loss(found[x], seen[x]) for x in LAYERS[2:]],
        }
        return {name: getattr(objective, name) * torch.stack(values).sum() for name, values in terms.items()}

    def _autocast(self) -> torch.autocast:
        wanted = self.accelerator.mixed_precision == "bf16"
        # Weights are cast anew for every use: a cache would outlive the graph that they are recorded in.
        return torch.autocast(self.device.type, torch.bfloat16, enabled=wanted, cache_enabled=False)

    # --- what the loop asks for ------------------------------------------------------------------------------------

    @torch.no_grad()
    def validate(self) -> dict[str, float]:
        """The decoder's losses on held-out pictures, by the averaged weights."""
        batch = self._drawn(-1, 8, self.settings.stages[-1][2], self.held_out)
        losses = {name: float(value) for name, value in self._losses(batch, self.average)[1].items()}
        return {f"held out/{name}": value for name, value in (losses | {"loss": sum(losses.values())}).items()}

    @torch.no_grad()
    def preview(self) -> Tensor:
        """(1, 3, H, W): a row for each of four held-out pairs: content, style and what is painted now."""
        batch = self._drawn(-1, 4, self.settings.stages[-1][2], self.held_out)
        painted = self._losses(batch, self.average)[0]
        rows = torch.cat([batch["wanted"], batch["style"], painted], 3)
        return torch.cat(list(rows.split(1)), 2)


class _Recorded:
    """A function of a batch, run three times as it is and then recorded as a CUDA graph that is replayed."""

    def __init__(self, function: Callable[[Batch], dict[str, Tensor]]) -> None:
        self.function = function
        self.calls = 0
        self.stream = torch.cuda.Stream()
        self.graph: torch.cuda.CUDAGraph | None = None

    def __call__(self, batch: Batch) -> dict[str, Tensor]:
        with torch.backends.cudnn.flags(enabled=True, benchmark=True):
            return self._called(batch)

    def _called(self, batch: Batch) -> dict[str, Tensor]:
        if self.calls < 3:
            self.calls += 1
            self.stream.wait_stream(torch.cuda.current_stream())
            with torch.cuda.stream(self.stream):
                result = self.function(batch)
            torch.cuda.current_stream().wait_stream(self.stream)
            return result
        if self.graph is None:
            self.inputs = {name: value.clone() for name, value in batch.items()}
            self.graph = torch.cuda.CUDAGraph()
            torch.cuda.synchronize()
            with torch.cuda.graph(self.graph, stream=self.stream):
                self.outputs = self.function(self.inputs)
        for name, value in batch.items():
            self.inputs[name].copy_(value)
        self.graph.replay()
        return {name: value.clone() for name, value in self.outputs.items()}


def softened(pictures: Tensor) -> Tensor:
    """(N, 3, H, W) through a binomial filter of 5 x 5.

    What is finer than a stroke is no part of the style: a decoder that is asked for it learns a mesh, which has the
    same statistics as the grain of a canvas.
    """
    x = F.pad(pictures, (2, 2, 2, 2), mode="reflect")
    # Four times the mean of two neighbours: constants on the host could not be recorded in a CUDA graph.
    for _ in range(4):
        x = (x[..., 1:] + x[..., :-1]) / 2
        x = (x[..., 1:, :] + x[..., :-1, :]) / 2
    return x
