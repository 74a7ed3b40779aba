import { join } from 'node:path';
import { composeContext, type ComposeTools } from '../../../src/assistant/compose/compose';
import { createSegmenter } from '../../../src/library/segments/segmenter';
import type { Document } from '../../../src/library/types';
import type { MemoryModel } from '../../../src/worker/memory-model';
import { round, table } from '../engine/measure';
import { PlainBm25 } from '../retrieval/plain';
import { encodeAll, engineOf, IndexedWorkspace } from './indexed';
import { generator, mean } from './statistics';

/** Needles in each kind; tokens a character, as the bundled tokenizer has it for code. */
const EACH = 4;
const CHARACTERS_PER_TOKEN = 3.3;
const ANSWER_TOKENS = 16;

interface Needle {
  kind: 'passkey' | 'multi-key';
  path: string;
  line: string;
  question: string;
  value: string;
}

type Arm = 'memories alone' | 'without the lexical rank' | 'whole product' | 'BM25: file in the first 5';
const ARMS: readonly Arm[] = ['memories alone', 'without the lexical rank', 'whole product', 'BM25: file in the first 5'];

/**
 * Needles from the generators' description: a passkey (LM-Infinite's, Landmark's) is one line that says what it is; multi-key (RULER) is one key
 * among look-alikes of the same form. Each is hidden in a file of a workspace of so many tokens; recalled is a value that the model writes exactly.
 * Memories alone: nothing is read in full. Without the lexical rank: vectors and attention choose. The product: all three.
 */
export async function needles(memory: MemoryModel, texts: readonly { path: string; text: string }[], sizes: readonly number[], directory: string): Promise<void> {
  const results: Record<string, string | number>[] = [];
  const segmenter = await createSegmenter();
  for (const size of sizes) {
    const { documents, hidden } = haystack(texts, size);
    const workspace = await IndexedWorkspace.open(documents, segmenter);
    const plain = new PlainBm25(documents);
    const { memories, tokens, close } = await encodeAll(workspace, memory, join(directory, `needles-${size}`));
    const engine = engineOf(memory);
    const nothing = { spans: [], coverage: { filesIndexed: 0, filesKnown: 0, indexing: false } };
    const tools: Record<Exclude<Arm, 'BM25: file in the first 5'>, ComposeTools> = {
      'memories alone': { library: { search: () => Promise.resolve(nothing), indexed: () => Promise.resolve(undefined) }, memories, engine },
      'without the lexical rank': { library: { search: () => Promise.resolve(nothing), indexed: (path) => workspace.indexed(path) }, memories, engine },
      'whole product': { library: workspace, memories, engine },
    };
    for (const kind of ['passkey', 'multi-key'] as const) {
      const own = hidden.filter((needle) => needle.kind === kind);
      const row: Record<string, string | number> = { tokens, kind };
      for (const arm of ARMS) {
        const found: number[] = [];
        const held: number[] = [];
        for (const { question, value, path } of own) {
          if (arm === 'BM25: file in the first 5') {
            found.push(plain.search(question).slice(0, 5).includes(path) ? 1 : 0);
            continue;
          }
          const composed = await composeContext({ question, scope: { kind: 'workspace' }, maxNewTokens: ANSWER_TOKENS, turn: true }, tools[arm]);
          found.push(composed.text.includes(value) ? 1 : 0);
          held.push(composed.ledger.groups.some((group) => group.kind === 'full' && group.span?.path === path) ? 1 : 0);
        }
        row[arm] = round(mean(found), 2);
        if (held.length > 0 && arm !== 'memories alone') row[`${arm}: file read in full`] = round(mean(held), 2);
      }
      results.push(row);
      table(`Needles, ${tokens.toLocaleString('en-US')} tokens`, [row]);
    }
    await close();
  }
  segmenter.close();
  table('Needles by size: share recalled exactly', results);
}

function haystack(texts: readonly { path: string; text: string }[], tokens: number): { documents: Document[]; hidden: Needle[] } {
  const random = generator(tokens);
  const files: { path: string; text: string }[] = [];
  for (let left = tokens * CHARACTERS_PER_TOKEN, i = 0; left > 0; i++) {
    const source = texts[i % texts.length] as { path: string; text: string };
    const text = source.text.slice(0, Math.min(source.text.length, Math.ceil(left), 8_000));
    files.push({ path: `part${Math.floor(i / texts.length)}/${source.path}`, text });
    left -= text.length;
  }
  const hidden: Needle[] = [];
  const hide = (line: string): string => {
    const file = files[Math.floor(random() * files.length)] as { path: string; text: string };
    const at = file.text.indexOf('\n', Math.floor(random() * file.text.length)) + 1;
    file.text = `${file.text.slice(0, at)}${line}\n${file.text.slice(at)}`;
    return file.path;
  };
  const number = (): string => String(10_000 + Math.floor(random() * 90_000));
  for (let i = 0; i < EACH; i++) {
    const place = name(random);
    const passkey = { line: `// The pass key of ${place} is ${number()}. Remember it.`, question: `What is the pass key of ${place}?` };
    hidden.push({ kind: 'passkey', ...passkey, value: /is (\d+)/.exec(passkey.line)?.[1] ?? '', path: hide(passkey.line) });
    const key = `${name(random)}_${name(random)}`;
    const value = number();
    hidden.push({ kind: 'multi-key', line: `const ${key} = ${value};`, question: `What is the value of \`${key}\`?`, value, path: hide(`const ${key} = ${value};`) });
    // Look-alikes: each shares one half of the key.
    for (let other = 0; other < 8; other++) hide(`const ${other % 2 === 0 ? `${key.split('_')[0]}_${name(random)}` : `${name(random)}_${key.split('_')[1]}`} = ${number()};`);
  }
  return { documents: files.map(({ path, text }, i) => ({ file: `/${path}`, path, language: 'typescript', text, hash: String(i) })), hidden };
}

const SYLLABLES = ['ba', 'ko', 'mi', 'ru', 'te', 'lo', 'sa', 'ni', 'du', 'fe', 'gi', 'pa'];

function name(random: () => number): string {
  return Array.from({ length: 3 }, () => SYLLABLES[Math.floor(random() * SYLLABLES.length)]).join('');
}
