"""The ClientApp: opens the client's memory for the moment of an answer, and sends its contribution."""

from __future__ import annotations

from flwr.app import Context, Message
from flwr.clientapp import ClientApp

import protomem
from protomem.errors import ProtomemError
from protomem_flower.messages import ACTION, Answered, Asked
from protomem_flower.settings import ClientSettings

__all__ = ["answer", "app"]

app = ClientApp()


@app.query(ACTION)
def contribute(message: Message, context: Context) -> Message:
    """Answer the coordinator, with what the memory learned or with the reason why not."""
    try:
        settings = ClientSettings.of(context.node_config)
    except ProtomemError as error:
        return Message(Answered(None, None, str(error)).record(), reply_to=message)
    try:
        answered = answer(settings, Asked.of(message.content))
    except ProtomemError as error:
        answered = Answered(settings.client, None, str(error))
    return Message(answered.record(), reply_to=message)


def answer(settings: ClientSettings, asked: Asked) -> Answered:
    """The memory's next contribution. Raises what `protomem.open` and `Memory.contribution` do.

    The file is held meanwhile, so a memory that another process serves cannot be asked here.
    """
    level, min_count = settings.granted(asked.level, asked.min_count)
    with protomem.open(settings.memory, create=False) as memory:
        sent = memory.contribution(settings.client, level, min_count=min_count, whole=asked.whole)
        return Answered(settings.client, sent.to_bytes(), None)
