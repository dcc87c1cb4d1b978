"""The experiments of papers 000, 002 (part II) and 003: unpaired trainings that differ in a few settings."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from impasto.studies.study import HE, SUN, ZHANG, Choices
from impasto.training.optimisation import Adam, LinearDecay, NAdam


@dataclass(frozen=True)
class Training:
    """A column of the figure: a run of a recipe, and another recipe of the same for those with little time.

    changes: settings of the recipe's config that this run has otherwise. generator: of its generator's config.
    attention: a column for what it looks at. published: its name in the tables of paper 003.
    """

    name: str
    recipe: str
    slim: str
    changes: Choices = field(default_factory=dict)
    attention: bool = False
    generator: Choices = field(default_factory=dict)
    published: str = ""


@dataclass(frozen=True, kw_only=True)
class TrainingStudy:
    """One experiment whose variants are trainings on the same pictures, from the same seed.

    worst_of: a variant whose worst translations are drawn; then all variants are measured as well. trend: the budget
    that shows the trend, {'steps', 'size'}: about ten minutes of two CPU cores for all variants together. full: what
    the paper compares all variants by at their full size, {'steps', 'batch'}; without it each has its own recipe's.
    """

    source: str
    question: str
    variants: Sequence[Training]
    worst_of: str = ""
    trend: Mapping[str, int]
    full: Mapping[str, int] = field(default_factory=dict)


_CYCLEGAN = ("cyclegan", "cyclegan_slim")
_NLA = ("nla_cyclegan", "nla_cyclegan_slim")
_SEMANTIC = ("semantic_gan_stable", "semantic_gan_slim")

# Paper 000's.
_EPOCHS: Mapping[str, Any] = {"rates": LinearDecay(rate=2e-4, epochs=150, constant=100)}

# One batch for all, so that they take as many steps as they see pictures.
_SHARED: Mapping[str, Any] = {"batch": 2, "held_out": 16}

STUDIES: Mapping[str, TrainingStudy] = {
    "nadam-vs-adam": TrainingStudy(
        source=f"{SUN}, Figures 4 and 5",
        question="Does NAdam make the losses of the same networks fall faster than Adam?",
        # Both with the betas of CycleGAN, so that they differ in Nesterov's part and its warm-up alone.
        variants=[
            Training("Adam", *_NLA, {"optimizer": Adam()}),
            Training("NAdam", *_NLA, {"optimizer": NAdam()}),
        ],
        trend={"steps": 2500, "size": 64},
    ),
    "nla-vs-cyclegan": TrainingStudy(
        source=f"{SUN}, Figure 6",
        question="What does the non-local block change, what does NAdam, and what does the block look at?",
        # Block and optimiser, each with each, for as many epochs, at one rate.
        variants=[
            Training("CycleGAN, Adam", *_CYCLEGAN, {**_EPOCHS, "optimizer": Adam()}),
            Training("CycleGAN, NAdam", *_CYCLEGAN, {**_EPOCHS, "optimizer": NAdam()}),
            Training("NLA, Adam", *_NLA, {**_EPOCHS, "optimizer": Adam()}, attention=True),
            Training("NLA, NAdam", *_NLA, {**_EPOCHS, "optimizer": NAdam()}, attention=True),
        ],
        trend={"steps": 1600, "size": 64},
    ),
    "nla-position": TrainingStudy(
        source=f"{SUN}, section 2.2, which does not say which residual block the non-local one replaces",
        question="What does a non-local block look at that stands after no, two, four, six or eight residual blocks?",
        variants=[
            Training(f"block {position}", *_NLA, generator={"position": position}, attention=True)
            for position in (1, 3, 5, 7, 9)
        ],
        trend={"steps": 1200, "size": 64},
    ),
    "dncnn-batch-and-decay": TrainingStudy(
        source=f"{HE}, Figures 2 to 5",
        question="What do the batch size and a decaying learning rate do, and does the small batch fail with decay?",
        variants=[
            Training(name, name, name)
            for name in ("exp_smallBS", "exp_largeBS", "exp_largeBS_decay", "exp_smallBS_decay")
        ],
        # Its networks have no slim kin, and its discriminator no stride.
        trend={"steps": 150, "size": 32},
    ),
    # Tables 1 and 2 and Figures 4 to 6 from runs of equal budget, data and seed.
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
            Training("both", *_SEMANTIC, _SHARED, published="GAN+Semantic loss+Attention"),
            # What equation 13 has, and nothing besides.
            Training("by the letter", *_SEMANTIC, {**_SHARED, "reconstruction_weight": 0.0, "normalised_codes": False}),
        ],
        worst_of="both",
        trend={"steps": 700, "size": 64},
        # "Batch size of 8 for 400 000 iterations"; of the baselines it says "the same training steps".
        full={"steps": 400_000, "batch": 8},
    ),
}
