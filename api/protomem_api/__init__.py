"""The HTTP service: not written yet.

Release 0.1 is the library and its command line. This package holds the name, and the import contracts hold its place:
it will speak to memories through `protomem` and never open a database itself.
"""

__all__: list[str] = []
