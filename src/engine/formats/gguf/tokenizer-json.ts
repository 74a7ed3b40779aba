import { CheckpointError } from '../../checkpoint/errors';
import { Tokenizer } from '../../tokenizer/tokenizer';
import { preTokenizer, preTokenizerNames } from './pre-tokenizers';
import { sentencePieceJson } from './sentence-piece';
import {
  addedTokens,
  beginAndEnd,
  readVocabulary,
  stringList,
  vocabOf,
  type Metadata,
  type Vocabulary,
} from './vocabulary';

/**
 * The tokenizer of a GGUF file. Its vocabulary, merges and kinds of tokens are put in the form of a tokenizer.json,
 * which the same library reads.
 *
 * @throws CheckpointError naming the metadata key
 */
export function ggufTokenizer(metadata: Metadata, path: string, vocabSize: number): Tokenizer {
  const vocabulary = readVocabulary(metadata, path);
  const model = metadata.get('tokenizer.ggml.model');
  let json: Record<string, unknown>;
  if (model === 'gpt2') json = bytePairJson(vocabulary);
  else if (model === 'llama') json = sentencePieceJson(vocabulary);
  else {
    const found = model === undefined ? 'absent' : `"${String(model).slice(0, 40)}"`;
    throw new CheckpointError(
      model === undefined ? 'missing' : 'unsupported',
      path,
      'tokenizer.ggml.model',
      `is ${found}; the tokenizers "gpt2" and "llama" are read`,
    );
  }
  return Tokenizer.fromJson(json, namedTokens(vocabulary), path, vocabSize);
}

/** Byte-level BPE (GPT-2 and what followed it). */
function bytePairJson(vocabulary: Vocabulary): Record<string, unknown> {
  const { metadata, path } = vocabulary;
  const merges = stringList(metadata, path, 'tokenizer.ggml.merges');
  const pre = metadata.get('tokenizer.ggml.pre') ?? 'default';
  const cut = typeof pre === 'string' ? preTokenizer(pre) : undefined;
  if (!cut)
    throw new CheckpointError(
      'unsupported',
      path,
      'tokenizer.ggml.pre',
      `"${String(pre).slice(0, 40)}" is not a way of cutting text that is built (${preTokenizerNames()})`,
    );
  const split = (expression: string) => ({
    type: 'Split',
    pattern: { Regex: expression },
    behavior: 'Isolated',
    invert: false,
  });
  return {
    added_tokens: addedTokens(vocabulary),
    normalizer: null,
    pre_tokenizer: {
      type: 'Sequence',
      pretokenizers: [
        ...cut.expressions.map(split),
        { type: 'ByteLevel', add_prefix_space: false, trim_offsets: false, use_regex: false },
      ],
    },
    post_processor: beginAndEnd(vocabulary, cut.addsBegin ?? false),
    decoder: { type: 'ByteLevel', add_prefix_space: false, trim_offsets: false, use_regex: false },
    model: {
      type: 'BPE',
      vocab: vocabOf(vocabulary),
      merges,
      ignore_merges: cut.ignoreMerges ?? false,
      byte_fallback: false,
    },
  };
}

/** Tokens that chat templates name. */
function namedTokens({ tokens, metadata }: Vocabulary): Record<string, unknown> {
  const token = (name: string) => {
    const id = metadata.get(`tokenizer.ggml.${name}_token_id`);
    return typeof id === 'number' ? tokens[id] : undefined;
  };
  const named = Object.entries({ bos_token: token('bos'), eos_token: token('eos'), pad_token: token('padding') });
  return Object.fromEntries(named.filter(([, value]) => value !== undefined));
}
