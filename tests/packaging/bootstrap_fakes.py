"""A system that only pretends to run programs, and files like those that pip and venv leave."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from bootstrap_commands import Answer, Commands
from bootstrap_environment import Environment

PYPROJECT = """
[project]
name = "tlgui"
dependencies = ["msgspec>=0.19", "torch>=2.10", "timm>=1", "PySide6-Essentials>=6.8", "torchvision>=0.25", "onnx>=1.19"]

[dependency-groups]
test = ["pytest>=8", {include-group = "lint"}]
lint = ["ruff>=0.8"]
"""


class FakeCommands(Commands):
    """Answers like Python, pip and the tools of the gate, and remembers what it was asked.

    `pip_fails` maps a word of pip's command to the answer it gets instead of success.
    """

    def __init__(self, environment: Environment) -> None:
        self.environment = environment
        self.asked: list[list[str]] = []
        self.variables: list[Mapping[str, str]] = []
        self.attended: list[list[str]] = []
        self.became: list[list[str]] = []
        self.pip_fails: dict[str, Answer | BaseException] = {}
        self.tool_fails: set[str] = set()
        self.attend_exit_code = 0
        self.pip_version = "26.3"
        self.answers = True
        self.missing_libraries: list[str] = []

    @property
    def installs(self) -> list[list[str]]:
        """The arguments of each `pip install`, but for the options that every call has."""
        calls = [command[command.index("install") + 1 :] for command in self.asked if "install" in command]
        noise = ("--no-input", "--progress-bar", "raw")
        return [[word for word in call if word not in noise] for call in calls]

    def listen(
        self,
        command: Sequence[str],
        *,
        environment: Mapping[str, str] | None = None,
        folder: Path | None = None,
        on_line: Callable[[str], None] = lambda line: None,
        on_tick: Callable[[], None] = lambda: None,
        limit_s: float | None = None,
        inherited: Sequence[int] = (),
    ) -> Answer:
        command = list(command)
        self.asked.append(command)
        self.variables.append(environment or {})
        answer = self._answer(command)
        for line in answer.lines:
            on_line(line)
        return answer

    def _answer(self, command: list[str]) -> Answer:
        if command[1:3] == ["-m", "venv"]:
            make_environment(self.environment)
            self.answers = True
            return Answer(0, [])
        if "pip.__version__" in command[-1]:
            return Answer(0, [f"3 11 {self.pip_version}"]) if self.answers else Answer(1, ["broken"])
        if command[1:4] == ["-m", "pip", "install"]:
            for word, answer in self.pip_fails.items():
                if word in " ".join(command):
                    if isinstance(answer, BaseException):
                        raise answer
                    return answer
            return Answer(0, ["Successfully installed everything"])
        if command[1] == "-c" and "ctypes" in command[2]:
            return Answer(0, self.missing_libraries)
        tool = next((name for name in self.tool_fails if name in " ".join(command)), None)
        return Answer(1, [f"{tool} complains"]) if tool else Answer(0, [])

    def attend(
        self, command: Sequence[str], *, environment: Mapping[str, str] | None = None, folder: Path | None = None
    ) -> int:
        self.attended.append(list(command))
        self.variables.append(environment or {})
        return self.attend_exit_code

    def become(self, command: Sequence[str]) -> int:
        self.became.append(list(command))
        return 0


def make_environment(environment: Environment) -> None:
    """Files like those that `python -m venv` leaves."""
    site_packages = environment.folder / "lib" / "python3.11" / "site-packages"
    for folder in (environment.scripts, site_packages):
        folder.mkdir(parents=True, exist_ok=True)
    environment.python.write_text("")
    (environment.folder / "pyvenv.cfg").write_text("home = somewhere\n")
    add_package(site_packages, "pip", "26.3")


def add_package(site_packages: Path, name: str, version: str, *, content: str = "x = 1\n") -> Path:
    """Files like those of a package that pip installed to the end; returns its dist-info folder."""
    (site_packages / f"{name}.py").write_text(content)
    dist_info = site_packages / f"{name}-{version}.dist-info"
    dist_info.mkdir()
    (dist_info / "METADATA").write_text(f"Metadata-Version: 2.4\nName: {name}\nVersion: {version}\n\nName: not this\n")
    (dist_info / "RECORD").write_text(f"{name}.py,sha256=abc,{len(content)}\n{name}-{version}.dist-info/RECORD,,\n")
    return dist_info
