"""Statistics measured anew on images of a new site: what changes, what does not, and what is taken back."""

from __future__ import annotations

import dataclasses
import os
import re
import shutil
from collections.abc import Iterator, Sequence
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
from tlgui.engine.network import Network
from tlgui.engine.samples import Part
from tlgui.engine.setup import Setup

pytestmark = pytest.mark.usefixtures("one_thread")

STATISTICS = ("running_mean", "running_var")
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


def aligned(run: RunFolder, setup: Setup, cut: int = 0) -> tuple[bool, list[events.Event]]:
    said: list[events.Event] = []
    steps = align(run, setup, cut)
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
    assert trained_model.load(run).card.aligned
    assert differing(now, {name: tensor.cpu() for name, tensor in setup.network.model.state_dict().items()}) == []
    (notice,) = of(said, events.Notice)
    assert notice.code == "statistics_aligned"
    assert re.match(
        r"The statistics are those of the new site now, and the answers for it are (surer|less sure) than before\. Of the "
        r"known site's validation images \d+ % are told right with its own statistics, and \d+ % with these\.$",
        notice.message,
    )
    stages = {"statistics of the known site", "statistics of the new site"}
    assert {event.stage for event in of(said, events.Progress)} >= stages
    norms = [layer for layer in setup.network.model.modules() if isinstance(layer, nn.BatchNorm2d)]
    assert {layer.momentum for layer in norms} == {0.1} and not any(layer.training for layer in norms)


def by_hand(setup: Setup, state: dict[str, Tensor]) -> dict[str, Tensor]:
    """The statistics of each layer that make the new site's images look to the next one as the known site's do, in double.

    Both are means over batches of 32 of mean and unbiased variance; the ratio of variances is what it is.
    """
    assert setup.target is not None
    state = {name: tensor.double() for name, tensor in state.items()}
    orders = {part.name: seeding.order(setup.training.seed, 0, len(part)) for part in (setup.train, setup.target)}
    maps: dict[str, list[Tensor]] = {
        part.name: [
            setup.frozen.activations(part, orders[part.name][at : at + 32], 0, 0).double()
            for at in range(0, len(part), 32)
        ]
        for part in (setup.train, setup.target)
    }
    found = {}
    for number in (1, 2, 3):
        known, new = (
            [conv2d(x, state[f"conv{number}.weight"], state[f"conv{number}.bias"], 2, 1) for x in maps[part.name]]
            for part in (setup.train, setup.target)
        )
        rows = [[x.permute(1, 0, 2, 3).flatten(1) for x in batches] for batches in (known, new)]
        mean, var = state[f"norm{number}.running_mean"], state[f"norm{number}.running_var"]
        known_mean = torch.stack([one.mean(1) for one in rows[0]]).mean(0)
        known_var = torch.stack([one.var(1) for one in rows[0]]).mean(0)
        each = []
        for one in rows[1]:
            ratio = (one.var(1) + 1e-5) / (known_var + 1e-5)
            each.append((one.mean(1) - (known_mean - mean) * ratio.sqrt(), (var + 1e-5) * ratio - 1e-5))

        def passed(x: Tensor, mean: Tensor, var: Tensor, number: int = number) -> Tensor:
            scale = state[f"norm{number}.weight"] / (var + 1e-5).sqrt()
            return (
                (x - mean[:, None, None]) * scale[:, None, None] + state[f"norm{number}.bias"][:, None, None]
            ).relu()

        maps = {
            setup.train.name: [passed(x, mean, var) for x in known],
            setup.target.name: [passed(x, *one) for x, one in zip(new, each, strict=True)],
        }
        found[f"norm{number}.running_mean"] = torch.stack([one for one, _ in each]).mean(0)
        found[f"norm{number}.running_var"] = torch.stack([one for _, one in each]).mean(0)
    return found


@pytest.mark.parametrize("images", [11, 40])
def test_the_statistics_are_those_of_a_forward_pass_by_hand(images: int, data: Path, tmp_path: Path) -> None:
    """Of one batch, and as the plain mean of several with every image once."""
    site = write_site(tmp_path / "site", images, 24, classes=3)
    run, setup = trained(data, site, tmp_path / "run")
    setup.network.model.load_state_dict(best_of(run))
    expected = by_hand(setup, best_of(run))
    said = list(measured_anew(setup, setup.network))
    state = setup.network.model.state_dict()
    for name, tensor in expected.items():
        assert torch.allclose(state[name].double(), tensor, rtol=1e-3, atol=1e-5), name
    done = [event.done for event in of(said, events.Progress) if event.stage == "statistics of the new site"]
    assert done == ([11] if images == 11 else [32, 40])


def test_of_many_images_so_many_are_measured_as_tell_enough(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """They are drawn by the run's seed, of both sites, and nothing else counts."""
    site = write_site(tmp_path / "site", 40, 24, classes=3)
    run, setup = trained(data, site, tmp_path / "run")
    monkeypatch.setattr(after, "_ENOUGH", 10)
    assert setup.target is not None and len(setup.train) > 10

    def drawn(part: Part) -> Part:
        numbers = seeding.order(setup.training.seed, 0, len(part))[:10]
        paths, hashes = [part.paths[number] for number in numbers], [part.hashes[number] for number in numbers]
        return Part(paths, hashes, part.labels[numbers], part.name)

    found = []
    for one in (setup, dataclasses.replace(setup, train=drawn(setup.train), target=drawn(setup.target))):
        one.network.model.load_state_dict(best_of(run))
        said = list(measured_anew(one, one.network))
        assert [(event.done, event.total) for event in of(said, events.Progress)] == [(10, 10)] * 2
        found.append({name: tensor.clone() for name, tensor in one.network.model.state_dict().items()})
    for name, tensor in found[0].items():
        assert torch.allclose(tensor, found[1][name], atol=1e-6), name


def test_a_new_site_that_is_the_known_one_changes_nothing(data: Path, site: Path, tmp_path: Path) -> None:
    """Also where layers keep statistics of other pictures, as the frozen ones of a published network do."""
    run, setup = trained(data, site, tmp_path / "run", strategy="feature-extraction")
    before = best_of(run)
    setup.network.model.load_state_dict(before)
    list(measured_anew(dataclasses.replace(setup, target=setup.train), setup.network))
    for name, tensor in setup.network.model.state_dict().items():
        assert torch.allclose(tensor, before[name], rtol=0.02, atol=0.02), name


def test_the_same_pictures_with_half_the_contrast_get_the_answers_of_before(data: Path, tmp_path: Path) -> None:
    """Of a frozen network, which keeps statistics of other pictures; those of the new site alone would give others."""
    dull = tmp_path / "dull"
    dull.mkdir()
    setup = tiny_setup(data, tmp_path / "other", **OPTIONS)
    for number, path in enumerate(setup.train.paths):
        pixels = np.asarray(Image.open(data / path).convert("RGB")) * 0.5 + 63.75
        Image.fromarray(pixels.round().astype(np.uint8)).save(dull / f"{number:03}.png")
    _, setup = trained(data, dull, tmp_path / "run", strategy="feature-extraction")
    network = setup.network

    def answers(images: Tensor) -> Tensor:
        network.evaluation_mode()
        with torch.inference_mode():
            logits: Tensor = network.model(images)
        return logits

    expected = answers(setup.frozen.activations(setup.train, range(len(setup.train)), 0, 0))
    alone = answers(pixels_of(setup))
    list(measured_anew(setup, network))
    off = (answers(pixels_of(setup)) - expected).abs().max()
    assert off < 0.05 * expected.std() < 0.5 * (alone - expected).abs().max()
    network.model.train()
    network.model.get_submodule("drop").eval()
    with torch.inference_mode():
        paper = network.model(pixels_of(setup))
    assert (paper - expected).abs().max() > 10 * off


def test_what_is_aligned_already_is_left_alone(data: Path, site: Path, tmp_path: Path) -> None:
    """A run that is gone on with may come here again; aligned once more, it would be off again."""
    run, setup = trained(data, site, tmp_path / "run")
    aligned(run, setup)
    once = run.best_path.read_bytes()
    changed, said = aligned(run, setup)
    assert changed and run.best_path.read_bytes() == once
    assert [(event.code, event.message) for event in of(said, events.Notice)] == [
        ("statistics_aligned", "No epoch was better since the statistics were made those of the new site.")
    ]


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


def test_the_temperature_stays_that_of_the_known_site_with_its_own_statistics(
    data: Path, site: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """To the layers the new site looks now as the known one did; with these statistics the known one does not."""
    monkeypatch.setattr(after, "why_not_align", lambda *_: "")
    run, setup = trained(data, site, tmp_path / "run", epochs=12, head_learning_rate=0.02, top_learning_rate=0.02)
    before = trained_model.load(run).card
    aligned(run, setup)
    assert trained_model.load(run).card == msgspec.structs.replace(before, aligned=True) and before.temperature != 1


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


@pytest.mark.parametrize("why", ["It is spoilt.", ""])
def test_what_is_kept_of_frozen_layers_answers_before_and_holds_on_where_nothing_is_changed(
    why: str, data: Path, site: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else the scores that follow are computed from the pixels, for each image anew: ten times as long, once seen."""
    monkeypatch.setattr(after, "why_not_align", lambda *_: why)
    monkeypatch.setattr(after, "measured_anew", one_layer_is_another)
    run, setup = trained(data, site, tmp_path / "run", strategy="feature-extraction")
    cut = setup.network.cut_below(setup.network.head_index)
    assert cut > 0 and setup.target is not None and setup.frozen.missing(setup.validation, 0, cut) == 0
    read: list[str] = []
    whole = samples.Reader.read

    def counted(reader: samples.Reader, part: Part, indices: Sequence[int], view: int) -> Tensor:
        read.extend([part.name] * len(indices))
        return whole(reader, part, indices, view)

    monkeypatch.setattr(samples.Reader, "read", counted)
    changed, _ = aligned(run, setup, cut)
    # Once with the new statistics; the known site's with its own come from what was kept.
    assert changed != bool(why) and read.count("validation") == len(setup.validation)
    read.clear()
    setup.frozen.activations(setup.validation, range(len(setup.validation)), 0, cut)
    assert bool(read) == changed


def one_layer_is_another(_setup: Setup, network: Network) -> Iterator[events.Event]:
    """In place of `measured_anew`."""
    yield from ()
    network.model.get_submodule("norm1").running_mean.add_(0.5)  # type: ignore[operator, union-attr]
    return True  # type: ignore[return-value]


def test_the_alarm_hears_what_is_right_now_and_what_was_before(
    data: Path, site: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    heard: list[tuple[Any, ...]] = []
    monkeypatch.setattr(after, "why_not_align", lambda *given: heard.append(given) or "")
    run, setup = trained(data, site, tmp_path / "run")
    setup.network.model.load_state_dict(best_of(run))
    before = answers_of(setup)
    aligned(run, setup)
    ((was, now, known),) = heard
    assert was == pytest.approx(before, abs=1e-6) and now == pytest.approx(answers_of(setup), abs=1e-6) and was != now
    counts = np.bincount(setup.train.labels.numpy()) / len(setup.train)
    assert known == pytest.approx(-float((counts * np.log(counts)).sum()))


def answers_of(setup: Setup) -> tuple[float, float]:
    """Mean entropy of the answers for the new site, and entropy of their mean."""
    setup.network.evaluation_mode()
    with torch.inference_mode():
        shares = torch.softmax(setup.network.model(pixels_of(setup)).double(), 1).numpy()
    mean = shares.mean(0)
    return float(-(shares * np.log(shares)).sum(1).mean()), float(-(mean * np.log(mean)).sum())


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
