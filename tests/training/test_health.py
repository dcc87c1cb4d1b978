"""What is watched, when it warns, and that nothing of it is lost when a run resumes."""

import json
import logging
from pathlib import Path

import pytest
import torch
from torch import Tensor

from impasto.training.health import VITALS, FiniteLosses, HealthMonitor, translation_vitals


def picture(seed: int) -> Tensor:
    return torch.rand(1, 3, 12, 10, generator=torch.Generator().manual_seed(seed)) * 2 - 1


PICTURES = torch.cat([picture(seed) for seed in range(3)])


def test_vitals_of_a_copy_an_inversion_and_a_collapse() -> None:
    copied = translation_vitals(PICTURES, PICTURES)
    assert copied == pytest.approx({"luminance correlation": 1.0, "copying": 1.0, "diversity": 1.0}, abs=1e-5)
    inverted = translation_vitals(PICTURES, -PICTURES)
    assert inverted["luminance correlation"] == pytest.approx(-1, abs=1e-5)
    assert inverted["copying"] == 0
    collapsed = translation_vitals(PICTURES, PICTURES[:1].expand(3, -1, -1, -1))
    assert collapsed["diversity"] == 0
    constant = translation_vitals(PICTURES, torch.zeros_like(PICTURES))
    assert constant["luminance correlation"] == 0
    assert set(translation_vitals(PICTURES[:1], PICTURES[:1])) == {"luminance correlation", "copying"}


def test_vitals_are_what_they_say() -> None:
    painted = 0.5 * PICTURES + 0.4 * PICTURES.roll(1, 0)
    found = translation_vitals(PICTURES, painted)
    correlations = []
    for one, other in zip(PICTURES, painted, strict=True):
        luma = [0.299 * x[0] + 0.587 * x[1] + 0.114 * x[2] for x in (one, other)]
        correlations.append(float(torch.corrcoef(torch.stack([x.flatten() for x in luma]))[0, 1]))
    assert found["luminance correlation"] == pytest.approx(sum(correlations) / 3, abs=1e-5)
    spread = sum(float((c - c.mean()).abs().mean()) for one in PICTURES for c in one) / 9
    assert found["copying"] == pytest.approx(1 - float((painted - PICTURES).abs().mean()) / spread, abs=1e-5)
    pairs = [(0, 1), (0, 2), (1, 2)]
    apart = [sum(float((x[a] - x[b]).abs().mean()) for a, b in pairs) for x in (painted, PICTURES)]
    assert found["diversity"] == pytest.approx(apart[0] / apart[1], abs=1e-5)


@pytest.mark.parametrize(
    ("name", "good", "bad"),
    [
        ("A2B/discriminator", 0.2, 0.001),
        ("A2B/luminance correlation", 0.1, -0.1),
        ("B2A/copying", 0.8, 0.99),
        ("B2A/diversity", 0.9, 0.01),
        ("A/code deviation", 0.9, 0.001),
        ("A2B/painted share", 0.4, 0.001),
    ],
)
def test_each_vital_warns_once_until_it_recovers(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, name: str, good: float, bad: float
) -> None:
    caplog.set_level(logging.WARNING)
    health = HealthMonitor(tmp_path, resume=False)
    vital = next(one for one in VITALS if one.name == name.split("/")[1])
    values = [bad] * (vital.reports - 1) + [good] + [bad] * (vital.reports + 3) + [good] + [bad] * vital.reports
    for step, value in enumerate(values, 1):
        health.observe(step, {name: value})
    first = 2 * vital.reports
    assert [one["step"] for one in health.warnings] == [first, len(values)]
    assert {(one["name"], one["message"]) for one in health.warnings} == {(name, vital.message)}
    assert len(caplog.records) == 2
    assert caplog.records[0].message == f"{tmp_path}, step {first}: {name} is {bad:.3g}: {vital.message}"


def test_every_vital_is_tested() -> None:
    parameters = test_each_vital_warns_once_until_it_recovers.pytestmark[0].args[1]  # type: ignore[attr-defined]
    assert {name.split("/")[1] for name, _, _ in parameters} == {vital.name for vital in VITALS}


def test_the_file_says_everything_and_a_resumed_run_goes_on(tmp_path: Path) -> None:
    health = HealthMonitor(tmp_path, resume=False)
    health.observe(4, {"A2B/copying": 0.99, "loss": 3.0, "A2B/cycle": 1.0})
    for step in range(5, 10):
        health.observe(step, {"A2B/discriminator": 0.0})
    health.observe(9, {"B2A/diversity": float("nan")})
    health.write(stopped="reason")
    found = json.loads((tmp_path / "health.json").read_text())
    message = next(one.message for one in VITALS if one.name == "copying")
    assert found["warnings"] == [{"step": 4, "name": "A2B/copying", "message": message}]
    assert (found["step"], found["stopped"]) == (9, "reason")
    assert found["values"] == {"A2B/copying": 0.99, "A2B/discriminator": 0.0}
    resumed = HealthMonitor(tmp_path, resume=True)
    resumed.observe(4, {"A2B/copying": 0.99})  # repeated
    for step in range(8, 15):
        resumed.observe(step, {"A2B/discriminator": 0.0, "A2B/copying": 0.99})
    assert [(one["step"], one["name"]) for one in resumed.warnings] == [(4, "A2B/copying"), (14, "A2B/discriminator")]
    resumed.write()
    assert json.loads((tmp_path / "health.json").read_text())["stopped"] is None
    assert HealthMonitor(tmp_path, resume=False).warnings == []
    (tmp_path / "health.json").write_text("{")
    assert HealthMonitor(tmp_path, resume=True).warnings == []


def test_the_first_step_with_a_loss_that_is_not_finite_is_remembered() -> None:
    finite = FiniteLosses()
    assert finite.trouble() is None
    for step, (one, other) in enumerate([(1.0, 2.0), (1.0, float("inf")), (float("nan"), float("nan"))], 1):
        finite.note({"one": torch.tensor(one), "other": torch.tensor(other)}, step)
    assert finite.trouble() == "the loss 'other' was not a finite number at step 2"
