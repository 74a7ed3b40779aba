import { CheckpointError } from '../../checkpoint/errors';
import type { MetadataValue } from './metadata-reader';

export type Metadata = ReadonlyMap<string, MetadataValue>;

/** Kinds of tokens (`tokenizer.ggml.token_type`). */
export const TOKEN_TYPE = { normal: 1, unknown: 2, control: 3, userDefined: 4, unused: 5, byte: 6 } as const;

/** The vocabulary of a file, its lists checked. */
export interface Vocabulary {
  readonly tokens: readonly string[];
  readonly types: ArrayLike<number>;
  readonly path: string;
  readonly metadata: Metadata;
}

/** @throws CheckpointError naming the metadata key */
export function readVocabulary(metadata: Metadata, path: string): Vocabulary {
  const key = 'tokenizer.ggml.tokens';
  const tokens = stringList(metadata, path, key);
  const types = metadata.get('tokenizer.ggml.token_type') ?? new Uint8Array(tokens.length).fill(TOKEN_TYPE.normal);
  if (typeof types !== 'object' || types.length !== tokens.length || typeof (types[0] ?? 0) !== 'number')
    throw new CheckpointError(
      'mismatch',
      path,
      'tokenizer.ggml.token_type',
      `must be ${tokens.length} numbers, one for each token`,
    );
  return { tokens, types: types as ArrayLike<number>, path, metadata };
}

/** A list of texts. @throws CheckpointError when it is absent or holds anything else */
export function stringList(metadata: Metadata, path: string, key: string): readonly string[] {
  const list = metadata.get(key);
  if (list === undefined) throw new CheckpointError('missing', path, key, 'is required and absent');
  if (!Array.isArray(list) || list.length === 0 || typeof list[0] !== 'string')
    throw new CheckpointError('malformed', path, key, 'must be a list of texts');
  return list as readonly string[];
}

/** Pieces to ids. */
export function vocabOf({ tokens }: Vocabulary): Record<string, number> {
  return Object.fromEntries(tokens.map((token, id) => [token, id]));
}

/** Tokens that llama.cpp finds in a text whatever their kind, because they end a turn or frame a gap to be filled. */
const ALWAYS_WHOLE: ReadonlySet<string> = new Set([
  ...['</s>', '<|im_end|>', '<|eot_id|>', '<|eom_id|>', '<|end|>', '<|return|>', '<|call|>', '<|calls|>', '<|flush|>'],
  ...['<end_of_turn>', '<|endoftext|>', '<|end_of_text|>', '<end_of_utterance>', '<EOT>', '_<EOT>', '[EOT]', '[EOS]'],
  ...['<|fim_prefix|>', '<|fim_suffix|>', '<|fim_middle|>', '<|fim_pad|>', '<|repo_name|>', '<|file_sep|>'],
  ...['<fim_prefix>', '<fim_suffix>', '<fim_middle>', '<fim_pad>', '<fim-prefix>', '<fim-suffix>', '<fim-middle>'],
]);

/** Tokens that are found in a text before it is cut. Only control tokens are left out of decoded text. */
export function addedTokens({ tokens, types }: Vocabulary): object[] {
  return tokens.flatMap((content, id) => {
    const special = types[id] === TOKEN_TYPE.control;
    const whole = special || types[id] === TOKEN_TYPE.userDefined || ALWAYS_WHOLE.has(content);
    if (content === '' || !whole) return [];
    return [{ id, content, special, single_word: false, lstrip: false, rstrip: false, normalized: false }];
  });
}

/** Adds the begin and end tokens where the file says so. */
export function beginAndEnd({ tokens, metadata }: Vocabulary, addsBegin: boolean): object | null {
  const special = (name: string, otherwise: boolean) => {
    const id = metadata.get(`tokenizer.ggml.${name}_token_id`);
    const adds = metadata.get(`tokenizer.ggml.add_${name}_token`) ?? otherwise;
    const token = adds === true && typeof id === 'number' ? tokens[id] : undefined;
    return token === undefined ? [] : [{ id, token }];
  };
  const begin = special('bos', addsBegin);
  const end = special('eos', false);
  if (begin.length + end.length === 0) return null;
  const parts = (list: typeof begin) => list.map(({ token }) => ({ SpecialToken: { id: token, type_id: 0 } }));
  const sequence = (id: string) => [...parts(begin), { Sequence: { id, type_id: 0 } }, ...parts(end)];
  return {
    type: 'TemplateProcessing',
    single: sequence('A'),
    pair: [...sequence('A'), ...sequence('B')],
    special_tokens: Object.fromEntries(
      [...begin, ...end].map(({ id, token }) => [token, { id: token, ids: [id], tokens: [token] }]),
    ),
  };
}
