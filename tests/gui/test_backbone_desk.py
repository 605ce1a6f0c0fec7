"""Weights of networks, and other timm models: what is asked of the engine and what comes of it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
from helpers.bench import Bench
from PySide6.QtCore import QCoreApplication

from tlgui.core import added_backbones, commands, events
from tlgui.core.backbones import BACKBONES
from tlgui.core.run_spec import RunSpec
from tlgui.gui import networks
from tlgui.gui.closing import shut_down
from tlgui.gui.settings import Settings

ADDED = msgspec.structs.replace(BACKBONES["resnet18"], name="timm:resnet34", label="ResNet-34 (timm)")
FOUND = events.BackboneDescribed(
    backbone="timm:resnet34", label="ResNet-34 (timm)", parameters=21_000_000, groups=["stem"], size=224, sentence="x"
)


@pytest.fixture
def bench(qapp: QCoreApplication, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Bench]:
    for name in ("STATE", "PROJECTS", "CACHE"):
        monkeypatch.setenv(f"TLGUI_{name}_DIR", str(tmp_path / name.lower()))
    networks.look_again()
    settings = Settings(tmp_path / "settings.toml")
    settings.set(keep_awake=False)
    bench = Bench(settings)
    yield bench
    shut_down(bench)
    networks.look_again()


def asked(bench: Bench) -> list[commands.Job]:
    return [job for job in bench.fake_engine.jobs if isinstance(job, commands.DescribeBackbone)]


def test_a_look_at_a_timm_model_makes_it_a_row(bench: Bench) -> None:
    heard: list[Any] = []
    bench.weights.described.connect(heard.append)
    assert "timm:resnet34" not in networks.networks()
    bench.weights.describe("resnet34")
    bench.weights.describe("resnet50")
    assert asked(bench) == [commands.DescribeBackbone(name="resnet34")], "one at a time"
    assert bench.weights.describing == "resnet34"

    added_backbones.note(ADDED, "1.0")  # as the engine does
    bench.fake_engine.say(FOUND, events.Completed(message="x"))

    assert [type(event) for event in heard] == [events.BackboneDescribed, events.Completed]
    assert bench.weights.describing == ""
    assert networks.label_of("timm:resnet34") == "ResNet-34 (timm)"
    assert bench.backbones.rows()[-1].name == "timm:resnet34"


def test_a_look_can_be_stopped_and_begun_again(bench: Bench) -> None:
    bench.weights.describe("resnet34")
    bench.weights.cancel_describe()
    bench.fake_engine.say(events.Stopped())
    bench.weights.cancel_describe()  # nothing goes on
    bench.weights.describe("resnet34")

    assert len(asked(bench)) == 2


def test_only_what_needs_pretrained_weights_waits_for_them(bench: Bench) -> None:
    draft = bench.draft
    draft.set_backbone("resnet50")
    assert draft.weights_problem() == "The weights of ResNet-50 are still being looked for."
    rows = [
        events.WeightsState(backbone=name, state=state, file_name="x.pth", size_bytes=1, sha256_prefix="", folder="/x")
        for name, state in (("resnet50", "absent"), ("tiny-cnn", "none"))
    ]
    bench.backbones.set_found(rows)
    assert (
        draft.weights_problem() == "The weights of ResNet-50 are not on this computer. Download them, or choose a file."
    )

    draft.set_strategy("from-scratch")
    assert draft.weights_problem() == ""
    draft.set_strategy("auto")
    draft.set_backbone("tiny-cnn")
    assert draft.weights_problem() == "" and bench.backbones.row("tiny-cnn").state == "none"


def test_weights_that_nobody_publishes_are_asked_for_as_a_file(bench: Bench) -> None:
    added_backbones.note(ADDED, "1.0")
    networks.look_again()
    bench.draft.set_backbone("timm:resnet34")
    row = events.WeightsState(
        backbone="timm:resnet34", state="none", file_name="", size_bytes=0, sha256_prefix="", folder=""
    )  # fmt: skip
    bench.backbones.set_found([row])
    wanted = "Nobody is known to publish the weights of ResNet-34 (timm). Choose a file."
    assert bench.draft.weights_problem() == wanted

    bench.draft.set_backbone("timm:resnet34", weights_file="/x/own.pth")
    assert bench.draft.weights_problem() == ""


def test_a_network_that_is_not_known_here_is_said(bench: Bench) -> None:
    bench.draft.load(RunSpec(backbone="timm:far_away"), None, None)

    assert bench.draft.weights_problem().startswith("timm:far_away is not known on this computer.")
    assert bench.draft.set_size(100) == "" and bench.draft.resolved()[0].strategy == "feature-extraction"
