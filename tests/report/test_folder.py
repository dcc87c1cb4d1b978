"""A folder for results: an earlier outcome of one's own may be replaced, and nothing else."""

import json

import pytest

from impasto.errors import PictureError
from impasto.report.folder import check_files, claim, write_files

FILES = ("figure.png", "numbers.json")


def claimed(folder, **more):
    return claim(folder, FILES, "numbers.json", ("study", "mine"), "the study mine", **more)


def test_an_empty_folder_and_an_earlier_outcome_may_be_used(tmp_path):
    assert claimed(tmp_path / "new" / "one") == {}
    assert not (tmp_path / "new").exists(), "claiming leaves nothing"
    about = {"study": "mine", "size": 3}
    assert write_files(tmp_path / "new", {"numbers.json": json.dumps(about)}) == [tmp_path / "new" / "numbers.json"]
    assert claimed(tmp_path / "new") == claimed(tmp_path / "new", asked={"size": 3}) == about
    with pytest.raises(PictureError, match="holds the study mine of other pictures or settings"):
        claimed(tmp_path / "new", asked={"size": 4})
    with pytest.raises(PictureError, match="this is an input"):
        claimed(tmp_path / "new", inputs=[tmp_path / "new" / "numbers.json"])


@pytest.mark.parametrize(
    ("about", "said"),
    [(None, r"holds a figure\.png that is not of the study mine"), ("{}", "is not of the study mine"),
     ("[]", "cannot be used"), ("{", "cannot be used"), ('{"study": "other"}', "is not of the study mine")],
)  # fmt: skip
def test_what_is_of_somebody_else_stays(about, said, tmp_path):
    (tmp_path / "figure.png").write_text("mine")
    if about is not None:
        (tmp_path / "numbers.json").write_text(about)
    with pytest.raises(PictureError, match=said):
        claimed(tmp_path)
    assert (tmp_path / "figure.png").read_text() == "mine"


def test_what_cannot_be_written_is_named(tmp_path):
    (tmp_path / "file").touch()
    for writing in (lambda at: check_files(at, FILES), lambda at: write_files(at, {"figure.png": b""}), claimed):
        with pytest.raises(PictureError, match="file, not a folder"):
            writing(tmp_path / "file" / "under")
    (tmp_path / "figure.png").mkdir()
    with pytest.raises(PictureError, match=r"figure\.png: cannot be written"):
        write_files(tmp_path, {"figure.png": b""})
