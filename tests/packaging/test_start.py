import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest
from bootstrap_commands import Answer
from bootstrap_environment import Environment
from bootstrap_errors import SetupError
from bootstrap_fakes import FakeCommands
from bootstrap_start import Request, read_arguments, start


@pytest.mark.parametrize(
    ("arguments", "request_"),
    [
        ([], Request("start", ())),
        (["demo"], Request("start", ("demo",))),
        (["train", "DATA", "--epochs", "3"], Request("start", ("train", "DATA", "--epochs", "3"))),
        (["train", "--help"], Request("start", ("train", "--help"))),
        (["test", "-k", "stamp", "-x"], Request("test", ("-k", "stamp", "-x"))),
        (["--torch-index", "URL", "demo"], Request("start", ("demo",), "URL")),
        (["test", "--torch-index=URL", "-x"], Request("test", ("-x",), "URL")),
        (["--help"], Request("help", ())),
    ],
)
def test_the_command_line_is_understood(arguments: list[str], request_: Request) -> None:
    assert read_arguments(arguments) == request_


@pytest.mark.parametrize("arguments", [["--torch-index"], ["--torch-index", "--help"], ["--torch-index="]])
def test_an_index_without_its_url_is_said(arguments: list[str]) -> None:
    with pytest.raises(SetupError, match="without a URL"):
        read_arguments(arguments)


@pytest.mark.parametrize("arguments", [[], ["demo"], ["train", "Bilder Ä", "--json"]])
def test_the_program_starts_in_its_environment_with_the_arguments(
    checkout: Path, environment: Environment, commands: FakeCommands, arguments: list[str]
) -> None:
    assert start(arguments, checkout, commands) == 0

    assert commands.became == [[str(environment.python), "-P", "-m", "tlgui", *arguments]]


def test_no_module_of_the_working_folder_is_run(checkout: Path, commands: FakeCommands, tmp_path: Path) -> None:
    folder = tmp_path / "photos"
    folder.mkdir()
    for name in ("queue", "argparse", "msgspec"):
        (folder / f"{name}.py").write_text(f"open({str(tmp_path / 'marker')!r}, 'w').close()\nraise SystemExit(9)\n")
    start(["check", "no such folder"], checkout, commands)

    # Here and now it is the Python of these tests, which finds this checkout from any folder as .venv does.
    program = [sys.executable, *commands.became[0][1:]]
    done = subprocess.run(program, check=False, capture_output=True, text=True, timeout=60, cwd=folder)

    assert done.stderr.startswith("The folder 'no such folder' does not exist.")
    assert not (tmp_path / "marker").exists()


def test_a_second_start_asks_nothing_and_says_nothing(
    checkout: Path, commands: FakeCommands, capsys: pytest.CaptureFixture[str]
) -> None:
    start([], checkout, commands)
    commands.asked.clear()
    capsys.readouterr()

    assert start(["demo"], checkout, commands) == 0

    assert commands.asked == []
    assert capsys.readouterr() == ("", "")


def test_the_set_up_leaves_stdout_to_the_program(
    checkout: Path, commands: FakeCommands, capsys: pytest.CaptureFixture[str]
) -> None:
    start(["train", "DATA", "--json"], checkout, commands)

    said = capsys.readouterr()
    assert said.out == ""
    assert "Setting up tlgui" in said.err


def test_a_failure_is_one_sentence_and_exit_code_1(
    checkout: Path, commands: FakeCommands, capsys: pytest.CaptureFixture[str]
) -> None:
    commands.pip_fails["msgspec"] = Answer(1, ["NewConnectionError: Failed to establish a new connection"])

    assert start([], checkout, commands) == 1

    last = capsys.readouterr().err.splitlines()[-1]
    assert last.startswith("There is no network: pip cannot reach the package index. Connect to the network")
    assert commands.became == []


def test_ctrl_c_while_installing_says_that_nothing_is_lost(
    checkout: Path, commands: FakeCommands, capsys: pytest.CaptureFixture[str]
) -> None:
    commands.pip_fails["msgspec"] = KeyboardInterrupt()

    assert start([], checkout, commands) == 130

    assert capsys.readouterr().err.endswith("Stopped. The next start goes on where this one ended.\n")


def test_a_missing_library_of_qt_is_a_warning_and_the_program_starts(
    checkout: Path, commands: FakeCommands, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bootstrap_system.sys", SimpleNamespace(platform="linux"))
    commands.missing_libraries = ["libxcb-cursor.so.0"]

    assert start(["demo"], checkout, commands) == 0

    said = capsys.readouterr().err
    assert "apt install libxcb-cursor0; Fedora: sudo dnf install xcb-util-cursor." in said
    assert "The command line works without them." in said
    assert len(commands.became) == 1


def test_another_index_for_a_complete_environment_is_answered(
    checkout: Path, commands: FakeCommands, capsys: pytest.CaptureFixture[str]
) -> None:
    start([], checkout, commands)

    start(["--torch-index", "URL"], checkout, commands)

    assert "PyTorch is installed already; to take it from another index, delete .venv first." in capsys.readouterr().err
    assert len(commands.became) == 2
