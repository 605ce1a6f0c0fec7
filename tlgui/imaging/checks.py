"""What a person should know about a dataset before training: one sentence each, and nothing is blocked by it.

Each warning brings its evidence, and what one press can do about it where the program can do anything. What depends on
which image trains and which tests is in `part_checks`.
"""

from __future__ import annotations

from tlgui.core.records import DatasetWarning
from tlgui.imaging.checks_classes import (
    class_sizes,
    empty_classes,
    missing_in_a_given_part,
    split_inside_a_class,
    training_images_again,
)
from tlgui.imaging.checks_copies import (
    conflicting_classes,
    exact_copies,
    one_patient,
    possible_groups,
    twins,
)
from tlgui.imaging.checks_files import (
    broken_files,
    domain_not_chosen,
    folders,
    table_rows,
    tool_folders,
    unlabelled,
)
from tlgui.imaging.checks_names import alike_names, formula_names, images_and_labels, same_subfolders
from tlgui.imaging.checks_pixels import (
    burned_in_text,
    channels,
    dark_images,
    deep_pixels,
    flat_images,
    frames,
    not_finite,
    shapes,
    sizes_by_class,
    slices,
)
from tlgui.imaging.findings import Findings

__all__ = ["CHECKS", "Findings", "warnings_of"]

# To add a check: a function from Findings to warnings in the module of its kind, its name in this row, its case in
# tests/imaging/test_checks.py, its heading in gui/wizard/images/words.py. They run in the order in which a person should
# read what they say.
CHECKS = (
    folders,
    domain_not_chosen,
    broken_files,
    unlabelled,
    table_rows,
    tool_folders,
    training_images_again,
    split_inside_a_class,
    empty_classes,
    missing_in_a_given_part,
    class_sizes,
    alike_names,
    formula_names,
    images_and_labels,
    same_subfolders,
    conflicting_classes,
    twins,
    possible_groups,
    one_patient,
    burned_in_text,
    channels,
    sizes_by_class,
    deep_pixels,
    dark_images,
    not_finite,
    frames,
    slices,
    flat_images,
    shapes,
    exact_copies,
)


def warnings_of(findings: Findings) -> list[DatasetWarning]:
    """Every warning, in the order in which a person should read them."""
    return [found for check in CHECKS for found in check(findings)]
