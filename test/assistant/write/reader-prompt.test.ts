import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { readerChat, readerQuote, type ReaderBlock } from '../../../src/assistant/write/reader-prompt';
import { ChatTemplate } from '../../../src/engine/tokenizer/chat-template';

interface Prompts {
  template: string;
  blocks: { path: string; first: number; last: number; text: string }[];
  question: string;
  answer: string;
  gist: string;
}

/** The recipe's tests make the same prompts from the same file (models/recipe/tests/reader/test_prompt.py). */
const prompts = JSON.parse(
  readFileSync(join(__dirname, '../../../models/recipe/fixtures/reader-prompts.json'), 'utf8'),
) as Prompts;
const blocks = prompts.blocks.map(({ path, first, last, text }): ReaderBlock => ({
  path,
  startLine: first,
  endLine: last,
  text,
}));

describe('the prompts of the bundled reader', () => {
  const template = ChatTemplate.parse(prompts.template, 'reader-prompts.json');

  it('are those it was trained with', () => {
    expect(template.render(readerChat(blocks.map(readerQuote), prompts.question))).toBe(prompts.answer);
  });
});
