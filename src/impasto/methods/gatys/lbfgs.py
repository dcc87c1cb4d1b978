"""L-BFGS without a line search, one step at a time (Nocedal 1980), whose vectors are kept wherever there is room."""

import mmap
import weakref
from collections.abc import Callable

import torch
from torch import Tensor
from torch.optim import Optimizer

from impasto.engine.room import mapped

# A product of the change of the gradient and the step below this is no curvature to learn from.
SMALLEST_CURVATURE = 1e-10


class Storage:
    """On the device where the values are. What is kept has the same bits wherever it is; sums over it, too."""

    def keep(self, values: Tensor) -> Tensor:
        """The same values there; `values` is not needed any more."""
        return values

    def release(self) -> None:
        """Nothing that is kept is looked at for a while."""


IN_MEMORY = Storage()


class FileStorage(Storage):
    """On the CPU, each in a mapped file without a name, of which what was looked at since `release` takes memory.

    Files begin at pages, so that values are aligned as in PyTorch's own memory, by which the last bits of sums go.
    """

    def __init__(self) -> None:
        self._files: weakref.WeakSet[mmap.mmap] = weakref.WeakSet()

    def keep(self, values: Tensor) -> Tensor:
        """Raises PictureError where the disk has no room for them. values: dense, in any order of dimensions."""
        file = mapped(values.numel() * values.element_size())
        self._files.add(file)
        kept = torch.frombuffer(file, dtype=values.dtype).as_strided(values.shape, values.stride())
        kept.copy_(values)
        self.release()
        return kept

    def release(self) -> None:
        # What was written is the file's, whether it is on the disk by now or not.
        if hasattr(mmap, "MADV_DONTNEED"):
            for file in list(self._files):
                file.madvise(mmap.MADV_DONTNEED)


class LBFGS(Optimizer):
    """`torch.optim.LBFGS` of one tensor, with max_iter=1 and no tolerances: the same numbers to the last bit.

    PyTorch's has all vectors at hand at once; this one looks at two or three at a time.
    """

    def __init__(self, change: Tensor, history: int, storage: Storage = IN_MEMORY) -> None:
        """change: contiguous. history: steps that are remembered, each as two tensors of its size."""
        super().__init__([change], {"lr": 1.0})
        self.history = history
        self.storage = storage

    @torch.no_grad()
    def step(self, closure: Callable[[], float]) -> float:  # type: ignore[override]
        """closure: the loss; leaves its gradient, contiguous, in `change.grad`."""
        (group,) = self.param_groups
        (change,) = group["params"]
        with torch.enable_grad():
            loss = closure()
        gradient = change.grad.view(-1)
        if not gradient.any():
            return loss
        state = self.state[change]
        if not state:
            state |= {"old_dirs": [], "old_stps": [], "ro": [], "H_diag": 1, "prev_flat_grad": None}
            direction, length = gradient.neg(), min(1.0, 1.0 / gradient.abs().sum()) * group["lr"]
        else:
            self._learn(gradient)
            direction, length = self._direction(gradient), group["lr"]
        state["prev_flat_grad"] = self._kept(state["prev_flat_grad"], gradient)
        # As PyTorch's: up the slope it does not go.
        if not gradient.dot(direction) > 0:
            change.add_(direction.view_as(change), alpha=length)
        self.storage.release()
        state["t"], state["d"] = length, self.storage.keep(direction)
        return loss

    def _learn(self, gradient: Tensor) -> None:
        """Remember what the last step did to the gradient."""
        (state,) = self.state.values()
        bend = self.storage.keep(gradient.sub(state["prev_flat_grad"]))
        step = self.storage.keep(state["d"].mul(state["t"]))
        product = bend.dot(step)
        if product > SMALLEST_CURVATURE:
            if len(state["old_dirs"]) == self.history:
                for name in ("old_dirs", "old_stps", "ro"):
                    state[name].pop(0)
            state["old_dirs"].append(bend)
            state["old_stps"].append(step)
            state["ro"].append(1.0 / product)
            state["H_diag"] = product / bend.dot(bend)
        self.storage.release()

    def _direction(self, gradient: Tensor) -> Tensor:
        """The inverse Hessian, as far as it is remembered, times the gradient, downhill."""
        (state,) = self.state.values()
        remembered = list(zip(state["old_dirs"], state["old_stps"], state["ro"], strict=True))
        direction = gradient.neg()
        shares = []
        for bend, step, inverse in reversed(remembered):
            shares.append(step.dot(direction) * inverse)
            direction.add_(bend, alpha=-shares[-1])
            self.storage.release()
        direction.mul_(state["H_diag"])
        for (bend, step, inverse), share in zip(remembered, reversed(shares), strict=True):
            direction.add_(step, alpha=share - bend.dot(direction) * inverse)
            self.storage.release()
        return direction

    def _kept(self, before: Tensor | None, values: Tensor) -> Tensor:
        return self.storage.keep(values.clone()) if before is None else before.copy_(values)
