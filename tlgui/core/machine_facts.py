"""What was measured on this computer: speed of each backbone, number formats that are fast, and the last run's time."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal, get_args

import msgspec

from tlgui.core import state_file
from tlgui.core.backbones import BACKBONES, added
from tlgui.core.estimates import STARTUP_S, Speed, about_time
from tlgui.core.events import Measured

_FILE = "machine.json"
_WHAT = "What was measured here"
Precision = Literal["float32", "bf16", "fp16"]


class LastRun(msgspec.Struct, frozen=True, kw_only=True):
    """A run that was trained from its beginning to its end: how many images it had and how long it took."""

    images: int
    seconds: float


def note_speed(measured: Measured) -> None:
    """Keeps a measurement, the fastest of each backbone, device and executor: other work only makes one slower."""
    with state_file.changing(_FILE, _WHAT) as table:
        speeds = _table(table, "speeds")
        before = _speed(speeds.get(_key(measured.backbone, measured.device)))
        if before and before.executor == measured.executor and before.seconds_per_1000 <= measured.seconds_per_1000:
            return
        speeds[_key(measured.backbone, measured.device)] = {
            "seconds_per_1000": measured.seconds_per_1000,
            "executor": measured.executor,
        }
        table["speeds"] = speeds


def note_run(images: int, seconds: float, device: str) -> None:
    """Keeps how long a run took that was trained without a break."""
    with state_file.changing(_FILE, _WHAT) as table:
        runs = _table(table, "last_runs")
        runs[device] = {"images": images, "seconds": seconds}
        table["last_runs"] = runs


def speeds(device: str) -> dict[str, Speed]:
    """The measured speeds on a device, by backbone."""
    noted = _table(state_file.read(_FILE), "speeds")
    found = {name: _speed(noted.get(_key(name, device))) for name in (*BACKBONES, *added())}
    return {name: speed for name, speed in found.items() if speed is not None}


def speed_from(known: Mapping[str, Speed], backbone: str) -> tuple[Speed | None, bool]:
    """The speed of a backbone, and whether it was measured: else it follows from the others' speeds.

    The several answers of the others are met in their geometric mean, since executors and processors favour one kind of
    layer over another.

    Args:
        known: measured on one device, by backbone (see `speeds`).
        backbone: its name.
    """
    if backbone in known:
        return known[backbone], True
    rows = {**BACKBONES, **added()} if {backbone, *known} - BACKBONES.keys() else BACKBONES
    if not known or backbone not in rows:
        return None, False
    factor = 1.0
    for name, speed in known.items():
        factor *= (speed.seconds_per_1000 / rows[name].relative_seconds) ** (1 / len(known))
    executor = next(iter(known.values())).executor
    return Speed(seconds_per_1000=factor * rows[backbone].relative_seconds, executor=executor), False


def precision(key: str) -> Precision | None:
    """The number format that trains fastest here, where it was found out; the key is the engine's."""
    noted = _table(state_file.read(_FILE), "precision").get(key)
    return next((kind for kind in get_args(Precision) if kind == noted), None)


def note_precision(key: str, kind: Precision) -> None:
    """Keeps which number format trains fastest here."""
    with state_file.changing(_FILE, _WHAT) as table:
        table["precision"] = {**_table(table, "precision"), key: kind}


def last_run(device: str) -> LastRun | None:
    """The last run that was trained on a device."""
    try:
        run = msgspec.convert(_table(state_file.read(_FILE), "last_runs").get(device), LastRun)
    except msgspec.ValidationError:
        return None
    return run if run.images > 0 and run.seconds > 0 else None


def sentence(device: str, images: int = 500) -> str:
    """'500 images take about 1 minute', from the last run on this device; "" before there was one."""
    run = last_run(device)
    if run is None:
        return ""
    fixed = min(STARTUP_S, run.seconds / 2)
    seconds = fixed + (run.seconds - fixed) * images / run.images
    return f"{images:,} images take {about_time(seconds)}"


def _key(backbone: str, device: str) -> str:
    return f"{backbone}|{device}"


def _table(content: dict[str, Any], name: str) -> dict[str, Any]:
    table = content.get(name)
    return table if isinstance(table, dict) else {}


def _speed(noted: object) -> Speed | None:
    try:
        speed = msgspec.convert(noted, Speed)
    except msgspec.ValidationError:
        return None
    return speed if 0 < speed.seconds_per_1000 < float("inf") else None
