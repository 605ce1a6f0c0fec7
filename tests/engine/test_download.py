"""The job that fetches weights: it says how far it is, cancels at once, and leaves the whole file or nothing."""

from __future__ import annotations

import contextlib
import hashlib
import http.server
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import msgspec
import pytest
import safetensors.torch
import torch
from helpers.tiny import ROW

from tlgui.core import commands, events
from tlgui.core.backbones import BACKBONES
from tlgui.core.errors import UserError
from tlgui.core.events import Event
from tlgui.engine import weights
from tlgui.engine.control import Control
from tlgui.engine.jobs import download
from tlgui.engine.jobs.download import fetch

CONTENT = safetensors.torch.save({"a": torch.ones(300_000)})
NAME = f"net-{hashlib.sha256(CONTENT).hexdigest()[:8]}.safetensors"


class Server(http.server.BaseHTTPRequestHandler):
    """Sends the file; a path that begins with "slow" gets the first half, and then nothing for a long time."""

    protocol_version = "HTTP/1.0"
    let_go = threading.Event()
    asked: list[str]

    def do_GET(self) -> None:
        self.asked.append(self.path)
        self.send_response(200)
        self.send_header("Content-Length", str(len(CONTENT)))
        self.end_headers()
        half = len(CONTENT) // 2
        self.wfile.write(CONTENT[:half])
        self.wfile.flush()
        if self.path.startswith("/slow"):
            self.let_go.wait(20)
        with contextlib.suppress(OSError):  # who cancelled has gone
            self.wfile.write(CONTENT[half:])

    def log_message(self, *args: object) -> None:
        pass


@pytest.fixture
def served(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[str], Path]]:
    """Puts the file behind a backbone named "tiny", and says where it will lie."""
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setitem(BACKBONES, "tiny", msgspec.structs.replace(ROW, weights="V1"))
    Server.let_go, Server.asked = threading.Event(), []
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Server) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()

        def at(how: str) -> Path:
            monkeypatch.setattr(weights, "url_of", lambda row: f"http://127.0.0.1:{server.server_port}/{how}/{NAME}")
            monkeypatch.setattr(weights, "other_names", lambda row: [])
            return weights.cache_folder() / NAME

        yield at
        Server.let_go.set()
        server.shutdown()
        thread.join()
    for left in threading.enumerate():
        if left.name == "download":
            left.join(10)


def said(control: Control | None = None, on_event: Callable[[Event], object] = lambda event: None) -> list[Event]:
    heard = []
    for event in fetch(commands.Fetch(backbone="tiny"), control or Control()):
        heard.append(event)
        on_event(event)
    return heard


def test_the_file_comes_whole_and_is_not_fetched_twice(served: Callable[[str], Path]) -> None:
    path = served("good")

    first = said()

    assert path.read_bytes() == CONTENT
    assert isinstance(first[-2], events.Progress) and first[-2].done == first[-2].total == len(CONTENT)
    assert first[-2].stage == "download of Tiny"
    assert first[-1] == events.Completed(message="The weights of Tiny are on this computer.")
    assert said() == [first[-1]]
    assert len(Server.asked) == 1


def test_a_damaged_file_is_fetched_again(served: Callable[[str], Path]) -> None:
    path = served("good")
    path.parent.mkdir(parents=True)
    path.write_bytes(b"half of it")

    assert isinstance(said()[-1], events.Completed)
    assert path.read_bytes() == CONTENT


def test_stop_cancels_at_once_though_the_server_says_nothing_and_leaves_nothing(
    served: Callable[[str], Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(download, "_PATIENCE_S", 0.1)
    path, control = served("slow"), Control()
    begun = time.monotonic()

    heard = said(control, lambda event: control.put(commands.Stop()))

    assert isinstance(heard[-1], events.Stopped) and isinstance(heard[0], events.Progress)
    assert time.monotonic() - begun < 5
    assert list(path.parent.iterdir()) == []

    # The next try has nothing to do with the one that still hangs.
    path = served("good")
    assert isinstance(said()[-1], events.Completed)
    Server.let_go.set()
    for thread in threading.enumerate():
        if thread.name == "download":
            thread.join(10)
    assert [item.name for item in path.parent.iterdir()] == [NAME] and path.read_bytes() == CONTENT


def test_where_there_is_no_server_it_says_so(served: Callable[[str], Path], monkeypatch: pytest.MonkeyPatch) -> None:
    path = served("good")
    monkeypatch.setattr(weights, "url_of", lambda row: f"http://127.0.0.1:9/{NAME}")

    with pytest.raises(UserError, match="there is no way to the server") as caught:
        said()

    assert caught.value.code == "download_failed"
    assert list(path.parent.iterdir()) == []


def test_embedded_weights_need_no_fetching() -> None:
    (done,) = fetch(commands.Fetch(backbone="efficientnet-lite0"), Control())

    assert isinstance(done, events.Completed)


def test_an_unknown_backbone_is_refused() -> None:
    with pytest.raises(UserError, match="There is no backbone named 'x'"):
        list(fetch(commands.Fetch(backbone="x"), Control()))


def test_a_backbone_without_published_weights_has_nothing_to_fetch() -> None:
    with pytest.raises(UserError, match="Tiny CNN has no pretrained weights") as caught:
        list(fetch(commands.Fetch(backbone="tiny-cnn"), Control()))
    assert caught.value.code == "no_pretrained"
