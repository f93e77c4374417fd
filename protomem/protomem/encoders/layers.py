"""Which hidden state of a transformer stands for a token: that of its last layer, or of all layers together.

The last layer of a sentence model says what a text means, the layers below it still say in which words. Together they
tell classes better apart, and what is added is computed anyway.
"""

from __future__ import annotations

import inspect
from typing import Any, Final

__all__ = ["VERSION", "hidden_states"]

VERSION: Final = "protomem layers 1"

INPUTS: Final = ("input_ids", "attention_mask", "token_type_ids")


def hidden_states(model: Any, layers: bool) -> Any:
    """`model`, a transformer, as a module that gives one hidden state a token, (texts, tokens, d), and can be traced.

    It takes those of INPUTS that the model takes, by position; `inputs` names them. With `layers` the mean of a token's
    states in all layers below the last, its embedding among them, is added to that of the last. Each counts with the
    length of the last, so that all have the same say in any architecture.
    """
    import torch

    class HiddenStates(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.model = model
            taken = inspect.signature(model.forward).parameters
            self.inputs = [name for name in INPUTS if name in taken]

        def forward(self, *inputs: Any) -> Any:
            answer = self.model(**dict(zip(self.inputs, inputs, strict=True)), output_hidden_states=layers)
            if not layers:
                return answer.last_hidden_state
            *below, last = answer.hidden_states
            directions = sum(torch.nn.functional.normalize(state, dim=-1) for state in below)
            return last + directions * (last.norm(dim=-1, keepdim=True) / len(below))

    return HiddenStates().eval()
