import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { after, before, describe, it } from 'mocha';
import { given, shootFailures, until, Workbench } from './workbench';

describe('similar code and history', () => {
  let workbench: Workbench;

  before(async () => {
    const git = (...args: string[]) =>
      execFileSync('git', ['-c', 'user.name=Ann', '-c', 'user.email=a@b.c', ...args], { cwd: given.workspace });
    git('init', '-q');
    git('add', 'src/net/retry.ts');
    git('commit', '-q', '-m', 'Try requests again\n\nThe tide service drops one call in ten.');
    workbench = await Workbench.open();
    await workbench.indexed();
  });
  shootFailures();
  after(async () => {
    await workbench.close();
  });

  it('lists spans that resemble the definition at the cursor', async () => {
    await workbench.openFile('retry.ts');
    await workbench.command('Anchorage: Show Similar Code');
    const spans = await workbench.panel('spans');
    await until(
      async () => (await spans.locator('.question').innerText()).includes('src/net/retry.ts'),
      'the spans are about retry.ts',
    );
    assert.ok((await spans.locator('[role=option]').count()) > 0);
    await workbench.shot('similar');
  });

  it('names the commit behind a line, with its reason, and shows it', async () => {
    await workbench.openFile('retry.ts');
    await workbench.command('Anchorage: Why Is This Line So?');
    const row = workbench.page
      .locator('.quick-input-widget .monaco-list-row', { hasText: 'Try requests again' })
      .first();
    await row.waitFor();
    assert.match(await row.innerText(), /drops one call in ten/);
    await workbench.shot('why-line');
    await workbench.page.keyboard.press('Enter');
    await until(async () => /\.diff$/.test((await workbench.activeTab()) ?? ''), 'the commit is shown');
  });

  it('answers why something was added from the commit, which the citation opens', async () => {
    // The commit that the test before opened would pass for the one of this test.
    await workbench.command('View: Close All Editors');
    const question = 'Why was the pause before a request is tried again added?';
    await workbench.ask(question);
    const answer = await workbench.answered(question);
    const first = answer.locator('.source .row').first();
    assert.match(await first.innerText(), /Try requests again[\s\S]*commit [0-9a-f]{10}/);
    await workbench.shot('changes');
    await first.click();
    await until(async () => /\.diff$/.test((await workbench.activeTab()) ?? ''), 'the commit is shown');
  });

  it('names a dropped file in the question', async () => {
    const answer = await workbench.panel('answer');
    const input = answer.locator('textarea');
    await input.evaluate(
      (element, uri) => {
        const dataTransfer = new DataTransfer();
        dataTransfer.setData('text/uri-list', uri);
        element.dispatchEvent(new DragEvent('drop', { dataTransfer, bubbles: true, composed: true, cancelable: true }));
      },
      pathToFileURL(join(given.workspace, 'src', 'net', 'retry.ts')).href,
    );
    await until(async () => (await input.inputValue()).includes('#src/net/retry.ts'), 'the file is named');
  });
});
