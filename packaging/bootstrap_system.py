"""What Qt and the tests want from the operating system: name what is missing, install it where we may."""

import os
import shutil
import sys
from collections.abc import Callable, Sequence
from typing import NamedTuple

from bootstrap_commands import Commands
from bootstrap_environment import Environment
from bootstrap_errors import QT_LIBRARIES, library_named_in, missing_libraries_error

_UPDATE_LIMIT_S = 180
_INSTALL_LIMIT_S = 420


def warn_of_missing_libraries(environment: Environment, commands: Commands, say: Callable[[str], None]) -> None:
    """Say once after an installation what the window will lack; the command line works without, so it is no error."""
    variables = environment.variables() | {"QT_QPA_PLATFORM": "offscreen"}
    imports = "import PySide6.QtGui, PySide6.QtWidgets"
    answer = commands.listen([str(environment.python), "-c", imports], environment=variables, limit_s=120)
    missing = missing_libraries(environment, commands)
    named = library_named_in(answer.lines) if answer.exit_code != 0 else None
    if named is not None and named not in missing:
        missing.insert(0, named)
    if missing:
        say(f"{missing_libraries_error(missing)} The command line works without them.")
    elif answer.exit_code != 0:
        last = answer.lines[-1] if answer.lines else f"exit code {answer.exit_code}"
        say(f"Qt does not start here ({last}), so the window will not open; the command line works without it.")


class PackageManager(NamedTuple):
    """How system packages are installed here.

    Attributes:
        prefix: what comes before every command, such as `sudo -n`.
        update: refreshes the lists of packages; empty when it does so itself.
        install: the command that the packages follow.
        debian: True when it knows Debian's names, False for Fedora's.
    """

    prefix: tuple[str, ...]
    update: tuple[str, ...]
    install: tuple[str, ...]
    debian: bool


def find_package_manager(commands: Commands) -> PackageManager | None:
    """apt-get or dnf, where we may use it without asking for a password; None elsewhere."""
    prefix: tuple[str, ...] = ()
    if sys.platform == "win32":
        return None
    if os.geteuid() != 0:
        prefix = ("sudo", "-n")
        if shutil.which("sudo") is None or commands.listen([*prefix, "true"], limit_s=10).exit_code != 0:
            return None
    if shutil.which("apt-get"):
        quiet = ("env", "DEBIAN_FRONTEND=noninteractive", "apt-get", "-y", "-o", "DPkg::Lock::Timeout=60")
        return PackageManager(prefix, (*quiet, "update"), (*quiet, "install", "--no-install-recommends"), debian=True)
    if shutil.which("dnf"):
        return PackageManager(prefix, (), ("dnf", "-y", "--setopt=install_weak_deps=False", "install"), debian=False)
    return None


def missing_libraries(environment: Environment, commands: Commands) -> list[str]:
    """Qt's system libraries that do not load here, by asking the loader in a process of its own; Linux only."""
    if not sys.platform.startswith("linux"):
        return []
    # Looked at one by one, so that one name is not hidden behind another.
    script = (
        "import ctypes, sys\nfor name in sys.argv[1:]:\n    try: ctypes.CDLL(name)\n    except OSError: print(name)\n"
    )
    names = [library.name for library in QT_LIBRARIES]
    answer = commands.listen(
        [str(environment.python), "-c", script, *names], environment=environment.variables(), limit_s=60
    )
    return [line for line in answer.lines if line in names] if answer.exit_code == 0 else []


def provide_system_packages(environment: Environment, commands: Commands, say: Callable[[str], None]) -> None:
    """Install Xvfb and Qt's system libraries where they are missing and we may; say what is skipped otherwise."""
    if not sys.platform.startswith("linux"):
        return
    libraries, screen = missing_libraries(environment, commands), shutil.which("Xvfb") is not None
    if screen and not libraries:
        return
    manager = find_package_manager(commands)
    if manager is not None:
        packages = _packages(libraries, screen, manager.debian)
        say(f"Installing system packages that the tests want: {' '.join(packages)}.")
        if not _install(manager, packages, commands):
            say("They could not be installed.")
        libraries, screen = missing_libraries(environment, commands), shutil.which("Xvfb") is not None
    if not screen:
        say("Xvfb is missing, so tests that need a screen are skipped (Debian: xvfb; Fedora: xorg-x11-server-Xvfb).")
    if libraries:
        say(f"Tests of the window may be skipped: {missing_libraries_error(libraries)}")


def _packages(libraries: Sequence[str], screen: bool, debian: bool) -> list[str]:
    names = [] if screen else ["xvfb" if debian else "xorg-x11-server-Xvfb"]
    names += [row.debian if debian else row.fedora for row in QT_LIBRARIES if row.name in libraries]
    return list(dict.fromkeys(names))


def _install(manager: PackageManager, packages: Sequence[str], commands: Commands) -> bool:
    command = [*manager.prefix, *manager.install, *packages]
    if commands.listen(command, limit_s=_INSTALL_LIMIT_S).exit_code == 0:
        return True
    if not manager.update:
        return False
    # The usual reason is a list of packages that was never fetched, or is old: refresh it, then once more.
    commands.listen([*manager.prefix, *manager.update], limit_s=_UPDATE_LIMIT_S)
    return commands.listen(command, limit_s=_INSTALL_LIMIT_S).exit_code == 0
