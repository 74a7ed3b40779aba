import type { DetectedEncoding } from './encoding';
import type { Language, Place } from '../../types';

/** The text of a document for segmentation, indexing and quotation. */
export interface Extraction {
  text: string;
  /** Language of the text. Default: by the file's name and first line. */
  language?: Language;
  /** Origin of line ranges, in order. Absent where the lines are those of the file. */
  places?: readonly Place[];
  /** True when bytes that are not UTF-8 were replaced by U+FFFD. */
  replaced?: boolean;
  /** Set where the text is not Unicode. */
  encoding?: DetectedEncoding;
}

/**
 * One type of document. `extract` is linear in the bytes and returns at most `maxCharacters`. It throws only
 * ExtractionError, for bytes that are invalid for the type.
 */
export interface Extractor {
  id: string;
  /** Decides by the file name (without folders, lower case) and the first bytes. */
  accepts(name: string, head: Uint8Array): boolean;
  /**
   * Maximum file size in bytes, if it may exceed that of text files: pictures in a notebook are not text. Undefined
   * applies the limit of the setting.
   */
  maxBytes?: number;
  /** Reads in place, or `thread` for what takes long or needs much memory (extraction-thread.ts). */
  extract: Extract | 'thread';
}

export type Extract = (bytes: Uint8Array, limits: ExtractionLimits) => Extraction | Promise<Extraction>;

export interface ExtractionLimits {
  maxCharacters: number;
  /** The editor's encoding of text that is not Unicode. Default: detection. */
  encoding?: string | undefined;
}

export type ExtractionErrorCode =
  | 'binary'
  | 'malformed'
  | 'tooLarge'
  /** Opens with a password only, or is protected against copying. */
  | 'encrypted'
  /** Pages are pictures. */
  | 'noText'
  /** Took longer than an extraction may. */
  | 'slow';

/** The bytes are invalid for their document type. */
export class ExtractionError extends Error {
  override readonly name = 'ExtractionError';

  constructor(
    readonly code: ExtractionErrorCode,
    message: string,
    options?: ErrorOptions,
  ) {
    super(message, options);
  }
}
