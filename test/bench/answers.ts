/**
 * `npm run bench -- answers --repos DIR [--shared DIR] [--only NAME …] [--show]`: measures answers without a model on
 * questions with known gold files and lines. It reports whether the first place is correct, and the share of correct
 * citations. `--show` prints the answers with a wrong first place.
 */
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { ask } from '../../src/assistant/ask';
import { Search } from '../../src/search';
import { Workspace } from '../../src/workspace/workspace';
import type { Citation } from '../../src/protocol';
import { type Question, sweQa } from './retrieval/questions';

const SETTINGS = { filesExclude: ['**/.git'], maxFileBytes: 2_000_000 };

/** Reported means over the questions. Each is a share (0…1), unless its label has a unit. */
const FIGURES = {
  leadFile: 'first place in a gold file',
  leadLines: 'first place touches gold lines',
  anyLines: 'any citation touches gold lines',
  goldCited: 'gold lines cited',
  citedInGold: 'citations in gold files',
  doubted: 'no good match',
  doubtedRightly: 'no good match, closest place in no gold file',
  citations: 'citations an answer',
  milliseconds: 'ms an answer',
} as const;
type Figures = Record<keyof typeof FIGURES, number>;

export async function run(args: readonly string[]): Promise<void> {
  const { values } = parseArgs({
    args: [...args],
    options: {
      repos: { type: 'string' },
      shared: { type: 'string' },
      only: { type: 'string', multiple: true },
      show: { type: 'boolean' },
    },
  });
  const repos = values.repos ?? process.env['ANCHORAGE_BENCH_REPOS'];
  const shared = resolve(values.shared ?? process.env['ANCHORAGE_SHARED'] ?? '../shared/data');
  if (repos === undefined || !existsSync(join(shared, 'retrieval')))
    throw new Error(
      'Set --repos to the folder of checked-out repositories, and --shared to the folder of the shared test data.',
    );
  const questions = sweQa(shared);
  const all: Figures[] = [];
  for (const name of new Set(questions.map(({ repository }) => repository))) {
    if (values.only && !values.only.includes(name)) continue;
    const figures = await askAll(
      join(repos, name),
      questions.filter(({ repository }) => repository === name),
      questions.filter(({ repository }) => repository !== name),
      values.show ?? false,
    );
    print(name, figures);
    all.push(...figures);
  }
  print('all', all);
}

async function askAll(
  directory: string,
  questions: readonly Question[],
  foreign: readonly Question[],
  show: boolean,
): Promise<Figures[]> {
  const storageDirectory = mkdtempSync(join(tmpdir(), 'anchorage-bench-'));
  const library = await Workspace.open({
    folders: [{ name: 'bench', directory }],
    storageDirectory,
    settings: SETTINGS,
    threads: 0,
    grammars: 'node_modules/@vscode/tree-sitter-wasm/wasm',
  });
  const search = new Search({ workspace: library });
  try {
    await library.start();
    const figures: Figures[] = [];
    for (const question of questions) {
      const started = performance.now();
      const { citations, markdown } = await ask(
        { id: question.id, question: question.text, scope: { kind: 'workspace' } },
        { library, search },
      );
      const milliseconds = performance.now() - started;
      const measured = judge(citations, question, markdown, milliseconds);
      figures.push(measured);
      if (show && measured.leadLines === 0)
        console.log(
          `${question.text}\n  ${markdown.split('\n')[0] ?? ''}\n  gold: ${question.gold.map(({ path, spans }) => `${path}:${spans.map(([from, to]) => `${from}-${to}`).join(',')}`).join(' ')}`,
        );
    }
    let refused = 0;
    for (const { id, text } of foreign) {
      const { markdown } = await ask({ id, question: text, scope: { kind: 'workspace' } }, { library, search });
      if (isRefusal(markdown)) refused += 1;
    }
    console.log(`no good match for ${refused} of ${foreign.length} questions about the other repositories`);
    return figures;
  } finally {
    await library.close();
    rmSync(storageDirectory, { recursive: true, force: true });
  }
}

function judge(citations: readonly Citation[], { gold }: Question, markdown: string, milliseconds: number): Figures {
  const files = new Set(gold.map(({ path }) => path));
  const lines = new Set(gold.flatMap(({ path, spans }) => spans.flatMap(([from, to]) => linesOf(path, from, to))));
  const cited = citations.map(({ path, startLine, endLine }) =>
    linesOf(path, startLine, endLine).filter((line) => lines.has(line)),
  );
  const doubted = isRefusal(markdown);
  const leadFile = files.has(citations[0]?.path ?? '');
  return {
    leadFile: Number(leadFile),
    doubted: Number(doubted),
    doubtedRightly: Number(doubted && !leadFile),
    leadLines: Number((cited[0]?.length ?? 0) > 0),
    anyLines: Number(cited.some((each) => each.length > 0)),
    goldCited: new Set(cited.flat()).size / Math.max(1, lines.size),
    citedInGold: citations.filter(({ path }) => files.has(path)).length / Math.max(1, citations.length),
    citations: citations.length,
    milliseconds,
  };
}

/** True for the one-line answer without a match. */
const isRefusal = (markdown: string): boolean => /^(?:No good match|Nothing in )/.test(markdown);

const linesOf = (path: string, from: number, to: number): string[] =>
  Array.from({ length: Math.max(0, to - from + 1) }, (_, i) => `${path}:${from + i}`);

function print(name: string, figures: readonly Figures[]): void {
  const mean = (key: keyof Figures): number =>
    figures.reduce((sum, each) => sum + each[key], 0) / Math.max(1, figures.length);
  const parts = (Object.keys(FIGURES) as (keyof Figures)[]).map(
    (key) => `${FIGURES[key]} ${mean(key).toFixed(key === 'citations' || key === 'milliseconds' ? 1 : 3)}`,
  );
  console.log(`${name.padEnd(10)} n ${String(figures.length).padStart(3)}   ${parts.join(' · ')}`);
}
