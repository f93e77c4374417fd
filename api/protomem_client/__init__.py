"""The client: memories of a server, with the methods, types and errors of the embedded library.

It needs neither the service's packages nor its folder; `protomem.Client` is this one, loaded when first asked for.
"""

from protomem_client.async_memory import AsyncRemoteMemory
from protomem_client.client import AsyncClient, Client
from protomem_client.memory import RemoteMemory
from protomem_client.replies import MemoryInfo, MemorySummary

__all__ = ["AsyncClient", "AsyncRemoteMemory", "Client", "MemoryInfo", "MemorySummary", "RemoteMemory"]
