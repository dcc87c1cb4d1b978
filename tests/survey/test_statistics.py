"""The report's numbers against published examples, closed forms, and the formulas written down a second time."""

import math

import numpy as np
import pytest

from impasto.survey.statistics import (
    Bootstrap,
    bradley_terry,
    is_determined,
    kendall_w,
    krippendorff_alpha,
    ranks,
    summarise,
)

NAN = math.nan

# Krippendorff 2011, section D: four observers, twelve units, missing data.
PUBLISHED = np.array([
    [1, 2, 3, 3, 2, 1, 4, 1, 2, NAN, NAN, NAN],
    [1, 2, 3, 3, 2, 2, 4, 1, 2, 5, NAN, 3],
    [NAN, 3, 3, 3, 2, 3, 4, 2, 2, 5, 1, NAN],
    [1, 2, 3, 3, 2, 4, 4, 1, 2, 5, 1, NAN],
])  # fmt: skip


def some_ratings(people=7, pictures=5, missing=0.2, seed=0):
    random = np.random.default_rng(seed)
    ratings = random.integers(1, 11, (people, pictures)).astype(float)
    ratings[random.random(ratings.shape) < missing] = NAN
    return ratings


@pytest.mark.parametrize(("metric", "alpha"), [("nominal", 0.743), ("interval", 0.849)])
def test_alpha_of_the_published_example(metric, alpha):
    assert krippendorff_alpha(PUBLISHED, metric) == pytest.approx(alpha, abs=5e-4)


def test_alpha_at_its_ends():
    same = np.tile([1.0, 4.0, 7.0], (3, 1))
    assert krippendorff_alpha(same) == pytest.approx(1)
    # Two raters who always say the opposite of each other: D_o = 1, D_e = n/2 / (n - 1) with n values.
    opposite = np.array([[1.0, 2, 1, 2], [2, 1, 2, 1]])
    assert krippendorff_alpha(opposite, "nominal") == pytest.approx(1 - 1 / (4 / 7))


@pytest.mark.parametrize("ratings", [[[5.0, 5], [5, 5]], [[1, NAN], [NAN, 2]], [[NAN, NAN]]])
def test_alpha_of_what_says_nothing(ratings):
    assert krippendorff_alpha(np.array(ratings)) is None


def test_w_at_its_ends():
    assert kendall_w(np.tile([3.0, 1, 2, 4], (5, 1))) == pytest.approx(1)
    assert kendall_w(np.array([[1.0, 2, 3], [3, 2, 1]])) == pytest.approx(0)
    # Ties or not, who agrees agrees.
    assert kendall_w(np.tile([3.0, 1, 1, 4], (5, 1))) == pytest.approx(1)


def test_w_with_ties_by_hand():
    # Ranks 1, 2.5, 2.5 and 1, 2, 3: sums 2, 4.5, 5.5, 6.5 from their mean; m = 2, n = 3, T = 6 for the one tie of two.
    ratings = np.array([[1.0, 5, 5], [2, 3, 9]])
    assert ranks(ratings[0]).tolist() == [1, 2.5, 2.5]
    assert kendall_w(ratings) == pytest.approx(12 * 6.5 / (4 * 3 * 8 - 2 * 6))


def test_w_counts_only_who_answered_everything():
    ratings = np.array([[1.0, 2, 3], [1, 2, 3], [3, NAN, 1]])
    assert kendall_w(ratings) == pytest.approx(1)
    assert kendall_w(ratings[1:]) is None
    assert kendall_w(np.full((3, 3), 4.0)) is None
    assert kendall_w(np.ones((3, 1))) is None


def test_two_methods_score_the_logarithm_of_their_odds():
    wins = np.array([[0.0, 30], [10, 0]])
    first, second = bradley_terry(wins)
    assert first - second == pytest.approx(math.log(3), abs=1e-6)
    assert first + second == pytest.approx(0)


def test_scores_that_made_the_wins_are_found_again():
    scores = np.array([0.9, 0.1, -0.2, -0.8])
    chances = 1 / (1 + np.exp(scores[None] - scores[:, None]))
    games = np.array([[0, 40, 10, 5], [40, 0, 8, 20], [10, 8, 0, 60], [5, 20, 60, 0]])
    np.testing.assert_allclose(bradley_terry(games * chances), scores, atol=1e-6)


def test_who_never_won_gets_half_a_win():
    wins = np.array([[0.0, 4], [0, 0]])
    assert not is_determined(wins)
    np.testing.assert_allclose(bradley_terry(wins), bradley_terry(np.array([[0, 4.5], [0.5, 0]])))
    assert is_determined(np.array([[0.0, 4], [1, 0]]))
    # A chain of wins around all three is enough; two pairs that never met are not.
    assert is_determined(np.roll(np.eye(3), 1, axis=1))
    apart = np.kron(np.eye(2), np.array([[0.0, 2], [1, 0]]))
    assert not is_determined(apart)
    assert np.isfinite(bradley_terry(apart)).all()


def test_many_tables_of_wins_at_once():
    random = np.random.default_rng(0)
    wins = random.integers(0, 4, (20, 4, 4)) * (1 - np.eye(4))
    for one, scores in zip(wins, bradley_terry(wins), strict=True):
        np.testing.assert_allclose(scores, bradley_terry(one), atol=1e-6)


def test_means_spread_and_histograms():
    ratings = np.array([[7.0, 8, NAN], [9, NAN, NAN], [2, 6, NAN]])
    (first, second, third), overall = summarise(ratings, Bootstrap(resamples=200))
    assert (first.answers, first.mean, third) == (3, 6, None)
    assert first.deviation == pytest.approx(math.sqrt(13))
    assert first.histogram == (0, 1, 0, 0, 0, 0, 1, 0, 1, 0)
    assert second.mean == 7
    # Each picture counts the same, though the first has more answers.
    assert overall.mean == 6.5
    assert (overall.answers, sum(overall.histogram)) == (5, 5)
    assert summarise(np.full((2, 2), NAN), Bootstrap()) == ([None, None], None)


def test_an_interval_is_that_of_the_mean_over_drawn_people():
    ratings = some_ratings(people=60, pictures=1, missing=0)
    (picture,), overall = summarise(ratings, Bootstrap(resamples=20_000))
    error = ratings.std() / math.sqrt(60)
    assert picture.interval == pytest.approx(
        (ratings.mean() - 1.96 * error, ratings.mean() + 1.96 * error), abs=error / 10
    )
    assert overall.interval == picture.interval


def test_answers_of_one_person_stay_together():
    # Everybody gives all pictures one value, so ten pictures say no more about people than one does.
    one = some_ratings(people=30, pictures=1, missing=0)
    _, narrow = summarise(one, Bootstrap(resamples=500))
    _, same = summarise(np.tile(one, (1, 10)), Bootstrap(resamples=500))
    assert same.interval == pytest.approx(narrow.interval)


def test_intervals_follow_their_seed():
    ratings = some_ratings()
    first, again, other = (summarise(ratings, Bootstrap(seed=seed, resamples=300))[1] for seed in (1, 1, 2))
    assert first == again
    assert first.interval != other.interval
