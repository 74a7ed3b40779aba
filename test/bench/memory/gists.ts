import { presentable, CONFIDENT } from '../../../src/assistant/write/gist';
import { extractFunctions } from '../../../src/workspace/segments/functions';
import { createSegmenter } from '../../../src/workspace/segments/segmenter';
import { joinFine } from '../../../src/memory/rows';
import type { MemoryModel } from '../../../src/inference/memory-model';
import { round, table } from '../engine/measure';
import { mean } from './statistics';

const THRESHOLDS = [0, 0.2, 0.25, 0.3, 0.35, 0.4, 0.5, 0.6];

/**
 * How right gists are by how sure the model was: of documented functions, their comment hidden, the words that a gist
 * and the comment's first sentence share (F1 over stems). The threshold of the product (`CONFIDENT`) should stand where
 * what passes is worth reading.
 */
export async function gists(
  memory: MemoryModel,
  texts: readonly { path: string; text: string }[],
  count: number,
): Promise<void> {
  const segmenter = await createSegmenter();
  const functions: { code: string; said: string }[] = [];
  for (const { path, text } of texts) {
    const document = {
      file: `/${path}`,
      path,
      language: LANGUAGES[path.split('.').pop() ?? ''] ?? 'plaintext',
      text,
      hash: '',
    };
    for (const { code, doc } of extractFunctions(document, await segmenter.segment(document))) {
      const said = doc.split(/(?<=[.!?])\s|\n\s*\n/)[0]?.trim() ?? '';
      if (words(said).length >= 3 && code.length < 3_000) functions.push({ code, said });
    }
  }
  segmenter.close();
  const step = Math.max(1, Math.floor(functions.length / count));
  const asked = functions.filter((_, i) => i % step === 0).slice(0, count);
  if (asked.length === 0) return console.log('gists: no documented functions in the text (--text DIR)');
  const { ratios, storedRowBytes } = memory.description;
  const encoded = await memory.encode(asked.map(({ code }) => code));
  const rows = encoded.map(({ coarse, rest, tokens }) => ({
    rows: joinFine(coarse, rest, tokens, storedRowBytes, ratios),
    tokens,
  }));
  const made = {
    rows: await memory.gists(asked.map(({ code }) => ({ text: code }))),
    memories: await memory.gists(rows),
  };
  for (const [from, found] of Object.entries(made)) {
    const judged = found.map(({ text, confidence }, i) => ({
      text,
      confidence,
      right: overlap(text, asked[i]?.said ?? ''),
    }));
    table(
      `Gists from ${from}, ${asked.length} functions; the product shows those above ${CONFIDENT}`,
      THRESHOLDS.map((least) => {
        const passing = judged.filter(({ confidence }) => confidence >= least);
        return {
          'confidence from': least,
          share: round(passing.length / judged.length, 2),
          'words shared (F1)': round(mean(passing.map(({ right }) => right)), 3),
        };
      }),
    );
    const shown = judged.filter((each, i) => presentable(each, asked[i]?.code ?? '') !== undefined).length;
    console.log(`${shown} of ${judged.length} may be shown; samples, the surest first:`);
    for (const { text, confidence } of [...judged].sort((a, b) => b.confidence - a.confidence).slice(0, 5))
      console.log(
        `  ${confidence.toFixed(2)}  ${text}   ⟵  ${asked[judged.findIndex((each) => each.text === text && each.confidence === confidence)]?.said.replace(/\s+/g, ' ').slice(0, 90) ?? ''}`,
      );
  }
}

const LANGUAGES: Record<string, string> = {
  ts: 'typescript',
  js: 'javascript',
  py: 'python',
  go: 'go',
  rs: 'rust',
  java: 'java',
  c: 'c',
  md: 'markdown',
};

function words(text: string): string[] {
  return (
    text
      .toLowerCase()
      .match(/[a-z]{2,}/g)
      ?.map((word) => word.replace(/(ing|ed|es|s)$/, '')) ?? []
  );
}

function overlap(a: string, b: string): number {
  const [own, other] = [new Set(words(a)), new Set(words(b))];
  const both = [...own].filter((word) => other.has(word)).length;
  return both === 0 ? 0 : (2 * both) / (own.size + other.size);
}
