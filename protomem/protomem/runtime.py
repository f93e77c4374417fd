"""onnxruntime, told before it is loaded to keep no records of its use.

From 1.31 on, loading it writes a device id and a database of events under the user's cache folder, unless the
environment says otherwise; a library that must not phone home does not leave that to chance. Whoever set the variable
before, or loaded onnxruntime before, has decided for themselves.
"""

import os

os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")  # noqa: TID251  # set, not read

import onnxruntime  # after the line above, which it reads while it is loaded

__all__ = ["onnxruntime"]
