"""`impasto compare` as it is typed; what it makes is tested where it is made."""

import json

from impasto.comparison import runner


def test_a_damaged_content_and_a_failed_method_are_told_and_the_rest_is_done(impasto, folder, monkeypatch):
    (folder / "bad.png").write_bytes(b"nothing")

    def told(entry, device, pairs):
        for number, (_, _, target) in pairs.items():
            (folder / target).write_bytes((folder / "photo.png").read_bytes())
            yield number, {"seconds": 2.5, "peak_bytes": 2**28, "before_bytes": 2**27}

    monkeypatch.setattr(runner, "_messages", told)
    done = impasto(
        "compare", "photo.png", "bad.png", "--style", "style.png", "--methods", "adain", "--size", "16", "-o", "out"
    )
    assert done.code == 1
    assert "bad.png" in done.err
    assert [line.rpartition("/")[2].split(":")[0] for line in done.out.splitlines()] == ["sheet.png", "index.html"]
    (cell,) = json.loads((folder / "out" / "compare.json").read_text())["cells"]
    assert (cell["seconds"], cell["peak_bytes"]) == (2.5, 2**28)
    assert "256 MiB (+128)" in (folder / "out" / "index.html").read_text()


def test_paper_tables_are_a_study(impasto, folder):
    done = impasto("study", "paper-tables", "-o", "tables")
    assert (done.code, (folder / "tables" / "tables.md").exists()) == (0, True)
