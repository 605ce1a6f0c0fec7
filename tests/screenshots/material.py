"""What the pictures show: the demo images, one real run with its export, and folders with something wrong in them."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

_FOLDERS = ("CACHE", "STATE", "PROJECTS")


class Material:
    """Everything below one folder; what is there already from an earlier time is used again.

    Args:
        work: the folder.
        run: a finished run to show instead of one that is made here.
    """

    def __init__(self, work: Path, run: Path | None = None) -> None:
        self.work = work.absolute()
        self._given = run.absolute() if run is not None else None
        self.home = self.work / "home"

    @property
    def demo(self) -> Path:
        """The demo images, with their answers to the wizard's first question."""
        place = self.work / "smear study"
        if not place.is_dir():
            from tlgui.imaging.demo_images import draw_demo_images

            draw_demo_images(place)
        return place

    @property
    def run(self) -> Path:
        """A finished run on the demo images, with an export, made by the command line."""
        if self._given is not None:
            return self._given
        run = next(iter(sorted((self.home / "projects").glob("*/runs/*/run.toml"))), None)
        if run is None:
            self._command("train", str(self.demo))
            run = next(iter(sorted((self.home / "projects").glob("*/runs/*/run.toml"))))
            self._command("export", str(run.parent), "--format", "onnx")
        return run.parent

    def set_home(self, place: Path, with_past: bool = True) -> None:
        """Points the program at folders of its own; `with_past` copies what it learnt when the run was made."""
        shutil.rmtree(place, ignore_errors=True)
        for name in ("state", "projects"):
            (place / name).mkdir(parents=True)
        os.environ.update(self._environment(place))
        os.environ["TLGUI_CACHE_DIR"] = str(self.home / "cache")
        if with_past and self.run and (self.home / "state").is_dir():
            shutil.copytree(self.home / "state", place / "state", dirs_exist_ok=True)

    def copy_run(self, projects: Path, when: str = "", name: str = "", kept: int | None = None) -> Path:
        """A copy of the run, perhaps with another time and name, and with its first `kept` epochs alone."""
        run = self.run
        place = projects / (name or run.parent.parent.name) / "runs" / (f"{when} {run.name[17:]}" if when else run.name)
        shutil.copytree(run, place)
        if name:
            toml = place / "run.toml"
            old = f'name = "{self.demo.name}"'
            toml.write_text(toml.read_text(encoding="utf-8").replace(old, f'name = "{name}"'), encoding="utf-8")
        if kept is not None:
            _break_off(place, kept)
        return place

    def set_ending(self, run: Path, ending: dict[str, object]) -> Path:
        """Gives a copied run, that broke off, another ending."""
        with (run / "events.jsonl").open("a", encoding="utf-8") as stream:
            stream.write(json.dumps({**ending, "run": run.name}) + "\n")
        return run

    @property
    def nasty(self) -> Path:
        """The demo images with what goes wrong in real folders, and a class with a difficult name."""
        place = self.work / "ward 7 & friends"
        if place.is_dir():
            return place
        source = sorted(path for path in self.demo.iterdir() if path.is_dir())
        shutil.copytree(source[0], place / "a rather long name of a class, <b>with signs & more words")
        shutil.copytree(source[1], place / source[1].name)
        images = sorted((place / source[1].name).glob("*.*"))
        few = place / "few"
        few.mkdir()
        for image in sorted(source[0].glob("*.*"))[:5]:
            shutil.copy(image, few / f"copy of {image.name}")
        images[0].write_bytes(images[0].read_bytes()[:300])
        images[1].write_bytes(b"")
        (place / source[1].name / "notes.txt").write_text("measured on Monday", encoding="utf-8")
        return place

    @property
    def large(self) -> Path:
        """So many images that they can be seen being read."""
        place = self.work / "large study"
        if not place.is_dir():
            for folder in (path for path in self.demo.iterdir() if path.is_dir()):
                for number in range(8):
                    shutil.copytree(
                        folder,
                        place / folder.name,
                        dirs_exist_ok=True,
                        copy_function=lambda source, to, n=number: shutil.copy(
                            source, Path(to).with_name(f"{n} {Path(to).name}")
                        ),
                    )
        return place

    @property
    def without_images(self) -> Path:
        """A folder that is refused."""
        place = self.work / "letters"
        place.mkdir(parents=True, exist_ok=True)
        (place / "letter.txt").write_text("Dear colleague", encoding="utf-8")
        return place

    def new_images(self, number: int = 6) -> Sequence[Path]:
        """A few images to try a model on."""
        return [path for folder in sorted(self.demo.iterdir()) if folder.is_dir()
                for path in sorted(folder.glob("*.*"))[: number // 3 + 1]][:number]  # fmt: skip

    def _environment(self, place: Path) -> dict[str, str]:
        return {f"TLGUI_{name}_DIR": str(place / name.lower()) for name in _FOLDERS}

    def _command(self, *arguments: str) -> None:
        environment = {**os.environ, **self._environment(self.home)}
        done = subprocess.run(
            [sys.executable, "-m", "tlgui", *arguments], env=environment, capture_output=True, text=True, check=False
        )
        if done.returncode:
            raise RuntimeError(f"tlgui {arguments[0]} ended with {done.returncode}: {done.stderr[-2000:]}")


def _break_off(run: Path, epochs: int) -> None:
    """As when the computer went off after so many epochs."""
    lines = (run / "events.jsonl").read_text(encoding="utf-8").splitlines()
    ends = [place for place, line in enumerate(lines) if json.loads(line)["type"] == "EpochEnded"]
    last = ends[min(epochs, len(ends)) - 1]
    (run / "events.jsonl").write_text("\n".join(lines[: last + 1]) + "\n", encoding="utf-8")
    for name in ("results", "export"):
        path = run / name
        shutil.rmtree(path) if path.is_dir() else path.unlink(missing_ok=True)
