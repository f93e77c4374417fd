"""How much a request may ask for at once."""

from __future__ import annotations

from collections.abc import Sequence

from protomem_api.problems import too_large
from protomem_api.settings import Settings

__all__ = ["check_items", "check_names"]


def check_items(items: Sequence[object], settings: Settings) -> None:
    """Raise a problem for more items than one request may have, and for a text that is too long."""
    check_names(items, "items", settings)
    for row, item in enumerate(items):
        if isinstance(item, str) and len(item) > settings.text_length:
            raise too_large(
                f"items[{row}] has {len(item)} characters: at most {settings.text_length} are allowed; pass a part",
                f"$.items[{row}]",
            )


def check_names(found: Sequence[object] | None, field: str, settings: Settings) -> None:
    """Raise a problem for a list that is longer than one request may have."""
    if found is not None and len(found) > settings.items:
        raise too_large(
            f"{field} has {len(found)} entries: at most {settings.items} are allowed in one request; send several",
            f"$.{field}",
        )
