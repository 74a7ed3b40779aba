import axe, { type AxeResults } from 'axe-core';
import assert from 'node:assert/strict';
import type { Frame } from 'playwright-core';

/**
 * Runs axe in a panel's document and fails with its violations. The panel's policy allows no foreign script, so axe is
 * evaluated in the frame.
 */
export async function assertAccessible(frame: Frame, what: string): Promise<void> {
  // A panel is transparent. Axe cannot see the colour behind it, so the document gets that colour.
  await frame.evaluate(() => {
    const place = document.querySelector('anchorage-summary')
      ? 'editor'
      : document.querySelector('anchorage-cache')
        ? 'panel'
        : 'sideBar';
    document.body.style.backgroundColor = `var(--vscode-${place}-background)`;
  });
  await frame.evaluate(axe.source);
  const results = await frame.evaluate(async () => {
    const { axe: runner } = window as unknown as {
      axe: { run: (root: Document, options: object) => Promise<AxeResults> };
    };
    return runner.run(document, {
      runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'best-practice'],
      rules: {
        'page-has-heading-one': { enabled: false },
        region: { enabled: false },
        'landmark-one-main': { enabled: false },
      },
    });
  });
  const found = results.violations.map(
    ({ id, help, nodes }) =>
      `${id}: ${help}\n${nodes
        .slice(0, 3)
        .map(({ html, failureSummary }) => `    ${html.slice(0, 200)}\n    ${failureSummary ?? ''}`)
        .join('\n')}`,
  );
  assert.equal(found.length, 0, `${what}:\n${found.join('\n')}`);
}
