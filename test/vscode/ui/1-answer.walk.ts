import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { after, before, describe, it } from 'mocha';
import { assertAccessible } from './accessibility';
import { closeBrowser, given, PATIENCE, shootFailures, until, Workbench } from './workbench';

describe('asking', () => {
  let workbench: Workbench;

  before(async () => {
    workbench = await Workbench.open();
  });
  shootFailures();
  after(async () => {
    await workbench.close();
  });

  it('shows no panel and starts no worker before its first use', async () => {
    assert.equal(await workbench.page.locator('.statusbar-item[id*="anchorage"]').count(), 0);
  });

  it('shows its status item before the first question', async () => {
    await workbench.page
      .locator('.statusbar-item[id*="anchorage"]')
      .first()
      .waitFor({ timeout: 30_000 * PATIENCE });
  });

  it('answers a question from the palette, with sources', async () => {
    await workbench.ask('How often is a failed request tried again?');
    const answer = await workbench.panel('answer');
    await answer
      .locator('.source')
      .first()
      .waitFor({ timeout: 30_000 * PATIENCE });
    await answer.locator('.foot').waitFor({ timeout: 30_000 * PATIENCE });
    const text = await answer.locator('anchorage-turn article').innerText();
    assert.match(text, /How often is a failed request tried again\?/);
    assert.match(text, /retry\.ts/);
    await workbench.shot('answer');
  });

  it('opens the editor at the lines of a citation, and highlights them', async () => {
    const answer = await workbench.panel('answer');
    const source = answer.locator('.source button.row', { hasText: 'retry.ts' }).first();
    const [, first = 0, last = 0] = /retry\.ts:(\d+)(?:–(\d+))?/.exec(await source.innerText()) ?? [];
    await source.click();
    await workbench.page.locator('.tab.active[data-resource-name="retry.ts"]').waitFor();
    await until(
      async () => (await workbench.highlightedLines()).includes(Number(first)),
      `line ${first} is highlighted`,
    );
    const lines = await workbench.highlightedLines();
    assert.ok(
      lines.every((line) => line >= Number(first) && line <= Number(last || first)),
      `${lines.join(' ')} within ${first} to ${last}`,
    );
    assert.match(
      await workbench.page.locator('.statusbar-item', { hasText: /^Ln / }).innerText(),
      new RegExp(`Ln ${first}, Col 1`),
    );
    await workbench.shot('citation');
  });

  it('opens a citation in the text', async () => {
    await workbench.openFile('vessel.ts');
    const answer = await workbench.panel('answer');
    await answer.locator('.prose button.citation').first().click();
    await until(async () => (await workbench.highlightedLines()).length > 0, 'lines are highlighted');
    assert.notEqual(await workbench.activeTab(), 'vessel.ts');
  });

  it('lists the spans with reasons, and previews the focused one', async () => {
    const spans = await workbench.panel('spans');
    const first = spans.locator('[role=option]').first();
    await first.waitFor();
    assert.ok((await first.locator('.reason').count()) > 0, 'a reason is given');
    await first.focus();
    await workbench.page.keyboard.press('ArrowDown');
    const second = await spans.locator('[role=option]').nth(1).innerText();
    const name = /([\w.-]+):\d/.exec(second)?.[1] ?? '';
    await until(async () => (await workbench.activeTab()) === name, `${name} is previewed`);
    assert.equal(
      await spans.evaluate(() => document.activeElement?.tagName.toLowerCase()),
      'anchorage-spans',
      'the focus stays in the list',
    );
  });

  it('shows at least five spans at the default height', async () => {
    const spans = await workbench.panel('spans');
    const rows = await spans.locator('[role=option]').evaluateAll((all) => ({
      all: all.length,
      visible: all.filter((row) => row.getBoundingClientRect().bottom <= window.innerHeight).length,
      height: window.innerHeight,
    }));
    assert.ok(rows.all >= 5, `${rows.all} spans were found`);
    assert.ok(rows.visible >= 5, `${rows.visible} of ${rows.all} are visible in ${rows.height} pixels`);
  });

  it('answers a follow-up below the first answer', async () => {
    const answer = await workbench.panel('answer');
    await answer.locator('textarea').fill('And when is a berth released?');
    await answer.locator('textarea').press('Enter');
    await until(async () => (await answer.locator('anchorage-turn').count()) === 2, 'a second turn');
    await answer
      .locator('anchorage-turn')
      .nth(1)
      .locator('.foot')
      .waitFor({ timeout: 30_000 * PATIENCE });
    assert.match(await answer.locator('anchorage-turn').nth(1).locator('article').innerText(), /booking\.ts/);
    await workbench.shot('follow-up');
  });

  it('shows the contents of the context', async () => {
    await workbench.command('Anchorage: Show Cache');
    const cache = await workbench.panel('cache');
    await cache.locator('anchorage-strip [role=option]').first().waitFor();
    assert.match(await cache.locator('anchorage-strip .scale.below').innerText(), /cache rows used|characters quoted/);
    await workbench.shot('context');
    const opens = cache.locator('anchorage-cache button.link', { hasText: /\.(ts|py|go|md)/ }).first();
    const name = (await opens.innerText()).trim();
    await opens.click();
    await until(async () => (await workbench.activeTab()) === name, `${name} is opened`);
  });

  it('has no accessibility violation in axe', async () => {
    for (const name of ['answer', 'spans', 'cache'] as const) await assertAccessible(await workbench.panel(name), name);
  });

  it('shows an earlier answer from the history', async () => {
    await workbench.ask('What discount do regular callers get?');
    const answer = await workbench.panel('answer');
    await until(
      async () =>
        (await answer.locator('.foot').count()) === 1 &&
        (await answer.locator('anchorage-turn article').innerText()).includes('dues.py'),
      'the new answer',
    );
    await workbench.command('Anchorage: Show Answer History');
    await workbench.quickInput().fill('failed request');
    await workbench.page
      .locator('.quick-input-widget .monaco-list-row', { hasText: 'failed request' })
      .first()
      .waitFor();
    await workbench.page.keyboard.press('Enter');
    await until(
      async () => (await answer.locator('anchorage-turn h2').first().innerText()).includes('failed request'),
      'the earlier answer',
    );
    // The conversation had a follow-up.
    await until(async () => (await answer.locator('anchorage-turn').count()) === 2, 'the whole conversation');
    assert.match(await answer.locator('anchorage-turn').nth(1).locator('article').innerText(), /booking\.ts/);
  });

  it('finds new text after a save', async () => {
    await workbench.openFile('time.ts');
    await workbench.page.locator('.editor-group-container.active .monaco-editor .view-lines').click();
    await workbench.page.keyboard.press('Control+End');
    await workbench.page.keyboard.type(
      '\n// Rings the bell of the lighthouse twice.\nexport const lighthouseBellRings = 2;',
    );
    await workbench.page.keyboard.press('Control+s');
    await workbench.ask('How often does the lighthouse bell ring?');
    const answer = await workbench.panel('answer');
    await until(
      async () =>
        (await answer.locator('.foot').count()) === 1 &&
        (await answer.locator('anchorage-turn article').innerText()).includes('lighthouseBellRings'),
      'the saved text is quoted',
    );
  });

  it('answers the next question after its worker was killed', async () => {
    const workers = execFileSync('ps', ['-A', '-o', 'pid=,args='], { encoding: 'utf8' })
      .split('\n')
      .filter((line) => line.includes('/dist/worker.js') && !line.includes('grep'));
    assert.ok(workers.length > 0, 'a worker runs');
    for (const line of workers)
      if (line.includes('ui-server') || line.includes(given.shots))
        process.kill(Number(/^\s*(\d+)/.exec(line)?.[1]), 'SIGKILL');
    await workbench.ask('When is a booking released?');
    const answer = await workbench.panel('answer');
    await until(
      async () =>
        (await answer.locator('.foot').count()) === 1 &&
        (await answer.locator('anchorage-turn article').innerText()).includes('booking.ts'),
      'an answer',
      30_000,
    );
  });
});

after(closeBrowser);
