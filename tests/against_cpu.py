"""How far results of two devices are apart, and how far they may be."""

from collections.abc import Iterable, Mapping
from typing import Any

import torch
from torch import Tensor


def note(text: str) -> None:
    """For the log that tools/gpu_check.sh keeps."""
    print(text)  # noqa: T201


def apart(found: Iterable[Tensor], expected: Iterable[Tensor]) -> float:
    """Length of the difference over the length of what is expected, of all values together."""
    ours, theirs = (torch.cat([x.detach().cpu().double().flatten() for x in some]) for some in (found, expected))
    return float((ours - theirs).norm() / theirs.norm().clamp_min(1e-30))


def assert_near(what: str, found: Iterable[Tensor], expected: Iterable[Tensor], tolerance: float) -> None:
    """By `apart`; the log of a run says how much room was left."""
    distance = apart(found, expected)
    note(f"{what}: {distance:.1e} of {tolerance:.0e}")
    assert distance <= tolerance, f"{what}: {distance:.2e} apart, tolerance {tolerance:.0e}"


def assert_all_near(what: str, found: Mapping[str, Any], expected: Mapping[str, Any], tolerance: float) -> None:
    """Numbers or tensors of the same names, each by `apart`."""
    assert found.keys() == expected.keys()
    for name, value in expected.items():
        assert_near(f"{what}, {name}", [torch.as_tensor(found[name])], [torch.as_tensor(value)], tolerance)


def assert_same_picture(what: str, found: Tensor, expected: Tensor, levels: float) -> None:
    """By the mean absolute difference of two pictures in [0, 1], in levels of 8 bits."""
    distance = 255 * float((found.cpu().double() - expected.cpu().double()).abs().mean())
    note(f"{what}: {distance:.4f} of {levels} levels")
    assert distance <= levels, f"{what}: {distance:.3f} levels apart, tolerance {levels}"
