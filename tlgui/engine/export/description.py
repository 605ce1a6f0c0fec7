"""What an export says about itself: the same fields in labels.json, in the ONNX metadata and in the safetensors header.

A receiver can rebuild everything from them alone, and they hold nothing private: no place, no name of a file, of a
dataset or of a run, no date.
"""

from __future__ import annotations

import json
from typing import Any

import msgspec

from tlgui import __version__
from tlgui.core.preprocessing import Preprocessing
from tlgui.core.records import Frame, Method, PixelRule
from tlgui.engine.backbones import arguments
from tlgui.engine.trained_model import TrainedModel

# Key -> meaning. To add a field: a row here (the README prints this table), its value in `describe`, and, where
# predict.py shall act on it, a line in resources/export.
FIELDS: dict[str, str] = {
    "classes": "names of the classes, in the order of the outputs",
    "temperature": "probabilities = softmax(logits / temperature); fitted on the validation images",
    "input": "what the model takes",
    "outputs": "what each output means",
    "preprocessing": "size, resize_to, kernel, fit, mean, std: from RGB pixels to the network's input",
    "preprocessing_sentence": "the same in words, complete",
    "preprocessing_inside_graph": "yes: give decoded pixels as they are; no: apply the recipe yourself, once",
    "pixel_rule": "method, low, high, background, frame, colour, border: how stored values become 8-bit RGB",
    "pixel_rule_sentence": "the same in words, complete: frame, values, transparency, DICOM, orientation, border, colour",
    "backbone": "the network's name in tlgui's table",
    "library": "who builds the network: timm, torchvision, or own: its few lines stand in predict.py",
    "builder": "the library's name for it",
    "builder_arguments": "what the builder is told beside the number of classes, such as the size of the input",
    "head": "kind, units, dropout, at: what stands in the place of the library's last layer, and its path there",
    "model_hash": "sha256 of the run's best weights, from which this was exported",
    "tlgui": "version of the program that wrote it",
    "use": "what it may be used for",
}

# A way of choosing the frame or the range: a row here, in the decoder, and in `core.records`.
_MIDDLE = "of n, number (n - 1) // 2, counted from 0"
_FRAMES: dict[Frame, str] = {
    "auto": f"The first frame or page of a file, of DICOM the middle one ({_MIDDLE}),",
    "first": "The first frame or page of a file",
    "middle": f"The middle frame or page of a file ({_MIDDLE})",
    "last": "The last frame or page of a file",
}
_METHODS: dict[Method, str] = {
    "range": "{low} becomes 0 and {high} becomes 255, linearly",
    "percentile": (
        "in each image by itself, over its finite values in all channels without the padding value, the {low} % percentile "
        "becomes 0 and the {high} % percentile becomes 255, linearly (percentiles interpolated linearly; where both are "
        "the same value, the upper is 1 more)"
    ),
    "window": (
        "by the first VOI table, else the first window (centre, width, function) in the DICOM file, as DICOM PS3.3 C.11.2 "
        "says it; without one, {low} becomes 0 and {high} becomes 255, linearly"
    ),
}

RESEARCH_USE = "For research use only: not a medical device, not for diagnosis or treatment."


def describe(model: TrainedModel, *, inside_graph: bool) -> dict[str, Any]:
    """Value of every key of `FIELDS`, as JSON knows it.

    Args:
        model: what is exported.
        inside_graph: whether the exported file does the preprocessing itself.
    """
    network, card = model.network, model.card
    recipe = network.preprocessing
    return {
        "classes": list(card.classes),
        "temperature": card.temperature,
        "input": (
            "image: uint8 (N, H, W, 3), RGB, decoded by the pixel rule; any N, H and W"
            if inside_graph
            else f"float32 (N, 3, {recipe.size}, {recipe.size}), RGB, decoded by the pixel rule and preprocessed by the recipe"
        ),
        "outputs": {
            "probabilities": "float32 (N, classes): softmax(logits / temperature), in the order of classes",
            "logits": "float32 (N, classes): raw values of the last layer",
        },
        "preprocessing": msgspec.to_builtins(recipe),
        "preprocessing_sentence": preprocessing_sentence(recipe),
        "preprocessing_inside_graph": "yes" if inside_graph else "no",
        "pixel_rule": msgspec.to_builtins(card.pixel_rule),
        "pixel_rule_sentence": pixel_rule_sentence(card.pixel_rule),
        "backbone": network.row.name,
        "library": network.row.library,
        "builder": network.row.builder,
        "builder_arguments": arguments(network.row, recipe.size),
        "head": {**msgspec.to_builtins(card.head), "at": network.row.head_linear},
        "model_hash": model.weights_hash,
        "tlgui": __version__,
        "use": RESEARCH_USE,
    }


def as_text(description: dict[str, Any]) -> dict[str, str]:
    """For headers that hold text alone: text as it is, anything else as JSON."""
    return {key: value if isinstance(value, str) else json.dumps(value) for key, value in description.items()}


def preprocessing_sentence(recipe: Preprocessing) -> str:
    """The whole recipe in words that are enough to program it."""
    kernel = (
        "the triangle max(0, 1 - |x|)"
        if recipe.kernel == "bilinear"
        else "Keys' cubic with a = -0.5 (clipped to 0..255)"
    )
    sizes = (
        ""
        if recipe.fit == "squash"
        else " The longer side becomes resize_to * longer / shorter without its fraction; the crop begins at half of what "
        "is left over, halves rounded to the even number."
    )
    return (
        f"{recipe.sentence()}{sizes} Resized with antialiasing, along each axis by weights k((j + 0.5 - c) / s) divided by "
        f"their sum, c = (i + 0.5) * in / out, s = max(in / out, 1), k = {kernel}; not rounded. "
        "Then divided by 255, mean subtracted, divided by std, per channel in the order R, G, B."
    )


def pixel_rule_sentence(rule: PixelRule) -> str:
    """The whole rule in words that are enough to program it, in the order of its steps."""
    red, green, blue = rule.background
    scale = _METHODS[rule.method].format(low=f"{rule.low:.10g}", high=f"{rule.high:.10g}")
    sentences = [
        f"{_FRAMES[rule.frame]} is decoded in full (no draft mode) and becomes RGB, no colour profile applied.",
        "Values of more than 8 bits a channel, and those of all grey DICOM images (after the rescale slope and intercept or "
        f"the modality table): {scale}, clipped outside; what is no finite number becomes 0. Other 8-bit values as they are.",
        f"Transparent pixels lie over RGB ({red}, {green}, {blue}). Rounded to the nearest, halves up.",
        "Then DICOM with MONOCHROME1 is inverted, once, and pixels of the padding value become black.",
        "Then the EXIF orientation is applied.",
    ]
    if rule.border:
        sentences.append(
            f"Then {100 * rule.border:.10g} % of the width and of the height is cut off on each side, whole pixels, rounded "
            "down."
        )
    if rule.colour == "grey":
        sentences.append("Then R = G = B = 0.299 R + 0.587 G + 0.114 B, rounded to the nearest.")
    return " ".join(sentences)
