"""Tables: what each form escapes, how numbers are written, and rows that lack a column."""

import csv

import pytest

from impasto.report.tables import plain, to_csv, to_latex, to_markdown

ROWS = [{"name": "a|b", "value": 0.123456}, {"name": "50 % of_it & #", "value": 3, "more": "1 ± 2"}]


def test_csv_has_every_digit_and_every_column():
    rows = list(csv.reader(to_csv(ROWS).splitlines()))
    assert rows == [["name", "value", "more"], ["a|b", "0.123456", ""], ["50 % of_it & #", "3", "1 ± 2"]]
    assert to_csv([], ("a", "b")) == "a,b\n"


@pytest.mark.parametrize(
    ("cell", "written"),
    [("=1+1", "'=1+1"), ("@sum", "'@sum"), ("-cmd", "'-cmd"), ("-2+3", "'-2+3"), ("-0.5 ± 0.1", "-0.5 ± 0.1"),
     ("+1e-05", "+1e-05"), (-0.5, "-0.5"), ("–", "–")],
)  # fmt: skip
def test_a_spreadsheet_computes_nothing(cell, written):
    assert to_csv([{"cell": cell}]) == f"cell\n{written}\n"


def test_markdown_and_latex_escape_what_they_must():
    assert to_markdown(ROWS, right=["value"]).splitlines() == [
        "| name | value | more |", "| --- | ---: | --- |", "| a\\|b | 0.1235 |  |",
        "| 50 % of_it & # | 3 | 1 ± 2 |",
    ]  # fmt: skip
    lines = to_latex(ROWS, ("name", "more"), "lr").splitlines()
    assert (lines[0], lines[1], lines[-1]) == ("\\begin{tabular}{lr}", "\\toprule", "\\end{tabular}")
    assert lines[5] == "50 \\% of\\_it \\& \\# & 1 $\\pm$ 2 \\\\"
    assert "rule" not in to_latex(ROWS, ("name",), "l", rules=False)


@pytest.mark.parametrize(("value", "digits", "text"), [(1234.5, 3, "1,230"), (0.01234, 3, "0.0123"), (57.2, 2, "57")])
def test_numbers_for_people_have_no_exponent(value, digits, text):
    assert plain(value, digits) == text
