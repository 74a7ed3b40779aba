import { describe, expect, it } from 'vitest';
import { generateKeys, parseKey, Signer } from '../../src/team/log/team-keys';
import { openPlace, shownAddress } from '../../src/team/team-settings';

const { secret, signingKey, writer } = generateKeys();
const env = { XDG_CONFIG_HOME: '/nowhere', ANCHORAGE_MEMORY_SECRET: secret };
const open = (address: string, more: Record<string, string> = {}) => openPlace({ address }, { ...env, ...more });

describe('the address of a team’s memory', () => {
  it('lets a reader read and a known writer write', async () => {
    expect(await open(`file:///team?writers=${writer}`)).toMatchObject({ mayWrite: false, editorsWrite: false });
    const writing = { ANCHORAGE_MEMORY_SIGNING_KEY: signingKey };
    expect(await open(`file:///team?writers=${writer}`, writing)).toMatchObject({
      mayWrite: true,
      editorsWrite: false,
    });
    expect(await open(`file:///team?writers=${writer}&write=yes`, writing)).toMatchObject({ editorsWrite: true });
    const stranger = { ANCHORAGE_MEMORY_SIGNING_KEY: generateKeys().signingKey };
    expect(await open(`file:///team?writers=${writer}&write=yes`, stranger)).toMatchObject({
      mayWrite: false,
      editorsWrite: false,
    });
  });

  it.each([
    ['nonsense', 'begins with s3:// or file://'],
    ['http://host/path', 'begins with s3:// or file://'],
    ['file:///team', 'names no writer'],
    ['file:///team?writers=short', 'not a key of 32 bytes'],
  ])('says what is wrong with %s', async (address, message) => {
    const error = await open(address).catch((reason: unknown) => reason as Error & { hint?: string });
    expect(`${(error as Error).message} ${(error as { hint?: string }).hint}`).toContain(message);
  });

  it('needs a secret, and prefers the editor’s keys to the environment’s', async () => {
    await expect(
      openPlace({ address: `file:///t?writers=${writer}` }, { XDG_CONFIG_HOME: '/nowhere' }),
    ).rejects.toThrow('secret');
    const other = generateKeys();
    const place = await openPlace({ address: `file:///t?writers=${writer}`, keys: { secret: other.secret } }, env);
    const mine = await open(`file:///t?writers=${writer}`);
    expect(place.names.nameOf('a', 'b')).not.toBe(mine.names.nameOf('a', 'b'));
  });

  it('is shown without its parameters', () => {
    expect(shownAddress(`s3://bucket/prefix?writers=${writer}`)).toBe('s3://bucket/prefix');
  });
});

it('derives the public key that the address names', () => {
  const signer = new Signer(parseKey(signingKey, 'key'));
  expect(Buffer.from(signer.writer).toString('base64url')).toBe(writer);
});
