"""What the network sees, and the rule by which values are mapped: shown on drawn radiographs of 12 bits, really read."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec
from scenes_table import Play, Scene

from tlgui.core.records import PixelRule

if TYPE_CHECKING:
    from stage import Stage


def scenes() -> tuple[Scene, ...]:
    """Both dialogs in each of their states."""
    return (
        _scene("seen", lambda stage: stage.read(stage.material.demo), _seen()),
        _scene("seen-loss", _clipped, _wide),
        _scene("seen-broken", _broken, _seen()),
        _scene("seen-reading", _held, _seen()),
        _scene("rule", _radiographs, lambda stage: stage.window.page.dialogs.show_rule()),
        _scene("rule-wrong", _radiographs, _wrong_rule),
        _scene("rule-plain", lambda stage: stage.read(stage.material.demo), _plain_rule),
    )


def _scene(state: str, play: Play, dialog: Play) -> Scene:
    return Scene("images", state, play, dialog=dialog, with_past=False)


def _seen(place: int = 0) -> Play:
    return lambda stage: stage.window.page.dialogs.show_seen(place)


def draw_radiographs(root: Path) -> Path:
    """Twelve bits in sixteen, of several shapes; a bright mark in the corner takes up most of the range."""
    import numpy as np
    from PIL import Image

    for kind, name in enumerate(("clear", "shadow")):
        (root / name).mkdir(parents=True, exist_ok=True)
        for number in range(12):
            rng = np.random.default_rng([kind, number])
            width, height = ((640, 640), (1100, 420), (520, 760))[number % 3]
            y, x = np.mgrid[-1 : 1 : height * 1j, -1 : 1 : width * 1j]
            body = 500 + 600 * np.exp(-3 * (x**2 + y**2)) + 90 * np.cos(22 * y) * (np.abs(x) < 0.7)
            if kind:
                body += 380 * np.exp(-40 * ((x - rng.uniform(-0.5, 0.5)) ** 2 + (y - rng.uniform(-0.5, 0.5)) ** 2))
            body += rng.normal(0, 25, body.shape)
            body[16:48, 16:80] = 4000
            Image.fromarray(body.clip(0, 4095).astype(np.uint16)).save(root / name / f"chest {number:02}.png")
    return root


def _radiographs(stage: Stage, **fields: Any) -> None:
    root = stage.home / "radiographs"
    stage.read(draw_radiographs(root))
    full, own = PixelRule(low=0, high=4095), PixelRule(method="percentile", low=0.5, high=99.5)
    rules = [full, own, PixelRule(method="window", low=0, high=4095)]
    summary = stage.bench.draft.summary
    assert summary is not None
    given = {"pixel_rule": full, "rules": rules, "rule_reason": "The stored values reach from 118 to 4000."}
    stage.bench.draft.summary = msgspec.structs.replace(summary, **given | fields)
    stage.bench.draft.changed.emit()


def _broken(stage: Stage) -> None:
    _radiographs(stage)
    for path in (stage.home / "radiographs").rglob("*.png"):
        path.write_bytes(path.read_bytes()[:400])


def _clipped(stage: Stage) -> None:
    _radiographs(stage, pixel_rule=PixelRule(low=300, high=1000))
    stage.bench.draft.fit = "squash"


def _wide(stage: Stage) -> None:
    from tlgui.gui.wizard.images.openers import open_seen

    summary = stage.bench.draft.summary
    assert summary is not None
    open_seen(stage.bench, summary.classes[1], stage.window, "shadow/chest 01.png")


def _held(stage: Stage) -> None:
    stage.read(stage.material.demo)
    stage.hold_imaging()


def _wrong_rule(stage: Stage) -> None:
    from tlgui.gui.wizard.images.rule_dialog import PixelRuleDialog

    stage.window.page.dialogs.show_rule()
    dialog = next(one for one in stage.dialogs() if isinstance(one, PixelRuleDialog))
    dialog.fields.low.setText("300")
    dialog.fields.high.setText("1300")
    stage.rest(1.0)
    dialog.fields.high.setText("130")


def _plain_rule(stage: Stage) -> None:
    from tlgui.gui.wizard.images.rule_dialog import PixelRuleDialog

    stage.window.page.dialogs.show_rule()
    dialog = next(one for one in stage.dialogs() if isinstance(one, PixelRuleDialog))
    dialog.fields.border.setText("12")
    dialog.fields.grey.setChecked(True)
