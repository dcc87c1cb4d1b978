"""The experiments of papers 000 and 002, part II: trainings of unpaired translation that differ in a few settings."""

from collections.abc import Mapping

from impasto.studies.study import Training, TrainingStudy
from impasto.training.optimizers import Adam, NAdam

_NLA = ("nla_cyclegan", "nla_cyclegan_slim")

STUDIES: Mapping[str, TrainingStudy] = {
    "nadam-vs-adam": TrainingStudy(
        source="Paper 000, Figures 4 and 5",
        question="Does NAdam make the losses of the same networks fall faster than Adam?",
        # Both with the betas of CycleGAN, so that they differ in Nesterov's part and its warm-up alone.
        variants=[
            Training("Adam", *_NLA, {"optimizer": Adam()}),
            Training("NAdam", *_NLA, {"optimizer": NAdam()}),
        ],
    ),
    "nla-vs-cyclegan": TrainingStudy(
        source="Paper 000, Figure 6",
        question="What does the non-local block change, and what does it look at?",
        # Each as its own recipe has it: with the block come NAdam and its decay, as in the paper.
        variants=[
            Training("CycleGAN", "cyclegan", "cyclegan_slim"),
            Training("NLA-CycleGAN", *_NLA, attention=True),
        ],
    ),
    "dncnn-batch-and-decay": TrainingStudy(
        source="Paper 002, Figures 2 to 5",
        question="What do the batch size and a decaying learning rate do, and does the small batch fail with decay?",
        variants=[
            Training(name, name, name)
            for name in ("exp_smallBS", "exp_largeBS", "exp_largeBS_decay", "exp_smallBS_decay")
        ],
    ),
}
