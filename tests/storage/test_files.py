import os
from pathlib import Path

import pytest

from tasks.storage.files import file_sha256, is_intact, replace, temporary_path, whole_file

SHA256_OF_ABC = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"


def files_below(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


def test_a_file_takes_its_name_when_all_is_written(tmp_path):
    path = tmp_path / "new" / "some.txt"
    with whole_file(path) as file:
        file.write(b"abc")
        assert not path.exists()
    assert path.read_bytes() == b"abc"
    assert files_below(tmp_path) == ["new/some.txt"]


def test_what_fails_leaves_the_old_file(tmp_path):
    path = tmp_path / "some.txt"
    path.write_bytes(b"old")
    with pytest.raises(TypeError, match="NoneType"), whole_file(path) as file:
        file.writelines([b"new", None])
    assert path.read_bytes() == b"old"
    assert files_below(tmp_path) == ["some.txt"]


def test_a_folder_that_cannot_be_made_is_named(tmp_path):
    (tmp_path / "file").write_bytes(b"")
    file = whole_file(tmp_path / "file" / "some.txt")
    with pytest.raises(FileExistsError, match=f"'{tmp_path}/file'"), file:
        pass


def test_a_folder_is_flushed_and_shown_as_a_whole(tmp_path, monkeypatch):
    flushed = []
    monkeypatch.setattr(os, "fsync", lambda file: flushed.append(Path(f"/dev/fd/{file}").resolve()))
    with temporary_path(tmp_path / "report", tmp_path / "tmp") as temporary:
        (temporary / "pages").mkdir(parents=True)
        (temporary / "pages" / "a.html").write_text("a")
        (temporary / "b.json").write_text("b")
        replace(temporary, tmp_path / "reports" / "report")
    assert sorted(path.relative_to(temporary).as_posix() for path in flushed) == [
        "b.json",
        "pages/a.html",
    ]
    assert files_below(tmp_path) == ["reports/report/b.json", "reports/report/pages/a.html"]


def test_what_fails_leaves_no_folder(tmp_path):
    def write_half(temporary: Path) -> None:
        temporary.mkdir()
        (temporary / "a.html").write_text("a")
        raise ValueError("bad")

    folder = temporary_path(tmp_path / "report", tmp_path / "tmp")
    with pytest.raises(ValueError, match="bad"), folder as temporary:
        write_half(temporary)
    assert files_below(tmp_path) == []


def test_a_link_that_is_not_wanted_leaves_what_it_points_at(tmp_path):
    (tmp_path / "kept").mkdir()
    with temporary_path(tmp_path / "latest", tmp_path) as temporary:
        temporary.symlink_to("kept")
    assert [path.name for path in tmp_path.iterdir()] == ["kept"]


def test_a_file_is_intact_if_it_has_its_digest(tmp_path):
    path = tmp_path / "some"
    assert not is_intact(path, SHA256_OF_ABC)
    path.write_bytes(b"abc")
    assert file_sha256(path) == SHA256_OF_ABC
    assert is_intact(path, SHA256_OF_ABC)
    path.write_bytes(b"abcd")
    assert not is_intact(path, SHA256_OF_ABC)
