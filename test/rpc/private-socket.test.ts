import { chmodSync, mkdirSync, mkdtempSync, rmSync, statSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { PROTOCOL_VERSION, type InitializeParams } from '../../src/protocol';
import { privateSocket } from '../../src/rpc';
import { SETTINGS } from '../worker/harness';

let directory: string;
beforeEach(() => (directory = mkdtempSync(join(tmpdir(), 'anchorage-socket-'))));
afterEach(() => rmSync(directory, { recursive: true, force: true }));

const params = (more: Partial<InitializeParams> = {}): InitializeParams => ({
  protocolVersion: PROTOCOL_VERSION,
  folders: [{ name: 'work', directory: '/work' }],
  storageDirectory: join(directory, 'storage'),
  modelsDirectory: join(directory, 'models'),
  settings: SETTINGS,
  trusted: true,
  ...more,
});
const env = (): NodeJS.ProcessEnv => ({ XDG_RUNTIME_DIR: join(directory, 'runtime') });

test('lies in a folder of the storage that only the user may enter', () => {
  const path = privateSocket(params(), '1') ?? '';
  expect(path.startsWith(join(directory, 'storage', 'run'))).toBe(true);
  expect(statSync(join(path, '..')).mode & 0o777).toBe(0o700);
});

test('has a short path below the runtime folder where the storage’s is too long', () => {
  const storageDirectory = join(directory, 'deep'.repeat(30));
  const path = privateSocket(params({ storageDirectory }), '1', { env: env() }) ?? '';
  expect(path.startsWith(join(directory, 'runtime'))).toBe(true);
  expect(privateSocket(params(), '1')).not.toBe(path);
});

test.each(['others may enter', 'is a link'])('no socket is made in a folder that %s', (kind) => {
  const storageDirectory = join(directory, 'deep'.repeat(30));
  const folder = join(directory, 'runtime', `anchorage-${process.getuid?.()}`);
  mkdirSync(join(directory, 'runtime'));
  if (kind === 'is a link') symlinkSync(directory, folder);
  else {
    mkdirSync(folder);
    chmodSync(folder, 0o755);
  }
  expect(privateSocket(params({ storageDirectory }), '1', { env: env() })).toBeUndefined();
});

describe('another socket', () => {
  test.each<[string, Partial<InitializeParams>, string]>([
    ['version', {}, '2'],
    ['folders', { folders: [{ name: 'work', directory: '/other' }] }, '1'],
    ['rules', { settings: { ...SETTINGS, filesExclude: ['**/two'] } }, '1'],
    ['secrets', { settings: { ...SETTINGS, secrets: true } }, '1'],
    ['model', { settings: { ...SETTINGS, modelDirectory: '/model' } }, '1'],
    ['language', { strings: { Cancelled: 'Abgebrochen' } }, '1'],
  ])('for another %s', (_, more, version) => {
    expect(privateSocket(params(more), version)).not.toBe(privateSocket(params(), '1'));
  });
});

test('the same socket whatever the order of the rules, and for an editor’s folder with the same ones', () => {
  const filesExclude = ['**/one', '**/two'];
  const first = privateSocket(params({ settings: { ...SETTINGS, filesExclude } }), '1');
  const folders = [{ name: 'work', directory: '/work', filesExclude: [...filesExclude].reverse() }];
  expect(privateSocket(params({ settings: { ...SETTINGS, filesExclude }, folders }), '1')).toBe(first);
});
