"""How training images are varied: the preview on real images in each of its states, and the question about left and right."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
from scenes_seen import draw_radiographs
from scenes_table import Play, Scene

from tlgui.core.records import PixelRule
from tlgui.gui.wizard.augmentation.openers import open_augmentation_preview

if TYPE_CHECKING:
    from stage import Stage


def scenes() -> tuple[Scene, ...]:
    """The dialog, then the page with the question, whose lower end shows it (--scrolled)."""
    return (
        _scene("views", _demo, _preview()),
        _scene("views-microscopy", _demo, _preview("microscopy")),
        _scene("views-off", _demo, _preview("off")),
        _scene("views-radiograph", _radiographs, _preview("radiograph")),
        _scene("views-broken", _broken, _preview()),
        _scene("views-empty", lambda stage: stage.window.show_page("strategy"), _preview()),
        Scene("strategy", "mirror", _question, with_past=False),
        Scene("strategy", "mirror-answered", _answered, with_past=False),
    )


def _scene(state: str, play: Play, dialog: Play) -> Scene:
    return Scene("strategy", state, play, dialog=dialog, with_past=False)


def _preview(name: str = "") -> Play:
    def play(stage: Stage) -> None:
        if name:
            stage.bench.draft.set_training("augmentation", name)
        open_augmentation_preview(stage.bench, stage.window)
        stage.rest(1.5)

    return play


def _demo(stage: Stage) -> None:
    stage.read(stage.material.demo)
    stage.window.show_page("strategy")


def _radiographs(stage: Stage) -> None:
    stage.read(draw_radiographs(stage.home / "radiographs"))
    summary = stage.bench.draft.summary
    assert summary is not None
    stage.bench.draft.summary = msgspec.structs.replace(
        summary, pixel_rule=PixelRule(low=0, high=4095), dicom_images=24
    )
    stage.bench.draft.changed.emit()
    stage.window.show_page("strategy")


def _broken(stage: Stage) -> None:
    _radiographs(stage)
    for path in (stage.home / "radiographs").rglob("*.png"):
        path.write_bytes(path.read_bytes()[:400])


def _question(stage: Stage) -> None:
    _radiographs(stage)
    stage.bench.draft.set_similarity("different")


def _answered(stage: Stage) -> None:
    stage.read(stage.material.demo)
    stage.window.show_page("strategy")
    stage.bench.draft.set_similarity("different")
    stage.window.page.mirror.buttons[True].click()
    stage.until(lambda: not stage.bench.intake.busy)
