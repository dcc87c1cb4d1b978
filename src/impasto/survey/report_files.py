"""A report in a folder."""

from pathlib import Path

from impasto.errors import DataError
from impasto.files import check_output, make_folder, replace_file
from impasto.survey.report import Report
from impasto.survey.report_figure import draw
from impasto.survey.report_page import page
from impasto.survey.report_tables import answers_csv, pictures_csv, preferences_csv, report_json
from impasto.survey.store import Store

FILES = ("report.json", "answers.csv", "pictures.csv", "preferences.csv", "report.png", "report.html")


def check_report(folder: Path, *, overwrite: bool, survey: Path) -> None:
    """Raises PictureError, before all work, if `write_report` could not write into the folder. Leaves nothing.

    overwrite: whether an older report may be replaced; the survey's own file never is.
    """
    for name in FILES:
        check_output(folder / name, overwrite=overwrite, sources=[survey], makes_folder=True)


def write_report(report: Report, store: Store, folder: Path) -> None:
    """Write those of FILES that there is something to say in. Raises PictureError or DataError if it cannot be."""
    texts = {"report.json": report_json(report), "answers.csv": answers_csv(store)}
    if report.rated:
        texts["pictures.csv"] = pictures_csv(report)
    if report.preferred:
        texts["preferences.csv"] = preferences_csv(report)
    files: dict[str, str | bytes] = {**texts}
    figure = draw(report)
    if figure is not None:
        files["report.png"] = figure
    # The page is the last, so that where it lies the rest lies too.
    files["report.html"] = page(report, store)
    make_folder(folder)
    try:
        for name, data in files.items():
            replace_file(folder / name, data)
    except OSError as error:
        raise DataError(f"{folder}: the report cannot be written: {error.strerror}") from error
