import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { appendFileSync, cpSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { after, before, describe, it } from 'mocha';
import { given, PATIENCE, shootFailures, until, Workbench } from './workbench';

/** A colleague has encoded a repository and pushed its rows to a shared directory; this editor has a clone of it. */
describe('a team’s memory', () => {
  let workbench: Workbench;
  let secret = '';
  const beside = path.dirname(given.workspace);
  const settings = path.join(given.home, 'user', 'User', 'settings.json');
  const usual = readFileSync(settings, 'utf8');

  before(async function () {
    this.timeout(240_000 * PATIENCE);
    const [colleague, clone] = [path.join(beside, 'colleague'), path.join(beside, 'clone')];
    cpSync(given.workspace, colleague, { recursive: true });
    // Texts that this machine has never encoded.
    for (const name of ['src/net/retry.ts', 'README.md']) appendFileSync(path.join(colleague, name), '\n\n');
    cpSync(colleague, clone, { recursive: true });
    const program = path.join(given.staged, 'dist', 'cli.js');
    const build = ['scripts/build.mjs', '--only=cli', `--outdir=${path.dirname(program)}`];
    execFileSync(process.execPath, build);
    const run = (args: readonly string[], env: NodeJS.ProcessEnv = {}): string =>
      execFileSync(process.execPath, [program, 'memory', ...args], {
        encoding: 'utf8',
        env: { ...process.env, ...env },
      });
    const keys = JSON.parse(run(['keys', '--json'])) as Record<'secret' | 'signingKey' | 'writer', string>;
    secret = keys.secret;
    const address = `${pathToFileURL(path.join(beside, 'team-store')).href}?writers=${keys.writer}`;
    run(['push', '--workspace', colleague, '--shared', address], {
      XDG_CACHE_HOME: path.join(beside, 'colleague-cache'),
      ANCHORAGE_MEMORY_SECRET: keys.secret,
      ANCHORAGE_MEMORY_SIGNING_KEY: keys.signingKey,
    });
    writeFileSync(settings, JSON.stringify({ ...JSON.parse(usual), 'anchorage.memory.shared': address }));
    workbench = await Workbench.open({ folder: clone });
  });
  shootFailures();
  after(async () => {
    writeFileSync(settings, usual);
    await workbench.close();
  });

  /** The text of a row of the status list, once the list has it. */
  async function statusRow(pattern: RegExp): Promise<string> {
    const { page } = workbench;
    const rows = page.locator('.quick-input-widget:visible .monaco-list-row');
    let text = '';
    await until(
      async () => {
        await page.keyboard.press('Escape');
        await page.locator('.statusbar-item[id*="anchorage"] a').first().click();
        await rows.first().waitFor();
        text = (await rows.allInnerTexts()).find((row) => pattern.test(row)) ?? '';
        return text !== '';
      },
      `the status list has ${pattern}`,
      45_000,
    );
    return text;
  }

  it('is not used without its keys, and the status says so', async () => {
    await workbench.indexed();
    assert.match(await statusRow(/The team’s memory is not used/), /secret.*Set Keys of the Team’s Memory/);
    await workbench.shot('team-without-keys');
    await workbench.page.keyboard.press('Escape');
  });

  it('gives its rows once the keys are set, as the status and the Cache panel say', async () => {
    await workbench.command('Anchorage: Set Keys of the Team’s Memory');
    await workbench.fillBox('', secret);
    await workbench.fillBox('', '');
    const { page } = workbench;
    await page.locator('.notification-toast', { hasText: 'keys of the team’s memory are stored' }).waitFor();
    await statusRow(/[1-9]\d* segments from the team/);
    await workbench.shot('team-status');
    await page.keyboard.press('Escape');
    const question = 'How often is a failed request tried again?';
    await workbench.ask(question);
    await workbench.answered(question);
    await workbench.command('Anchorage: Show Cache');
    const cache = await workbench.panel('cache');
    await until(
      async () => /[1-9]\d* from the team/.test(await cache.locator('.memories').innerText()),
      'the panel counts rows of the team',
    );
    await workbench.shot('team-cache');
  });
});
