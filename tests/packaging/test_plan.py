import tomllib
from pathlib import Path

import pytest
from bootstrap_errors import SetupError
from bootstrap_fakes import PYPROJECT, add_package
from bootstrap_plan import AFTER_TORCH, TORCH_PAIR, package_name, pinned, project_size, project_steps, read_project

ROOT = Path(__file__).resolve().parents[2]


def test_the_light_parts_come_first_and_torchs_family_last() -> None:
    steps = project_steps(read_project(PYPROJECT.encode()), None)

    assert [step.arguments for step in steps] == [
        ("msgspec>=0.19", "PySide6-Essentials>=6.8"),
        ("torch>=2.10", "torchvision>=0.25"),
        ("timm>=1", "onnx>=1.19"),
        ("--no-deps", "--editable", "."),
    ]


def test_what_follows_torch_may_not_exchange_it() -> None:
    steps = project_steps(read_project(PYPROJECT.encode()), None)

    assert [step.keeps_torch for step in steps] == [False, False, True, False]


def test_another_index_concerns_torch_and_torchvision_alone() -> None:
    steps = project_steps(read_project(PYPROJECT.encode()), "https://example.org/cpu")

    assert steps[1].arguments == ("--index-url", "https://example.org/cpu", "torch>=2.10", "torchvision>=0.25")
    assert [step for step in steps if "--index-url" in step.arguments] == [steps[1]]


def test_a_stage_without_requirements_is_no_step() -> None:
    project = read_project(b'[project]\ndependencies = ["msgspec"]\n')

    assert [step.title for step in project_steps(project, None)] == ["Qt and the light parts", "tlgui itself"]


def test_every_requirement_of_this_project_is_installed_exactly_once() -> None:
    content = (ROOT / "pyproject.toml").read_bytes()
    written = tomllib.loads(content.decode())["project"]["dependencies"]

    planned = [word for step in project_steps(read_project(content), None)[:-1] for word in step.arguments]

    assert sorted(planned) == sorted(written)


def test_torchs_family_is_spelt_as_in_this_project() -> None:
    dependencies = read_project((ROOT / "pyproject.toml").read_bytes()).dependencies

    assert {*TORCH_PAIR, *AFTER_TORCH} <= {package_name(requirement) for requirement in dependencies}


def test_scikit_learn_is_a_reference_for_tests_and_no_part_of_the_program() -> None:
    project = read_project((ROOT / "pyproject.toml").read_bytes())

    assert "scikit-learn" not in {package_name(requirement) for requirement in project.dependencies}
    assert "scikit-learn" in {package_name(requirement) for requirement in project.groups["test"]}


def test_a_group_may_include_another() -> None:
    assert read_project(PYPROJECT.encode()).groups["test"] == ("pytest>=8", "ruff>=0.8")


@pytest.mark.parametrize(
    ("requirement", "name"),
    [("tomli_w>=1.1", "tomli-w"), ("Pillow", "pillow"), ("a.b_c[x]; python_version > '3'", "a-b-c")],
)
def test_a_requirement_is_known_by_its_normalised_name(requirement: str, name: str) -> None:
    assert package_name(requirement) == name


def test_an_unreadable_pyproject_is_said_in_a_sentence() -> None:
    with pytest.raises(SetupError, match=r"^pyproject.toml cannot be read: .*\. Restore it"):
        read_project(b"<<<<<<< HEAD\n")


def test_the_installed_torch_is_pinned_with_its_local_version(site_packages: Path) -> None:
    add_package(site_packages, "torch", "2.12.0+cpu")
    add_package(site_packages, "torchvision", "0.27.0")

    assert pinned(site_packages) == ["torch==2.12.0+cpu", "torchvision==0.27.0"]


@pytest.mark.parametrize(
    ("platform", "index", "gigabytes"),
    [("linux", None, 6.4), ("linux", "https://example.org/cpu", 1.5), ("darwin", None, 1.5), ("win32", None, 1.5)],
)
def test_the_gpu_libraries_are_counted_where_they_come_along(
    platform: str, index: str | None, gigabytes: float
) -> None:
    assert project_size(index, platform).installed_bytes == gigabytes * 1e9
