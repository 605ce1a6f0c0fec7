"""What can be exported and what each is for: one row per format.

To add a format: append a row here, and teach the engine's export job to write it.
"""

from __future__ import annotations

from typing import Literal, NamedTuple

Name = Literal["onnx", "weights"]


class Format(NamedTuple):
    """One kind of export.

    Attributes:
        name: the engine's word for it.
        label, purpose, sentence: what people read.
        icon: of the card.
        run_words, run_command: how an engineer uses it.
        open_keys: open its folder.
    """

    name: Name
    label: str
    purpose: str
    sentence: str
    icon: str
    run_words: str
    run_command: str
    open_keys: str


FORMATS: tuple[Format, ...] = (
    Format(
        "onnx",
        "ONNX",
        "for any language and any server",
        "One file that takes the pixels of an image of any size and gives a probability for each class. Resizing and "
        "labels are inside the file.",
        "export",
        "Python with numpy, Pillow and onnxruntime. Not this program, and no graphics card.",
        "python predict.py image.jpg",
        "Ctrl+Alt+X",
    ),
    Format(
        "weights",
        "PyTorch weights",
        "for an engineer who trains on",
        "The weights alone, as safetensors and as a plain state dict that loads without running code. Preprocessing is "
        "described in labels.json.",
        "layers",
        "Python with torch and the network's library. Not this program.",
        "python predict.py image.jpg",
        "Ctrl+Alt+W",
    ),
)
