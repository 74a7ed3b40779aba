"""Model shapes, special tokens and default folders: the one place where the recipe's numbers are named.

A preset is a model shape. Two CPU cores train "8m" in hours. A machine with a GPU should train "19m". Both stay under
40 MB in f16 and 2 kB a KV row. With "tiny" the dry run goes through every stage in seconds.
"""

from __future__ import annotations

import os
from dataclasses import dataclass, replace
from pathlib import Path

# The order gives the ids: special tokens come first in the vocabulary, so <|bos|> is 0, <|eos|> is 1, ... It never changes
# after a release. <|point|> and <|none|> are no longer trained; they keep their ids.
SPECIALS = [
    "<|bos|>",
    "<|eos|>",
    "<|pad|>",
    "<|anchor|>",
    "<|mem|>",
    "<|repeat|>",
    "<|gist|>",
    "<|point|>",
    "<|none|>",
    "<|file|>",
    "<|query|>",
    "<|system|>",
    "<|user|>",
    "<|assistant|>",
    "<|end|>",
    "<|sink|>",
] + [f"<|reserved_{i}|>" for i in range(16)]
ID = {name.strip("<|>"): i for i, name in enumerate(SPECIALS)}

# Every sequence starts with these four sink rows. They see only each other, so their keys and values are constants of the
# model. A segment that was encoded alone behind them can be spliced behind the same sinks of any context.
SINK_IDS = (ID["bos"], ID["sink"], ID["sink"], ID["sink"])

# The anchor rule: AnLLM's segments, by lines instead of sentences. An anchor follows the first token that ends a line once
# ANCHOR_MIN tokens have passed since the last anchor, or the ANCHOR_MAX-th token. Segments have about 142 tokens.
ANCHOR_MIN, ANCHOR_MAX = 128, 192

CHAT_TEMPLATE = (
    "<|bos|><|sink|><|sink|><|sink|>"
    "{% for message in messages %}{{ '<|' + message['role'] + '|>' + message['content'] + '<|end|>' }}{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|assistant|>' }}{% endif %}"
)


@dataclass(frozen=True)
class ModelConfig:
    """A Llama shape, in the names of Hugging Face's config.json."""

    vocab_size: int = 16384
    hidden_size: int = 256
    num_hidden_layers: int = 6
    num_attention_heads: int = 4
    num_key_value_heads: int = 1
    head_dim: int = 64
    intermediate_size: int = 704
    rms_norm_eps: float = 1e-5
    rope_theta: float = 10000.0
    max_position_embeddings: int = 512  # the first window, in rows

    @property
    def row_bytes(self) -> int:
        """Bytes of one cached row in f16: keys and values of all layers."""
        return self.num_hidden_layers * self.num_key_value_heads * self.head_dim * 2 * 2

    def with_vocab(self, vocab_size: int) -> "ModelConfig":
        return replace(self, vocab_size=vocab_size)


PRESETS = {
    "8m": ModelConfig(),
    "19m": ModelConfig(hidden_size=384, num_hidden_layers=8, intermediate_size=1024, num_attention_heads=6),
    "tiny": ModelConfig(
        vocab_size=512,
        hidden_size=64,
        num_hidden_layers=2,
        num_attention_heads=2,
        head_dim=32,
        intermediate_size=128,
        max_position_embeddings=128,
    ),
}


def home() -> Path:
    """The folder of corpora, tokens and runs, unless a flag says otherwise."""
    return Path(os.environ.get("ANCHORAGE_RECIPE_HOME", "~/.cache/anchorage/recipe")).expanduser()
