from pathlib import Path

import pytest
from bootstrap_environment import Environment
from bootstrap_fakes import FakeCommands
from bootstrap_gate import CHECKS, run_gate
from bootstrap_start import start


class Said(list[str]):
    """What the gate said, line by line."""

    def __call__(self, line: str) -> None:
        self.append(line)


@pytest.fixture
def said() -> Said:
    return Said()


@pytest.fixture
def complaints() -> Said:
    return Said()


def test_a_gate_that_passes_ends_with_0_and_a_line_for_each_step(
    environment: Environment, commands: FakeCommands, said: Said, complaints: Said
) -> None:
    assert run_gate(environment, commands, [], said, complaints) == 0

    assert [line.split("  ")[0] for line in said[:-1]] == [step.name for step in CHECKS]
    assert all("passed" in line and line.endswith(" s") for line in said[:-1])
    assert complaints == []


def test_the_gate_runs_ruff_mypy_import_linter_and_pytest_last(
    environment: Environment, commands: FakeCommands, said: Said, complaints: Said
) -> None:
    run_gate(environment, commands, ["-k", "a b"], said, complaints)

    python = str(environment.python)
    assert commands.asked[:3] == [
        [python, "-m", "ruff", "check", "."],
        [python, "-m", "ruff", "format", "--check", "."],
        [python, "-m", "mypy"],
    ]
    assert "lint_imports_command" in commands.asked[3][2]
    assert [*commands.attended[0][:3], *commands.attended[0][-2:]] == [python, "-m", "pytest", "-k", "a b"]


def test_all_steps_run_though_the_first_fails(
    environment: Environment, commands: FakeCommands, said: Said, complaints: Said
) -> None:
    commands.tool_fails = {"ruff check", "mypy"}

    assert run_gate(environment, commands, [], said, complaints) == 1

    assert len(commands.asked) == len(CHECKS) and len(commands.attended) == 2
    assert said[0] == "ruff check complains"
    assert [line.split()[2] for line in said if line.startswith(("ruff check  ", "mypy --strict"))] == ["FAILED"] * 2
    assert complaints == ["The gate FAILED before pytest: ruff check, mypy --strict."]


def test_the_tests_of_the_window_run_in_processes_of_their_own_and_every_other_one_after_them(
    environment: Environment, commands: FakeCommands, said: Said, complaints: Said
) -> None:
    assert run_gate(environment, commands, [], said, complaints) == 0
    first, second = commands.attended
    assert first[-1] == "tests/gui"
    assert second[-3:] == ["tests", "--ignore", "tests/gui"] and first[:-1] == second[:-3]


@pytest.mark.parametrize("exit_code", [1, 5, -11])
def test_a_gate_fails_when_pytest_fails(
    environment: Environment, commands: FakeCommands, said: Said, complaints: Said, exit_code: int
) -> None:
    commands.attend_exit_code = exit_code

    assert run_gate(environment, commands, [], said, complaints) == 1


@pytest.mark.parametrize(("given", "used"), [(None, "offscreen"), ("xcb", "xcb")])
def test_qt_draws_offscreen_unless_told_otherwise(
    environment: Environment,
    commands: FakeCommands,
    said: Said,
    complaints: Said,
    monkeypatch: pytest.MonkeyPatch,
    given: str | None,
    used: str,
) -> None:
    monkeypatch.delenv("QT_QPA_PLATFORM", raising=False)
    if given:
        monkeypatch.setenv("QT_QPA_PLATFORM", given)

    run_gate(environment, commands, [], said, complaints)

    assert commands.variables[-1]["QT_QPA_PLATFORM"] == used


def test_the_word_test_installs_the_group_and_runs_the_gate(
    checkout: Path, commands: FakeCommands, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bootstrap_system.provide_system_packages", lambda *_: None)
    commands.tool_fails = {"lint_imports"}

    assert start(["test", "-x"], checkout, commands) == 1

    assert commands.installs[-1][-2:] == ["pytest>=8", "ruff>=0.8"]
    assert commands.attended[0][2] == "pytest" and commands.attended[0][-1] == "-x"
    assert commands.became == []
    output = capsys.readouterr()
    assert output.out.endswith("pytest: result and seconds in its last line\n")
    assert "FAILED before pytest: lint-imports" in output.err
