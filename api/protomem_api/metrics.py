"""What Prometheus may ask: counts and times, never a name that a caller chose."""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.gc_collector import GCCollector
from prometheus_client.process_collector import ProcessCollector

__all__ = [
    "ANSWER_BATCH",
    "CLASSES",
    "ENCODER_BATCH",
    "EXAMPLES",
    "OPEN_MEMORIES",
    "QUEUED",
    "REQUESTS",
    "SECONDS",
    "SOLVING_SECONDS",
    "exposition",
]

REGISTRY = CollectorRegistry()
ProcessCollector(registry=REGISTRY)
GCCollector(registry=REGISTRY)

SIZES = (1, 2, 4, 8, 16, 32, 64, 128)

REQUESTS = Counter(
    "protomem_requests", "Requests by route and status.", ("method", "route", "status"), registry=REGISTRY
)
SECONDS = Histogram(
    "protomem_request_seconds",
    "From the first byte of a request to the last of its answer.",
    ("method", "route"),
    buckets=(0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10),
    registry=REGISTRY,
)
ENCODER_BATCH = Histogram("protomem_encoder_batch", "Items encoded at once.", buckets=SIZES, registry=REGISTRY)
ANSWER_BATCH = Histogram("protomem_answer_batch", "Items predicted at once.", buckets=SIZES, registry=REGISTRY)
SOLVING_SECONDS = Histogram(
    "protomem_solving_seconds",
    "Solving the heads anew after a change, or what a question needs besides; the count is that of refreshes.",
    buckets=(0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10, 60),
    registry=REGISTRY,
)
QUEUED = Gauge("protomem_queued", "Requests in the threads, running or waiting.", ("threads",), registry=REGISTRY)
OPEN_MEMORIES = Gauge("protomem_open_memories", "Memories held open.", registry=REGISTRY)
EXAMPLES = Gauge("protomem_examples", "Examples of the memories held open.", registry=REGISTRY)
CLASSES = Gauge("protomem_classes", "Classes of the memories held open.", registry=REGISTRY)


def exposition() -> bytes:
    """Everything, in Prometheus' text format."""
    return generate_latest(REGISTRY)
