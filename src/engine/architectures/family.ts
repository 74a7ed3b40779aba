import type { Fields } from '../checkpoint/json';
import type { LayerDescription, WeightScales } from './layer';

/**
 * A model family, described by its differences from Llama. Everything that a family leaves out is as in Llama. A new
 * family is one file with such an object and an entry in the registry.
 */
export interface ModelFamily {
  /** `model_type` of config.json. */
  readonly modelType: string;
  /** Other `model_type`s under which it is found: models of images and text, of which the text part is read. */
  readonly alsoModelTypes?: readonly string[];
  /** Names of model classes, besides those that end in `ForCausalLM` or `Model`. */
  readonly classes?: readonly string[];
  /** The fields of the language model in a config.json, which may hold more, and may leave defaults out. */
  textFields?(fields: Fields): Fields;
  /** Meaning of fields that are absent. */
  readonly defaults?: {
    readonly headDim?: number;
    readonly normEps?: number;
    readonly ropeTheta?: number;
    readonly tiedEmbeddings?: boolean;
    /** `num_key_value_heads` defaults to the number of query heads; otherwise it is required. */
    readonly kvHeadsAsQueryHeads?: boolean;
  };
  /** Biases of q, k, v and the output (`attention_bias`); `projections` are q, k and v only. Default: none. */
  readonly attentionBias?: 'none' | 'projections' | 'configured';
  /** Biases of the feed-forward (`mlp_bias`). Default: none. */
  readonly feedForwardBias?: 'none' | 'configured';
  /**
   * When `sliding_window` applies to a config without `layer_types`; `layer_types` decides where it is present.
   * `never`: the field is ignored; `stated`: it holds; `switched`: where `use_sliding_window` says so.
   */
  readonly slidingWindow: 'never' | 'stated' | 'switched';
  /**
   * Whether a layer has the window, where the config has one and no `layer_types`. Default: all layers; with
   * `switched`, those from `max_window_layers` on.
   */
  isSliding?(fields: Fields, layer: number): boolean;
  /** Layers with a sliding window are rotated by a base of their own, given by this field, without scaling. */
  readonly slidingRope?: { readonly field: string; readonly theta: number };
  /** `partial_rotary_factor` may leave part of each head un-rotated. */
  readonly partialRotary?: boolean;
  /** Names of rotary scalings that mean `longrope` in this family's configs. */
  readonly longropeNames?: readonly string[];
  readonly norm?: LayerDescription['norm'];
  readonly qkNorm?: LayerDescription['attention']['qkNorm'];
  /** Default: SiLU. */
  readonly activation?: LayerDescription['feedForward']['activation'];
  /** Added to the weights of all norms. */
  readonly normOffset?: number;
  /** Factor of the embeddings, but not of a tied output matrix. */
  embeddingScale?(hiddenSize: number): number;
  /** Factor of q·k; default 1/√headDim. */
  attentionScale?(fields: Fields): number;
  /** Whether a layer's queries and keys are rotated; default all. */
  isRotary?(fields: Fields, layer: number): boolean;
  weightScales?(fields: Fields): WeightScales;
  /** How llama.cpp stores the family; absent where it does not. */
  readonly gguf?: GgufFamily;
}

/** A family in GGUF files. */
export interface GgufFamily {
  /** `general.architecture`. */
  readonly architecture: string;
  /**
   * Order of the rotary pairs in the rows of q and k. `halves` is Hugging Face's order, (i, i + d/2). `adjacent` is
   * (2i, 2i + 1); the reader puts such rows back.
   */
  readonly rotaryPairs: 'halves' | 'adjacent';
  /** Names that differ from Llama's: GGUF's without `blk.N.`, to Hugging Face's without `model.layers.N.` */
  readonly tensors?: Readonly<Record<string, string>>;
  /** Metadata keys (without the architecture) of config fields that only this family has. */
  readonly fields?: Readonly<Record<string, string>>;
  /** Config fields that llama.cpp computes from others, for those that the metadata leaves out. */
  implied?(config: Readonly<Record<string, unknown>>): Record<string, unknown>;
}
