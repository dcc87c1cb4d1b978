from impasto.data.layout import find_layout


def test_training_folders_are_needed_and_test_folders_are_taken(tmp_path):
    assert find_layout(tmp_path / "none") == {}
    (tmp_path / "trainA").mkdir()
    assert find_layout(tmp_path) == {}
    (tmp_path / "trainB").write_text("no folder")
    assert find_layout(tmp_path) == {}
    (tmp_path / "trainB").unlink()
    (tmp_path / "trainB").mkdir()
    assert find_layout(tmp_path) == {"A": [tmp_path / "trainA"], "B": [tmp_path / "trainB"]}
    (tmp_path / "testB").mkdir()
    assert find_layout(tmp_path)["testB"] == [tmp_path / "testB"]
    assert "testA" not in find_layout(tmp_path)
