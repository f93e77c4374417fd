"""Loading torch and its models without disturbing the process around them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

__all__ = ["faiss_before_torch", "quiet_loading"]


def faiss_before_torch() -> None:
    """Both bring an OpenMP; the first one imported keeps its thread count (FACTS: `faiss.omp_set_num_threads`)."""
    import faiss  # noqa: F401


@contextmanager
def quiet_loading() -> Iterator[None]:
    """transformers draws a progress bar for every model it loads; its switch is global, so it is put back."""
    import transformers

    switch: Any = transformers.utils.logging
    shown = switch.is_progress_bar_enabled()
    switch.disable_progress_bar()
    try:
        yield
    finally:
        if shown:
            switch.enable_progress_bar()
