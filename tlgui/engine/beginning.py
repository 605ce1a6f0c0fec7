"""Before the first epoch: what the network as it is recognises, what "auto" becomes, and the head's warm start."""

from __future__ import annotations

from collections.abc import Generator, Iterator

from tlgui.core import events
from tlgui.core.events import Event
from tlgui.core.run_spec import FirstAnswer
from tlgui.core.strategies import AUTO, missing_adaptation, strategy
from tlgui.engine.auto_choice import choose
from tlgui.engine.first_answer import Features, GoesOn, drawn, first_answer, said
from tlgui.engine.live import Live
from tlgui.engine.retention.meter import noted
from tlgui.engine.warm_start import fit_head, fit_new_outputs


def begin(live: Live, goes_on: GoesOn) -> Generator[Event, None, float | None]:
    """Everything that comes before the first epoch.

    Args:
        live: the run.
        goes_on: obeys what was asked for since the last batch, and returns whether the run goes on.

    Returns:
        The mean training loss of the head after its warm start; `None` where there was none, or the person stopped it.

    Raises:
        UserError: an image has changed, or more than a few are gone.
    """
    features = Features()
    answer = None
    if live.setup.knowledge is not None and live.setup.knowledge.outputs:
        return (yield from _learns_on(live, features, goes_on))
    if live.network.pretrained and strategy(live.training.strategy).pretrained:
        answer = yield from _answer(live, features, goes_on)
    if not (yield from goes_on()):
        return None
    if live.training.strategy == AUTO and not (yield from choose(live, answer, goes_on)):
        return None
    yield from _without_adaptation(live)
    loss = None
    # A mix needs weights from before that tell the classes apart: those with the head that frozen features ask for.
    first = live.training.warm_start or live.training.keep == "average"
    if first and strategy(live.training.strategy).pretrained:
        loss = yield from fit_head(live, features, goes_on)
    if loss is None and not (yield from goes_on()):
        return None
    yield from noted(live)
    return loss


def _learns_on(live: Live, features: Features, goes_on: GoesOn) -> Generator[Event, None, float | None]:
    """Its head stays, whatever the row says of a warm start; outputs of new classes are fitted beside it.

    What it answers to images of before is noted first.
    """
    if live.training.strategy == AUTO:
        answer = (yield from _answer(live, features, goes_on)) if live.network.pretrained else None
        if not (yield from goes_on()) or not (yield from choose(live, answer, goes_on)):
            return None
    yield from _without_adaptation(live)
    loss = yield from fit_new_outputs(live, features, goes_on)
    if loss is not None:
        yield from noted(live)
    return loss


def _without_adaptation(live: Live) -> Iterator[Event]:
    message = missing_adaptation(live.training.strategy, live.training.similarity)
    if message and live.setup.target is None:
        yield events.Notice(code="no_adaptation", message=message)


def _answer(live: Live, features: Features, goes_on: GoesOn) -> Generator[Event, None, FirstAnswer | None]:
    """Asked once in a run: one that was ended before its first checkpoint knows it from run.toml, and says it again."""
    setup = live.setup
    if setup.first_answer is not None:
        yield said(setup, setup.first_answer, drawn(setup) or range(len(setup.train)), 0.0)
        return setup.first_answer
    answer = yield from first_answer(setup, features, goes_on)
    if answer is not None and live.training.strategy != AUTO:
        setup.settle(answer, None, live.training)
    setup.first_answer = answer
    return answer
