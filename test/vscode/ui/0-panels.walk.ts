import assert from 'node:assert/strict';
import path from 'node:path';
import { after, before, describe, it } from 'mocha';
import type { Page } from 'playwright-core';
import type { ContextLedger, HostMessage, IndexStatus, PanelMessage, SummaryPart } from '../../../src/protocol';
import { assertAccessible } from './accessibility';
import { part, narrowAnswer, manySpans, millionTokens } from './panel-contents';
import { THEME, rgbOf, contrast, HIGH_CONTRAST } from './panel-themes';
import { closeBrowser, given, newPage, until } from './workbench';

/** The built panels alone, with more content than the small workspace of the other walks has. */
describe('panels with large content', () => {
  let page: Page;

  before(async () => {
    page = await newPage({ width: 1100, height: 560 });
  });
  after(async () => {
    await page.context().close();
    await closeBrowser();
  });

  async function load(
    panel: string,
    messages: HostMessage[],
    theme: Readonly<Record<string, string>> = THEME,
  ): Promise<void> {
    await page.goto('about:blank');
    await page.setContent(`<!DOCTYPE html><html lang="en"><head><title>${panel}</title></head><body></body></html>`);
    await page.evaluate((variables) => {
      for (const [name, value] of Object.entries(variables))
        document.documentElement.style.setProperty(`--vscode-${name}`, value);
      const posted: unknown[] = [];
      Object.assign(window, {
        posted,
        acquireVsCodeApi: () => ({
          postMessage: (message: unknown) => posted.push(message),
          getState: () => undefined,
          setState: () => undefined,
        }),
      });
    }, theme);
    await page.addScriptTag({ path: path.join(given.staged, 'dist', 'webview', `${panel}.js`) });
    for (const message of messages) await send(message);
  }
  const send = (message: HostMessage): Promise<void> =>
    page.evaluate((data) => void window.postMessage(data, '*'), message as unknown);
  const posted = (): Promise<PanelMessage[]> =>
    page.evaluate(() => (window as unknown as { posted: PanelMessage[] }).posted);

  it('draws a context of a million tokens to scale, and describes each block', async () => {
    const ledger = millionTokens();
    await load('cache', [
      {
        type: 'ledger',
        ledger,
        question: 'How does a booking become a charge?',
        timing: { retrieve: 38, splice: 64, read: 512, decode: 1_450, firstToken: 660, total: 2_064 },
      },
    ]);
    await page.locator('anchorage-strip [role=option]').first().waitFor();
    const blocks = await page.locator('anchorage-strip [role=option]').count();
    assert.ok(blocks > 30 && blocks < 800, `${blocks} blocks for ${ledger.groups.length} groups`);
    assert.match(await page.locator('.scale.above').innerText(), /1\.\d+M tokens represented/);
    // The row bar is to scale: full segments take their share of the capacity.
    const share = await page.evaluate(() => {
      const strip = document.querySelector('anchorage-cache')?.shadowRoot?.querySelector('anchorage-strip')?.shadowRoot;
      const bars = [...(strip?.querySelectorAll('g[role=option] rect.kind-full:last-child') ?? [])].map((bar) =>
        bar.getBoundingClientRect(),
      );
      const width = strip?.querySelector('svg')?.getBoundingClientRect().width ?? 1;
      return (Math.max(...bars.map(({ right }) => right)) - Math.min(...bars.map(({ left }) => left))) / width;
    });
    const rows = ledger.groups.filter(({ kind }) => kind === 'full').reduce((sum, group) => sum + group.rows, 0);
    assert.ok(Math.abs(share - rows / ledger.capacityRows) < 0.01, `${share} for ${rows / ledger.capacityRows}`);
    await page.locator('.strip').focus();
    for (let presses = 0; presses < 12; presses++) await page.keyboard.press('ArrowRight');
    assert.match(await page.locator('.tip').innerText(), /tokens in [\d,]+ rows.*, from disk$/);
    await page.keyboard.press('Enter');
    await until(async () => (await posted()).some(({ type }) => type === 'open'), 'the block opens its span');
    await assertAccessible(page.mainFrame(), 'cache');
    await page.screenshot({ path: path.join(given.shots, 'panel-context.png') });
  });

  for (const name of ['dark', 'light'] as const) {
    it(`tells the kinds of rows apart in ${name} high contrast`, async () => {
      const theme = HIGH_CONTRAST[name];
      await load(
        'cache',
        [{ type: 'ledger', ledger: millionTokens(), question: 'How does a booking become a charge?' }],
        theme,
      );
      await page.locator('anchorage-strip [role=option]').first().waitFor();
      const colours = await page.evaluate(() => {
        const swatches =
          document.querySelector('anchorage-cache')?.shadowRoot?.querySelectorAll('tr .name > .swatch') ?? [];
        return [...swatches].map(
          (swatch) => [swatch.className.replace('swatch kind-', ''), getComputedStyle(swatch).backgroundColor] as const,
        );
      });
      assert.equal(colours.length, 7);
      const inRgb = colours.map(([kind, colour]) => ({ kind, rgb: rgbOf(colour) }));
      for (const [i, one] of inRgb.entries()) {
        assert.ok(
          contrast(one.rgb, rgbOf(theme['panel-background'] ?? '')) >= 3,
          `${one.kind} stands out from the panel: ${one.rgb.join()}`,
        );
        for (const other of inRgb.slice(i + 1))
          assert.ok(
            Math.hypot(...one.rgb.map((value, channel) => value - (other.rgb[channel] ?? 0))) >= 40,
            `${one.kind} and ${other.kind} look alike: ${one.rgb.join()} and ${other.rgb.join()}`,
          );
      }
      await assertAccessible(page.mainFrame(), `cache in ${name} high contrast`);
      await page.screenshot({ path: path.join(given.shots, `panel-context-hc-${name}.png`) });
    });
  }

  it('shows the encoded share, and the reason if encoding stopped', async () => {
    const memories = {
      encoded: 1_204,
      segments: 9_310,
      bytes: 512 * 2 ** 20,
      budgetBytes: 512 * 2 ** 20,
      paused: false,
      standstill: {
        cause: 'budgetFull' as const,
        reason: 'The store has reached its budget: the memories of some files are left out.',
      },
    };
    const status: IndexStatus = {
      state: 'ready',
      reason: 'Up to date',
      filesKnown: 800,
      filesIndexed: 800,
      bytesIndexed: 9e6,
      segments: 9_310,
      storeBytes: 3e6,
      progress: 1,
      problems: [],
      skipped: [],
      memoryBytes: 3e8,
      model: { state: 'ready', author: { kind: 'bundled', model: 'anchorage' }, detail: '' },
      memories,
    };
    await load('cache', [
      { type: 'status', status },
      {
        type: 'ledger',
        ledger: {
          ...millionTokens(),
          left: [{ file: '/w/src/f9.ts', path: 'src/area9/f9.ts', startLine: 12, endLine: 80 }],
        },
        question: 'How does a booking become a charge?',
      },
    ]);
    await page.locator('.memories').waitFor();
    assert.match(await page.locator('.note', { hasText: 'Not read' }).innerText(), /src\/area9\/f9\.ts:12.80/);
    assert.match(
      await page.locator('.memories').innerText(),
      /1,204 of 9,310 segments encoded[\s\S]*512 MB of at most 512 MB[\s\S]*reached its budget/,
    );
    await assertAccessible(page.mainFrame(), 'cache with memories');
    await page.screenshot({ path: path.join(given.shots, 'panel-memories.png') });
    await send({
      type: 'status',
      status: { ...status, memories: { ...memories, standstill: { cause: 'paused', reason: 'Held by you.' } } },
    });
    await until(
      async () => (await page.locator('.memories').innerText()).includes('Held by you.'),
      'the reason changes with the state',
    );
    await send({
      type: 'status',
      status: {
        ...status,
        memories: {
          encoded: 3,
          segments: 9_310,
          counting: true,
          bytes: 9_000,
          budgetBytes: 512 * 2 ** 20,
          paused: false,
        },
      },
    });
    await until(
      async () => (await page.locator('.memories').innerText()).includes('3 of about 9,310 segments encoded'),
      'the number is an estimate while segments are counted',
    );
  });

  it('shows a summary of three thousand parts in pages', async () => {
    const parts = Array.from({ length: 300 }, (_, index): SummaryPart =>
      part(
        `Class${index}`,
        10 * index + 1,
        Array.from({ length: 9 }, (__, inner) => part(`method${inner}`, 10 * index + inner + 2)),
      ),
    );
    await load('summary', [
      {
        type: 'summary',
        summary: {
          file: '/w/big.ts',
          path: 'src/big.ts',
          language: 'typescript',
          lines: 3_000,
          overview: 'A big file.',
          parts,
          author: { kind: 'bundled', model: 'anchorage' },
          notices: [],
        },
      },
    ]);
    await page.locator('[role=treeitem]').first().waitFor();
    assert.equal(await page.locator('[role=treeitem]').count(), 250);
    await page.getByRole('button', { name: 'Show 250 more' }).click();
    await until(async () => (await page.locator('[role=treeitem]').count()) === 500, 'one more page is shown');
    await page.locator('input').fill('method8 Class299');
    assert.equal(await page.locator('[role=treeitem]').count(), 0);
    await page.locator('input').fill('Class299');
    await until(async () => (await page.locator('[role=treeitem]').count()) === 10, 'the matching parts are shown');
  });

  it('streams an answer, follows its end, and stops', async () => {
    await load('answer', [{ type: 'answerStarted', id: '1', question: 'Why?', scope: { kind: 'workspace' } }]);
    // The first words are sent alone, because a turn is first shown at its top, and only then followed to its end.
    await send({ type: 'answerEvent', id: '1', event: { type: 'delta', markdown: 'Because:\n\n' } });
    await until(
      async () => (await page.locator('.prose').innerText()).includes('Because'),
      'the first words are drawn',
    );
    for (let word = 0; word < 400; word++)
      void send({
        type: 'answerEvent',
        id: '1',
        event: { type: 'delta', markdown: word % 20 === 19 ? 'end.\n\n' : 'word ' },
      });
    await until(
      async () => (await page.locator('.prose').innerText()).split('end.').length === 21,
      'everything is drawn',
    );
    await until(
      () =>
        page.evaluate(() => {
          const thread = document.querySelector('anchorage-answer')?.shadowRoot?.querySelector('.thread');
          return !!thread && thread.scrollHeight - thread.scrollTop - thread.clientHeight < 60;
        }),
      'the end is in view',
    );
    await page.getByRole('button', { name: 'Stop' }).click();
    await until(async () => (await posted()).some(({ type }) => type === 'stop'), 'stop is requested');
    await send({ type: 'answerFailed', id: '1', message: '', cancelled: true });
    await page.locator('article', { hasText: 'Stopped.' }).waitFor();
  });

  it('wraps an answer at 260 pixels', async () => {
    await page.setViewportSize({ width: 260, height: 800 });
    await load('answer', [{ type: 'answerStarted', id: '1', question: 'Why?', scope: { kind: 'workspace' } }]);
    const code = `const name = ${'anExpressionThatIsLong + '.repeat(8)}1;`;
    const markdown = `Best match: \`Harbour.confirmBookingOfAVesselWithAVeryLongName\`.\n\n\`\`\`ts\n${code}\n\`\`\`\n`;
    await send({ type: 'answerEvent', id: '1', event: { type: 'delta', markdown } });
    await page.locator('.prose pre').waitFor();
    const overflows = await page.evaluate(() => {
      const root = document.querySelector('anchorage-answer')?.shadowRoot;
      const turn = root?.querySelector('anchorage-turn')?.shadowRoot;
      return [root?.querySelector('.thread'), ...(turn?.querySelectorAll('.prose, .prose pre, article') ?? [])].filter(
        (element) => element && element.scrollWidth > element.clientWidth + 1,
      ).length;
    });
    await page.screenshot({ path: path.join(given.shots, 'panel-answer-260.png') });
    await page.setViewportSize({ width: 1_000, height: 800 });
    assert.equal(overflows, 0, 'nothing is wider than the panel');
  });

  it('wraps an answer in a panel of 260 pixels', async () => {
    await page.setViewportSize({ width: 260, height: 900 });
    await load('answer', narrowAnswer());
    await page.locator('.foot').waitFor();
    const widest = await page.evaluate(() => {
      const turn = document.querySelector('anchorage-answer')?.shadowRoot?.querySelector('anchorage-turn');
      const all = [...(turn?.shadowRoot?.querySelectorAll('*') ?? [])].filter((each) => !each.closest('pre'));
      return Math.max(...all.map((each) => Math.round(each.getBoundingClientRect().right)));
    });
    assert.ok(widest <= 260, `something ends at ${widest} pixels`);
    await page.screenshot({ path: path.join(given.shots, 'panel-answer-260.png') });
    await page.setViewportSize({ width: 1100, height: 560 });
  });

  it('shows five spans in 260 pixels, and says that a reason ranks down', async () => {
    await page.setViewportSize({ width: 300, height: 260 });
    await load('spans', [{ type: 'spans', spans: manySpans(), question: 'How often is a request tried again?' }]);
    await page.locator('[role=option]').first().waitFor();
    const visible = await page
      .locator('[role=option]')
      .evaluateAll((rows) => rows.filter((row) => row.getBoundingClientRect().bottom <= window.innerHeight).length);
    assert.ok(visible >= 5, `${visible} spans are visible`);
    assert.match(await page.locator('.reason.penalty').first().innerText(), /^lower: test/);
    await assertAccessible(page.mainFrame(), 'spans');
    await page.screenshot({ path: path.join(given.shots, 'panel-spans.png') });
    await page.setViewportSize({ width: 1100, height: 560 });
  });

  it('offers Reload if the panel cannot be drawn', async () => {
    await load('cache', [{ type: 'ledger', ledger: { groups: null } as unknown as ContextLedger, question: '' }]);
    await page.getByRole('button', { name: 'Reload panel' }).click();
    await until(async () => (await posted()).some(({ type }) => type === 'reload'), 'a reload is requested');
  });
});
