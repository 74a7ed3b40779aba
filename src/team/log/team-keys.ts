/**
 * Keys of a team. The secret names records without telling their text. Writers sign what they commit, and readers
 * list the writers they trust.
 */
import * as l10n from '@vscode/l10n';
import {
  createHmac,
  createPrivateKey,
  createPublicKey,
  generateKeyPairSync,
  type KeyObject,
  randomBytes,
  sign,
  verify,
} from 'node:crypto';
import { AppError } from '../../base';

/** Bytes of a secret, a record's key and a public key. */
export const KEY_BYTES = 32;
export const SIGNATURE_BYTES = 64;

const ALGORITHM = 'ed25519';
/** DER headers in front of the 32 bytes of a private and a public key (RFC 8410). */
const PRIVATE = Buffer.from('302e020100300506032b657004220420', 'hex');
const PUBLIC = Buffer.from('302a300506032b6570032100', 'hex');
/** The writer and the signature of an entry that nobody signed. */
export const UNSIGNED = new Uint8Array(KEY_BYTES);

/** Fresh keys as text, for `anchorage memory keys`. */
export function generateKeys(): { secret: string; signingKey: string; writer: string } {
  const { privateKey, publicKey } = generateKeyPairSync(ALGORITHM);
  const last = (der: Buffer): string => der.subarray(der.length - KEY_BYTES).toString('base64url');
  return {
    secret: randomBytes(KEY_BYTES).toString('base64url'),
    signingKey: last(privateKey.export({ format: 'der', type: 'pkcs8' })),
    writer: last(publicKey.export({ format: 'der', type: 'spki' })),
  };
}

/** @throws AppError unless the text is 32 bytes in base64url */
export function parseKey(text: string, what: string): Uint8Array {
  const bytes = Buffer.from(text.trim(), 'base64url');
  if (bytes.length !== KEY_BYTES || !/^[\w-]+=*$/.test(text.trim()))
    throw new AppError<'misconfigured'>(
      'misconfigured',
      l10n.t('This is not a key of 32 bytes: {0}.', what),
      l10n.t('Copy it again, as `anchorage memory keys` printed it.'),
    );
  return bytes;
}

/** Names records by a hash that only the team can compute. */
export class RecordNames {
  constructor(private readonly secret: Uint8Array) {}

  /** The shared key (32 bytes) of a local content key (hex). */
  keyOf(contentKey: string): Buffer {
    return createHmac('sha256', this.secret).update('record\0').update(contentKey, 'hex').digest();
  }

  /** A name (hex) for something of this team, such as a repository. */
  nameOf(kind: string, what: string): string {
    return createHmac('sha256', this.secret).update(`${kind}\0${what}`).digest('hex').slice(0, 32);
  }
}

/** Signs what this process commits. */
export class Signer {
  readonly writer: Uint8Array;
  private readonly key: KeyObject;

  constructor(signingKey: Uint8Array) {
    this.key = createPrivateKey({ key: Buffer.concat([PRIVATE, signingKey]), format: 'der', type: 'pkcs8' });
    const der = createPublicKey(this.key).export({ format: 'der', type: 'spki' });
    this.writer = new Uint8Array(der.subarray(der.length - KEY_BYTES));
  }

  sign(digest: Uint8Array): Uint8Array {
    return new Uint8Array(sign(null, digest, this.key));
  }
}

/** Decides whose entries count. */
export class Trust {
  private readonly keys = new Map<string, KeyObject>();

  constructor(
    writers: readonly Uint8Array[],
    private readonly allowUnsigned: boolean,
  ) {
    for (const writer of writers)
      this.keys.set(
        Buffer.from(writer).toString('hex'),
        createPublicKey({ key: Buffer.concat([PUBLIC, writer]), format: 'der', type: 'spki' }),
      );
  }

  /** Whether an entry counts: signed by a known writer, or unsigned where that is allowed. */
  accepts(digest: Uint8Array, writer: Uint8Array, signature: Uint8Array): boolean {
    if (writer.every((byte) => byte === 0)) return this.allowUnsigned;
    const key = this.keys.get(Buffer.from(writer).toString('hex'));
    // A store without trusted writers takes signed entries as it takes unsigned ones.
    if (!key) return this.allowUnsigned && this.keys.size === 0;
    return verify(null, digest, key, signature);
  }
}
