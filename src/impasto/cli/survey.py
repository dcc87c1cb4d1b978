"""`impasto survey`: asking people about results, and what they answered."""

import os
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from cyclopts import App, Parameter

from impasto.cli.flags import EVERY_PARAMETER, Flags, check_least, check_port, flag
from impasto.cli.terminal import Screen, write
from impasto.errors import DataError, OptionError, from_extra
from impasto.files import check_output, replace_file
from impasto.report.folder import check_files
from impasto.serving.hosts import named, url_of

if TYPE_CHECKING:
    from impasto.survey.store import SurveyKeys

app = App(name="survey", default_parameter=EVERY_PARAMETER, help_format="plaintext")

PAIRS = 10
"""As in paper 004."""

LOOPBACK = "127.0.0.1"
PORT = 8000


@dataclass(frozen=True, kw_only=True)
class SurveyPictures(Flags):
    """What people see."""

    ask: str = flag(
        "rate: each result on a scale from 1 to 10; ab: two methods side by side; rank: all methods in order; several,"
        " separated by commas, in this order",
        "rate",
    )
    pairs: int | None = flag(f"how many pairs, spread over all; {PAIRS}, or all if there are fewer", metavar="N")
    size: int = flag("longer side of the pictures, reduced where larger", 1024, metavar="PX")


@dataclass(frozen=True, kw_only=True)
class SurveyWording(Flags):
    """What people read."""

    title: str = flag("heading of the page", "Pictures in the style of others")
    introduction: str = flag(
        "text below it",
        "You will see a picture, a style, and the picture painted in that style. There is no right or wrong answer.",
    )
    question: str = flag("asked of each result", "How well was the style carried over?")
    comparison: str = flag("asked where results are compared", "In which result was the style carried over best?")
    lowest: str = flag("what 1 means", "not at all")
    highest: str = flag("what 10 means", "perfectly")


@dataclass(frozen=True, kw_only=True)
class SurveyPeople(Flags):
    """Who may take part."""

    participants: int = flag("how many people, each with a link of their own", 52, metavar="N")
    open: bool = flag("one link for all, which gives each who comes a link of their own, until N have one", False)
    url: str = flag("address under which they will reach the server, for the links", f"http://{LOOPBACK}:{PORT}")


@app.command
def create(
    file: Annotated[Path, Parameter(help="the survey's file, to be written; answers will be in it too")],
    /,
    *,
    content: Annotated[Path, Parameter(help="folder of contents")],
    style: Annotated[Path, Parameter(alias="-s", help="folder of styles")],
    result: Annotated[
        tuple[str, ...],
        Parameter(
            alias="-r",
            metavar="FOLDER",
            help="folder of results, called like their content and style or CONTENT-STYLE; METHOD=FOLDER for each of"
            " several methods",
        ),
    ],
    shown: SurveyPictures = SurveyPictures(),
    wording: SurveyWording = SurveyWording(),
    people: SurveyPeople = SurveyPeople(),
) -> None:
    """Make a survey of pairs and their results, and the links to hand out."""
    folders = _methods(result)
    check_least(1, pairs=shown.pairs)
    if not people.url.startswith(("http://", "https://")):
        raise OptionError(f"--url is '{people.url}', but must begin with http:// or https://")
    links = _links(file)
    from impasto.survey.create import create_survey, match, spread
    from impasto.survey.store import SurveySettings

    for path in (file, links):
        check_output(path)
    screen = Screen()
    pairs, left_out = match(content, style, folders)
    for path in left_out:
        screen.note(f"{path}: left out, as not every method has a result of its content and style")
    chosen = spread(pairs, PAIRS if shown.pairs is None else shown.pairs)
    if shown.pairs is not None and len(chosen) < shown.pairs:
        raise DataError(f"--pairs is {shown.pairs}, but there are results of {len(chosen)} pairs")
    kinds = tuple(part.strip() for part in shown.ask.split(",") if part.strip())
    settings = SurveySettings(
        **vars(wording), kinds=kinds, methods=tuple(folders), places=people.participants, open=people.open
    )
    with screen.counting("survey") as count:
        keys = create_survey(file, chosen, settings, size=shown.size, report=count)
    _hand_out(file, links, keys, people.url.rstrip("/"))


@app.command
def serve(
    files: Annotated[tuple[Path, ...], Parameter(metavar="FILE", help="surveys, served side by side")],
    /,
    *,
    host: Annotated[
        str, Parameter(help="address to listen on; this one is reached from this machine alone")
    ] = LOOPBACK,
    port: Annotated[int, Parameter(help="0 for any that is free")] = PORT,
    proxy: Annotated[str, Parameter(help="address of a web server before it, whose X-Forwarded-For is believed")] = "",
    allow_host: Annotated[
        tuple[str, ...],
        Parameter(
            metavar="NAME",
            help="the only names, but for localhost, by which the server may be called; any if none is given",
        ),
    ] = (),
) -> None:
    """Let people answer, until it is stopped; answers are in the survey's file at once."""
    if not files:
        raise OptionError("FILE is missing: which survey shall be served?")
    check_port(port)
    hosts = named(allow_host, "--allow-host") or None
    with from_extra("survey", "serving a survey"):
        from impasto.serving.server import listen
        from impasto.survey.server import serve as serve_surveys
    from impasto.survey.store import Store

    stores = [Store(path) for path in files]
    with listen(host, port) as listener:
        address = url_of(host, listener.getsockname()[1])
        screen = Screen()
        for store in stores:
            _name_port(_links(store.path), listener.getsockname()[1], screen)
            screen.note(f"{store.path}: {store.settings.title}; results at {address}/{store.id}/results")
        screen.result(address)
        try:
            serve_surveys(stores, listener, proxy=proxy, hosts=hosts)
        except KeyboardInterrupt:
            # The one way in which a server ends well.
            screen.note("stopped")


@app.command
def report(
    file: Annotated[Path, Parameter(help="the survey's file; it may be served at the same time")],
    /,
    *,
    output: Annotated[
        Path | None, Parameter(alias="-o", help="folder for the report; FILE-report if not given")
    ] = None,
    resamples: Annotated[int, Parameter(metavar="N", help="how often people are drawn for the intervals")] = 10_000,
    seed: Annotated[int, Parameter(help="of drawing them")] = 0,
    overwrite: Annotated[bool, Parameter(help="replace an older report")] = False,
) -> None:
    """Write what people answered as a page, a picture and tables, and print the finding."""
    if not 100 <= resamples <= 1_000_000:
        raise OptionError(f"--resamples is {resamples}, but must be from 100 to 1,000,000")
    check_least(0, seed=seed)
    from impasto.survey.report import make_report
    from impasto.survey.report_files import FILES, write_report
    from impasto.survey.statistics import Bootstrap
    from impasto.survey.store import Store

    store = Store(file)
    folder = output or file.with_name(f"{file.stem}-report")
    check_files(folder, FILES, overwrite=overwrite, inputs=[file])
    summary = make_report(store, Bootstrap(seed=seed, resamples=resamples))
    write_report(summary, store, folder)
    screen = Screen()
    for rated in summary.rated:
        screen.note(f"{rated.method}: {rated.finding}")
        screen.note(f"  {rated.spread(summary.bootstrap.level)}" if rated.overall else "")
    for preferred in summary.preferred:
        scores = sorted(zip(preferred.scores, summary.settings.methods, strict=True), reverse=True)
        screen.note(f"{preferred.kind}: {', '.join(f'{name} {score:+.2f}' for score, name in scores)}")
        screen.note(f"  {preferred.finding}")
    screen.result(str(folder / "report.html"))


def _links(survey: Path) -> Path:
    return survey.with_name(f"{survey.name}.links.txt")


def _name_port(links: Path, port: int, screen: Screen) -> None:
    """Let links to this machine itself, which were made before anybody knew the port, name the right one."""
    try:
        before = links.read_text(encoding="utf-8")
        after = re.sub(rf"^http://{re.escape(LOOPBACK)}:\d+/", f"http://{LOOPBACK}:{port}/", before, flags=re.MULTILINE)
        if after != before:
            replace_file(links, after)
            links.chmod(0o600)
            screen.note(f"{links}: the links in it name the port {port} now")
    except (OSError, UnicodeError):
        screen.note(f"{links}: is not there, or not to be read, so that nobody knows which port its links name")


def _methods(results: Sequence[str]) -> dict[str, Path]:
    """{method: folder}. Raises OptionError for names that are missing or come twice."""
    if len(results) == 1 and "=" not in results[0]:
        return {"result": Path(results[0])}
    folders: dict[str, Path] = {}
    for item in results:
        method, equals, folder = item.partition("=")
        if not equals or not method or not folder:
            raise OptionError(f"--result is '{item}', but of several methods each needs a name: METHOD=FOLDER")
        if method in folders:
            raise OptionError(f"--result names the method {method} twice")
        folders[method] = Path(folder)
    return folders


def _hand_out(file: Path, links: Path, keys: "SurveyKeys", url: str) -> None:
    """The links into a file, the admin's key on the screen: neither is stored anywhere else."""
    base = f"{url}/{keys.survey}"
    lines = [f"{base}/join/{keys.joining}"] if keys.joining else [f"{base}/p/{link}" for link in keys.links]
    try:
        # Only for its owner: whoever has a link may answer.
        with os.fdopen(os.open(links, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as out:
            out.writelines(f"{line}\n" for line in lines)
    except OSError as error:
        file.unlink()
        raise DataError(f"{links}: cannot be written: {error.strerror}") from error
    write(str(file))
    write(f"{'the link for everybody' if keys.joining else f'{len(lines)} links, one for each person'}: {links}")
    write(f"results, while it is served: {base}/results")
    write(f"admin's key, the password there (it is shown only now): {keys.admin}")
