import { readdirSync } from 'node:fs';
import path from 'node:path';
import { runMocha } from '../report';
import { PATIENCE } from './workbench';

/** scripts/test-vscode.mjs calls this in a separate process. */
export async function run(): Promise<void> {
  const files = readdirSync(__dirname)
    .filter((name) => name.endsWith('.walk.js'))
    .sort();
  const failures = await runMocha(
    files.map((name) => path.join(__dirname, name)),
    60_000 * PATIENCE,
  );
  if (failures > 0) throw new Error(`${failures} failed`);
}
