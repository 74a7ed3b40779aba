import { homedir } from 'node:os';
import { dirname, isAbsolute, join, resolve } from 'node:path';
import { globMatcher } from './glob';
import { readSmallText } from './regular-file';

/** One `key = value` of a git configuration file, in the syntax of git-config(1). */
export interface ConfigEntry {
  /** `section.name` or `section.Sub.Section.name`; section and name in lower case. */
  key: string;
  value: string;
}

/** Parses the entries of a configuration file in order. Parsing ends at a line that git would reject. */
export function parseGitConfig(text: string): ConfigEntry[] {
  const entries: ConfigEntry[] = [];
  let section = '';
  let rest = text.replace(/^\uFEFF/, '').replace(/\r\n/g, '\n');
  for (;;) {
    rest = rest.replace(/^(?:\s|[#;].*)+/, '');
    if (rest === '') return entries;
    const header = /^\[([-.\w]+)(?:[ \t]+"((?:\\.|[^"\\\n])*)")?\]/.exec(rest);
    if (header) {
      const [whole, name = '', sub] = header;
      section = sub === undefined ? name.toLowerCase() : `${name.toLowerCase()}.${sub.replace(/\\(.)/g, '$1')}`;
      rest = rest.slice(whole.length);
      continue;
    }
    const name = /^[a-z][-a-z\d]*/i.exec(rest)?.[0];
    if (name === undefined || section === '') return entries;
    const { value, length } = readValue(rest.slice(name.length));
    if (value === undefined) return entries;
    entries.push({ key: `${section}.${name.toLowerCase()}`, value });
    rest = rest.slice(name.length + length);
  }
}

const ESCAPES: Readonly<Record<string, string>> = { '\\': '\\', '"': '"', n: '\n', t: '\t', b: '\b' };

/**
 * Reads the value after a name, up to the end of its (possibly continued) line. No value where git would reject it;
 * "true" where only the name is written.
 */
function readValue(text: string): { value?: string; length: number } {
  const equals = /^[ \t]*=[ \t]*/.exec(text)?.[0];
  if (equals === undefined) {
    const alone = /^[ \t]*(?:[#;].*)?(?=\n|$)/.exec(text)?.[0];
    return alone === undefined ? { length: 0 } : { value: 'true', length: alone.length };
  }
  let value = '';
  // White space at the end is not part of the value unless it is quoted.
  let kept = 0;
  let quoted = false;
  for (let at = equals.length; ; at++) {
    const character = text[at];
    if (character === undefined || character === '\n')
      return quoted ? { length: at } : { value: value.slice(0, kept), length: at };
    if (character === '"') {
      quoted = !quoted;
    } else if (character === '\\') {
      const next = text[++at] ?? '';
      if (next === '\n') continue;
      const escaped = ESCAPES[next];
      if (escaped === undefined) return { length: at };
      value += escaped;
    } else if (!quoted && (character === '#' || character === ';')) {
      const end = text.indexOf('\n', at);
      return { value: value.slice(0, kept), length: end < 0 ? text.length : end };
    } else {
      value += character;
      if (!quoted && /\s/.test(character)) continue;
    }
    kept = value.length;
  }
}

/** Maximum size of a configuration file in bytes. */
const MAX_CONFIG_BYTES = 1 << 20;

/** Maximum depth of includes, as in git. */
const MOST_DEPTH = 10;

/**
 * Returns the file that `core.excludesFile` names for a repository. Like git, it reads the system, user and repository
 * files in this order, and the last value wins. Without a value it is the user's `git/ignore`. Undefined for an empty
 * value. Does not run git.
 * @param gitDirectory the repository's common git directory, absolute
 */
export function excludesFile(
  workTree: string,
  gitDirectory: string,
  env: NodeJS.ProcessEnv = process.env,
): string | undefined {
  const home = env['HOME'] ?? homedir();
  const userFolder = join(env['XDG_CONFIG_HOME'] || join(home, '.config'), 'git');
  const system =
    env['GIT_CONFIG_NOSYSTEM'] && !/^(0|false|no|off)$/i.test(env['GIT_CONFIG_NOSYSTEM'])
      ? []
      : [env['GIT_CONFIG_SYSTEM'] ?? '/etc/gitconfig'];
  const user =
    env['GIT_CONFIG_GLOBAL'] === undefined
      ? [join(userFolder, 'config'), join(home, '.gitconfig')]
      : [env['GIT_CONFIG_GLOBAL']];
  let found: string | undefined;
  const read = (file: string, depth: number): void => {
    if (file === '' || depth > MOST_DEPTH) return;
    for (const { key, value } of entriesOf(file)) {
      if (key === 'core.excludesfile') found = value;
      else if (key.endsWith('.path') && isIncluded(key, file, gitDirectory, home))
        read(resolve(dirname(file), expand(value, home)), depth + 1);
    }
  };
  for (const file of [...system, ...user, join(gitDirectory, 'config')]) read(file, 0);
  if (found === undefined) return join(userFolder, 'ignore');
  return found === '' ? undefined : resolve(workTree, expand(found, home));
}

function entriesOf(file: string): ConfigEntry[] {
  return parseGitConfig(readSmallText(file, { maxBytes: MAX_CONFIG_BYTES }) ?? '');
}

const expand = (path: string, home: string): string =>
  path === '~' || path.startsWith('~/') ? join(home, path.slice(1)) : path;

/**
 * Whether `include.path` applies, or `includeIf."gitdir:…".path` for the repository's location. Other conditions are
 * ignored.
 */
function isIncluded(key: string, file: string, gitDirectory: string, home: string): boolean {
  if (key === 'include.path') return true;
  const condition = /^includeif\.gitdir(\/i)?:(.+)\.path$/s.exec(key);
  if (!condition) return false;
  let pattern = expand(condition[2] ?? '', home).replace(/^\.\//, `${dirname(file)}/`);
  if (pattern.endsWith('/')) pattern += '**';
  if (!isAbsolute(pattern)) pattern = `**/${pattern}`;
  // Both sides are without the first slash, because these globs are relative.
  return globMatcher(pattern, condition[1] !== undefined)(gitDirectory.replace(/\\/g, '/').replace(/^\//, ''));
}
