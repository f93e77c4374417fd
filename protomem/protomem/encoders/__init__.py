"""The encoders: frozen maps from texts or vectors to embeddings, one a file."""

from protomem.encoders.base import Encoder
from protomem.encoders.onnx import OnnxEncoder
from protomem.encoders.resolve import resolve_encoder
from protomem.encoders.sentence import SentenceEncoder
from protomem.encoders.vectors import Vectors

__all__ = ["Encoder", "OnnxEncoder", "SentenceEncoder", "Vectors", "resolve_encoder"]
