"""Answers for each image on the command line; a file that is no image is named, and the others are answered."""
# ruff: noqa: F821, T201

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

from tlgui.imaging.pixels import DecodeError, read_pixels


def answer(model: Model, path: str) -> dict:
    """What the model says about one file, or its problem."""
    try:
        pixels = read_pixels(path, **model.pixel_rule())
    except DecodeError as error:
        return {"path": path, "problem": error.message}
    probabilities, logits = model.answer(pixels)
    return {
        "path": path,
        "label": model.classes[int(probabilities.argmax())],
        "probabilities": {name: float(p) for name, p in zip(model.classes, probabilities, strict=True)},
        "logits": [float(value) for value in logits],
    }


def in_words(said: dict) -> str:
    """One answer for people, the likeliest class first."""
    if "problem" in said:
        return f"{said['path']}: no answer. {said['problem']}"
    ranked = sorted(said["probabilities"].items(), key=lambda item: -item[1])
    return "\n".join([f"{said['path']}: {said['label']}", *(f"    {p:.4f}  {name}" for name, p in ranked)])


def main(arguments: list[str]) -> int:
    """Answers for all files; 1 if one of them had no answer."""
    parser = argparse.ArgumentParser(description="Say what the images show. For research use only.")
    parser.add_argument("images", nargs="+", metavar="IMAGE")
    parser.add_argument("--json", action="store_true", help="print one JSON list instead of text")
    chosen = parser.parse_args(arguments)
    # A name that the terminal cannot show is spelt out instead of ending the program.
    sys.stdout.reconfigure(errors="backslashreplace")
    model = Model(Path(__file__).resolve().parent)
    answers = []
    for path in chosen.images:
        answers.append(answer(model, path))
        if not chosen.json:
            print(in_words(answers[-1]), flush=True)
    if chosen.json:
        print(json.dumps(answers))
    return 1 if any("problem" in said for said in answers) else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
