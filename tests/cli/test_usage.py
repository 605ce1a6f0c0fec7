"""What can be typed, and what is answered to what cannot."""

from __future__ import annotations

import subprocess
from importlib.metadata import version
from pathlib import Path

import pytest
from helpers.command_line import PlayedEngine, Tlgui, command, strict_json, type_in
from helpers.pictures import write_dataset

from tlgui import __version__
from tlgui.core import events
from tlgui.core.errors import UserError

COMMANDS = ("check", "train", "continue", "layers", "rate", "evaluate", "predict", "export", "demo", "engine")


def test_without_arguments_it_shows_the_help_and_the_next_sensible_command(refused: Tlgui) -> None:
    said = refused()
    assert (said.code, said.err) == (0, "")
    assert said.out == refused("--help").out
    assert "The next sensible command:\n  tlgui                      open the window\n  tlgui demo" in said.out
    assert all(f"\n    {name} " in said.out for name in COMMANDS)
    assert "not for diagnosis" in said.out


@pytest.mark.parametrize("name", COMMANDS[:-1])
def test_each_command_explains_itself(refused: Tlgui, name: str) -> None:
    said = refused(name, "--help")
    assert (said.code, said.err) == (0, "")
    assert said.out.startswith(f"usage: tlgui {name}")


@pytest.mark.parametrize(
    ("typed", "complaint"),
    [
        (["dance"], "invalid choice: 'dance'"),
        (["check"], "the following arguments are required: DATA"),
        (["train", "x", "--epochs", "0"], "argument --epochs: must be at least 1"),
        (["train", "x", "--seed", "-1"], "argument --seed: must be at least 0"),
        (["train", "x", "--seed", "4294967296"], "argument --seed: must be less than 4,294,967,296"),
        (["train", "x", "--batch-size", "many"], "argument --batch-size: must be a whole number"),
        (["train", "x", "--batch-size", "0"], "argument --batch-size: must be at least 1"),
        (["train", "x", "--size", "15"], "argument --size: must be at least 16"),
        (["train", "x", "--size", "2049"], "argument --size: must be less than 2,049"),
        (["train", "x", "--label-smoothing", "1"], "argument --label-smoothing: must be at least 0 and below 1"),
        (["train", "x", "--ema", "nan"], "argument --ema: must be at least 0 and below 1"),
        (["train", "x", "--mixup", "-0.1"], "argument --mixup: must be at least 0"),
        (["train", "x", "--head-learning-rate", "0"], "argument --head-learning-rate: must be above 0"),
        (["train", "x", "--cutmix", "much"], "argument --cutmix: must be a number"),
        (["train", "x", "--unfreeze-at", "6,3"], "argument --unfreeze-at: give epochs in their order, such as 3,6,9"),
        (["train", "x", "--imbalance", "ignore"], "choose from"),
        (["train", "x", "--similarity", "rather"], "choose from"),
        (["layers"], "the following arguments are required: DATA"),
        (["rate", "x", "--epochs", "0"], "argument --epochs: must be at least 1"),
        (["continue", "x", "--more-epochs", "0"], "must be at least 1"),
        (["predict", "x"], "the following arguments are required: PATH"),
        (["export", "x"], "the following arguments are required: --format"),
        (["export", "x", "--format", "pickle"], "invalid choice: 'pickle'"),
    ],
)
def test_wrong_usage_is_code_2_with_the_reason_on_standard_error(
    refused: Tlgui, typed: list[str], complaint: str
) -> None:
    said = refused(*typed)
    assert (said.code, said.out) == (2, "")
    assert complaint in said.err
    assert "_positive" not in said.err


def test_version_names_the_libraries_and_the_device(tlgui: Tlgui) -> None:
    said = tlgui("--version")
    assert (said.code, said.err) == (0, "")
    lines = dict(line.split(maxsplit=1) for line in said.out.splitlines())
    assert lines["tlgui"] == __version__
    assert lines["torch"] == version("torch")
    assert lines["Qt"] == version("PySide6-Essentials")
    assert lines["device"]


def test_version_where_torch_is_missing(refused: Tlgui, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tlgui.cli.versions.util.find_spec", lambda name: None)
    said = refused("--version")
    assert said.code == 0
    assert "torch is not installed: run 'python3 packaging/run.py' again" in said.out


def test_version_where_the_engine_cannot_start(refused: Tlgui, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(engine: PlayedEngine) -> None:
        raise UserError("The engine could not start (exit code 1).", "Repair it.")

    monkeypatch.setattr(PlayedEngine, "wait_until_ready", fail)
    said = refused("--version")
    assert said.code == 0
    assert "unknown: The engine could not start (exit code 1). Repair it." in said.out


def test_names_come_through_whatever_the_terminal_speaks(tmp_path: Path) -> None:
    data = write_dataset(tmp_path / "d", {"kätze": 10, "hund 😀": 10}, 24)
    said = type_in("check", data, "--json", env={"PYTHONIOENCODING": "ascii"})
    assert said.json["classes"] == {"hund 😀": 10, "kätze": 10}
    said = type_in("check", data, env={"PYTHONIOENCODING": "ascii"})
    assert "k\\xe4tze " in said.out


def test_an_output_that_takes_nothing_is_said_without_a_traceback(tmp_path: Path) -> None:
    data = write_dataset(tmp_path / "d", {"a": 10, "b": 10}, 24)
    for shell, code, sentence in (
        ('"$@" --json > /dev/full', 1, "No space left on device"),
        ('"$@" > /dev/full', 1, "No space left on device"),
        ('"$@" --json >&-', 0, ""),
        ('"$@" --json 2>&-', 0, ""),
        ('"$@" | true; exit "${PIPESTATUS[0]}"', None, ""),
    ):
        done = subprocess.run(
            ["bash", "-c", shell, "bash", *command("check", data)],
            check=False,
            capture_output=True,
            text=True,
            timeout=60,
        )
        assert code in (None, done.returncode), shell
        assert sentence in done.stderr, shell
        assert done.stderr == "" or (sentence and done.stderr.count("\n") == 1), done.stderr


def test_a_stopped_prediction_does_not_speak_of_epochs(played: PlayedEngine, refused: Tlgui, trained: Path) -> None:
    played.answers = (events.Stopped(run="r"),)
    for typed in (("predict", trained, trained), ("evaluate", trained, trained)):
        said = refused(*typed, "--json")
        assert (said.code, said.out) == (130, "")
        assert said.err == "Stopped as you asked; nothing was written.\n"


def test_an_engine_that_makes_a_mistake_shows_its_details(played: PlayedEngine, refused: Tlgui, trained: Path) -> None:
    failed = events.Failed(problem="Something in the program broke.", remedy="Tell.", details="line 3", is_fault=True)
    played.answers = (failed,)
    said = refused("predict", trained, trained, "--json")
    assert (said.code, said.out) == (1, "")
    assert said.err == "Something in the program broke. Tell.\nline 3\n"


def test_what_a_person_can_put_right_comes_without_details(played: PlayedEngine, refused: Tlgui, trained: Path) -> None:
    played.answers = (events.Failed(problem="There is a mistake in 'a'.", remedy="Mend it.", details="line 3"),)
    assert refused("predict", trained, trained, "--json").err == "There is a mistake in 'a'. Mend it.\n"


def test_json_reading_here_is_strict() -> None:
    with pytest.raises(AssertionError):
        strict_json('{"x": NaN}')
