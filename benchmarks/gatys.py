"""Method `gatys` against plain L-BFGS: seconds and total loss of one picture, in one run.

    python benchmarks/gatys.py [--content photo.jpg --style painting.jpg] [--size 512] [--presets draft default best]

The reference is what the papers do: L-BFGS from the content picture at full size, 500 evaluations, same encoder, same
losses. Totals are content + style + total variation at full size in float32; impasto's are those of the saved picture.
"""

import argparse
import time
from pathlib import Path

import torch
from torch import Tensor

from impasto import image
from impasto.encoders import load_encoder
from impasto.methods.gatys.objective import Objective, objective_at
from impasto.methods.gatys.options import PRESETS, GatysOptions
from impasto.methods.gatys.stylizer import Gatys
from impasto.tensors import resize, to_tensor

PICTURES = Path(image.__file__).parent / "assets" / "pictures"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--content", type=Path, default=PICTURES / "mountains.jpg")
    parser.add_argument("--style", type=Path, default=PICTURES / "swirls.jpg")
    parser.add_argument("--size", type=int, default=512)
    parser.add_argument("--evaluations", type=int, default=500)
    parser.add_argument("--presets", nargs="+", default=["draft", "default"], choices=list(PRESETS))
    arguments = parser.parse_args()
    torch.set_num_threads(2)
    picture = to_tensor(image.read(arguments.content))
    content = resize(picture, *image.fit(picture.shape[-2], picture.shape[-1], arguments.size))
    style = to_tensor(image.read(arguments.style))
    options = GatysOptions()
    encoder = load_encoder(options.encoder)
    height, width = content.shape[-2:]
    objective = objective_at(encoder, content, [style], options)
    print(
        f"{arguments.content.name} x {arguments.style.name}, {width} x {height}, torch {torch.__version__}, 2 threads"
    )
    method = Gatys(torch.device("cpu"))
    method(content[..., :64, :64], [style], GatysOptions(preset="draft", steps=2, coarse_steps=2))  # warm
    rows = [("content picture", 0.0, total(objective, content))]
    for preset in arguments.presets:
        began = time.perf_counter()
        painted = method(content, [style], GatysOptions(preset=preset))
        rows.append((f"impasto {preset}", time.perf_counter() - began, total(objective, painted)))
        print(rows[-1], flush=True)
    seconds, loss, picture = reference(objective, content, arguments.evaluations)
    rows.append((f"L-BFGS, {arguments.evaluations} evaluations", seconds, loss))
    rows.append(("the same, clamped to a picture", seconds, total(objective, picture.clamp(0, 1))))
    print(f"{'':32}{'seconds':>10}{'total loss':>14}{'time ratio':>12}{'loss ratio':>12}")
    for name, took, final in rows:
        print(f"{name:32}{took:10.1f}{final:14.4f}{took / seconds:12.3f}{final / loss:12.3f}")


@torch.no_grad()
def total(objective: Objective, picture: Tensor) -> float:
    losses = objective.losses(picture)
    return float(losses["content"] + losses["style"] + losses["tv"])


def reference(objective: Objective, content: Tensor, evaluations: int) -> tuple[float, float, Tensor]:
    """Seconds, the lowest total loss of any evaluation, and that picture, whose values may leave [0, 1]."""
    picture = content.clone(memory_format=torch.contiguous_format).requires_grad_()
    optimizer = torch.optim.LBFGS(
        [picture], max_iter=evaluations, max_eval=evaluations, tolerance_grad=0, tolerance_change=0
    )
    best, best_picture = float("inf"), content

    def evaluate() -> Tensor:
        optimizer.zero_grad()
        losses = objective.losses(picture)
        loss = losses["content"] + losses["style"] + losses["tv"]
        loss.backward()
        nonlocal best, best_picture
        if loss.item() < best:
            best, best_picture = loss.item(), picture.detach().clone()
        return loss

    began = time.perf_counter()
    optimizer.step(evaluate)
    return time.perf_counter() - began, best, best_picture


if __name__ == "__main__":
    main()
