import type { ModelConfig } from '../architectures/model-config';
import type { TensorSource } from '../formats/tensor-source';
import type { ChatTemplate } from '../tokenizer/chat-template';
import type { Tokenizer } from '../tokenizer/tokenizer';

export type { LayerDescription } from '../architectures/layer';
export type * from '../architectures/model-config';
export type { TensorDtype, TensorInfo, TensorSource } from '../formats/tensor-source';

/** A checkpoint, validated: config, weights and their identity. */
export interface Checkpoint {
  /** The folder or file that was opened; named in messages. */
  readonly path: string;
  /** The folder of the checkpoint's files. */
  readonly directory: string;
  /** Its file of rotary factors: in a checkpoint's own folder, or beside a .gguf file and with that file's name. */
  readonly ropeFile: string;
  readonly config: ModelConfig;
  readonly tensors: TensorSource;
  /**
   * sha256 (hex) over the config and each weight file's size, header and sampled content: the key of compiled graphs.
   */
  readonly fingerprint: string;
  /** @throws CheckpointError `missing` when the checkpoint has no tokenizer */
  openTokenizer(): Promise<Tokenizer>;
  /** Undefined for base models. @throws CheckpointError */
  openChatTemplate(): Promise<ChatTemplate | undefined>;
  close(): Promise<void>;
}
