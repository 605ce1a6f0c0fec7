import io
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import pytest
from bootstrap_commands import Answer
from bootstrap_environment import Environment, forget_half_installed
from bootstrap_errors import SetupError
from bootstrap_fakes import FakeCommands, add_package
from bootstrap_install import Installer
from bootstrap_progress import Progress
from bootstrap_stamp import read_stamp


class Setup:
    """An installer with its fake system and what it said."""

    def __init__(self, environment: Environment, commands: FakeCommands) -> None:
        self.environment = environment
        self.commands = commands
        self.stream = io.StringIO()

    def run(self, *groups: str, torch_index: str | None = None) -> bool:
        self.commands.asked.clear()
        self.stream = io.StringIO()
        return Installer(self.environment, self.commands, Progress(self.stream), torch_index).bring_up(groups)

    @property
    def said(self) -> str:
        return self.stream.getvalue()


@pytest.fixture
def setup(environment: Environment, commands: FakeCommands) -> Setup:
    return Setup(environment, commands)


def groups_of(setup: Setup) -> tuple[str, ...] | None:
    stamp = read_stamp(setup.environment.folder)
    return None if stamp is None else stamp.groups


def test_a_first_start_makes_the_environment_and_installs_in_order(setup: Setup) -> None:
    assert setup.run()

    assert [command[1:3] for command in setup.commands.asked if "venv" in command] == [["-m", "venv"]]
    requirements = [
        [word for word in call if not word.startswith("--c") and not word.endswith("constraints.txt")]
        for call in setup.commands.installs
    ]
    assert requirements[-4:] == [
        ["msgspec>=0.19", "PySide6-Essentials>=6.8"],
        ["torch>=2.10", "torchvision>=0.25"],
        ["timm>=1", "onnx>=1.19"],
        ["--no-deps", "--editable", "."],
    ]
    assert groups_of(setup) == ()
    assert "\r" not in setup.said
    assert "Setting up tlgui: about" in setup.said
    assert "Qt and the light parts: done in 0 s" in setup.said


def test_what_comes_after_torch_is_held_to_the_installed_torch(setup: Setup, site_packages: Path) -> None:
    add_package(site_packages, "torch", "2.12.0+cpu")

    setup.run("test")

    held = [call for call in setup.commands.installs if "--constraint" in call]
    assert [call[-2:] for call in held] == [["timm>=1", "onnx>=1.19"], ["pytest>=8", "ruff>=0.8"]]
    assert Path(held[0][held[0].index("--constraint") + 1]).read_text() == "torch==2.12.0+cpu\n"


def test_a_second_start_installs_nothing(setup: Setup) -> None:
    setup.run()

    assert not setup.run()

    assert setup.commands.asked == []
    assert setup.said == ""


def test_tests_after_a_plain_installation_add_only_their_group(setup: Setup) -> None:
    setup.run()

    assert setup.run("test")

    assert [call[-2:] for call in setup.commands.installs] == [["pytest>=8", "ruff>=0.8"]]
    assert groups_of(setup) == ("test",)
    assert not setup.run()


def test_a_changed_pyproject_installs_again_and_keeps_the_groups(setup: Setup) -> None:
    setup.run("test")
    pyproject = setup.environment.checkout / "pyproject.toml"
    pyproject.write_text(pyproject.read_text() + "\n[tool.new]\n")

    assert setup.run()

    assert "pyproject.toml has changed since the last installation." in setup.said
    assert "venv" not in [command[2] for command in setup.commands.asked]
    assert groups_of(setup) == ("test",)


def test_an_aborted_installation_leaves_no_stamp_and_is_completed_by_the_next_start(setup: Setup) -> None:
    setup.commands.pip_fails["torch>=2.10"] = KeyboardInterrupt()
    with pytest.raises(KeyboardInterrupt):
        setup.run()
    assert groups_of(setup) is None

    setup.commands.pip_fails.clear()
    assert setup.run()

    assert "The environment in .venv was not finished: it is checked and completed." in setup.said
    assert not [command for command in setup.commands.asked if "venv" in command]
    assert groups_of(setup) == ()


def test_an_aborted_addition_of_a_group_is_completed_too(setup: Setup) -> None:
    setup.run()
    setup.commands.pip_fails["pytest>=8"] = KeyboardInterrupt()
    with pytest.raises(KeyboardInterrupt):
        setup.run("test")
    assert groups_of(setup) is None

    setup.commands.pip_fails.clear()
    assert setup.run("test")
    assert groups_of(setup) == ("test",)


def test_an_environment_whose_python_does_not_start_is_made_anew(setup: Setup) -> None:
    setup.run()
    (setup.environment.folder / "install-stamp.json").unlink()
    (setup.environment.scripts / "leftover").write_text("")
    setup.commands.answers = False

    assert setup.run()

    assert "The environment in .venv does not work (any more): it is made anew." in setup.said
    assert not (setup.environment.scripts / "leftover").exists()
    assert groups_of(setup) == ()


def test_somebodys_folder_of_that_name_is_not_touched(setup: Setup) -> None:
    work = setup.environment.folder / "thesis.odt"
    work.parent.mkdir()
    work.write_text("years of work")

    with pytest.raises(SetupError, match=r"\.venv' is no Python environment.*Move it away or delete it"):
        setup.run()

    assert work.read_text() == "years of work"


def test_a_file_of_that_name_is_named(setup: Setup) -> None:
    setup.environment.folder.write_text("")

    with pytest.raises(SetupError, match="is no Python environment"):
        setup.run()


def test_the_choice_of_another_index_outlives_an_abort(setup: Setup) -> None:
    setup.commands.pip_fails["timm>=1"] = KeyboardInterrupt()
    with pytest.raises(KeyboardInterrupt):
        setup.run(torch_index="https://name:secret@example.org/cpu")
    assert "secret" not in setup.environment.log.read_text()

    setup.commands.pip_fails.clear()
    setup.run()

    with_index = [call for call in setup.commands.installs if "--index-url" in call]
    assert with_index == [["--index-url", "https://name:secret@example.org/cpu", "torch>=2.10", "torchvision>=0.25"]]


def test_an_old_pip_is_replaced_first_and_not_asked_for_what_it_does_not_know(
    setup: Setup, site_packages: Path
) -> None:
    (site_packages / "pip-26.3.dist-info").rename(site_packages / "pip-23.2.1.dist-info")
    setup.commands.pip_version = "23.2.1"

    setup.run()

    assert setup.commands.installs[0] == ["--upgrade", "pip"]
    assert "--progress-bar" not in setup.commands.asked[1]


def test_a_failed_step_is_a_sentence_and_its_output_is_in_the_log(setup: Setup) -> None:
    said = "ERROR: No matching distribution found for torch>=2.10"
    setup.commands.pip_fails["torch>=2.10"] = Answer(1, ["Progress 1 of 2", said])

    with pytest.raises(SetupError, match=r"There is no build of 'torch>=2\.10' for Python 3\.\d+"):
        setup.run()

    log = setup.environment.log.read_text()
    assert said in log and "Progress" not in log
    assert groups_of(setup) is None


def test_a_disk_that_is_too_small_is_said_before_anything_is_installed(
    setup: Setup, monkeypatch: pytest.MonkeyPatch, disk_with: Callable[[int], object]
) -> None:
    monkeypatch.setattr("bootstrap_room.shutil.disk_usage", disk_with(1_000_000_000))

    with pytest.raises(SetupError, match=r"about \d\.\d GB are needed for '.*\.venv' and 1\.0 GB are free"):
        setup.run()

    assert setup.commands.installs == []


def test_a_missing_venv_module_is_said_with_the_package_that_brings_it(
    setup: Setup, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bootstrap_install.importlib.util.find_spec", lambda _: None)

    with pytest.raises(SetupError, match="sudo apt install python3-venv"):
        setup.run()


def test_a_folder_that_may_not_be_written_is_said(setup: Setup, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_args: object, **_kwargs: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "mkdir", refuse)

    with pytest.raises(SetupError, match=r"There is no permission to write in '.*Röntgen bilder'"):
        setup.run()


def test_pip_keeps_the_persons_settings_but_works_inside_the_environment(
    setup: Setup, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PIP_EXTRA_INDEX_URL", "https://example.org/simple")
    monkeypatch.setenv("PYTHONPATH", "/elsewhere")
    monkeypatch.setenv("PIP_USER", "1")

    setup.run()

    variables = setup.commands.variables[-1]
    assert variables["PIP_EXTRA_INDEX_URL"] == "https://example.org/simple"
    assert variables["PIP_USER"] == "0"
    assert "PYTHONPATH" not in variables
    assert "--isolated" not in setup.commands.asked[-1]


def test_half_installed_packages_are_forgotten_and_whole_ones_kept(site_packages: Path) -> None:
    whole = add_package(site_packages, "whole", "1.0")
    killed = add_package(site_packages, "killed", "1.0")
    (killed / "RECORD").unlink()
    add_package(site_packages, "emptied", "2.0")
    (site_packages / "emptied.py").write_text("")
    add_package(site_packages, "lost", "2.0")
    (site_packages / "lost.py").unlink()
    (site_packages / "~orch").mkdir()

    assert forget_half_installed(site_packages) == ["emptied", "killed", "lost"]

    assert whole.is_dir()
    assert sorted(path.name for path in site_packages.glob("*.dist-info")) == ["pip-26.3.dist-info", whole.name]
    assert not (site_packages / "~orch").exists()


def test_a_repair_names_what_is_installed_again(setup: Setup, site_packages: Path) -> None:
    (add_package(site_packages, "torch", "2.12.0") / "RECORD").unlink()

    setup.run()

    assert "Half installed, to be installed again: torch." in setup.said


def test_an_environment_that_another_start_has_made_meanwhile_is_left_alone(
    setup: Setup, monkeypatch: pytest.MonkeyPatch
) -> None:
    setup.run()
    stamp = setup.environment.folder / "install-stamp.json"
    content = stamp.read_text()
    stamp.unlink()
    make_folder = Installer._make_folder

    def meanwhile(installer: Installer) -> None:
        make_folder(installer)
        stamp.write_text(content)

    monkeypatch.setattr(Installer, "_make_folder", meanwhile)

    assert not setup.run()
    assert setup.commands.installs == []


def test_the_stamp_names_the_python_of_the_environment_whoever_started_it(
    setup: Setup, site_packages: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bootstrap_environment.sys", SimpleNamespace(version_info=(3, 13, 1, "final", 0)))

    setup.run()

    stamp = read_stamp(setup.environment.folder)
    assert stamp is not None and stamp.python == "3.11"
    assert not setup.run()


@pytest.mark.slow
def test_a_real_environment_is_made_and_answers(checkout: Path) -> None:
    from bootstrap_commands import Commands

    class WithoutNetwork(Commands):
        def listen(self, command, **options):  # type: ignore[no-untyped-def]
            return Answer(0, []) if "install" in command else super().listen(command, **options)

    environment = Environment(checkout)
    commands = WithoutNetwork()

    assert Installer(environment, commands, Progress(io.StringIO())).bring_up(())

    found = environment.probe(commands)
    assert found is not None and found.python == sys.version_info[:2]
    answer = subprocess.run(
        [environment.python, "-c", "import sys; print(sys.prefix != sys.base_prefix)"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert answer.stdout == "True\n"
    assert not environment.missing(commands, ())[0]
