/** Credentials of S3 from where its other clients find them: the environment and the usual files. */
import { readFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';

export interface S3Credentials {
  accessKeyId: string;
  secretAccessKey: string;
  sessionToken?: string;
}

export interface FoundCredentials {
  credentials?: S3Credentials;
  region?: string;
}

type Environment = Readonly<Record<string, string | undefined>>;

/**
 * Looks in the environment (`AWS_ACCESS_KEY_ID` …), then in `~/.aws/credentials` and `~/.aws/config` under
 * `AWS_PROFILE`.
 */
export async function findCredentials(env: Environment = process.env): Promise<FoundCredentials> {
  const profile = env['AWS_PROFILE'] ?? 'default';
  const folder = join(env['HOME'] ?? env['USERPROFILE'] ?? homedir(), '.aws');
  const [secrets, config] = await Promise.all([
    readIni(env['AWS_SHARED_CREDENTIALS_FILE'] ?? join(folder, 'credentials')),
    readIni(env['AWS_CONFIG_FILE'] ?? join(folder, 'config')),
  ]);
  const inFiles = { ...config.get(profile === 'default' ? profile : `profile ${profile}`), ...secrets.get(profile) };
  const credentials =
    credentialsOf({
      aws_access_key_id: env['AWS_ACCESS_KEY_ID'],
      aws_secret_access_key: env['AWS_SECRET_ACCESS_KEY'],
      aws_session_token: env['AWS_SESSION_TOKEN'],
    }) ?? credentialsOf(inFiles);
  const region = env['AWS_REGION'] ?? env['AWS_DEFAULT_REGION'] ?? inFiles['region'];
  return { ...(credentials ? { credentials } : {}), ...(region ? { region } : {}) };
}

function credentialsOf(from: Environment): S3Credentials | undefined {
  const { aws_access_key_id: accessKeyId, aws_secret_access_key: secretAccessKey, aws_session_token: token } = from;
  if (!accessKeyId || !secretAccessKey) return undefined;
  return { accessKeyId, secretAccessKey, ...(token ? { sessionToken: token } : {}) };
}

/** Reads `[section]` and `name = value` lines. A missing file has no sections. */
async function readIni(file: string): Promise<Map<string, Record<string, string>>> {
  const sections = new Map<string, Record<string, string>>();
  const text = await readFile(file, 'utf8').catch(() => '');
  let section: Record<string, string> = {};
  for (const line of text.split(/\r?\n/)) {
    const [, title] = /^\s*\[\s*([^\]]+?)\s*\]/.exec(line) ?? [];
    const [, name, value] = /^\s*([^#;=\s]+)\s*=\s*(.*?)\s*$/.exec(line) ?? [];
    if (title !== undefined) sections.set(title, (section = sections.get(title) ?? {}));
    else if (name !== undefined && value !== undefined) section[name.toLowerCase()] = value;
  }
  return sections;
}
