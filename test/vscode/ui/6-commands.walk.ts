import assert from 'node:assert/strict';
import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { after, before, describe, it } from 'mocha';
import type { Page } from 'playwright-core';
import { writeSlowCheckpoint } from '../../inference/checkpoints';
import { given, PATIENCE, shootFailures, until, Workbench } from './workbench';

const clipboard = (page: Page): Promise<string> => page.evaluate(() => navigator.clipboard.readText());

describe('commands', () => {
  let workbench: Workbench;

  before(async () => {
    workbench = await Workbench.open();
    await workbench.indexed();
  });
  shootFailures();
  after(async () => {
    await workbench.close();
  });

  it('Copy Answer as Markdown and the button copy the answer with links to its sources', async () => {
    await workbench.ask('How often is a failed request tried again?');
    const answer = await workbench.answered('How often is a failed request tried again?');
    await workbench.command('Anchorage: Copy Answer as Markdown');
    await workbench.page.locator('.statusbar', { hasText: 'Copied' }).waitFor();
    const copied = await clipboard(workbench.page);
    assert.match(copied, /\[\\\[1\\\]\]\(src\/net\/retry\.ts#L\d+/);
    assert.match(copied, /\n\d+\. \[\S+:\d+(-\d+)?\]\(\S+#L\d+(-L\d+)?\)/);
    await workbench.page.evaluate(() => navigator.clipboard.writeText('something else'));
    await answer.getByRole('button', { name: 'Copy as Markdown' }).click();
    await until(async () => (await clipboard(workbench.page)) === copied, 'the button copies the same');
  });

  it('Explain explains the selection', async () => {
    await workbench.openFile('vessel.ts');
    await workbench.openFile('booking.ts');
    const { page } = workbench;
    await page.locator('.editor-group-container.active .monaco-editor .view-lines').click();
    await page.keyboard.press('Control+Home');
    await page.locator('.editor-group-container.active .view-line', { hasText: 'confirmBooking' }).first().click();
    await page.keyboard.press('Home');
    for (let down = 0; down < 4; down++) await page.keyboard.press('Shift+ArrowDown');
    await workbench.command('Anchorage: Explain');
    const answer = await workbench.panel('answer');
    await until(
      async () =>
        (await answer.locator('anchorage-turn h2').first().innerText()).startsWith('Explain') &&
        (await answer.locator('.foot').count()) === 1,
      'the explanation',
      30_000,
    );
    assert.match(await answer.locator('anchorage-turn article').innerText(), /confirmBooking/);
    await workbench.shot('explain-selection');
    await answer.locator('.source button.row', { hasText: 'booking.ts' }).first().click();
    await until(async () => (await workbench.highlightedLines()).length > 0, 'its source is shown');
  });

  it('the status item shows the state, and its links work', async () => {
    const { page } = workbench;
    const item = page.locator('.statusbar-item[id*="anchorage"]').first();
    const tooltip = page.locator('.monaco-hover:visible', { hasText: 'files' });
    const hover = async (): Promise<void> => {
      for (let attempt = 0; attempt < 6; attempt++) {
        await page.mouse.move(400, 300);
        await item.hover();
        if (
          await tooltip
            .first()
            .waitFor({ timeout: 3_000 })
            .then(
              () => true,
              () => false,
            )
        )
          return;
      }
      throw new Error('no tooltip over the status item');
    };
    await hover();
    const text = await tooltip.first().innerText();
    assert.match(text, /Anchorage\s·\sready/);
    assert.match(text, /\d+\sof\s\d+\sfiles/);
    await workbench.shot('status-tooltip');
    await tooltip.first().locator('a', { hasText: 'Details' }).click();
    await page.locator('.quick-input-widget:visible', { hasText: 'Index Status' }).waitFor();
    await page.keyboard.press('Escape');
    await hover();
    await tooltip.first().locator('a', { hasText: 'Log' }).click();
    await page.locator('.part.panel', { hasText: 'Output' }).waitFor();
    await hover();
    await tooltip.first().locator('a', { hasText: /^Ask$/ }).click();
    await page.locator('.quick-input-widget:visible .monaco-list-row', { hasText: 'Workspace' }).first().waitFor();
    await page.keyboard.press('Escape');
  });

  it('the status list pauses and resumes', async () => {
    await workbench.statusAction('Pause Indexing');
    await until(async () => (await workbench.status()).includes('paused'), 'it is paused');
    await workbench.statusAction('Resume Indexing');
    await until(async () => (await workbench.status()).includes('ready'), 'it is ready again');
  });
});

describe('an answer that a model writes', () => {
  let workbench: Workbench;

  before(async function () {
    this.timeout(120_000 * PATIENCE);
    const model = path.join(path.dirname(given.workspace), 'slow-model');
    // A whole answer takes half a minute, so that there is time to stop it.
    writeSlowCheckpoint(model, { layers: 32 });
    const folder = path.join(path.dirname(given.workspace), 'written');
    mkdirSync(path.join(folder, '.vscode'), { recursive: true });
    writeFileSync(
      path.join(folder, 'tide.ts'),
      '/** Height of the tide in metres at an hour of the day. */\nexport function tideAt(hour: number): number {\n  return 2 + 1.5 * Math.sin((hour / 12.4) * 2 * Math.PI);\n}\n',
    );
    writeFileSync(
      path.join(folder, '.vscode', 'settings.json'),
      JSON.stringify({
        'anchorage.model.directory': model,
        'anchorage.model.weights': 'f32',
        'anchorage.engine.threads': 1,
      }),
    );
    workbench = await Workbench.open({ folder });
    await workbench.indexed();
  });
  shootFailures();
  after(async () => {
    await workbench.close();
  });

  /** Asks, and waits for at least `characters` of the answer. */
  async function streaming(question: string, characters: number): Promise<void> {
    await workbench.ask(question);
    const answer = await workbench.panel('answer');
    await until(
      async () =>
        (
          await answer
            .locator('anchorage-turn h2')
            .first()
            .innerText()
            .catch(() => '')
        ).includes(question),
      'the question is shown',
    );
    await until(
      async () =>
        (
          await answer
            .locator('anchorage-turn .prose')
            .innerText()
            .catch(() => '')
        ).length >= characters,
      'words stream in',
      45_000,
    );
    assert.equal(await answer.locator('.foot').count(), 0, 'it is still being written');
  }

  it('streams, and Stop in the panel ends it with the text so far', async () => {
    await streaming('What is the height of the tide at noon?', 30);
    const answer = await workbench.panel('answer');
    await workbench.shot('streaming');
    await answer.getByRole('button', { name: 'Stop' }).click();
    await until(
      async () =>
        (await answer.locator('.foot').count()) === 1 ||
        (await answer.locator('anchorage-turn', { hasText: 'Stopped' }).count()) === 1,
      'it has ended',
    );
    const written = await answer.locator('anchorage-turn .prose').innerText();
    assert.ok(written.length >= 30, 'the written text stays');
    await new Promise((resolve) => setTimeout(resolve, 1_500));
    assert.equal(await answer.locator('anchorage-turn .prose').innerText(), written, 'nothing is added');
    assert.match(await answer.locator('anchorage-turn article').innerText(), /Stopped|stopped/);
    await workbench.shot('stopped');
  });

  it('stops by the command too, and the next question is answered', async () => {
    await streaming('What is the height of the tide at dawn?', 30);
    await workbench.command('Anchorage: Stop Answering');
    const answer = await workbench.panel('answer');
    await until(
      async () => /Stopped|stopped/.test(await answer.locator('anchorage-turn article').innerText()),
      'it has ended',
    );
    await streaming('At what hour is the tide high?', 10);
    await answer.locator('textarea').press('Escape');
    await until(
      async () => /Stopped|stopped/.test(await answer.locator('anchorage-turn article').innerText()),
      'Escape stops it',
    );
  });
});
