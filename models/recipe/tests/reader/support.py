"""A tiny base of the reader, made through a GGUF file, and examples, rows and text for it: shared by the tests."""

from __future__ import annotations

import json
import struct
import tempfile
import unittest
from pathlib import Path

import numpy as np
import torch

from recipe.config import PRESETS
from recipe.model.transformer import Llama
from recipe.reader import base, rows, text
from recipe.reader.base import MATRICES, write_folder
from recipe.tests.support import SOURCE, tiny
from recipe.tokens import tokenizer as bpe

MARKS = ["<|endoftext|>", "<|im_start|>", "<|im_end|>", "<repo_name>", "<reponame>", "<file_sep>", "<filename>"]
F32, STRING, ARRAY, U32, FLOAT, I32 = 0, 8, 9, 4, 6, 5


def packed(value) -> bytes:
    """A metadata value with its type."""

    def string(text: str) -> bytes:
        data = text.encode()
        return struct.pack("<Q", len(data)) + data

    if isinstance(value, str):
        return struct.pack("<I", STRING) + string(value)
    if isinstance(value, list) and isinstance(value[0], str):
        return struct.pack("<IIQ", ARRAY, STRING, len(value)) + b"".join(map(string, value))
    if isinstance(value, list):
        return struct.pack("<IIQ", ARRAY, I32, len(value)) + np.array(value, "<i4").tobytes()
    if isinstance(value, float):
        return struct.pack("<If", FLOAT, value)
    return struct.pack("<II", U32, value)


def write_gguf(path: Path, metadata: dict, tensors: dict[str, tuple[tuple[int, ...], int, bytes]]) -> None:
    """tensors: name -> shape (outermost first), type, data."""
    out = [b"GGUF", struct.pack("<IQQ", 3, len(tensors), len(metadata))]
    for key, value in metadata.items():
        out += [struct.pack("<Q", len(key)), key.encode(), packed(value)]
    offset = 0
    for name, (shape, kind, data) in tensors.items():
        out += [struct.pack("<Q", len(name)), name.encode(), struct.pack("<I", len(shape))]
        out += [struct.pack(f"<{len(shape)}Q", *shape[::-1]), struct.pack("<IQ", kind, offset)]
        offset += -(-len(data) // 32) * 32
    head = b"".join(out)
    body = b"".join(data + b"\0" * (-len(data) % 32) for _, _, data in tensors.values())
    path.write_bytes(head + b"\0" * (-len(head) % 32) + body)


def adjacent_pairs(weight: np.ndarray, heads: int) -> np.ndarray:
    """Rows for rotation of halves -> rows as llama files store them."""
    rows_, width = weight.shape
    return weight.reshape(heads, 2, rows_ // heads // 2, width).swapaxes(1, 2).reshape(rows_, width)


def write_tiny_gguf(path: Path, model: Llama) -> None:
    """The tiny model with a BPE vocabulary trained on SOURCE and the marks of SmolLM2."""
    made = json.loads(bpe.build(model.config.vocab_size, [SOURCE]).to_str())["model"]
    tokens = [token for token, _ in sorted(made["vocab"].items(), key=lambda item: item[1])]
    tokens = [*MARKS, *tokens[len(MARKS) :], *(f"<unused_{i}>" for i in range(model.config.vocab_size - len(tokens)))]
    merges = [m if isinstance(m, str) else " ".join(m) for m in made["merges"]]
    c, state = model.config, {name: value.numpy() for name, value in model.state_dict().items()}
    tensors = {
        "token_embd.weight": state["model.embed_tokens.weight"],
        "output_norm.weight": state["model.norm.weight"],
    }
    for layer in range(c.num_hidden_layers):
        for theirs, ours in MATRICES.items():
            value = state[f"model.layers.{layer}.{ours}.weight"]
            if theirs in ("attn_q", "attn_k"):
                value = adjacent_pairs(value, c.num_attention_heads if theirs == "attn_q" else c.num_key_value_heads)
            tensors[f"blk.{layer}.{theirs}.weight"] = value
    metadata = {
        "general.architecture": "llama",
        "llama.block_count": c.num_hidden_layers,
        "llama.context_length": c.max_position_embeddings,
        "llama.embedding_length": c.hidden_size,
        "llama.feed_forward_length": c.intermediate_size,
        "llama.attention.head_count": c.num_attention_heads,
        "llama.attention.head_count_kv": c.num_key_value_heads,
        "llama.attention.layer_norm_rms_epsilon": c.rms_norm_eps,
        "llama.rope.freq_base": c.rope_theta,
        "llama.rope.dimension_count": c.head_dim,
        "tokenizer.ggml.model": "gpt2",
        "tokenizer.ggml.pre": "smollm",
        "tokenizer.ggml.tokens": tokens,
        "tokenizer.ggml.token_type": [3 if i < len(MARKS) else 1 for i in range(len(tokens))],
        "tokenizer.ggml.merges": merges,
        "tokenizer.ggml.bos_token_id": 1,
        "tokenizer.ggml.eos_token_id": 2,
        "tokenizer.chat_template": "{{ messages }}",
    }
    raw = {name: (value.shape, F32, value.astype("<f4").tobytes()) for name, value in tensors.items()}
    write_gguf(path, metadata, raw)


def examples(count: int = 6) -> tuple[list[dict], list[dict]]:
    """Sets of evidence and gists in the form that the examples stage writes."""
    answers, gists = [], []
    for i in range(count):
        block = ["a.py", i + 1, i + 2, f"def add_{i}(left, right):\n    return left + right + {i}"]
        asked = [
            {
                "kind": "where",
                "question": f"Where is add_{i}?",
                "answer": f"`add_{i}` is in `a.py`.",
                "facts": ["a.py"],
                "about": f"add_{i}",
                "absent": False,
            },
            {
                "kind": "purpose",
                "question": "What is total?",
                "answer": "The sources do not say.",
                "facts": [],
                "about": "total",
                "absent": True,
            },
        ]
        answers.append({"repo": "r/r", "blocks": [block], "questions": asked})
        gists.append({"repo": "r/r", "name": f"add_{i}", "block": block, "gist": f"Adds {i}."})
    return answers, gists


class ReaderCase(unittest.TestCase):
    """A folder with `base`, `examples`, `rows` and `text`."""

    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.TemporaryDirectory()
        cls.at = Path(cls.folder.name)
        cls.model = tiny()
        write_tiny_gguf(cls.at / "tiny.gguf", cls.model)
        cls.config = write_folder(cls.at / "tiny.gguf", cls.at / "base")
        cls.tokenizer = base.load_tokenizer(cls.at / "base")
        answers, gists = examples()
        for split in ("train", "valid", "test"):
            (cls.at / "sources" / split).mkdir(parents=True)
            document = {"path": "a.py", "language": "python", "text": SOURCE}
            (cls.at / "sources" / split / "r+r.documents.jsonl").write_text(json.dumps(document) + "\n")
            for kind, some in (("answers", answers), ("gists", gists)):
                (cls.at / "examples").mkdir(exist_ok=True)
                file = cls.at / "examples" / f"{split}-{kind}.jsonl"
                file.write_text("".join(json.dumps(record) + "\n" for record in some))
        at = [str(cls.at / name) for name in ("examples", "base", "rows", "sources", "text")]
        rows.main(["--examples", at[0], "--base", at[1], "--out", at[2], "--length", "400"])
        text.main(["--sources", at[3], "--base", at[1], "--out", at[4]])

    @classmethod
    def tearDownClass(cls):
        cls.folder.cleanup()


assert PRESETS["tiny"].vocab_size == 512
torch.set_num_threads(1)
