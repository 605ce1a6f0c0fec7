"""How training images are varied: chosen while looking at nine views of an image of the person's own."""

from __future__ import annotations

from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import Qt
from PySide6.QtGui import QImage
from PySide6.QtWidgets import (
    QButtonGroup,
    QCheckBox,
    QFrame,
    QHBoxLayout,
    QRadioButton,
    QScrollArea,
    QVBoxLayout,
    QWidget,
)

from tlgui.core.augmentations import AUGMENTATIONS, in_use
from tlgui.core.imaging_messages import Refused, ShowViews, ViewsShown
from tlgui.core.records import PixelRule
from tlgui.gui.widgets import Action, Banner, Button, Dialog, Label
from tlgui.gui.wizard.augmentation.answer import answer_of, variation
from tlgui.gui.wizard.augmentation.own_images import OwnImages
from tlgui.gui.wizard.augmentation.view_tiles import SHOWN, ViewGrid, ViewTile
from tlgui.gui.wizard.augmentation.words import lines
from tlgui.gui.wizard.images.seen_parts import WordRows

if TYPE_CHECKING:
    from tlgui.gui.workbench import Workbench

_TEXT = (
    "Each time a training image is used it looks a little different, so that the network learns what does not matter."
)
_SIDE = 224  # points
_CHOICES_WIDTH = 300
_MIRROR_TIP = "A mirror image of each picture could be just as real."
_BEGAN = "The run has begun: how its images are varied stays as it is."


class AugmentationDialog(Dialog):
    """Kinds of pictures at the left, at the right what training makes of one image; a choice holds at once.

    Args:
        bench: for the draft and the images.
        parent: whose window it lies over.
    """

    def __init__(self, bench: Workbench, parent: QWidget) -> None:
        super().__init__("How training images are varied", _TEXT, parent)
        self._bench, self._draft = bench, bench.draft
        self._ticket: int | None = None
        self._asked: tuple[Any, ...] = ()
        self.images = OwnImages(bench, self)
        self.choices: dict[str, QRadioButton] = {}
        self.mirror = QCheckBox("Left and right may change places")
        self.mirror.setToolTip(_MIRROR_TIP)
        self.said = WordRows("What is done to it", "caption")
        self.name = Label("", "strong", elide=True)
        self.another = Action("Another image", self.images.go_on, "Ctrl+Right", "Shows another image", "forward", self)
        self.plain = ViewTile("The image as it is")
        self.plain.keep_square()
        self.grid = ViewGrid()
        self.banner = Banner("bad")
        self.again = Button("Try again", small=True)
        self._build()
        self.add_button("Close", "secondary", default=True)
        self.images.changed.connect(self._on_image_changed)
        self._draft.changed.connect(self._refresh)
        bench.imaging.views_shown.connect(self._on_views_shown)
        bench.imaging.answered.connect(self._on_answered)
        self.finished.connect(lambda _result: self._forget())
        room = self.screen().availableGeometry().size()
        self.resize(min(980, room.width() - 40), min(640, room.height() - 60))
        self._refresh()
        self.images.begin()

    # Parts

    def _build(self) -> None:
        row = QHBoxLayout()
        row.setSpacing(20)
        row.addWidget(self._chooser())
        row.addLayout(self._pictures(), 1)
        self.body.addLayout(row, 1)
        self.banner.hide()
        self.again.setToolTip("Reads the image again.")
        self.again.clicked.connect(self._ask_again)
        self.banner.add_button(self.again)
        self.body.addWidget(self.banner)

    def _chooser(self) -> QWidget:
        inside = QWidget()
        inside.setProperty("role", "plain")
        column = QVBoxLayout(inside)
        column.setContentsMargins(0, 0, 8, 0)
        column.setSpacing(0)
        group = QButtonGroup(self)
        for row in AUGMENTATIONS.values():
            button = QRadioButton(row.label)
            button.setAccessibleName(f"{row.label}: {row.sentence}")
            button.setToolTip(f"{row.sentence} Arrow keys move between the kinds.")
            button.clicked.connect(lambda _checked, name=row.name: self._on_picked(name))
            group.addButton(button)
            self.choices[row.name] = button
            words = Label(row.sentence, "caption", wrap=True)
            words.setContentsMargins(25, 0, 0, 6)
            column.addWidget(button)
            column.addWidget(words)
        self.mirror.clicked.connect(self._on_mirror_clicked)
        column.addSpacing(6)
        column.addWidget(self.mirror)
        column.addStretch(1)
        area = QScrollArea()
        area.setWidgetResizable(True)
        area.setFrameShape(QFrame.Shape.NoFrame)
        area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        area.setAccessibleName("Kinds of pictures")
        area.setFocusPolicy(Qt.FocusPolicy.NoFocus)  # what lies in it can be reached
        area.setFixedWidth(_CHOICES_WIDTH)
        area.setWidget(inside)
        return area

    def _pictures(self) -> QVBoxLayout:
        head = QHBoxLayout()
        head.setSpacing(8)
        head.addWidget(self.name, 1)
        head.addWidget(Button(action=self.another))
        left = QVBoxLayout()
        left.setSpacing(4)
        left.addWidget(Label("As it is", "strong"))
        left.addWidget(Label("What validation and prediction see.", "caption", wrap=True))
        left.addWidget(self.plain)
        left.addSpacing(4)
        left.addWidget(self.said, 1)
        right = QVBoxLayout()
        right.setSpacing(4)
        right.addWidget(Label("Varied", "strong"))
        right.addWidget(Label("The first nine views that training sees of it.", "caption", wrap=True))
        right.addWidget(self.grid, 1)
        row = QHBoxLayout()
        row.setSpacing(16)
        row.addLayout(left, 2)
        row.addLayout(right, 5)
        column = QVBoxLayout()
        column.setSpacing(8)
        column.addLayout(head)
        column.addLayout(row, 1)
        return column

    # What the person does

    def _on_picked(self, name: str) -> None:
        self._draft.set_training("augmentation", name)

    def _on_mirror_clicked(self, wanted: bool) -> None:
        matters = answer_of(self._draft)
        # Where it is what holds anyway, nothing is set for this run alone.
        anyway = in_use(self._draft.training.augmentation, None if matters is None else not matters).mirror
        self._draft.set_training("mirror", None if wanted is anyway else wanted)

    # Showing

    def _refresh(self) -> None:
        row, locked = variation(self._draft), self._bench.read_only
        for name, button in self.choices.items():
            button.setChecked(name == row.name)
            button.setEnabled(not locked)
        self.mirror.setChecked(row.mirror)
        self.mirror.setEnabled(not locked and not row.changes_nothing)
        self.set_text(_BEGAN if locked else _TEXT)
        self.said.show_rows([("•", line) for line in lines(row)])
        self._ask()

    def _on_image_changed(self) -> None:
        self.name.setText(PurePosixPath(self.images.path).name or self.images.problem)
        self.name.setToolTip(self.images.path)
        only = self.images.count == 1
        self.another.set_reason(self.images.problem or ("This is the only image at hand." if only else ""))
        self._ask()

    def _ask_again(self) -> None:
        self._asked = ()
        self._ask()

    def _ask(self) -> None:
        draft, root, path = self._draft, self.images.root, self.images.path
        row = variation(draft)
        asked = (root, path, row.name, row.mirror, draft.backbone, draft.size, draft.fit)
        if asked == self._asked:
            return
        new_image = asked[:2] != self._asked[:2]
        self._asked = asked
        self._forget()
        self.banner.hide()
        if root is None or not path:
            self._clear("")
            return
        if new_image:  # those of the same image stay until the others come
            self._clear("Reading…")
        self._ticket = self._bench.imaging.new_ticket()
        self._bench.imaging.ask(self._request(root, path))

    def _request(self, root: Path, path: str) -> ShowViews:
        draft, row = self._draft, variation(self._draft)
        rule = draft.summary.pixel_rule if draft.summary is not None else self.images.rule
        return ShowViews(
            ticket=self._ticket or 0, root=str(root.absolute()), path=path, rule=rule or PixelRule(),
            backbone=draft.backbone, augmentation=row.name, mirror=row.mirror, fit=draft.fit, size=draft.size,
            count=SHOWN, longest=round(_SIDE * self.devicePixelRatioF()),
        )  # fmt: skip

    def _forget(self) -> None:
        if self._ticket is not None:
            self._bench.imaging.forget(self._ticket)
            self._ticket = None

    def _clear(self, words: str) -> None:
        self.plain.show_image(None, words)
        self.grid.show_images([], words)

    def _on_views_shown(self, answer: ViewsShown, pictures: list[QImage] | None) -> None:
        if answer.ticket != self._ticket:
            return
        self._forget()
        if not pictures or any(picture.isNull() for picture in pictures):
            self._fail(answer.problem or "There is no picture.", "Look at another image.")
            return
        self.plain.show_image(pictures[0])
        # Where nothing is varied, all are the plain one.
        self.grid.show_images(pictures[1:] or pictures * SHOWN)

    def _on_answered(self, answer: Any) -> None:
        if isinstance(answer, Refused) and answer.ticket == self._ticket:
            self._forget()
            self._fail(answer.problem, answer.remedy)

    def _fail(self, problem: str, remedy: str) -> None:
        self._clear("No picture")
        self.banner.set("bad", problem, remedy)
        self.banner.show()
