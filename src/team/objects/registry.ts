/** The kinds of object stores by the scheme of their address. To add one: docs/how-to/add-an-object-store.md. */
import * as l10n from '@vscode/l10n';
import { fileURLToPath } from 'node:url';
import { findCredentials, type S3Credentials } from './aws-credentials';
import { FileStore } from './file-store';
import { type ObjectStore, ObjectStoreError } from './object-store';
import { S3Store } from './s3-store';

/** Opens the store of an address. @throws ObjectStoreError('misconfigured') */
export type OpenObjectStore = (address: URL, credentials: S3Credentials | undefined) => Promise<ObjectStore>;

const DEFAULT_REGION = 'us-east-1';

export const OBJECT_STORES: Readonly<Record<string, OpenObjectStore>> = {
  's3:': async (address, given) => {
    const found = await findCredentials();
    const credentials = given ?? found.credentials;
    if (!credentials)
      throw new ObjectStoreError(
        'misconfigured',
        l10n.t('There are no credentials for {0}.', `s3://${address.host}`),
        l10n.t(
          'Set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, use ~/.aws/credentials, or run “Set Keys of the Team’s Memory”.',
        ),
      );
    const endpoint = address.searchParams.get('endpoint');
    if (endpoint !== null && !/^https?:\/\//.test(endpoint))
      throw new ObjectStoreError('misconfigured', l10n.t('The endpoint “{0}” is no http or https address.', endpoint));
    return new S3Store({
      bucket: address.host,
      prefix: decodeURIComponent(address.pathname).replace(/^\/+|\/+$/g, ''),
      region: address.searchParams.get('region') ?? found.region ?? DEFAULT_REGION,
      ...(endpoint === null ? {} : { endpoint }),
      credentials,
    });
  },
  'file:': (address) => {
    const place = new URL(address);
    place.search = '';
    return Promise.resolve(new FileStore(fileURLToPath(place)));
  },
};

/** The schemes that an address may have, for messages. */
export const schemes = (): string =>
  Object.keys(OBJECT_STORES)
    .map((scheme) => `${scheme}//`)
    .join(' or ');
