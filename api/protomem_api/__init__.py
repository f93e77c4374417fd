"""The HTTP service: many memories in one process, learning, forgetting and answering while it serves."""

from protomem_api.app import create_app
from protomem_api.keys import KeyFile
from protomem_api.server import serve
from protomem_api.settings import Settings, read_settings

__all__ = ["KeyFile", "Settings", "create_app", "read_settings", "serve"]
