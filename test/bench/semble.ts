/**
 * `npm run bench -- semble --suite FOLDER [--memories] [--python FILE] [--only NAME …]`: Semble's public suite. FOLDER
 * has `annotations/NAME.json`, `repos.json` and a checkout `repos/NAME` of each repository; those without one are left
 * out. Measured as Semble measures: NDCG@10 of the first ten spans, a target counts where it is first found, and a
 * query without a present target counts 0. Beside it stand BM25 over files, and Semble itself where PYTHON can import
 * it. The suite is for evaluation only: nothing is tuned on it.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { readCorpus } from './retrieval/corpus';
import { PlainBm25 } from './retrieval/plain';

interface Target {
  path: string;
  start_line?: number;
  end_line?: number;
}

interface Task {
  query: string;
  category: string;
  targets: readonly Target[];
}

interface Span {
  path: string;
  startLine: number;
  endLine: number;
}

const TOP = 10;

export async function run(args: readonly string[]): Promise<void> {
  const { values } = parseArgs({
    args: [...args],
    options: {
      suite: { type: 'string' },
      memories: { type: 'boolean', default: false },
      python: { type: 'string' },
      only: { type: 'string', multiple: true },
    },
  });
  if (values.suite === undefined)
    throw new Error('Name the folder with annotations, repos.json and repos: --suite FOLDER.');
  const folder = resolve(values.suite);
  const specs = JSON.parse(readFileSync(join(folder, 'repos.json'), 'utf8')) as {
    name: string;
    benchmark_root?: string | null;
  }[];
  const arms = ['Anchorage', 'BM25 of files', ...(values.python === undefined ? [] : ['Semble'])];
  const sums = new Map<string, number[]>();
  console.log(`| repository | queries | ${arms.join(' | ')} | index (s of processor) | search (ms of processor) |`);
  console.log(`|---|--:|${arms.map(() => '--:|').join('')}--:|--:|`);
  for (const { name, benchmark_root: inside } of specs) {
    const root = join(folder, 'repos', name, inside ?? '');
    const annotations = join(folder, 'annotations', `${name}.json`);
    if (!existsSync(root) || !existsSync(annotations) || (values.only && !values.only.includes(name))) continue;
    const tasks = tasksIn(annotations);
    const queries = tasks.map(({ query }) => query);
    const own = ours(root, queries, values.memories);
    const found = [
      own.spans,
      await bm25(root, queries),
      ...(values.python ? [semble(values.python, root, queries)] : []),
    ];
    const scores = found.map((results) => mean(tasks.map((task, i) => ndcg(results[i] ?? [], task, root))));
    scores.forEach((score, i) => sums.set(arms[i] ?? '', [...(sums.get(arms[i] ?? '') ?? []), score]));
    const figures = scores.map((score) => score.toFixed(3)).join(' | ');
    console.log(
      `| ${name} | ${tasks.length} | ${figures} | ${own.indexSeconds.toFixed(1)} | ${own.searchMilliseconds.toFixed(0)} |`,
    );
  }
  const means = arms.map((arm) => mean(sums.get(arm) ?? []).toFixed(3));
  console.log(`| mean of repositories | | ${means.join(' | ')} | | |`);
}

function tasksIn(file: string): Task[] {
  const items = JSON.parse(readFileSync(file, 'utf8')) as {
    query: string;
    category?: string;
    relevant?: (string | Target)[];
    secondary?: (string | Target)[];
  }[];
  return items.map(({ query, category = '', relevant = [], secondary = [] }) => ({
    query,
    category,
    targets: [...relevant, ...secondary].map((target) => (typeof target === 'string' ? { path: target } : target)),
  }));
}

/** The built terminal on a fresh index. Processor time, because wall time depends on what else runs. */
function ours(root: string, queries: readonly string[], memories: boolean) {
  const scratch = mkdtempSync(join(tmpdir(), 'semble-'));
  try {
    const file = join(scratch, 'queries.jsonl');
    writeFileSync(file, queries.map((question, id) => `${JSON.stringify({ id, question })}\n`).join(''));
    const place = ['--workspace', root, '--storage', join(scratch, 'index')];
    const before = childSeconds();
    anchorage(['index', ...place, ...(memories ? ['--memories'] : [])]);
    const indexed = childSeconds();
    const lines = anchorage(['search', '--queries', file, ...place])
      .trim()
      .split('\n');
    const spans = lines.map((line) => (JSON.parse(line) as { spans: Span[] }).spans);
    return {
      spans,
      indexSeconds: indexed - before,
      searchMilliseconds: (1_000 * (childSeconds() - indexed)) / queries.length,
    };
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
}

function anchorage(args: readonly string[]): string {
  const { status, stdout, stderr } = spawnSync(process.execPath, [join('dist', 'cli.js'), ...args], {
    encoding: 'utf8',
    maxBuffer: 1 << 28,
  });
  if (status !== 0) throw new Error(`anchorage ${args[0] ?? ''} failed:\n${stderr}`);
  return stdout;
}

/** Processor time of the ended child processes, as Linux counts it. */
function childSeconds(): number {
  const fields = readFileSync('/proc/self/stat', 'utf8').split(') ')[1]?.split(' ') ?? [];
  return (Number(fields[13]) + Number(fields[14])) / 100;
}

async function bm25(root: string, queries: readonly string[]): Promise<Span[][]> {
  const index = new PlainBm25(await readCorpus(root));
  return queries.map((query) =>
    index.search(query).map((path) => ({ path, startLine: 1, endLine: Number.MAX_SAFE_INTEGER })),
  );
}

const PEER = `
import json, sys
from semble import SembleIndex
root, queries = sys.argv[1], json.load(sys.stdin)
index = SembleIndex.from_path(root)
print(json.dumps([[{"path": r.chunk.file_path, "startLine": r.chunk.start_line, "endLine": r.chunk.end_line}
                   for r in index.search(q, top_k=10)] for q in queries]))
`;

function semble(python: string, root: string, queries: readonly string[]): Span[][] {
  const { status, stdout, stderr } = spawnSync(python, ['-c', PEER, root], {
    input: JSON.stringify(queries),
    encoding: 'utf8',
    maxBuffer: 1 << 28,
  });
  if (status !== 0) throw new Error(`Semble failed:\n${stderr}`);
  return JSON.parse(stdout) as Span[][];
}

/** A target counts at the rank of the first span that touches it; targets that no file has are not expected. */
function ndcg(spans: readonly Span[], { targets }: Task, root: string): number {
  const present = targets.filter(
    ({ path }) => existsSync(join(root, path)) || existsSync(join(root, tail(root, path))),
  );
  const gains = new Set<number>();
  for (const target of targets) {
    const rank = spans.slice(0, TOP).findIndex((span) => touches(span, target));
    if (rank >= 0) gains.add(rank);
  }
  const ideal = Array.from({ length: Math.min(TOP, present.length) }, (_, i) => i);
  return present.length === 0 ? 0 : dcg([...gains]) / dcg(ideal);
}

const dcg = (ranks: readonly number[]): number => ranks.reduce((sum, rank) => sum + 1 / Math.log2(rank + 2), 0);

function touches(
  { path, startLine, endLine }: Span,
  { path: wanted, start_line: first, end_line: last }: Target,
): boolean {
  const same = path === wanted || path.endsWith(`/${wanted}`) || wanted.endsWith(`/${path}`);
  return same && (first === undefined || last === undefined || (endLine >= first && startLine <= last));
}

/** The path inside the indexed part of a checkout. */
function tail(root: string, path: string): string {
  const parts = path.split('/');
  const at = parts.findIndex((_, i) => root.endsWith(`/${parts.slice(0, i + 1).join('/')}`));
  return parts.slice(at + 1).join('/');
}

const mean = (values: readonly number[]): number =>
  values.length === 0 ? 0 : values.reduce((sum, value) => sum + value, 0) / values.length;
