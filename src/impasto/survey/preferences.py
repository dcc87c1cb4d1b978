"""Which of several methods people prefer: Bradley-Terry scores of pairwise wins."""

import numpy as np
from numpy.typing import NDArray

Wins = NDArray[np.float64]
"""(..., methods, methods): how often the first was preferred to the second."""

_MOST_STEPS = 100
_CLOSE = 1e-10


def bradley_terry(wins: Wins) -> Wins:
    """Bradley and Terry, 1952: wins (..., n, n) -> scores (..., n), natural logarithms of strength, of mean 0.

    P(i is preferred to j) = 1 / (1 + exp(score j - score i)). The scores are the most likely ones, found by Newton's
    steps, damped as Sun and Tran-Dinh (2019) prove to converge from anywhere for sums of such logistic terms.

    A method that was never preferred, or always, has no most likely score. Then half a win each way is added to every
    two methods that met; `is_determined` tells where.
    """
    met = (wins + np.swapaxes(wins, -1, -2)) > 0
    wins = wins + 0.5 * met * ~is_determined(wins)[..., None, None]
    games = wins + np.swapaxes(wins, -1, -2)
    scores = np.zeros(wins.shape[:-1])
    for _ in range(_MOST_STEPS):
        step = _newton(wins, games, scores)
        length = np.sqrt(2) * np.linalg.norm(step, axis=-1, keepdims=True)
        scores = scores + step * np.where(length > _CLOSE, np.log1p(length) / np.maximum(length, _CLOSE), 1)
        if length.max(initial=0) < _CLOSE:
            break
    return np.asarray(scores - scores.mean(-1, keepdims=True))


def _newton(wins: Wins, games: Wins, scores: Wins) -> Wins:
    """What a whole step of Newton would add to the scores."""
    chances = 1 / (1 + np.exp(scores[..., None, :] - scores[..., :, None]))
    gradient = wins.sum(-1) - (games * chances).sum(-1)
    curvature = games * chances * (1 - chances)
    # The Laplacian of a graph. All scores may move together, as may those of methods that met no other: such
    # directions have no curvature, and the pseudo-inverse stays out of them.
    laplacian = curvature.sum(-1)[..., None] * np.eye(wins.shape[-1]) - curvature
    return np.asarray((np.linalg.pinv(laplacian, rcond=1e-10, hermitian=True) @ gradient[..., None])[..., 0])


def is_determined(wins: Wins) -> NDArray[np.bool_]:
    """(..., n, n) -> (...): whether from every method a chain of wins leads to every other one (Ford, 1957)."""
    n = wins.shape[-1]
    reached = (wins > 0) | np.eye(n, dtype=bool)
    for _ in range(n.bit_length()):
        reached = np.matmul(reached.astype(np.int64), reached.astype(np.int64)) > 0
    return np.asarray(reached.all((-1, -2)))
