"""Trains the byte-level BPE: `python -m recipe.tokens.tokenizer --corpus DIR --out DIR`.

Merges never cross these pre-tokens:

- a line break with the indentation that follows it: "\\n        " becomes one token, so indentation costs nothing
- a word with at most one leading space or underscore, cut where the case changes: `getUserName` -> get|User|Name
- one digit, a run of punctuation, or a run of spaces

Only `Split` and `ByteLevel` are used, with a pattern that the regular expressions of Rust and JavaScript read alike.
"""

from __future__ import annotations

import argparse
import json
import random
from pathlib import Path
from typing import Iterator

from tokenizers import Regex, Tokenizer, decoders, models, pre_tokenizers, trainers

from recipe.config import CHAT_TEMPLATE, SPECIALS, home
from recipe.corpus.shards import shard_texts

PATTERN = (
    r"(?:\r?\n)+[ \t]*"  # line break(s) and the next line's indentation
    r"|[ _]?(?:\p{Lu}+(?!\p{Ll})|\p{Lu}?\p{Ll}+|[\p{Lo}\p{Lm}\p{Lt}]+)"  # HTTP | Server or name | letters without case
    r"| ?\p{N}"
    r"| ?(?:[^\s\p{L}\p{N}_]|_(?!\p{L}))+"  # punctuation; an underscore before a letter belongs to the word
    r"|[ \t]+(?=[ \t]\S)|\s+"
)


def build(vocab_size: int, texts: Iterator[str], show_progress: bool = False) -> Tokenizer:
    """A trained tokenizer of at most `vocab_size` ids, special tokens first."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Split(Regex(PATTERN), behavior="isolated"),
            pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
        ]
    )
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=vocab_size,
        special_tokens=SPECIALS,
        show_progress=show_progress,
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        max_token_length=24,
    )
    tokenizer.train_from_iterator(texts, trainer)
    return tokenizer


def sample(corpus: Path, budget: int, per_language: float, seed: int) -> Iterator[str]:
    """Texts of about `budget` characters from all repositories. No language has more than the share `per_language`."""
    size: dict[str, int] = {}
    for record in shard_texts(corpus):
        size[record["language"]] = size.get(record["language"], 0) + len(record["text"][:20000])
    room = {language: min(n, per_language * budget) for language, n in size.items()}
    shrink = min(1.0, budget / max(1, sum(room.values())))
    rng = random.Random(seed)
    for record in shard_texts(corpus):
        language = record["language"]
        if rng.random() < shrink * room[language] / size[language]:
            yield record["text"][:20000]


def save(tokenizer: Tokenizer, out: Path) -> None:
    out.mkdir(parents=True, exist_ok=True)
    tokenizer.save(str(out / "tokenizer.json"))
    (out / "tokenizer_config.json").write_text(
        json.dumps(
            {
                "tokenizer_class": "PreTrainedTokenizerFast",
                "bos_token": "<|bos|>",
                "eos_token": "<|eos|>",
                "pad_token": "<|pad|>",
                "clean_up_tokenization_spaces": False,
                "add_bos_token": False,
                "model_max_length": 4096,
                "chat_template": CHAT_TEMPLATE,
            },
            indent=2,
        )
        + "\n"
    )


def main(argv: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--corpus", type=Path, default=home() / "corpus")
    parser.add_argument("--out", type=Path, default=home() / "tokenizer")
    parser.add_argument("--vocab", type=int, default=16384)
    parser.add_argument("--characters", type=int, default=60_000_000)
    parser.add_argument("--per-language", type=float, default=0.15)
    parser.add_argument("--seed", type=int, default=1)
    a = parser.parse_args(argv)
    tokenizer = build(a.vocab, sample(a.corpus, a.characters, a.per_language, a.seed))
    save(tokenizer, a.out)
    print(json.dumps({"vocab": tokenizer.get_vocab_size(), "out": str(a.out)}))


if __name__ == "__main__":
    main()
