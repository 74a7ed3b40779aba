/** Texts and token ids that the options of a model command name. */
import { readFile } from 'node:fs/promises';
import { UsageError } from '../arguments';
import { requireTokenizer, type Opened } from './opened';
import { readIds, text, type Values } from './options';

/** @throws UsageError naming the option */
export async function readText(file: string, option: string): Promise<string> {
  try {
    return await readFile(file, 'utf8');
  } catch (error) {
    throw new UsageError(`--${option} ${file}: ${(error as Error).message}`, 'model');
  }
}

/**
 * Rows of token ids, from `--text` or `--ids`.
 * @throws UsageError
 */
export async function tokenRows(values: Values, opened: Opened): Promise<number[][]> {
  const [file, ids] = [text(values, 'text'), text(values, 'ids')];
  if ((file === undefined) === (ids === undefined)) throw new UsageError('Give --text FILE or --ids FILE.', 'model');
  if (ids !== undefined) return readIds(ids, opened.decoder.config.vocabSize);
  const row = requireTokenizer(opened, 'give --ids FILE.').encode(await readText(file as string, 'text'));
  if (row.length < 2) throw new UsageError(`--text ${file}: has fewer than two tokens.`, 'model');
  return [row];
}
