"""Without the extras the modules say which to install."""

from __future__ import annotations

import importlib
import sys

import pytest

from protomem.errors import MissingExtra


@pytest.mark.parametrize(
    ("library", "module", "extra"),
    [
        ("Crypto.Protocol.SecretSharing", "secure_shares", "secure"),
        ("msgspec", "secure_agreement", "secure"),
        ("opendp.prelude", "noise", "private"),
    ],
)
def test_a_missing_library_is_named_by_its_extra(
    library: str, module: str, extra: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, library, None)
    monkeypatch.delitem(sys.modules, f"protomem.federation.{module}", raising=False)
    with pytest.raises(MissingExtra, match=rf"pip install 'protomem\[{extra}\]'"):
        importlib.import_module(f"protomem.federation.{module}")
