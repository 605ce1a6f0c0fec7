"""What `tlgui check` asks the engine beside: the search for shortcuts, and the comparison of splits."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from tlgui.cli.drive import drive
from tlgui.cli.terminal import LiveRun, console, note
from tlgui.core import commands, events
from tlgui.core.engine_process import EngineProcess
from tlgui.core.paths import cache_dir
from tlgui.core.split import Part
from tlgui.imaging.listing import listing_path, write_listing
from tlgui.imaging.opening import Opened

Asked = events.ShortcutsProbed | events.SplitsCompared
_JOBS: dict[str, type[commands.ProbeShortcuts | commands.CompareSplits]] = {
    "shortcuts": commands.ProbeShortcuts,
    "shock": commands.CompareSplits,
}


def ask(
    engine: EngineProcess,
    questions: Sequence[str],
    opened: Opened,
    parts: Mapping[str, Part],
    answers: dict[str, Asked | None],
    quiet: bool,
) -> events.Ending:
    """Asks one question after another.

    One that has no answer for these images (no groups, say) is said on standard error and stops nothing.

    Args:
        engine: that does the work.
        questions: of "shortcuts" and "shock".
        opened: the folder.
        parts: of each used image.
        answers: by question; filled here.
        quiet: show no progress.

    Returns:
        The ending of the question that could not be finished, or of the last one.
    """
    path = listing_path(cache_dir())
    try:
        write_listing(path, opened.look, opened.scan, parts)
        ending: events.Ending = events.Completed(message="")
        for question in questions:
            ending = _one(engine, question, path, opened, answers, quiet)
            if isinstance(ending, events.Failed) and not ending.is_fault:
                note(ending.sentence())
                ending = events.Completed(message="")
            if not isinstance(ending, events.Completed):
                break
        return ending
    finally:
        path.unlink(missing_ok=True)


def _one(
    engine: EngineProcess, question: str, path: Path, opened: Opened, answers: dict[str, Asked | None], quiet: bool
) -> events.Ending:
    job = _JOBS[question](
        listing=str(path.absolute()), data=str(opened.look.root.absolute()), rule=opened.scan.pixel_rule
    )
    answers[question] = None

    def heard(show: Callable[[events.AnyEvent], None]) -> Callable[[events.AnyEvent], None]:
        def on_event(event: events.AnyEvent) -> None:
            if isinstance(event, events.ShortcutsProbed | events.SplitsCompared):
                answers[question] = event
            show(event)

        return on_event

    with LiveRun(console(), quiet) as live:
        return drive(engine, job, heard(live.on_event))
