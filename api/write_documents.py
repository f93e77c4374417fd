"""Write what is generated and checked in: the OpenAPI document, and the table of settings in README.md.

Run it after a route or a setting has changed; a test compares what is checked in with what it writes.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final, get_args, get_type_hints

import msgspec

from protomem_api import Settings, create_app
from protomem_api.document import exact_document
from protomem_api.settings import PREFIX

FOLDER: Final = Path(__file__).parent
FLAGS: Final = {name: f"`--{name}`" for name in ("data", "host", "port")} | {"auth": "`--no-auth`"}
BEGIN, END = "<!-- settings: written by write_documents.py -->\n", "<!-- end of settings -->"


def documents() -> dict[Path, bytes]:
    """Each file and what is to be in it."""
    readme = FOLDER / "README.md"
    before, _, rest = readme.read_text(encoding="utf-8").partition(BEGIN)
    text = before + BEGIN + settings_table() + END + rest.partition(END)[2]
    return {
        FOLDER / "openapi.json": exact_document(create_app(Settings(data=Path("data")))),
        readme: text.encode(),
    }


def settings_table() -> str:
    """The settings in Markdown."""
    rows = ["| flag | environment | in the file | default | meaning |", "|---|---|---|---|---|"]
    hints = get_type_hints(Settings, include_extras=True)
    for field in msgspec.structs.fields(Settings):
        meaning = next(meta.description for meta in get_args(hints[field.name])[1:] if meta.description)
        default = "" if field.required else f"`{msgspec.json.encode(field.default).decode()}`"
        flag = FLAGS.get(field.name, f"`--set {field.name}=`")
        rows.append(f"| {flag} | `{PREFIX}{field.name.upper()}` | `{field.name}` | {default} | {meaning} |")
    return "\n".join(rows) + "\n"


if __name__ == "__main__":
    for path, content in documents().items():
        path.write_bytes(content)
