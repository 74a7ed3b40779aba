/** Every reader of untrusted input, with the number of inputs of a sample. */
import { adapters, chatTemplate, config, safetensors, tokenizer } from './checkpoints';
import { docx, epub, html, notebook, pdf, plainText } from './documents';
import type { Attacked } from './drive';
import { ggufFile } from './gguf';
import { globs, ignoreRules } from './ignore-rules';
import { rpcMessages } from './rpc-messages';
import { storeFiles } from './store-files';

export const PARSERS: readonly (readonly [name: string, parser: Attacked, sample: number])[] = [
  [config, 1_000],
  [safetensors, 800],
  [ggufFile, 500],
  [adapters, 400],
  [tokenizer, 600],
  [chatTemplate, 300],
  [pdf, 200],
  [epub, 200],
  [docx, 200],
  [notebook, 200],
  [html, 200],
  [plainText, 200],
  [ignoreRules, 800],
  [globs, 400],
  [rpcMessages, 300],
  [storeFiles, 400],
].map(([parser, sample]) => [(parser as Attacked).name, parser as Attacked, sample as number] as const);
