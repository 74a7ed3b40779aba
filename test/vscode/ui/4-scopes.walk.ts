import assert from 'node:assert/strict';
import { after, afterEach, before, describe, it } from 'mocha';
import { until, Workbench } from './workbench';

/** Asks about the place whose row in the palette holds `place`. */
async function askAbout(workbench: Workbench, place: string, question: string): Promise<void> {
  await workbench.command('Anchorage: Ask About Workspace');
  const row = workbench.page.locator('.quick-input-widget .monaco-list-row', { hasText: place }).first();
  await row.waitFor();
  await workbench.quickInput().fill(question);
  while (!(await row.getAttribute('class'))?.includes('focused')) await workbench.page.keyboard.press('ArrowDown');
  await workbench.page.keyboard.press('Enter');
}

describe('the place that is asked about', () => {
  let workbench: Workbench;

  before(async () => {
    workbench = await Workbench.open();
  });
  afterEach(async function () {
    if (this.currentTest?.state === 'failed') await workbench.shot(`failed-${this.currentTest.title.replace(/\W+/g, '-')}`);
  });
  after(async () => {
    await workbench.close();
  });

  /** Paths of the spans that the question found. */
  async function found(question: string): Promise<string[]> {
    const answer = await workbench.panel('answer');
    await until(async () => (await answer.locator('anchorage-turn h2').first().innerText()).includes(question) && (await answer.locator('.foot').count()) === 1, 'the answer', 30_000);
    return (await workbench.panel('spans')).locator('[role=option]').evaluateAll((rows) => rows.map((row) => row.getAttribute('title') ?? ''));
  }

  it('may be the open file', async () => {
    await workbench.openFile('retry.ts');
    await askAbout(workbench, 'Open file', 'What is tried again after a pause?');
    const paths = await found('What is tried again after a pause?');
    assert.ok(paths.length > 0 && paths.every((path) => path === 'src/net/retry.ts'), paths.join(' '));
  });

  it('may be the selection', async () => {
    await workbench.page.locator('.editor-group-container.active .monaco-editor .view-lines').click();
    await workbench.page.keyboard.press('Control+Home');
    for (let line = 1; line < 12; line++) await workbench.page.keyboard.press('Shift+ArrowDown');
    await askAbout(workbench, 'Selection', 'How long are the pauses?');
    const paths = await found('How long are the pauses?');
    assert.ok(paths.length > 0 && paths.every((path) => path === 'src/net/retry.ts'), paths.join(' '));
  });

  it('is read again by the next question after the index was cleared', async () => {
    await workbench.command('Anchorage: Clear Index');
    const dialog = workbench.page.locator('.monaco-dialog-box');
    await dialog.waitFor();
    await dialog.locator('.monaco-button', { hasText: /^Clear$/ }).click();
    await workbench.page.locator('.notification-toast', { hasText: 'The index was cleared' }).waitFor();
    await workbench.ask('When is a booking released?');
    assert.ok((await found('When is a booking released?')).some((path) => path.endsWith('booking.ts')));
  });
});
