"""Statistics measured anew on images of a new site: what changes, what does not, and what is taken back."""

from __future__ import annotations

import os
import re
import shutil
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest
import torch
from helpers.pictures import write_dataset, write_site
from helpers.tiny import ROW, codes, differing, finish, of, snapshot, tiny_network, tiny_setup
from PIL import Image
from torch import Tensor, nn
from torch.nn.functional import conv2d

from tlgui.core import events
from tlgui.core.backbones import BACKBONES
from tlgui.core.errors import UserError
from tlgui.core.run_folder import RunFolder
from tlgui.core.run_spec import RunSpec, Target, Training
from tlgui.engine import samples, seeding, trained_model, weights
from tlgui.engine.adaptation import after
from tlgui.engine.adaptation.after import align, has_norms, measured_anew
from tlgui.engine.adaptation.site import site_notices
from tlgui.engine.calibration import calibrate
from tlgui.engine.network import Network
from tlgui.engine.setup import Setup

pytestmark = pytest.mark.usefixtures("one_thread")

STATISTICS = ("running_mean", "running_var", "num_batches_tracked")
OPTIONS: dict[str, Any] = {"strategy": "from-scratch", "adapt": "statistics", "batch_size": 20, "epochs": 3}


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_dataset(tmp_path_factory.mktemp("align") / "d", {"a": 20, "b": 20, "c": 16}, size=24)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_site(tmp_path_factory.mktemp("site") / "s", 40, 24, classes=3)


@pytest.fixture(autouse=True)
def _tiny(monkeypatch: pytest.MonkeyPatch) -> None:
    """The best state of a tiny run can be loaded; no power cut is tested here."""
    monkeypatch.setitem(BACKBONES, "tiny", msgspec.structs.replace(ROW, label="Tiny"))
    monkeypatch.setattr(trained_model, "build", lambda row, classes, *_, **__: tiny_network(classes, seed=9))
    monkeypatch.setattr(os, "fsync", lambda _: None)


def trained(data: Path, site: Path, path: Path, **training: Any) -> tuple[RunFolder, Setup]:
    """A run that is about to be aligned."""
    setup = tiny_setup(data, path, target=site, **OPTIONS | training)
    finish(setup)
    return RunFolder(path), setup


def aligned(run: RunFolder, setup: Setup) -> tuple[bool, list[events.Event]]:
    said: list[events.Event] = []
    steps = align(run, setup)
    while True:
        try:
            said.append(next(steps))
        except StopIteration as end:
            return end.value, said


def best_of(run: RunFolder) -> dict[str, Tensor]:
    return weights.read_file(run.best_path)


def pixels_of(setup: Setup, indices: list[int] | None = None) -> Tensor:
    assert setup.target is not None
    return setup.frozen.activations(setup.target, range(len(setup.target)) if indices is None else indices, 0, 0)


# -- what is measured ---------------------------------------------------------------------------------------------


def test_statistics_alone_are_others_afterwards(data: Path, site: Path, tmp_path: Path) -> None:
    run, setup = trained(data, site, tmp_path / "run")
    before = best_of(run)
    changed, said = aligned(run, setup)
    now = best_of(run)
    assert changed and set(differing(before, now)) == {name for name in now if name.endswith(STATISTICS)}
    assert differing(now, {name: tensor.cpu() for name, tensor in setup.network.model.state_dict().items()}) == []
    (notice,) = of(said, events.Notice)
    assert notice.code == "statistics_aligned"
    assert re.match(
        r"The statistics are those of the new site now, and the answers for it are (surer|less sure) than before\. Of the "
        r"known site's validation images \d+ % are told right with its own statistics, and \d+ % with these\.$",
        notice.message,
    )
    assert {event.stage for event in of(said, events.Progress)} >= {"statistics of the new site"}
    norms = [layer for layer in setup.network.model.modules() if isinstance(layer, nn.BatchNorm2d)]
    assert {layer.momentum for layer in norms} == {0.1} and not any(layer.training for layer in norms)


def test_of_one_batch_they_are_those_of_a_forward_pass_by_hand(data: Path, tmp_path: Path) -> None:
    """Each layer is normalised by the mean and spread of what reaches it, as in training; the spread is unbiased."""
    few = write_site(tmp_path / "few", 11, 24, classes=3)
    _, setup = trained(data, few, tmp_path / "run")
    list(measured_anew(setup, setup.network))
    x, state = pixels_of(setup).double(), setup.network.model.state_dict()
    for number in (1, 2, 3):
        x = conv2d(x, state[f"conv{number}.weight"].double(), state[f"conv{number}.bias"].double(), 2, 1)
        rows = x.permute(1, 0, 2, 3).flatten(1)
        mean, size = rows.sum(1) / rows.shape[1], rows.shape[1]
        squares = ((rows - mean[:, None]) ** 2).sum(1)
        assert torch.allclose(state[f"norm{number}.running_mean"].double(), mean, rtol=1e-4, atol=1e-5)
        assert torch.allclose(state[f"norm{number}.running_var"].double(), squares / (size - 1), rtol=1e-4, atol=1e-6)
        scale = state[f"norm{number}.weight"].double() / (squares / size + 1e-5).sqrt()
        x = (x - mean[:, None, None]) * scale[:, None, None] + state[f"norm{number}.bias"].double()[:, None, None]
        x = x.clamp_min(0)


def test_of_several_batches_they_are_the_plain_mean_of_the_batches_with_every_image_once(
    data: Path, site: Path, tmp_path: Path
) -> None:
    _, setup = trained(data, site, tmp_path / "run")
    said = list(measured_anew(setup, setup.network))
    assert [event.done for event in of(said, events.Progress)] == [32, 40]
    state = setup.network.model.state_dict()
    assert int(state["norm1.num_batches_tracked"]) == 2
    x = conv2d(pixels_of(setup).double(), state["conv1.weight"].double(), state["conv1.bias"].double(), 2, 1)
    per_image = x.mean((2, 3))
    order = seeding.order(setup.training.seed, 0, 40)
    expected = (per_image[order[:32]].mean(0) + per_image[order[32:]].mean(0)) / 2
    assert torch.allclose(state["norm1.running_mean"].double(), expected, rtol=1e-4, atol=1e-5)


def test_to_align_twice_changes_nothing_more(data: Path, site: Path, tmp_path: Path) -> None:
    """A run that is gone on with may come here again."""
    run, setup = trained(data, site, tmp_path / "run")
    aligned(run, setup)
    once = best_of(run)
    aligned(run, setup)
    assert differing(once, best_of(run)) == []


def test_an_image_that_vanished_is_skipped_in_the_statistics_too(
    data: Path, site: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(samples, "_SETTLES_S", 0)
    copy = shutil.copytree(site, tmp_path / "s")
    run, setup = trained(data, copy, tmp_path / "run")
    (copy / "003.png").unlink()
    changed, said = aligned(run, setup)
    assert changed and codes(said) == ["image_skipped", "statistics_aligned"]
    assert all(torch.isfinite(tensor).all() for tensor in best_of(run).values())


@pytest.mark.parametrize("strategy", ["from-scratch", "feature-extraction"])
def test_of_one_image_alone_nothing_is_measured_and_the_model_keeps_what_it_has(
    strategy: str, data: Path, tmp_path: Path
) -> None:
    """Statistics of no image are 0 and 1, with which no layer ever learned."""
    one = write_site(tmp_path / "one", 1, 24)
    run, setup = trained(data, one, tmp_path / "run", strategy=strategy)
    before, weights_before = run.best_path.read_bytes(), best_of(run)
    changed, said = aligned(run, setup)
    assert not changed and run.best_path.read_bytes() == before
    assert differing(weights_before, snapshot(setup.network)) == []
    assert bool(weights_before["norm1.running_mean"].any())
    assert [event.message for event in of(said, events.Notice)] == [
        "One image has no spread, so the statistics stay as they were."
    ]
    norms = [layer for layer in setup.network.model.modules() if isinstance(layer, nn.BatchNorm2d)]
    assert {layer.momentum for layer in norms} == {0.1} and not any(layer.training for layer in norms)


def test_the_temperature_is_that_of_the_answers_with_the_new_statistics(
    data: Path, site: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(after, "why_not_align", lambda *_: "")
    run, setup = trained(data, site, tmp_path / "run", epochs=12, head_learning_rate=0.02, top_learning_rate=0.02)
    before = trained_model.load(run).card
    aligned(run, setup)
    images = setup.frozen.activations(setup.validation, range(len(setup.validation)), 0, 0)
    with torch.inference_mode():
        expected = calibrate(setup.network.model(images), setup.validation.labels).temperature
    card = trained_model.load(run).card
    assert card.temperature == pytest.approx(expected, rel=1e-3) and before.temperature != pytest.approx(
        expected, rel=0.01
    )
    assert card == msgspec.structs.replace(before, temperature=card.temperature)


# -- what is taken back -------------------------------------------------------------------------------------------


def test_what_destroys_the_classes_is_taken_back(
    data: Path, site: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run, setup = trained(data, site, tmp_path / "run")
    before, weights_before = run.best_path.read_bytes(), best_of(run)
    monkeypatch.setattr(after, "why_not_align", lambda *_: "It is spoilt.")
    changed, said = aligned(run, setup)
    assert not changed and run.best_path.read_bytes() == before
    assert differing(weights_before, snapshot(setup.network)) == []
    assert [(event.code, event.message) for event in of(said, events.Notice)] == [
        ("adaptation_alarm", "It is spoilt. The statistics stay as they were.")
    ]


def test_the_alarm_hears_what_is_right_now_and_what_was_before(
    data: Path, site: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    heard: list[tuple[Any, ...]] = []
    monkeypatch.setattr(after, "why_not_align", lambda *given: heard.append(given) or "")
    run, setup = trained(data, site, tmp_path / "run")
    setup.network.model.load_state_dict(best_of(run))
    before = accuracy(setup)
    aligned(run, setup)
    ((was, now, guessing, told, spread, known),) = heard
    assert now == pytest.approx(accuracy(setup)) and was == pytest.approx(before)
    assert guessing == pytest.approx(max(np.bincount(setup.validation.labels.numpy())) / len(setup.validation))
    assert told[1] < spread
    with torch.inference_mode():
        shares = torch.softmax(setup.network.model(pixels_of(setup)).double(), 1).mean(0).numpy()
    assert spread == pytest.approx(-float((shares * np.log(shares)).sum()), abs=1e-6)
    counts = np.bincount(setup.train.labels.numpy()) / len(setup.train)
    assert known == pytest.approx(-float((counts * np.log(counts)).sum()))


def accuracy(setup: Setup) -> float:
    """Of the network as it is, on the validation images."""
    setup.network.evaluation_mode()
    images = setup.frozen.activations(setup.validation, range(len(setup.validation)), 0, 0)
    with torch.inference_mode():
        right = setup.network.model(images).argmax(1) == setup.validation.labels
    return right.double().mean().item()


def test_a_site_of_one_grey_would_spoil_the_model_and_does_not(data: Path, tmp_path: Path) -> None:
    """Nothing varies there, so that the known site's images would be told by noise."""
    grey = tmp_path / "grey"
    grey.mkdir()
    for number in range(12):
        Image.new("RGB", (24, 24), (120 + number % 2, 120, 120)).save(grey / f"{number}.png")
    run, setup = trained(data, grey, tmp_path / "run", epochs=12, head_learning_rate=0.01, top_learning_rate=0.01)
    before = run.best_path.read_bytes()
    changed, said = aligned(run, setup)
    assert codes(said) == ["adaptation_alarm"] and not changed
    assert run.best_path.read_bytes() == before


# -- where it cannot be done --------------------------------------------------------------------------------------


def without_norms() -> Network:
    network = tiny_network(3)
    for number, channels in enumerate((8, 12, 16), 1):
        network.model.set_submodule(f"norm{number}", nn.GroupNorm(2, channels))
    return network


def spec_of(**training: Any) -> RunSpec:
    target = Target(name="New hospital", fingerprint="f", images=40)
    return RunSpec(backbone="tiny", target=target, training=Training(**training))


def test_a_network_that_keeps_no_statistics_is_refused_by_its_name() -> None:
    network = without_norms()
    assert has_norms(tiny_network(3)) and not has_norms(network)
    for number, channels in ((1, 8), (2, 12)):
        network.model.set_submodule(f"norm{number}", nn.BatchNorm2d(channels, track_running_stats=False))
    assert not has_norms(network), "these take each batch's own, and keep none"
    with pytest.raises(
        UserError, match=r"Tiny keeps no statistics that could be measured anew \(it has no BatchNorm\)"
    ) as no:
        list(site_notices(spec_of(adapt="statistics"), network))
    assert "--adapt mmd, adversarial or mcc" in no.value.remedy


@pytest.mark.parametrize("adapt", ["mmd", "adversarial", "mcc"])
def test_the_other_ways_need_none(adapt: str) -> None:
    assert [notice.code for notice in site_notices(spec_of(adapt=adapt), without_norms())] == ["adaptation"]


# -- what is said before ------------------------------------------------------------------------------------------


def said_of(target: Target, **training: Any) -> dict[str, str]:
    spec = msgspec.structs.replace(spec_of(**training), target=target)
    return {notice.code: notice.message for notice in site_notices(spec, tiny_network(3))}


def test_what_is_adapted_to_is_said_with_what_takes_no_part() -> None:
    whole = Target(name="New hospital", fingerprint="f", images=40)
    said = said_of(whole, adapt="statistics")
    assert list(said) == ["adaptation"]
    assert said["adaptation"].endswith("40 images of 'New hospital' take part, without labels.")
    few = msgspec.structs.replace(whole, images=29, known=1)
    said = said_of(few, adapt="statistics")
    assert "1 image of that folder" in said["adaptation"] and "also" in said["adaptation"]
    assert said["adaptation"].endswith("So few tell little of a site: look at its results with care.")


def test_a_projection_is_said_where_the_head_alone_learns() -> None:
    whole = Target(name="New hospital", fingerprint="f", images=40)
    said = said_of(whole, adapt="mmd", strategy="feature-extraction", head="hidden", head_units=256)
    assert said["projection"].startswith("A layer of 256 units is put before the last one")
    assert "projection" not in said_of(whole, adapt="mmd", strategy="full-fine-tuning")
    assert "projection" not in said_of(whole, adapt="statistics", head="hidden")


def test_a_hidden_layer_that_was_asked_for_is_no_projection_where_the_layers_below_learn_too() -> None:
    whole = Target(name="New hospital", fingerprint="f", images=40)
    for strategy in ("full-fine-tuning", "fine-tune-top", "from-scratch"):
        assert list(said_of(whole, adapt="mmd", strategy=strategy, head="hidden")) == ["adaptation"]
