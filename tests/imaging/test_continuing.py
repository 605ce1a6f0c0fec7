"""Runs that learn on from another one: their classes, their head, their images, and what the run folder keeps of it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest
from helpers.pictures import write_dataset, write_picture

from tlgui.core import atomic
from tlgui.core.earlier import read
from tlgui.core.errors import UserError
from tlgui.core.planning import prepared
from tlgui.core.records import ImageRecord, PixelRule, Scan
from tlgui.core.run_folder import RunFolder, recall_place, refuse_occupied
from tlgui.core.run_spec import RunSpec, Source, Training
from tlgui.imaging.continuing import Continued, classes_words, continued, rule_of, with_its_classes, with_its_head
from tlgui.imaging.names import as_known
from tlgui.imaging.opening import Opened, open_folder
from tlgui.imaging.prepare import Prepared, prepare_run

Make = Callable[..., RunFolder]


def numbered(root: Path, first: int, **classes: int) -> Path:
    """Pictures of which none is one of another `first`."""
    for kind, (name, count) in enumerate(classes.items()):
        for index in range(count):
            write_picture(root / name / f"{index:03}.png", kind, 10_000 * first + index, 24)
    return root


@pytest.fixture
def known(tmp_path: Path) -> Path:
    return write_dataset(tmp_path / "JANE DOE" / "known", {"across": 12, "down": 12}, size=24)


@pytest.fixture
def earlier(known: Path, tmp_path: Path) -> RunFolder:
    """An ended run whose network nobody will open."""
    options: dict[str, Any] = {"strategy": "feature-extraction", "head": "hidden", "head_units": 99}
    spec = RunSpec(backbone="resnet50", training=Training(**options))
    run = prepare_run(known, spec, tmp_path / "earlier", scan=open_folder(known, isolated=False).scan).run
    run.best_path.write_bytes(b"weights")
    return run


def learned_on(
    data: Path, since: RunFolder | Path, place: Path, read: Callable[[], Opened] | None = None, **options: Any
) -> Prepared:
    given = {name: options.pop(name) for name in ("earlier_images", "target") if name in options}
    backbone = options.pop("backbone", "resnet50")
    spec = RunSpec(backbone=backbone, training=Training(**({"strategy": "feature-extraction"} | options)))
    return prepare_run(
        data,
        spec,
        place,
        read=read or (lambda: open_folder(data, isolated=False, fewest_classes=1)),
        weights_file=str(since.best_path if isinstance(since, RunFolder) else since),
        continues=True,
        **given,
    )


# -- classes ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("names", "known", "means"),
    [
        (["cat", "dog"], ["dog", "cat"], {"cat": "cat", "dog": "dog"}),
        (["Cat", "emu"], ["cat", "dog"], {"Cat": "cat"}),
        (["cat", "CAT"], ["Cat"], {"cat": "Cat", "CAT": "Cat"}),
        (["cat", "CAT", "cAT"], ["cat", "CAT"], {"cat": "cat", "CAT": "CAT"}),
        (["Stra\u00dfe"], ["STRASSE"], {"Stra\u00dfe": "STRASSE"}),
        (["u\u0308ber"], ["\u00fcber"], {"u\u0308ber": "\u00fcber"}),
        (["\u00fcber"], ["u\u0308ber"], {"\u00fcber": "u\u0308ber"}),
        (["cat "], ["cat"], {}),
        ([], ["cat"], {}),
    ],
)
def test_a_class_is_known_by_its_name_and_by_nothing_but_upper_and_lower_case(
    names: list[str], known: list[str], means: dict[str, str]
) -> None:
    assert as_known(names, known) == means


def scan_of(*classes: str) -> Scan:
    used = [
        ImageRecord(path=f"{name}/1.png", class_name=name, content_hash=name, width=9, height=9) for name in classes
    ]
    return Scan(name="photos", layout="class folders", classes=sorted(classes), used=used, left_out=[], warnings=[])


def before(*classes: str, **spec: Any) -> Continued:
    return Continued(RunFolder(Path("Run 7")), list(classes), RunSpec(**spec))


def test_classes_of_before_come_first_in_their_order_and_new_ones_after_in_theirs() -> None:
    found = with_its_classes(scan_of("emu", "Dog", "ant"), before("zebra", "dog"))
    assert found.classes == ["zebra", "dog", "ant", "emu"]
    assert {record.path: record.class_name for record in found.used} == {
        "emu/1.png": "emu",
        "Dog/1.png": "dog",
        "ant/1.png": "ant",
    }


@pytest.mark.parametrize(
    ("classes", "words"),
    [
        (("a", "b"), "It goes on with the 2 classes of 'Run 7'."),
        (("a", "b", "c"), "It goes on with the 2 classes of 'Run 7' and learns “c”."),
        (
            ("c",),
            "It goes on with the 2 classes of 'Run 7' and learns “c”. Of “a”, “b” there are no new images: unless "
            "nothing is to be held, earlier ones are shown again; where these are gone, what it knows of them is easily "
            "forgotten.",
        ),
        (
            ("a",),
            "It goes on with the 2 classes of 'Run 7'. Of “b” there are no new images: unless nothing is to be "
            "held, earlier ones are shown again; where these are gone, what it knows of it is easily forgotten.",
        ),
    ],
)
def test_what_becomes_of_the_classes_is_said(classes: tuple[str, ...], words: str) -> None:
    run = before("a", "b")
    said = classes_words(with_its_classes(scan_of(*classes), run), run)
    assert said.replace("'a'", "“a”").replace("'b'", "“b”").replace("'c'", "“c”") == words


def test_one_model_has_one_rule_of_pixels() -> None:
    plain, deep = PixelRule(), PixelRule(method="window", low=10.0, high=900.0)
    own = msgspec.structs.replace(deep, low=0.0)
    assert rule_of(RunSpec(pixel_rule=own), deep) == own, "it has learned by its own"
    assert rule_of(RunSpec(pixel_rule=plain), plain) == plain
    assert rule_of(RunSpec(pixel_rule=plain), deep) == deep, "of such values it saw none"


# -- what it begins with ------------------------------------------------------------------------------------------


def test_only_a_run_can_be_learned_on_from(earlier: RunFolder, tmp_path: Path) -> None:
    with pytest.raises(UserError, match="Only a run of this program can be learned on from") as refused:
        continued(None, Training())
    assert refused.value.code == "no_source_run"
    with pytest.raises(UserError, match="nothing of 'earlier' would be kept"):
        continued(earlier, Training(strategy="from-scratch"))
    earlier.write_spec(msgspec.structs.replace(earlier.spec(), dataset=None))
    with pytest.raises(UserError, match="does not say which classes it knows"):
        continued(earlier, Training())


@pytest.mark.parametrize("strategy", ["auto", "feature-extraction", "full-fine-tuning"])
def test_the_head_keeps_its_form_whatever_is_asked_for(strategy: str, earlier: RunFolder) -> None:
    found = with_its_head(Training(strategy=strategy), continued(earlier, Training()))
    assert (found.head, found.head_units) == ("hidden", 99)


def test_a_layer_that_adapting_would_need_before_a_head_that_stays_is_refused() -> None:
    linear = before("a", "b")
    with pytest.raises(UserError, match=r"^Adapting a frozen network .*the last one of 'Run 7' stays"):
        with_its_head(Training(strategy="feature-extraction", adapt="mmd"), linear)
    with pytest.raises(UserError, match=r"^What is advised may be to train the last layer alone.*'Run 7' stays"):
        with_its_head(Training(strategy="auto", adapt="mmd"), linear)
    for training in (
        Training(strategy="feature-extraction", adapt="statistics"),
        Training(strategy="full-fine-tuning", adapt="mmd"),
        Training(strategy="auto", adapt="statistics"),
        Training(strategy="auto"),
    ):
        kept = with_its_head(training, linear)
        assert kept.head == prepared(kept).head == "linear", "what the run folder says is what the engine finds"


# -- the run folder -----------------------------------------------------------------------------------------------


def test_the_run_folder_says_what_it_learns_on_from_and_holds_no_place(
    earlier: RunFolder, known: Path, tmp_path: Path
) -> None:
    data = numbered(tmp_path / "new", 1, Down=8, emu=8)
    found = learned_on(data, earlier, tmp_path / "run", keep="ewc")
    spec = found.run.spec()
    assert spec.dataset is not None and spec.dataset.classes == ["across", "down", "emu"]
    assert spec.source is not None and (spec.source.run, spec.source.classes) == ("earlier", ["across", "down"])
    assert spec.continues and (spec.training.head, spec.training.head_units) == ("hidden", 99)
    assert (
        found.counts["across"] == {"train": 0, "validation": 0, "test": 0} and sum(found.counts["down"].values()) == 8
    )
    assert found.learns_on.startswith("It goes on with the 2 classes of 'earlier' and learns")
    (task,), (listed,) = spec.earlier, read(found.run)
    assert (task.name, task.images) == ("known", 24) and listed.task == task
    assert {row.path for row in listed.rows} == {row.path for row in earlier.manifest()}
    assert recall_place(task.fingerprint) == known
    for file in found.run.path.rglob("*"):
        for place in (str(tmp_path), "DOE"):
            assert file.is_dir() or place not in file.read_text("utf-8"), file


def test_one_class_is_enough_where_others_are_known(earlier: RunFolder, tmp_path: Path) -> None:
    data = numbered(tmp_path / "new", 1, emu=10)
    found = learned_on(data, earlier, tmp_path / "run").run.spec()
    assert found.dataset is not None and found.dataset.classes == ["across", "down", "emu"]
    with pytest.raises(UserError):
        open_folder(data, isolated=False)
    with pytest.raises(UserError):
        prepare_run(data, RunSpec(backbone="resnet50"), tmp_path / "plain")
    assert not (tmp_path / "plain").exists()


def test_an_empty_folder_is_refused_all_the_same(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(UserError):
        open_folder(tmp_path / "empty", isolated=False, fewest_classes=1)


def test_the_projects_split_is_followed_also_under_the_names_of_before(earlier: RunFolder, tmp_path: Path) -> None:
    data = numbered(tmp_path / "new", 1, Down=10, emu=10)
    first = {row.path: row.part for row in learned_on(data, earlier, tmp_path / "one").run.manifest()}
    plain = prepare_run(data, RunSpec(backbone="resnet50"), tmp_path / "two").run
    assert {row.path: row.part for row in plain.manifest()} == first
    dataset = plain.spec().dataset
    assert dataset is not None and dataset.classes == ["Down", "emu"], "a run that begins anew has its own names"


def test_another_network_than_the_runs_is_refused(earlier: RunFolder, tmp_path: Path) -> None:
    with pytest.raises(UserError, match="has the network resnet50") as refused:
        learned_on(numbered(tmp_path / "new", 1, emu=10), earlier, tmp_path / "run", backbone="resnet18")
    assert refused.value.code == "weights_unfit" and not (tmp_path / "run").exists()


def test_what_is_no_run_is_refused_before_any_image_is_read(tmp_path: Path) -> None:
    own = tmp_path / "own.pth"
    own.write_bytes(b"")

    def unread() -> Opened:
        raise AssertionError("images were read")

    with pytest.raises(UserError, match="Only a run of this program"):
        learned_on(tmp_path, own, tmp_path / "run", read=unread)


def test_a_place_of_earlier_images_is_remembered_where_they_are_there_and_refused_where_not(
    earlier: RunFolder, known: Path, tmp_path: Path
) -> None:
    data = numbered(tmp_path / "new", 1, emu=10, down=10)
    elsewhere = known.rename(tmp_path / "moved")
    for wrong, words in ((data, "'new' holds none of the images of 'known'"), (tmp_path / "no", "no folder 'no'")):
        with pytest.raises(UserError, match=words) as refused:
            learned_on(data, earlier, tmp_path / "run", earlier_images=wrong)
        assert refused.value.code == "earlier_missing" and not (tmp_path / "run").exists()
    run = learned_on(data, earlier, tmp_path / "run", earlier_images=elsewhere).run
    assert recall_place(run.spec().earlier[0].fingerprint) == elsewhere


@pytest.mark.parametrize("some", [False, True])
def test_images_that_it_adapts_to_measure_and_choose_nothing(
    some: bool, earlier: RunFolder, known: Path, tmp_path: Path
) -> None:
    site, was = known, {row.content_hash: row.part for row in earlier.manifest()}
    if some:
        site = tmp_path / "site"
        site.mkdir()
        for image in [row.path for row in earlier.manifest()][::2]:
            (site / image.replace("/", " ")).write_bytes((known / image).read_bytes())
    data = numbered(tmp_path / "new", 1, down=10, emu=10)
    run = learned_on(data, earlier, tmp_path / "run", strategy="full-fine-tuning", adapt="mmd", target=site).run
    adapted = {row.content_hash for row in run.target()}
    assert adapted and (adapted == was.keys()) != some
    (listed,) = read(run)
    assert {row.content_hash: row.part for row in listed.rows} == {
        one: part for one, part in was.items() if part == "train" or one not in adapted
    }
    assert bool(listed.held_out) == some and listed.task == run.spec().earlier[0]


def test_an_image_that_has_another_class_now_is_nothing_of_before(
    earlier: RunFolder, known: Path, tmp_path: Path
) -> None:
    data = numbered(tmp_path / "new", 1, emu=10)
    for image in (known / "down").iterdir():
        (data / "emu" / f"then {image.name}").write_bytes(image.read_bytes())
    run = learned_on(data, earlier, tmp_path / "run").run
    was, now = ({row.content_hash: row.part for row in one.manifest()} for one in (earlier, run))
    taken = was.keys() & now.keys()
    assert any(was[one] == now[one] == "train" for one in taken), "shown again as it was, it would teach both"
    (listed,) = read(run)
    assert not taken & {row.content_hash for row in listed.rows} and listed.task.images == 24 - len(taken)


def test_where_the_list_cannot_be_written_the_next_try_finds_an_empty_place(
    earlier: RunFolder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = atomic.write_bytes

    def full(path: Path, content: bytes) -> None:
        if path.name == "earlier.csv":
            raise OSError(28, "No space left on device")
        real(path, content)

    data = numbered(tmp_path / "new", 1, emu=10, down=10)
    with monkeypatch.context() as patch:
        patch.setattr(atomic, "write_bytes", full)
        with pytest.raises(UserError):
            learned_on(data, earlier, tmp_path / "run")
    refuse_occupied(tmp_path / "run")
    assert learned_on(data, earlier, tmp_path / "run").run.earlier_path.is_file()


def test_the_file_of_a_run_that_learned_on_makes_one_that_does_not(earlier: RunFolder, tmp_path: Path) -> None:
    data = numbered(tmp_path / "new", 1, emu=10, down=10)
    spec = learned_on(data, earlier, tmp_path / "one", keep="l2sp").run.spec()
    run = prepare_run(data, spec, tmp_path / "two").run
    assert run.spec().earlier == [] and not run.spec().continues and not run.earlier_path.exists()


def test_a_run_that_is_set_up_again_says_that_what_it_continues_has_changed_since(
    earlier: RunFolder, tmp_path: Path
) -> None:
    """It may have been mixed or trained on, or another project has one of that name."""
    data = numbered(tmp_path / "new", 1, Down=8, emu=8)
    first = learned_on(data, earlier, tmp_path / "run", keep="ewc").run.spec()
    assert first.source is not None and not first.source.changed

    def again(source: Source | None, name: str) -> Source:
        made = prepare_run(
            data,
            msgspec.structs.replace(first, dataset=None, earlier=[], source=source),
            tmp_path / name,
            read=lambda: open_folder(data, isolated=False, fewest_classes=1),
            weights_file=str(earlier.best_path),
            continues=True,
        )
        found = made.run.spec().source
        assert found is not None
        return found

    assert not again(first.source, "again").changed
    assert not again(msgspec.structs.replace(first.source, sha256=""), "named").changed
    changed = again(msgspec.structs.replace(first.source, sha256="0" * 64), "changed")
    assert changed.changed and changed.sha256 == first.source.sha256
