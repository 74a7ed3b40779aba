import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';

interface Configuration {
  name: string;
  program?: string;
  preLaunchTask?: string;
  port?: number;
  env?: Record<string, string>;
}

const root = fileURLToPath(new URL('../..', import.meta.url));
const read = <T>(file: string): T => JSON.parse(readFileSync(`${root}${file}`, 'utf8')) as T;
const launch = read<{ configurations: Configuration[]; compounds: { configurations: string[] }[] }>(
  '.vscode/launch.json',
);
const { tasks } = read<{ tasks: { label: string; script?: string; command?: string }[] }>('.vscode/tasks.json');
const { scripts } = read<{ scripts: Record<string, string> }>('package.json');

describe('.vscode', () => {
  it('has tasks whose scripts exist', () => {
    const named = tasks.map(({ script, command }) => script ?? /^npm run (\S+)/.exec(command ?? '')?.[1] ?? '');
    for (const script of named) expect(Object.keys(scripts)).toContain(script);
  });

  it('has launch configurations whose tasks, programs and parts exist', () => {
    const labels = tasks.map(({ label }) => label);
    const names = launch.configurations.map(({ name }) => name);
    for (const { program, preLaunchTask } of launch.configurations) {
      if (preLaunchTask) expect(labels).toContain(preLaunchTask);
      const path = program?.replace('${workspaceFolder}/', root);
      // The task builds the bundles. All other files must exist.
      if (path && !path.startsWith(`${root}dist/`)) expect(existsSync(path)).toBe(true);
    }
    for (const { configurations } of launch.compounds) for (const name of configurations) expect(names).toContain(name);
  });

  it('attaches to the ports that the extension opens', () => {
    const opened = launch.configurations.flatMap(({ env }) => Object.entries(env ?? {}));
    const attached = launch.configurations.flatMap(({ port }) => (port ? [String(port)] : []));
    expect(opened.map(([, port]) => port).sort()).toEqual(attached.sort());
    expect(opened.map(([name]) => name)).toEqual(['ANCHORAGE_INSPECT_WORKER', 'ANCHORAGE_INSPECT_INFERENCE']);
  });
});
