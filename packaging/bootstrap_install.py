"""Bring the environment to what pyproject.toml wants: make or mend it, install step by step, stamp it at the end."""

import importlib.util
import os
import shutil
import signal
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import TextIO

from bootstrap_commands import Answer, Commands
from bootstrap_environment import Environment, Found, forget_half_installed, version_numbers, version_words
from bootstrap_errors import (
    Surroundings,
    from_os_error,
    installation_error,
    no_permission,
    no_venv_module,
    not_an_environment,
    size_words,
)
from bootstrap_lock import install_lock
from bootstrap_plan import (
    GROUP_SIZE,
    Project,
    Size,
    Step,
    group_step,
    pinned,
    project_size,
    project_steps,
    read_project,
)
from bootstrap_progress import Progress
from bootstrap_room import check_room, fetches_beside_environment, still_needed
from bootstrap_stamp import (
    Missing,
    Stamp,
    read_stamp,
    remove_stamp,
    write_atomically,
    write_stamp,
)

# From this version on pip tells its progress to programs (--progress-bar raw); Python 3.11 still brings 23.2.
PIP_WITH_PROGRESS = (24, 1)
OLDEST_PYTHON = (3, 11)


class Installer:
    """Installs into the environment of one checkout.

    Args:
        environment: where.
        commands: how programs are run.
        progress: where the person reads how it goes.
        torch_index: an index for torch and torchvision alone, as given on this start.
    """

    def __init__(
        self, environment: Environment, commands: Commands, progress: Progress, torch_index: str | None = None
    ) -> None:
        self.environment = environment
        self.commands = commands
        self.progress = progress
        self.torch_index = torch_index
        self._needed = Size(0, 0)
        self._inherited: list[int] = []

    def bring_up(self, groups: tuple[str, ...]) -> bool:
        """Install what is missing; returns True when anything was installed.

        Raises:
            SetupError: it did not work; the sentence says why and what to do.
        """
        if not self.environment.missing(self.commands, groups)[0]:
            return False
        self._needed = project_size(self.torch_index)
        self._make_folder()
        try:
            with ending_signals_raise(), install_lock(self.environment.folder, self.progress.say) as lock:
                self._inherited = [lock]
                # Asked again, since another start may have done it while we waited.
                missing, wanted = self.environment.missing(self.commands, groups)
                if not missing:
                    return False
                self._install(missing, wanted)
        except OSError as error:
            sentence = from_os_error(error, self._surroundings())
            if sentence is None:
                raise
            raise sentence from error
        finally:
            self._inherited = []
        return True

    def _make_folder(self) -> None:
        folder = self.environment.folder
        try:
            folder.mkdir(exist_ok=True)
            if not os.access(folder, os.W_OK):
                raise no_permission(self.environment.checkout)
        except FileExistsError as error:
            raise not_an_environment(folder) from error
        except OSError as error:
            raise (from_os_error(error, self._surroundings()) or no_permission(self.environment.checkout)) from error

    def _install(self, missing: Missing, wanted: Stamp) -> None:
        project = read_project((self.environment.checkout / "pyproject.toml").read_bytes())
        begun_before = self.environment.log.exists() or (self.environment.folder / "pyvenv.cfg").exists()
        remembered = self._remembered_index()
        if missing.project:
            self.torch_index = self.torch_index or remembered
            found = self._working_environment(missing.reason, begun_before)
            if found is not None:
                wanted = wanted._replace(python=version_words(found.python))
            self._needed = still_needed(self.environment, missing, self.torch_index, there=found is not None)
            self._announce(found is not None)
        else:
            found = None
            self._needed = GROUP_SIZE
        check_room(self.environment, self._needed)
        with self.environment.log.open("w", encoding="utf-8") as log:
            before = read_stamp(self.environment.folder)
            remove_stamp(self.environment.folder)
            if missing.project and self.torch_index:
                # An aborted installation goes on with the same build of torch, though nobody repeats the option.
                # Only for its owner's eyes, since the address may carry a password.
                write_atomically(self.environment.index_note, self.torch_index, mode=0o600)
            kept = before.groups if before is not None and not missing.project else ()
            self._carry_out(missing, wanted._replace(groups=kept), project, found, log)
        shutil.rmtree(self.environment.temporary, ignore_errors=True)

    def _carry_out(
        self, missing: Missing, installed: Stamp, project: Project, found: Found | None, log: TextIO
    ) -> None:
        steps = project_steps(project, self.torch_index) if missing.project else []
        group_steps = [(group, group_step(project, group)) for group in missing.groups if group in project.groups]
        makes = missing.project and found is None
        if missing.project and (found.pip if found is not None else _bundled_pip()) < PIP_WITH_PROGRESS:
            steps.insert(0, Step("a newer pip, which shows its progress", ("--upgrade", "pip")))
        count = len(steps) + len(group_steps) + makes
        number = 0
        if makes:
            number += 1
            self._step(number, count, "the environment", lambda: self._make_environment(log))
            if self.environment.probe(self.commands) is None:
                raise no_venv_module()
        for step in steps:
            number += 1
            self._pip_step(number, count, step, log)
        if missing.project:
            write_stamp(self.environment.folder, installed)
        for group, step in group_steps:
            number += 1
            remove_stamp(self.environment.folder)
            self._pip_step(number, count, step, log)
            installed = installed._replace(groups=(*installed.groups, group))
            write_stamp(self.environment.folder, installed)

    def _working_environment(self, reason: str, begun_before: bool) -> Found | None:
        """The environment as found, mended; None when one has to be made."""
        found = self.environment.probe(self.commands)
        if found is not None and found.python >= OLDEST_PYTHON:
            if reason:
                self.progress.say(reason)
            else:
                self.progress.say("The environment in .venv was not finished: it is checked and completed.")
            halves = [name for site in self.environment.site_packages() for name in forget_half_installed(site)]
            if halves:
                self.progress.say(f"Half installed, to be installed again: {', '.join(halves)}.")
            shutil.rmtree(self.environment.temporary, ignore_errors=True)
            return found
        if begun_before:
            self.progress.say("The environment in .venv does not work (any more): it is made anew.")
        if importlib.util.find_spec("venv") is None or importlib.util.find_spec("ensurepip") is None:
            raise no_venv_module()
        self.environment.empty()
        return None

    def _make_environment(self, log: TextIO) -> Answer:
        # Started from inside an environment, the Python below it makes the new one, which then outlives the other.
        python = getattr(sys, "_base_executable", None) or sys.executable
        return self._listen([python, "-m", "venv", str(self.environment.folder)], log)

    def _pip_step(self, number: int, count: int, step: Step, log: TextIO) -> None:
        self._step(number, count, step.title, lambda: self._pip(step, log))

    def _step(self, number: int, count: int, title: str, work: Callable[[], Answer]) -> None:
        self.progress.begin(number, count, title)
        try:
            answer = work()
        except BaseException:
            self.progress.failed()
            raise
        if answer.exit_code != 0:
            self.progress.failed()
            raise installation_error(answer.lines, answer.exit_code, self._surroundings())
        self.progress.done()

    def _pip(self, step: Step, log: TextIO) -> Answer:
        command = [str(self.environment.python), "-m", "pip", "install", "--no-input"]
        if any(_has_raw_progress(site) for site in self.environment.site_packages()):
            command += ["--progress-bar", "raw"]
        if step.keeps_torch:
            pins = [pin for site in self.environment.site_packages() for pin in pinned(site)]
            constraints = self.environment.folder / "install-constraints.txt"
            write_atomically(constraints, "".join(f"{pin}\n" for pin in pins))
            command += ["--constraint", str(constraints)]
        log.write(f"--- {step.title}: pip install {' '.join(_without_addresses(step.arguments))}\n")
        return self._listen([*command, *step.arguments], log)

    def _listen(self, command: Sequence[str], log: TextIO) -> Answer:
        def on_line(line: str) -> None:
            if not line.startswith("Progress "):
                log.write(line + "\n")
                log.flush()
            self.progress.read(line)

        return self.commands.listen(
            command,
            environment=self._variables(),
            folder=self.environment.checkout,
            on_line=on_line,
            on_tick=self.progress.tick,
            inherited=self._inherited,
        )

    def _variables(self) -> dict[str, str]:
        variables = self.environment.variables()
        if fetches_beside_environment():
            self.environment.temporary.mkdir(exist_ok=True)
            variables["TMPDIR"] = str(self.environment.temporary)
        return variables

    def _remembered_index(self) -> str | None:
        try:
            return self.environment.index_note.read_text(encoding="utf-8").strip() or None
        except OSError:
            return None

    def _announce(self, exists: bool) -> None:
        size, passing = (size_words(value) for value in self._needed)
        begin = "At most about" if exists else "Setting up tlgui: about"
        self.progress.say(
            f"{begin} {size} will be installed into '{self.environment.folder}' ({passing} more are needed in passing)."
        )
        if self.torch_index is None and self._needed.installed_bytes > 3e9:
            self.progress.say(
                "Most of it are PyTorch's GPU libraries; with --torch-index URL a CPU-only build needs about "
                f"{size_words(project_size('any').installed_bytes)} in all (README.md says where)."
            )
        self.progress.say("Ctrl-C stops; the next start goes on from there.")

    def _surroundings(self) -> Surroundings:
        folder = self.environment.folder
        return Surroundings(
            folder=folder,
            log=self.environment.log,
            python=f"{sys.version_info[0]}.{sys.version_info[1]}",
            needed_bytes=self._needed.installed_bytes + self._needed.passing_bytes,
            free_bytes=shutil.disk_usage(folder if folder.is_dir() else self.environment.checkout).free,
        )


def _bundled_pip() -> tuple[int, ...]:
    """The version of pip that a new environment gets from this Python."""
    import ensurepip  # may be missing (Debian), which is asked before

    return version_numbers(ensurepip.version())


def _has_raw_progress(site_packages: Path) -> bool:
    names = (path.name.removesuffix(".dist-info") for path in site_packages.glob("pip-*.dist-info"))
    return any(version_numbers(name.removeprefix("pip-")) >= PIP_WITH_PROGRESS for name in names)


def _without_addresses(arguments: Sequence[str]) -> list[str]:
    """Arguments for the log: an index's address may carry a password."""
    return ["URL" if "://" in argument else argument for argument in arguments]


@contextmanager
def ending_signals_raise() -> Iterator[None]:
    """Let a closed terminal or a polite kill end us as Ctrl-C does: with pip ended first."""

    def leave(number: int, _frame: FrameType | None) -> None:
        raise SystemExit(128 + number)

    signals = [getattr(signal, name) for name in ("SIGTERM", "SIGHUP") if hasattr(signal, name)]
    before = [(number, signal.signal(number, leave)) for number in signals]
    try:
        yield
    finally:
        for number, handler in before:
            signal.signal(number, handler)
