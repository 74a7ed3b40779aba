import { readdirSync } from 'node:fs';
import path from 'node:path';
import { runMocha } from '../report';

/** The editor calls this (extensionTestsPath). An error ends the editor with exit code 1. */
export async function run(): Promise<void> {
  const files = readdirSync(__dirname)
    .filter((name) => name.endsWith('.suite.js'))
    .sort();
  const failures = await runMocha(
    files.map((name) => path.join(__dirname, name)),
    30_000,
  );
  if (failures > 0) throw new Error(`${failures} failed`);
}
