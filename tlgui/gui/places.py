"""The pages of the window and the keys that work everywhere, as two tables.

To add a page: append a `Place` (its class is made as `Page(bench, parent)` on its first visit), and, if it has a key of
its own, nothing more: the numbers follow the order here.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True)
class Place:
    """A page.

    Attributes:
        name: as in `bench.show(name)`.
        label, icon: in the rail.
        part: "setup" (a step of the wizard), "run", or "" (stands alone, without the rail).
        path: "module:Class".
        about: what is found there, in plain words.
    """

    name: str
    label: str
    icon: str
    part: Literal["setup", "run", ""]
    path: str
    about: str


PLACES: tuple[Place, ...] = (
    Place("start", "All projects", "back", "", "tlgui.gui.pages.start_page:StartPage", "Your images, earlier runs"),
    Place(
        "images",
        "Images",
        "images",
        "setup",
        "tlgui.gui.wizard.images_page:ImagesPage",
        "The folder, its classes and what is left out",
    ),
    Place(
        "backbone",
        "Backbone",
        "layers",
        "setup",
        "tlgui.gui.wizard.backbone_page:BackbonePage",
        "The pretrained network that you build on",
    ),
    Place(
        "strategy",
        "Strategy",
        "scales",
        "setup",
        "tlgui.gui.wizard.strategy_page:StrategyPage",
        "How much of the network learns",
    ),
    Place(
        "review",
        "Review",
        "list",
        "setup",
        "tlgui.gui.wizard.review_page:ReviewPage",
        "Everything once more, then start",
    ),
    Place("train", "Train", "train", "run", "tlgui.gui.pages.train_page:TrainPage", "The curves and the layers"),
    Place(
        "results",
        "Results",
        "grid",
        "run",
        "tlgui.gui.pages.results_page:ResultsPage",
        "The scores and how sure they are",
    ),
    Place("use", "Try it", "scan", "run", "tlgui.gui.pages.use_page:UsePage", "What the model says of other images"),
    Place(
        "export",
        "Export",
        "export",
        "run",
        "tlgui.gui.pages.export_page:ExportPage",
        "Files for other programs, checked",
    ),
    Place(
        "compare",
        "Compare",
        "parity",
        "run",
        "tlgui.gui.pages.compare_page:ComparePage",
        "Several ways of training side by side",
    ),
)

NUMBERED = tuple(place.name for place in PLACES if place.part)


@dataclass(frozen=True)
class Key:
    """A key that works everywhere in the window.

    Attributes:
        keys: as Qt spells them.
        text: what it does.
        does: the name of the main window's method.
    """

    keys: str
    text: str
    does: str


KEYS: tuple[Key, ...] = (
    Key("Ctrl+Return", "Press the blue button of this page", "press_primary"),
    Key("F6", "Go on to the next part: rail, page, foot", "focus_next_part"),
    Key("Shift+F6", "Go back to the part before", "focus_previous_part"),
    *(
        Key(f"Ctrl+{number}", f"Open {next(place.label for place in PLACES if place.name == name)}", f"go:{name}")
        for number, name in enumerate(NUMBERED, start=1)
    ),
    Key("Alt+Left", "Back to the page before", "go_back"),
    Key("Ctrl+O", "Choose a folder of images", "choose_folder"),
    Key("Ctrl+Shift+O", "Open a run", "choose_run"),
    Key("F1", "Help", "open_help"),
    Key("Ctrl+,", "Settings", "open_settings"),
    Key("Ctrl+Q", "Close tlgui", "close"),
)

# Keys that pages and lists know for themselves, for the list in the help.
PAGE_KEYS: tuple[tuple[str, str], ...] = (
    ("Tab, Shift+Tab", "The next or the previous control"),
    ("Arrow keys", "Inside a table, a ladder, tiles or a plot"),
    ("Enter or Space", "Pick or press what has the focus"),
    ("F2", "Rename the class at hand"),
    ("Menu key or Shift+F10", "What can be done with the class at hand"),
    ("Esc", "Close a dialog or a large view"),
)


def keys_of(does: str) -> str:
    """The keys of a method, "" where it has none."""
    return next((key.keys for key in KEYS if key.does == does), "")


def place(name: str) -> Place:
    """The page of that name.

    Raises:
        KeyError: there is none.
    """
    for row in PLACES:
        if row.name == name:
            return row
    raise KeyError(name)
