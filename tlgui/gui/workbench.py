"""What every page receives as `bench`: the one place to ask for work, and to hear how it goes."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from PySide6.QtCore import QObject, Signal

from tlgui.core import commands
from tlgui.core.run_folder import RunFolder
from tlgui.core.run_spec import RunSpec
from tlgui.gui.advice_desk import AdviceDesk
from tlgui.gui.backbone_desk import BackboneDesk, BackboneStates
from tlgui.gui.compare_desk import CompareDesk
from tlgui.gui.continuing import begin_continuing, end_continuing
from tlgui.gui.draft import Draft
from tlgui.gui.gap_desk import GapDesk
from tlgui.gui.intake_desk import IntakeDesk
from tlgui.gui.job_queue import JobQueue
from tlgui.gui.kept_desk import KeptDesk
from tlgui.gui.machine import Machine
from tlgui.gui.model_desk import ModelDesk
from tlgui.gui.queue_desk import QueueDesk
from tlgui.gui.run_desk import RunDesk
from tlgui.gui.run_places import site_place_of
from tlgui.gui.scan_desk import ScanDesk
from tlgui.gui.shock_desk import ShockDesk
from tlgui.gui.shortcut_desk import ShortcutDesk
from tlgui.gui.site_score_desk import SiteScoreDesk
from tlgui.gui.sites_desk import SitesDesk
from tlgui.gui.wake import Wakefulness

if TYPE_CHECKING:
    from tlgui.gui.continuing import Found
    from tlgui.gui.engine_thread import EngineThread
    from tlgui.gui.imaging_thread import ImagingThread
    from tlgui.gui.pages.start.dropped import Meaning
    from tlgui.gui.recent import RecentRuns
    from tlgui.gui.run_model import RunModel
    from tlgui.gui.settings import Settings
    from tlgui.gui.thumbnails import ThumbnailStore

# One step of an export takes some seconds, many beside a training.
_SIDE_PATIENCE_S = 60.0


class Workbench(QObject):
    """Engines, images, the run that is set up and the run that is shown.

    Nothing here waits: a method begins something and returns, and a signal or a property tells what came of it.

    Args:
        engine: the warm engine, for training and short work while none trains.
        side: an engine on demand, for exports, downloads, and single images while the first one trains.
        imaging: the child process that reads images.
        thumbnails: small pictures, by way of `imaging`.
        settings, recent: the person's own.

    Attributes:
        draft: the run that is set up; the object stays the same for the life of the window.
        intake: what the person decides about its images: `change(...)`, `undo(...)`, `busy`, `problem`.
        shortcuts: whether the label can be guessed from what must not matter: `look()`, `cancel()`, `found`, `changed`.
        shock: what a split without regard to groups would have made of the score: `measure()`, `cancel()`, `found`.
        advice: how to train on these images: `look()`, `cancel()`, `found`, `similarity`, `kind`, `changed`.
        gap: how different the images of the new site are: `measure()`, `cancel()`, `found`, `changed`.
        site_score: the shown run on labelled images of the new site: `score(folder, before)`, `cancel()`, `scored`.
        machine: what is known of this computer: `sentence()`, `device_sentence`, `speed(backbone)`.
        backbones: where the weights of each network are, and how fast it is here: `row(name)`, `rows()`, `changed`.
        queue: runs that begin one after another: `waiting`, `busy`, `sentence`, `begin()`, `remove(run)`, `changed`.
        wakefulness: keeps the computer awake while it trains; `text` is for the train page.
        page: name of the page that is shown.
    """

    run_changed = Signal()
    """Another run is shown, or none, or training began or ended: read `run`, `training_run`, `read_only` again."""
    page_asked = Signal(str)
    device_changed = Signal()
    scan_progressed = Signal(int, int, object)
    """(files done, files in all, seconds left or None)"""
    problem_raised = Signal(object, str)
    """(an error with `problem`, `remedy`, `details`; the page that shows it)"""
    opening_changed = Signal()
    """A run begins to be read from its folder, or that is over: read `opening` again."""
    images_found = Signal()
    """The images of the shown run have a place now, or another one."""
    export_event = Signal(object)
    predict_event = Signal(object)
    download_event = Signal(object)
    weights_checked = Signal(object)
    """`WeightsChecked`, or `Failed` with the reason why the file does not do."""
    asked = Signal(str)
    """The window's own: "settings", "help", "choose_folder", "choose_run", "choose_images", "choose_site"."""

    def __init__(
        self,
        engine: EngineThread,
        side: EngineThread,
        imaging: ImagingThread,
        thumbnails: ThumbnailStore,
        settings: Settings,
        recent: RecentRuns,
        parent: QObject | None = None,
    ) -> None:
        super().__init__(parent)
        self.engine, self.side, self.imaging, self.thumbnails = engine, side, imaging, thumbnails
        self.settings, self.recent = settings, recent
        self.page = "start"
        self.draft = Draft(self)
        self.machine = Machine(self)
        # Before the queue, whose listeners end with it: a run that waited says it by itself.
        engine.start_failed.connect(self._on_start_failed)
        self.jobs = JobQueue(engine, self)
        self.side_jobs = JobQueue(side, self, patience_s=_SIDE_PATIENCE_S)
        # Before the scans: when the draft shows what a decision made of the images, it is no longer on its way.
        self.intake = IntakeDesk(self)
        self.scans = ScanDesk(self)
        self.runs = RunDesk(self)
        self.queue = QueueDesk(self)
        self.weights = BackboneDesk(self)
        self.models = ModelDesk(self)
        self.kept = KeptDesk(self)
        self.shortcuts = ShortcutDesk(self)
        self.shock = ShockDesk(self)
        self.advice = AdviceDesk(self)
        self.gap = GapDesk(self)
        self.compare = CompareDesk(self)
        self.sites = SitesDesk(self)
        self.site_score = SiteScoreDesk(self)
        self.backbones: BackboneStates = self.weights.states
        self.draft.weights_problem = self.weights.problem
        self.wakefulness = Wakefulness(self)
        self.draft.set_level(settings.values.level)
        self.draft.changed.connect(self._on_draft_changed)
        self.machine.changed.connect(self.device_changed)
        self.run_changed.connect(self._hold_sleep_off)
        self.queue.changed.connect(self._hold_sleep_off)
        settings.changed.connect(self._hold_sleep_off)
        settings.changed.connect(self._on_settings_changed)
        engine.ready.connect(self._on_engine_ready)
        engine.memory_changed.connect(self._on_memory_changed)

    # The run that is set up

    def open_folder(self, path: Path, keep: bool = False, table: str = "") -> None:
        """Begins to read a folder of images and shows the page "images".

        Args:
            path: the folder.
            keep: the other answers of the wizard stay as they are.
            table: name of a file in it that the labels come from; "" = as recognised.
        """
        self.runs.show_none()
        # On its page another folder is chosen for what is set up: a run that continues one still does.
        keep = keep or (self.page == "images" and self.draft.continues is not None)
        self.scans.open_folder(path, keep, table)

    def learn_on(self, found: Found, folder: Path) -> None:
        """Sets a run up that continues an earlier one, on a folder of new images."""
        self.runs.show_none()
        self.draft.clear()
        begin_continuing(self.draft, found)
        self.scans.open_folder(folder, keep=True)

    def learn_anew(self) -> None:
        """Sets a new model up instead of continuing one; the folder is read again by what that needs."""
        end_continuing(self.draft)
        self.scans.read_again()

    def open_archive(self, path: Path) -> None:
        """Unpacks a zip among the person's projects, then reads what was in it."""
        self.runs.show_none()
        self.scans.open_archive(path)

    def open_meaning(self, meaning: Meaning) -> bool:
        """Opens what the person dropped or chose.

        Returns:
            Whether there was anything to open; else the problem that it names is to be shown.
        """
        if meaning.run is not None:
            self.open_run(meaning.run)
        elif meaning.archive is not None:
            self.open_archive(meaning.archive)
        elif meaning.images is not None:
            self.open_folder(meaning.images, table=meaning.table)
        else:
            return False
        return True

    def cancel_scan(self) -> None:
        """Stops reading; nothing of that folder arrives any more."""
        self.scans.cancel()

    def open_demo(self) -> None:
        """Draws the demo images, reads them, and starts a training on them with the defaults."""
        self.runs.show_none()
        self.scans.open_demo()

    def new_run_from(self) -> None:
        """Sets up a new run with the images and the answers of the one that is shown."""
        self.runs.new_run_from()

    @property
    def scan_ticket(self) -> int | None:
        """With this the imaging child is asked for more of the folder in hand; `None` without one."""
        return self.scans.ticket

    @property
    def read_only(self) -> bool:
        """Whether the wizard shows how the shown run was set up, and nothing can be changed."""
        return self.run is not None

    # The run that is shown, and the one that trains

    @property
    def run(self) -> RunModel | None:
        """The run that is shown."""
        return self.runs.shown

    @property
    def run_folder(self) -> RunFolder | None:
        """The folder of the run that is shown; `None` while there is none yet."""
        return self.runs.folder

    @property
    def run_spec(self) -> RunSpec | None:
        """What the shown run is; frozen when it began."""
        return self.runs.spec

    @property
    def training_run(self) -> RunModel | None:
        """The run that trains now, shown or not."""
        return self.runs.training

    @property
    def training_name(self) -> str:
        """The name of the images that train, "" while none do."""
        return self.runs.training_name

    @property
    def training_folder(self) -> RunFolder | None:
        """The folder of the run that trains; `None` while there is none."""
        return self.runs.training_folder

    @property
    def opening(self) -> Path | None:
        """The run that is being read from its folder, to be shown in a moment."""
        return self.runs.opening

    def show_training(self) -> None:
        """Shows the run that trains, and its curves."""
        self.runs.show_training()

    @property
    def is_training(self) -> bool:
        """Whether a run is being prepared or trains."""
        return self.runs.training is not None

    def reason_against_start(self) -> str:
        """Why no training can begin now, as a sentence; "" when it can."""
        return self.runs.reason_against_start()

    def start_training(self) -> None:
        """Begins the run as it is set up and shows the page "train"; a second press does nothing."""
        self.runs.start()

    def reason_against_queue(self) -> str:
        """Why the run that is set up cannot wait for its turn, as a sentence; "" when it can."""
        return self.queue.reason_against()

    def queue_run(self) -> None:
        """Makes its folder now and lets it begin when the training that is at work has ended; `queue.changed` tells."""
        self.queue.add()

    def open_run(self, path: Path) -> None:
        """Shows a run from its folder: live when it trains here, else replayed from what it said."""
        self.runs.open(path)

    def continue_run(self, more_epochs: int = 0) -> None:
        """Goes on with the shown run from its last checkpoint."""
        self.runs.go_on(more_epochs)

    def find_images(self, path: Path) -> None:
        """Says where the images of the shown run are now; `images_found` or `problem_raised` follows."""
        self.runs.find_images(path)

    def find_site(self, path: Path) -> None:
        """The same for the images of the new site that it adapts to."""
        self.runs.find_beside(path, site_place_of)

    def data_of(self, run: RunModel | None = None) -> Path | None:
        """Where the images of a run lie (default: of the shown one); `None` where that is unknown."""
        return self.runs.data_of(run or self.run)

    def send(self, command: commands.Command) -> None:
        """Tells the run that trains something: `Pause`, `Stop`, `Unfreeze` and so on."""
        self.runs.send(command)

    def end_engine(self) -> None:
        """Ends an engine that does not answer; its run ends as crashed and can be continued, and a fresh one starts."""
        self.engine.end_now()

    # What is done with a trained model

    def export(self, format: Literal["weights", "onnx"], to: Path | None = None) -> None:
        """Exports the shown run and proves that the export answers the same; `export_event` tells how it goes."""
        self.models.export(format, to)

    def cancel_export(self) -> None:
        """Asks the export to stop."""
        self.models.cancel_export()

    def predict(self, paths: Sequence[Path]) -> None:
        """Answers for files and folders with the shown run; `predict_event` brings `Predicted` and an ending."""
        self.models.predict(paths)

    def cancel_predict(self) -> None:
        """Asks the answering to stop."""
        self.models.cancel_predict()

    # Networks

    def measure_backbone(self, name: str) -> None:
        """Measures how fast a network is here; `backbones.changed` follows."""
        self.weights.measure(name)

    def download_backbone(self, name: str) -> None:
        """Fetches the weights of a network; `download_event` tells how it goes."""
        self.weights.download(name)

    def cancel_download(self) -> None:
        """Asks the download to stop."""
        self.weights.cancel_download()

    def check_weights_file(self, name: str, path: Path) -> None:
        """Looks whether a file holds the weights of a network; `weights_checked` answers."""
        self.weights.check_file(name, path)

    # The window

    def show(self, page: str) -> None:
        """Asks the window for a page, by its name."""
        self.page_asked.emit(page)

    def open_settings(self) -> None:
        """Opens the settings dialog."""
        self.asked.emit("settings")

    def open_help(self) -> None:
        """Opens the help dialog."""
        self.asked.emit("help")

    def choose_folder(self) -> None:
        """Asks for a folder of images and opens it."""
        self.asked.emit("choose_folder")

    def choose_run(self) -> None:
        """Asks for a run folder and opens it."""
        self.asked.emit("choose_run")

    def choose_images(self) -> None:
        """Asks where the images of the shown run are now."""
        self.asked.emit("choose_images")

    def choose_site(self) -> None:
        """Asks where the images of the new site are now that the shown run adapts to."""
        self.asked.emit("choose_site")

    def wake(self) -> None:
        """Starts the warm engine; the window calls this after its first paint."""
        self.engine.start()
        self.weights.survey()
        self.queue.read()

    def _on_draft_changed(self) -> None:
        self.settings.set(level=self.draft.level)

    def _on_settings_changed(self) -> None:
        self.draft.set_level(self.settings.values.level)

    def _hold_sleep_off(self) -> None:
        if (self.is_training or self.queue.busy) and self.settings.values.keep_awake:
            self.wakefulness.begin()
        else:
            self.wakefulness.end()

    def _on_memory_changed(self, size_bytes: int) -> None:
        if self.training_run is not None:
            self.training_run.set_memory(size_bytes)

    def _on_start_failed(self, error: Any) -> None:
        if not self.is_training:
            self.problem_raised.emit(error, self.page)

    def _on_engine_ready(self, ready: Any) -> None:
        self.machine.set_device(ready.device, ready.device_sentence)
