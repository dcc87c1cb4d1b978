"""The experiments of papers 000 and 002, part II: trainings of unpaired translation that differ in a few settings."""

from collections.abc import Mapping
from typing import Any

from impasto.studies.study import HE, SUN, Training, TrainingStudy
from impasto.training.optimisation import Adam, LinearDecay, NAdam

_CYCLEGAN = ("cyclegan", "cyclegan_slim")
_NLA = ("nla_cyclegan", "nla_cyclegan_slim")

# Paper 000's.
_EPOCHS: Mapping[str, Any] = {"rates": LinearDecay(rate=2e-4, epochs=150, constant=100)}

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
}
