import assert from 'node:assert/strict';
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { after, before, describe, it } from 'mocha';
import type { Locator } from 'playwright-core';
import { serve, TestHub } from '../../hub/server';
import { gguf, u32 } from '../../engine/formats/gguf/gguf-bytes';
import { writeSlowCheckpoint } from '../../inference/checkpoints';
import { given, PATIENCE, shootFailures, until, Workbench } from './workbench';

/**
 * Delay of a hub's response in milliseconds. The editor hides a notification that follows three others within 0.8 s.
 */
const MOMENT = 1_500;

describe('models', () => {
  let workbench: Workbench;
  let hub: TestHub;
  let settings: string;
  const folder = path.join(path.dirname(given.workspace), 'model-user');
  const toast = (text: string): Locator => workbench.page.locator('.notification-toast', { hasText: text });
  const row = (text: string): Locator =>
    workbench.page.locator('.quick-input-widget .monaco-list-row', { hasText: text }).first();
  /** Types a name into the open list, because the list draws only the rows in view, and waits for its row. */
  const sought = async (text: string): Promise<Locator> => {
    await workbench.quickInput().fill(text);
    await row(text).waitFor();
    return row(text);
  };
  const chosen = (): unknown => {
    const text = readFileSync(settings, 'utf8');
    return text === '' ? 'being written' : (JSON.parse(text) as Record<string, unknown>)['anchorage.model.directory'];
  };

  before(async function () {
    this.timeout(120_000 * PATIENCE);
    const model = path.join(path.dirname(given.workspace), 'published-model');
    writeSlowCheckpoint(model, { layers: 2 });
    hub = await new TestHub().start();
    for (const name of readdirSync(model))
      if (/\.(json|safetensors)$/.test(name)) hub.files.set(name, readFileSync(path.join(model, name)));
    mkdirSync(path.join(folder, '.vscode'), { recursive: true });
    settings = path.join(folder, '.vscode', 'settings.json');
    writeFileSync(path.join(folder, 'quay.ts'), 'export const quay = 1;\n');
    // The workspace has the setting, so the choice changes it there.
    writeFileSync(settings, JSON.stringify({ 'anchorage.model.hub': hub.endpoint, 'anchorage.model.directory': '' }));
    workbench = await Workbench.open({ folder });
  });
  shootFailures();
  after(async () => {
    await workbench.close();
    await hub.stop();
  });

  /** Enters the name of a hub model that is not in the catalogue. */
  async function nameModel(): Promise<void> {
    await workbench.command('Anchorage: Download Model');
    await row('SmolLM2 135M').waitFor();
    await workbench.quickInput().fill('Another');
    await row('Another Model').click();
    await workbench.fillBox('[placeholder="owner/name"]', 'harbour/tiny');
  }

  /** Goes to the dialog that asks for the download. */
  async function asked(): Promise<Locator> {
    await nameModel();
    const dialog = workbench.page.locator('.monaco-dialog-box');
    await dialog.waitFor();
    return dialog;
  }

  it('are offered with licence, size and memory needed, and downloads need a confirmation', async () => {
    await workbench.command('Anchorage: Download Model');
    await row('SmolLM2 135M').waitFor();
    assert.match(
      await row('SmolLM2 135M').innerText(),
      /Apache-2\.0 · [\d.]+ MB download · [\d.]+ MB of memory needed/,
    );
    await workbench.shot('models-offered');
    await workbench.page.keyboard.press('Escape');
    const dialog = await asked();
    const text = await dialog.innerText();
    assert.match(text, /harbour\/tiny/);
    assert.match(text, /Licence: mit/);
    assert.match(text, /Download: [\d.]+ [KM]B in \d files/);
    assert.match(text, /Memory needed: about [\d.]+ MB/);
    assert.match(text, /From: 127\.0\.0\.1/);
    await workbench.shot('model-asked');
    await dialog.locator('.monaco-button', { hasText: 'Cancel' }).click();
    assert.ok(
      hub.requests.every(({ url }) => url.startsWith('/api/')),
      'only the description was asked for',
    );
  });

  it('stop downloading when cancelled, and resume later', async () => {
    // The hub sends half of the weights and then stalls.
    hub.misbehave = (request, response, bytes) => {
      if (!request.url?.endsWith('.safetensors') || request.headers.range) return false;
      response.writeHead(200, { 'content-length': bytes.length }).write(bytes.subarray(0, bytes.length >> 1));
      return true;
    };
    await (await asked()).locator('.monaco-button', { hasText: /^Download$/ }).click();
    const progress = toast('Downloading harbour/tiny');
    await until(async () => /\d+% · /.test(await progress.innerText().catch(() => '')), 'progress is shown', 20_000);
    await workbench.shot('model-downloading');
    await progress.getByRole('button', { name: 'Cancel' }).click();
    await toast('The download was stopped').waitFor();

    hub.misbehave = (request, response, bytes) => {
      if (!request.url?.endsWith('.safetensors')) return false;
      setTimeout(() => serve(request, response, bytes), MOMENT);
      return true;
    };
    await (await asked()).locator('.monaco-button', { hasText: /^Download$/ }).click();
    await toast('harbour--tiny is installed')
      .getByRole('button', { name: 'Use It' })
      .click({ timeout: 30_000 * PATIENCE });
    const ranges = hub.ranges('model.safetensors');
    assert.deepEqual([ranges[0], ranges.length], [undefined, 2]);
    assert.match(ranges[1] ?? '', /^bytes=[1-9]\d*-$/);
    await until(async () => String(chosen()).endsWith('harbour--tiny'), 'the model is chosen');
  });

  it('show the model that writes answers, and can be deselected and removed', async () => {
    // The editor reads the settings file a moment after it is written.
    await until(async () => {
      await workbench.command('Anchorage: Choose Model');
      await row('harbour--tiny').waitFor();
      if (/in use[\s\S]* · mit · from harbour\/tiny/.test(await row('harbour--tiny').innerText())) return true;
      await workbench.page.keyboard.press('Escape');
      return false;
    }, 'the list marks the chosen model');
    await workbench.shot('models-installed');
    await row('No Model').click();
    await until(async () => !chosen(), 'none is chosen');
    await workbench.command('Anchorage: Choose Model');
    await row('harbour--tiny').click();
    await until(async () => String(chosen()).endsWith('harbour--tiny'), 'it is chosen again');

    await workbench.command('Anchorage: Remove Model');
    await row('harbour--tiny').click();
    await workbench.page.locator('.monaco-dialog-box .monaco-button', { hasText: /^Remove$/ }).click();
    await toast('harbour--tiny removed').waitFor();
    await until(async () => !chosen(), 'the removed model is not chosen');
    await workbench.command('Anchorage: Remove Model');
    await toast('No models are installed').waitFor();
  });

  it('of other programs are listed where they are, with size, licence and speed', async () => {
    const blob = 'a'.repeat(64);
    const put = (file: string, bytes: Uint8Array | string): string => {
      mkdirSync(path.dirname(path.join(given.home, file)), { recursive: true });
      writeFileSync(path.join(given.home, file), bytes);
      return path.join(given.home, file);
    };
    const described = (architecture: string, licence: string): Uint8Array =>
      gguf(
        {
          'general.architecture': architecture,
          'general.license': licence,
          [`${architecture}.embedding_length`]: u32(896),
          [`${architecture}.block_count`]: u32(24),
          [`${architecture}.feed_forward_length`]: u32(4864),
          [`${architecture}.attention.head_count`]: u32(14),
          [`${architecture}.attention.head_count_kv`]: u32(2),
        },
        [],
      );
    const store = put(`.ollama/models/blobs/sha256-${blob}`, described('qwen2', 'apache-2.0'));
    put(
      '.ollama/models/manifests/registry.ollama.ai/library/qwen2.5-coder/0.5b',
      JSON.stringify({ layers: [{ mediaType: 'application/vnd.ollama.image.model', digest: `sha256:${blob}` }] }),
    );
    put('.lmstudio/models/lmstudio-community/Tiny-GGUF/Tiny-Q4_K_M.gguf', described('llama', 'mit'));
    put('.cache/llama.cpp/ggml-org_odd.gguf', described('mamba', 'mit'));
    const snapshot = '.cache/huggingface/hub/models--harbour--tiny/snapshots/1';
    for (const [name, bytes] of hub.files) put(`${snapshot}/${name}`, bytes);
    await workbench.command('Anchorage: Choose Model');
    await row('Download').waitFor();
    const name = 'qwen2.5-coder:0.5b';
    assert.match(
      await (await sought(name)).innerText(),
      /Ollama[\s\S]*apache-2\.0 · about [\d.]+ words a second · Fast\./,
    );
    await sought('Tiny-Q4_K_M');
    await sought('harbour/tiny');
    assert.match(await (await sought('ggml-org_odd')).innerText(), /does not run this kind of model \(mamba\)/);
    await workbench.quickInput().fill('');
    await row('recommended for this machine').waitFor();
    assert.match(
      await workbench.page.locator('.quick-input-widget .monaco-list-row').first().innerText(),
      /Download [\s\S]*recommended for this machine/,
    );
    await workbench.shot('models-on-this-machine');
    await (await sought(name)).click();
    await until(async () => chosen() === store, 'the file itself is chosen');
    await until(async () => {
      await workbench.command('Anchorage: Choose Model');
      if (/in use/.test(await (await sought(name)).innerText())) return true;
      await workbench.page.keyboard.press('Escape');
      return false;
    }, 'the list marks the chosen file');
    await (await sought('No Model')).click();
    await until(async () => !chosen(), 'none is chosen');
  });

  it('request a token if they need one, and send it to this hub', async () => {
    hub.misbehave = (request, response, bytes) => {
      if (request.headers.authorization === 'Bearer secret-of-the-harbour') serve(request, response, bytes);
      else setTimeout(() => response.writeHead(403).end(), MOMENT);
      return true;
    };
    await nameModel();
    await toast('access refused').getByRole('button', { name: 'Set Access Token' }).click();
    await workbench.fillBox('[type="password"]', 'secret-of-the-harbour');
    await toast('Access token for').waitFor();
    const dialog = await asked();
    await dialog.locator('.monaco-button', { hasText: 'Cancel' }).click();
    assert.ok(!readFileSync(settings, 'utf8').includes('secret-of-the-harbour'));
  });
});
