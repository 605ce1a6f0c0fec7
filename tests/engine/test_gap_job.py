"""How different a new site is: planted differences and none, what takes no part, refusals, and Stop."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest
import safetensors.torch
import torch
from helpers.compared import answered
from helpers.shortcut_bench import Pixels, plain, write_listed, write_table
from helpers.tiny import of, tiny_network
from PIL import Image

from tlgui.core import commands, events
from tlgui.core.errors import UserError
from tlgui.core.events import GapMeasured
from tlgui.core.records import PixelRule
from tlgui.core.run_folder import RunFolder
from tlgui.engine.adaptation.gap_words import CAVEAT, gap_of, notes_of, sentence_of
from tlgui.engine.adaptation.site_look import STEPS, look_of, mean_look
from tlgui.engine.control import Control
from tlgui.engine.jobs import gap as gap_job
from tlgui.engine.jobs.gap import measure_gap
from tlgui.imaging.listing import read_listing, write_images

pytestmark = pytest.mark.usefixtures("one_thread", "tiny_when_asked")
Site = tuple[Path, Path]


def brighter(pixels: Pixels, class_name: str, number: int) -> Pixels:
    """As a scanner with another exposure gives it."""
    return np.clip(pixels.astype(int) + 40, 0, 255).astype(np.uint8)


def site(
    tmp_path: Path, name: str, classes: str, each: int = 25, paint: Callable[..., Pixels] = plain, **more: Any
) -> Site:
    """A folder with its listing. Pictures of "b", "c", "d", ... are drawn alike, and no two are equal."""
    root = tmp_path / name
    return root, write_listed(root, dict.fromkeys(classes, each), paint, **more)


def job_of(known: Site, new: Site, **more: Any) -> commands.MeasureGap:
    return commands.MeasureGap(
        listing=str(known[1]),
        data=str(known[0]),
        new_listing=str(new[1]),
        new_data=str(new[0]),
        backbone="tiny",
        **more,
    )


def measured(job: commands.MeasureGap) -> GapMeasured:
    said = list(measure_gap(job, Control()))
    (found,) = of(said, GapMeasured)
    assert said[-1] == events.Completed(message=found.sentence)
    assert found.files == found.new_images + sum(found.left_out.values())
    return found


def changed(new: Site, change: Callable[[list[Any]], list[Any]]) -> Site:
    """The same folder with another listing."""
    return new[0], write_table(new[1], change(read_listing(new[1])))


# -- what is measured ----------------------------------------------------------------------------------------------


def test_two_halves_of_one_population_cannot_be_told_apart(tmp_path: Path) -> None:
    found = measured(job_of(site(tmp_path, "k", "bc"), site(tmp_path, "n", "de")))

    assert found.auc is not None and found.low is not None and found.high is not None
    assert found.low <= 0.5 <= found.high and found.low <= found.auc <= found.high
    assert found.gap == "alike" and found.least_alike == []
    assert found.mmd is not None and abs(found.mmd) < 0.1 and found.mmd_p is not None and found.mmd_p > 0.05
    assert (found.images, found.known_images, found.new_images, found.files) == (50, 50, 50, 50)
    assert (found.folds, found.permutations, found.left_out) == (5, 500, {})
    assert found.sentence.startswith("The two sites cannot be told apart (AUC .")


def test_a_distance_that_is_estimated_below_0_is_said_to_be_0(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gap_job.mmd, "permuted", lambda *_: (-0.01, 0.7))
    found = measured(job_of(site(tmp_path, "k", "bc", each=6), site(tmp_path, "n", "de", each=6)))
    assert (found.mmd, found.mmd_p) == (0.0, 0.7)


def test_a_brightness_shifted_site_is_told_apart_and_seen_in_its_histogram(tmp_path: Path) -> None:
    found = measured(job_of(site(tmp_path, "k", "bc"), site(tmp_path, "n", "de", paint=brighter)))

    assert found.auc is not None and found.auc > 0.95 and found.low is not None and found.low > 0.85
    assert found.gap == "wide" and found.mmd_p == pytest.approx(1 / 501) and found.mmd is not None and found.mmd > 0.2
    assert found.sentence.startswith("Told apart almost always (AUC") and CAVEAT in found.sentence
    assert len(found.least_alike) == 12 and len({image.path for image in found.least_alike}) == 12
    chances = [image.probability for image in found.least_alike]
    assert chances == sorted(chances, reverse=True) and 0.5 < chances[-1] <= chances[0] <= 1
    assert found.new_look.green - found.known_look.green == pytest.approx(40, abs=3)
    for look in (found.known_look, found.new_look):
        assert len(look.brightness) == STEPS and sum(look.brightness) == pytest.approx(1)


def test_the_least_alike_images_are_those_that_were_planted(tmp_path: Path) -> None:
    def half(pixels: Pixels, class_name: str, number: int) -> Pixels:
        return brighter(pixels, class_name, number) if class_name == "d" else pixels

    found = measured(job_of(site(tmp_path, "k", "bc"), site(tmp_path, "n", "de", paint=half)))

    assert found.gap in ("slight", "clear")
    assert sum(image.path.startswith("d/") for image in found.least_alike) >= 11


def test_the_same_seed_gives_the_same_answer_and_another_draw_another(tmp_path: Path) -> None:
    known, new = site(tmp_path, "k", "bc"), site(tmp_path, "n", "de", paint=brighter)
    one, again, other = (measured(job_of(known, new, images=20, seed=seed)) for seed in (1, 1, 2))

    assert msgspec.json.encode(one) == msgspec.json.encode(again) != msgspec.json.encode(other)


def test_as_many_of_each_site_are_looked_at(tmp_path: Path) -> None:
    found = measured(job_of(site(tmp_path, "k", "bc", each=30), site(tmp_path, "n", "d", each=12)))

    assert (found.images, found.known_images, found.new_images) == (12, 60, 12)
    assert "12 of 60 images of the known site and 12 of 12 of the new site were looked at" in found.notes[0]
    assert any("So few images" in note for note in found.notes)


def test_nothing_of_a_place_is_said(tmp_path: Path) -> None:
    found = measured(job_of(site(tmp_path, "k", "bc"), site(tmp_path, "n", "de", paint=brighter)))

    assert str(tmp_path) not in msgspec.json.encode(found).decode()


def test_the_classes_of_the_new_site_are_not_read(tmp_path: Path) -> None:
    known, new = site(tmp_path, "k", "bc"), site(tmp_path, "n", "de", paint=brighter)
    named = measured(job_of(known, new))
    nameless = changed(new, lambda images: [msgspec.structs.replace(image, class_name="") for image in images])

    assert measured(job_of(known, nameless)) == named


def test_pixels_of_both_follow_the_rule_of_the_known_site(tmp_path: Path) -> None:
    new = site(tmp_path, "n", "de")
    for path in sorted(new[0].rglob("*.png")):
        Image.fromarray(np.asarray(Image.open(path).convert("L")).astype(np.uint16) * 16).save(path)
    known = site(tmp_path, "k", "bc")
    whole, dark = (measured(job_of(known, new, rule=PixelRule(high=high))) for high in (4095.0, 65535.0))

    assert whole.new_look.green == pytest.approx(whole.known_look.green, abs=8)
    assert dark.new_look.green < 12 and dark.gap == "wide"


# -- groups --------------------------------------------------------------------------------------------------------


def test_groups_of_both_sites_are_never_torn(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    known = site(tmp_path, "k", "bc", group=lambda name, number: f"p{number // 5}")
    new = site(tmp_path, "n", "de", group=lambda name, number: f"p{number // 5}")
    torn: list[set[int]] = []
    real = gap_job.fold_of

    def watched(records: Any, k: int, seed: int) -> Any:
        folds = real(records, k, seed)
        pairs = [(int(fold), record.group) for fold, record in zip(folds, records, strict=True)]
        torn.extend({fold for fold, group in pairs if group == one} for one in {group for _, group in pairs})
        return folds

    monkeypatch.setattr(gap_job, "fold_of", watched)
    found = measured(job_of(known, new))

    assert len(torn) == 10 and all(len(folds) == 1 for folds in torn)  # five patients here, five others there
    assert any(note.startswith("Images that belong together") and "5 and 5" in note for note in found.notes)


def test_a_site_of_one_patient_is_refused(tmp_path: Path) -> None:
    new = site(tmp_path, "n", "d", group=lambda *_: "only one")
    with pytest.raises(UserError, match="All images of one site belong together") as refused:
        measured(job_of(site(tmp_path, "k", "bc"), new))
    assert refused.value.code == "too_few_images"


# -- what takes no part --------------------------------------------------------------------------------------------


def test_images_of_both_sites_and_copies_are_found_by_their_content(tmp_path: Path) -> None:
    known, new = site(tmp_path, "k", "bc"), site(tmp_path, "n", "de")
    # One of them is a test image of the known site: it counts as known, and is not looked at.
    changed(known, lambda images: [msgspec.structs.replace(images[0], part="test"), *images[1:]])

    def mixed(images: list[Any]) -> list[Any]:
        both = [msgspec.structs.replace(images[n], content_hash=f"b{n}") for n in range(14)]
        copy = msgspec.structs.replace(images[15], content_hash=images[14].content_hash)
        return [*both, images[14], copy, *images[16:]]

    found = measured(job_of(known, changed(new, mixed), left_out={"truncated": 2, "not_an_image": 1}, unlisted=1))

    assert found.left_out == {"truncated": 2, "not_an_image": 1, "known": 14, "copy": 1}
    assert (found.files, found.new_images, found.known_images, found.images) == (53, 35, 49, 35)
    assert found.known_paths == [f"d/{n:03}.png" for n in range(12)]
    said = " ".join(found.notes)
    assert "14 images of the new site are also images of the known site (the same file) and took no part" in said
    assert "'d/011.png' and 2 more." in said
    assert "1 file is a copy of another one in the new site's folder and took no part." in said
    assert "3 files in the new site's folder cannot be used: 2 truncated, 1 not an image." in said
    assert "1 folder of the new site could not be looked into" in said


def a_run_that_learned(path: Path, contents: list[str]) -> RunFolder:
    """A run whose network is the tiny one, trained on images of these contents."""
    names = {f"{number}.png": content for number, content in enumerate(contents)}
    run = answered(path, dict.fromkeys(names, ("train", True)), contents=names)
    state = tiny_network(2).model.state_dict()
    safetensors.torch.save_file({name: tensor.contiguous() for name, tensor in state.items()}, run.best_path)
    return run


def for_test(known: Site, of: int) -> Site:
    return changed(
        known, lambda images: [msgspec.structs.replace(one, part="test") for one in images[:of]] + images[of:]
    )


def test_what_the_run_has_learned_whose_network_looks_takes_no_part(tmp_path: Path) -> None:
    known, new = for_test(site(tmp_path, "k", "bc"), 15), site(tmp_path, "n", "de")
    learned = [f"b{n}" for n in range(15, 25)] + [f"c{n}" for n in range(25)] + ["d3", "e4"]
    run = a_run_that_learned(tmp_path / "run", learned)
    found = measured(job_of(known, new, weights_file=str(run.best_path)))

    # Of the known site only its test images are as new to this network as those of the new site.
    assert (found.images, found.known_images, found.new_images, found.left_out) == (15, 15, 48, {"learned": 2})
    assert found.notes[0] == (
        "15 of 15 images of the known site and 15 of 48 of the new site were looked at, drawn without regard to class; 35 "
        "more of the known site, which this network has learned, took no part, so test images are among those that did."
    )
    assert "2 images of the new site, which this network has learned, took no part." in found.notes


def test_a_run_that_has_learned_other_images_changes_nothing_of_what_is_looked_at(tmp_path: Path) -> None:
    known, new = for_test(site(tmp_path, "k", "bc"), 15), site(tmp_path, "n", "de")
    run = a_run_that_learned(tmp_path / "run", ["x1", "x2"])
    found = measured(job_of(known, new, weights_file=str(run.best_path)))

    assert (found.known_images, found.new_images, found.left_out) == (35, 50, {})
    assert found.notes[0].endswith("test images of the known site are none of them.")


@pytest.mark.parametrize(
    ("letters", "words"),
    [
        ("bc", "has learned 50 images of the known site, and only 0 other ones can be used: below 10"),
        ("de", "has learned 50 images of the new site, and only 0 other ones can be used: below 10"),
    ],
)
def test_a_run_that_has_learned_nearly_all_images_of_a_site_cannot_judge(
    letters: str, words: str, tmp_path: Path
) -> None:
    run = a_run_that_learned(tmp_path / "run", [f"{name}{n}" for name in letters for n in range(25)])
    job = job_of(site(tmp_path, "k", "bc"), site(tmp_path, "n", "de"), weights_file=str(run.best_path))
    with pytest.raises(UserError, match=words) as refused:
        measured(job)
    assert refused.value.code == "source_knows" and "published weights" in refused.value.remedy


def test_a_file_that_was_lost_since_the_folder_was_listed_is_counted(tmp_path: Path) -> None:
    new = site(tmp_path, "n", "de")
    (new[0] / "d" / "000.png").unlink()
    (new[0] / "d" / "001.png").write_bytes(b"no picture")
    found = measured(job_of(site(tmp_path, "k", "bc"), new))

    assert (found.left_out, found.new_images, found.files) == ({"unreadable": 2}, 48, 50)
    assert found.images == 48


def test_equal_features_are_said_and_no_number_is_made_up(tmp_path: Path) -> None:
    def grey(pixels: Pixels, class_name: str, number: int) -> Pixels:
        return np.full_like(pixels, 128)

    found = measured(job_of(site(tmp_path, "k", "bc", paint=grey), site(tmp_path, "n", "de", paint=grey)))

    assert (found.auc, found.low, found.high, found.gap, found.folds) == (None, None, None, "unknown", 0)
    assert (found.mmd, found.mmd_p, found.least_alike) == (0.0, 1.0, [])
    assert found.sentence.startswith("The network gives the same numbers for every image")


# -- refusals ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("count", "words"), [(1, "Only 1 image of"), (9, "Only 9 images of")])
def test_fewer_than_ten_images_of_a_site_are_refused(tmp_path: Path, count: int, words: str) -> None:
    few, enough = site(tmp_path, "f", "d", each=count), site(tmp_path, "e", "bc")
    for known, new, which in ((enough, few, "new"), (few, enough, "known")):
        with pytest.raises(UserError, match=f"{words} the {which} site can be used: below 10") as refused:
            measured(job_of(known, new))
        assert refused.value.code == "too_few_images"


def test_ten_images_are_enough(tmp_path: Path) -> None:
    found = measured(job_of(site(tmp_path, "k", "bc"), site(tmp_path, "n", "d", each=10)))
    assert found.images == 10 and found.low is not None and found.high is not None
    assert found.high - found.low > 0.3


def test_the_known_site_given_as_the_new_one_is_refused(tmp_path: Path) -> None:
    known = site(tmp_path, "k", "bc")
    with pytest.raises(UserError, match="All images of the new site are also images of the known site") as refused:
        measured(job_of(known, known))
    assert refused.value.code == "same_images"


def test_few_new_ones_beside_known_ones_are_refused_with_both_numbers(tmp_path: Path) -> None:
    known, new = site(tmp_path, "k", "bc"), site(tmp_path, "n", "d", each=12)

    def mixed(images: list[Any]) -> list[Any]:
        return [msgspec.structs.replace(images[n], content_hash=f"b{n}") for n in range(9)] + images[9:]

    with pytest.raises(UserError, match="Only 3 images of the new site can be used, beside 9 that are also images of"):
        measured(job_of(known, changed(new, mixed)))


@pytest.mark.parametrize(
    ("left_out", "words"),
    [({}, "holds no file"), ({"not_an_image": 1, "empty": 2}, "None of the 3 files in the folder of the new site")],
)
def test_a_folder_without_images_is_refused(tmp_path: Path, left_out: dict[str, int], words: str) -> None:
    (tmp_path / "n").mkdir()
    write_images(tmp_path / "n.csv", [])
    with pytest.raises(UserError, match=words) as refused:
        measured(job_of(site(tmp_path, "k", "bc"), (tmp_path / "n", tmp_path / "n.csv"), left_out=left_out))
    assert refused.value.code == "no_images"


def test_a_folder_that_is_gone_is_said(tmp_path: Path) -> None:
    new = site(tmp_path, "n", "de")
    new[0].rename(tmp_path / "elsewhere")
    with pytest.raises(UserError, match="None of the images in 'n' can be read any more") as refused:
        measured(job_of(site(tmp_path, "k", "bc"), new))
    assert refused.value.code == "images_missing"


def test_values_that_are_no_numbers_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gap_job, "head_inputs", lambda network, device, rows: torch.full((len(rows), 4), torch.nan))
    with pytest.raises(UserError, match="no numbers for these images") as refused:
        measured(job_of(site(tmp_path, "k", "bc"), site(tmp_path, "n", "de")))
    assert refused.value.code == "weights_unfit"


# -- Stop ----------------------------------------------------------------------------------------------------------


def test_a_stop_is_heard_between_any_two_steps(tmp_path: Path) -> None:
    known, new = site(tmp_path, "k", "bc", each=6), site(tmp_path, "n", "de", each=6)
    steps = len(list(measure_gap(job_of(known, new), Control())))
    for heard in range(steps - 2):
        control = Control()
        said: list[events.Event] = []
        for event in measure_gap(job_of(known, new), control):
            said.append(event)
            if len(said) == heard + 1:
                control.put(commands.Stop())
        assert said[-1] == events.Stopped() and not of(said, GapMeasured) and len(said) == heard + 2


# -- words and looks -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("auc", "low", "gap", "words"),
    [
        (0.52, 0.45, "alike", "The two sites cannot be told apart (AUC .52, .45 to .62) from what this network sees"),
        (0.42, 0.31, "alike", "The two sites cannot be told apart (AUC .42, .31 to .52)"),
        (0.62, 0.55, "slight", "Told apart a little more often than by chance (AUC .62, .55 to .72): "),
        (0.80, 0.71, "clear", "Told apart most of the time (AUC .80, .71 to .90): "),
        (0.95, 0.93, "wide", "Told apart almost always (AUC .95, .93 to 1.05): expect a model of the known site to do worse"),
        (0.99, 0.50, "alike", "The two sites cannot be told apart"),
        (None, None, "unknown", "The network gives the same numbers"),
    ],
)  # fmt: skip
def test_every_gap_has_its_sentence(auc: float | None, low: float | None, gap: str, words: str) -> None:
    assert gap_of(auc, low) == gap
    said = sentence_of(auc, low, None if auc is None else auc + 0.1)
    assert said.startswith(words)
    if gap != "unknown":
        assert said.endswith("only labelled images of the new site tell.")


def test_the_two_measures_that_disagree_are_said() -> None:
    def notes(gap: Any, p: float) -> str:
        return " ".join(notes_of((50, 50), (50, 50), (50, 50), {}, [], 0, gap, p))

    assert "lie further apart than by chance (p = .004): there may be a small difference" in notes("alike", 0.004)
    assert "lie no further apart than by chance (p = .20)" in notes("slight", 0.2)
    assert "by chance" not in notes("alike", 0.2) + notes("wide", 0.002)


def test_a_look_counts_all_pixels_by_their_brightness() -> None:
    pixels = np.zeros((10, 10, 3), np.uint8)
    pixels[:5] = 255
    pixels[9] = (255, 0, 0)
    look = mean_look([look_of(pixels)])

    assert look.brightness[0] == pytest.approx(0.4) and look.brightness[31] == pytest.approx(0.5)
    assert look.brightness[76 // 8] == pytest.approx(0.1)  # .299 of 255
    assert (look.red, look.green) == (pytest.approx(153), pytest.approx(127.5))


def test_a_large_picture_looks_as_a_small_one_does() -> None:
    small = np.random.default_rng(0).integers(0, 256, (64, 80, 3)).astype(np.uint8)
    large = small.repeat(20, axis=0).repeat(20, axis=1)

    assert np.abs(look_of(large) - look_of(small))[:STEPS].max() < 0.02
