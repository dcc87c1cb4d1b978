"""Two real processes: they learn what one would from all their pictures, and resume exactly."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
import toy_run
from accelerate import Accelerator
from torch import Tensor
from toy_run import SETTINGS, changed

from impasto import weights
from impasto.data.memory import PicturesInMemory
from impasto.encoders.network import LAYERS, Encoder, EncoderConfig
from impasto.engine.architecture import DecoderConfig
from impasto.methods.adain.painting import AdaINRecipe, PaintingObjective, PaintingTraining
from impasto.methods.adain.training import AdaINTraining, PaperObjective, PaperRecipe
from impasto.methods.cyclegan.recipes import CycleGANRecipe
from impasto.training.cycle import CycleTraining
from impasto.training.loop import Schedule
from impasto.training.optimisation import InverseDecay, OneCycle

SECONDS = 300
"""After which something hangs, on however slow a machine."""


def joined(target: Callable[..., None], count: int, *arguments: Any) -> list[int | None]:
    """Exit codes of so many processes."""
    with toy_run.together(target, count, *arguments) as children:
        for child in children:
            child.join(SECONDS)
        return [child.exitcode for child in children]


# --- gradients -------------------------------------------------------------------------------------------------------


def of_cycle(pictures: Path, batch: int, accumulate: int) -> Any:
    # Pools that hand out what they are given, as while they fill. Weights of 1, so that gradients are of that size
    # too, and 1e-6 is a few roundings of float32.
    weights = {"cycle_weight": 1.0, "identity_weight": 1.0, "discriminator_weight": 1.0}
    settings = replace(SETTINGS, batch=batch, accumulate=accumulate, pool=0, **weights)
    return toy_run.make(pictures, settings, CycleTraining)


def lively_encoder() -> Encoder:
    """Whose features of a grey picture, which a new decoder paints, have gradients."""
    torch.manual_seed(1)
    encoder = Encoder(EncoderConfig(widths=(8, 8, 8, 8, 8), padding="reflect"))
    for layer in LAYERS:
        torch.nn.init.constant_(encoder.convolution(layer).bias, 0.5)
    return encoder.requires_grad_(False)


def of_adain(pictures: Path, batch: int, accumulate: int) -> Any:
    encoder = lively_encoder()
    streams = toy_run.streams_of(pictures)
    pairs = streams["A"], streams["B"]
    settings = PaperRecipe(
        schedule=Schedule(steps=4), objective=PaperObjective(style_weight=1.0),
        rates=InverseDecay(rate=1e-3, decay=0.0), batch=batch, accumulate=accumulate,
    )  # fmt: skip
    decoder = DecoderConfig(widths=(8, 8, 8, 8))
    return AdaINTraining(decoder, encoder, Accelerator(cpu=True), pairs, pairs, settings)


TRAININGS = {"cycle": of_cycle, "adain": of_adain}


def gradients(training: Any) -> dict[str, Tensor]:
    """Of the first step, as the optimisers get them."""
    found: dict[str, Tensor] = {}
    for name, optimizer in training.optimizers.items():

        def keep(optimizer: Any, *_: Any, name: str = name) -> None:
            parameters = [p for group in optimizer.param_groups for p in group["params"]]
            found.update({f"{name}/{number}": p.grad.clone() for number, p in enumerate(parameters)})

        optimizer.register_step_pre_hook(keep)
    training.step(next(training.batches(0)), 0)
    return found


def write_gradients(kind: str, folder: Path, pictures: Path, batch: int, accumulate: int) -> None:
    training = TRAININGS[kind](pictures, batch, accumulate)
    name = f"{training.accelerator.num_processes}-{training.accelerator.process_index}-{accumulate}"
    weights.save(folder / f"{name}.safetensors", gradients(training), {})
    training.accelerator.end_training()


@pytest.mark.parametrize("kind", list(TRAININGS))
def test_processes_and_parts_of_a_step_give_the_gradient_of_the_global_batch(
    kind: str, pictures: Path, tmp_path: Path
) -> None:
    assert joined(write_gradients, 1, kind, tmp_path, pictures, 8, 1) == [0]
    assert joined(write_gradients, 1, kind, tmp_path, pictures, 2, 4) == [0]
    assert joined(write_gradients, 2, kind, tmp_path, pictures, 2, 2) == [0, 0]
    whole = weights.load(tmp_path / "1-0-1.safetensors")[0]
    assert max(float(gradient.abs().max()) for gradient in whole.values()) > 0.1
    for name in ("1-0-4", "2-0-2", "2-1-2"):
        other = weights.load(tmp_path / f"{name}.safetensors")[0]
        assert other.keys() == whole.keys()
        for key, gradient in whole.items():
            size = max(1.0, float(gradient.abs().max()))
            assert float((other[key] - gradient).abs().max()) <= 2e-6 * size, (name, key)


def of_painting(pictures: Path) -> PaintingTraining:
    encoder = lively_encoder()
    decoder = DecoderConfig(
        widths=(8, 8, 8, 8), depths=(1, 1, 1, 1), joined=True, hidden=4, grounds=(3,), detailed=True
    )
    settings = AdaINRecipe(
        schedule=Schedule(steps=4), objective=PaintingObjective(), rates=OneCycle(peak=1e-3), clip=1e9,
        stages=((0.0, 2, 32),),
    )  # fmt: skip
    kinds = [sorted((pictures / kind).iterdir()) for kind in ("A", "B")]
    photos, paintings = (PicturesInMemory(some, (36,), torch.device("cpu")) for some in kinds)
    both = photos, paintings
    return PaintingTraining(decoder, encoder, Accelerator(cpu=True), both, both, settings)


def write_gradients_of_painting(folder: Path, pictures: Path) -> None:
    training = of_painting(pictures)
    accelerator = training.accelerator
    if accelerator.num_processes == 2:
        weights.save(folder / f"shared-{accelerator.process_index}.safetensors", gradients(training), {})
    else:
        drawn = training.batches(0)
        for number in range(2):
            training = of_painting(pictures)
            training.batches = lambda start: drawn  # type: ignore[method-assign]
            weights.save(folder / f"alone-{number}.safetensors", gradients(training), {})
    accelerator.end_training()


def test_processes_of_the_default_draw_batches_of_their_own_and_share_gradients(pictures: Path, tmp_path: Path) -> None:
    assert joined(write_gradients_of_painting, 1, tmp_path, pictures) == [0]
    assert joined(write_gradients_of_painting, 2, tmp_path, pictures) == [0, 0]
    first, second, one, other = (
        weights.load(tmp_path / f"{name}.safetensors")[0] for name in ("alone-0", "alone-1", "shared-0", "shared-1")
    )
    assert any(not torch.equal(first[key], second[key]) for key in first)
    for key, value in first.items():
        mean = (value + second[key]) / 2
        assert torch.equal(one[key], other[key]), key
        assert float((one[key] - mean).abs().max()) <= 1e-5 * (1 + float(mean.abs().max())), key


# --- resuming --------------------------------------------------------------------------------------------------------

RUN = replace(
    changed(SETTINGS, steps=6, log_every=2, save_every=2, validate_every=3, preview_every=2), pool=2, batch=2
)  # fmt: skip


def train(folder: Path, pictures: Path, settings: CycleGANRecipe, stop_at: int, stopping: int) -> None:
    """stopping: the process that is asked to stop before step stop_at."""
    import os
    import signal

    def at_step(step: int) -> None:
        if step == stop_at and int(os.environ["RANK"]) == stopping:
            os.kill(os.getpid(), signal.SIGINT)

    try:
        toy_run.fit(folder, pictures, settings, at_step)
    except KeyboardInterrupt:
        raise SystemExit(130) from None


def test_two_processes_stop_together_and_resume_exactly(pictures: Path, tmp_path: Path) -> None:
    assert joined(train, 2, tmp_path / "whole", pictures, RUN, -1, 0) == [0, 0]
    # The second one is asked; both of them finish the step and save.
    assert joined(train, 2, tmp_path / "stopped", pictures, RUN, 2, 1) == [130, 130]
    assert json.loads((tmp_path / "stopped/state.json").read_text())["step"] == 3
    assert joined(train, 2, tmp_path / "stopped", pictures, RUN, -1, 0) == [0, 0]
    names = ["state-0000006.safetensors", "generators.safetensors"]
    whole, stopped = ([(tmp_path / run / name).read_bytes() for name in names] for run in ("whole", "stopped"))
    assert stopped == whole
    tensors = weights.load(tmp_path / "whole" / names[0])[0]
    for direction in ("A2B", "B2A"):
        pools = [tensors[f"{place}module/pool_{direction}/pictures"] for place in ("", "process/1/")]
        assert not torch.equal(*pools), "each has pools of its own"
    draws = [tensors[f"process/{rank}/generator/torch"] for rank in (0, 1)]
    assert not torch.equal(*draws)
    previews = sorted(path.name for path in (tmp_path / "whole/previews").iterdir())
    assert previews == ["0000002.png", "0000004.png", "0000006.png"]
    assert (tmp_path / "whole/health.json").exists()


def spoil(folder: Path, pictures: Path) -> None:
    """In the second process alone, a loss becomes not finite."""
    import os

    from impasto.errors import DivergedError

    honest = toy_run.Toy.step

    def step(self: Any, batch: Any, number: int) -> dict[str, Tensor]:
        losses = honest(self, batch, number)
        bad = number == 3 and os.environ["RANK"] == "1"
        return {name: loss + float("nan") if bad else loss for name, loss in losses.items()}

    toy_run.Toy.step = step  # type: ignore[method-assign]
    try:
        toy_run.fit(folder, pictures, RUN)
    except DivergedError:
        raise SystemExit(3) from None


def test_trouble_in_one_process_stops_all(pictures: Path, tmp_path: Path) -> None:
    assert joined(spoil, 2, tmp_path / "run", pictures) == [3, 3]
    assert "not finite" in json.loads((tmp_path / "run/health.json").read_text())["stopped"]
