import pytest

from impasto.methods import StylizeOptions
from impasto.service.durations import FIRST_GUESS, Durations, work

ADAIN = StylizeOptions()
GATYS = StylizeOptions(method="gatys", scales=2, steps=10, coarse_steps=8)


def test_work_is_megapixels_times_steps():
    assert work(ADAIN, 2_000_000) == 2
    assert work(ADAIN, 10) == 0.25
    assert work(GATYS, 1_000_000) == 10 + 8 / 4
    assert work(StylizeOptions(refine=30), 1_000_000) == 30
    assert work(StylizeOptions(quality="finer"), 1_000_000) == 20


def test_learns_each_kind_by_itself():
    durations = Durations()
    assert durations.expect(ADAIN, 4_000_000) == 4 * FIRST_GUESS
    durations.learn(ADAIN, 1_000_000, 0.5)
    assert durations.expect(ADAIN, 4_000_000) == pytest.approx(2)
    assert durations.expect(GATYS, 1_000_000) == 12 * FIRST_GUESS


def test_one_slow_job_frightens_nobody_and_a_slow_machine_is_known_after_two():
    durations = Durations()
    durations.learn(ADAIN, 1_000_000, 60)
    assert durations.expect(ADAIN, 1_000_000) == FIRST_GUESS
    durations.learn(ADAIN, 1_000_000, 50)
    assert durations.expect(ADAIN, 1_000_000) == 50
    for seconds in (2, 2, 60, 2, 2):
        durations.learn(ADAIN, 1_000_000, seconds)
    assert durations.expect(ADAIN, 1_000_000) == 2


def test_looks_are_a_kind_of_their_own():
    durations = Durations()
    durations.learn(GATYS, 1_000_000, 0.4, "look")
    assert durations.expect(GATYS, 2_000_000, "look") == pytest.approx(0.8)
    assert durations.expect(GATYS, 1_000_000) == 12 * FIRST_GUESS


def test_the_median_follows_what_jobs_take_now():
    durations = Durations()
    durations.learn(ADAIN, 1_000_000, 100)
    for _ in range(40):
        durations.learn(ADAIN, 1_000_000, 1)
    assert durations.expect(ADAIN, 1_000_000) == pytest.approx(1, rel=0.02)
