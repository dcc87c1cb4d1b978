"""An unfinished painting goes on from its state file and ends as if nothing had happened; and it can be stopped."""

from pathlib import Path
from typing import Any

import pytest
import torch
from random_tensors import picture
from torch import Tensor

from impasto import load
from impasto.errors import Cancelled, CheckpointError
from impasto.methods import StylizeOptions
from impasto.methods.gatys import state as states
from impasto.methods.gatys import stylizer
from impasto.methods.gatys.memory import MemoryPlan
from impasto.methods.gatys.stylizer import Saving
from impasto.progress import Progress, ProgressCallback
from impasto.weights import save as save_tensors

BASE: dict[str, Any] = {"method": "gatys", "scales": 2, "coarse_steps": 3, "steps": 4}
OPTIONS = StylizeOptions(**BASE)
TOTAL = 7


class KilledError(Exception):
    """Stands for a kill: nothing of the painting's own runs any more."""


CONTENT, STYLE = picture(33, 32, 0), picture(40, 30, 1)


@pytest.fixture(autouse=True)
def small_scales(monkeypatch: pytest.MonkeyPatch) -> None:
    """The content is large enough for two."""
    monkeypatch.setattr(stylizer, "SMALLEST_SIDE", 16)


@pytest.fixture
def state(tmp_path: Path) -> Path:
    return tmp_path / "state.safetensors"


def paint(
    options: StylizeOptions,
    *,
    content: Tensor = CONTENT,
    styles: tuple[Tensor, ...] = (STYLE,),
    start: Tensor | None = None,
    masks: list[Tensor] | None = None,
    progress: ProgressCallback | None = None,
    state: Path | None = None,
    every: int = 1,
) -> Tensor:
    # A new method each time, as in a new process.
    saving = None if state is None else Saving(state, every=every)
    return load("gatys", device="cpu")(
        content, styles, options, start=start, masks=masks, progress=progress, saving=saving
    )


def at_step(step: int, error: BaseException | type[BaseException]) -> ProgressCallback:
    def callback(progress: Progress) -> None:
        if progress.step == step:
            raise error

    return callback


def killed(options: StylizeOptions, state: Path, step: int, every: int = 1, **inputs: Any) -> None:
    with pytest.raises(KilledError):
        paint(options, progress=at_step(step, KilledError), state=state, every=every, **inputs)


VARIANTS: dict[str, dict[str, Any]] = {
    "lbfgs": {},
    "lbfgs that forgets": {"history": 2},
    "adam": {"optimizer": "adam"},
    "adam from noise": {"optimizer": "adam", "init": "noise", "seed": 4},
    "lbfgs from noise, max pooling, smooth": {"init": "noise", "pooling": "max", "tv_weight": 10.0},
    "adam that has to retreat": {"optimizer": "adam", "learning_rate": 5.0, "style_weight": 0.01},
    "from a picture": {"init": "start.png"},
    "lbfgs in files": {},
    "adam in files": {"optimizer": "adam"},
}


@pytest.mark.parametrize("variant", VARIANTS)
def test_resumes_bit_by_bit(variant: str, state: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    if "in files" in variant:
        monkeypatch.setattr("impasto.methods.gatys.memory.Needs.plan", lambda *_: MemoryPlan(128, 3, 1.0, True))
    options = StylizeOptions(**(BASE | VARIANTS[variant]))
    start = picture(50, 70, 2) if options.init == "start.png" else None
    whole = paint(options, start=start)
    # Within the coarse scale, at its end, within the fine one, at the very end; of the others, where they differ.
    for step in (1, 3, 4, 6, TOTAL) if variant == "lbfgs" else (3, 6):
        killed(options, state, step, start=start)
        assert torch.equal(paint(options, start=start, state=state), whole), f"killed after {step} steps"
        assert not state.exists(), "a finished painting leaves no state"


def saves(every: int) -> list[int]:
    """After which steps the state is saved: it counts the steps of each scale."""
    coarse, fine = BASE["coarse_steps"], BASE["steps"]
    return [*range(every, coarse + 1, every), *(coarse + step for step in range(every, fine + 1, every))]


@pytest.mark.parametrize("every", [2, 3, 5])
def test_resumes_from_the_last_save(every: int, state: Path) -> None:
    whole = paint(OPTIONS)
    for step in (4, 6):
        killed(OPTIONS, state, step, every)
        reports: list[Progress] = []
        resumed = paint(OPTIONS, state=state, every=every, progress=reports.append)
        assert torch.equal(resumed, whole)
        first = reports[0].step
        assert [report.step for report in reports] == list(range(first, TOTAL + 1))
        assert first == 1 + max((save for save in saves(every) if save <= step), default=0)


def test_killed_again_and_again(state: Path) -> None:
    for step in range(1, TOTAL + 1):
        killed(OPTIONS, state, step)
    assert torch.equal(paint(OPTIONS, state=state), paint(OPTIONS))


def test_retreats_are_counted_over_all_sizes_and_resumptions(state: Path) -> None:
    options = StylizeOptions(**(BASE | VARIANTS["adam that has to retreat"]))
    whole: list[Progress] = []
    paint(options, progress=whole.append)
    counts = [report.retreats for report in whole]
    assert counts == sorted(counts)
    assert 0 < counts[2] < counts[-1], "both sizes have some"
    killed(options, state, 5)
    resumed: list[Progress] = []
    paint(options, state=state, progress=resumed.append)
    assert [report.retreats for report in resumed] == counts[-len(resumed) :]


def test_another_painting_is_refused(state: Path) -> None:
    killed(OPTIONS, state, 2)
    mine: dict[str, Any] = {"options": OPTIONS, "state": state}
    others: list[dict[str, Any]] = [
        {"options": StylizeOptions(**BASE, style_weight=99.0)},
        {"options": StylizeOptions(**(BASE | {"steps": 5}))},
        {"content": CONTENT.flip(3)},
        {"content": CONTENT[..., :-1]},
        {"styles": (STYLE.flip(2),)},
        {"styles": (STYLE, STYLE)},
        {"start": CONTENT},
    ]
    for other in others:
        with pytest.raises(CheckpointError, match=r"state\.safetensors: belongs to a painting of other"):
            paint(**(mine | other))
        assert state.exists(), "the state of the other painting is still needed"
    paint(OPTIONS, state=state)


def test_resumes_with_the_same_masks_and_refuses_others(state: Path) -> None:
    half = torch.ones(1, 1, 33, 32)
    half[..., 16:] = 0
    mine: dict[str, Any] = {"styles": (STYLE, STYLE.flip(1)), "masks": [half, 1 - half]}
    killed(OPTIONS, state, 5, **mine)
    for other in (None, [1 - half, half], [half, 0.9 - 0.9 * half]):
        with pytest.raises(CheckpointError, match="belongs to a painting of other"):
            paint(OPTIONS, state=state, **mine | {"masks": other})
    assert torch.equal(paint(OPTIONS, state=state, **mine), paint(OPTIONS, **mine))


def test_a_damaged_state_is_refused(tmp_path: Path, state: Path) -> None:
    killed(OPTIONS, state, 2)
    whole = state.read_bytes()
    save_tensors(tmp_path / "other", {"image": CONTENT}, {"version": 1})
    for damaged in (b"", b"no state", whole[: len(whole) // 2], (tmp_path / "other").read_bytes()):
        state.write_bytes(damaged)
        with pytest.raises(CheckpointError, match=r"state\.safetensors: "):
            paint(OPTIONS, state=state)
    state.write_bytes(whole)
    assert torch.equal(paint(OPTIONS, state=state), paint(OPTIONS))


@pytest.mark.parametrize("error", [Cancelled, KeyboardInterrupt])
@pytest.mark.parametrize("step", [2, 5])
def test_stopping_gives_the_best_picture_so_far(error: type[BaseException], step: int) -> None:
    previews: list[Tensor] = []

    def stop(progress: Progress) -> None:
        assert progress.preview is not None
        previews.append(progress.preview())
        if progress.step == step:
            raise error

    with pytest.raises(Cancelled) as caught:
        paint(OPTIONS, progress=stop)
    best = caught.value.best
    assert isinstance(best, Tensor)
    assert best.shape == CONTENT.shape
    assert best.dtype == torch.float32
    assert 0 <= float(best.min()) <= float(best.max()) <= 1
    assert not torch.equal(best, CONTENT)
    if step == 5:  # at full size, what is given is what was last shown
        assert torch.equal(best, previews[-1])


def test_a_stopped_painting_resumes(state: Path) -> None:
    with pytest.raises(Cancelled):
        paint(OPTIONS, state=state, progress=at_step(5, KeyboardInterrupt()))
    assert torch.equal(paint(OPTIONS, state=state), paint(OPTIONS))


def test_pictures_are_hashed_only_for_a_state(state: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []
    monkeypatch.setattr(states, "fingerprint", lambda *about: asked.append(about) or "")
    options = StylizeOptions(method="gatys", scales=1, steps=1)
    paint(options)
    assert asked == []
    paint(options, state=state)
    assert len(asked) == 1


def test_progress_reports() -> None:
    reports: list[Progress] = []
    paint(OPTIONS, progress=reports.append)
    assert [(report.step, report.total) for report in reports] == [(step, TOTAL) for step in range(1, TOTAL + 1)]
    assert [report.size for report in reports] == [(16, 16)] * 3 + [(33, 32)] * 4
    assert reports[-1].seconds_left == pytest.approx(0, abs=1e-6)
    assert all(report.seconds_left is None or report.seconds_left >= 0 for report in reports)
    for report in reports:
        assert report.preview is not None
        assert report.preview().shape[-2:] == report.size
