"""One survey in one SQLite file: what is asked, of whom, in which order, and every answer once.

Nothing about a person is stored but the hash of a link and the answers; no name, no address, no time.
"""

import hashlib
import hmac
import json
import secrets
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from impasto.errors import DataError
from impasto.files import replacing
from impasto.survey.questions import Question, check_answer, shuffled

_APPLICATION = 0x696D7056
_FORMAT = 1
_SECONDS_TO_WAIT = 15
# 128 bits: nobody guesses one of these.
_TOKEN_BYTES = 16

_SCHEMA = """
CREATE TABLE survey (id TEXT NOT NULL, admin TEXT NOT NULL, joining TEXT, settings TEXT NOT NULL) STRICT;
CREATE TABLE picture (id TEXT PRIMARY KEY, data BLOB NOT NULL) STRICT;
CREATE TABLE pair (number INTEGER PRIMARY KEY, name TEXT NOT NULL, content TEXT NOT NULL REFERENCES picture,
  style TEXT NOT NULL REFERENCES picture) STRICT;
CREATE TABLE result (pair INTEGER NOT NULL REFERENCES pair, method INTEGER NOT NULL,
  picture TEXT NOT NULL REFERENCES picture, PRIMARY KEY (pair, method)) STRICT;
CREATE TABLE question (number INTEGER PRIMARY KEY, kind TEXT NOT NULL, pair INTEGER NOT NULL REFERENCES pair,
  methods TEXT NOT NULL) STRICT;
CREATE TABLE participant (number INTEGER PRIMARY KEY, link TEXT NOT NULL UNIQUE) STRICT;
CREATE TABLE task (participant INTEGER NOT NULL REFERENCES participant, position INTEGER NOT NULL,
  question INTEGER NOT NULL REFERENCES question, shown TEXT NOT NULL, PRIMARY KEY (participant, position),
  UNIQUE (participant, question)) STRICT;
CREATE TABLE answer (participant INTEGER NOT NULL, position INTEGER NOT NULL, value TEXT NOT NULL,
  PRIMARY KEY (participant, position), FOREIGN KEY (participant, position) REFERENCES task) STRICT;
"""


@dataclass(frozen=True, kw_only=True)
class SurveySettings:
    """What a survey is about. places: how many people may take part. open: whether they let themselves in."""

    title: str
    introduction: str
    question: str
    comparison: str
    lowest: str
    highest: str
    kinds: tuple[str, ...]
    methods: tuple[str, ...]
    places: int
    open: bool


@dataclass(frozen=True)
class PairPictures:
    """The encoded pictures of one pair. results: one for each method."""

    name: str
    content: bytes
    style: bytes
    results: tuple[bytes, ...]


@dataclass(frozen=True)
class SurveyKeys:
    """What lets people in; only hashes of it are stored. joining: of the one link that all share, of an open survey."""

    survey: str
    admin: str
    links: tuple[str, ...]
    joining: str | None


@dataclass(frozen=True)
class AskedQuestion:
    """One question as one person meets it. shown: picture ids in the order of the page. answer: None if not yet."""

    kind: str
    content: str
    style: str
    shown: tuple[str, ...]
    answer: Any


@dataclass(frozen=True)
class Answer:
    """One answer with all that was recorded. shown: numbers of methods in the order of the page."""

    participant: int
    position: int
    question: Question
    shown: tuple[int, ...]
    value: Any

    @property
    def best_first(self) -> tuple[int, ...]:
        """The methods of a comparison in their order: the page's letters are not the methods' numbers."""
        order = (self.value, 1 - self.value) if self.question.kind == "ab" else self.value
        return tuple(self.shown[index] for index in order)


class Store:
    """A survey's file. Any number of threads and processes may use it at once.

    Raises DataError if there is no such file, or if it is no survey.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        if not path.is_file():
            raise DataError(f"{path}: there is no such file")
        marks = self._rows("SELECT application_id, user_version FROM pragma_application_id, pragma_user_version")
        if marks != [(_APPLICATION, _FORMAT)]:
            raise DataError(f"{path}: is no survey of this version of impasto")
        ((self.id, self._admin, self._joining, settings),) = self._rows("SELECT * FROM survey")
        self.pairs: tuple[str, ...] = tuple(name for (name,) in self._rows("SELECT name FROM pair ORDER BY number"))
        # What everybody is asked, in no person's order.
        self.questions = [
            Question(kind, pair, tuple(json.loads(methods)))
            for kind, pair, methods in self._rows("SELECT kind, pair, methods FROM question ORDER BY number")
        ]
        values = json.loads(settings)
        lists = {name: tuple(values[name]) for name in ("kinds", "methods")}
        self.settings = SurveySettings(**{**values, **lists})

    def is_admin(self, token: str) -> bool:
        return hmac.compare_digest(_hash(token), self._admin)

    def is_joining(self, token: str) -> bool:
        """Whether the token is that of the link which all share."""
        return self._joining is not None and hmac.compare_digest(_hash(token), self._joining)

    def participant(self, link: str) -> int | None:
        rows = self._rows("SELECT number FROM participant WHERE link = ?", _hash(link))
        return int(rows[0][0]) if rows else None

    def join(self) -> str | None:
        """A link for one more person; None if all places are taken."""
        link = secrets.token_urlsafe(_TOKEN_BYTES)
        with self._database(writes=True) as db:
            (taken,) = db.execute("SELECT COUNT(*) FROM participant").fetchone()
            if taken >= self.settings.places:
                return None
            _admit(db, taken + 1, link, self.questions)
        return link

    def tasks(self, participant: int) -> list[AskedQuestion]:
        """What this person is asked, in the order drawn for them, with the answers so far."""
        results = {(pair, method): picture for pair, method, picture in self._rows("SELECT * FROM result")}
        rows = self._rows(
            "SELECT kind, content, style, pair, shown, value FROM task JOIN question ON question.number = question"
            " JOIN pair ON pair.number = pair LEFT JOIN answer USING (participant, position)"
            " WHERE participant = ? ORDER BY position",
            participant,
        )
        return [
            AskedQuestion(
                kind, content, style, tuple(results[pair, method] for method in json.loads(shown)),
                None if value is None else json.loads(value),
            )
            for kind, content, style, pair, shown, value in rows
        ]  # fmt: skip

    def put(self, participant: int, position: int, value: Any) -> Any:
        """Store an answer, which is on the disk when this returns. An earlier one stays, and is returned.

        Raises LookupError if there is no such question, AnswerError if it is no answer to it.
        """
        with self._database(writes=True) as db:
            row = db.execute(
                "SELECT kind, shown FROM task JOIN question ON question.number = question"
                " WHERE participant = ? AND position = ?",
                (participant, position),
            ).fetchone()
            if row is None:
                raise LookupError(position)
            check_answer(row[0], len(json.loads(row[1])), value)
            db.execute("INSERT OR IGNORE INTO answer VALUES (?, ?, ?)", (participant, position, json.dumps(value)))
            (stored,) = db.execute(
                "SELECT value FROM answer WHERE participant = ? AND position = ?", (participant, position)
            ).fetchone()
        return json.loads(stored)

    def picture(self, picture: str) -> bytes | None:
        rows = self._rows("SELECT data FROM picture WHERE id = ?", picture)
        return bytes(rows[0][0]) if rows else None

    def pictures(self) -> list[PairPictures]:
        data = dict(self._rows("SELECT id, data FROM picture"))
        results: dict[int, list[bytes]] = {}
        for pair, picture in self._rows("SELECT pair, picture FROM result ORDER BY pair, method"):
            results.setdefault(pair, []).append(data[picture])
        pairs = self._rows("SELECT number, name, content, style FROM pair ORDER BY number")
        return [PairPictures(name, data[c], data[s], tuple(results[number])) for number, name, c, s in pairs]

    def answers(self) -> list[Answer]:
        """Everything that was answered, by person and position."""
        rows = self._rows(
            "SELECT participant, position, question, shown, value FROM answer"
            " JOIN task USING (participant, position) ORDER BY participant, position"
        )
        return [
            Answer(person, position, self.questions[question], tuple(json.loads(shown)), json.loads(value))
            for person, position, question, shown, value in rows
        ]

    @property
    def people(self) -> int:
        """How many have a link."""
        return len(self._rows("SELECT number FROM participant"))

    def _rows(self, statement: str, *values: Any) -> list[tuple[Any, ...]]:
        with self._database() as db:
            return db.execute(statement, values).fetchall()

    @contextmanager
    def _database(self, *, writes: bool = False) -> Iterator[sqlite3.Connection]:
        """A connection of its own; writes: in one transaction, which is on the disk afterwards or never was."""
        try:
            with _connected(f"{self.path.resolve().as_uri()}?mode=rw") as db, db:
                if writes:
                    db.execute("BEGIN IMMEDIATE")
                yield db
        except sqlite3.Error as error:
            raise DataError(f"{self.path}: cannot be used as a survey: {error}") from error


def create(
    path: Path, settings: SurveySettings, pairs: Sequence[PairPictures], questions: Sequence[Question]
) -> SurveyKeys:
    """Write a new survey. The keys are stored as hashes alone: what is returned here cannot be had again.

    Raises DataError if the path exists or cannot be written.
    """
    if path.exists():
        raise DataError(f"{path}: exists already, perhaps with answers in it; choose another name")
    links = [secrets.token_urlsafe(_TOKEN_BYTES) for _ in range(0 if settings.open else settings.places)]
    admin, joining = (secrets.token_urlsafe(_TOKEN_BYTES) for _ in range(2))
    keys = SurveyKeys(secrets.token_urlsafe(6), admin, tuple(links), joining if settings.open else None)
    try:
        with replacing(path) as part:
            try:
                with _connected(part.resolve().as_uri()) as db, db:
                    _fill(db, keys, settings, pairs, questions)
            finally:
                for end in ("-wal", "-shm"):
                    part.with_name(part.name + end).unlink(missing_ok=True)
    except (sqlite3.Error, OSError) as error:
        raise DataError(f"{path}: the survey cannot be written: {error}") from error
    return keys


def _fill(
    db: sqlite3.Connection,
    keys: SurveyKeys,
    settings: SurveySettings,
    pairs: Sequence[PairPictures],
    questions: Sequence[Question],
) -> None:
    # The file remembers that it is in WAL mode; whoever opens it need not say so, and changes no file of others.
    db.execute("PRAGMA journal_mode = WAL")
    db.executescript(f"PRAGMA application_id = {_APPLICATION}; PRAGMA user_version = {_FORMAT}; {_SCHEMA}")
    db.execute("BEGIN")
    joining = None if keys.joining is None else _hash(keys.joining)
    row = (keys.survey, _hash(keys.admin), joining, json.dumps(asdict(settings)))
    db.execute("INSERT INTO survey VALUES (?, ?, ?, ?)", row)
    # An id says nothing about the method, so that looking at the page's addresses keeps a comparison blind.
    ids = {data: secrets.token_urlsafe(9) for pair in pairs for data in (pair.content, pair.style, *pair.results)}
    db.executemany("INSERT INTO picture VALUES (?, ?)", [(picture, data) for data, picture in ids.items()])
    for number, pair in enumerate(pairs):
        db.execute("INSERT INTO pair VALUES (?, ?, ?, ?)", (number, pair.name, ids[pair.content], ids[pair.style]))
        results = [(number, method, ids[data]) for method, data in enumerate(pair.results)]
        db.executemany("INSERT INTO result VALUES (?, ?, ?)", results)
    db.executemany(
        "INSERT INTO question VALUES (?, ?, ?, ?)",
        [(number, q.kind, q.pair, json.dumps(q.methods)) for number, q in enumerate(questions)],
    )
    # In another order than that in which the links are handed out, so that a number in a report names nobody.
    for number, link in enumerate(secrets.SystemRandom().sample(keys.links, len(keys.links)), 1):
        _admit(db, number, link, questions)


def _admit(db: sqlite3.Connection, number: int, link: str, questions: Sequence[Question]) -> None:
    db.execute("INSERT INTO participant VALUES (?, ?)", (number, _hash(link)))
    course = shuffled(questions, secrets.SystemRandom())
    db.executemany(
        "INSERT INTO task VALUES (?, ?, ?, ?)",
        [(number, position, question, json.dumps(shown)) for position, (question, shown) in enumerate(course)],
    )


@contextmanager
def _connected(address: str) -> Iterator[sqlite3.Connection]:
    db = sqlite3.connect(address, timeout=_SECONDS_TO_WAIT, isolation_level=None, uri=True)
    try:
        # In WAL mode, an answer survives a killed server with NORMAL already, and a power cut only with FULL.
        db.execute("PRAGMA synchronous = FULL")
        db.execute("PRAGMA foreign_keys = ON")
        yield db
    finally:
        db.close()


def _hash(token: str) -> str:
    # A token is as long and random as the hash needs it to be; a slow hash is for passwords that people choose.
    return hashlib.sha256(token.encode()).hexdigest()
