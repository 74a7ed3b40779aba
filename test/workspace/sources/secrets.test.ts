import { mkdirSync, mkdtempSync, readFileSync, realpathSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { WorkspaceFolders } from '../../../src/workspace/sources/folders';
import { isPrivateKey, SECRET_NAMES } from '../../../src/workspace/sources/secrets';
import { walk, WalkReport } from '../../../src/workspace/sources/walk';
import { whyFile } from '../../../src/workspace/sources/why';
import { disk, openWorkspace, paths } from '../opened-workspace';

let root: string;
let outside: string;
beforeEach(() => {
  root = realpathSync(mkdtempSync(join(tmpdir(), 'anchorage-secrets-')));
  outside = realpathSync(mkdtempSync(join(tmpdir(), 'anchorage-outside-')));
});
afterEach(() => {
  for (const directory of [root, outside]) rmSync(directory, { recursive: true, force: true });
});

interface Options {
  secrets?: boolean;
  followLinks?: boolean;
}

function put(path: string, text = 'TOKEN=1\n', below = root): void {
  mkdirSync(dirname(join(below, path)), { recursive: true });
  writeFileSync(join(below, path), text);
}

const folders = () => new WorkspaceFolders([{ name: 'work', directory: root }]);

async function walked(options: Options = {}): Promise<{ found: string[]; secret: number }> {
  const report = new WalkReport();
  const found: string[] = [];
  for await (const { path } of walk(folders(), { filesExclude: [], maxFileBytes: 1e6, ...options }, report))
    found.push(path);
  return { found, secret: report.skipped.get('secret') ?? 0 };
}

const why = (path: string, options: Options = {}) =>
  whyFile(join(root, path), folders(), { filesExclude: [], maxFileBytes: 1e6, ...options });

/** A path that each name of the table stands for. */
const EVERY = SECRET_NAMES.flatMap(({ names }) =>
  names.map((name) => (name.endsWith('/') ? `${name}inner` : name.replace('*', 'my'))),
);
const ORDINARY = [
  'env.ts',
  '.env.example',
  '.env.sample',
  'src/environment.env.ts',
  'id_rsa.pub',
  'secrets.ts',
  'src/credentials.ts',
  'kube/config',
  'docker/config.json',
  'keys.md',
  'example.tfvars',
  'app.npmrc.md',
];
const KEYS = [
  '-----BEGIN PRIVATE KEY-----\nMIIE\n',
  '-----BEGIN RSA PRIVATE KEY-----\nMIIE\n',
  '\uFEFF\n-----BEGIN OPENSSH PRIVATE KEY-----\nb3Bl\n',
  '-----BEGIN PGP PRIVATE KEY BLOCK-----\n',
  'PuTTY-User-Key-File-3: ssh-ed25519\n',
  '# created: 2026\n# public key: age1\nAGE-SECRET-KEY-1ABC\n',
];

describe('files that usually hold secrets', () => {
  it('are left out by name, counted, and named with their rule', async () => {
    for (const path of [...EVERY, '.ENV', 'deep/down/.env.production']) put(path);
    for (const path of ORDINARY) put(path);
    const { found, secret } = await walked();
    expect(found.sort()).toEqual([...ORDINARY].sort());
    expect(secret).toBeGreaterThanOrEqual(EVERY.length - 1);
    for (const path of EVERY) expect(why(path), path).toMatchObject({ indexed: false, rule: { line: 0 } });
    for (const path of ORDINARY) expect(why(path), path).toMatchObject({ indexed: true });
    expect(why('.env').reason).toMatch(/usually holds secrets \(\.env\)\. The setting anchorage\.index\.secrets/);
  });

  it('are indexed with the setting, or where .anchorageignore includes one; .gitignore cannot', async () => {
    for (const path of ['.env', 'my.pem', 'a.ts']) put(path);
    expect((await walked({ secrets: true })).found.sort()).toEqual(['.env', 'a.ts', 'my.pem']);
    expect(why('.env', { secrets: true }).indexed).toBe(true);
    put('.gitignore', '!.env\n');
    expect((await walked()).found).not.toContain('.env');
    put('.anchorageignore', '!.env\n');
    const { found } = await walked();
    expect(found).toContain('.env');
    expect(found).not.toContain('my.pem');
    expect(why('.env')).toMatchObject({ indexed: true });
  });

  it('are judged by their real path: no link of another name shows them', async () => {
    put('.env');
    put('id_rsa', 'key\n', outside);
    put('.ssh/config', 'Host\n', outside);
    symlinkSync('.env', join(root, 'notes.txt'));
    symlinkSync(join(outside, 'id_rsa'), join(root, 'other.txt'));
    symlinkSync(join(outside, '.ssh'), join(root, 'hosts'));
    for (const followLinks of [false, true]) {
      expect((await walked({ followLinks })).found).toEqual([]);
      for (const link of ['notes.txt', 'other.txt']) expect(why(link, { followLinks }).indexed, link).toBe(false);
    }
  });

  it('are known by how a private key begins, and code that quotes one is not a key', () => {
    for (const text of KEYS) expect(isPrivateKey(text), text).toBe(true);
    for (const text of [
      '-----BEGIN PUBLIC KEY-----\n',
      '-----BEGIN CERTIFICATE-----\n',
      "const key = '-----BEGIN PRIVATE KEY-----';\n",
      '# Keys\n\nA key begins with -----BEGIN PRIVATE KEY-----.\n',
    ])
      expect(isPrivateKey(text), text).toBe(false);
    put('deploy', KEYS[1]);
    expect(why('deploy')).toMatchObject({ indexed: false, reason: expect.stringMatching(/private key/) as string });
    expect(why('deploy', { secrets: true }).indexed).toBe(true);
  });
});

it('no search finds a secret, saved or typed, until the setting allows it', async () => {
  disk.put('.env', 'TOKEN=zzsecretq\n');
  const key = disk.put('deploy', '-----BEGIN PRIVATE KEY-----\nzzsecretq\n');
  disk.put('a.ts', '// zzplainq\n');
  const opened = await openWorkspace();
  await opened.start();
  expect(await paths(opened, 'zzplainq')).toEqual(['a.ts']);
  expect(await paths(opened, 'zzsecretq')).toEqual([]);
  await opened.setUnsaved(key, '-----BEGIN PRIVATE KEY-----\nzzsecretq typed\n');
  await opened.setUnsaved(join(disk.root, '.env'), 'TOKEN=zzsecretq typed\n');
  expect(await paths(opened, 'zzsecretq')).toEqual([]);
  expect(opened.status().skipped).toContainEqual({ reason: 'secret', files: 2 });
  await opened.setUnsaved(key, null);
  await opened.setSettings({ filesExclude: [], maxFileBytes: 1e6, secrets: true });
  expect((await paths(opened, 'zzsecretq')).sort()).toEqual(['.env', 'deploy']);
  await opened.setSettings({ filesExclude: [], maxFileBytes: 1e6 });
  expect(await paths(opened, 'zzsecretq')).toEqual([]);
});

it('the page lists every name of the table', () => {
  const page = readFileSync(join(process.cwd(), 'docs/how-to/secrets.md'), 'utf8');
  for (const { what, names, except = [] } of SECRET_NAMES) {
    expect(page).toContain(what);
    for (const name of [...names, ...except]) expect(page).toContain(`\`${name}\``);
  }
});
