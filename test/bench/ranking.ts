/**
 * `npm run bench -- ranking collect --repos DIR [--shared DIR] [--extra FILE …] [--only NAME …] [--seconds N]`: ranks
 * every question once and keeps what the ranking saw (lexical scores, features, similarities) in the bench's cache.
 * `ranking weigh [--extra FILE …]` ranks the kept questions with the product's weights, and with others that were
 * fitted on the other repositories.
 * `ranking gate [--only NAME …]` tells how often kept questions are wrongly refused or answered.
 */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { collect } from './ranking/collect';
import { gateQuestions, type GateRow, reportGate } from './ranking/gate';
import { type KeptRow, weigh } from './ranking/weigh';
import { cosqa, extraQuestions, svelteHistory, sweQa, type Question } from './retrieval/questions';
import { readCorpus } from './retrieval/corpus';
import { PassageVectors } from './retrieval/passage-vectors';
import { createSegmenter } from '../../src/workspace/segments/segmenter';
import type { Document } from '../../src/workspace/types';
import { benchCache } from './engine/measure';

export async function run(args: readonly string[]): Promise<void> {
  const { values, positionals } = parseArgs({
    args: [...args],
    allowPositionals: true,
    options: {
      repos: { type: 'string' },
      shared: { type: 'string' },
      extra: { type: 'string', multiple: true },
      only: { type: 'string', multiple: true },
      seconds: { type: 'string' },
      encoder: { type: 'string' },
    },
  });
  const repos = resolve(values.repos ?? process.env['ANCHORAGE_BENCH_REPOS'] ?? '.');
  const shared = resolve(values.shared ?? process.env['ANCHORAGE_SHARED'] ?? '../shared/data');
  const long = sweQa(shared);
  const all = [
    ...long,
    ...svelteHistory(shared),
    ...gateQuestions(long),
    ...(values.extra ?? []).flatMap(extraQuestions),
  ];
  const folder = benchCache('ranking');
  const names = [...new Set(all.map(({ repository }) => repository)), 'cosqa'];
  const kept = names.filter(
    (name) => existsSync(join(folder, `${name}.jsonl`)) && (values.only?.includes(name) ?? true),
  );
  const rows = <T>(name: string): T[] =>
    readFileSync(join(folder, `${name}.jsonl`), 'utf8')
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as T);
  if (positionals.includes('weigh')) weigh(kept.flatMap(rows<KeptRow>));
  if (positionals.includes('gate')) {
    const gated = new Set(gateQuestions([]).map(({ repository }) => repository));
    reportGate(kept.filter((name) => gated.has(name)).flatMap(rows<GateRow>));
  }
  if (!positionals.includes('collect')) return;
  const encoder = values.encoder ?? join(process.cwd(), 'dist', 'models', 'all-minilm-l6-v2');
  const segmenter = await createSegmenter();
  for (const name of names) {
    if (values.only && !values.only.includes(name)) continue;
    if (name !== 'cosqa' && !existsSync(join(repos, name))) continue;
    const { documents, questions } =
      name === 'cosqa'
        ? cosqaCorpus(shared)
        : {
            documents: await readCorpus(join(repos, name)),
            questions: all.filter(({ repository }) => repository === name),
          };
    const vectors = await PassageVectors.open(encoder, join(benchCache('passages'), name), 1);
    const started = process.cpuUsage();
    const seconds = values.seconds === undefined ? Infinity : Number(values.seconds);
    const encodeOnly = positionals.includes('encode');
    const rows = await collect(name, documents, questions, vectors, segmenter, { seconds, encodeOnly });
    const used = process.cpuUsage(started);
    await vectors.close();
    if (rows) writeFileSync(join(folder, `${name}.jsonl`), rows.map((row) => `${JSON.stringify(row)}\n`).join(''));
    console.log(
      `${name}: ${documents.length} files, ${questions.length} questions, ${rows ? 'collected' : 'encoding not finished'}, ${((used.user + used.system) / 1e6).toFixed(1)} s CPU`,
    );
  }
  segmenter.close();
}

function cosqaCorpus(shared: string): { documents: Document[]; questions: Question[] } {
  const { pool, items } = cosqa(shared);
  return {
    documents: pool.map((text, i) => ({
      file: `/${i}.py`,
      path: `${i}.py`,
      language: 'python',
      text,
      hash: String(i),
    })),
    questions: items.map(({ query, gold }, i) => ({
      id: `cosqa-${i}`,
      repository: 'cosqa',
      text: query,
      gold: [{ path: `${gold}.py`, spans: [] }],
    })),
  };
}
