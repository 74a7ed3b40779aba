import assert from 'node:assert/strict';
import { after, before, describe, it } from 'mocha';
import type { Request } from 'playwright-core';
import { until, Workbench } from './workbench';

const LOOPBACK = /^(?:https?|wss?):\/\/(?:127\.0\.0\.1|localhost)(?::\d+)?\/|^(?:data|blob|about):/;

/** Collects all violations of a content security policy, and all requests to other machines. */
describe('the panels’ policy', () => {
  let workbench: Workbench;
  const violations: string[] = [];
  const requests: Request[] = [];

  before(async () => {
    workbench = await Workbench.open();
    await workbench.indexed();
    // The count begins here, because the editor's own requests during its start do not count.
    workbench.page.on('console', (message) => {
      if (/Content Security Policy/i.test(message.text()))
        violations.push(`${message.text()} (${message.location().url})`);
    });
    workbench.page.context().on('request', (request) => requests.push(request));
  });
  after(async () => {
    await workbench.close();
  });

  /**
   * Requests to other machines. The addresses of panel resources do not count, because only the editor's service worker
   * answers them.
   */
  async function foreign(): Promise<string[]> {
    const found = await Promise.all(
      requests
        .filter((request) => !LOOPBACK.test(request.url()))
        .map(async (request) => {
          const response = await request.response().catch(() => null);
          return response?.fromServiceWorker() ? [] : [request.url()];
        }),
    );
    return found.flat();
  }

  it('has no violation during typical use, and no request goes to another machine', async () => {
    await workbench.ask('How often is a failed request tried again?');
    const answer = await workbench.answered('How often is a failed request tried again?');
    await answer.locator('.source button.row').first().click();
    await answer.locator('textarea').fill('And when is a berth released?');
    await answer.locator('textarea').press('Enter');
    await until(async () => (await answer.locator('.foot').count()) === 2, 'the follow-up is answered', 30_000);
    await (await workbench.panel('spans')).locator('[role=option]').nth(1).focus();
    await workbench.command('Anchorage: Show Cache');
    await (await workbench.panel('cache')).locator('anchorage-strip [role=option]').first().waitFor();
    await workbench.openFile('booking.ts');
    await workbench.command('Anchorage: Summarize This File');
    await (await workbench.panel('summary', 30_000)).locator('[role=treeitem]').first().waitFor();
    await workbench.theme('Dark High Contrast', 'hc-black');
    await workbench.theme('Dark 2026', 'vs-dark');
    await workbench.page.waitForTimeout(500);
    assert.ok(
      requests.some((request) => request.frame().parentFrame() !== null),
      'the panels’ requests are seen',
    );
    assert.deepEqual(violations, []);
    assert.deepEqual(await foreign(), []);
  });

  it('forbids pictures, foreign scripts, another base and forms, and the violations are observed', async () => {
    for (const name of ['answer', 'spans', 'cache', 'summary'] as const) {
      const frame = await workbench.panel(name);
      const policy = await frame.locator('meta[http-equiv="Content-Security-Policy"]').getAttribute('content');
      assert.match(policy ?? '', /default-src 'none'.*base-uri 'none'.*form-action 'none'/);
      assert.doesNotMatch(policy ?? '', /unsafe|\s\*(?:\s|;|$)/);
    }
    const answer = await workbench.panel('answer');
    const told = async (what: RegExp, offence: () => void): Promise<void> => {
      violations.length = 0;
      await answer.evaluate(offence);
      await until(async () => violations.some((violation) => what.test(violation)), `${what} is refused`, 5_000);
    };
    await told(/img-src|default-src/, () => void (new Image().src = 'https://example.invalid/x.png'));
    await told(
      /script-src/,
      () =>
        void document.body.append(
          Object.assign(document.createElement('script'), { textContent: 'window.broken = true' }),
        ),
    );
    await told(
      /base-uri/,
      () =>
        void document.head.append(Object.assign(document.createElement('base'), { href: 'https://example.invalid/' })),
    );
    assert.equal(await answer.evaluate(() => 'broken' in window), false);
    // This is the last check, because the frame is unusable after a refused form.
    await told(/form-action/, () => {
      const form = Object.assign(document.createElement('form'), {
        action: 'https://example.invalid/',
        method: 'post',
      });
      document.body.append(form);
      form.submit();
    });
  });
});
