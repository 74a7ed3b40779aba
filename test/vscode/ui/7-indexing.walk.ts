import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { after, before, describe, it } from 'mocha';
import { given, PATIENCE, shootFailures, until, Workbench } from './workbench';

const FILES = 2_500;

/**
 * Makes a workspace with enough files for a pass of several seconds. Another `version` changes every file, so that all
 * are indexed again.
 */
function makeMany(version = 0): string {
  const folder = path.join(path.dirname(given.workspace), 'many');
  for (let file = 0; file < FILES; file++) {
    const directory = path.join(folder, `part${file % 50}`);
    mkdirSync(directory, { recursive: true });
    const steps = Array.from(
      { length: 40 },
      (_, step) =>
        `/** Step ${step} of module ${file}. */\nexport function step${file}x${step}(value: number): number {\n  return value * ${step} + ${file} - ${version};\n}\n`,
    );
    writeFileSync(path.join(directory, `module${file}.ts`), steps.join('\n'));
  }
  return folder;
}

/** Process ids of the workers of the walks' editors. */
function workers(): number[] {
  const processes = execFileSync('ps', ['-A', '-o', 'pid=,args='], { encoding: 'utf8' }).split('\n');
  return processes
    .filter((line) => line.includes('/dist/worker.js') && line.includes('ui-server'))
    .map((line) => Number(/^\s*(\d+)/.exec(line)?.[1]));
}

function signal(name: 'SIGKILL' | 'SIGSTOP' | 'SIGCONT'): void {
  for (const pid of workers()) process.kill(pid, name);
}

describe('indexing that the user pauses or cancels', () => {
  let workbench: Workbench;
  let folder: string;

  before(async () => {
    folder = makeMany();
    workbench = await Workbench.open({ folder });
  });
  shootFailures();
  after(async () => {
    await workbench.close();
  });

  const says = (what: string, limit?: number): Promise<void> =>
    until(async () => (await workbench.status()).includes(what), `the status item says “${what}”`, limit);
  /** Rebuilds, and waits until some files are indexed. */
  async function underWay(): Promise<void> {
    await workbench.command('Anchorage: Rebuild Index');
    await until(async () => /indexing ([4-9]|\d\d)%/.test(await workbench.status()), 'some files are indexed', 45_000);
  }

  it('keeps the indexed files after a cancel, and answers from them with a notice', async () => {
    await underWay();
    await workbench.command('Anchorage: Cancel Indexing');
    const toast = workbench.page.locator('.notification-toast', { hasText: 'Indexing was cancelled' });
    await toast.waitFor();
    const [, indexed = '', known = ''] = /([\d,.]+) of ([\d,.]+) files/.exec(await toast.innerText()) ?? [];
    const count = (text: string): number => Number(text.replace(/\D/g, ''));
    assert.ok(count(indexed) > 0 && count(indexed) < count(known), `${indexed} of ${known}`);
    assert.equal(count(known), FILES);
    await says('indexing cancelled');
    await workbench.shot('cancelled');
    const question = 'What does step 3 of a module do?';
    await workbench.ask(question);
    const answer = await workbench.answered(question);
    assert.match(
      await answer.locator('.notices').innerText(),
      /Indexing was cancelled\. This answer uses [\d,]+ of 2,500 files/,
    );
    assert.match(await answer.locator('.scope').innerText(), /[\d,]+ of 2,500 files/);
    await says('indexing cancelled');
  });

  it('stays cancelled after a crash of the worker, and resumes from the indexed files', async () => {
    signal('SIGKILL');
    await until(async () => !(await workbench.status()).includes('cancelled'), 'the crash is noticed');
    await says('indexing cancelled', 30_000);
    await workbench.statusAction('Resume Indexing');
    await says('ready', 90_000);
    const question = 'What does step 4 of a module do?';
    await workbench.ask(question);
    assert.equal(await (await workbench.answered(question)).locator('.notices', { hasText: 'Indexing' }).count(), 0);
  }).timeout(150_000 * PATIENCE);

  it('stays paused after a crash of the worker, and in the next window', async () => {
    makeMany(1);
    // The pause follows at once, because the status item may show encoding instead of a running pass.
    await workbench.command('Anchorage: Rebuild Index');
    await workbench.command('Anchorage: Pause Indexing');
    await says('paused');
    signal('SIGKILL');
    await until(async () => !(await workbench.status()).includes('paused'), 'the crash is noticed');
    await says('paused', 30_000);
    await workbench.page.reload();
    await workbench.page.locator('.monaco-workbench .statusbar').waitFor({ timeout: 45_000 * PATIENCE });
    await workbench.command('Anchorage: Show Index Status');
    const list = workbench.page.locator('.quick-input-widget');
    await list.locator('.monaco-list-row', { hasText: 'Resume Indexing' }).waitFor();
    await workbench.shot('paused-status');
    await workbench.page.keyboard.press('Escape');
    const question = 'What does step 5 of a module do?';
    await workbench.ask(question);
    assert.match(await (await workbench.answered(question)).locator('.notices').innerText(), /Indexing is paused/);
    await says('paused');
    await workbench.statusAction('Resume Indexing');
    await says('ready', 90_000);
  }).timeout(180_000 * PATIENCE);
});

describe('trust granted while a question runs', () => {
  it('does not interrupt the question or its worker', async () => {
    const folder = path.join(path.dirname(given.workspace), 'doubted');
    mkdirSync(folder, { recursive: true });
    writeFileSync(
      path.join(folder, 'session.ts'),
      '/** Ends a session that has been idle for thirty minutes. */\nexport function endIdleSession(idleMinutes: number): boolean {\n  return idleMinutes > 30;\n}\n',
    );
    const workbench = await Workbench.open({ origin: given.restricted, folder });
    try {
      await workbench.page.locator('.statusbar-item', { hasText: 'Restricted Mode' }).waitFor();
      await workbench.ask('When is an idle session ended?');
      await workbench.answered('When is an idle session ended?');
      const before = workers();
      // The worker is suspended while trust is granted, which simulates a long question.
      signal('SIGSTOP');
      await workbench.ask('What ends a session?');
      const answer = await workbench.panel('answer');
      await until(
        async () => (await answer.locator('anchorage-turn h2').first().innerText()).includes('What ends'),
        'the question is asked',
      );
      await workbench.command('Workspaces: Manage Workspace Trust');
      await workbench.page
        .locator('.workspace-trust-editor .monaco-button', { hasText: /^Trust$/ })
        .first()
        .click();
      await workbench.page.locator('.statusbar-item', { hasText: 'Restricted Mode' }).waitFor({ state: 'detached' });
      signal('SIGCONT');
      const after = await workbench.answered('What ends a session?');
      assert.match(await after.locator('anchorage-turn article').innerText(), /session\.ts/);
      assert.deepEqual(workers(), before, 'no worker was started or ended');
    } catch (error) {
      await workbench.shot('failed-trust');
      throw error;
    } finally {
      signal('SIGCONT');
      await workbench.close();
    }
  });
});
