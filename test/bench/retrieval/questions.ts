import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Document } from '../../../src/workspace/types';

export interface Gold {
  path: string;
  /** 1-based inclusive line ranges; may be empty. */
  spans: readonly (readonly [number, number])[];
}

export interface Question {
  id: string;
  /** Folder of the repository. */
  repository: string;
  text: string;
  gold: readonly Gold[];
  /** How the question was made, for questions by scripts/build-questions.mjs. */
  kind?: string | undefined;
  /** Lines that the question was made of. A bench blanks them before it asks. */
  mask?: { path: string; startLine: number; endLine: number } | undefined;
}

const rows = (file: string): unknown[] =>
  readFileSync(file, 'utf8')
    .split('\n')
    .filter((line) => line.trim() !== '')
    .map((line) => JSON.parse(line) as unknown);

export function sweQa(shared: string): Question[] {
  return (
    rows(join(shared, 'retrieval', 'swe-qa-dev.jsonl')) as {
      id: string;
      repo: string;
      question: string;
      gold: Gold[];
    }[]
  ).map((row) => ({
    id: row.id,
    repository: row.repo,
    text: row.question,
    gold: row.gold,
  }));
}

export function svelteHistory(shared: string): Question[] {
  return (rows(join(shared, 'retrieval', 'svelte-history.jsonl')).slice(1) as { query: string; gold: string[] }[]).map(
    (row, i) => ({
      id: `svelte-${i}`,
      repository: 'svelte',
      text: row.query,
      gold: row.gold.map((path) => ({ path, spans: [] })),
    }),
  );
}

/**
 * Reads questions about further repositories, one JSON line each: {"id","repo","question","gold":[{"path","spans"}]}.
 */
export function extraQuestions(file: string): Question[] {
  type Row = { id: string; repo: string; question: string } & Pick<Question, 'gold' | 'kind' | 'mask'>;
  return (rows(file) as Row[]).map(({ id, repo, question, gold, kind, mask }) => ({
    id,
    repository: repo,
    text: question,
    gold,
    kind,
    mask,
  }));
}

export interface CosqaItem {
  query: string;
  gold: number;
}

export function cosqa(shared: string): { pool: string[]; items: CosqaItem[] } {
  const pool: string[] = [];
  for (const [code, index] of Object.entries(
    JSON.parse(readFileSync(join(shared, 'retrieval', 'cosqa-pool.json'), 'utf8')) as Record<string, number>,
  ))
    pool[index] = code;
  const items = (
    JSON.parse(readFileSync(join(shared, 'retrieval', 'cosqa-dev.json'), 'utf8')) as {
      doc: string;
      retrieval_idx: number;
    }[]
  ).map((row) => ({ query: row.doc, gold: row.retrieval_idx }));
  return { pool, items };
}

/** Blanks the lines that questions were made of. */
export function withoutMasks(documents: readonly Document[], questions: readonly Question[]): Document[] {
  const masks = questions.flatMap(({ mask }) => mask ?? []);
  return documents.map((document) => {
    const own = masks.filter(({ path }) => path === document.path);
    if (own.length === 0) return document;
    const lines = document.text.split('\n');
    for (const { startLine, endLine } of own) lines.fill('', startLine - 1, endLine);
    return { ...document, text: lines.join('\n') };
  });
}
