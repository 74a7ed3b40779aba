/**
 * `npm test`: lint (including layers), type check, unit tests, the tests and dry run of the training recipe, and the
 * suites in a real editor. `--long` also runs the long tests, and with `--save` they write docs/results/trust.md.
 * `--only=unit,vscode` picks steps. The last lines name the failures and have the counts.
 */
import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { installDependencies, root } from './lib/install.mjs';

const long = process.argv.includes('--long');
const save = process.argv.includes('--save');
const only = process.argv
  .find((argument) => argument.startsWith('--only='))
  ?.slice('--only='.length)
  .split(',');
const scratch = mkdtempSync(join(tmpdir(), 'anchorage-test-'));
process.env.ANCHORAGE_UNIT_REPORT = join(scratch, 'unit.json');
const bin = (name) => join(root, 'node_modules', '.bin', name);

/**
 * Each step: a command, and a function that reads the number of tests from its output. Without tests it counts as 1.
 */
const steps = [
  { name: 'lint', command: ['node', 'scripts/lint.mjs'] },
  { name: 'types', command: [bin('tsc'), '--noEmit'] },
  { name: 'build', command: ['node', 'scripts/build.mjs'] },
  {
    name: 'unit',
    command: [bin('vitest'), 'run', '--reporter=default', '--reporter=scripts/lib/test-report.mjs'],
    count: () => JSON.parse(readFileSync(process.env.ANCHORAGE_UNIT_REPORT, 'utf8')),
  },
  { name: 'recipe', command: ['bash', 'models/recipe/test.sh'], count: countClosingLine },
  { name: 'vscode', command: ['node', 'scripts/test-vscode.mjs'], count: countClosingLine },
];

function countClosingLine(output) {
  const found = [...output.matchAll(/^(?:\w+: )?(\d+) passed, (\d+) failed/gm)].at(-1);
  if (!found) throw new Error('The output of the step has no closing count.');
  const names = (mark) => [...output.matchAll(new RegExp(`^${mark} (.+)`, 'gm'))].map(([, name]) => name);
  return { passed: Number(found[1]), failed: Number(found[2]), failures: names('✗'), repeated: names('\\?') };
}

function run(command) {
  return new Promise((resolve) => {
    const child = spawn(command[0], command.slice(1), {
      cwd: root,
      stdio: ['ignore', 'pipe', 'pipe'],
      env: {
        ...process.env,
        ONNXRUNTIME_NODE_INSTALL: 'skip',
        ...(long ? { ANCHORAGE_LONG: '1' } : {}),
        ...(save ? { ANCHORAGE_SAVE: '1' } : {}),
      },
    });
    let output = '';
    for (const [stream, sink] of [
      [child.stdout, process.stdout],
      [child.stderr, process.stderr],
    ]) {
      stream.on('data', (data) => {
        output += data;
        sink.write(data);
      });
    }
    child.on('error', (error) => resolve({ status: 1, output: String(error) }));
    child.on('close', (status) => resolve({ status, output }));
  });
}

installDependencies();
if (!process.env.ANCHORAGE_REAL_MODELS) {
  console.log('ANCHORAGE_REAL_MODELS is not set to a folder of real weights. The tests that read them are skipped.');
}
let passed = 0;
let failed = 0;
const remarks = [];
for (const step of steps) {
  if (only && !only.includes(step.name)) continue;
  const started = Date.now();
  console.log(`\n── ${step.name} ──`);
  const { status, output } = await run(step.command);
  let counts = { passed: status === 0 ? 1 : 0, failed: status === 0 ? 0 : 1 };
  if (step.count) {
    try {
      counts = step.count(output);
      if (status !== 0 && counts.failed === 0) counts.failed = 1;
    } catch (error) {
      console.error(`${step.name}: ${error.message}`);
      counts = { passed: 0, failed: 1 };
    }
  }
  passed += counts.passed;
  failed += counts.failed;
  const { failures = [], repeated = [] } = counts;
  remarks.push(...failures.map((name) => `✗ ${step.name}: ${name}`));
  if (counts.failed > failures.length) remarks.push(`✗ ${step.name}: see its output above`);
  remarks.push(...repeated.map((name) => `? ${step.name}: passed when repeated: ${name}`));
  const skipped = counts.skipped ? `, ${counts.skipped} skipped` : '';
  const seconds = Math.round((Date.now() - started) / 1000);
  console.log(`── ${step.name}: ${counts.passed} passed, ${counts.failed} failed${skipped} in ${seconds} s`);
}
rmSync(scratch, { recursive: true, force: true });
console.log(`\n${[...remarks, `${passed} passed, ${failed} failed`].join('\n')}`);
process.exit(failed === 0 && passed > 0 ? 0 : 1);
