from __future__ import annotations

from pathlib import Path

import msgspec
import pytest
from helpers.bench import CELLS
from PySide6.QtCore import QObject

from tlgui.core.imaging_messages import ClassCount
from tlgui.gui.draft import Draft


@pytest.fixture
def draft(qapp: QObject) -> Draft:
    draft = Draft()
    draft.data, draft.summary = Path("cells"), CELLS
    return draft


def test_the_spec_is_a_copy_that_later_changes_do_not_reach(draft: Draft) -> None:
    draft.set_training("epochs", 3)
    spec = draft.spec()

    draft.set_training("epochs", 9)
    draft.set_backbone("resnet50")

    assert (spec.training.epochs, spec.backbone) == (3, "efficientnet-lite0")
    assert (draft.training.epochs, draft.backbone) == (9, "resnet50")


def test_a_value_that_does_not_fit_changes_nothing_and_says_why(draft: Draft) -> None:
    heard: list[None] = []
    draft.changed.connect(lambda: heard.append(None))

    assert "1" in draft.set_training("epochs", 0)
    assert draft.training.epochs is None
    assert heard == []


def test_another_strategy_opens_the_values_that_came_with_the_old_one(draft: Draft) -> None:
    draft.set_training("batch_size", 8)
    draft.set_training("epochs", 3)

    draft.set_strategy("full-fine-tuning")

    assert (draft.training.strategy, draft.training.epochs, draft.training.batch_size) == ("full-fine-tuning", None, 8)
    assert draft.resolved()[0].epochs == 10


def test_values_that_were_set_back_with_another_strategy_can_be_brought_back(draft: Draft) -> None:
    draft.set_training("epochs", 3)
    draft.set_training("head_learning_rate", 0.02)
    draft.set_strategy("full-fine-tuning")
    draft.set_strategy("fine-tune-top")
    draft.set_training("top_groups", 2)
    assert draft.set_back == {"epochs": 3, "head_learning_rate": 0.02}

    draft.set_training("epochs", 7)  # a newer one of the person's own
    draft.bring_back()

    assert (draft.training.epochs, draft.training.head_learning_rate) == (7, 0.02)
    assert (draft.training.strategy, draft.training.top_groups) == ("fine-tune-top", 2)
    assert draft.set_back == {}


def test_a_number_of_groups_that_came_with_a_row_is_nobodys_own(draft: Draft) -> None:
    draft.set_strategy("fine-tune-top")
    draft.set_training("top_groups", 2)
    draft.set_strategy("full-fine-tuning")
    assert draft.set_back == {}


def test_without_a_pick_the_table_advises(draft: Draft) -> None:
    training, advice = draft.resolved()

    assert training.strategy == "feature-extraction"
    assert advice is not None and "40 images" in advice.sentence


def test_each_step_says_what_is_missing(qapp: QObject) -> None:
    draft = Draft()
    assert draft.missing("images") == "Choose a folder of images first."

    draft.data, draft.scanning = Path("cells"), True
    assert draft.missing("review") == "The images are still being read."

    draft.summary = msgspec.structs.replace(CELLS, classes=CELLS.classes[:1])
    assert draft.missing("images") == "Training needs images of at least two classes."

    lone = [ClassCount(name=name, train=1, validation=0, test=0) for name in "ab"]
    draft.summary = msgspec.structs.replace(CELLS, classes=lone)
    assert draft.missing("images").startswith("No image is left for validation.")

    draft.summary = CELLS
    draft.weights_problem = lambda: "The weights of ResNet-50 are not on this computer."
    assert draft.missing("images") == ""
    assert draft.missing("backbone") == draft.missing("review") == "The weights of ResNet-50 are not on this computer."


@pytest.mark.parametrize(
    ("shares", "answer"),
    [
        ((0.8, 0.2, 0.0), ""),
        ((1.0, 0.0, 0.0), "Training and validation each need a share, since validation chooses the best epoch."),
        ((0.5, 0.2, 0.2), "The three shares together must be 100 %."),
    ],
)
def test_the_shares_of_the_parts_make_a_whole(draft: Draft, shares: tuple[float, float, float], answer: str) -> None:
    heard: list[None] = []
    draft.split_changed.connect(lambda: heard.append(None))

    assert draft.set_split(*shares) == answer
    assert (draft.split_fractions == shares, len(heard)) == ((True, 1) if not answer else (False, 0))


def test_beginning_anew_keeps_the_level_of_detail(draft: Draft) -> None:
    draft.set_level("everything")
    draft.set_strategy("full-fine-tuning")

    draft.clear()

    assert (draft.level, draft.strategy, draft.data) == ("everything", "auto", None)
