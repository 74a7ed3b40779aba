import { Tokenizer as LibraryTokenizer } from '@huggingface/tokenizers';
import { join } from 'node:path';
import { CheckpointError } from '../checkpoint/errors';
import { exists, fileInside } from '../checkpoint/files';
import { isObject, readJson, type JsonObject } from '../checkpoint/json';
import { TimeLimitError, withTimeLimit } from './time-limit';
import { assertTokenizerSane } from './tokenizer-checks';

const FILE = 'tokenizer.json';
const CONFIG = 'tokenizer_config.json';
/** Largest tokenizer.json that is read. The largest published ones have some 35 MB. */
const MAX_TOKENIZER_BYTES = 64 << 20;
const MAX_CONFIG_BYTES = 16 << 20;
/** Building the largest published tokenizers takes about 2 s on a slow machine. */
const BUILD_LIMIT_MS = 30_000;
/** Time limit of encoding: a fixed part and a part per character, some hundred times the need of honest patterns. */
const ENCODE_LIMIT_MS = 2_000;
const ENCODE_LIMIT_MS_PER_CHAR = 0.1;

/** Text ↔ token ids, by the rules of the checkpoint's tokenizer. */
export class Tokenizer {
  /** Path of tokenizer.json, for messages. */
  readonly file: string;
  /** Number of ids: the largest id + 1. */
  readonly size: number;
  private readonly library: LibraryTokenizer;
  private readonly special: ReadonlyMap<string, number>;
  private readonly specialIds: ReadonlySet<number>;
  private readonly config: JsonObject;
  /**
   * Decoding by fixed rules cannot run away, and happens for every token. The time limit would cost more than the work.
   */
  private readonly decodesByPattern: boolean;

  private constructor(
    file: string,
    library: LibraryTokenizer,
    size: number,
    special: ReadonlyMap<string, number>,
    config: JsonObject,
    decodesByPattern: boolean,
  ) {
    this.file = file;
    this.library = library;
    this.size = size;
    this.special = special;
    this.specialIds = new Set(special.values());
    this.config = config;
    this.decodesByPattern = decodesByPattern;
  }

  /**
   * Reads `tokenizer.json` (and `tokenizer_config.json`) of a checkpoint folder.
   *
   * @param vocabSize rows of the embedding; ids beyond it are refused (an embedding padded beyond the vocabulary is
   *   usual and fine)
   * @throws CheckpointError
   */
  static async open(directory: string, vocabSize: number): Promise<Tokenizer> {
    if (!(await exists(directory, FILE))) {
      throw new CheckpointError(
        'missing',
        join(directory, FILE),
        '',
        'the checkpoint has no tokenizer.json, so it can only be given token ids',
      );
    }
    const path = await fileInside(directory, FILE);
    const json = await readJson(path, MAX_TOKENIZER_BYTES);
    const config = (await exists(directory, CONFIG))
      ? await readJson(await fileInside(directory, CONFIG), MAX_CONFIG_BYTES)
      : {};
    return Tokenizer.fromJson(json, config, path, vocabSize);
  }

  /** The same from parsed JSON. @throws CheckpointError */
  static fromJson(json: unknown, config: unknown, file: string, vocabSize: number): Tokenizer {
    if (!isObject(config)) throw new CheckpointError('malformed', file, CONFIG, 'must be a JSON object');
    const { size, vocabulary, special } = assertTokenizerSane(json, file);
    // Added tokens beyond the rows (a padding token that was never trained) do no harm until a text makes one.
    if (vocabulary > vocabSize) {
      throw new CheckpointError(
        'mismatch',
        file,
        'model.vocab',
        `has ids up to ${vocabulary - 1}, but the embedding has only ${vocabSize} rows; tokenizer and weights ` +
          `belong to different models`,
      );
    }
    try {
      // The library gets only this option of the config: others would change the spaces of source code.
      const library = withTimeLimit(
        BUILD_LIMIT_MS,
        () => new LibraryTokenizer(json as object, { clean_up_tokenization_spaces: false }),
      );
      return new Tokenizer(
        file,
        library,
        Math.min(size, vocabSize),
        special,
        config,
        JSON.stringify((json as JsonObject)['decoder'] ?? null).includes('"Regex"'),
      );
    } catch (error) {
      throw wrap(error, file, 'cannot be built');
    }
  }

  /**
   * Token ids of a text.
   *
   * @param options.addSpecialTokens whether the tokenizer adds its own begin (and end) tokens; false for text that a
   *   chat template made
   * @throws CheckpointError when the tokenizer's rules fail on the text or never finish
   */
  encode(text: string, options: { addSpecialTokens?: boolean } = {}): number[] {
    if (text === '' && !(options.addSpecialTokens ?? true)) return [];
    let ids: (number | undefined)[];
    try {
      ids = withTimeLimit(
        ENCODE_LIMIT_MS + text.length * ENCODE_LIMIT_MS_PER_CHAR,
        () => this.library.encode(text, { add_special_tokens: options.addSpecialTokens ?? true }).ids,
      );
    } catch (error) {
      throw wrap(error, this.file, 'failed on a text');
    }
    const size = this.size;
    for (const id of ids) {
      if (id !== undefined && id >= size && this.library.id_to_token(id) !== undefined)
        throw new CheckpointError(
          'outOfRange',
          this.file,
          'added_tokens',
          `has "${this.library.id_to_token(id)}" with id ${id}, for which the embedding has no row`,
        );
      if (id === undefined || !(id >= 0 && id < size))
        throw new CheckpointError(
          'mismatch',
          this.file,
          'model.vocab',
          'makes pieces that have no id in its own vocabulary',
        );
    }
    return ids as number[];
  }

  /** Text of token ids. Ids outside the vocabulary (rows that pad an embedding) have no text. */
  decode(ids: readonly number[], options: { skipSpecialTokens?: boolean } = {}): string {
    const known = ids.filter(
      (id) =>
        this.library.id_to_token(id) !== undefined && !((options.skipSpecialTokens ?? true) && this.specialIds.has(id)),
    );
    if (known.length === 0) return '';
    try {
      const decode = () => this.library.decode(known, { skip_special_tokens: false });
      return this.decodesByPattern ? withTimeLimit(ENCODE_LIMIT_MS + known.length, decode) : decode();
    } catch (error) {
      throw wrap(error, this.file, 'failed on token ids');
    }
  }

  isSpecial(id: number): boolean {
    return this.specialIds.has(id);
  }

  /** Id of a token by its exact name. */
  idOf(token: string): number | undefined {
    return this.special.get(token) ?? this.library.token_to_id(token);
  }

  /** The piece of an id as it stands in the vocabulary. */
  pieceOf(id: number): string | undefined {
    return this.library.id_to_token(id);
  }

  /** A named token of tokenizer_config.json (`bos_token`, `eos_token` …), which chat templates refer to. */
  namedToken(name: string): string | undefined {
    const value = this.config[name];
    if (typeof value === 'string') return value;
    return isObject(value) && typeof value['content'] === 'string' ? value['content'] : undefined;
  }

  /** Decodes a stream of ids into pieces of text that are whole characters. */
  stream(options: { skipSpecialTokens?: boolean } = {}): TextStream {
    return new TextStream((ids) => this.decode(ids, options));
  }
}

/** Most tokens that are held back until a character is complete. UTF-8 needs 4 bytes, so that more means damage. */
const MAX_HELD = 4;
/**
 * Tokens of context that are decoded again with each new one. Decoders treat the first token of a text differently
 * (leading spaces).
 */
const CONTEXT = 4;
const INCOMPLETE = '\uFFFD';

/**
 * Turns a stream of ids into text. A character whose bytes are spread over several tokens appears with its last byte.
 */
export class TextStream {
  private readonly decode: (ids: readonly number[]) => string;
  private ids: number[] = [];
  /** ids[0 … shown) have been given out as text. */
  private shown = 0;

  constructor(decode: (ids: readonly number[]) => string) {
    this.decode = decode;
  }

  /** The text that is complete with this token; often empty. */
  push(id: number): string {
    this.ids.push(id);
    const text = this.pending();
    const held = this.ids.length - this.shown;
    if (text.endsWith(INCOMPLETE) && held < MAX_HELD) return '';
    return this.give(text);
  }

  /** Text still held back: the replacement character for bytes that never became a character. */
  end(): string {
    return this.give(this.pending());
  }

  private pending(): string {
    const before = this.decode(this.ids.slice(0, this.shown));
    const all = this.decode(this.ids);
    return all.slice(before.length);
  }

  private give(text: string): string {
    this.ids = this.ids.slice(Math.max(0, this.ids.length - CONTEXT));
    this.shown = this.ids.length;
    return text;
  }
}

function wrap(error: unknown, file: string, what: string): CheckpointError {
  if (error instanceof CheckpointError) return error;
  if (error instanceof TimeLimitError)
    return new CheckpointError('timeout', file, '', `the tokenizer ${what}: ${error.message}`, { cause: error });
  const reason = error instanceof Error ? error.message.slice(0, 300) : String(error).slice(0, 300);
  return new CheckpointError('malformed', file, '', `the tokenizer ${what}: ${reason}`, { cause: error });
}
