import sqlite3
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing

import pytest

from impasto.errors import DataError, OptionError
from impasto.survey.questions import AnswerError, Question, check_answer, make_questions
from impasto.survey.store import Store


def test_questions_of_every_kind():
    assert make_questions(["rate"], 2, 1) == [Question("rate", 0, (0,)), Question("rate", 1, (0,))]
    shown = [one.methods for one in make_questions(["rank", "ab"], 1, 3)]
    assert shown == [(0, 1, 2), (0, 1), (0, 2), (1, 2)]


@pytest.mark.parametrize(
    ("kinds", "pairs", "methods", "said"),
    [
        ([], 1, 1, "must be of rate, ab, rank"),
        (["rate", "rate"], 1, 1, "each at most once"),
        (["like"], 1, 1, "ask is 'like'"),
        (["ab"], 1, 1, "two methods or more"),
        (["rate"], 1, 9, "9 methods are too many"),
        (["rate"], 501, 1, "501 questions"),
    ],
)
def test_questions_that_make_no_sense(kinds, pairs, methods, said):
    with pytest.raises(OptionError, match=said):
        make_questions(kinds, pairs, methods)


@pytest.mark.parametrize(
    ("kind", "shown", "value", "right"),
    [
        ("rate", 1, 1, True), ("rate", 1, 10, True), ("rate", 1, 0, False), ("rate", 1, 11, False),
        ("rate", 1, True, False), ("rate", 1, 5.0, False), ("rate", 1, "5", False), ("rate", 1, None, False),
        ("ab", 2, 1, True), ("ab", 2, 2, False), ("ab", 2, [0, 1], False),
        ("rank", 3, [2, 0, 1], True), ("rank", 3, [2, 0], False), ("rank", 3, [0, 0, 1], False),
        ("rank", 3, [0, 1, "2"], False), ("rank", 3, {"0": 1}, False),
    ],
)  # fmt: skip
def test_what_counts_as_an_answer(kind, shown, value, right):
    if right:
        check_answer(kind, shown, value)
    else:
        with pytest.raises(AnswerError, match="an answer here is"):
            check_answer(kind, shown, value)


def test_every_person_has_an_order_of_their_own_that_is_recorded(make):
    store, keys = make(pairs=8, methods=2, kinds=("rate", "ab"), places=6)
    orders = []
    for link in keys.links:
        person = store.participant(link)
        tasks = store.tasks(person)
        assert [task.kind for task in tasks] == ["rate"] * 16 + ["ab"] * 8
        assert len({(task.kind, task.shown) for task in tasks}) == 24
        for position, task in enumerate(tasks):
            store.put(person, position, 1 if task.kind == "ab" else 7)
        orders.append([(one.question, one.shown) for one in store.answers() if one.participant == person])
        # What the page showed is what the record says.
        pictures = {(pair, method): picture for pair, method, picture in store._rows("SELECT * FROM result")}
        for task, (question, shown) in zip(tasks, orders[-1], strict=True):
            assert task.shown == tuple(pictures[question.pair, method] for method in shown)
    assert len({str(order) for order in orders}) == 6
    sides = {shown for order in orders for question, shown in order if question.kind == "ab"}
    assert sides == {(0, 1), (1, 0)}


def test_an_answer_is_stored_once_and_stays(make):
    store, keys = make()
    person = store.participant(keys.links[0])
    assert [store.put(person, 0, value) for value in (7, 7, 8)] == [7, 7, 7]
    with pytest.raises(AnswerError):
        store.put(person, 1, 11)
    with pytest.raises(LookupError):
        store.put(person, 2, 7)
    again = Store(store.path)
    assert [(one.position, one.value) for one in again.answers()] == [(0, 7)]
    assert [task.answer for task in again.tasks(person)] == [7, None]


def test_many_at_once(make):
    store, keys = make(pairs=4, places=8)
    with closing(sqlite3.connect(store.path)) as database:
        assert database.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    people = [store.participant(link) for link in keys.links]
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda job: store.put(*job), [(person, i, 5) for i in range(4) for person in people * 2]))
    assert sorted((one.participant, one.position) for one in store.answers()) == [
        (person, position) for person in sorted(people) for position in range(4)
    ]


def test_an_open_survey_lets_in_as_many_as_it_has_places_for(make):
    store, keys = make(places=3, joining=True)
    assert (keys.links, store.people) == ((), 0)
    assert store.is_joining(keys.joining)
    assert not store.is_joining(keys.admin)
    with ThreadPoolExecutor(6) as pool:
        links = [link for link in pool.map(lambda _: store.join(), range(6)) if link]
    assert sorted(store.participant(link) for link in links) == [1, 2, 3]
    assert store.join() is None


def test_keys_are_long_different_and_stored_nowhere(make):
    store, keys = make(places=20)
    tokens = [keys.admin, *keys.links]
    assert len(set(tokens)) == 21
    assert min(map(len, tokens)) >= 22
    assert keys.joining is None
    content = b"".join(path.read_bytes() for path in store.path.parent.iterdir())
    assert not any(token.encode() in content for token in tokens)
    assert store.is_admin(keys.admin)
    assert not store.is_admin(keys.links[0])
    assert store.participant(keys.admin) is None


def test_numbers_of_people_do_not_follow_the_list_of_links(make):
    store, keys = make(places=30)
    assert [store.participant(link) for link in keys.links] != list(range(1, 31))


def test_pictures_have_names_that_say_nothing(make):
    store, other = (make(name, methods=2, kinds=("ab",))[0] for name in ("one", "two"))
    ids, others = ({picture for task in one.tasks(1) for picture in task.shown} for one in (store, other))
    assert {len(picture) for picture in ids} == {12}
    # Drawn, not made of the pictures or the methods, which are the same in both.
    assert (len(ids), ids & others) == (4, set())
    assert store.picture("../../etc/passwd") is None
    assert len(store.pictures()[0].results) == 2


def test_what_is_no_survey(make, tmp_path):
    store, _ = make()
    (tmp_path / "text").write_text("no database, but long enough to look at" * 100)
    sqlite3.connect(tmp_path / "other").execute("CREATE TABLE answer (x)")
    (tmp_path / "short").write_bytes(store.path.read_bytes()[:5000])
    (tmp_path / "empty").touch()
    before = (tmp_path / "other").read_bytes()
    for name in ("text", "other", "short", "empty", "missing", "."):
        with pytest.raises(DataError, match=r"no survey|no such file|cannot be used"):
            Store(tmp_path / name)
    assert (tmp_path / "other").read_bytes() == before


def test_what_cannot_be_written_leaves_nothing(make, monkeypatch, tmp_path):
    monkeypatch.setattr(
        "impasto.survey.store._admit", lambda *_: (_ for _ in ()).throw(sqlite3.OperationalError("full"))
    )
    with pytest.raises(DataError, match="cannot be written: full"):
        make()
    assert list(tmp_path.iterdir()) == []


def test_settings_come_back(make):
    store, _ = make(methods=2, kinds=("rate", "rank"))
    assert (store.settings.methods, store.settings.kinds, store.pairs) == (("m0", "m1"), ("rate", "rank"), ("p0", "p1"))
