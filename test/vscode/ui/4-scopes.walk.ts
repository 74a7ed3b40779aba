import assert from 'node:assert/strict';
import { after, before, describe, it } from 'mocha';
import { shootFailures, until, Workbench } from './workbench';

describe('the scope of a question', () => {
  let workbench: Workbench;

  before(async () => {
    workbench = await Workbench.open();
    await workbench.indexed();
  });
  shootFailures();
  after(async () => {
    await workbench.close();
  });

  async function found(question: string): Promise<string[]> {
    await workbench.answered(question);
    return workbench.foundPaths();
  }

  it('may be the open file', async () => {
    await workbench.openFile('retry.ts');
    await workbench.askAbout('Open file', 'What is tried again after a pause?');
    const paths = await found('What is tried again after a pause?');
    assert.ok(paths.length > 0 && paths.every((path) => path === 'src/net/retry.ts'), paths.join(' '));
  });

  it('may be the selection', async () => {
    await workbench.page.locator('.editor-group-container.active .monaco-editor .view-lines').click();
    await workbench.page.keyboard.press('Control+Home');
    for (let line = 1; line < 12; line++) await workbench.page.keyboard.press('Shift+ArrowDown');
    await workbench.askAbout('Selection', 'How long are the pauses?');
    const paths = await found('How long are the pauses?');
    assert.ok(paths.length > 0 && paths.every((path) => path === 'src/net/retry.ts'), paths.join(' '));
  });

  it('may be a folder, from the explorer', async () => {
    await workbench.command('View: Show Explorer');
    // The folder is inside `src`, which has several folders. The explorer shows a single folder in one row with its
    // parent.
    const row = (name: string) =>
      workbench.page.locator(`.explorer-folders-view .monaco-list-row[aria-label^="${name}"]`).first();
    if (!(await row('ledger').isVisible())) await row('src').click();
    await workbench.contextAction(row('ledger'), 'Ask About Folder');
    await workbench.choosePlace(/Folder\s*src\/ledger/, 'Who gets a discount?');
    const paths = await found('Who gets a discount?');
    assert.ok(paths.length > 0 && paths.every((path) => path.startsWith('src/ledger/')), paths.join(' '));
    // A follow-up has the same scope.
    const answer = await workbench.panel('answer');
    await answer.locator('textarea').fill('And how often is a failed request tried again?');
    await answer.locator('textarea').press('Enter');
    await until(async () => (await answer.locator('.foot').count()) === 2, 'the answer to the follow-up', 30_000);
    assert.ok(
      (await workbench.foundPaths()).every((path) => path.startsWith('src/ledger/')),
      'the follow-up stays in the folder',
    );
  });

  it('may be named in the question', async () => {
    await workbench.ask('How long are the pauses in #src/net/retry.ts?');
    const paths = await found('How long are the pauses in #src/net/retry.ts?');
    assert.ok(paths.length > 0 && paths.every((path) => path === 'src/net/retry.ts'), paths.join(' '));
    await workbench.ask('Who gets what, by #src/ledger and #retry.ts?');
    const several = await found('Who gets what, by #src/ledger and #retry.ts?');
    assert.ok(several.length > 0, 'something is found');
    assert.ok(
      several.every((path) => path.startsWith('src/ledger/') || path === 'src/net/retry.ts'),
      several.join(' '),
    );
  });

  it('may be picked after a typed #', async () => {
    const answer = await workbench.panel('answer');
    const input = answer.locator('textarea');
    await input.click();
    await input.pressSequentially('What is in #');
    await workbench.quickInput().waitFor();
    await workbench.quickInput().fill('retry');
    await workbench.page.locator('.quick-input-widget .monaco-list-row', { hasText: 'retry.ts' }).first().waitFor();
    await workbench.page.keyboard.press('Enter');
    await until(
      async () => (await input.inputValue()) === 'What is in #src/net/retry.ts ',
      'the reference is inserted',
    );
    await workbench.shot('reference');
    await input.fill('');
  });

  it('may be a file, from the explorer', async () => {
    await workbench.command('View: Show Explorer');
    const row = (name: string) =>
      workbench.page.locator(`.explorer-folders-view .monaco-list-row[aria-label^="${name}"]`).first();
    if (!(await row('README').isVisible())) await workbench.command('File: Focus on Files Explorer');
    await workbench.contextAction(row('README'), 'Ask About File');
    await workbench.choosePlace(/File\s*README/, 'What is this?');
    const paths = await found('What is this?');
    assert.ok(
      paths.every((path) => path.startsWith('README')),
      paths.join(' '),
    );
  });

  it('keeps the order of the list for any typed text', async () => {
    await workbench.openFile('retry.ts');
    await workbench.command('Anchorage: Ask About Workspace');
    const rows = workbench.page.locator('.quick-input-widget .monaco-list-row');
    await rows.first().waitFor();
    const labels = (): Promise<string[]> =>
      rows.evaluateAll((all) => all.map((each) => each.querySelector('.label-name')?.textContent?.trim() ?? ''));
    const before = await labels();
    assert.equal(before[0], 'Workspace');
    assert.ok(before.length >= 3, before.join(' '));
    for (const typed of ['o', 'open', 'choose', 'file open folder']) {
      await workbench.quickInput().fill(typed);
      assert.deepEqual(await labels(), before, `after “${typed}”`);
      assert.match(
        (await workbench.page.locator('.quick-input-widget .monaco-list-row.focused').innerText()).trim(),
        /Workspace/,
        `marked after “${typed}”`,
      );
    }
    await workbench.page.keyboard.press('Escape');
  });

  it('is indexed again by the next question after the index was cleared', async () => {
    await workbench.command('Anchorage: Clear Index');
    const dialog = workbench.page.locator('.monaco-dialog-box');
    await dialog.waitFor();
    await dialog.locator('.monaco-button', { hasText: /^Clear$/ }).click();
    await workbench.page.locator('.notification-toast', { hasText: 'Index cleared' }).waitFor();
    await workbench.ask('When is a booking released?');
    assert.ok((await found('When is a booking released?')).some((path) => path.endsWith('booking.ts')));
  });
});
