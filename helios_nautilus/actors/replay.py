"""Tier 2 from the catalogue: predictions written earlier, told again at the time they were known."""

from nautilus_trader.common.actor import Actor
from nautilus_trader.config import ActorConfig
from nautilus_trader.model.data import DataType

from helios_nautilus.actors.announce import announce
from helios_nautilus.errors import ModelError
from helios_nautilus.journal.protocol import Journal
from helios_nautilus.messages import HELIOS_CLIENT, Prediction


class ReplayConfig(ActorConfig, frozen=True, kw_only=True):
    """Configuration of `PredictionReplay`.

    Parameters
    ----------
    model_ids
        The models whose predictions are expected; those of others are refused.

    """

    model_ids: tuple[str, ...]


class PredictionReplay(Actor):
    """Stands in for `PredictionActor`: strategies cannot tell the difference."""

    def __init__(self, config: ReplayConfig, journal: Journal) -> None:
        super().__init__(config)
        self.journal = journal

    def on_start(self) -> None:
        """Subscribe to the replayed predictions."""
        self.subscribe_data(DataType(Prediction), client_id=HELIOS_CLIENT)

    def on_data(self, data: Prediction) -> None:
        """Tell a prediction again. Raises `ModelError` if another model made it."""
        if data.model_id not in self.config.model_ids:
            raise ModelError(
                f"the catalogue's predictions are of model {data.model_id}, the run wants "
                f"{' or '.join(self.config.model_ids)}: write them again with 'helios predict'"
            )
        announce(data, self.msgbus, self.journal)
