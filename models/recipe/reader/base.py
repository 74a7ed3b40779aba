"""The reader's base as a folder in Hugging Face's layout: `python -m recipe.reader.base --gguf FILE --out DIR`.

Writes config.json, model.safetensors (f32), tokenizer.json and tokenizer_config.json. The quantized file is the only source
of these weights, so what is trained is trained on what the product runs.
"""

from __future__ import annotations

import argparse
import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
from safetensors.numpy import save_file
from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers

from recipe.config import ModelConfig, home
from recipe.reader.gguf import Gguf

MATRICES = {
    "attn_q": "self_attn.q_proj",
    "attn_k": "self_attn.k_proj",
    "attn_v": "self_attn.v_proj",
    "attn_output": "self_attn.o_proj",
    "ffn_gate": "mlp.gate_proj",
    "ffn_up": "mlp.up_proj",
    "ffn_down": "mlp.down_proj",
    "attn_norm": "input_layernorm",
    "ffn_norm": "post_attention_layernorm",
}
CONTROL, USER_DEFINED = 3, 4  # token types that are matched whole, before the text is cut


def model_config(metadata: dict[str, Any], vocab_size: int) -> ModelConfig:
    """The shape of a `llama` file; raises ValueError for another architecture."""
    if metadata.get("general.architecture") != "llama":
        raise ValueError(f"the base must be of architecture llama, not {metadata.get('general.architecture')}")
    heads = metadata["llama.attention.head_count"]
    return ModelConfig(
        vocab_size=vocab_size,
        hidden_size=metadata["llama.embedding_length"],
        num_hidden_layers=metadata["llama.block_count"],
        num_attention_heads=heads,
        num_key_value_heads=metadata["llama.attention.head_count_kv"],
        head_dim=metadata.get("llama.rope.dimension_count", metadata["llama.embedding_length"] // heads),
        intermediate_size=metadata["llama.feed_forward_length"],
        rms_norm_eps=metadata["llama.attention.layer_norm_rms_epsilon"],
        rope_theta=metadata["llama.rope.freq_base"],
        max_position_embeddings=metadata["llama.context_length"],
    )


def half_rotation(weight: np.ndarray, heads: int) -> np.ndarray:
    """q or k rows stored for rotation of adjacent pairs [heads * d, C] -> rows for rotation of halves."""
    rows, width = weight.shape
    return weight.reshape(heads, rows // heads // 2, 2, width).swapaxes(1, 2).reshape(rows, width)


def weights(file: Gguf, config: ModelConfig) -> dict[str, np.ndarray]:
    """All tensors in f32 under the names of `LlamaForCausalLM`; the head is tied to the embeddings."""
    if "output.weight" in file.tensors:
        raise ValueError("the base must have tied embeddings, but the file has an output matrix of its own")
    state = {
        "model.embed_tokens.weight": file.tensor("token_embd.weight"),
        "model.norm.weight": file.tensor("output_norm.weight"),
    }
    for layer in range(config.num_hidden_layers):
        for ours, theirs in MATRICES.items():
            value = file.tensor(f"blk.{layer}.{ours}.weight")
            if ours in ("attn_q", "attn_k"):
                value = half_rotation(
                    value, config.num_attention_heads if ours == "attn_q" else config.num_key_value_heads
                )
            state[f"model.layers.{layer}.{theirs}.weight"] = value
    return state


def tokenizer(metadata: dict[str, Any]) -> Tokenizer:
    """The byte-level BPE of the metadata; `smollm` cuts single digits first and then as GPT-2 does."""
    if metadata["tokenizer.ggml.model"] != "gpt2" or metadata["tokenizer.ggml.pre"] != "smollm":
        raise ValueError(f"no rule here for the pre-tokenizer {metadata.get('tokenizer.ggml.pre')}")
    tokens = metadata["tokenizer.ggml.tokens"]
    merges = [tuple(line.split(" ", 1)) for line in metadata["tokenizer.ggml.merges"]]
    made = Tokenizer(models.BPE({token: i for i, token in enumerate(tokens)}, merges))
    made.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Digits(individual_digits=True),
            pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=True),
        ]
    )
    made.decoder = decoders.ByteLevel()
    types = metadata["tokenizer.ggml.token_type"]
    made.add_special_tokens(
        [AddedToken(t, special=True, normalized=False) for t, k in zip(tokens, types) if k == CONTROL]
    )
    made.add_tokens([AddedToken(t, normalized=False) for t, k in zip(tokens, types) if k == USER_DEFINED])
    return made


def write_folder(gguf: Path, out: Path) -> ModelConfig:
    """Converts the file; a folder that is complete already is left alone."""
    file = Gguf(gguf)
    metadata = file.metadata
    config = model_config(metadata, file.tensors["token_embd.weight"].shape[0])
    if (out / "config.json").exists():
        return config
    out.mkdir(parents=True, exist_ok=True)
    tokenizer(metadata).save(str(out / "tokenizer.json"))
    tokens = metadata["tokenizer.ggml.tokens"]
    (out / "tokenizer_config.json").write_text(
        json.dumps(
            {
                "chat_template": metadata["tokenizer.chat_template"],
                "bos_token": tokens[metadata["tokenizer.ggml.bos_token_id"]],
                "eos_token": tokens[metadata["tokenizer.ggml.eos_token_id"]],
            },
            indent=2,
        )
        + "\n"
    )
    save_file(weights(file, config), str(out / "model.safetensors"), metadata={"format": "pt"})
    shape = {
        **asdict(config),
        "architectures": ["LlamaForCausalLM"],
        "model_type": "llama",
        "hidden_act": "silu",
        "tie_word_embeddings": True,
        "original_max_position_embeddings": config.max_position_embeddings,
    }
    # Last: its presence says that the folder is complete.
    (out / "config.json").write_text(json.dumps(shape, indent=2) + "\n")
    return config


def load_tokenizer(folder: Path) -> Tokenizer:
    return Tokenizer.from_file(str(folder / "tokenizer.json"))


def main() -> None:
    args = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    args.add_argument("--gguf", type=Path, required=True)
    args.add_argument("--out", type=Path, default=home() / "reader/base")
    a = args.parse_args()
    print(write_folder(a.gguf, a.out))


if __name__ == "__main__":
    main()
