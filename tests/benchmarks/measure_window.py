"""Measures the real window while the real engine trains at full load: gaps of its event loop, memory, first paint.

python tests/benchmarks/measure_window.py [--data FOLDER] [--strategy NAME] [--backbone NAME] [--epochs N]
    [--platforms here offscreen] [--starts N] [--slow MS] [--reading]

On a computer without a screen: xvfb-run -a -s "-screen 0 1920x1080x24" python tests/benchmarks/measure_window.py.
A gap is the time between two events of a timer of 5 ms beyond those 5 ms: for so long the window could not have answered.
Wanted: p99 at most 16 ms and largest at most 50 ms, at most 200 MB, first paint within 1.0 s. Nothing here fails by them.
"Own work" is the time that the window's thread computed between two events: what is left of the gap when nobody else
wants the processor. With `--slow MS` every longer gap is printed with what the window's thread did in it (another
thread looks, which costs). With `--reading` nothing is trained: the window is measured while it reads the folder, such as
one that `measure_intake.py --keep FOLDER` made.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import threading
import time
import traceback
from pathlib import Path
from statistics import median
from typing import Any

_STEP_MS = 5
_FORBIDDEN = ("torch", "torchvision", "timm", "scipy", "sklearn", "onnx", "onnxruntime")
_PATIENCE_S = 900.0
_SHARES = (0.5, 0.99, 0.999)


def main() -> None:
    """Measures on each platform in a process of its own."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, help="a folder of images (default: the demo images)")
    parser.add_argument("--strategy", default="full-fine-tuning")
    parser.add_argument("--backbone")
    parser.add_argument("--epochs", type=int, default=3)
    parser.add_argument(
        "--platforms", nargs="+", choices=("here", "offscreen"), help="default: here if it has a screen"
    )
    parser.add_argument("--starts", type=int, default=5, help="how many first paints are measured")
    parser.add_argument("--slow", type=float, default=0.0, help="say what happened in gaps longer than this, in ms")
    parser.add_argument("--reading", action="store_true", help="measure while the folder is read; train nothing")
    parser.add_argument("--child", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.child:
        measure_training(options)
        return
    has_screen = bool(os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")) or sys.platform != "linux"
    for platform in options.platforms or ["here" if has_screen else "offscreen"]:
        environment = dict(os.environ)
        if platform == "offscreen":
            environment["QT_QPA_PLATFORM"] = "offscreen"
        with tempfile.TemporaryDirectory() as place:
            environment |= {
                f"TLGUI_{name}_DIR": str(Path(place) / name.lower()) for name in ("STATE", "PROJECTS", "CACHE")
            }
            child = [sys.executable, __file__, *sys.argv[1:], "--child", platform]
            code = subprocess.run(child, env=environment, check=False).returncode
            if code:
                say(f"{platform:<10}the measurement ended with {code}")
            measure_starts(platform, environment, options.starts)


def measure_starts(platform: str, environment: dict[str, str], times: int) -> None:
    """Seconds from the start of the process to the first paint."""
    seconds = []
    for _ in range(times):
        done = subprocess.run(
            [sys.executable, "-m", "tlgui", "--measure-start"],
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            say(f"{platform:<10}first paint: the window did not open: {done.stderr.strip()[-300:]}")
            return
        seconds.append(float(done.stdout.split()[-1]))
    if seconds:
        say(f"{platform:<10}first paint {min(seconds):.2f} s at best, {median(seconds):.2f} s in the middle of {times}")


class Probe:
    """A timer on the window's event loop that notes by how much each of its events was late."""

    def __init__(self, slow_ms: float) -> None:
        from PySide6.QtCore import Qt, QTimer

        self.gaps_ms: list[float] = []
        self.own_ms: list[float] = []
        self._own = time.thread_time()
        self.last = time.perf_counter()
        self._slow_ms = slow_ms
        self._thread = threading.get_ident()
        self._seen: list[str] = []
        self._timer = QTimer(timerType=Qt.TimerType.PreciseTimer, interval=_STEP_MS)
        self._timer.timeout.connect(self._on_tick)

    def start(self) -> None:
        """Begins to measure."""
        self.last, self._own = time.perf_counter(), time.thread_time()
        self._timer.start()
        if self._slow_ms:
            threading.Thread(target=self._watch, daemon=True).start()

    def stop(self) -> None:
        """Ends it."""
        self._timer.stop()

    def _on_tick(self) -> None:
        now = time.perf_counter()
        gap = max(0.0, (now - self.last) * 1000 - _STEP_MS)
        own = (time.thread_time() - self._own) * 1000
        self._own += own / 1000
        self.gaps_ms.append(gap)
        self.own_ms.append(own)
        if self._slow_ms and gap > self._slow_ms:
            say(
                f"--- {gap:.1f} ms\n{self._seen[-1] if self._seen else '(nothing seen: not Python, or another process)'}"
            )
        self._seen.clear()
        self.last = time.perf_counter() if self._slow_ms else now

    def _watch(self) -> None:
        while self._timer.isActive():
            time.sleep(0.004)
            late = (time.perf_counter() - self.last) * 1000 - _STEP_MS
            if late > self._slow_ms / 2:
                # No frame may be held for long: a painter that lives in it would be left open.
                self._seen.append("".join(traceback.format_stack(sys._current_frames()[self._thread])[-8:]))


def measure_training(options: argparse.Namespace) -> None:
    """The window with the train page shown, from the first batch to the end of the run."""
    from PySide6.QtCore import QTimer
    from PySide6.QtWidgets import QApplication

    from tlgui.gui import app, main_window

    data = options.data or demo_images()
    found: dict[str, Any] = {"peak": 0, "modules": []}
    probe: list[Probe] = []

    def on_tick() -> None:
        window = next((w for w in QApplication.topLevelWidgets() if isinstance(w, main_window.MainWindow)), None)
        if window is not None and window.isVisible():
            probe[:] = probe or [Probe(options.slow)]
            if drive(window, data, options, probe[0], found):
                timer.stop()

    timer = QTimer(interval=200)
    timer.timeout.connect(on_tick)
    QTimer.singleShot(0, timer.start)
    code = app.main(["tlgui"])
    report(options.child, probe[0] if probe else None, found, code)


def drive(window: Any, data: Path, options: argparse.Namespace, probe: Probe, found: dict[str, Any]) -> bool:
    """One step of the way from the open window to the end of the run; True when it is over."""
    bench, draft = window._bench, window._bench.draft
    found["peak"] = max(found["peak"], resident_bytes())
    found.setdefault("opened", time.monotonic())
    if time.monotonic() - found["opened"] > _PATIENCE_S:
        found["ending"] = "it took too long"
    elif draft.data is None:
        if options.reading:
            found["probed"] = time.monotonic()
            probe.start()
        bench.open_folder(data)
        return False
    elif options.reading:
        if draft.scan_error is not None:
            found["ending"] = f"the folder was refused: {draft.scan_error.problem}"
        elif draft.summary is not None:
            found["ending"] = f"{draft.summary.used} images were read, nothing was trained"
    elif not bench.is_training and "begun" not in found:
        if draft.summary is not None and bench.machine.device and not bench.reason_against_start():
            set_up(draft, options)
            bench.start_training()
            found["begun"] = time.monotonic()
        elif draft.scan_error is not None:
            found["ending"] = f"the folder was refused: {draft.scan_error.problem}"
    elif bench.is_training:
        if "probed" not in found and bench.run is not None and bench.run.batches:
            found["probed"] = time.monotonic()
            probe.start()
        return False
    else:
        found["ending"] = type(bench.run.ending).__name__
    if "ending" not in found:
        return False
    probe.stop()
    found["seconds"] = time.monotonic() - found.get("probed", time.monotonic())
    found["modules"] = [name for name in _FORBIDDEN if name in sys.modules]
    window.closing.close_anyway()
    return True


def set_up(draft: Any, options: argparse.Namespace) -> None:
    """The answers of the wizard."""
    if options.backbone:
        draft.set_backbone(options.backbone)
    draft.set_strategy(options.strategy)
    draft.set_training("epochs", options.epochs)


def report(platform: str, probe: Probe | None, found: dict[str, Any], code: int) -> None:
    """What was found, in some lines."""
    if probe is not None and probe.gaps_ms:
        say(f"{platform:<10}gaps      {shares(probe.gaps_ms)}; {len(probe.gaps_ms)} events in {found['seconds']:.0f} s")
        say(f"{platform:<10}own work  {shares(probe.own_ms)}; load of this computer {os.getloadavg()[0]:.1f}")
    modules = ", ".join(found["modules"]) or "none"
    say(
        f"{platform:<10}window's process {found['peak'] / 2**20:.0f} MB at most; modules that must not be there: {modules}; "
        f"run: {found.get('ending', 'not begun')}; exit code {code}"
    )


def shares(values: list[float]) -> str:
    """The middle, the tail and the largest."""
    ordered = sorted(values)
    parts = ((f"p{100 * share:g}", ordered[min(len(ordered) - 1, int(share * len(ordered)))]) for share in _SHARES)
    return ", ".join(f"{name} {value:.1f} ms" for name, value in parts) + f", largest {ordered[-1]:.1f} ms"


def demo_images() -> Path:
    """Drawn once, in the folder of this measurement."""
    place = Path(os.environ["TLGUI_PROJECTS_DIR"]).parent / "demo images"
    # Drawn by a process of its own: the library that draws is none of the window's.
    code = "from tlgui.imaging.demo_images import draw_demo_images as draw; draw(Path(sys.argv[1]))"
    subprocess.run([sys.executable, "-c", f"import sys; from pathlib import Path; {code}", str(place)], check=True)
    return place


def resident_bytes() -> int:
    """Of this process."""
    import psutil

    return int(psutil.Process().memory_info().rss)


def say(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
