import { CheckpointError } from '../checkpoint/errors';
import { isObject, type JsonObject } from '../checkpoint/json';

const MAX_IDS = 1 << 20;
const MAX_MERGES = 1 << 21;
const MAX_ADDED = 1 << 16;
const MAX_PIECE = 1024;
const MAX_PATTERN = 16_384;

/**
 * Checks the parts of tokenizer.json that the library does not: ids (an id of a billion would allocate a vocabulary of
 * a billion), merges, and the length of patterns.
 *
 * @returns the number of ids, those of them in the vocabulary proper, and the special tokens by name
 * @throws CheckpointError
 */
export function assertTokenizerSane(
  json: unknown,
  file: string,
): {
  size: number;
  vocabulary: number;
  special: Map<string, number>;
} {
  const fail = (code: CheckpointError['code'], field: string, message: string) =>
    new CheckpointError(code, file, field, message);
  if (!isObject(json)) throw fail('malformed', '', 'must be a JSON object');
  const model = json['model'];
  if (!isObject(model)) throw fail('missing', 'model', 'is required and absent');
  const kind = model['type'] ?? (Array.isArray(model['merges']) ? 'BPE' : undefined);
  const check = CHECKS.get(kind);
  if (check === undefined) {
    const known = [...CHECKS.keys()].join(', ');
    throw fail('unsupported', 'model.type', `${JSON.stringify(kind)?.slice(0, 40)} is not read; ${known} are`);
  }
  const vocabulary = check(model, fail);
  let size = vocabulary;
  const special = new Map<string, number>();
  for (const token of listOf(json['added_tokens'] ?? [], 'added_tokens', MAX_ADDED, fail)) {
    if (!isObject(token)) throw fail('malformed', 'added_tokens', 'must hold objects');
    const { id, content } = token;
    if (typeof content !== 'string' || content === '' || content.length > MAX_PIECE)
      throw fail('malformed', 'added_tokens', 'holds a token without text');
    if (!isId(id)) throw fail('outOfRange', 'added_tokens', `"${content.slice(0, 40)}" has an id outside 0…${MAX_IDS}`);
    size = Math.max(size, id + 1);
    if (token['special'] === true) special.set(content, id);
  }
  if (size === 0) throw fail('malformed', 'model.vocab', 'is empty');
  for (const part of ['normalizer', 'pre_tokenizer', 'post_processor', 'decoder'])
    checkPatterns(json[part], part, 0, fail);
  return { size, vocabulary, special };
}

type Fail = (code: CheckpointError['code'], field: string, message: string) => CheckpointError;

function isId(value: unknown): value is number {
  return typeof value === 'number' && Number.isInteger(value) && value >= 0 && value < MAX_IDS;
}

function listOf(value: unknown, field: string, max: number, fail: Fail): readonly unknown[] {
  if (!Array.isArray(value)) throw fail('malformed', field, 'must be a list');
  if (value.length > max) throw fail('outOfRange', field, `has ${value.length} entries, more than ${max}`);
  return value as readonly unknown[];
}

const CHECKS: ReadonlyMap<unknown, (model: JsonObject, fail: Fail) => number> = new Map([
  ['BPE', checkBpe],
  ['Unigram', checkUnigram],
  ['WordPiece', checkVocabulary],
]);

function checkBpe(model: JsonObject, fail: Fail): number {
  const size = checkVocabulary(model, fail);
  for (const merge of listOf(model['merges'], 'model.merges', MAX_MERGES, fail)) {
    if (!isMerge(merge)) throw fail('malformed', 'model.merges', 'must hold pairs of pieces');
  }
  return size;
}

function checkVocabulary(model: JsonObject, fail: Fail): number {
  const vocab = model['vocab'];
  if (!isObject(vocab)) throw fail('malformed', 'model.vocab', 'must be an object from pieces to ids');
  const entries = Object.entries(vocab);
  if (entries.length > MAX_IDS) throw fail('outOfRange', 'model.vocab', `has ${entries.length} pieces`);
  const seen = new Uint8Array(MAX_IDS);
  let size = 0;
  for (const [piece, id] of entries) {
    if (!isId(id)) throw fail('outOfRange', 'model.vocab', `"${piece.slice(0, 40)}" has an id outside 0…${MAX_IDS}`);
    if (seen[id] === 1) throw fail('malformed', 'model.vocab', `id ${id} belongs to two pieces`);
    seen[id] = 1;
    size = Math.max(size, id + 1);
  }
  return size;
}

/** "left right", or [left, right]. */
function isMerge(merge: unknown): boolean {
  if (typeof merge === 'string') {
    const space = merge.indexOf(' ');
    return space > 0 && space < merge.length - 1 && merge.indexOf(' ', space + 1) < 0;
  }
  return Array.isArray(merge) && merge.length === 2 && merge.every((side) => typeof side === 'string' && side !== '');
}

function checkUnigram(model: JsonObject, fail: Fail): number {
  const vocab = listOf(model['vocab'], 'model.vocab', MAX_IDS, fail);
  for (const entry of vocab) {
    if (!Array.isArray(entry) || typeof entry[0] !== 'string' || typeof entry[1] !== 'number')
      throw fail('malformed', 'model.vocab', 'must hold pairs of piece and score');
  }
  const unknown = model['unk_id'];
  if (unknown !== undefined && unknown !== null && !(isId(unknown) && unknown < vocab.length))
    throw fail('outOfRange', 'model.unk_id', 'is not an id of the vocabulary');
  return vocab.length;
}

/** Strings under a component (patterns, replacements) are short in every published tokenizer. */
function checkPatterns(value: unknown, field: string, depth: number, fail: Fail): void {
  if (depth > 16) throw fail('malformed', field, 'is nested too deeply');
  if (typeof value === 'string' && value.length > MAX_PATTERN && !field.endsWith('precompiled_charsmap')) {
    throw fail('outOfRange', field, `holds a text of ${value.length} characters`);
  }
  if (typeof value !== 'object' || value === null) return;
  const entries = Object.entries(value);
  if (entries.length > MAX_ADDED) throw fail('outOfRange', field, `has ${entries.length} entries`);
  for (const [key, inner] of entries) checkPatterns(inner, `${field}.${key}`.slice(0, 200), depth + 1, fail);
}
