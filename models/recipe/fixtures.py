"""Makes the tiny random checkpoints under test/fixtures/checkpoints and what PyTorch transformers computes with them.

    python -m recipe.fixtures test/fixtures

Every folder is an ordinary Hugging Face checkpoint (config.json, safetensors) plus `reference.json`: token ids and, beside it in
`reference.f32`, the logits [tokens][vocab] of one full forward pass in f32. `rope.json` holds the rotary frequencies of configurations of
every kind, `halves.json` some 16-bit numbers. Weights are drawn wide enough that logits span several units: an error of 1e-4 is then an
error of one part in 1e4 or 1e5, and a missing bias or norm shows at once.

Needs torch, transformers, tokenizers, safetensors. Run again only when a family is added: the files are committed.
"""

from __future__ import annotations

import argparse
import json
import math
import shutil
import struct
from pathlib import Path

import torch
from safetensors.torch import save_file
from transformers import (
    LlamaConfig,
    LlamaForCausalLM,
    MistralConfig,
    MistralForCausalLM,
    Phi3Config,
    Phi3ForCausalLM,
    Qwen2Config,
    Qwen2ForCausalLM,
    Qwen3Config,
    Qwen3ForCausalLM,
)

TOKENS = 64

# Shapes differ on purpose: one, some and all query heads per kv head, a head width that is not hidden / heads, and so on.
SMALL = dict(
    hidden_size=32,
    intermediate_size=64,
    num_hidden_layers=2,
    num_attention_heads=4,
    vocab_size=128,
    max_position_embeddings=256,
    bos_token_id=1,
    eos_token_id=2,
)

LONGROPE = dict(
    rope_type="longrope",
    rope_theta=10000.0,
    partial_rotary_factor=0.75,
    short_factor=[1.0, 1.02, 1.05, 1.1, 1.2, 1.3],
    long_factor=[1.1, 1.6, 2.9, 2.4, 4.5, 4.1],
)


def families():
    """name → (config, model class, storage dtype, shards)."""
    f32, f16, bf16 = torch.float32, torch.float16, torch.bfloat16
    yield (
        "llama2",
        LlamaConfig(**SMALL, num_key_value_heads=4, rms_norm_eps=1e-5, tie_word_embeddings=False),
        LlamaForCausalLM,
        f32,
        1,
    )
    yield (
        "llama3",
        LlamaConfig(
            **{**SMALL, "num_attention_heads": 2, "eos_token_id": [2, 3]},
            num_key_value_heads=1,
            rms_norm_eps=1e-5,
            rope_parameters=dict(
                rope_type="llama3",
                rope_theta=500000.0,
                factor=8.0,
                low_freq_factor=1.0,
                high_freq_factor=4.0,
                original_max_position_embeddings=32,
            ),
            tie_word_embeddings=False,
        ),
        LlamaForCausalLM,
        bf16,
        2,
    )
    yield (
        "llama-bias",
        LlamaConfig(**SMALL, num_key_value_heads=2, attention_bias=True, mlp_bias=True, tie_word_embeddings=True),
        LlamaForCausalLM,
        f16,
        1,
    )
    yield (
        "qwen2",
        Qwen2Config(
            **SMALL,
            num_key_value_heads=2,
            rope_parameters=dict(rope_type="default", rope_theta=1000000.0),
            tie_word_embeddings=True,
        ),
        Qwen2ForCausalLM,
        f16,
        1,
    )
    yield (
        "qwen2-yarn",
        Qwen2Config(
            **{**SMALL, "num_attention_heads": 2},
            num_key_value_heads=2,
            tie_word_embeddings=True,
            rope_parameters=dict(rope_type="yarn", rope_theta=10000.0, factor=4.0, original_max_position_embeddings=64),
        ),
        Qwen2ForCausalLM,
        bf16,
        1,
    )
    yield (
        "qwen3",
        Qwen3Config(
            **SMALL,
            num_key_value_heads=2,
            head_dim=16,
            rope_parameters=dict(rope_type="default", rope_theta=1000000.0),
            tie_word_embeddings=False,
        ),
        Qwen3ForCausalLM,
        f32,
        1,
    )
    yield (
        "mistral",
        MistralConfig(**SMALL, num_key_value_heads=2, sliding_window=None, tie_word_embeddings=False),
        MistralForCausalLM,
        f32,
        1,
    )
    yield (
        "mistral-window",
        MistralConfig(**SMALL, num_key_value_heads=1, sliding_window=24, tie_word_embeddings=False),
        MistralForCausalLM,
        bf16,
        1,
    )
    yield (
        "smollm2",
        LlamaConfig(
            **{**SMALL, "hidden_size": 48, "num_attention_heads": 3, "vocab_size": 320},
            num_key_value_heads=1,
            rms_norm_eps=1e-5,
            rope_parameters=dict(rope_type="default", rope_theta=100000.0),
            tie_word_embeddings=True,
        ),
        LlamaForCausalLM,
        f32,
        1,
    )
    yield (
        "phi3",
        Phi3Config(
            **{**SMALL, "hidden_size": 64, "max_position_embeddings": 128},
            num_key_value_heads=2,
            pad_token_id=0,
            original_max_position_embeddings=32,
            rope_parameters=LONGROPE,
            sliding_window=None,
            tie_word_embeddings=False,
        ),
        Phi3ForCausalLM,
        bf16,
        1,
    )


def randomize(model, seed):
    """Weights of unit gain, norms and biases away from their usual 1 and 0, so that leaving one out is seen."""
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            noise = torch.randn(parameter.shape, generator=generator)
            if "norm" in name:
                parameter.copy_(1 + 0.2 * noise)
            elif name.endswith("bias"):
                parameter.copy_(0.3 * noise)
            elif "embed" in name:
                parameter.copy_(0.6 * noise)
            else:
                gain = 2.0 if "lm_head" in name else 1.2
                parameter.copy_(gain * noise / math.sqrt(parameter.shape[-1]))


def write_floats(path, tensor):
    path.write_bytes(tensor.detach().to(torch.float32).contiguous().numpy().tobytes())


def token_ids(seed, count, vocab):
    generator = torch.Generator().manual_seed(seed)
    return [1] + torch.randint(3, vocab, (count - 1,), generator=generator).tolist()


def logits_of(model, ids):
    with torch.no_grad():
        return model(torch.tensor([ids]), use_cache=False).logits[0].float()


def published_config(config, class_name, dtype):
    """config.json as the hub has it for this generation of models: rope_theta and rope_scaling at the top level."""
    values = {
        key: value
        for key, value in config.to_dict().items()
        if not key.startswith("_")
        and key not in ("transformers_version", "dtype", "pad_token_id")
        and value is not None
    }
    values["architectures"] = [class_name]
    values["torch_dtype"] = str(dtype).removeprefix("torch.")
    rope = values.pop("rope_parameters", None) or {}
    values["rope_theta"] = rope.pop("rope_theta", 10000.0)
    share = rope.pop("partial_rotary_factor", None)
    if share is not None and share != 1.0:
        values["partial_rotary_factor"] = share
    if rope.get("rope_type", "default") != "default":
        values["rope_scaling"] = rope
    keep = {
        "model_type",
        "architectures",
        "hidden_size",
        "intermediate_size",
        "num_hidden_layers",
        "num_attention_heads",
        "num_key_value_heads",
        "head_dim",
        "vocab_size",
        "max_position_embeddings",
        "original_max_position_embeddings",
        "rms_norm_eps",
        "rope_theta",
        "rope_scaling",
        "partial_rotary_factor",
        "hidden_act",
        "tie_word_embeddings",
        "attention_bias",
        "mlp_bias",
        "sliding_window",
        "use_sliding_window",
        "bos_token_id",
        "eos_token_id",
        "torch_dtype",
    }
    return {key: value for key, value in values.items() if key in keep}


def save_weights(folder, tensors, shards):
    if shards == 1:
        save_file(tensors, folder / "model.safetensors", metadata={"format": "pt"})
        return
    names = sorted(tensors)
    weight_map = {}
    for shard in range(shards):
        file = f"model-{shard + 1:05d}-of-{shards:05d}.safetensors"
        part = {name: tensors[name] for name in names[shard::shards]}
        save_file(part, folder / file, metadata={"format": "pt"})
        weight_map.update({name: file for name in part})
    total = sum(t.numel() * t.element_size() for t in tensors.values())
    index = {"metadata": {"total_size": total}, "weight_map": weight_map}
    (folder / "model.safetensors.index.json").write_text(json.dumps(index, indent=1))


def make_family(folder, name, config, model_class, dtype, shards, seed):
    folder.mkdir(parents=True)
    model = model_class._from_config(config, attn_implementation="eager").eval()
    randomize(model, seed)
    with (
        torch.no_grad()
    ):  # round the parameters only: the rotary buffers stay in f32, as when transformers loads such a file
        for parameter in model.parameters():
            parameter.copy_(parameter.to(dtype))
    tensors = {
        key: value.detach().to(dtype).clone()
        for key, value in model.state_dict().items()
        if not (config.tie_word_embeddings and key == "lm_head.weight")
    }
    save_weights(folder, tensors, shards)
    (folder / "config.json").write_text(json.dumps(published_config(config, model_class.__name__, dtype), indent=1))
    ids = token_ids(seed, TOKENS, config.vocab_size)
    logits = logits_of(model, ids)
    reference = {"ids": ids, "vocab": config.vocab_size}
    window = getattr(config, "original_max_position_embeddings", None)
    if name == "phi3" and window:
        # Within the trained window the short factors hold: the same ids cut there have other logits.
        write_floats(folder / "reference-short.f32", logits_of(model, ids[:window]))
        reference["short"] = window
    (folder / "reference.json").write_text(json.dumps(reference))
    write_floats(folder / "reference.f32", logits)
    print(f"{name:16} logits {logits.std():.2f} ± {logits.abs().max():.2f}")
    return model


def make_adapter(folder, base_model, seed):
    """A LongLoRA-style PEFT adapter on the llama2 fixture: q, k, v, o of rank 4, and trained embeddings and norms."""
    folder.mkdir(parents=True)
    generator = torch.Generator().manual_seed(seed)
    rank, alpha = 4, 8
    state = base_model.state_dict()
    tensors, extra = {}, {}
    with torch.no_grad():
        for key, value in state.items():
            if any(key.endswith(f"{p}_proj.weight") for p in "qkvo"):
                a = torch.randn(rank, value.shape[1], generator=generator) / math.sqrt(value.shape[1])
                b = torch.randn(value.shape[0], rank, generator=generator) * 0.3
                module = key.removesuffix(".weight")
                tensors[f"base_model.model.{module}.lora_A.weight"] = a
                tensors[f"base_model.model.{module}.lora_B.weight"] = b
                state[key] = value + (alpha / rank) * (b @ a)
            elif "embed" in key or "norm" in key:
                trained = value + 0.1 * torch.randn(value.shape, generator=generator)
                extra[f"base_model.model.{key}"] = trained
                state[key] = trained
    base_model.load_state_dict(state)
    save_file(tensors, folder / "adapter_model.safetensors", metadata={"format": "pt"})
    save_file(
        {key: value.contiguous() for key, value in extra.items()},
        folder / "trainable_params.safetensors",
        metadata={"format": "pt"},
    )
    config = {
        "peft_type": "LORA",
        "task_type": "CAUSAL_LM",
        "r": rank,
        "lora_alpha": alpha,
        "lora_dropout": 0.0,
        "bias": "none",
        "target_modules": ["q_proj", "k_proj", "v_proj", "o_proj"],
        "modules_to_save": None,
        "fan_in_fan_out": False,
        "trainable_params": "embed,norm",
        "base_model_name_or_path": "llama2",
    }
    (folder / "adapter_config.json").write_text(json.dumps(config, indent=1))
    ids = token_ids(seed, TOKENS, base_model.config.vocab_size)
    (folder / "reference.json").write_text(json.dumps({"ids": ids, "vocab": base_model.config.vocab_size}))
    write_floats(folder / "reference.f32", logits_of(base_model, ids))


PROSE = """A lamp burned in the harbour office. The keeper counted ships, wrote their names in a book, and counted again: one, two, three.
Each name had a story; each story had a price. "Who is there?" he asked. The wind answered, as the wind does, with nothing but more wind.
def count(ships):
    total = 0
    for ship in ships:
        total += 1
    return total
"""

CHAT = """{% for message in messages %}{{ '<|im_start|>' + message['role'] + '\\n' + message['content'] + '<|im_end|>' + '\\n' }}{% endfor %}\
{% if add_generation_prompt %}{{ '<|im_start|>assistant\\n' }}{% endif %}"""


def make_tokenizer(folder, vocab):
    """A byte-level BPE tokenizer in the manner of SmolLM2, with a chat template, and what the reference library makes of some texts."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers

    special = ["<|endoftext|>", "<|im_start|>", "<|im_end|>"]
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [pre_tokenizers.Digits(individual_digits=True), pre_tokenizers.ByteLevel(add_prefix_space=False)]
    )
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=vocab,
        special_tokens=special,
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    tokenizer.train_from_iterator([PROSE], trainer)
    tokenizer.save(str(folder / "tokenizer.json"), pretty=False)
    (folder / "tokenizer_config.json").write_text(
        json.dumps(
            {
                "bos_token": "<|im_start|>",
                "eos_token": "<|im_end|>",
                "tokenizer_class": "GPT2Tokenizer",
                "clean_up_tokenization_spaces": False,
                "chat_template": CHAT,
            },
            indent=1,
        )
    )
    texts = [
        "The keeper counted ships: 1, 2, 345.",
        "Grüße, 世界! 🙂👩‍🚀",
        "  two  spaces\n\ttab",
        "<|im_start|>user\nhi<|im_end|>",
        "",
        "naïve e\u0301",
    ]
    cases = [{"text": text, "ids": tokenizer.encode(text).ids} for text in texts]
    (folder / "tokenizer-reference.json").write_text(json.dumps(cases))


def rope_cases():
    """Configurations of every kind of scaling, with the frequencies transformers uses at two lengths."""
    from transformers.modeling_rope_utils import ROPE_INIT_FUNCTIONS

    pairs = [1 + 0.3 * i for i in range(16)]
    scalings = [
        dict(rope_type="default", rope_theta=10000.0),
        dict(rope_type="linear", rope_theta=10000.0, factor=4.0),
        dict(rope_type="dynamic", rope_theta=10000.0, factor=2.0),
        dict(rope_type="yarn", rope_theta=10000.0, factor=16.0, original_max_position_embeddings=256),
        dict(
            rope_type="yarn",
            rope_theta=1000000.0,
            factor=4.0,
            original_max_position_embeddings=256,
            beta_fast=128,
            beta_slow=2,
            truncate=False,
        ),
        dict(
            rope_type="yarn",
            rope_theta=10000.0,
            factor=40.0,
            original_max_position_embeddings=256,
            mscale=1.0,
            mscale_all_dim=0.8,
        ),
        dict(
            rope_type="yarn", rope_theta=10000.0, factor=8.0, original_max_position_embeddings=256, attention_factor=1.3
        ),
        dict(
            rope_type="llama3",
            rope_theta=500000.0,
            factor=8.0,
            low_freq_factor=1.0,
            high_freq_factor=4.0,
            original_max_position_embeddings=256,
        ),
        dict(
            rope_type="longrope",
            rope_theta=10000.0,
            original_max_position_embeddings=256,
            short_factor=[1.0] * 16,
            long_factor=pairs,
        ),
        dict(
            rope_type="longrope",
            rope_theta=10000.0,
            original_max_position_embeddings=256,
            factor=3.0,
            attention_factor=1.19,
            short_factor=[1.05] * 16,
            long_factor=pairs[::-1],
        ),
    ]
    for scaling in scalings:
        config = LlamaConfig(
            hidden_size=128, num_attention_heads=4, max_position_embeddings=1024, rope_parameters=dict(scaling)
        )
        for length in (200, 3000):
            if scaling["rope_type"] == "default":
                inverse, scale = 1.0 / (10000.0 ** (torch.arange(0, 32, 2, dtype=torch.float) / 32)), 1.0
            else:
                inverse, scale = ROPE_INIT_FUNCTIONS[scaling["rope_type"]](config, None, seq_len=length)
            yield {"rope": scaling, "length": length, "inverse": inverse.double().tolist(), "scale": float(scale)}


def make_rope(path):
    path.write_text(
        json.dumps(
            {"hidden_size": 128, "num_attention_heads": 4, "max_position_embeddings": 1024, "cases": list(rope_cases())}
        )
    )


def make_halves(path):
    """A few bit patterns of each 16-bit format with their values: [bits, value] as text, for infinities."""
    patterns = [0x0000, 0x8000, 0x0001, 0x03FF, 0x0400, 0x3C00, 0xC000, 0x7BFF, 0x3555, 0xBEEF, 0x1234, 0x7C00, 0xFC00]
    half = [[bits, repr(struct.unpack("<e", struct.pack("<H", bits))[0])] for bits in patterns]
    bf16 = [[bits, repr(struct.unpack("<f", struct.pack("<I", bits << 16))[0])] for bits in patterns]
    path.write_text(json.dumps({"F16": half, "BF16": bf16}))


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("output", type=Path, help="folder of the fixtures, e.g. test/fixtures")
    output = parser.parse_args().output
    checkpoints = output / "checkpoints"
    shutil.rmtree(checkpoints, ignore_errors=True)
    torch.set_num_threads(1)
    for seed, (name, config, model_class, dtype, shards) in enumerate(families(), start=1):
        model = make_family(checkpoints / name, name, config, model_class, dtype, shards, seed)
        if name == "smollm2":
            make_tokenizer(checkpoints / name, config.vocab_size)
        if name == "llama2":
            make_adapter(checkpoints / "llama2-longlora", model, 100)
    make_rope(checkpoints / "rope.json")
    make_halves(checkpoints / "halves.json")


if __name__ == "__main__":
    main()
