"""What a session's store says of its retraining."""

from mlx_muzero.paper.records.store import PaperStore
from mlx_muzero.paper.retraining.played_model import PlayedModel
from mlx_muzero.paper.retraining.state import RetrainState


def retraining_of(store: PaperStore) -> RetrainState:
    """The state of retraining in `store`; an empty one where there is none."""
    found, saved = RetrainState(), store.state()
    if saved is not None:
        with store.checking_contents():
            found.restore(saved[1]["session"].get("retraining", {}))
    return found


def models_of_minutes(store: PaperStore) -> dict[int, PlayedModel]:
    """Which model decided each minute, by the minute's end, where the journal says so."""
    named = {model.name: model for model in retraining_of(store).played}
    minutes = {}
    with store.checking_contents():
        for event in store.events(1):
            if event["event"] == "minute" and (model := event["facts"].get("model")) is not None:
                minutes[int(event["facts"]["close_ns"])] = named[model]
    return minutes
