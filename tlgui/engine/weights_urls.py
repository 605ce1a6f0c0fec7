"""Where the libraries publish weights, and what the files are called here."""

from __future__ import annotations

import os
import re
import urllib.parse
from pathlib import PurePosixPath

from tlgui.core.backbones import Backbone
from tlgui.engine.timm_config import config_of

_NAMED_HASH = re.compile(r"-([0-9a-f]{8,})\.")
_HUB = "https://huggingface.co"


def url_of(row: Backbone) -> str:
    """Where the library publishes the weights, "" where nowhere.

    `TLGUI_WEIGHTS_MIRROR` names a folder of an own server instead.
    """
    url = "" if row.embedded or not row.pretrained else _published(row)
    mirror = os.environ.get("TLGUI_WEIGHTS_MIRROR")
    return f"{mirror.rstrip('/')}/{file_name(url)}" if mirror and url else url


def file_name(url: str) -> str:
    """Name of the file here: as in the address, which mostly carries the beginning of its sha256.

    On the Hugging Face hub every model's file has the same name, so there it is the model's.
    """
    path = PurePosixPath(urllib.parse.urlsplit(url).path)
    parts = path.parts
    if "resolve" in parts[2:]:
        return f"{parts[parts.index('resolve', 2) - 1]}{path.suffix}"
    return path.name


def hash_in(name: str) -> str:
    """The beginning of the sha256 that a file's name carries, or ""."""
    found = _NAMED_HASH.search(name)
    return found[1] if found else ""


def other_names(row: Backbone) -> list[str]:
    """Names under which torch.hub keeps the same weights, where somebody fetched them from another address."""
    if row.library != "timm" or row.embedded:
        return []
    config = config_of(row)
    return [file_name(config.url)] if config.url else []


def _published(row: Backbone) -> str:
    if row.library == "torchvision":
        from torchvision.models import get_model_weights

        return str(get_model_weights(row.builder)[row.weights].url)
    config = config_of(row)
    url = str(config.url or "")
    if config.hf_hub_id and not hash_in(file_name(url)):
        # The hub's file has timm's own names for the layers, and no code in it; an address with a checksum goes first.
        return f"{_HUB}/{config.hf_hub_id}/resolve/main/{config.hf_hub_filename or 'model.safetensors'}"
    return url
