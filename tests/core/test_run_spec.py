"""run.toml: written and read back alike, and a mistake in it is answered with its field and file."""

from __future__ import annotations

import os
from pathlib import Path
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tlgui.core import run_spec
from tlgui.core.augmentations import AUGMENTATIONS
from tlgui.core.errors import UserError
from tlgui.core.records import Colour, Frame, Method, PixelRule
from tlgui.core.run_spec import (
    BestBy,
    Chosen,
    Dataset,
    FirstAnswer,
    Imbalance,
    Machine,
    NormStatistics,
    Precision,
    RunSpec,
    Training,
    Unfreezing,
    contradiction,
)
from tlgui.core.similarity import Band, Doubt, MeasuredSimilarity
from tlgui.core.strategies import STRATEGIES

WHOLE = st.integers(1, 2**31)
RATE = st.floats(0, 1e6, exclude_min=True)
SHARE = st.floats(0, 1, exclude_max=True)
TRAININGS = st.builds(
    Training,
    strategy=st.sampled_from([*STRATEGIES, "auto"]),
    similarity=st.sampled_from(["similar", "different", None]),
    top_groups=st.none() | WHOLE,
    epochs=st.none() | WHOLE,
    batch_size=WHOLE | st.just("auto"),
    seed=st.integers(0, 2**32 - 1),
    head_learning_rate=st.none() | RATE,
    top_learning_rate=st.none() | RATE,
    stem_factor=st.none() | RATE,
    weight_decay=st.just(0.0) | RATE,
    views=st.none() | WHOLE,
    augmentation=st.sampled_from([*AUGMENTATIONS]),
    mirror=st.none() | st.booleans(),
    optimizer=st.sampled_from(["adamw", "adam"]),
    schedule=st.sampled_from(["one-cycle", "constant"]),
    cycle_momentum=st.booleans(),
    group_factor=st.none() | RATE,
    group_learning_rates=st.dictionaries(st.sampled_from(["stem", "block 5", "head"]), RATE, max_size=3),
    clip_norm=st.just(0.0) | RATE,
    label_smoothing=SHARE,
    mixup=st.just(0.0) | RATE,
    cutmix=st.just(0.0) | RATE,
    ema=SHARE,
    imbalance=st.sampled_from(get_args(Imbalance)),
    head=st.sampled_from(["linear", "hidden"]),
    head_units=WHOLE,
    head_dropout=SHARE,
    norm_statistics=st.none() | st.sampled_from(get_args(NormStatistics)),
    precision=st.sampled_from(get_args(Precision)),
    warm_start=st.none() | st.booleans(),
    unfreezing=st.none() | st.sampled_from(get_args(Unfreezing)),
    unfreeze_at=st.lists(WHOLE, max_size=4),
    plateau=WHOLE,
    trial_epochs=WHOLE,
    view_every=st.integers(0, 1000),
    patience=st.none() | st.integers(0, 1000),
    best_by=st.sampled_from(get_args(BestBy)),
)
# Any text but lone surrogates, which no UTF-8 file holds: scanning replaces them before they come here.
TEXT = st.text(st.characters(codec="utf-8"), max_size=20)
SPECS = st.builds(
    RunSpec,
    tlgui=TEXT,
    data=TEXT,
    fit=st.sampled_from(["crop", "squash"]),
    split_fractions=st.tuples(RATE.filter(lambda x: x < 1), RATE.filter(lambda x: x < 1), st.floats(0, 0.99)),
    training=TRAININGS,
    size=st.none() | st.integers(16, 2048),
    dataset=st.builds(
        Dataset, name=TEXT, fingerprint=TEXT, layout=TEXT, classes=st.lists(TEXT), images=WHOLE, formats=st.lists(TEXT)
    ),
    pixel_rule=st.builds(
        PixelRule,
        method=st.sampled_from(get_args(Method)),
        low=st.floats(-1e6, 1e6),
        high=st.floats(-1e6, 1e6),
        frame=st.sampled_from(get_args(Frame)),
        colour=st.sampled_from(get_args(Colour)),
        border=st.floats(0, 0.4),
    ),
    machine=st.none()
    | st.builds(
        Machine,
        device=TEXT,
        executor=st.sampled_from(["torch", "onnxruntime"]),
        threads=WHOLE,
        precision=st.sampled_from(["float32", "bf16", "fp16"]),
        versions=st.dictionaries(TEXT, TEXT, max_size=3),
    ),
    similarity=st.none()
    | st.builds(
        MeasuredSimilarity,
        value=SHARE,
        low=SHARE,
        high=SHARE,
        spread=SHARE,
        band=st.none() | st.sampled_from(get_args(Band)),
        sure=st.booleans(),
        doubt=st.sampled_from(get_args(Doubt)),
        images=WHOLE,
        backbone=TEXT,
        method=TEXT,
    ),
    first_answer=st.none() | st.builds(FirstAnswer, accuracy=SHARE, low=SHARE, high=SHARE, images=WHOLE, folds=WHOLE),
    chosen=st.none()
    | st.builds(
        Chosen,
        strategy=st.sampled_from([*STRATEGIES]),
        top_groups=WHOLE,
        by=st.sampled_from(["images", "headroom", "trial"]),
        sentence=TEXT,
    ),
)


@pytest.fixture(scope="module")
def toml(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("spec") / "run.toml"


def refusal(path: Path, content: str | bytes) -> str:
    """The problem that reading `content` is answered with."""
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    with pytest.raises(UserError) as caught:
        run_spec.read(path)
    assert caught.value.remedy.endswith(".")
    return caught.value.problem


def test_a_rule_and_a_dataset_of_the_first_version_still_read(toml: Path) -> None:
    toml.write_text(
        "[dataset]\nname = 'd'\nfingerprint = 'f'\nlayout = 'class folders'\nclasses = ['a', 'b']\nimages = 9\n"
        "[pixel_rule]\nlow = 0.0\nhigh = 4095.0\nbackground = [255, 255, 255]\n"
    )

    spec = run_spec.read(toml)

    assert spec.pixel_rule == PixelRule(low=0.0, high=4095.0)
    assert spec.pixel_rule.method == "range" and spec.pixel_rule.border == 0
    assert spec.dataset is not None and spec.dataset.formats == []


@given(spec=SPECS)
def test_a_spec_reads_back_as_it_was_written(toml: Path, spec: RunSpec) -> None:
    toml.write_bytes(spec.to_toml().encode())  # `write` waits for the disk, which a hundred examples have no time for

    assert run_spec.read(toml) == spec


def test_writing_replaces_the_file_as_a_whole(tmp_path: Path) -> None:
    path = tmp_path / "run.toml"
    run_spec.write(RunSpec(data="a much longer place than the one that comes after it"), path)
    run_spec.write(RunSpec(data="b"), path)

    assert run_spec.read(path) == RunSpec(data="b")
    assert [file.name for file in tmp_path.iterdir()] == ["run.toml"]


def test_defaults_are_written_and_what_is_not_set_is_not() -> None:
    text = RunSpec(training=Training(epochs=3, similarity=None), dataset=None).to_toml()

    # A default that a later version changes must not change an old run.
    for line in ("epochs = 3", "batch_size = 32", "seed = 0", "weight_decay = 0.01"):
        assert line in text.splitlines()
    for name in ("top_groups", "similarity", "machine", "None", "null"):
        assert name not in text


def test_an_empty_file_is_the_default_run(toml: Path) -> None:
    toml.write_text("")

    assert run_spec.read(toml) == RunSpec()


def test_a_file_written_by_hand_names_its_images_relative_to_itself(toml: Path) -> None:
    toml.write_text('data = "images of mine"\nbackbone = "resnet50"\n[training]\nweight_decay = 0\nseed = 4\n')

    spec = run_spec.read(toml)

    assert (spec.data, spec.backbone, spec.training.weight_decay, spec.training.seed) == (
        "images of mine",
        "resnet50",
        0.0,
        4,
    )


@pytest.mark.parametrize("line_end", ["\n", "\r\n"])
def test_a_file_of_a_windows_editor_is_read(toml: Path, line_end: str) -> None:
    toml.write_bytes(b"\xef\xbb\xbf" + line_end.join(['data = "Bläue"', "[training]", "epochs = 2", ""]).encode())

    assert run_spec.read(toml) == RunSpec(data="Bläue", training=Training(epochs=2))


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ("[training]\nepoch = 3", ["unknown field `epoch`", "`$.training`"]),
        ("bakbone = 'resnet50'", ["unknown field `bakbone`"]),
        ("[dataset]\nname = 'x'", ["missing required field `fingerprint`", "`$.dataset`"]),
        ("[training]\nepochs = 'three'", ["Expected `int | null`, got `str`", "`$.training.epochs`"]),
        ("[training]\nepochs = 3.5", ["Expected `int | null`, got `float`", "`$.training.epochs`"]),
        ("[training]\nepochs = true", ["Expected `int | null`, got `bool`", "`$.training.epochs`"]),
        ("[training]\nepochs = 0", ["Expected `int` >= 1", "`$.training.epochs`"]),
        ("[training]\nbatch_size = -1", ["Expected `int` >= 1", "`$.training.batch_size`"]),
        ("[training]\nbatch_size = 'large'", ["Invalid enum value 'large'", "`$.training.batch_size`"]),
        ("[training]\nlabel_smoothing = 1.0", ["Expected `float` < 1", "`$.training.label_smoothing`"]),
        ("[training]\nema = 1.0", ["Expected `float` < 1", "`$.training.ema`"]),
        ("[training]\nmixup = -0.2", ["Expected `float` >= 0", "`$.training.mixup`"]),
        ("[training]\nimbalance = 'weights'", ["Invalid enum value 'weights'", "`$.training.imbalance`"]),
        ("[training]\nprecision = 'fp32'", ["Invalid enum value 'fp32'", "`$.training.precision`"]),
        ("[training]\nunfreeze_at = [0]", ["Expected `int` >= 1", "`$.training.unfreeze_at[0]`"]),
        ("[training.group_learning_rates]\nstem = 0", ["Expected `float` > 0", "`$.training.group_learning_rates"]),
        ("size = 8", ["Expected `int` >= 16", "`$.size`"]),
        ("[training]\nseed = -1", ["Expected `int` >= 0", "`$.training.seed`"]),
        ("[training]\nseed = 4294967296", ["Expected `int` <= 4294967295", "`$.training.seed`"]),
        ("[training]\nseed = 1000000000000000000000", ["Expected `int` <= 4294967295", "`$.training.seed`"]),
        ("[training]\nhead_learning_rate = 0", ["Expected `float` > 0", "`$.training.head_learning_rate`"]),
        ("[training]\nhead_learning_rate = nan", ["Expected `float`", "`$.training.head_learning_rate`"]),
        ("[training]\nhead_learning_rate = inf", ["Expected `float` <= 1000000.0", "`$.training.head_learning_rate`"]),
        ("[training]\nweight_decay = -0.1", ["Expected `float` >= 0", "`$.training.weight_decay`"]),
        ("[training]\nweight_decay = inf", ["Expected `float` <= 1000000.0", "`$.training.weight_decay`"]),
        ("[training]\nepochs = 2026-01-01", ["Expected `int | null`", "`$.training.epochs`"]),
        ("training = 3", ["Expected `object`, got `int`", "`$.training`"]),
        ("format = 2", ["Invalid enum value 2", "`$.format`"]),
        ("fit = 'stretch'", ["Invalid enum value 'stretch'", "`$.fit`"]),
        ("split_fractions = [0.7, 0.3]", ["length 3", "`$.split_fractions`"]),
        ("split_fractions = [1.0, 0.5, 0.5]", ["Expected `float` < 1", "`$.split_fractions[0]`"]),
        ("split_fractions = [0.7, -0.1, 0.1]", ["Expected `float` >= 0", "`$.split_fractions[1]`"]),
        ("split_fractions = [0.7, nan, 0.1]", ["Expected `float`", "`$.split_fractions[1]`"]),
        ("split_fractions = [0.0, 0.0, 0.0]", ["`split_fractions` must give train and validation a share"]),
        ("split_fractions = [0.8, 0.0, 0.2]", ["`split_fractions` must give train and validation a share"]),
    ],
)
def test_a_field_that_does_not_fit_is_named_with_its_file(toml: Path, content: str, says: list[str]) -> None:
    problem = refusal(toml, content)

    assert problem.startswith("'run.toml' has a field that does not fit: ")
    assert problem.endswith(".")
    for text in says:
        assert text in problem


@pytest.mark.parametrize(
    "content", ["training", "[training\nepochs = 3", "seed = ", "a = 1\na = 2", b"\xff\xfe\x00", b"\x89PNG"]
)
def test_a_file_that_is_no_toml_is_named(toml: Path, content: str | bytes) -> None:
    assert refusal(toml, content).startswith("'run.toml' is not a TOML file: ")


def test_a_broken_file_names_its_line(toml: Path) -> None:
    assert "line 2" in refusal(toml, "seed = 1\nepochs 3\n")


def test_a_missing_file_is_named_without_its_place(tmp_path: Path) -> None:
    with pytest.raises(UserError) as caught:
        run_spec.read(tmp_path / "mine.toml")

    assert caught.value.problem == f"'mine.toml' cannot be read: {os.strerror(2)}."
    assert str(tmp_path) not in str(caught.value)


def test_a_folder_is_no_run_file(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="cannot be read"):
        run_spec.read(tmp_path)


def test_a_training_part_without_a_share_is_refused_in_code_too() -> None:
    with pytest.raises(ValueError, match="split_fractions"):
        RunSpec(split_fractions=(0.8, 0.0, 0.2))


@pytest.mark.parametrize(
    ("former", "now"),
    [
        ("augmentation = 'standard'", Training(augmentation="photos")),
        ("augmentation = 'no-flip'", Training(augmentation="photos", mirror=False)),
        ("augmentation = 'no-flip'\nmirror = true", Training(augmentation="photos", mirror=True)),
        ("augmentation = 'off'", Training(augmentation="off")),
    ],
)
def test_an_augmentation_of_the_first_version_means_what_it_meant(toml: Path, former: str, now: Training) -> None:
    toml.write_text(f"[training]\n{former}\n")

    assert run_spec.read(toml).training == now


CONTRADICTIONS: list[tuple[str, str]] = [
    ("unfreeze_at = [6, 3]", "the epochs in `unfreeze_at` must rise, as in [3, 6, 9]"),
    ("unfreeze_at = [3, 3]", "the epochs in `unfreeze_at` must rise, as in [3, 6, 9]"),
    ("unfreezing = 'schedule'", "`unfreezing` by schedule needs its epochs in `unfreeze_at`"),
    ("unfreezing = 'never'\nunfreeze_at = [3]", "`unfreeze_at` is a schedule, and `unfreezing` says 'never'"),
    ("unfreezing = 'plateau'\nunfreeze_at = [3]", "`unfreeze_at` is a schedule, and `unfreezing` says 'plateau'"),
    ("unfreeze_at = [3, 10]\nepochs = 10", "`unfreeze_at` goes up to epoch 10, and nothing is trained after epoch 10"),
    (
        "strategy = 'full-fine-tuning'\nunfreeze_at = [3]",
        "`unfreeze_at` leaves nothing to do where 'full-fine-tuning' trains every layer",
    ),
    (
        "strategy = 'from-scratch'\nwarm_start = true",
        "`warm_start` fits the head on what a pretrained network answers, and 'from-scratch' begins with none",
    ),
    ("batch_size = 1\nmixup = 0.2", "`mixup` and `cutmix` mix the images of a batch, and `batch_size` is 1"),
    ("batch_size = 1\ncutmix = 1.0", "`mixup` and `cutmix` mix the images of a batch, and `batch_size` is 1"),
    (
        "batch_size = 1\nnorm_statistics = 'batch'",
        "`norm_statistics` of a batch need more than one image, and `batch_size` is 1",
    ),
]


@pytest.mark.parametrize(("content", "says"), CONTRADICTIONS)
def test_fields_that_do_not_go_together_are_named(toml: Path, content: str, says: str) -> None:
    assert refusal(toml, f"[training]\n{content}") == f"'run.toml' has fields that do not go together: {says}."


@pytest.mark.parametrize(
    "training",
    [
        Training(),
        Training(unfreeze_at=[3, 6, 9], epochs=10),
        Training(unfreeze_at=[3], unfreezing="schedule", strategy="progressive-unfreezing"),
        Training(strategy="from-scratch", warm_start=False, norm_statistics="batch"),
        Training(batch_size=2, mixup=0.2, cutmix=1.0),
        Training(batch_size="auto", mixup=0.2),
        *(Training(strategy=name) for name in STRATEGIES),
    ],
)
def test_what_goes_together_is_not_refused(training: Training) -> None:
    assert contradiction(training) == ""


def test_a_run_that_was_made_is_read_whatever_auto_became(toml: Path) -> None:
    spec = RunSpec(
        training=Training(strategy="full-fine-tuning", unfreeze_at=[3]),
        dataset=Dataset(name="d", fingerprint="f", layout="class folders", classes=["a", "b"], images=9),
    )
    toml.write_text(spec.to_toml())

    assert run_spec.read(toml) == spec
