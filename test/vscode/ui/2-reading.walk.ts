import assert from 'node:assert/strict';
import { after, before, describe, it } from 'mocha';
import { assertAccessible } from './accessibility';
import { PATIENCE, shootFailures, until, Workbench } from './workbench';

describe('reading', () => {
  let workbench: Workbench;

  before(async () => {
    workbench = await Workbench.open();
    // The first question activates the extension and builds its index.
    await workbench.ask('Where are dues computed?');
    await (
      await workbench.panel('answer')
    )
      .locator('.foot')
      .first()
      .waitFor({ timeout: 30_000 * PATIENCE });
  });
  shootFailures();
  after(async () => {
    await workbench.close();
  });

  it('summarizes a file of 5,000 lines by its parts, and a click opens a part', async () => {
    await workbench.openFile('generated-rates.ts');
    await workbench.command('Anchorage: Summarize This File');
    const summary = await workbench.panel('summary', 30_000);
    await summary
      .locator('[role=treeitem]')
      .first()
      .waitFor({ timeout: 30_000 * PATIENCE });
    assert.match(await summary.locator('header').innerText(), /(4,999|5,000) lines/);
    assert.match(
      await summary.locator('header').innerText(),
      /\bTypeScript\b/,
      'the language has the name that the editor gives it',
    );
    assert.ok((await summary.locator('[role=treeitem]').count()) >= 50, 'a line for each part');
    await workbench.shot('summary');
    await summary.locator('input[type=search]').fill('Tariff40');
    const part = summary.locator('[role=treeitem]', { hasText: 'Tariff40' }).first();
    const line = Number(/(\d+)(?:–\d+)?/.exec(await part.locator('.lines').innerText())?.[1]);
    await part.click();
    await until(async () => (await workbench.highlightedLines()).includes(line), `line ${line} is highlighted`);
    await assertAccessible(summary, 'summary');
  });

  it('moves through the outline by keyboard', async () => {
    const summary = await workbench.panel('summary');
    await summary.locator('input[type=search]').fill('Tariff1');
    await summary.locator('input[type=search]').press('ArrowDown');
    const focused = (): Promise<string> =>
      summary.evaluate(() => document.querySelector('anchorage-summary')?.shadowRoot?.activeElement?.id ?? '');
    await until(async () => (await focused()) === 'part-0', 'the first part has the focus');
    const before = await summary.locator('[role=treeitem]').count();
    await workbench.page.keyboard.press('ArrowLeft');
    await until(async () => (await summary.locator('[role=treeitem]').count()) < before, 'the part is collapsed');
    await workbench.page.keyboard.press('ArrowDown');
    await until(async () => (await focused()) === 'part-1', 'the next part has the focus');
  });

  it('summarizes prose by its sections', async () => {
    await workbench.command('View: Close All Editors');
    await workbench.openFile('README.md');
    await workbench.command('Anchorage: Summarize This File');
    const summary = await workbench.panel('summary', 30_000);
    await summary
      .locator('[role=treeitem]', { hasText: 'Booking a berth' })
      .first()
      .waitFor({ timeout: 30_000 * PATIENCE });
  });

  it('shows the definition and uses of a name on hover, with an Explain link', async () => {
    await workbench.command('View: Close All Editors');
    await workbench.openFile('tides/client.ts');
    // The first hover leaves out a slow search of uses. The next hover has its result.
    let hover = await workbench.hover('withRetry');
    for (let again = 0; again < 3 && !(await hover.innerText()).includes('Used by'); again++)
      hover = await workbench.hover('withRetry');
    const text = await hover.innerText();
    assert.match(text, /retry\.ts:\d+/);
    assert.match(text, /Used by/);
    await workbench.shot('hover');
    await hover.locator('a', { hasText: 'Explain' }).click();
    const answer = await workbench.panel('answer');
    await until(
      async () =>
        (await answer.locator('anchorage-turn h2').last().innerText()).startsWith('Explain') &&
        (await answer.locator('.foot').count()) > 0,
      'the explanation',
      30_000,
    );
    assert.match(await answer.locator('anchorage-turn article').last().innerText(), /withRetry/);
    await workbench.shot('explain');
  });

  it('shows the cached explanation in the next hover', async () => {
    const hover = await workbench.hover('withRetry');
    assert.match(await hover.innerText(), /withRetry is a function|attempts/);
    assert.equal(await hover.locator('a', { hasText: /^Explain$/ }).count(), 0);
  });

  it('shows why a file is not indexed', async () => {
    // Quick Open leaves out ignored files, but the explorer shows them.
    await workbench.command('View: Show Explorer');
    await workbench.page.locator('.explorer-folders-view .monaco-list-row', { hasText: 'debug.log' }).dblclick();
    await workbench.page.locator('.tab.active[data-resource-name="debug.log"]').waitFor();
    await workbench.command('Anchorage: Why Is This File Not Indexed?');
    const toast = workbench.page.locator('.notification-toast', { hasText: 'debug.log' });
    await toast.waitFor();
    assert.match(await toast.innerText(), /not indexed/);
    assert.match(await toast.innerText(), /\.gitignore/);
    await toast.getByRole('button', { name: 'Open Rule' }).click();
    await until(async () => (await workbench.activeTab()) === '.gitignore', 'the rule is opened');
    await until(async () => (await workbench.highlightedLines()).includes(2), 'its line is highlighted');
  });

  it('lists the state of the index', async () => {
    await workbench.command('Anchorage: Show Index Status');
    const rows = workbench.page.locator('.quick-input-widget .monaco-list-row');
    await rows.first().waitFor();
    const text = await workbench.page.locator('.quick-input-widget').innerText();
    assert.match(text, /\d+ of \d+ files/);
    assert.match(text, /Rebuild Index/);
    await workbench.shot('status');
    await workbench.page.keyboard.press('Escape');
    assert.match(await workbench.status(), /Anchorage/);
  });
});
