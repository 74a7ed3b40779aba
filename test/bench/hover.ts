/**
 * `npm run bench -- hover FOLDER…`: indexes each folder and times hovers without a model, over random names in its
 * files. The goal is 50 ms.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { hover } from '../../src/assistant/hover';
import { Workspace } from '../../src/workspace/workspace';
import { bundle } from '../workspace/files';

const HOVERS = 300;
const SETTINGS = { filesExclude: ['**/.git'], maxFileBytes: 2_000_000 };

export async function run(folders: readonly string[]): Promise<void> {
  if (folders.length === 0) throw new Error('Name at least one folder.');
  const scratch = mkdtempSync(join(tmpdir(), 'anchorage-bench-'));
  const threadScript = bundle('src/workspace/segments/thread.ts', join(scratch, 'segment-thread.js'));
  try {
    for (const [i, folder] of folders.entries()) await measure(folder, join(scratch, String(i)), threadScript);
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
}

async function measure(folder: string, storageDirectory: string, threadScript: string): Promise<void> {
  const library = await Workspace.open({
    folders: [{ name: 'bench', directory: folder }],
    storageDirectory,
    settings: SETTINGS,
    threadScript,
    grammars: 'node_modules/@vscode/tree-sitter-wasm/wasm',
  });
  await library.start();
  const random = randomOf(1);
  const files = [...library.documents()].filter(({ language }) =>
    /^(typescript|javascript|python|go|rust|java|cpp|c|csharp|ruby|php)/.test(language),
  );
  const times: number[] = [];
  let found = 0;
  let withUsers = 0;
  while (times.length < HOVERS) {
    const { file } = files[Math.floor(random() * files.length)]!;
    const lines = (await library.read(file)).text.split('\n');
    const line = Math.floor(random() * lines.length);
    const names = [...lines[line]!.matchAll(/[A-Za-z_]\w{3,}/g)];
    const name = names[Math.floor(random() * names.length)];
    if (!name) continue;
    const started = performance.now();
    const info = await hover({ file, line: line + 1, character: name.index + 1 }, { library });
    times.push(performance.now() - started);
    if (info) found++;
    if (info && info.usedBy.length > 0) withUsers++;
  }
  await library.close();
  times.sort((a, b) => a - b);
  const at = (share: number): string => times[Math.min(times.length - 1, Math.floor(share * times.length))]!.toFixed(1);
  console.log(
    `${basename(folder)}: ${HOVERS} hovers over random names: median ${at(0.5)} ms, p95 ${at(0.95)} ms, worst ${at(1)} ms; ${found} were defined in the workspace, ${withUsers} of them with users`,
  );
}

/** A random generator with the same numbers in each run (mulberry32). */
function randomOf(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}
