"""What "auto" becomes in a run, once the network has seen the images."""

from __future__ import annotations

from collections.abc import Generator

from tlgui.core import events
from tlgui.core.decision import Decision, TrialOutcome, after_trial, decide
from tlgui.core.events import Event
from tlgui.core.planning import settled
from tlgui.core.run_spec import Chosen, FirstAnswer
from tlgui.core.strategies import STRATEGIES
from tlgui.engine import free_memory
from tlgui.engine.failures import is_out_of_memory
from tlgui.engine.first_answer import GoesOn
from tlgui.engine.keeping import decide_keeping
from tlgui.engine.live import Live, filled
from tlgui.engine.trial import can_try, held_trial


def choose(live: Live, answer: FirstAnswer | None, goes_on: GoesOn) -> Generator[Event, None, bool]:
    """Decides, says it, and writes it into run.toml: a run that is continued does not ask again.

    Args:
        live: a run whose strategy is "auto".
        answer: what the network as it is recognises.
        goes_on: obeys what was asked for since the last batch, and returns whether the run goes on.

    Returns:
        Whether it was decided; not where the person stopped it.
    """
    setup = live.setup
    decision, _ = yield from weighed(live, answer, goes_on)
    if not (yield from goes_on()):
        return False
    groups = live.training.top_groups or decision.top_groups
    live.settle(settled(live.training, STRATEGIES[decision.strategy], groups))
    chosen = Chosen(strategy=decision.strategy, top_groups=groups, by=decision.by, sentence=decision.sentence)
    setup.settle(answer, chosen, live.training)
    yield events.StrategyChosen(
        strategy=chosen.strategy,
        top_groups=groups,
        by=chosen.by,
        sentence=chosen.sentence,
        epochs=filled(live.training.epochs),
    )
    yield live.layers_changed("chosen")
    yield from decide_keeping(live)
    return True


def weighed(
    live: Live, answer: FirstAnswer | None, goes_on: GoesOn, trial: bool = True
) -> Generator[Event, None, tuple[Decision, TrialOutcome | None]]:
    """What "auto" becomes; nothing is changed and nothing is written.

    Args:
        live: a run whose strategy is "auto".
        answer: what the network as it is recognises.
        goes_on: obeys what was asked for since the last batch, and returns whether the run goes on.
        trial: whether a short trial may be held where it would tell.

    Returns:
        The decision, and what the trial found; `None` where none was held, or the person stopped it.
    """
    setup, similarity = live.setup, live.training.similarity
    train = len(setup.train.there(range(len(setup.train))))
    images = setup.images or len(setup.train) + len(setup.validation)
    decision = decide(train, images, answer, similarity, live.network.pretrained)
    if not (trial and decision.unsure and can_try(live)):
        return decision, None
    outcome = None
    try:
        outcome = yield from held_trial(live, goes_on)
    except (RuntimeError, MemoryError) as error:
        # A card's memory may be too small for a batch that is not cut into pieces; the run itself cuts its own.
        if not is_out_of_memory(error):
            raise
    if outcome is None:
        free_memory.give_back()
        return decision, None
    return after_trial(images, similarity, outcome), outcome
