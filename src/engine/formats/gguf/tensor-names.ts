import type { ModelFamily } from '../../architectures/family';

/** Names outside the layers, to those of Hugging Face. */
const OUTER: Readonly<Record<string, string>> = {
  token_embd: 'model.embed_tokens',
  output_norm: 'model.norm',
  output: 'lm_head',
};

/** Llama's names within a layer (without `blk.N.`), to those of Hugging Face (without `model.layers.N.`). */
const LAYER: Readonly<Record<string, string>> = {
  attn_norm: 'input_layernorm',
  attn_q: 'self_attn.q_proj',
  attn_k: 'self_attn.k_proj',
  attn_v: 'self_attn.v_proj',
  attn_qkv: 'self_attn.qkv_proj',
  attn_output: 'self_attn.o_proj',
  attn_q_norm: 'self_attn.q_norm',
  attn_k_norm: 'self_attn.k_norm',
  ffn_norm: 'post_attention_layernorm',
  ffn_gate: 'mlp.gate_proj',
  ffn_up: 'mlp.up_proj',
  ffn_down: 'mlp.down_proj',
};

/** Tables that the config is made of; they are no weights of the decoder. */
const ROPE_TABLES = new Set(['rope_freqs.weight', 'rope_factors_long.weight', 'rope_factors_short.weight']);

/**
 * The Hugging Face name of a GGUF tensor; its own name where the family has no such tensor; undefined for rope tables.
 */
export function huggingFaceName(name: string, family: ModelFamily): string | undefined {
  if (ROPE_TABLES.has(name)) return undefined;
  const [, outer, outerKind] = /^([a-z_]+)\.(weight|bias)$/.exec(name) ?? [];
  if (outer !== undefined && Object.hasOwn(OUTER, outer)) return `${OUTER[outer]}.${outerKind}`;
  const [, layer, part, kind] = /^blk\.(\d{1,5})\.([a-z_0-9]+)\.(weight|bias)$/.exec(name) ?? [];
  if (layer === undefined || part === undefined) return name;
  const names = { ...LAYER, ...family.gguf?.tensors };
  return Object.hasOwn(names, part)
    ? `model.layers.${Number(layer)}.${names[part as keyof typeof names]}.${kind}`
    : name;
}
