"""The settings that say how images come to the network; see `parameters`."""

from __future__ import annotations

from tlgui.core.augmentations import AUGMENTATIONS
from tlgui.core.parameter import Parameter, choices

IMAGES: tuple[Parameter, ...] = (
    Parameter(
        field="augmentation",
        label="Variation",
        help="Training images are shown slightly changed each time; what may change depends on the kind of picture.",
        kind="choice",
        level="adjustable",
        section="Images",
        choices=choices(*((row.name, row.label) for row in AUGMENTATIONS.values())),
    ),
    Parameter(
        field="mirror",
        label="Mirroring",
        help="Whether left and right may change places in training images.",
        kind="choice",
        level="adjustable",
        section="Images",
        choices=choices((None, "As the variation says"), (True, "Allowed"), (False, "Never")),
    ),
    Parameter(
        field="fit",
        label="Long images",
        help="Cut off keeps the shape and loses the edges; squeeze keeps everything and changes the shape.",
        kind="choice",
        level="adjustable",
        section="Images",
        choices=choices(("crop", "Cut off the edges"), ("squash", "Squeeze")),
    ),
    Parameter(
        field="size",
        label="Input size",
        help="Side of the square that the network sees. Larger shows finer detail and takes longer, about with its square.",
        kind="whole",
        unit="pixels",
        place="backbone",
        section="Images",
        lowest=16,
        highest=2048,
    ),
    Parameter(
        field="split_fractions",
        label="Train, validation, test",
        help="Which shares of the images train, choose the best epoch, and test at the end. "
        "A split that the folders give is respected.",
        kind="fractions",
        level="adjustable",
        section="Images",
        lowest=0,
        highest=1,
    ),
    Parameter(
        field="imbalance",
        label="Unequal classes",
        help="What is done where the largest class has more than three times the images of the smallest, so that the "
        "small ones count as much.",
        kind="choice",
        level="adjustable",
        section="Images",
        choices=choices(
            ("auto", "By itself, over 3 to 1"),
            ("off", "Nothing"),
            ("logit-adjustment", "Logit adjustment: the answers are weighed by how rare a class is"),
            ("class-weights", "Class weights: rare images count more"),
            ("balanced-sampling", "Balanced sampling: rare images are shown more often"),
        ),
    ),
    Parameter(
        field="views",
        label="Views of each image",
        help="How many variations of each training image are computed and kept while the lower layers are frozen.",
        kind="whole",
        section="Images",
        lowest=1,
        highest=64,
    ),
    Parameter(
        field="view_every",
        label="One view more after",
        help="After so many epochs each a fresh variation of every image joins the kept ones; 0 adds none.",
        kind="whole",
        unit="epochs",
        section="Images",
        lowest=0,
        highest=10_000,
    ),
    Parameter(
        field="mixup",
        label="Mixup",
        help="Blends two training images and their classes; usual is 0.2, 0 is off. Nothing of the frozen layers can be "
        "kept then, so each epoch takes longer.",
        kind="number",
        section="Images",
        lowest=0,
        highest=10,
    ),
    Parameter(
        field="cutmix",
        label="Cutmix",
        help="Puts a piece of one training image into another, with its share of the class; usual is 1, 0 is off. It costs "
        "as much time as mixup.",
        kind="number",
        section="Images",
        lowest=0,
        highest=10,
    ),
)
