"""Method `gatys`: the picture itself is optimised, from coarse to fine (Gatys et al. 2016; papers 001 and 002)."""

import logging
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import torch
from torch import Tensor

from impasto.colour import colour_scale
from impasto.device import check_memory, memory_guard, precision
from impasto.encoders import load_encoder, weights_file
from impasto.encoders.network import LAYERS, POOLED, Encoder, Pooling, halvings_of
from impasto.errors import Cancelled, OptionError
from impasto.losses.attention_style import Compared
from impasto.masks import recoloured, visible
from impasto.methods import Saving, TemporalTarget
from impasto.methods.gatys import state
from impasto.methods.gatys.lbfgs import IN_MEMORY, FileStorage
from impasto.methods.gatys.memory import Allowance, MemoryPlan, Needs, bytes_of_comparing
from impasto.methods.gatys.objective import fit_style, objective_at
from impasto.methods.gatys.optimise import Optimisation
from impasto.methods.gatys.options import OF_PAPERS, GatysOptions
from impasto.methods.gatys.terms import Seen, at_layers, compared_layers
from impasto.progress import Progress, ProgressCallback
from impasto.tensors import resize
from impasto.weights import sha256_of

# Below this a picture holds no strokes that a coarse scale could place.
SMALLEST_SIDE = 64

# Of the first loss: a best loss that is higher is of a picture that looks like the first one.
SMALLEST_GAIN = 0.999

logger = logging.getLogger("impasto")


class Gatys:
    """The method, ready to paint: holds encoders, and nothing of the pictures that it painted."""

    method = GatysOptions.method

    def __init__(
        self,
        device: torch.device,
        *,
        weights: Path | None = None,
        download: Callable[[int, int], None] | None = None,
    ) -> None:
        """weights: a local file for the encoder vgg19. download: told of (bytes, total) while weights are fetched."""
        self.device = device
        self.weights = weights
        self._download = download
        self._encoders: dict[tuple[str, str, torch.dtype], Encoder] = {}

    def __call__(
        self,
        content: Tensor,
        styles: Sequence[Tensor],
        options: GatysOptions,
        *,
        start: Tensor | None = None,
        masks: Sequence[Tensor] | None = None,
        progress: ProgressCallback | None = None,
        saving: Saving | None = None,
        held: TemporalTarget | None = None,
    ) -> Tensor:
        """Paint `content` in the style of `styles`, as `methods.Stylizer` says; all are (1, 3 or 4, h, w) in [0, 1].

        masks: each style then has its own region, and options.style_blend plays no part; where they sum to less than 1,
            only the content acts.
        saving: if a state of the same painting is there already, go on from it.
        held: what a frame of a film should stay, of the content's size; for a painting of one scale that is not saved.

        Raises OptionError for options that do not fit together, OutOfMemoryError before or instead of running out,
        DivergedError, and Cancelled if `progress` raised it or Ctrl-C was pressed; its `best` is the picture so far.
        """
        options = options.resolved()
        height, width = content.shape[-2:]
        if masks is not None:
            _check_masks(masks, len(styles), height, width)
        # A caller's inference mode would keep the optimisation from its gradients.
        with torch.inference_mode(False), torch.enable_grad():
            encoder = self.encoder(options)
            needs = Needs(encoder, options, len(masks or ()) or int(visible(content)[1] is not None))
            allowance = Allowance.on(self.device, options.max_memory)
            chosen = needs.plan(height, width, allowance)
            per_pixel = max(chosen.bytes / (height * width), self.bytes_per_pixel(options, regions=needs.regions))
            with memory_guard(self.device, height, width, per_pixel):
                needs.warn_of_more(chosen, height, width, allowance)
                inputs: Any = {"start": start, "masks": masks, "held": held, "progress": progress, "saving": saving}
                return _Run(self, encoder, chosen, content, styles, options, **inputs).paint()

    def compare(self, content: Tensor, style: Tensor, options: GatysOptions) -> tuple[Tensor, Tensor, list[Compared]]:
        """What attention compares of them, to show where places of one look in the other: (content and style as the
        encoder sees them, both (1, 3, h, w); what is compared at each layer).

        content: (1, 3, H, W) in [0, 1], at the size that it is looked at; style: of any size; with a fourth channel,
        opacity, what is transparent counts for nothing. Raises OptionError, OutOfMemoryError.
        """
        height, width = content.shape[-2:]
        encoder, layers = self.encoder(options), options.layers("attention_layers")
        needed = {layer: compared_layers(layer, options.attention_features) for layer in layers}
        per_pixel = bytes_of_comparing(encoder, needed)
        check_memory(self.device, height, width, per_pixel)
        pixels, shown = visible(content)
        painting, opacity = visible(fit_style(style, height, width, options))
        per_pixel *= 1 + painting[0, 0].numel() / (height * width)
        every = {name for names in needed.values() for name in names}
        with memory_guard(self.device, height, width, per_pixel), torch.inference_mode():
            of_content, of_style = (
                Seen(
                    encoder(colours.to(self.device), every),
                    at_layers(None if share is None else share.to(self.device), every),
                )
                for colours, share in ((pixels, shown), (painting, opacity))
            )
            compared = []
            for layer, names in needed.items():
                queries, keys = (seen.compared(layer, names) for seen in (of_content, of_style))
                compared.append(Compared(layer, 2 ** halvings_of(layer), queries, keys, of_style.shares.get(layer)))
        return pixels, painting, compared

    def bytes_per_pixel(self, options: GatysOptions, *, regions: int = 0) -> float:
        """Memory of one pixel of the largest picture that fits, at the peak of painting. regions: of masks, or 0."""
        needs = Needs(self.encoder(options), options.resolved(), regions)
        return needs.fitting_bytes_per_pixel(Allowance.on(self.device, None))

    def weights_hashes(self, options: GatysOptions) -> dict[str, str]:
        """{encoder: sha256 of its weights}, for the record of how a picture was made."""
        return {options.encoder: sha256_of(weights_file(options.encoder, self.weights))}

    @torch.random.fork_rng(devices=[])  # a caller's random numbers are not ours to draw
    def encoder(self, options: GatysOptions) -> Encoder:
        """What the picture is seen with; loaded once. Raises OptionError, also for layers that it has not, or
        WeightsError."""
        _check_layers(options)
        name, filters, dtype = key = options.encoder, options.filters, _precision(options, self.device)
        if key not in self._encoders:
            encoder = load_encoder(name, weights=self.weights, progress=self._download, raw=filters == "raw")
            self._encoders[key] = encoder.to(self.device).in_precision(dtype)
        return self._encoders[key].pooled(cast(Pooling, options.pooling))


def pyramid(height: int, width: int, scales: int) -> list[tuple[int, int]]:
    """Sizes from coarse to fine, each half of the next; coarse ones that are too small are left out."""
    sizes = [(height, width)]
    for level in range(1, scales):
        size = max(1, round(height / 2**level)), max(1, round(width / 2**level))
        if min(size) < SMALLEST_SIDE:
            break
        sizes.insert(0, size)
    return sizes


class _Run:
    """One painting under way, of copies of the pictures."""

    def __init__(  # noqa: PLR0913  (as a call)
        self,
        method: Gatys,
        encoder: Encoder,
        chosen: MemoryPlan,
        content: Tensor,
        styles: Sequence[Tensor],
        options: GatysOptions,
        *,
        start: Tensor | None,
        masks: Sequence[Tensor] | None,
        held: TemporalTarget | None,
        progress: ProgressCallback | None,
        saving: Saving | None,
    ) -> None:
        def here(picture: Tensor) -> Tensor:
            return picture.to(method.device).clone(memory_format=torch.channels_last)

        self.encoder = encoder
        self.storage = FileStorage() if chosen.in_files else IN_MEMORY
        self.options = replace(options, history=chosen.history)
        self.side = chosen.side
        self.progress = progress
        self.saving = saving
        self.fingerprint = ""
        if saving:
            pictures = [content, *styles, *([] if start is None else [start]), *(masks or ())]
            self.fingerprint = state.fingerprint(pictures, options.to_json(), method.weights_hashes(options))
        self.content = self.storage.keep(here(content))
        self.best = visible(self.content)[0]
        self.styles = [here(style) for style in styles]
        self.start = None if start is None else here(start)
        self.masks = None if masks is None else [here(mask) for mask in masks]
        self.held = held and TemporalTarget(here(held.picture), here(held.weights))
        self.colours = self._recolour()
        height, width = content.shape[-2:]
        self.sizes = pyramid(height, width, options.scales or 1)
        self.steps: list[int] = [options.chosen("coarse_steps")] * (len(self.sizes) - 1) + [options.chosen("steps")]
        self.clock = _Clock([h * w * steps for (h, w), steps in zip(self.sizes, self.steps, strict=True)])

    def _recolour(self) -> Tensor:
        """Bring the content to the colours that it is painted from; those that the canvas moves in, (3, 3)."""
        count = len(self.styles)
        mixed = self.options.blend_weights(count) if self.masks is None else (1 / count,) * count
        content, *styles = (picture.cpu().numpy() for picture in (self.content, *self.styles))
        if self.options.chosen("content_colours") == "style":
            shares = mixed if self.masks is None else [mask.cpu().numpy() for mask in self.masks]
            recoloured_content = torch.from_numpy(recoloured(content, styles, shares))
            self.content = self.storage.keep(recoloured_content.to(self.content))
        return torch.from_numpy(colour_scale(styles, mixed))

    def paint(self) -> Tensor:
        """The finished picture. Raises Cancelled with the best one so far."""
        try:
            return self._paint()
        except (Cancelled, KeyboardInterrupt):
            best = resize(self.best.clamp(0, 1), *self.sizes[-1]).cpu()
            raise Cancelled("stopped before the painting was finished", best=best) from None

    def _paint(self) -> Tensor:
        tensors: dict[str, Tensor] = {}
        stopped: dict[str, Any] = {"scale": 0, "step": 0, "retreats": 0}
        if self.saving and self.saving.path.exists():
            tensors, stopped = state.read(self.saving.path, self.fingerprint)
        self.retreats, self.has_gained = stopped["retreats"], stopped["scale"] > 0
        picture: Tensor | None = None
        for scale in range(stopped["scale"], len(self.sizes)):
            optimisation = self._begin(scale, picture)
            self.best = optimisation.guard.best
            first = 0
            if tensors:
                optimisation.restore(tensors, stopped)
                first, tensors = stopped["step"], {}
            last = self._optimise(optimisation, scale, first)
            picture = optimisation.finish()
            # Only now it is known what the last step led to.
            if last > first:
                self._report(optimisation, scale, last)
            guard = optimisation.guard
            # At the scales that are done.
            self.retreats += guard.retreats
            self.has_gained |= not self.steps[scale] or guard.best_loss < SMALLEST_GAIN * guard.first_loss
        assert picture is not None
        if not self.has_gained:
            logger.warning(_unpainted(self.options))
        if self.saving:
            self.saving.path.unlink(missing_ok=True)
        return picture.clamp(0, 1).cpu()

    def _begin(self, scale: int, coarser: Tensor | None) -> Optimisation:
        height, width = self.sizes[scale]
        content = resize(self.content, height, width)
        objective = objective_at(self.encoder, content, self.styles, self.options, self.masks, self.side, self.held)
        self.storage.release()
        start = self._first_picture(visible(content)[0]) if coarser is None else resize(coarser, height, width)
        return Optimisation(objective, start, self.options, self.colours, self.storage)

    def _optimise(self, optimisation: Optimisation, scale: int, first: int) -> int:
        """The last step, which is not reported yet."""
        for step in range(first + 1, self.steps[scale] + 1):
            optimisation.step()
            if optimisation.guard.gave_up:
                return step
            if self.saving and step % self.saving.every == 0:
                stopped = {"scale": scale, "step": step, "retreats": self.retreats}
                state.save(self.saving.path, optimisation, self.fingerprint, **stopped)
            if step < self.steps[scale]:
                self._report(optimisation, scale, step)
        return self.steps[scale]

    def _report(self, optimisation: Optimisation, scale: int, step: int) -> None:
        if self.progress:
            best = optimisation.guard.best
            self.progress(
                Progress(
                    step=sum(self.steps[:scale]) + step,
                    total=sum(self.steps),
                    loss=optimisation.guard.best_loss,
                    losses=optimisation.losses,
                    best_losses=optimisation.best_losses,
                    retreats=self.retreats + optimisation.guard.retreats,
                    size=self.sizes[scale],
                    seconds_left=self.clock.seconds_left(scale, step / self.steps[scale]),
                    preview=lambda: best.clamp(0, 1).cpu(),
                )
            )

    def _first_picture(self, content: Tensor) -> Tensor:
        if self.start is not None:
            return resize(self.start, content.shape[-2], content.shape[-1])
        match self.options.chosen("init"):
            case "content":
                return content
            case "grey":
                return torch.full_like(content, 0.5)
            case "noise":
                # Drawn on the CPU, so that a seed means the same picture on every device.
                generator = torch.Generator().manual_seed(self.options.seed)
                return torch.rand(content.shape, generator=generator).to(content.device)
        raise OptionError(f"init is '{self.options.init}', but must be content, noise, grey or a picture file")


class _Clock:
    """Time left, from what a pixel step has cost so far."""

    def __init__(self, work: list[int]) -> None:
        self.work = work
        self.began: tuple[float, float] | None = None

    def seconds_left(self, scale: int, share: float) -> float | None:
        done = sum(self.work[:scale]) + share * self.work[scale]
        now = time.monotonic()
        if self.began is None:
            self.began = now, done
            return None
        seconds, work = now - self.began[0], done - self.began[1]
        return seconds * (sum(self.work) - done) / work if work > 0 else None


def _unpainted(options: GatysOptions) -> str:
    said = "the picture is nearly as it was at the start, as none was found whose loss is lower"
    if options.chosen("attention_weight") and options.attention_loss == "gram":
        said += (
            "; in a flat picture attention finds the same for every place, and asks for it to stay flat"
            " (--attention-weight 0, or --attention-loss local, paints it)"
        )
    return said


def _precision(options: GatysOptions, device: torch.device) -> torch.dtype:
    """Of the encoder. There is no gate of decibels as for networks of one pass: a photo that is an eighth of a level
    brighter changes the picture by as much as half precision does, and the loss by as little."""
    exact = options.precision == "auto" and options.preset in OF_PAPERS
    return precision("fp32" if exact else options.precision, device)


def _check_layers(options: GatysOptions) -> None:
    for name, known in (("content_layers", LAYERS), ("style_layers", LAYERS), ("attention_layers", (*LAYERS, POOLED))):
        for layer in options.layers(name):
            if layer not in known:
                raise OptionError(f"{name} names '{layer}'; the layers are {', '.join(known)}")


def _check_masks(masks: Sequence[Tensor], styles: int, height: int, width: int) -> None:
    if len(masks) != styles:
        raise OptionError(f"{len(masks)} masks were given for {styles} styles; each style needs one")
    for mask in masks:
        if mask.shape != (shape := (1, 1, height, width)):
            raise OptionError(f"a mask has the shape of the content, {shape}, and not {tuple(mask.shape)}")
