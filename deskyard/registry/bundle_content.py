"""Converts a model and its evidence into the plain arrays and JSON documents of a bundle, and back."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt
from scipy import sparse

from deskyard.domain.ticket import Target
from deskyard.errors import EncoderMissing
from deskyard.features.ngrams import BLOCKS
from deskyard.features.sentence_encoder import Encoder, encode_probe_texts, reopen_encoder
from deskyard.features.vocabulary import Vocabulary
from deskyard.guarantees.contract import Evidence
from deskyard.model.embedding_heads import EmbeddingHeads
from deskyard.model.knn_head import NeighbourIndex
from deskyard.model.likeness import LikenessModel, MarginProfile
from deskyard.model.scorer import Scorer, TargetHead, label_spans
from deskyard.registry.bundle_files import read_array, read_document

EMBEDDING_ARRAYS: Final = ("coef", "intercept", "centre", "directions", "remembered")
"""Arrays of the embedding heads, stored as `meaning_...`; the remembered tickets in half precision."""
PROBE_TOLERANCE: Final = 1e-3
"""How far each component of a probe text's embedding may differ from that of training."""
ENCODER_VARIABLE: Final = "DESKYARD_ENCODER"
"""The environment variable with the encoder's folder; read here, because MLflow loads bundles where there are no
`deskyard.settings`."""


def to_arrays_and_documents(
    scorer: Scorer, evidence: Mapping[Target, Evidence]
) -> tuple[dict[str, npt.NDArray[Any]], dict[str, Any]]:
    """A model and its evidence as arrays and JSON documents, each under the name of its file without suffix."""
    index = scorer.neighbour_index.index
    arrays: dict[str, npt.NDArray[Any]] = {
        "idf": scorer.vocabulary.idf,
        "coef": scorer.coef,
        "intercept": scorer.intercept,
        "memory_indptr": index.indptr,
        "memory_tickets": index.indices,
        "memory_weights": index.data.astype(np.float16),
    }
    documents: dict[str, Any] = {
        "columns": {"latin": scorer.vocabulary.latin}
        | {block: list(names) for block, names in zip(BLOCKS, scorer.vocabulary.names, strict=True)},
        "memory_ids": list(scorer.neighbour_index.ids),
        "heads": [
            {"target": t, "labels": list(h.labels), "pool": h.pool.tolist()}
            | ({"likeness": h.likeness.weights.tolist()} if h.likeness else {})
            | ({"parents": dict(h.stated_parents)} if h.stated_parents else {})
            for t, h in scorer.heads.items()
        ],
    }
    if scorer.embedding_heads is not None and scorer.encoder is not None:
        arrays |= {f"meaning_{name}": getattr(scorer.embedding_heads, name) for name in EMBEDDING_ARRAYS}
        arrays["meaning_remembered"] = arrays["meaning_remembered"].astype(np.float16)
        arrays["encoder_probe"] = encode_probe_texts(scorer.encoder)
        documents["encoder"] = {"kind": scorer.encoder.kind, "digest": scorer.encoder.digest}
    for target, head in scorer.heads.items():
        arrays |= {
            f"{target}_shares": head.shares,
            f"{target}_remembered": head.remembered,
            f"{target}_evidence": evidence[target],
        }
        if head.likeness is not None:
            profile = head.likeness.margin_profile
            arrays |= {f"{target}_usual_mean": profile.mean, f"{target}_usual_apart": profile.offsets}
    return arrays, documents


def open_encoder(content_folder: Path, build_info: Mapping[str, Any]) -> Encoder:
    """The encoder of a bundle; raises EncoderMissing where it encodes probe texts otherwise than in training.

    Its folder is the one that DESKYARD_ENCODER names, else the one of training.
    """
    stored, trained_with = read_document(content_folder, "encoder"), build_info.get("encoder") or {}
    found = reopen_encoder(
        stored["kind"],
        stored["digest"],
        [folder for folder in (os.environ.get(ENCODER_VARIABLE), trained_with.get("folder")) if folder],
    )
    if np.abs(encode_probe_texts(found) - read_array(content_folder, "encoder_probe")).max() > PROBE_TOLERANCE:
        raise EncoderMissing(
            f"the encoder {found.kind} has the weights that the model was trained with, but encodes texts otherwise: "
            "install the version of its training, or train again."
        )
    return found


def from_content(content_folder: Path, encoder: Encoder | None) -> tuple[Scorer, dict[Target, Evidence]]:
    """The model and the evidence of the arrays and documents in that folder."""
    columns, ids = read_document(content_folder, "columns"), read_document(content_folder, "memory_ids")
    heads: dict[Target, Any] = {head["target"]: head for head in read_document(content_folder, "heads")}
    spans = label_spans({target: head["labels"] for target, head in heads.items()})
    idf = read_array(content_folder, "idf")
    index = sparse.csr_array(
        (
            read_array(content_folder, "memory_weights").astype(np.float32),
            read_array(content_folder, "memory_tickets"),
            read_array(content_folder, "memory_indptr"),
        ),
        shape=(len(idf), len(ids)),
    )
    scorer = Scorer(
        vocabulary=Vocabulary(columns["latin"], [columns[block] for block in BLOCKS], idf),
        coef=read_array(content_folder, "coef"),
        intercept=read_array(content_folder, "intercept"),
        neighbour_index=NeighbourIndex(index, ids),
        heads={
            target: TargetHead(
                labels=tuple(head["labels"]),
                shares=read_array(content_folder, f"{target}_shares"),
                pool=np.array(head["pool"]),
                remembered=read_array(content_folder, f"{target}_remembered"),
                span=spans[target],
                likeness=_load_likeness(content_folder, target, head["likeness"]) if "likeness" in head else None,
                stated_parents=head.get("parents", {}),
            )
            for target, head in heads.items()
        },
        embedding_heads=EmbeddingHeads(
            **{name: _load_embedding_array(content_folder, name) for name in EMBEDDING_ARRAYS}
        )
        if encoder
        else None,
        encoder=encoder,
    )
    return scorer, {target: read_array(content_folder, f"{target}_evidence") for target in heads}


def _load_likeness(content_folder: Path, target: Target, weights: list[float]) -> LikenessModel:
    profile = MarginProfile(
        read_array(content_folder, f"{target}_usual_mean"), read_array(content_folder, f"{target}_usual_apart")
    )
    return LikenessModel(np.array(weights), profile)


def _load_embedding_array(content_folder: Path, name: str) -> npt.NDArray[np.float32]:
    return read_array(content_folder, f"meaning_{name}").astype(np.float32, copy=False)
