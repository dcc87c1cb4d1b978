"""How long a study will take on this machine, from a few steps of it."""

import time
from dataclasses import replace
from pathlib import Path

from impasto.studies.setup import Pictures, StudySettings, StudySetup
from impasto.studies.study import Study, TrainingStudy
from impasto.studies.trained import RUNS, Budget, Data, accelerator_of, runs_of

TIMED_STEPS = 2


def seconds_of_trainings(study: TrainingStudy, data: Data, folder: Path, budget: Budget) -> float:
    """Of all that `folder` does not hold yet, without the measuring at the end. Trains nothing that is kept."""
    budget = budget.of(study)
    if (folder / RUNS).exists():
        # What is left of runs that were begun, only they know.
        return 0.0
    first = runs_of(study, data, replace(budget, seeds=1))
    total = 0.0
    for _, config in first:
        training = config.build(accelerator_of(budget)[0], data)
        batches = training.batches(0)
        training.step(next(batches), 0)  # without what only the first one takes
        began = time.perf_counter()
        for step in range(1, 1 + TIMED_STEPS):
            training.step(next(batches), step)
        total += (time.perf_counter() - began) / TIMED_STEPS * config.schedule.steps
    return total * budget.seeds


def seconds_of_paintings(study: Study, contents: Pictures, styles: Pictures, settings: StudySettings) -> float:
    """Of all variants of all pairs, as if each took as long as the first variant's first steps."""
    choices = {**settings.choices, "steps": TIMED_STEPS}
    short = StudySetup(study.base, replace(settings, choices=choices))
    whole = StudySetup(study.base, settings)
    steps: int = sum(whole.options(variant).chosen("steps") for variant in study.variants)
    pair = contents[0], styles[0]
    study.make(short, pair, study.variants[0])
    began = time.perf_counter()
    study.make(short, pair, study.variants[0])
    return (time.perf_counter() - began) / TIMED_STEPS * steps * len(contents) * len(styles)
