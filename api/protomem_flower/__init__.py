"""Federation over Flower: clients send what their memories learned, and a coordinator merges it.

`APP` is the folder of the Flower app, for `flwr run`. Its ServerApp (`server_app`) asks every connected client for its
contribution and merges it into a memory; its ClientApp (`client_app`) opens the client's memory and answers.
`api/README.md` shows both, and `Loopback` runs all of it on one machine. Needs `protomem[federated]`.
"""

from importlib.util import find_spec

from protomem.errors import MissingExtra

if find_spec("flwr") is None:
    raise MissingExtra("protomem_flower", "federated")

from protomem_flower.errors import FlowerFailed
from protomem_flower.loopback import APP, Loopback
from protomem_flower.outcomes import Outcome, Round
from protomem_flower.settings import ClientSettings, CoordinatorSettings

__all__ = ["APP", "ClientSettings", "CoordinatorSettings", "FlowerFailed", "Loopback", "Outcome", "Round"]
