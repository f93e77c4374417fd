"""How DuckDB is set for every file it opens here: it reaches nothing but that file, and leaves nothing beside it."""

from __future__ import annotations

__all__ = ["SETTINGS"]

SETTINGS: dict[str, str | bool | int | float | list[str]] = {
    "enable_external_access": False,
    "autoinstall_known_extensions": False,
    "autoload_known_extensions": False,
    "python_enable_replacements": False,  # no variable of the program is a table
    "temp_directory": "",  # examples are never spilled into other files, where a purge would miss them
    "threads": 1,  # a memory among thousands; two were no faster at reading or writing a million rows
    "async_threads": 0,  # else eight threads a file, which made reading three times slower
    "checkpoint_threshold": "1TB",  # folded in by `database.py`, which says why
    "lock_configuration": True,  # applied after the others, whatever their order here
}
