/**
 * Files that usually hold secrets: keys, passwords, tokens. They are not indexed unless `anchorage.index.secrets` is
 * on, so that no answer quotes them and no language model reads them (docs/how-to/secrets.md).
 */
import { basename } from 'node:path';
import type { Rule } from './ignore-file';

export const SECRETS_SETTING = 'anchorage.index.secrets';

/** Names of files, with `*` for any characters and at most one folder before the name. A final `/` names a folder. */
export const SECRET_NAMES: readonly { what: string; names: readonly string[]; except?: readonly string[] }[] = [
  {
    what: 'environment files',
    names: ['.env', '.env.*', '*.env', '.envrc'],
    except: ['.env.example', '.env.*.example', '.env.sample', '.env.template', '.env.dist', '.env.defaults'],
  },
  {
    what: 'private keys',
    names: ['id_rsa', 'id_dsa', 'id_ecdsa', 'id_ecdsa_sk', 'id_ed25519', 'id_ed25519_sk', '*.pem', '*.key', '*.ppk'],
  },
  { what: 'key stores', names: ['*.p12', '*.pfx', '*.jks', '*.keystore', '*.kdbx', '*.keychain', '.ssh/', '.gnupg/'] },
  {
    what: 'credentials of package registries',
    names: ['.npmrc', '.pypirc', '.gem/credentials', '.cargo/credentials', '.cargo/credentials.toml', 'auth.json'],
  },
  {
    what: 'credentials of hosts and version control',
    names: [
      '.netrc',
      '_netrc',
      '.git-credentials',
      '.htpasswd',
      '.pgpass',
      '.my.cnf',
      '.vault-token',
      '.s3cfg',
      '.boto',
    ],
  },
  {
    what: 'credentials of clouds and containers',
    names: [
      '.aws/credentials',
      '.azure/accessTokens.json',
      '.azure/msal_token_cache.json',
      '.kube/config',
      'kubeconfig',
      '*.kubeconfig',
      '.docker/config.json',
      '.dockercfg',
      '.dockerconfigjson',
      'application_default_credentials.json',
      'credentials.json',
      'client_secret*.json',
      'service-account*.json',
      'service_account*.json',
      'rclone.conf',
      'terraform.tfstate',
      'terraform.tfstate.*',
      '*.tfvars',
    ],
    except: ['example.tfvars', '*.example.tfvars'],
  },
  { what: 'lists of secrets', names: ['secrets.json', 'secrets.yml', 'secrets.yaml', 'secrets.toml', '.secrets'] },
];

/** How a file of a private key begins, in whichever file it stands: PEM, OpenSSH, PGP, PuTTY, age. */
const PRIVATE_KEY =
  /^\uFEFF?\s*(?:-----BEGIN (?:[A-Z0-9]+ )*PRIVATE KEY(?: BLOCK)?-----|PuTTY-User-Key-File-\d|(?:#.*\n)*AGE-SECRET-KEY-1)/;
const HEAD_CHARACTERS = 2_048;

interface Pattern {
  written: string;
  matches: RegExp;
  /** Name of the folder that the file must be in. */
  parent?: string;
}

const compiled = SECRET_NAMES.map(({ names, except = [] }) => ({
  files: names.filter((name) => !name.endsWith('/')).map(compile),
  folders: names.filter((name) => name.endsWith('/')).map((name) => ({ ...compile(name.slice(0, -1)), written: name })),
  except: except.map(compile),
}));

/** Names of systems that ignore case are compared without it everywhere: `.ENV` is as secret as `.env`. */
function compile(written: string): Pattern {
  const slash = written.indexOf('/');
  const name = written.slice(slash + 1).replace(/[.+?^${}()|[\]\\]/g, '\\$&');
  return {
    written,
    matches: new RegExp(`^${name.replace(/\*/g, '.*')}$`, 'is'),
    ...(slash > 0 ? { parent: written.slice(0, slash) } : {}),
  };
}

/** The rule by which an entry of a directory counts as secret; undefined when none does. */
export function secretRule(directory: string, name: string, isDirectory: boolean): Rule | undefined {
  for (const { files, folders, except } of compiled) {
    const found = (isDirectory ? folders : files).find(
      ({ matches, parent }) =>
        matches.test(name) && (parent === undefined || basename(directory).toLowerCase() === parent.toLowerCase()),
    );
    if (found && !except.some(({ matches }) => matches.test(name)))
      return { file: SECRETS_SETTING, line: 0, pattern: found.written };
  }
  return undefined;
}

/** Whether a text is a private key, whatever its file is called. Code that only quotes one is not. */
export function isPrivateKey(text: string): boolean {
  return PRIVATE_KEY.test(text.slice(0, HEAD_CHARACTERS));
}
