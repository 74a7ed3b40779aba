import assert from 'node:assert/strict';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { after, before, describe, it } from 'mocha';
import type { Locator } from 'playwright-core';
import { writeAdapter, writeTinyCheckpoint } from '../../inference/checkpoints';
import { given, PATIENCE, shootFailures, until, Workbench } from './workbench';

const TRAINED = 128;

describe('the chosen model', () => {
  let workbench: Workbench;
  const folder = path.join(path.dirname(given.workspace), 'adapter-user');
  const model = path.join(folder, '..', 'small-model');
  const adapters = path.join(folder, '..', 'adapters-on-disk');
  const toast = (text: string | RegExp): Locator =>
    workbench.page.locator('.notification-toast', { hasText: text }).first();
  const seen = async (text: string | RegExp): Promise<void> => {
    await toast(text).waitFor({ timeout: 40_000 * PATIENCE });
  };

  before(async () => {
    writeTinyCheckpoint(model);
    const config = path.join(model, 'config.json');
    const stored = JSON.parse(readFileSync(config, 'utf8')) as object;
    writeFileSync(config, JSON.stringify({ ...stored, max_position_embeddings: TRAINED }));
    writeAdapter(path.join(adapters, 'harbour-style'), model);
    mkdirSync(path.join(folder, '.vscode'), { recursive: true });
    writeFileSync(path.join(folder, 'tides.md'), '# Tides\n\n' + 'High water follows the moon. '.repeat(30));
    writeFileSync(
      path.join(folder, '.vscode', 'settings.json'),
      JSON.stringify({ 'anchorage.model.directory': path.resolve(model) }),
    );
    workbench = await Workbench.open({ folder });
  });
  shootFailures();
  after(async () => {
    await workbench.close();
  });

  /** Enters a folder in the editor's own dialog. */
  async function pick(directory: string): Promise<void> {
    const { page } = workbench;
    const input = workbench.quickInput();
    await input.waitFor();
    const row = page.locator('.quick-input-widget .monaco-list-row', { hasText: path.basename(directory) });
    // The dialog names its first folder late, over what was typed.
    await until(async () => {
      if ((await input.inputValue()) !== directory) await input.fill(directory);
      await page.waitForTimeout(1_000);
      return (await input.inputValue()) === directory && (await row.count()) > 0;
    }, 'the folder is entered');
    // The dialog ignores the button while it reads the folder.
    const add = page.locator('.quick-input-widget:visible .monaco-button', { hasText: /^Add$/ }).first();
    await until(async () => {
      await add.click({ timeout: 1_000 }).catch(() => {});
      await page.waitForTimeout(500);
      return !(await add.isVisible());
    }, 'the folder is taken');
  }

  it('refuses an adapter of another model, with the reason', async () => {
    const other = path.join(adapters, 'of-another');
    mkdirSync(other, { recursive: true });
    writeFileSync(path.join(other, 'adapter_config.json'), JSON.stringify({ peft_type: 'IA3' }));
    await workbench.command('Anchorage: Add Adapter');
    await pick(other);
    await seen('IA3');
    await workbench.shot('adapter-refused');
    assert.ok(!existsSync(path.join(model, 'adapters', 'of-another')));
  });

  it('runs with an adapter that is added', async () => {
    await workbench.command('Anchorage: Add Adapter');
    await pick(path.join(adapters, 'harbour-style'));
    await seen('small-model now runs with harbour-style');
    await workbench.shot('adapter-added');
    assert.ok(existsSync(path.join(model, 'adapters', 'harbour-style', 'adapter_model.safetensors')));
  });

  it('gets a longer window, with progress', async () => {
    await workbench.command('Anchorage: Extend This Model');
    const row = workbench.page.locator('.quick-input-widget .monaco-list-row', { hasText: '2 times' }).first();
    await row.waitFor();
    await workbench.shot('window-factors');
    await row.click();
    await seen(/Extending the window of small-model[\s\S]*\d+ of \d+ trials/);
    await workbench.shot('window-extending');
    await seen(`small-model now reads ${2 * TRAINED} tokens at once`);
    await workbench.shot('window-extended');
    const stored = JSON.parse(readFileSync(path.join(model, 'rope_factors.json'), 'utf8')) as { default: string };
    assert.equal(stored.default, 'dcis-2x');
  });
});
