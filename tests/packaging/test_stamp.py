import os
from pathlib import Path
from types import SimpleNamespace

import pytest
from bootstrap_environment import Environment
from bootstrap_fakes import FakeCommands, make_environment
from bootstrap_stamp import Stamp, read_stamp, remove_stamp, wanted_stamp, what_is_missing, write_stamp

WANTED = Stamp("abc", "3.11", "/here", ())
TESTS = WANTED._replace(groups=("test",))


@pytest.mark.parametrize(
    ("found", "wanted", "project", "groups", "reason"),
    [
        (None, WANTED, True, (), ""),
        (None, TESTS, True, ("test",), ""),
        (WANTED, WANTED, False, (), ""),
        (WANTED, TESTS, False, ("test",), ""),
        (TESTS, TESTS, False, (), ""),
        (TESTS, WANTED, False, (), ""),
        (WANTED._replace(pyproject="old"), WANTED, True, (), "pyproject.toml has changed"),
        (TESTS._replace(pyproject="old"), WANTED, True, ("test",), "pyproject.toml has changed"),
        (WANTED._replace(python="3.12"), WANTED, True, (), "made for Python 3.12, this is 3.11"),
        (WANTED._replace(checkout="/there"), WANTED, True, (), "has moved"),
    ],
)
def test_what_a_stamp_leaves_to_be_done(
    found: Stamp | None, wanted: Stamp, project: bool, groups: tuple[str, ...], reason: str
) -> None:
    missing = what_is_missing(found, wanted)

    assert (missing.project, missing.groups) == (project, groups)
    assert reason in missing.reason
    assert bool(missing) == (project or bool(groups))


def test_a_stamp_reads_back_as_written(tmp_path: Path) -> None:
    stamp = wanted_stamp(b"content", "3.11", tmp_path / "Bläue", ("test",))

    write_stamp(tmp_path, stamp)

    assert read_stamp(tmp_path) == stamp
    assert [path.name for path in tmp_path.iterdir()] == ["install-stamp.json"]
    remove_stamp(tmp_path)
    remove_stamp(tmp_path)
    assert read_stamp(tmp_path) is None


@pytest.mark.parametrize("content", ["", "{", "[]", '{"pyproject": "abc"}', '{"groups": 3}'])
def test_a_torn_stamp_counts_as_none(tmp_path: Path, content: str) -> None:
    (tmp_path / "install-stamp.json").write_text(content)

    assert read_stamp(tmp_path) is None


def test_a_stamp_that_cannot_be_written_leaves_nothing_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(_descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", fail)
    with pytest.raises(OSError, match="No space"):
        write_stamp(tmp_path, WANTED)

    assert not list(tmp_path.iterdir())


def test_a_start_under_another_python_keeps_an_environment_that_works(
    environment: Environment, commands: FakeCommands, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_environment(environment)
    pyproject = (environment.checkout / "pyproject.toml").read_bytes()
    write_stamp(environment.folder, wanted_stamp(pyproject, "3.11", environment.checkout, ()))
    monkeypatch.setattr("bootstrap_environment.sys", SimpleNamespace(version_info=(3, 13, 1, "final", 0)))

    assert not environment.missing(commands, ())[0]

    commands.answers = False
    assert environment.missing(commands, ())[0].project
