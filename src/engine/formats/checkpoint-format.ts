import type { ChatTemplate } from '../tokenizer/chat-template';
import type { Tokenizer } from '../tokenizer/tokenizer';
import type { ModelConfig } from '../checkpoint/types';
import type { TensorSource, WeightFile } from './tensor-source';

/** A checkpoint as its format stores it: config and weights under Hugging Face's names, no weight read yet. */
export interface StoredCheckpoint {
  /** The folder or file that was opened; named in messages. */
  readonly path: string;
  /** The folder of the checkpoint's files. */
  readonly directory: string;
  /** Its file of rotary factors: in a checkpoint's own folder, or beside a .gguf file and with that file's name. */
  readonly ropeFile: string;
  readonly config: ModelConfig;
  /** The config as it is stored, for the fingerprint. */
  readonly configText: string;
  readonly tensors: TensorSource;
  readonly files: readonly WeightFile[];
  /** @throws CheckpointError `missing` when the checkpoint has none */
  openTokenizer(): Promise<Tokenizer>;
  /** Undefined for base models. @throws CheckpointError */
  openChatTemplate(): Promise<ChatTemplate | undefined>;
}

/** A weight format: how a checkpoint is recognized and opened. */
export interface CheckpointFormat {
  readonly name: string;
  /** Whether the file or folder at `path` is a checkpoint of this format; reads names and a few bytes at most. */
  detect(path: string): Promise<boolean>;
  /** @throws CheckpointError naming the file and the field */
  open(path: string): Promise<StoredCheckpoint>;
}
