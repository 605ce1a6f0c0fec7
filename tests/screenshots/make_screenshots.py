"""Pictures every page of the real window in every state, size and scheme: one PNG each, one line of output each.

python tests/screenshots/make_screenshots.py OUT [--pages start train] [--states filled] [--sizes 1024x700 200%]
    [--schemes light dark] [--run RUN] [--work FOLDER] [--scrolled] [--sheet]

The engine is played, so that its states can be held; everything else is real: the window, the child that reads images,
the demo images, and a run with its export that the command line makes once (kept in --work).
Runs on a desktop, under `xvfb-run -a -s "-screen 0 1920x1080x24"`, or offscreen where there is no screen.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import subprocess
import sys
import tempfile
import time
import traceback
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

_HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(_HERE.parent), str(_HERE.parent.parent), str(_HERE)]

from scenes import SCENES, Scene  # noqa: E402  the folders above come first

if TYPE_CHECKING:
    from material import Material
    from stage import Stage

# Name -> the window's size in logical pixels, and the scale.
SIZES = {"1024x700": (1024, 700, 1), "1366x768": (1366, 768, 1), "1920x1080": (1920, 1080, 1), "200%": (960, 540, 2)}
SCHEMES = ("light", "dark")
_SCREEN = (1920, 1080)


def main() -> int:
    """Makes the pictures; the exit code is the number of scenes that went wrong."""
    options = parsed(sys.argv[1:])
    with contextlib.ExitStack() as stack:
        if options.work is None:
            options.work = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        options.out.mkdir(parents=True, exist_ok=True)
        wanted = [name for name in SIZES if name in options.sizes]
        failures = 0
        for scale in sorted({SIZES[name][2] for name in wanted}):
            sizes = [name for name in wanted if SIZES[name][2] == scale]
            if os.environ.get("QT_SCALE_FACTOR", "1") == str(scale):
                failures += picture_all(options, sizes)
            else:
                failures += in_a_child(options, sizes, scale)
    if options.sheet and "TLGUI_SCREENSHOTS_CHILD" not in os.environ:
        make_sheets(options)
    return min(failures, 99)


def parsed(arguments: Sequence[str]) -> argparse.Namespace:
    """What was asked for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("out", type=Path)
    parser.add_argument("--pages", nargs="+", choices=sorted({scene.page for scene in SCENES}))
    parser.add_argument("--states", nargs="+", choices=sorted({scene.state for scene in SCENES}))
    parser.add_argument("--sizes", nargs="+", choices=list(SIZES), default=list(SIZES))
    parser.add_argument("--schemes", nargs="+", choices=SCHEMES, default=list(SCHEMES))
    parser.add_argument("--run", type=Path, help="a finished run to show (default: one is made)")
    parser.add_argument("--work", type=Path, help="where images and run are kept for the next time (default: nowhere)")
    parser.add_argument("--scrolled", action="store_true", help="picture the lower end of long pages too")
    parser.add_argument("--sheet", action="store_true", help="one contact sheet for each page")
    return parser.parse_args(arguments)


def chosen(options: argparse.Namespace) -> list[Scene]:
    """The scenes that were asked for."""
    return [
        scene
        for scene in SCENES
        if (not options.pages or scene.page in options.pages) and (not options.states or scene.state in options.states)
    ]


def in_a_child(options: argparse.Namespace, sizes: Sequence[str], scale: int) -> int:
    """The same with another scale, which Qt reads once as it starts."""
    command = [sys.executable, __file__, str(options.out), "--sizes", *sizes, "--schemes", *options.schemes]
    command += ["--work", str(options.work)]
    for name in ("pages", "states"):
        if given := getattr(options, name):
            command += [f"--{name}", *given]
    command += ["--run", str(options.run)] if options.run else []
    command += ["--scrolled"] if options.scrolled else []
    environment = {**os.environ, "QT_SCALE_FACTOR": str(scale), "TLGUI_SCREENSHOTS_CHILD": "1"}
    return subprocess.run(command, env=environment, check=False).returncode


def picture_all(options: argparse.Namespace, sizes: Sequence[str]) -> int:
    """All chosen scenes in this process; how many went wrong."""
    _choose_screen(options.work)
    from material import Material
    from PySide6.QtWidgets import QApplication

    from tlgui.gui import background
    from tlgui.gui.theme import theme

    app = QApplication(["tlgui"])
    theme().set_choice("light")
    theme().install(app)
    material = Material(options.work, options.run)
    scenes = chosen(options)
    failures = sum(not picture_scene(scene, material, options, sizes) for scene in scenes)
    background.shut_down()
    return failures


def picture_scene(scene: Scene, material: Material, options: argparse.Namespace, sizes: Sequence[str]) -> bool:
    """One scene in all sizes and schemes; whether it went well."""
    from stage import Stage

    stage = Stage(material, options.work / "scenes" / scene.name, scene.engine, scene.with_past)
    begun = time.monotonic()
    try:
        scene.before(stage)
        stage.open()
        scene.play(stage)
        stage.rest(0.6)
        for size in sizes:
            for scheme in options.schemes:
                _picture(scene, stage, options, size, scheme)
    except Exception:  # one scene that fails must not cost the others
        _say(f"FAILED {scene.name} after {time.monotonic() - begun:.1f} s\n{traceback.format_exc()}")
        return False
    finally:
        if hasattr(stage, "window"):
            stage.close()
    return True


def _picture(scene: Scene, stage: Stage, options: argparse.Namespace, size: str, scheme: str) -> None:
    from PySide6.QtCore import QSize

    stage.set_scheme(scheme)
    stage.set_size(QSize(*SIZES[size][:2]))
    if scene.dialog is not None:
        scene.dialog(stage)
    stage.scroll(to_end=False)
    path = options.out / f"{scene.name}-{size.replace('%', 'pct')}-{scheme}.png"
    stage.picture(1.2 if scene.dialog else 0.25).save(str(path))
    _say(f"{path.name}{stage.complaint()}")
    if scene.dialog is not None:
        stage.close_dialogs()
    elif options.scrolled and stage.scroll(to_end=True):
        path = path.with_name(f"{path.stem}-end.png")
        stage.picture(0.15).save(str(path))
        stage.scroll(to_end=False)
        _say(path.name)


def make_sheets(options: argparse.Namespace) -> None:
    """One sheet for each page."""
    from sheet import make_sheet

    for page in dict.fromkeys(scene.page for scene in chosen(options)):
        pictures = [path for scene in chosen(options) if scene.page == page for path in _pictures(options, scene)]
        if pictures:
            to = options.out / f"sheet {page}.png"
            make_sheet(pictures, to)
            _say(to.name)


def _pictures(options: argparse.Namespace, scene: Scene) -> Iterable[Path]:
    for size in options.sizes:
        for scheme in options.schemes:
            stem = f"{scene.name}-{size.replace('%', 'pct')}-{scheme}"
            yield from (path for end in ("", "-end") if (path := options.out / f"{stem}{end}.png").is_file())


def _choose_screen(work: Path) -> None:
    """Where there is no screen, Qt draws into memory, on a screen of the size that we say."""
    if os.environ.get("QT_QPA_PLATFORM") not in (None, "offscreen") or (
        "QT_QPA_PLATFORM" not in os.environ and (os.environ.get("DISPLAY") or not sys.platform.startswith("linux"))
    ):
        return
    work.mkdir(parents=True, exist_ok=True)
    screen = {"name": "screen", "x": 0, "y": 0, "width": _SCREEN[0], "height": _SCREEN[1], "dpr": 1, "logicalDpi": 96}
    config = work / "screen.json"
    config.write_text(json.dumps({"screens": [screen | {"logicalBaseDpi": 96}]}), encoding="utf-8")
    os.environ["QT_QPA_PLATFORM"] = f"offscreen:configfile={config}"


def _say(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
