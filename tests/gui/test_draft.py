from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
import pytest
from helpers.bench import CELLS
from PySide6.QtCore import QObject

from tlgui.core.imaging_messages import ChangeLine, ClassCount
from tlgui.core.intake import AnswerMirror
from tlgui.core.presets import with_preset
from tlgui.core.run_spec import Chosen, RunSpec, Target, Training
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


def test_a_recipe_can_be_taken_changed_and_left(draft: Draft) -> None:
    draft.set_training("seed", 4)
    draft.set_preset("tutorial-pipeline")
    taken = draft.training
    assert taken == msgspec.structs.replace(with_preset(Training(), "tutorial-pipeline"), seed=4)
    assert draft.preset_changes == []

    draft.set_training("epochs", 7)
    draft.set_training("clip_norm", 1.0)  # of which a recipe says: off
    assert draft.preset_changes == ["epochs", "clip_norm"]

    draft.set_preset("")
    assert draft.training == Training(epochs=7, clip_norm=1.0, seed=4)


def test_leaving_a_recipe_brings_back_what_was_there_before_it(draft: Draft) -> None:
    draft.set_strategy("full-fine-tuning")
    draft.set_training("head_learning_rate", 2e-3)
    draft.set_training("group_learning_rates", {"head": 0.01, "block 5": 1e-4})
    draft.set_training("clip_norm", 1.0)
    before = draft.training

    draft.set_preset("tutorial-pipeline")
    draft.set_preset("tutorial-fine-tuner")
    draft.set_training("seed", 9)
    draft.set_training("augmentation", "off")
    draft.set_preset("")
    assert draft.training == msgspec.structs.replace(before, seed=9, augmentation="off")

    draft.set_preset("tutorial-pipeline")
    draft.set_backbone("resnet50")
    draft.set_preset("")
    assert draft.training.group_learning_rates == {"head": 0.01}, "the other network has no such group"


def test_another_recipe_takes_the_place_of_the_first(draft: Draft) -> None:
    draft.set_preset("tutorial-pipeline")
    draft.set_preset("tutorial-fine-tuner")

    assert draft.training == with_preset(Training(), "tutorial-fine-tuner"), "nothing of the first is left"


def test_another_strategy_leaves_the_recipe(draft: Draft) -> None:
    draft.set_preset("tutorial-pipeline")
    draft.set_training("epochs", 7)
    draft.set_strategy("full-fine-tuning")

    assert draft.training == Training(strategy="full-fine-tuning")
    assert draft.set_back == {"epochs": 7}, "what the recipe had set is nobody's own"


def test_rates_of_groups_stay_where_the_other_network_has_such_groups(draft: Draft) -> None:
    draft.set_training("group_learning_rates", {"head": 0.01, "block 5": 1e-4, "stem": 1e-6})
    draft.set_backbone("resnet50")

    assert draft.training.group_learning_rates == {"head": 0.01, "stem": 1e-6}


def test_a_size_that_the_network_does_not_take_changes_nothing_and_says_which_it_does(draft: Draft) -> None:
    draft.set_backbone("vit-b16")
    assert draft.set_size(240) == "" and draft.spec().size == 240

    assert draft.set_size(250).endswith("Choose 240 or 256 as the input size.")
    assert draft.size == 240
    draft.set_backbone("resnet50")
    assert draft.size is None, "the other network has its own"


def test_a_network_without_pretrained_weights_needs_from_scratch(draft: Draft) -> None:
    draft.set_backbone("tiny-cnn")
    assert draft.resolved()[0].strategy == "from-scratch" and draft.missing("strategy") == ""

    draft.set_strategy("fine-tune-top")
    assert draft.missing("review") == "Tiny CNN has no pretrained weights: it can only train from scratch."
    draft.set_strategy("from-scratch")
    assert draft.missing("review") == ""


@pytest.mark.parametrize(
    ("values", "said"),
    [
        (
            {"unfreeze_at": [3], "unfreezing": "never"},
            "“Unfreeze after epochs” is a schedule, and “Unfreezing by itself”",
        ),
        ({"unfreezing": "schedule"}, "“Unfreezing by itself” by schedule needs its epochs in “Unfreeze after epochs”"),
        ({"strategy": "from-scratch", "warm_start": True}, "“Last layer first” fits the head"),
        ({"batch_size": 1, "mixup": 0.2}, "“Mixup” and “Cutmix” mix the images of a batch"),
        ({"strategy": "full-fine-tuning", "unfreeze_at": [3]}, "leaves nothing to do where “Full fine-tuning” trains"),
        ({"unfreeze_at": [3, 6]}, ""),
    ],
)
def test_settings_that_contradict_each_other_are_named_as_the_window_names_them(
    draft: Draft, values: dict[str, Any], said: str
) -> None:
    for field, value in values.items():
        assert draft.set_training(field, value) == ""

    found = draft.missing("strategy")
    assert said in found and (found == "") == (said == "") and "`" not in found


def test_the_answer_on_left_and_right_goes_into_the_run(draft: Draft) -> None:
    assert draft.spec().training.mirror is None
    line = ChangeLine(number=0, sentence="x", at="2026-11-26T09:00:00", change=AnswerMirror(matters=True))
    draft.summary = msgspec.structs.replace(CELLS, changes=[line])

    assert draft.spec().training.mirror is False
    draft.set_training("mirror", True)
    assert draft.spec().training.mirror is True, "what is set for this run goes first"


def test_a_run_is_shown_with_what_it_became(draft: Draft) -> None:
    chosen = Chosen(strategy="fine-tune-top", top_groups=2, by="headroom", sentence="x")
    draft.load(RunSpec(size=256, chosen=chosen), draft.data, CELLS)
    assert (draft.size, draft.chosen) == (256, chosen)

    draft.clear()
    assert (draft.size, draft.chosen) == (None, None)


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


def test_a_folder_of_a_new_site_brings_the_usual_way_and_takes_it_along_again(draft: Draft) -> None:
    draft.set_target(Path("clinic b"))
    assert (draft.target, draft.training.adapt, draft.missing("strategy")) == (Path("clinic b"), "mmd", "")

    draft.set_training("adapt", "mcc")
    draft.set_training("adapt_weight", 0.3)
    draft.set_target(Path("clinic c"))
    assert (draft.training.adapt, draft.training.adapt_weight) == ("mcc", 0.3), "another folder changes nothing else"

    draft.set_target(None)
    assert draft.training == Training()


def test_a_way_of_adapting_without_a_folder_is_missing_one_and_the_other_way_round(draft: Draft) -> None:
    draft.set_training("adapt", "mmd")
    asks = "Adapting needs images of a new site. Choose their folder, or train without adapting."
    assert draft.missing("strategy") == draft.missing("review") == asks
    assert draft.missing("backbone") == ""

    draft.set_target(Path("clinic b"))
    draft.set_training("adapt", "none")
    assert draft.missing("strategy") == "Say how to adapt to “clinic b”, or remove its folder."
    draft.set_training("adapt", "mmd")
    draft.set_training("batch_size", 1)
    assert draft.missing("strategy").startswith("Adapting compares images of both sites in each step")
    draft.set_training("batch_size", 2)
    assert draft.missing("strategy") == ""


def test_another_set_of_images_begins_without_the_new_site(draft: Draft) -> None:
    draft.set_target(Path("clinic b"))
    draft.clear()
    assert (draft.target, draft.training.adapt) == (None, "none")


def test_a_recipe_leaves_the_new_site_alone(draft: Draft) -> None:
    draft.set_target(Path("clinic b"))
    draft.set_training("adapt", "statistics")
    draft.set_preset("tutorial-pipeline")
    assert draft.training.adapt == "statistics" and draft.preset_changes == []
    draft.set_preset("")
    assert draft.training == Training(adapt="statistics")


def test_the_new_site_of_an_earlier_run_is_asked_for_where_its_folder_is_gone(draft: Draft) -> None:
    site = Target(name="clinic b", fingerprint="b" * 64, images=40)
    summary = draft.summary
    draft.load(RunSpec(target=site, training=Training(adapt="mcc")), Path("cells"), summary)
    assert draft.missing("strategy") == (
        "The images of the new site “clinic b” are not where they were. Choose their folder, or train without adapting."
    )
    draft.set_target(None)
    assert draft.missing("strategy") == "" and draft.site is None

    draft.load(RunSpec(target=site, training=Training(adapt="mcc")), Path("cells"), summary, Path("moved"))
    assert (draft.target, draft.missing("strategy")) == (Path("moved"), "")
