"""run.toml: written and read back alike, and a mistake in it is answered with its field and file."""

from __future__ import annotations

import os
from pathlib import Path
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tlgui.core import run_spec
from tlgui.core.errors import UserError
from tlgui.core.records import Colour, Frame, Method, PixelRule
from tlgui.core.run_spec import Augmentation, BestBy, Dataset, Machine, RunSpec, Training
from tlgui.core.strategies import STRATEGIES

WHOLE = st.integers(1, 2**31)
RATE = st.floats(0, 1e6, exclude_min=True)
TRAININGS = st.builds(
    Training,
    strategy=st.sampled_from([*STRATEGIES, "auto"]),
    similarity=st.sampled_from(["similar", "different", None]),
    top_groups=st.none() | WHOLE,
    epochs=st.none() | WHOLE,
    batch_size=WHOLE,
    seed=st.integers(0, 2**32 - 1),
    head_learning_rate=st.none() | RATE,
    top_learning_rate=st.none() | RATE,
    stem_factor=st.none() | RATE,
    weight_decay=st.just(0.0) | RATE,
    views=st.none() | WHOLE,
    augmentation=st.sampled_from(get_args(Augmentation)),
    patience=st.integers(0, 1000),
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
    dataset=st.none()
    | st.builds(
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
        versions=st.dictionaries(TEXT, TEXT, max_size=3),
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
        ("[training]\nseed = -1", ["Expected `int` >= 0", "`$.training.seed`"]),
        ("[training]\nseed = 4294967296", ["Expected `int` <= 4294967295", "`$.training.seed`"]),
        ("[training]\nseed = 1000000000000000000000", ["Expected `int` <= 4294967295", "`$.training.seed`"]),
        ("[training]\nhead_learning_rate = 0", ["Expected `float` > 0", "`$.training.head_learning_rate`"]),
        ("[training]\nhead_learning_rate = nan", ["Expected `float`", "`$.training.head_learning_rate`"]),
        ("[training]\nhead_learning_rate = inf", ["Expected `float` <= 1000000.0", "`$.training.head_learning_rate`"]),
        ("[training]\nweight_decay = -0.1", ["Expected `float` >= 0", "`$.training.weight_decay`"]),
        ("[training]\nweight_decay = inf", ["Expected `float` <= 1000000.0", "`$.training.weight_decay`"]),
        ("[training]\naugmentation = 'wild'", ["Invalid enum value 'wild'", "`$.training.augmentation`"]),
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
