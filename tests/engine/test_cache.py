"""Activations on disk: whole shards or none, shared by runs, dropped when the disk has no room."""

from __future__ import annotations

import errno
import json
import os
from pathlib import Path

import numpy as np
import pytest
import torch

from tlgui.core.paths import cache_dir
from tlgui.engine import cache
from tlgui.engine.cache import ActivationStore, budget_bytes, trim


def rows(n: int, seed: int = 0) -> torch.Tensor:
    return torch.randn(n, 2, 3, generator=torch.Generator().manual_seed(seed))


def folder(key: str = "k") -> Path:
    return cache_dir() / "activations" / key


@pytest.mark.parametrize("dtype", [torch.float16, torch.float32])
def test_rows_come_back_before_and_after_they_reach_the_disk(dtype: torch.dtype) -> None:
    store, given = ActivationStore("k", dtype), rows(3)
    expected = given.to(dtype).float()
    assert "a" not in store
    store.put(["a", "b", "c"], given)
    assert torch.equal(store.get(["c", "a", "a"]), expected[[2, 0, 0]])
    assert not folder().exists()
    store.flush()
    assert torch.equal(store.get(["c", "a"]), expected[[2, 0]])
    again = ActivationStore("k", dtype)
    assert "b" in again and "d" not in again
    assert torch.equal(again.get(["b"]), expected[[1]])
    with pytest.raises(KeyError):
        again.get(["b", "d"])
    assert store.get(["a"]).dtype == torch.float32


def test_what_float16_cannot_hold_is_its_largest_number() -> None:
    store = ActivationStore("k", torch.float16)
    store.put(["a"], torch.tensor([[1e6, -1e6, 3.0]]))
    assert store.get(["a"]).tolist() == [[65504.0, -65504.0, 3.0]]


def test_two_stores_in_one_folder_add_up() -> None:
    """Two runs at once."""
    one, two = ActivationStore("k", torch.float32), ActivationStore("k", torch.float32)
    one.put(["a", "b"], rows(2, 1))
    two.put(["b", "c"], rows(2, 2))
    one.flush()
    two.flush()
    both = ActivationStore("k", torch.float32)
    assert torch.equal(both.get(["a", "c"]), torch.stack([rows(2, 1)[0], rows(2, 2)[1]]))
    assert "b" in both


@pytest.mark.parametrize("damage", ["cut", "empty", "garbage", "no keys", "torn keys", "fewer keys", "other type"])
def test_a_torn_shard_is_passed_over(damage: str) -> None:
    store = ActivationStore("k", torch.float32)
    store.put(["a", "b"], rows(2))
    store.flush()
    (listing,) = folder().glob("*.json")
    shard = listing.with_suffix(".npy")
    match damage:
        case "cut":
            shard.write_bytes(shard.read_bytes()[:-5])
        case "empty":
            shard.write_bytes(b"")
        case "garbage":
            shard.write_bytes(os.urandom(500))
        case "no keys":
            listing.unlink()
        case "torn keys":
            listing.write_text('["a", ')
        case "fewer keys":
            listing.write_text(json.dumps(["a"]))
        case "other type":
            np.save(shard, np.zeros((2, 2, 3), np.float16))
    again = ActivationStore("k", torch.float32)
    assert "a" not in again and "b" not in again
    again.put(["a"], rows(1, 5))
    again.flush()
    assert torch.equal(ActivationStore("k", torch.float32).get(["a"]), rows(1, 5))


def test_the_keys_are_written_last_and_nothing_half_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    store = ActivationStore("k", torch.float32)
    store.put(["a"], rows(1))

    def die(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(cache.atomic, "write_text", die)
    with pytest.raises(KeyboardInterrupt):
        store.flush()
    assert [path.suffix for path in folder().iterdir()] == [".npy"]
    assert "a" not in ActivationStore("k", torch.float32)


def test_a_full_disk_keeps_rows_in_memory_and_then_drops_them(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    calls = []

    def full(stream: object, array: object) -> None:
        calls.append(1)
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(cache.np, "save", full)
    monkeypatch.setattr(cache, "_SHARD_BYTES", 100)
    monkeypatch.setattr(cache, "_MEMORY_BYTES", 200)
    store = ActivationStore("k", torch.float32)
    for number in range(20):  # 24 bytes each
        store.put([str(number)], rows(1, number))
        assert torch.equal(store.get([str(number)]), rows(1, number)), "what was just put can be had back"
    assert len(calls) == 1 and "No space left" in caplog.text
    assert "0" not in store
    assert not list(folder().iterdir()), "no half shard stays"


def test_the_least_recently_used_goes_first(monkeypatch: pytest.MonkeyPatch) -> None:
    for key in ("old", "mid", "new"):
        store = ActivationStore(key, torch.float32)
        store.put(["a"], rows(1))
        store.flush()
    for key, age in (("old", 300), ("mid", 200), ("new", 100)):
        os.utime(folder(key), (1e9 - age, 1e9 - age))
    ActivationStore("old", torch.float32)  # opened again, so it is the newest now
    each = sum(path.stat().st_size for path in folder("mid").iterdir())
    monkeypatch.setattr(cache, "budget_bytes", lambda: 2 * each + 10)
    trim()
    assert sorted(path.name for path in folder("").iterdir()) == ["new", "old"]
    trim(needed_bytes=each)
    assert sorted(path.name for path in folder("").iterdir()) == ["old"]


def test_a_run_never_removes_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    """What it has already is part of what it needs, and is not counted twice."""
    for key in ("other", "own"):
        store = ActivationStore(key, torch.float32)
        store.put(["a"], rows(1))
        store.flush()
    each = sum(path.stat().st_size for path in folder("own").iterdir())
    os.utime(folder("own"), (1e9, 1e9))  # the oldest
    monkeypatch.setattr(cache, "budget_bytes", lambda: 2 * each + 10)
    trim(each, keep=["own"])
    assert sorted(path.name for path in folder("").iterdir()) == ["other", "own"]
    trim(2 * each, keep=["own"])
    assert [path.name for path in folder("").iterdir()] == ["own"]


def test_without_a_place_nothing_may_be_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    def refused() -> Path:
        raise OSError(errno.EROFS, "Read-only file system")

    monkeypatch.setattr(cache, "cache_dir", refused)
    assert budget_bytes() == 0


def test_the_budget_is_a_tenth_of_the_disk_and_5_gb_at_most(monkeypatch: pytest.MonkeyPatch) -> None:
    class Usage:
        free = 10 << 30

    monkeypatch.setattr(cache.shutil, "disk_usage", lambda _: Usage)
    assert budget_bytes() == 1 << 30
    Usage.free = 1 << 40
    assert budget_bytes() == 5 << 30
