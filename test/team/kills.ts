/**
 * Workers that are killed at each of the protocol's steps: a push makes requests, and the process dies before or after
 * each of them. Whatever is left, the next worker finishes the work, and no reader meets a wrong row.
 */
import { execFileSync, spawn } from 'node:child_process';
import { join } from 'node:path';
import { buildSync } from 'esbuild';
import type { PushResult } from '../../src/team/push';
import type { RequestCounts } from '../../src/team/objects/patient-store';
import type { ChildTask } from './worker-child';

export type ChildResult = PushResult & { seconds: number; counts: RequestCounts };

/** Builds the worker process. */
export function buildChild(directory: string): string {
  const outfile = join(directory, 'worker-child.mjs');
  buildSync({
    // From the root of the repository, where tests and benches run.
    entryPoints: [join('test', 'team', 'worker-child.ts')],
    outfile,
    bundle: true,
    platform: 'node',
    format: 'esm',
    target: 'node20',
    banner: { js: "import { createRequire } from 'node:module'; const require = createRequire(import.meta.url);" },
    external: ['onnxruntime-node'],
    logLevel: 'error',
  });
  return outfile;
}

/** Runs a worker to its end. Undefined when it was killed. @throws when it failed otherwise */
export function runChild(program: string, task: ChildTask): ChildResult | undefined {
  try {
    const out = execFileSync(process.execPath, [program, JSON.stringify(task)], { encoding: 'utf8', stdio: 'pipe' });
    return JSON.parse(out.trim().split('\n').at(-1) as string) as ChildResult;
  } catch (error) {
    if ((error as { signal?: string }).signal === 'SIGKILL') return undefined;
    throw error;
  }
}

/** Runs workers that begin at the same moment. */
export async function runTogether(program: string, tasks: readonly ChildTask[]): Promise<ChildResult[]> {
  const children = tasks.map((task) =>
    spawn(process.execPath, [program, JSON.stringify(task), 'wait'], { stdio: ['pipe', 'pipe', 'inherit'] }),
  );
  const outputs = children.map(() => '');
  const ready = children.map(
    (child, i) =>
      new Promise<void>((resolve, reject) => {
        child.stdout.on('data', (data: Buffer) => {
          outputs[i] += data.toString();
          if (outputs[i]?.includes('ready')) resolve();
        });
        child.once('exit', () => reject(new Error('a worker ended before it began')));
      }),
  );
  await Promise.all(ready);
  for (const child of children) child.stdin.end('go\n');
  await Promise.all(children.map((child) => new Promise((resolve) => child.once('close', resolve))));
  return outputs.map((out) => JSON.parse(out.trim().split('\n').at(-1) as string) as ChildResult);
}
