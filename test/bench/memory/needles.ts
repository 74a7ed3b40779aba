import { join } from 'node:path';
import { composeContext, type ContextTools } from '../../../src/assistant/context';
import { ask } from '../../../src/assistant/ask';
import type { Search } from '../../../src/search';
import { createSegmenter } from '../../../src/workspace/segments/segmenter';
import type { Document } from '../../../src/workspace/types';
import type { ContextLedger, LedgerKind } from '../../../src/protocol';
import type { MemoryModel } from '../../../src/inference/memory-model';
import { round, table } from '../engine/measure';
import { PlainBm25 } from '../retrieval/plain';
import { haystack } from './haystack';
import { answering, encodeAll, engineOf, IndexedWorkspace, searchOver, withoutWords } from './indexed';
import { mean } from './statistics';
import { lambdaOnly, partsOf, plainWindow } from './windows';

/** The model first states the name: ` foo_bar = 12345`. */
const ANSWER_TOKENS = 24;

const ARMS = ['memories alone', 'without the lexical rank', 'whole product'] as const;
type Arm = (typeof ARMS)[number];

/**
 * Measures the recall of needles, described by their generators. A passkey (LM-Infinite, Landmark) is one line that
 * says what it is. Multi-key (RULER) is one key among similar keys of the same form. Four needles asks for four such
 * values at once. Each needle is hidden in a file of a workspace of the given size, and counts as recalled when the
 * model writes its value exactly.
 *
 * "Memories alone" reads no text: likely segments have dense rows and are selected without the lexical scorer.
 * "Without the lexical rank" selects by memories. "A second look" selects again with the text written first. "The
 * product" uses all scorers, and the user sees the quoted lines. The baselines are the same model over the end of the
 * text in one window, over all of it with Λ-shaped attention, and plain BM25's rate of finding the file.
 */
export async function needles(
  memory: MemoryModel,
  texts: readonly { path: string; text: string }[],
  sizes: readonly number[],
  each: number,
  directory: string,
): Promise<void> {
  const results: Record<string, string | number>[] = [];
  const segmenter = await createSegmenter();
  const parts = partsOf(memory);
  for (const size of sizes) {
    const { documents, asked } = haystack(texts, size, each);
    const workspace = await IndexedWorkspace.open(documents, segmenter);
    const plain = new PlainBm25(documents);
    const { memories, tokens, close } = await encodeAll(workspace, memory, join(directory, `needles-${size}`));
    const engine = engineOf(memory);
    const read = documents.flatMap(({ text }) => parts.tokenizer.encode(text, { addSpecialTokens: false }));
    const opened = {
      author: { kind: 'bundled' as const, model: 'bundled' },
      memories,
      engine,
      indexed: (path: string) => workspace.indexed(path),
    };
    const unworded = withoutWords(workspace, opened);
    const worded = searchOver(workspace, opened);
    const shown = async (question: string, search: Pick<Search, 'rank'>): Promise<string> =>
      (
        await ask(
          { id: '', question, scope: { kind: 'workspace' } },
          { library: answering(workspace), search, memory: opened },
        )
      ).markdown;
    const unread = { ...opened, indexed: () => Promise.resolve(undefined) };
    const tools: Record<Arm, ContextTools> = {
      'memories alone': { search: unworded, memory: unread },
      'without the lexical rank': { search: unworded, memory: opened },
      'whole product': { search: worded, memory: opened },
    };
    for (const kind of ['passkey', 'multi-key', 'four needles'] as const) {
      const own = asked.filter((one) => one.kind === kind);
      const row: Record<string, string | number> = { tokens, kind, questions: own.length };
      const recalled: Record<string, number[]> = {};
      const add = (arm: string, value: number): unknown => (recalled[arm] ??= []).push(value);
      for (const { question, needles: hidden } of own) {
        const share = (text: string): number => mean(hidden.map(({ value }) => (text.includes(value) ? 1 : 0)));
        const maxNewTokens = ANSWER_TOKENS * hidden.length;
        for (const arm of ARMS) {
          const { text, ledger } = await composeContext(
            {
              question,
              scope: { kind: 'workspace' },
              maxNewTokens,
              turn: true,
              ...(arm === 'memories alone' ? { mostRead: 0 } : {}),
            },
            tools[arm],
          );
          add(arm, share(text));
          if (arm === 'without the lexical rank') {
            // Searches with the text written first, too: does the model find the right lines from its own output?
            const looking = {
              ...opened,
              engine: { ...engine, embedQuery: (asked: string) => engine.embedQuery(`${asked} ${text}`) },
            };
            const again = await composeContext(
              { question, scope: { kind: 'workspace' }, maxNewTokens, turn: true },
              { search: withoutWords(workspace, looking), memory: looking },
            );
            add('a second look, without the lexical rank', share(again.text));
            add(
              'a second look: read in full',
              mean(hidden.map(({ path, line }) => (stands('full', again.ledger, documents, path, line) ? 1 : 0))),
            );
          }
          const kind = arm === 'memories alone' ? 'dense' : 'full';
          add(
            `${arm}: ${kind === 'dense' ? 'in dense rows' : 'read in full'}`,
            mean(hidden.map(({ path, line }) => (stands(kind, ledger, documents, path, line) ? 1 : 0))),
          );
        }
        add('the answer shown (quotes)', share(await shown(question, worded)));
        add('the answer shown, without the lexical rank', share(await shown(question, unworded)));
        add('plain window', share(await plainWindow(parts, read, question, maxNewTokens)));
        add('Λ only', share(await lambdaOnly(parts, read, question, maxNewTokens)));
        add(
          'BM25: file in the first 5',
          mean(hidden.map(({ path }) => (plain.search(question).slice(0, 5).includes(path) ? 1 : 0))),
        );
      }
      for (const [arm, values] of Object.entries(recalled)) row[arm] = round(mean(values), 2);
      results.push(row);
      table(`Needles, ${tokens.toLocaleString('en-US')} tokens`, [row]);
    }
    await close();
  }
  segmenter.close();
  table('Needles by size: share recalled exactly', results);
}

/** Whether the needle's own line is in the context, in rows of this kind. */
function stands(
  asked: LedgerKind,
  ledger: ContextLedger,
  documents: readonly Document[],
  path: string,
  needle: string,
): boolean {
  const text = documents.find((document) => document.path === path)?.text ?? '';
  const line = text.slice(0, text.indexOf(needle)).split('\n').length;
  return ledger.groups.some(
    ({ kind, span }) => kind === asked && span?.path === path && span.startLine <= line && span.endLine >= line,
  );
}
