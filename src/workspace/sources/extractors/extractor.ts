import type { Language, Place } from '../../types';

/** The text of a document, as it is segmented, indexed and quoted. */
export interface Extraction {
  text: string;
  /** Language of the text; default: by the file's name and first line. */
  language?: Language;
  /** Origin of ranges of lines, in order; absent where the lines are those of the file. */
  places?: readonly Place[];
  /** Bytes that are not UTF-8 were replaced by U+FFFD. */
  replaced?: boolean;
}

/**
 * One type of document. `extract` is linear in the bytes and gives at most `maxCharacters`. It throws ExtractionError
 * for bytes that are not what the type promises, and nothing else because of the bytes.
 */
export interface Extractor {
  id: string;
  /** Decides by the file's name (without folders, lower case) and its first bytes. */
  accepts(name: string, head: Uint8Array): boolean;
  /**
   * Largest file in bytes, where it may be larger than text files: pictures in a notebook are not text. Undefined for
   * the limit of the setting.
   */
  maxBytes?: number;
  extract(bytes: Uint8Array, limits: ExtractionLimits): Extraction | Promise<Extraction>;
}

export interface ExtractionLimits {
  maxCharacters: number;
}

/** Bytes that are not what their type promises. */
export class ExtractionError extends Error {
  override readonly name = 'ExtractionError';

  constructor(
    readonly code: 'binary' | 'malformed' | 'tooLarge',
    message: string,
    options?: ErrorOptions,
  ) {
    super(message, options);
  }
}
