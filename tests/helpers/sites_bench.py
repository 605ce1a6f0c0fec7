"""A workbench that holds out sites: what the imaging child and the engine answer to it."""

from __future__ import annotations

from pathlib import Path

from helpers.bench import Bench, run_started
from helpers.compare_bench import DONE
from helpers.made_sites import compared_sites, end_site, make_sites, new_sites_folder, sites_of
from tlgui.core import events, sites
from tlgui.core.comparison import ComparedRun, Entrant
from tlgui.core.imaging_messages import PrepareSites, SitesPrepared, SitesTried, TrySites
from tlgui.core.sites import Sites

WAY = Entrant(strategy="feature-extraction")


def asked_sites(bench: Bench) -> PrepareSites:
    """What the imaging child was asked last, beside how sites could be told."""
    request = [one for one in bench.fake_imaging.asked if not isinstance(one, TrySites)][-1]
    assert isinstance(request, PrepareSites)
    return request


def tried(bench: Bench) -> list[str]:
    """The ways that were tried, in their order."""
    return [one.by for one in bench.fake_imaging.asked if isinstance(one, TrySites)]


def tell_sites(bench: Bench, by: str = "folder", **more: object) -> None:
    """The imaging child has tried a way."""
    fields = {"sites": {"art": 6, "photo": 10, "sketch": 8}, **more}
    assert bench.scan_ticket is not None
    bench.fake_imaging.answered.emit(SitesTried(ticket=bench.scan_ticket, by=by, **fields))  # type: ignore[arg-type]


def answer_sites(bench: Bench, folder: Path, asked: Sites) -> list[ComparedRun]:
    """The imaging child has made the run folders that are not there yet."""
    if not sites.is_sites(folder):
        make_sites(folder, asked)
    runs = compared_sites(folder, asked)
    bench.fake_imaging.answered.emit(
        SitesPrepared(ticket=asked_sites(bench).ticket, folder=str(folder), sites=asked, runs=runs)
    )
    return runs


def begun_sites(bench: Bench, data: Path, *names: str, folder: Path | None = None) -> list[ComparedRun]:
    """The sites of the images in a folder: their runs wait in the queue."""
    if bench.scan_ticket is None:
        bench.found(data)
    bench.sites.start("folder", WAY, 3)
    return answer_sites(bench, folder or new_sites_folder(), sites_of(*names))


def ended_site(bench: Bench, run: ComparedRun, ending: events.Event = DONE) -> None:
    """The run that trains ends so; a completed one leaves its answers."""
    bench.fake_engine.say(run_started(Path(run.run)))
    if ending is DONE:
        folder = Path(run.run).parent
        end_site(folder, sites.read(folder), run.label)
    bench.fake_engine.say(ending)
