"""What every event is; see `events`."""

from __future__ import annotations

from typing import ClassVar

import msgspec


class Event(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """Something that happened. Readers tolerate fields that they do not know."""

    ends_job: ClassVar[bool] = False
