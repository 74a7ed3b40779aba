/**
 * The prompts that the bundled reader was trained with. Their texts are in reader-prompt.json, which the training reads
 * too (models/recipe/reader/prompt.py).
 */
import type { ChatMessage } from '../../protocol';
import texts from './reader-prompt.json';

/** Lines of a file, as the reader reads them. */
export interface ReaderBlock {
  path: string;
  startLine: number;
  endLine: number;
  text: string;
}

/** A block of evidence, with the line breaks that follow it. */
export function readerQuote({ path, startLine, endLine, text }: ReaderBlock): string {
  const values: Record<string, string> = {
    path,
    first: String(startLine),
    last: String(endLine),
    text: text.replace(/^\n+/, '').trimEnd(),
  };
  return texts.block.replace(/\{(\w+)\}/g, (_, name: string) => values[name] ?? '') + texts.between;
}

/** A question behind its evidence, the best last. */
export function readerChat(quotes: readonly string[], question: string): ChatMessage[] {
  return [
    { role: 'system', content: texts.answer },
    { role: 'user', content: quotes.join('') + texts.question.replace('{question}', () => question) },
  ];
}
