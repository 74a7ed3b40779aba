import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { normalized } from '../../src/app/team/team-index';
import { commitIndex, type IndexPlace, takeIndex } from '../../src/team/index-snapshot';
import { encodeEntry, EntryKind } from '../../src/team/log/entry';
import { RecordNames, Signer, Trust } from '../../src/team/log/team-keys';
import { PatientStore } from '../../src/team/objects/patient-store';
import { MemoryObjects } from './memory-objects';
import { QUICK, SECRET, SIGNING_KEY } from './workers';

let directory: string;
let objects: MemoryObjects;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'anchorage-snapshot-'));
  objects = new MemoryObjects();
  mkdirSync(join(directory, 'own/lexical'), { recursive: true });
  writeFileSync(join(directory, 'own/documents.log'), 'records');
  writeFileSync(join(directory, 'own/lexical/lexical-1.pack'), Buffer.alloc(20 << 20, 7));
  writeFileSync(join(directory, 'own/empty'), '');
});
afterEach(() => rmSync(directory, { recursive: true, force: true }));

const FILES = ['documents.log', 'lexical/lexical-1.pack', 'empty'];
const place = (own: Partial<IndexPlace> = {}): IndexPlace => ({
  store: new PatientStore(objects, QUICK),
  names: new RecordNames(SECRET),
  trust: new Trust([new Signer(SIGNING_KEY).writer], false),
  signer: new Signer(SIGNING_KEY),
  version: 'index 1',
  repository: 'github.com/team/product',
  ...own,
});
const commit = () => commitIndex(place(), join(directory, 'own'), FILES);
const take = (own: Partial<IndexPlace> = {}) => takeIndex(place(own), join(directory, 'taken'));

describe('the index in a team’s store', () => {
  it('arrives whole in another directory', async () => {
    expect(await commit()).toEqual({ bytes: (20 << 20) + 7, written: (20 << 20) + 7 });
    expect(await take()).toEqual({ bytes: (20 << 20) + 7 });
    for (const file of FILES)
      expect(readFileSync(join(directory, 'taken', file)).equals(readFileSync(join(directory, 'own', file)))).toBe(
        true,
      );
  });

  it('is written again only where it has changed', async () => {
    await commit();
    expect(await commit()).toMatchObject({ written: 0 });
    expect(objects.names('log')).toHaveLength(1);
    writeFileSync(join(directory, 'own/documents.log'), 'records and more');
    expect(await commit()).toMatchObject({ written: 16 });
    expect(objects.names('log')).toHaveLength(2);
    await take();
    expect(readFileSync(join(directory, 'taken/documents.log'), 'utf8')).toBe('records and more');
  });

  it('is not taken for another repository, format, secret or by a stranger’s word', async () => {
    await commit();
    expect(await take({ repository: 'github.com/team/other' })).toBeUndefined();
    expect(await take({ version: 'index 2' })).toBeUndefined();
    expect(await take({ names: new RecordNames(new Uint8Array(32)) })).toBeUndefined();
    expect(await take({ trust: new Trust([new Uint8Array(32).fill(3)], false) })).toBeUndefined();
  });

  it('falls back to the one before when chunks are damaged or gone, and leaves nothing half', async () => {
    await commit();
    writeFileSync(join(directory, 'own/documents.log'), 'newer');
    const before = new Set(objects.names('cas'));
    await commit();
    for (const name of objects.names('cas')) if (!before.has(name)) objects.flip(name, 0);
    await take();
    expect(readFileSync(join(directory, 'taken/documents.log'), 'utf8')).toBe('records');
    rmSync(join(directory, 'taken'), { recursive: true });
    for (const name of objects.names('cas')) objects.objects.delete(name);
    expect(await take()).toBeUndefined();
    expect(() => readFileSync(join(directory, 'taken/documents.log'))).toThrow();
  });

  it.each(['../outside', '/etc/passwd', 'lexical/../../outside', 'a\\b'])('never writes to %s', async (path) => {
    await commit();
    const [name] = objects.names('log');
    const [version, , log] = String(name).split('/');
    const body = new TextEncoder().encode(JSON.stringify({ files: [{ path, bytes: 0, chunks: [] }] }));
    const entry = encodeEntry(EntryKind.Files, body, `${version}/${log}/1`, new Signer(SIGNING_KEY));
    await objects.put(`${version}/log/${log}/00000001`, entry);
    await take();
    expect(readFileSync(join(directory, 'taken/documents.log'), 'utf8')).toBe('records');
  });
});

it('knows a repository by any of its addresses', () => {
  for (const url of [
    'https://github.com/Team/Product.git',
    'git@github.com:team/product.git',
    'ssh://git@github.com/team/product',
    'https://user:token@github.com/team/product/',
  ])
    expect(normalized(url)).toBe('github.com/team/product');
});
