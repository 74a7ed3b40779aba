import assert from 'node:assert/strict';
import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { after, before, describe, it } from 'mocha';
import { FakeServer } from '../../inference/server/fake-server';
import { given, PATIENCE, shootFailures, until, Workbench } from './workbench';

describe('@anchorage in the chat', () => {
  let workbench: Workbench;
  let server: FakeServer;
  const folder = path.join(path.dirname(given.workspace), 'chat-user');
  const settings = path.join(folder, '.vscode', 'settings.json');
  const setServer = (address: string): void =>
    writeFileSync(settings, JSON.stringify(address ? { 'anchorage.model.server': address } : {}));

  before(async function () {
    this.timeout(120_000 * PATIENCE);
    server = await new FakeServer().start();
    mkdirSync(path.dirname(settings), { recursive: true });
    setServer('');
    writeFileSync(
      path.join(folder, 'quay.ts'),
      '/** Moors a ship at the quay and returns its berth. */\nexport function moorShip(name: string): number {\n  return name.length % 7;\n}\n',
    );
    workbench = await Workbench.open({ folder });
  });
  shootFailures();
  after(async () => {
    await workbench.close();
    await server.stop();
  });

  const responses = () => workbench.page.locator('.interactive-session .interactive-response');

  /** Sends a message in the chat, and waits for the end of the answer. */
  async function send(message: string, shows: RegExp): Promise<string> {
    const before = await responses().count();
    await workbench.command('Chat: Open Chat');
    const input = workbench.page.locator('.interactive-session .interactive-input-editor .view-lines').last();
    await input.waitFor();
    await input.click();
    await workbench.page.keyboard.type(message);
    await workbench.page.keyboard.press('Escape');
    await workbench.page.keyboard.press('Enter');
    await until(
      async () => (await responses().count()) > before && shows.test(await responses().last().innerText()),
      `an answer to “${message}” that matches ${shows}`,
      45_000,
    );
    return responses().last().innerText();
  }

  it('answers with quotes, without an account, a network or a model', async () => {
    const text = await send('@anchorage which function moors a ship?', /moorShip/);
    await workbench.shot('chat-quotes');
    assert.match(text, /quay\.ts/);
    assert.ok(!/Language model unavailable/.test(text));
  });
});
