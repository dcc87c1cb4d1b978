"""The ablation of paper 003: its Tables 1 and 2 and Figures 4 to 6 from runs of equal budget, data and seed."""

from collections.abc import Mapping
from typing import Any

from impasto.studies.study import ZHANG, Training, TrainingStudy

_SEMANTIC = ("semantic_gan_stable", "semantic_gan_slim")

# One batch for all, so that they take as many steps as they see pictures.
_SHARED: Mapping[str, Any] = {"batch": 2, "held_out": 16}

_ALL = "both"

STUDIES: Mapping[str, TrainingStudy] = {
    "semantic-ablation": TrainingStudy(
        source=f"{ZHANG}, Tables 1 and 2, Figures 4 to 6",
        question="What do the semantic loss and the attention each add, and how do CycleGAN, MUNIT and AgGAN do on the"
        " same budget?",
        variants=[
            Training("CycleGAN", "cyclegan", "cyclegan_slim", _SHARED, published="CycleGAN"),
            Training("MUNIT", "munit", "munit_slim", {**_SHARED, "shorter": 286}, published="MUNIT"),
            Training("AgGAN", "aggan", "aggan_slim", _SHARED, attention=True, published="AgGAN"),
            Training(
                "semantic loss", *_SEMANTIC, _SHARED, generator={"attention": "none"}, published="GAN+Semantic loss"
            ),
            Training("attention", *_SEMANTIC, {**_SHARED, "semantic_weight": 0.0}, published="GAN+Attention"),
            Training(_ALL, *_SEMANTIC, _SHARED, published="GAN+Semantic loss+Attention"),
            # What equation 13 has, and nothing besides.
            Training("by the letter", *_SEMANTIC, {**_SHARED, "reconstruction_weight": 0.0, "normalised_codes": False}),
        ],
        worst_of=_ALL,
        trend={"steps": 700, "size": 64},
        # "Batch size of 8 for 400 000 iterations"; of the baselines it says "the same training steps".
        full={"steps": 400_000, "batch": 8},
    ),
}
