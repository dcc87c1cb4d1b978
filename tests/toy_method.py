"""A method as a paper's folder holds one, with everything that the rest of impasto asks of it."""

from dataclasses import dataclass, field
from typing import Any, ClassVar

from torch import Tensor

from impasto.options import Options, option
from impasto.progress import Progress


@dataclass(frozen=True, kw_only=True)
class ToyOptions(Options):
    method: str = field(default="toy", init=False)
    about: ClassVar[str] = "the photo in the painting's mean colour"
    stylizer: ClassVar[str] = "toy_method:Toy"
    takes_styles: ClassVar[bool] = True
    needs_style: ClassVar[bool] = True

    amount: float = option(
        0.5, "how much of the mean colour", minimum=0, maximum=1, plain=True, values=(0.25, 0.5, 0.75)
    )


class Toy:
    method = ToyOptions.method

    def __init__(self, device: Any, *, weights: Any = None, download: Any = None) -> None:
        self.device, self.weights = device, weights

    def __call__(self, content: Tensor, styles: list[Tensor], options: ToyOptions, **how: Any) -> Tensor:
        colour = styles[0][:, :3].mean(dim=(2, 3), keepdim=True)
        painted = content[:, :3] + options.amount * (colour - content[:, :3])
        if how.get("progress"):
            how["progress"](Progress(step=1, total=1))
        return painted

    def bytes_per_pixel(self, options: ToyOptions, *, regions: int = 0) -> float:
        return 24

    def weights_hashes(self, options: ToyOptions) -> dict[str, str]:
        return {}
