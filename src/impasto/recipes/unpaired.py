"""What the recipes of unpaired translation share: pictures of two kinds, and epochs counted in them."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal, TypeVar, cast

import torch
from accelerate import Accelerator

from impasto.data.folders import Crops, Folders, PictureFile, PictureStream, hold_out, list_pictures
from impasto.data.layout import TEST
from impasto.training.cycle import CycleSettings, CycleTraining
from impasto.training.unpaired import Domains, Networks
from impasto.translation import DIRECTIONS

# The two kinds of pictures that `impasto train --data A=FOLDER --data B=FOLDER` names; testA and testB may come with
# them.
DATA = ("A", "B")

Chosen = TypeVar("Chosen", bound="Epochs")


@dataclass(frozen=True, kw_only=True)
class Pictures:
    """What is seen of the pictures.

    crop, shorter: pixels of a training crop, and of the picture's shorter side that it is cut from.
    held_out: pictures of each kind that are never trained on, for previews and validation. Where the data have a test
        set of a kind, it is that, whole. A kind of a single picture is trained on and shown.
    """

    crop: int = 256
    # Paper 000 brings pictures to 286 x 286. Those of its data set are square; others keep their aspect ratio here.
    shorter: int = 286
    held_out: int = 4


@dataclass(frozen=True, kw_only=True)
class Epochs(Pictures):
    """Pictures, and how many of them make an epoch.

    epoch: samples of each kind that make an epoch: 'max' or 'min' of the two counts, that of 'A' or 'B', or a number.
        Only counts while `schedule.steps` is 0, which stands for all epochs of `rates`.
    """

    # CycleGAN's own rule. Paper 000 does not say: by it, 150 epochs of monet2photo are 943,050 steps; with 'A', that
    # is with the 1072 paintings, they are 160,800.
    epoch: Literal["max", "min", "A", "B"] | int = "max"


@dataclass(frozen=True, kw_only=True)
class UnpairedConfig(Epochs, CycleSettings):
    """A whole recipe of CycleGAN's kind, but for its networks."""


def settle(config: Chosen, data: Mapping[str, Folders], processes: int) -> Chosen:
    """The config with the number of steps that its epochs take with these pictures, unless it has one.

    processes: that learn together, each from a batch of its own in every step.
    """
    run: Any = config  # with the `Settings` of its training
    if run.schedule.steps:
        return config
    counts = {kind: len(_split(data, kind, config, run.seed)[0]) for kind in DATA}
    rules = {"max": max(counts.values()), "min": min(counts.values()), **counts}
    samples = config.epoch if isinstance(config.epoch, int) else rules[config.epoch]
    alone = run.rates.epochs * -(-samples // (run.batch * getattr(run, "accumulate", 1)))
    steps = -(-alone // processes)
    return cast(Chosen, replace(run, schedule=replace(run.schedule, steps=steps)))


def training(
    method: str,
    make: Callable[[], Networks],
    config: UnpairedConfig,
    accelerator: Accelerator,
    data: Mapping[str, Folders],
) -> CycleTraining:
    """The run of a method. make: the networks of one direction, new at every call."""
    torch.manual_seed(config.seed)
    networks = {direction: make() for direction in DIRECTIONS}
    return CycleTraining(method, networks, accelerator, *domains(config, config.seed, data), config)


def domains(config: Pictures, seed: int, data: Mapping[str, Folders]) -> tuple[Domains, Domains]:
    """(to train on, held out). Both kinds in orders of their own, so that every picture meets many of the other kind,
    which is also paper 002's pairing of a style picture with several contents (section 2.6)."""
    streams, held_out = {}, {}
    for number, kind in enumerate(DATA):
        some, others = _split(data, kind, config, seed)
        order = 2 * seed + number
        streams[kind] = PictureStream(some, Crops(side=config.crop, shorter=(config.shorter, config.shorter)), order)
        held_out[kind] = PictureStream(
            others, Crops(side=config.crop, shorter=(config.crop, config.crop), flip=False), order
        )
    return Domains(**streams), Domains(**held_out)


def _split(
    data: Mapping[str, Folders], kind: str, config: Pictures, seed: int
) -> tuple[list[PictureFile], list[PictureFile]]:
    pictures = list_pictures(data[kind], shards=True)
    if TEST[kind] in data:
        return pictures, list_pictures(data[TEST[kind]], shards=True)
    if len(set(pictures)) == 1:
        return pictures, pictures[:1]
    return hold_out(pictures, config.held_out, seed)
