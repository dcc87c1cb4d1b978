"""How a generator between two kinds of pictures, A and B, lies on disk and is applied to pictures of any size."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any, ClassVar

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from impasto.blocks.instance_norm import counting
from impasto.device import memory_guard, precision
from impasto.errors import OptionError, WeightsError
from impasto.gallery import shipped_weights
from impasto.masks import visible
from impasto.options import TranslationOptions
from impasto.progress import Progress, ProgressCallback
from impasto.tensors import gated
from impasto.weights import load, save, sha256_of

DIRECTIONS = ("A2B", "B2A")
WAYS = (("A", "A2B", "B2A"), ("B", "B2A", "A2B"))
"""(kind of pictures, direction that starts from it, direction back)."""
OTHER = {"A": "B", "B": "A"}
"""Of each kind of pictures."""
BACK = {"A2B": "B2A", "B2A": "A2B"}
"""Of each direction."""


class GeneratorModule(nn.Module):
    """A network from pictures (N, 3, H, W) in [-1, 1] to pictures, whose sides are multiples of `multiple` and at least
    `minimum`.

    options: of the method whose it is. config: a `Config`, a dataclass of everything that it takes to build it around
    stored weights. width: filters at the picture's own size.
    """

    options: ClassVar[type[TranslationOptions]]
    Config: ClassVar[type]
    multiple: ClassVar[int]
    minimum: ClassVar[int]
    blends: bool = False
    """Whether it blends what it paints with the picture, by its `share`."""
    floats_beside: int = 0
    """Numbers per pixel that are held at the peak, besides what a generator of this width holds."""
    config: Any

    @classmethod
    def translator(cls, device: torch.device, **weights: Any) -> "Translator":
        """What paints by such generators."""
        return Translator(cls, device, **weights)

    def beside(self, styles: Sequence[Tensor], options: Any) -> tuple[Tensor, ...]:
        """What it is given besides the picture, of a method that takes styles: (1, ...) each."""
        return ()

    def share(self, x: Tensor) -> Tensor:
        """How much of each pixel is painted: (N, 1, H, W) in [0, 1]; all of it, but of one that `blends`."""
        return torch.ones_like(x[:, :1])

    @property
    def bytes_per_pixel(self) -> float:
        """Memory of one pixel of the picture at the peak of a forward pass on a CPU.

        Measured in float32: 188 bytes for CycleGAN's generator of width 16 and 407 for that of width 64 at 1024 pixels,
        and 533 for DnCNN's of width 64 at 512; for which this says 224 and 608.
        """
        # Responses at the picture's own size, before and after a layer, and what kernels and strips need besides.
        return float(4 * (2 * self.config.width + 24 + self.floats_beside))


class LookingGenerator(GeneratorModule, ABC):
    """One with attention, which can be shown. stride: pixels that a side of one of its positions stands for."""

    @property
    def stride(self) -> int:
        return self.multiple

    @property
    def cell(self) -> int:
        """Pixels that a side of one weight of `looks` stands for."""
        return self.stride * int(self.config.pooling)

    @abstractmethod
    def seen(self, x: Tensor) -> Tensor:
        """What the attention is given, (1, C, h, w), of a picture (1, 3, H, W) in [-1, 1]."""

    @abstractmethod
    def weights(self, seen: Tensor, queries: Tensor) -> Tensor:
        """(Q, h, w), each map with sum 1, of what `seen` returns and indices (Q,) into its positions, row by row."""

    def looks(self, seen: Tensor, places: Tensor) -> Tensor:
        """Where places of one picture look: (Q, h, w) weights, each map with sum 1, over cells of `cell` pixels.

        seen: as `seen` returns it. places: (Q, 2) rows and columns, in pixels.
        """
        rows, columns = (places // self.stride).unbind(1)
        return self.weights(seen, rows * seen.shape[3] + columns)


def save_generators(path: Path, method: str, generators: Mapping[str, GeneratorModule], recipe: Any) -> None:
    """Write {direction: generator}, with half-precision weights, what they are built from, and how they were made."""
    configs = {direction: asdict(generator.config) for direction, generator in generators.items()}
    one = next(iter(configs.values()))
    # Files of one config for both directions stay as they always were.
    apart = {} if all(config == one for config in configs.values()) else {"generators": configs}
    tensors = {}
    for direction, generator in generators.items():
        # Not the running statistics of batch normalisation, whose variances leave the range of half precision.
        small = {name for name, _ in generator.named_parameters()}
        for name, value in generator.state_dict().items():
            tensors[f"{direction}.{name}"] = value.half() if name in small else value
    save(path, tensors, {"method": method, "generator": one, **apart, "recipe": recipe})


def method_of(path: Path) -> str:
    """Whose generators a file holds. Raises WeightsError for one that holds none."""
    method = load(path)[1].get("method")
    if not method:
        raise WeightsError(f"{path}: holds no generators")
    return str(method)


def load_generator(path: Path, kind: type[GeneratorModule], direction: str) -> GeneratorModule:
    """The generator of one direction, float32 and frozen.

    Raises WeightsError if the file is of another method, has not this direction, or is damaged.
    """
    config = load(path)[1]
    recorded, method = config.get("method"), kind.options.method
    if recorded != method:
        what = f"is of the method {recorded}" if recorded else "holds no generators"
        raise WeightsError(f"{path}: {what}, but the method is {method}")
    try:
        shape = config.get("generators", {}).get(direction) or config["generator"]
        generator = kind(kind.Config(**shape))
    except (AttributeError, KeyError, TypeError, RuntimeError, OptionError) as error:
        raise WeightsError(f"{path}: its generator cannot be built: {str(error).splitlines()[0]}") from None
    load_weights(path, direction, generator)
    return generator.eval().requires_grad_(False).to(memory_format=torch.channels_last)  # type: ignore[call-overload, no-any-return]


def load_weights(path: Path, direction: str, generator: nn.Module) -> None:
    """Give a generator the stored weights of a direction. Raises WeightsError if there are none, or of other shapes."""
    prefix = f"{direction}."
    state = {
        name.removeprefix(prefix): value.float() if value.is_floating_point() else value
        for name, value in load(path)[0].items()
        if name.startswith(prefix)
    }
    if not state:
        raise WeightsError(f"{path}: has no generator for the direction {direction}")
    try:
        generator.load_state_dict(state)
    except RuntimeError as error:
        raise WeightsError(f"{path}: its generator cannot be built: {str(error).splitlines()[0]}") from None


def translate(generator: GeneratorModule, picture: Tensor, *beside: Tensor) -> Tensor:
    """(N, 3, H, W) in [0, 1], of any size -> the same, clamped; what the network's sides need is mirrored around.

    picture: with a fourth channel, opacity, what is transparent counts for nothing in the statistics of the network.
    beside: what the generator is given besides.
    """
    height, width = picture.shape[-2:]
    padded, opacity = visible(padded_to(picture, generator.multiple, generator.minimum))
    with counting(opacity):
        painted: Tensor = generator(padded * 2 - 1, *beside)[..., :height, :width]
    return (painted.float() / 2 + 0.5).clamp(0, 1)


def padded_to(picture: Tensor, multiple: int, minimum: int) -> Tensor:
    """More rows below and columns on the right, until both sides are multiples and at least the minimum."""
    height, width = picture.shape[-2:]
    down, right = (max(minimum, -(-side // multiple) * multiple) - side for side in (height, width))
    if not down and not right:
        return picture
    # There is nothing to mirror beyond the other border.
    mode = "reflect" if down < height and right < width else "replicate"
    return F.pad(picture, (0, right, 0, down), mode=mode)


class Translator:
    """A stylizer whose weights are the style: it takes pictures of one kind and no painting. It holds generators, and
    nothing of the pictures that it painted.
    """

    def __init__(
        self,
        kind: type[GeneratorModule],
        device: torch.device,
        *,
        weights: Path | None = None,
        download: Callable[[int, int], None] | None = None,
    ) -> None:
        """weights: a file that the method's training wrote, or one of its options' `shipped`. download: never needed.

        Raises OptionError without weights.
        """
        if weights is None:
            accepted = ["generators.safetensors of its training", *kind.options.shipped]
            raise OptionError(f"weights is missing: the method {kind.options.method} needs {', or '.join(accepted)}")
        self.kind, self.options = kind, kind.options
        self.device = device
        self.method: str = self.options.method
        packaged = shipped_weights(str(weights))
        self.weights = packaged if packaged.is_file() else weights
        self._networks: dict[tuple[str, str], tuple[GeneratorModule, torch.dtype]] = {}

    def __call__(
        self,
        content: Tensor,
        styles: Sequence[Any],
        options: TranslationOptions,
        *,
        masks: Sequence[Tensor] | None = None,
        start: Tensor | None = None,
        progress: ProgressCallback | None = None,
        saving: Any = None,
    ) -> Tensor:
        """Translate `content`, (N, 3, H, W) in [0, 1], in the direction that the options say.

        Returns (N, 3, H, W) in [0, 1] on the CPU. Raises OptionError, WeightsError, OutOfMemoryError.
        """
        options.check_styles(len(styles))
        network, dtype = self.network(options)
        height, width = content.shape[-2:]
        guard = memory_guard(self.device, height, width, len(content) * network.bytes_per_pixel)
        with guard, torch.inference_mode():
            result = self._translated(network, content, dtype, *network.beside(styles, options)).cpu()
        if progress:
            progress(Progress(step=1, total=1, size=(height, width), preview=lambda: result))
        # Not an inference tensor: callers may go on with it where gradients are wanted.
        return result.clone(memory_format=torch.contiguous_format)

    def bytes_per_pixel(self, options: TranslationOptions, *, regions: int = 0) -> float:
        """Memory of one pixel of the picture at the peak of painting."""
        return self.network(options)[0].bytes_per_pixel

    def weights_hashes(self, options: TranslationOptions) -> dict[str, str]:
        """{network: sha256 of its weights}, for the record of how a picture was made."""
        return {self.method: sha256_of(self.weights)}

    @torch.random.fork_rng(devices=[])  # a caller's random numbers are not ours to draw
    def network(self, options: TranslationOptions) -> tuple[GeneratorModule, torch.dtype]:
        """The direction's generator, loaded once, and the precision that it multiplies in."""
        key = options.direction, options.precision
        if key not in self._networks:
            generator = load_generator(self.weights, self.kind, options.direction)
            generator.to(self.device)
            dtype = precision(options.precision, self.device)
            self._networks[key] = (
                generator,
                gated(
                    options.precision, torch.float32, dtype, lambda one, noise: self._translated(generator, noise, one)
                ),
            )
        return self._networks[key]

    def _translated(self, generator: GeneratorModule, picture: Tensor, dtype: torch.dtype, *beside: Tensor) -> Tensor:
        picture = picture.to(self.device, memory_format=torch.channels_last)
        with torch.autocast(self.device.type, dtype, enabled=dtype != torch.float32):
            return translate(generator, picture, *beside)
