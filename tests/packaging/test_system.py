from collections.abc import Callable
from types import SimpleNamespace

import pytest
from bootstrap_commands import Answer
from bootstrap_environment import Environment
from bootstrap_fakes import FakeCommands
from bootstrap_system import provide_system_packages


class System(FakeCommands):
    """A Linux with or without a package manager; installing brings what was missing."""

    def __init__(self, environment: Environment) -> None:
        super().__init__(environment)
        self.programs = {"apt-get", "sudo"}
        self.sudo_works = True
        self.install_fails = 0

    def which(self, name: str) -> str | None:
        return f"/usr/bin/{name}" if name in self.programs else None

    def _answer(self, command: list[str]) -> Answer:
        if command[:3] == ["sudo", "-n", "true"]:
            return Answer(0 if self.sudo_works else 1, [])
        if "install" in command and "pip" not in command:
            if self.install_fails:
                self.install_fails -= 1
                return Answer(100, ["E: Unable to locate package"])
            self.missing_libraries = []
            self.programs.add("Xvfb")
        return super()._answer(command)


@pytest.fixture
def system(environment: Environment, monkeypatch: pytest.MonkeyPatch) -> System:
    system = System(environment)
    monkeypatch.setattr("bootstrap_system.sys", SimpleNamespace(platform="linux"))
    monkeypatch.setattr("bootstrap_system.shutil.which", system.which)
    monkeypatch.setattr("bootstrap_system.os.geteuid", lambda: 0, raising=False)
    return system


@pytest.fixture
def provide(system: System) -> Callable[[], str]:
    def run() -> str:
        said: list[str] = []
        provide_system_packages(system.environment, system, said.append)
        return "\n".join(said)

    return run


def managing(system: System) -> list[list[str]]:
    return [command for command in system.asked if {"apt-get", "dnf"} & set(command)]


def test_nothing_is_installed_where_nothing_is_missing(system: System, provide: Callable[[], str]) -> None:
    system.programs.add("Xvfb")

    assert provide() == ""
    assert managing(system) == []


def test_root_gets_what_is_missing_without_a_question(system: System, provide: Callable[[], str]) -> None:
    system.missing_libraries = ["libEGL.so.1"]

    assert provide() == "Installing system packages that the tests want: xvfb libegl1."
    (command,) = managing(system)
    assert command[:4] == ["env", "DEBIAN_FRONTEND=noninteractive", "apt-get", "-y"]
    assert command[-2:] == ["xvfb", "libegl1"]


def test_lists_are_refreshed_when_the_packages_were_not_found(system: System, provide: Callable[[], str]) -> None:
    system.install_fails = 1

    assert "could not" not in provide()
    assert [("install" in command, "update" in command) for command in managing(system)] == [
        (True, False),
        (False, True),
        (True, False),
    ]


def test_a_failed_installation_says_what_is_skipped(system: System, provide: Callable[[], str]) -> None:
    system.install_fails = 2
    system.missing_libraries = ["libEGL.so.1"]

    said = provide()

    assert "They could not be installed." in said
    assert "Xvfb is missing, so tests that need a screen are skipped" in said
    assert "Tests of the window may be skipped: Qt needs system libraries that are missing here: libEGL.so.1." in said


def test_fedora_gets_its_own_names(system: System, provide: Callable[[], str]) -> None:
    system.programs = {"dnf"}
    system.missing_libraries = ["libxcb-icccm.so.4"]

    provide()

    assert managing(system)[0][-2:] == ["xorg-x11-server-Xvfb", "xcb-util-wm"]


@pytest.mark.parametrize("sudo_works", [True, False])
def test_others_get_it_only_where_sudo_asks_for_no_password(
    system: System, provide: Callable[[], str], monkeypatch: pytest.MonkeyPatch, sudo_works: bool
) -> None:
    monkeypatch.setattr("bootstrap_system.os.geteuid", lambda: 1000, raising=False)
    system.sudo_works = sudo_works

    said = provide()

    assert [command[:2] for command in managing(system)] == ([["sudo", "-n"]] if sudo_works else [])
    assert ("Xvfb is missing" in said) is not sudo_works
