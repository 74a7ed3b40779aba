import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { LexicalIndex } from '../../src/workspace/lexical/lexical-index';
import { LexicalRanker } from '../../src/search/lexical/lexical-ranker';
import { analyseQuestion } from '../../src/search/query/analysis';
import type { ReadDocument } from '../../src/workspace/read-document';
import { createSegmenter, type Segmenter } from '../../src/workspace/segments/segmenter';
import { readCorpus } from './retrieval/corpus';
import { benchKinds } from './retrieval/kinds';
import { filesOf, goldLines, goldRank, row, Tally } from './retrieval/metrics';
import { PlainBm25 } from './retrieval/plain';
import { cosqa, extraQuestions, type Question, svelteHistory, sweQa } from './retrieval/questions';

const USAGE = `npm run bench -- retrieval [kinds] [--repos DIR] [--shared DIR] [--extra FILE …] [--only NAME …] [--no-cosqa]
  kinds     the questions of --extra alone, with the product’s search by words, by kind
  --repos   folder that holds one checked-out folder for each repository (flask, requests, sqlfluff, xarray, svelte …); or ANCHORAGE_BENCH_REPOS
  --shared  folder of the shared test data; or ANCHORAGE_SHARED; default ../shared/data
  --extra   further questions, JSON lines {"id","repo","question","gold":[{"path","spans"}]}`;

/** Larger files are excluded from the baseline, as in its published figures. */
const PLAIN_MOST_CHARACTERS = 400_000;
const SPANS = 20;

/**
 * Measures file hit@k, MRR and gold lines of the product and of plain file-level BM25, for each set and repository.
 * Also measures CoSQA and latency.
 */
export async function run(args: readonly string[]): Promise<void> {
  const { values, positionals } = parseArgs({
    args: [...args],
    allowPositionals: true,
    options: {
      repos: { type: 'string' },
      shared: { type: 'string' },
      extra: { type: 'string', multiple: true },
      only: { type: 'string', multiple: true },
      'no-cosqa': { type: 'boolean' },
    },
  });
  const repos = values.repos ?? process.env['ANCHORAGE_BENCH_REPOS'];
  const shared = resolve(values.shared ?? process.env['ANCHORAGE_SHARED'] ?? '../shared/data');
  if (!existsSync(join(shared, 'retrieval'))) {
    console.log(`The test data is not in ${shared}.\n${USAGE}`);
    process.exitCode = 2;
    return;
  }
  const segmenter = await createSegmenter();
  if (repos !== undefined && positionals.includes('kinds')) {
    await benchKinds(resolve(repos), (values.extra ?? []).flatMap(extraQuestions), segmenter);
    segmenter.close();
    return;
  }
  if (repos === undefined) console.log(`No folder of repositories was given: only CoSQA is measured.\n${USAGE}`);
  else {
    const questions = [...sweQa(shared), ...svelteHistory(shared), ...(values.extra ?? []).flatMap(extraQuestions)];
    await benchRepositories(resolve(repos), questions, values.only, segmenter);
  }
  if (values['no-cosqa'] !== true) await benchCosqa(shared, segmenter);
  segmenter.close();
}

async function benchRepositories(
  repos: string,
  questions: readonly Question[],
  only: readonly string[] | undefined,
  segmenter: Segmenter,
): Promise<void> {
  const tallies = new Map<string, { ours: Tally; plain: Tally }>();
  const tally = (name: string): { ours: Tally; plain: Tally } => {
    let known = tallies.get(name);
    if (!known) tallies.set(name, (known = { ours: new Tally(), plain: new Tally() }));
    return known;
  };
  for (const name of new Set(questions.map((question) => question.repository))) {
    if (only && !only.includes(name)) continue;
    if (!existsSync(join(repos, name))) {
      console.log(`${name}: skipped, because it is not in ${repos}`);
      continue;
    }
    const corpus = await openCorpus(join(repos, name), segmenter);
    const plain = new PlainBm25(
      [...corpus.documents.values()]
        .map(({ document }) => document)
        .filter(({ text }) => text.length <= PLAIN_MOST_CHARACTERS),
    );
    const wall: number[] = [];
    const cpu: number[] = [];
    for (const question of questions.filter(({ repository }) => repository === name)) {
      const started = performance.now();
      const cpuStarted = process.cpuUsage();
      const spans = await corpus.ranker.search(analyseQuestion(question.text, { ownNames: [name] }), {
        scope: { kind: 'workspace' },
        limit: SPANS,
        pathOf: (file) => file,
      });
      wall.push(performance.now() - started);
      const used = process.cpuUsage(cpuStarted);
      cpu.push((used.user + used.system) / 1000);
      const set = question.id.startsWith('svelte-')
        ? 'svelte history'
        : sweQaRepositories.has(name)
          ? 'SWE-QA'
          : 'further';
      const rank = goldRank(filesOf(spans), question);
      const lines = goldLines(spans, question);
      const plainRank = goldRank(plain.search(question.text), question);
      for (const group of [set, `  ${name}`]) {
        tally(group).ours.add(rank, lines);
        tally(group).plain.add(plainRank);
      }
    }
    console.log(
      `${name}: ${corpus.summary}; search wall p50 ${percentile(wall, 0.5)} p95 ${percentile(wall, 0.95)} ms, CPU p50 ${percentile(cpu, 0.5)} p95 ${percentile(cpu, 0.95)} ms`,
    );
    await corpus.close();
  }
  console.log(`\nFile hit@k of the first ${SPANS} spans, any gold file counts`);
  for (const [name, { ours, plain }] of [...tallies].sort(
    ([a], [b]) => Number(a.startsWith(' ')) - Number(b.startsWith(' ')),
  )) {
    console.log(row(`${name} · ours`, ours.scores()));
    console.log(row(`${name} · plain BM25`, plain.scores()));
  }
}

const sweQaRepositories = new Set(['flask', 'requests', 'sqlfluff', 'xarray']);

interface Corpus {
  documents: Map<string, ReadDocument>;
  ranker: LexicalRanker;
  summary: string;
  close: () => Promise<void>;
}

/** Indexes a folder into a store on disk and reopens it, so that searches read the same data as after a restart. */
async function openCorpus(directory: string, segmenter: Segmenter): Promise<Corpus> {
  const store = mkdtempSync(join(tmpdir(), 'anchorage-bench-'));
  const documents = new Map<string, ReadDocument>();
  const building = (await LexicalIndex.open(store)).index;
  let characters = 0;
  let indexing = 0;
  for (const document of await readCorpus(directory)) {
    const segmented = await segmenter.segment(document);
    const started = performance.now();
    building.add(document.path, document, segmented);
    if (building.pendingBytes > 64e6) await building.flush();
    indexing += performance.now() - started;
    documents.set(document.path, { document, segmented });
    characters += document.text.length;
  }
  const started = performance.now();
  await building.flush();
  while (await building.merge());
  indexing += performance.now() - started;
  await building.close();
  const opening = performance.now();
  const { index } = await LexicalIndex.open(store);
  const opened = performance.now() - opening;
  const { segments, bytes } = index.status();
  return {
    documents,
    ranker: new LexicalRanker(index, { read: (docId) => documents.get(docId) }),
    summary: `${documents.size} files, ${(characters / 1e6).toFixed(1)} MB, ${segments} segments, postings in ${(indexing / 1000).toFixed(1)} s, store ${(bytes / characters).toFixed(2)} × text, open ${opened.toFixed(0)} ms`,
    close: async () => {
      await index.close();
      rmSync(store, { recursive: true, force: true });
    },
  };
}

/** Measures 500 web queries, each with one right function among 6,267. Every function is a file with a neutral name. */
async function benchCosqa(shared: string, segmenter: Segmenter): Promise<void> {
  const { pool, items } = cosqa(shared);
  const index = LexicalIndex.inMemory();
  const documents = new Map<string, ReadDocument>();
  for (const [i, text] of pool.entries()) {
    const path = `${i}.py`;
    const document = { file: `/${path}`, path, language: 'python', text, hash: String(i) };
    const segmented = await segmenter.segment(document);
    index.add(path, document, segmented);
    documents.set(path, { document, segmented });
  }
  const ranker = new LexicalRanker(index, { read: (docId) => documents.get(docId) });
  const plain = new PlainBm25(
    [...documents.values()].map(({ document }) => ({ path: document.path, text: document.text })),
  );
  const ours = new Tally();
  const peer = new Tally();
  for (const { query, gold } of items) {
    const question: Question = { id: '', repository: '', text: query, gold: [{ path: `${gold}.py`, spans: [] }] };
    const spans = await ranker.search(analyseQuestion(query), {
      scope: { kind: 'workspace' },
      limit: 100,
      pathOf: (file) => file,
    });
    ours.add(goldRank(filesOf(spans), question));
    peer.add(goldRank(plain.search(query), question));
  }
  console.log(`\nCoSQA, ${items.length} queries, ${pool.length} functions`);
  console.log(row('CoSQA · ours', ours.scores()));
  console.log(row('CoSQA · plain BM25', peer.scores()));
}

function percentile(values: readonly number[], share: number): string {
  const sorted = [...values].sort((a, b) => a - b);
  return (sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0).toFixed(1);
}
