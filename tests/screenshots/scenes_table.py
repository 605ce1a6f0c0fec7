"""What a scene is: a row of the tables of scenes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from stage import Stage

Play = Callable[["Stage"], None]


@dataclass(frozen=True)
class Scene:
    """A page in a state.

    Attributes:
        page, state: its name, also of the picture.
        play: brings the open window there.
        engine: options of `stage_engine_command`; `None`: the real engine.
        before: what is done before the window opens, such as runs of earlier days.
        dialog: opens the dialog that is pictured; asked again for each size.
        with_past: whether the program was on this computer before.
    """

    page: str
    state: str
    play: Play = lambda stage: None
    engine: dict[str, Any] | None = field(default_factory=lambda: {"scenario": "train"})
    before: Play = lambda stage: None
    dialog: Play | None = None
    with_past: bool = True

    @property
    def name(self) -> str:
        """As in the file names."""
        return f"{self.page}-{self.state}".replace(" ", "-")
