"""The Backbone page: what a person reads, picks, downloads, gives by hand, and may not do."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest
from helpers.wizard_bench import FOLDER, FakeBench
from PySide6.QtCore import QMimeData, QPointF, Qt, QUrl
from PySide6.QtGui import QDropEvent, QGuiApplication
from PySide6.QtWidgets import QLabel, QWidget
from pytestqt.qtbot import QtBot

from tlgui.core import added_backbones
from tlgui.core.backbones import BACKBONES
from tlgui.core.events import BackboneDescribed, Completed, Crashed, Failed, Progress, Stopped, WeightsChecked
from tlgui.core.run_spec import RunSpec
from tlgui.gui.networks import look_again
from tlgui.gui.widgets import Button
from tlgui.gui.wizard.backbone.timm_dialog import TimmDialog
from tlgui.gui.wizard.backbone_page import BackbonePage

NAMES = list(BACKBONES)
NO_NETWORK = Failed(
    problem="The weights 'resnet50-11ad3fa6.pth' could not be fetched: there is no way to the server.",
    remedy="Train with --download.",
    code="download_failed",
)


@pytest.fixture
def state(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Path]:
    """A place for added models of its own."""
    monkeypatch.setenv("TLGUI_STATE_DIR", str(tmp_path / "state"))
    look_again()
    yield tmp_path / "state"
    look_again()


@pytest.fixture
def bench() -> FakeBench:
    return FakeBench()


@pytest.fixture
def page(qtbot: QtBot, bench: FakeBench) -> BackbonePage:
    page = BackbonePage(bench)  # type: ignore[arg-type]
    qtbot.addWidget(page)
    page.resize(1064, 800)
    page.show()
    page.entered()
    return page


def read(widget: QWidget) -> str:
    """All that can be read on it now."""
    return "\n".join(label.text() for label in widget.findChildren(QLabel) if label.isVisibleTo(widget))


def press(qtbot: QtBot, widget: QWidget, text: str) -> None:
    found = [b for b in widget.findChildren(Button) if b.plain_text.startswith(text) and b.isVisibleTo(widget)]
    assert len(found) == 1, text
    qtbot.mouseClick(found[0], Qt.MouseButton.LeftButton)


def pick(qtbot: QtBot, page: BackbonePage, name: str, column: int = 0) -> None:
    index = page.table.model().index(NAMES.index(name), column)
    page.table.scrollTo(index)
    where = page.table.visualRect(index).center()
    qtbot.mouseClick(page.table.viewport(), Qt.MouseButton.LeftButton, pos=where)


def column(page: BackbonePage, number: int) -> list[str]:
    return [page.table.cell_text(row, number) for row in range(page.table.row_count())]


def test_the_advised_network_is_picked_with_its_reason(page: BackbonePage) -> None:
    assert column(page, 0) == [row.label for row in BACKBONES.values()]
    assert page.table.picked_row() == 0
    where = dict(zip(NAMES, column(page, 6), strict=True))
    assert [where[name] for name in ("efficientnet-lite0", "resnet50", "efficientnet-b0", "vgg16")] == [
        "Built in", "Download", "Ready", "Download"
    ]  # fmt: skip
    assert where["tiny-cnn"] == "From scratch" and column(page, 3)[NAMES.index("tiny-cnn")] == "–"
    assert "Why EfficientNet-Lite0" in read(page) and "764 training images" in read(page)
    assert page.hint() == "EfficientNet-Lite0, built in"


def test_times_are_measured_estimated_or_not_known_yet(bench: FakeBench, page: BackbonePage) -> None:
    assert bench.asked == [("measure", "efficientnet-lite0")]
    assert column(page, 4) == ["measuring…"] + ["not measured yet"] * (len(NAMES) - 1)

    bench.weights.measuring = ""
    bench.backbones.measured("efficientnet-lite0", 5.12)

    assert column(page, 4)[0] == "5.1 s"
    assert all(text.startswith("≈ ") for text in column(page, 4)[1:])


def test_nothing_is_measured_before_it_is_known_what_was_measured_earlier(bench: FakeBench, page: BackbonePage) -> None:
    bench.asked.clear()
    bench.weights.measuring = ""
    bench.machine.is_read = False
    page.entered()
    assert bench.asked == []

    bench.backbones.measured("efficientnet-lite0", 5.12)
    bench.machine.is_read = True
    bench.backbones.changed.emit()
    assert bench.asked == []


def test_a_measurement_that_fails_is_not_begun_again_and_again(bench: FakeBench, page: BackbonePage) -> None:
    bench.weights.measuring = ""
    for _ in range(3):
        bench.backbones.changed.emit()

    assert bench.asked == [("measure", "efficientnet-lite0")]


def test_a_picked_network_is_remembered_and_measured(qtbot: QtBot, bench: FakeBench, page: BackbonePage) -> None:
    bench.weights.measuring = ""
    pick(qtbot, page, "efficientnet-b0")

    assert bench.draft.backbone == "efficientnet-b0"
    assert bench.asked[-1] == ("measure", "efficientnet-b0")
    assert page.hint() == "EfficientNet-B0, ready"
    assert "About EfficientNet-B0" in read(page)


def test_the_keyboard_picks_too(qtbot: QtBot, bench: FakeBench, page: BackbonePage) -> None:
    page.table.setFocus()
    qtbot.keyClick(page.table, Qt.Key.Key_Down)
    qtbot.keyClick(page.table, Qt.Key.Key_Space)

    assert bench.draft.backbone == NAMES[1]


def test_missing_weights_block_the_next_step_and_say_how_to_get_them(
    qtbot: QtBot, bench: FakeBench, page: BackbonePage
) -> None:
    pick(qtbot, page, "resnet50")

    assert not page.primary.isEnabled()
    assert page.hint() == "The weights of ResNet-50 are not on this computer. Download them, or choose a file."
    said = read(page).replace("\u200b", "")
    assert "Fetch ResNet-50 by hand" in said and "No internet? Fetch it elsewhere" in said
    for words in ("resnet50-11ad3fa6.pth", "97.8 MB", "begins with 11ad3fa6", FOLDER):
        assert words in said

    press(qtbot, page, "Copy all")
    copied = QGuiApplication.clipboard().text()
    assert copied.splitlines()[0] == "File: resnet50-11ad3fa6.pth" and copied.endswith(f"Put it in: {FOLDER}")


def test_look_again_finds_the_file_or_says_that_it_is_not_there(
    qtbot: QtBot, bench: FakeBench, page: BackbonePage
) -> None:
    pick(qtbot, page, "resnet50")
    press(qtbot, page, "Look again")
    assert bench.weights.surveys == 1

    bench.backbones.changed.emit()
    assert "Not there yet: resnet50-11ad3fa6.pth is not in that folder." in read(page)

    press(qtbot, page, "Look again")
    bench.backbones.set("resnet50", "ready")
    assert page.primary.isEnabled() and "by hand" not in read(page)


def test_a_download_shows_bytes_and_time_left_and_can_be_cancelled(
    qtbot: QtBot, bench: FakeBench, page: BackbonePage
) -> None:
    pick(qtbot, page, "resnet50", column=6)
    assert bench.draft.backbone == "resnet50" and bench.asked[-1] == ("download", "resnet50")

    bench.download_event.emit(Progress(stage="d", done=30 << 20, total=98 << 20, seconds_left=42.0))
    assert (
        column(page, 6)[NAMES.index("resnet50")] == "downloading"
        and page.hint() == "The weights of ResNet-50 are being downloaded."
    )
    assert "not on this computer" not in read(page) and "by hand" not in read(page)
    assert "Downloading ResNet-50\n30 of 98 MB, about 40 s left" in read(page)

    press(qtbot, page, "Cancel")
    assert bench.asked[-1] == ("cancel_download",)
    bench.download_event.emit(Stopped())
    assert "Downloading" not in read(page)
    assert not page.primary.isEnabled()
    assert column(page, 6)[NAMES.index("resnet50")] == "Download" and "Fetch ResNet-50 by hand" in read(page)


def test_one_download_at_a_time(qtbot: QtBot, bench: FakeBench, page: BackbonePage) -> None:
    pick(qtbot, page, "resnet50", column=6)
    pick(qtbot, page, "vgg16")

    button = next(b for b in page.weights.findChildren(Button) if b.plain_text == "Download 528 MB")
    assert not button.isEnabled() and button.toolTip().startswith("One download at a time")
    bench.download_event.emit(Progress(stage="d", done=30 << 20, total=98 << 20, seconds_left=42.0))
    assert "Downloading ResNet-50" in read(page)

    bench.download_event.emit(Stopped())
    assert button.isEnabled()


def test_after_the_download_the_way_is_free(qtbot: QtBot, bench: FakeBench, page: BackbonePage) -> None:
    pick(qtbot, page, "resnet50")
    press(qtbot, page, "Download 98 MB")
    bench.backbones.set("resnet50", "ready")
    bench.download_event.emit(Completed(message="x"))

    press(qtbot, page, "Next: Strategy")
    assert bench.asked[-1] == ("show", "strategy")


@pytest.mark.parametrize(
    ("ending", "said"),
    [
        (NO_NETWORK, "there is no way to the server.\nCheck the network or the proxy and try again, or fetch the file"),
        (Crashed(cause="signal 9"), "The download ended unexpectedly.\nTry again."),
    ],
)
def test_a_download_that_fails_says_so_beside_its_button(
    qtbot: QtBot, bench: FakeBench, page: BackbonePage, ending: Failed | Crashed, said: str
) -> None:
    pick(qtbot, page, "resnet50")
    press(qtbot, page, "Download 98 MB")
    bench.download_event.emit(ending)

    assert said in read(page.weights) and "--download" not in read(page)
    assert "Fetch ResNet-50 by hand" in read(page)

    press(qtbot, page, "Download 98 MB")
    assert said not in read(page.weights)
    assert bench.asked[-1] == ("download", "resnet50")


def test_a_file_that_fits_is_used(qtbot: QtBot, bench: FakeBench, page: BackbonePage, tmp_path: Path) -> None:
    file = tmp_path / "resnet50 <b>mine</b>.pth"
    pick(qtbot, page, "resnet50")
    drop(page, file)
    assert bench.asked[-1] == ("check", "resnet50", file)
    assert f"Checking {file.name}" in read(page)

    bench.weights_checked.emit(WeightsChecked(backbone="resnet50", file_name=file.name, sha256="0" * 64))

    assert f"{file.name}, checked: it fits ResNet-50." in read(page)
    assert column(page, 6)[NAMES.index("resnet50")] == "From file" and page.primary.isEnabled()
    assert bench.draft.weights_file == str(file)

    pick(qtbot, page, "efficientnet-b0")
    assert bench.draft.weights_file == ""
    pick(qtbot, page, "resnet50")
    assert bench.draft.weights_file == str(file), "it is remembered with its network"

    press(qtbot, page, "Use the published ones")
    assert bench.draft.weights_file == "" and not page.primary.isEnabled()


def test_a_file_of_another_network_is_refused_in_words(
    qtbot: QtBot, bench: FakeBench, page: BackbonePage, tmp_path: Path
) -> None:
    drop(page, tmp_path / "vgg16.safetensors")
    bench.weights_checked.emit(
        Failed(problem="'vgg16.safetensors' does not fit this backbone.", remedy="Choose another.")
    )

    assert "'vgg16.safetensors' does not fit this backbone.\nChoose another." in read(page.weights)
    assert bench.draft.weights_file == "" and page.primary.isEnabled()


def test_other_files_cannot_be_dropped(bench: FakeBench, page: BackbonePage, tmp_path: Path) -> None:
    drop(page, tmp_path / "photo.jpg")

    assert all(asked[0] != "check" for asked in bench.asked)


def test_a_damaged_file_is_told_apart_from_a_missing_one(qtbot: QtBot, bench: FakeBench, page: BackbonePage) -> None:
    bench.backbones.set("resnet50", "damaged")
    pick(qtbot, page, "resnet50")

    assert column(page, 6)[NAMES.index("resnet50")] == "Damaged"
    assert "its checksum differs from the one in its name" in read(page)
    press(qtbot, page, "Download again")
    assert bench.asked[-1] == ("download", "resnet50")


def test_a_run_whose_weights_are_gone_can_still_be_read_on(qtbot: QtBot, bench: FakeBench, page: BackbonePage) -> None:
    bench.draft.set_backbone("vgg16")
    bench.begin()

    assert page.hint() == "Read only: the run has begun" and "not on this computer" not in read(page)
    press(qtbot, page, "Next: Strategy")
    assert bench.asked[-1] == ("show", "strategy")


def test_after_the_run_began_it_can_only_be_read(qtbot: QtBot, bench: FakeBench, page: BackbonePage) -> None:
    bench.begin()
    pick(qtbot, page, "resnet50")
    pick(qtbot, page, "vgg16", column=6)

    assert bench.draft.backbone == "efficientnet-lite0" and page.table.picked_row() == 0
    assert "From a file…" not in [b.plain_text for b in page.findChildren(Button) if b.isVisibleTo(page)]
    assert all(asked[0] not in ("download", "check") for asked in bench.asked)
    assert column(page, 6)[NAMES.index("resnet50")] == "not here"


@pytest.mark.parametrize(("width", "shown"), [(1300, True), (964, False), (900, False)])
def test_it_fits_and_goes_without_best_for_where_it_is_narrow(
    qtbot: QtBot, page: BackbonePage, width: int, shown: bool
) -> None:
    pick(qtbot, page, "resnet50")
    page.resize(width, 540)

    qtbot.waitUntil(lambda: page.table.isColumnHidden(5) is not shown)
    assert page.too_wide() == 0


@pytest.mark.parametrize("name", ["dinov2-small", "tiny-cnn"])
def test_it_fits_with_everything_shown(qtbot: QtBot, page: BackbonePage, name: str) -> None:
    page.level.button("everything").click()
    pick(qtbot, page, name)
    page.resize(900, 540)

    qtbot.waitUntil(lambda: page.table.isColumnHidden(5))
    assert page.too_wide() == 0


def timm_dialog(page: BackbonePage) -> TimmDialog:
    page.level.button("everything").click()
    page.legend.other.click()
    return page.window().findChildren(TimmDialog)[-1]


def test_every_network_can_be_picked(qtbot: QtBot, bench: FakeBench, page: BackbonePage) -> None:
    for name, row in BACKBONES.items():
        pick(qtbot, page, name)
        assert bench.draft.backbone == name and page.table.picked_row() == NAMES.index(name)
        assert row.sentence in read(page) or row.name == "efficientnet-lite0"


def test_the_table_scrolls_where_the_page_is_low_and_is_whole_where_it_is_high(
    qtbot: QtBot, bench: FakeBench, page: BackbonePage
) -> None:
    page.resize(964, 640)
    qtbot.waitUntil(lambda: page.table.verticalScrollBar().maximum() > 0)
    bench.draft.set_backbone("tiny-cnn")
    row = page.table.visualRect(page.table.model().index(NAMES.index("tiny-cnn"), 0))
    assert page.table.viewport().rect().contains(row), "what is picked is in sight"
    assert page.weights.isVisible()

    page.resize(1300, 1300)
    qtbot.waitUntil(lambda: page.table.verticalScrollBar().maximum() == 0)


def test_a_network_without_weights_says_that_it_learns_from_scratch(
    qtbot: QtBot, bench: FakeBench, page: BackbonePage
) -> None:
    pick(qtbot, page, "tiny-cnn")

    assert "Tiny CNN has no pretrained weights: it begins at random" in read(page.weights)
    assert page.hint() == "Tiny CNN, from scratch" and page.primary.isEnabled()
    shown = [b.plain_text for b in page.weights.findChildren(Button) if b.isVisibleTo(page)]
    assert shown == ["From an earlier run…"], "there is nothing to fetch, but a run may have trained it"


def test_the_input_size_is_asked_where_everything_is_shown(qtbot: QtBot, bench: FakeBench, page: BackbonePage) -> None:
    bench.backbones.set("vit-b16", "ready")
    assert not page.size_card.isVisible()
    page.level.button("everything").click()
    pick(qtbot, page, "vit-b16")
    said = read(page.size_card)
    assert "ViT-B/16 takes squares whose side is a multiple of 16 pixels" in said
    assert "Its weights were trained with 224." in said

    page.size_card.field.setText("256")
    assert bench.draft.size == 256 and bench.draft.spec().size == 256
    page.size_card.field.setText("250")
    assert bench.draft.size == 256 and not page.primary.isEnabled()
    assert "Choose 240 or 256 as the input size." in page.size_card.problem and page.hint().startswith("Input size: ")
    page.size_card.field.setText("")
    assert bench.draft.size is None and page.size_card.problem == ""

    page.size_card.field.setText("240")
    pick(qtbot, page, "efficientnet-lite0")
    assert bench.draft.size is None and page.size_card.field.text() == "", "the other network has its own"


def test_another_timm_model_is_looked_at_and_used(qtbot: QtBot, bench: FakeBench, page: BackbonePage) -> None:
    assert not page.legend.other.isVisible()
    dialog = timm_dialog(page)
    assert not dialog.look.isEnabled()
    assert not dialog.banner.isVisible(), "nothing has been found yet"
    dialog.name.setText(" resnet34 ")
    qtbot.mouseClick(dialog.look, Qt.MouseButton.LeftButton)
    assert bench.weights.asked == ["resnet34"] and dialog.progress.isVisible() and not dialog.look.isEnabled()

    found = BackboneDescribed(
        backbone="vgg16", label="ResNet-34", parameters=21_800_000, groups=["stem", "top"], size=224, sentence="Found."
    )
    bench.weights.described.emit(found)
    bench.weights.described.emit(Completed(message="x"))
    assert "ResNet-34: 21.8 M parameters, 2 layer groups" in read(dialog) and "Found." in read(dialog)
    assert "from the pixels to the answer: stem, top." in read(dialog) and not dialog.look.isVisible()

    qtbot.mouseClick(dialog.use, Qt.MouseButton.LeftButton)
    assert bench.draft.backbone == "vgg16"


@pytest.mark.parametrize(
    ("ending", "said"),
    [
        (Failed(problem="timm has no 'resnet3'.", remedy="Near are: resnet34."), "timm has no 'resnet3'.\nNear are"),
        (Crashed(cause="signal 9"), "The look ended unexpectedly."),
        (Stopped(), ""),
    ],
)
def test_a_look_that_finds_nothing_says_why_and_can_be_tried_again(
    qtbot: QtBot, bench: FakeBench, page: BackbonePage, ending: Failed | Crashed | Stopped, said: str
) -> None:
    dialog = timm_dialog(page)
    dialog.name.setText("resnet3")
    dialog.look.click()
    if isinstance(ending, Stopped):
        press(qtbot, dialog, "Cancel")
        assert bench.weights.asked[-1] == "cancel"
    bench.weights.described.emit(ending)

    assert said in read(dialog) and not dialog.progress.isVisible() and dialog.banner.isVisible() == bool(said)
    assert not dialog.use.isVisible() and dialog.look.isEnabled()
    dialog.name.setText("resnet34")
    assert not dialog.banner.isVisible()


def test_closing_the_dialog_stops_a_look(bench: FakeBench, page: BackbonePage) -> None:
    dialog = timm_dialog(page)
    dialog.name.setText("resnet34")
    dialog.look.click()
    dialog.reject()

    assert bench.weights.asked == ["resnet34", "cancel"]
    bench.weights.described.emit(Stopped())  # nobody hears it any more


def test_an_added_model_is_a_row_of_the_table(qtbot: QtBot, bench: FakeBench, page: BackbonePage, state: Path) -> None:
    row = msgspec.structs.replace(BACKBONES["resnet18"], name="timm:resnet34", label="ResNet-34 (timm)", top1=None)
    added_backbones.note(row, "1.0")
    look_again()
    bench.backbones.changed.emit()

    assert column(page, 0)[-1] == "ResNet-34 (timm)" and len(column(page, 0)) == len(NAMES) + 1
    bench.draft.set_backbone("timm:resnet34")
    assert page.table.picked_row() == len(NAMES) and "About ResNet-34 (timm)" in read(page)


def test_a_run_with_a_model_that_is_not_known_here_can_be_read(bench: FakeBench, page: BackbonePage) -> None:
    bench.draft.load(RunSpec(backbone="timm:far_away"), bench.draft.data, bench.draft.summary)
    bench.begin()

    assert page.table.picked_row() == -1 and page.hint() == "Read only: the run has begun"
    assert "timm:far_away is not known on this computer" in read(page)


def drop(page: BackbonePage, path: Path) -> None:
    data = QMimeData()
    data.setUrls([QUrl.fromLocalFile(str(path))])
    page.dropEvent(
        QDropEvent(
            QPointF(9, 9), Qt.DropAction.CopyAction, data, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier
        )
    )
