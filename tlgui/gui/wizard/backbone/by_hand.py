"""What a person behind a firewall needs: the exact file, its size, its checksum, and the folder to put it in."""

from __future__ import annotations

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QGridLayout, QHBoxLayout, QWidget

from tlgui.gui.widgets import Button, Card, Label


class ByHandCard(Card):
    """File name, size, checksum and folder, to be copied, and a button to look again.

    Attributes:
        look_again: the person has put the file there.
    """

    look_again = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__("Fetch it by hand", parent=parent)
        self._copy = Button("Copy all", kind="link", small=True)
        self._copy.setToolTip("Copies file name, size, checksum, address and folder, for whoever fetches the file.")
        self._copy.clicked.connect(self._on_copy)
        self.add_head(self._copy)
        self._grid = QGridLayout()
        self._grid.setHorizontalSpacing(16)
        self._grid.setVerticalSpacing(4)
        self._grid.setColumnStretch(1, 1)
        self._values: dict[str, Label] = {}
        for number, name in enumerate(("File", "Size", "SHA-256", "From", "Put it in")):
            value = Label("", "mono", wrap=True)
            self._values[name] = value
            self._grid.addWidget(Label(name, "caption"), number, 0, Qt.AlignmentFlag.AlignTop)
            self._grid.addWidget(value, number, 1)
        self.body.addLayout(self._grid)
        self._said = Label("", "caption", wrap=True)
        self._again = Button("Look again", small=True, icon="search")
        self._again.setToolTip("Looks whether the file is in that folder now.")
        self._again.clicked.connect(self.look_again)
        row = QHBoxLayout()
        row.addWidget(self._said, 1)
        row.addWidget(self._again)
        self.body.addLayout(row)
        self._text = ""

    def set_file(
        self, label: str, file_name: str, size_bytes: int, sha256_prefix: str, folder: str, url: str = ""
    ) -> None:
        """Shows what to fetch.

        Args:
            label: the network's name.
            file_name: exactly as it must be called.
            size_bytes: of the file.
            sha256_prefix: how its checksum begins.
            folder: where it must be put.
            url: where it is published.
        """
        self.set_title(f"Fetch {label} by hand")
        checksum = f"begins with {sha256_prefix}" if sha256_prefix else "not published"
        size = f"{size_bytes / 2**20:.1f} MB"
        values = {"File": file_name, "Size": size, "SHA-256": checksum, "From": url or "not known", "Put it in": folder}
        text = "\n".join(f"{name}: {value}" for name, value in values.items())
        for name, value in values.items():
            # A path has no spaces to break at; a zero-width one after each separator lets it wrap.
            shown = value.replace("/", "/\u200b").replace("\\", "\\\u200b") if name in ("Put it in", "From") else value
            self._values[name].setText(shown)
        if text != self._text:
            self._text = text
            self._said.setText("No internet? Fetch it elsewhere, put it there under this very name, then look again.")

    def say(self, text: str) -> None:
        """What came of looking."""
        self._said.setText(text)

    def _on_copy(self) -> None:
        QGuiApplication.clipboard().setText(self._text)
        self._said.setText("All of it is on the clipboard.")
