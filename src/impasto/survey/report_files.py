"""A report in a folder."""

from pathlib import Path

from impasto.errors import DataError
from impasto.record import replace_file
from impasto.survey.report import Report
from impasto.survey.report_figure import draw
from impasto.survey.report_page import page
from impasto.survey.report_tables import answers_csv, pictures_csv, preferences_csv, report_json
from impasto.survey.store import Store


def write_report(report: Report, store: Store, folder: Path, *, overwrite: bool = False) -> None:
    """Write report.html, report.json, answers.csv, and what there is of pictures.csv, preferences.csv and report.png.

    Raises DataError if the folder cannot be written, or holds a report already and overwrite is not set.
    """
    target = folder / "report.html"
    if target.exists() and not overwrite:
        raise DataError(f"{target}: exists already; --overwrite replaces it")
    texts = {"report.json": report_json(report), "answers.csv": answers_csv(store)}
    if report.rated:
        texts["pictures.csv"] = pictures_csv(report)
    if report.preferred:
        texts["preferences.csv"] = preferences_csv(report)
    files = {name: text.encode() for name, text in texts.items()}
    figure = draw(report)
    if figure is not None:
        files["report.png"] = figure
    # The page is the last, so that where it lies the rest lies too.
    files["report.html"] = page(report, store).encode()
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name, data in files.items():
            replace_file(folder / name, data)
    except OSError as error:
        raise DataError(f"{folder}: the report cannot be written: {error.strerror}") from error
