import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, it } from 'mocha';
import { given, PATIENCE, shootFailures, until, Workbench } from './workbench';

const texts = (name: string): Record<string, string> =>
  JSON.parse(readFileSync(join(given.staged, name), 'utf8')) as Record<string, string>;

/** A translation of the bundle; fails if there is none. */
function translated(text: string): string {
  const translation = texts('l10n/bundle.l10n.de.json')[text];
  assert.ok(translation !== undefined && translation !== text, `“${text}” is translated`);
  return translation;
}

describe('the display language', () => {
  let workbench: Workbench;
  const commands = texts('package.nls.de.json');
  const ask = `Anchorage: ${commands['command.ask']}`;

  before(async () => {
    workbench = await Workbench.open({ origin: given.german });
  });
  shootFailures();
  after(async () => {
    await workbench.close();
  });

  it('is that of the editor', async () => {
    await workbench.page.locator('.sidebar .composite.title', { hasText: /explorer \(de\)/i }).waitFor();
  });

  it('is used by commands, questions, answers and panels', async function () {
    this.timeout(120_000 * PATIENCE);
    const question = 'Was macht bookBerth?';
    await workbench.command(`Anchorage: ${commands['command.rebuildIndex']}`);
    await until(
      async () => (await workbench.status()).includes(translated('ready')),
      'the workspace is indexed',
      60_000,
    );
    await workbench.command(ask);
    const { page } = workbench;
    await page
      .locator('.quick-input-widget .monaco-list-row', { hasText: translated('Workspace') })
      .first()
      .waitFor();
    await workbench.shot('german-question');
    await workbench.quickInput().fill(question);
    await page.keyboard.press('Enter');
    const answer = await workbench.answered(question);
    assert.equal(await answer.locator('html').getAttribute('lang'), 'de');
    const shown = await answer.locator('anchorage-turn article').first().innerText();
    assert.doesNotMatch(shown, /Best match|Lines \d|is a function|files? searched/);
    await workbench.shot('german-answer');
  });
});
