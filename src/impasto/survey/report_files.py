"""A report in a folder."""

from pathlib import Path

from impasto.report.folder import write_files
from impasto.survey.report import Report
from impasto.survey.report_figure import draw
from impasto.survey.report_page import page
from impasto.survey.report_tables import answers_csv, pictures_csv, preferences_csv, report_json
from impasto.survey.store import Store

FILES = ("report.json", "answers.csv", "pictures.csv", "preferences.csv", "report.png", "report.html")


def write_report(report: Report, store: Store, folder: Path) -> None:
    """Write those of FILES that there is something to say in. Raises PictureError if it cannot be."""
    files: dict[str, str | bytes] = {"report.json": report_json(report), "answers.csv": answers_csv(store)}
    if report.rated:
        files["pictures.csv"] = pictures_csv(report)
    if report.preferred:
        files["preferences.csv"] = preferences_csv(report)
    figure = draw(report)
    if figure is not None:
        files["report.png"] = figure
    # The page is the last, so that where it lies the rest lies too.
    write_files(folder, {**files, "report.html": page(report, store)})
