import assert from 'node:assert/strict';
import { after, before, describe, it } from 'mocha';
import { shootFailures, until, Workbench } from './workbench';

describe('the terminal', () => {
  let workbench: Workbench;

  before(async () => {
    workbench = await Workbench.open();
    await workbench.indexed();
  });
  shootFailures();
  after(async () => {
    await workbench.close();
  });

  it('asks about the selection of the terminal, and leaves the clipboard alone', async () => {
    const { page } = workbench;
    await page.evaluate(() => navigator.clipboard.writeText('kept for later'));
    await workbench.command('Terminal: Create New Terminal');
    const terminal = page.locator('.terminal-wrapper.active .xterm').first();
    await terminal.waitFor();
    await terminal.click();
    await page.keyboard.type('clear; echo "NoBerthError: no free berth is long enough"\n');
    await page.waitForTimeout(1_500);
    await workbench.command('Terminal: Select All');
    await workbench.contextAction(terminal, 'Ask About Terminal Selection');
    await until(
      async () => (await workbench.quickInput().inputValue()).includes('NoBerthError: no free berth'),
      'the question begins with the selection',
    );
    await workbench.shot('terminal-question');
    await workbench.quickInput().fill('Why “NoBerthError: no free berth is long enough”?');
    await page.keyboard.press('Enter');
    await workbench.answered('NoBerthError: no free berth');
    assert.ok((await workbench.foundPaths()).some((path) => path.includes('src/berths/booking.ts')));
    assert.equal(await page.evaluate(() => navigator.clipboard.readText()), 'kept for later');
    await workbench.shot('terminal-answer');
  });
});
