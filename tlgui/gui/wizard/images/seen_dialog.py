"""What the network sees: an image as stored, after every step of decoding, and as the square that enters the network."""

from __future__ import annotations

from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any, NamedTuple

from PySide6.QtWidgets import QHBoxLayout, QVBoxLayout, QWidget

from tlgui.core.backbones import backbone
from tlgui.core.imaging_messages import Inspect, Inspected, Refused
from tlgui.core.preprocessing import Fit
from tlgui.core.records import PixelRule
from tlgui.gui.imaging_thread import ImagingThread, SeenPictures
from tlgui.gui.numbers import count
from tlgui.gui.widgets import Action, Banner, Button, Dialog, Label
from tlgui.gui.wizard.images.seen_parts import SeenPicture, WordRows
from tlgui.gui.wizard.images.seen_words import NO_STEPS, losses, size_words

if TYPE_CHECKING:
    from tlgui.gui.wizard.images.class_walk import ClassWalk

_LONGEST = 480  # points of the pictures' longer side
_FINE = "Nothing is lost that calls for a warning."


class Look(NamedTuple):
    """How images are looked at.

    Attributes:
        root: the folder.
        class_name: whose images.
        rule: how stored values are mapped.
        backbone: the network, a row of the backbone table.
        fit: how a long image becomes a square.
    """

    root: Path
    class_name: str
    rule: PixelRule
    backbone: str
    fit: Fit


class SeenDialog(Dialog):
    """Three pictures of one image, with every step and every loss; Left and Right move, Home and End too.

    Args:
        walk: through the images of a class.
        look: how they are looked at.
        imaging: makes the pictures.
        parent: whose window it lies over.
    """

    def __init__(self, walk: ClassWalk, look: Look, imaging: ImagingThread, parent: QWidget) -> None:
        row = backbone(look.backbone)
        super().__init__(
            "What the network sees",
            f"{row.label} gets every image as a square of {row.size} x {row.size} pixels.",
            parent,
        )
        walk.setParent(self)
        self._walk, self._look, self._imaging = walk, look, imaging
        self._ticket: int | None = None
        self._shown = ""
        self.name, self.place = Label("", "strong", elide=True), Label("", "muted")
        self.before = Action("Previous", lambda: self._step(-1), "Left", "The image before", "back", self)
        self.next = Action("Next", lambda: self._step(1), "Right", "The next image", "forward", self)
        self.again: Button | None = None
        self.original = SeenPicture("As stored")
        self.decoded = SeenPicture("After decoding")
        self.square = SeenPicture("What enters the network")
        self.banner = Banner("neutral")
        self.steps = WordRows("Every step, in its order", "caption")
        self.losses = WordRows("What is lost", "caption-strong")
        self._build()
        self.add_button("Close", "secondary", default=True)
        walk.moved.connect(self._on_moved)
        walk.refused.connect(self._on_refused)
        imaging.inspected.connect(self._on_inspected)
        imaging.answered.connect(self._on_answered)
        self.finished.connect(lambda _result: self._forget())
        room = self.screen().availableGeometry().size()
        self.resize(min(1000, room.width() - 40), min(680, room.height() - 60))
        walk.ask()
        self._on_moved()

    def _build(self) -> None:
        self.place.setToolTip("Left and Right go on, Home and End to the first and to the last image.")
        for keys, go in (("Home", lambda: self._walk.go(0)), ("End", lambda: self._walk.go(self._walk.total - 1))):
            self.addAction(Action(keys, go, keys, parent=self))
        head = QHBoxLayout()
        head.setSpacing(8)
        head.addWidget(self.name, 1)
        head.addWidget(self.place)
        head.addSpacing(8)
        head.addWidget(Button(action=self.before))
        head.addWidget(Button(action=self.next))
        pictures = QHBoxLayout()
        pictures.setSpacing(12)
        for picture in (self.original, self.decoded, self.square):
            pictures.addWidget(picture, 1)
        words = QHBoxLayout()
        words.setSpacing(24)
        for title, rows in (("Every step", self.steps), ("What is lost", self.losses)):
            column = QVBoxLayout()
            column.setSpacing(2)
            column.addWidget(Label(title, "strong"))
            column.addWidget(rows)
            words.addLayout(column, 1)
        self.body.addLayout(head)
        self.body.addLayout(pictures, 3)
        self.body.addWidget(self.banner)
        self.body.addLayout(words, 1)

    def _step(self, steps: int) -> None:
        if self._walk.at is not None:
            self._walk.go(self._walk.at + steps)

    def _on_moved(self) -> None:
        at, total, path = self._walk.at, self._walk.total, self._walk.path
        self.name.setText(PurePosixPath(path).name or "…")
        self.name.setToolTip(path)
        self.place.setText(f"{'…' if at is None else count(at + 1)} of {count(total)} in '{self._look.class_name}'")
        finding = "The place of this image is being looked up." if at is None else ""
        self.before.set_reason(finding or ("This is the first image." if at == 0 else ""))
        self.next.set_reason(finding or ("This is the last image." if at == total - 1 else ""))
        if path != self._shown or not path:
            self._ask()

    def _on_refused(self, sentence: str) -> None:
        if not self._walk.path:  # else the image is at hand, only its neighbours are not
            self._fail(sentence)

    def _on_again(self) -> None:
        self._walk.ask()
        self._ask()

    def _ask(self) -> None:
        self._forget()
        self._shown = path = self._walk.path
        self._clear("Reading…")
        self.banner.set("neutral", "Reading the image…")
        if path:
            look = self._look
            self._ticket = self._imaging.new_ticket()
            longest = round(_LONGEST * self.devicePixelRatioF())
            request = Inspect(
                ticket=self._ticket, root=str(look.root.absolute()), path=path, rule=look.rule, backbone=look.backbone,
                fit=look.fit, longest=longest,
            )  # fmt: skip
            self._imaging.ask(request)

    def _forget(self) -> None:
        """Somebody who holds the key down passes over many: those are not read any more."""
        if self._ticket is not None:
            self._imaging.forget(self._ticket)
            self._ticket = None

    def _clear(self, words: str) -> None:
        for picture in (self.original, self.decoded, self.square):
            picture.say(words)
        self.steps.show_rows(())
        self.losses.show_rows(())
        self.banner.clear_buttons()

    def _on_inspected(self, answer: Inspected, pictures: SeenPictures | None) -> None:
        if answer.ticket != self._ticket:
            return
        self._forget()
        if pictures is None or any(picture.isNull() for picture in pictures):
            self._fail(answer.problem or "There is no picture.")
        else:
            self._show(answer, pictures)

    def _on_answered(self, answer: Any) -> None:
        if isinstance(answer, Refused) and answer.ticket == self._ticket:
            self._forget()
            self._fail(answer.problem, answer.remedy)

    def _show(self, answer: Inspected, pictures: SeenPictures) -> None:
        square = pictures.square
        self.original.show_picture(pictures.original, "as a plain viewer shows it")
        self.decoded.show_picture(pictures.decoded, size_words(answer.width, answer.height))
        self.square.show_picture(square, size_words(square.width(), square.height()))
        steps = [(f"{number}.", sentence) for number, sentence in enumerate(answer.steps, 1)]
        self.steps.show_rows(steps or [("", NO_STEPS)])
        self.losses.show_rows(losses(answer))
        self.banner.set("warn" if answer.warning else "good", answer.warning or _FINE)

    def _fail(self, problem: str, remedy: str = "") -> None:
        self._clear("No picture")
        self.banner.set("bad", problem, remedy)
        self.again = Button("Try again", small=True)
        self.again.setToolTip("Reads the image again.")
        self.again.clicked.connect(self._on_again)
        self.banner.add_button(self.again)
