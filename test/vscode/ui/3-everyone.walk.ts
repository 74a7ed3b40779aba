import assert from 'node:assert/strict';
import { after, before, describe, it } from 'mocha';
import { assertAccessible } from './accessibility';
import { given, PATIENCE, shootFailures, until, Workbench } from './workbench';

describe('for everyone', () => {
  let workbench: Workbench;

  before(async () => {
    workbench = await Workbench.open();
  });
  shootFailures();
  after(async () => {
    await workbench.close();
  });

  it('leads from a question to the cited lines by keyboard alone', async () => {
    const { page } = workbench;
    await workbench.ask('Who decides the class of a vessel?');
    const answer = await workbench.panel('answer');
    await answer
      .locator('.foot')
      .first()
      .waitFor({ timeout: 30_000 * PATIENCE });
    // Focuses the panel, then presses Tab until the first citation has the focus.
    await workbench.command('Anchorage: Focus on Answer View');
    const focused = (): Promise<string> =>
      answer.evaluate(() => {
        let element: Element | null = document.activeElement;
        while (element?.shadowRoot?.activeElement) element = element.shadowRoot.activeElement;
        return `${element?.tagName.toLowerCase() ?? ''}.${element?.className ?? ''}${element?.getAttribute('data-citation') ? '[citation]' : ''}`;
      });
    await page.keyboard.press('Tab');
    for (let presses = 0; presses < 12 && !(await focused()).includes('[citation]'); presses++)
      await page.keyboard.press('Tab');
    assert.match(await focused(), /\[citation\]/);
    await page.keyboard.press('Enter');
    await until(async () => (await workbench.highlightedLines()).length > 0, 'lines are highlighted');
  });

  it('announces a finished answer to a screen reader', async () => {
    const answer = await workbench.panel('answer');
    assert.match(await answer.locator('[role=status][aria-live=polite]').innerText(), /Answer complete, \d+ sources?/);
  });

  for (const [theme, name] of [
    ['Dark High Contrast', 'hc-black'],
    ['Light High Contrast', 'hc-light'],
    ['Dark 2026', 'vs-dark'],
    ['Light 2026', 'vs'],
  ] as const) {
    it(`is readable in ${theme}`, async () => {
      await workbench.theme(theme, name);
      await workbench.command('Anchorage: Show Cache');
      for (const panel of ['answer', 'spans', 'cache'] as const)
        await assertAccessible(await workbench.panel(panel), `${panel} in ${theme}`);
      await workbench.shot(`theme-${name}`);
    });
  }

  it('indexes nothing in Restricted Mode before the first question', async () => {
    const restricted = await Workbench.open({ origin: given.restricted });
    try {
      await restricted.page.locator('.statusbar-item', { hasText: 'Restricted Mode' }).waitFor();
      await restricted.command('Anchorage: Show Index Status');
      const list = restricted.page.locator('.quick-input-widget');
      await list.locator('.monaco-list-row').first().waitFor();
      assert.doesNotMatch(await list.innerText(), /[1-9]\d* of \d+ files/);
      await restricted.page.keyboard.press('Escape');
      await restricted.ask('When is a booking released?');
      const answer = await restricted.panel('answer');
      await until(
        async () =>
          (await answer.locator('.foot').count()) === 1 &&
          (await answer.locator('anchorage-turn article').innerText()).includes('booking.ts'),
        'an answer once it is asked',
        30_000,
      );
    } catch (error) {
      await restricted.shot('failed-restricted');
      throw error;
    } finally {
      await restricted.close();
    }
  });
});
