"""Where pictures come from."""

import pytest

from impasto.errors import PictureError
from impasto.jobs.job import BytesSource, FileSource, PaintJob
from impasto.methods import StylizeOptions


def test_bytes_and_files_are_sources(tmp_path):
    with pytest.raises(PictureError, match=r"^content: it is not a picture"):
        BytesSource(b"text", "content").read(10)
    assert BytesSource(b"text", "content").key == BytesSource(b"text", "style 1").key
    (tmp_path / "a.png").write_bytes(b"text")
    with pytest.raises(PictureError, match=r"a\.png: it is not a picture"):
        FileSource(tmp_path / "a.png", "a").read(10)


def test_a_title_names_all_styles(tmp_path):
    content, one, other = (FileSource(tmp_path / name, name) for name in ("a.png", "b.png", "c.png"))
    assert PaintJob(content, (one, other), StylizeOptions()).title == "a.png in b.png + c.png"
    assert PaintJob(content, (), StylizeOptions()).title == "a.png"
