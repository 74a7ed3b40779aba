/**
 * Resolves references: whether a line of code that has a name means one definition. Scopes and imports decide. A line
 * that neither decides is a mention.
 */
import { identifierWords } from '../search';
import { importStatements } from './import-lines';
import type { Definition } from './library';

export interface Reference {
  file: string;
  path: string;
  language: string;
  lines: readonly string[];
  /** 1-based. */
  line: number;
}

/** True if the reference means one of the definitions for certain: a single one, or one and its declaration. */
export function isCertain(name: string, definitions: readonly Definition[], reference: Reference): boolean {
  const { file, path, language, lines, line } = reference;
  const text = lines[line - 1] ?? '';
  const imports = importsOf(lines);
  const statement = imports.find(({ startLine, endLine }) => startLine <= line && line <= endLine);
  const targets = definitions.filter((each) => sameFamily(each.language, language));
  const here = targets.filter((each) => each.file === file);
  const receiver = receiverOf(text, name);
  if (statement) return targets.filter((each) => fits(statement.text, each)).length === 1 || isOne(targets);
  if (receiver === undefined) {
    if (isShadowed(name, reference)) return false;
    const free = here.filter(({ symbol }) => !isMember(symbol.kind));
    if (free.length > 0) return isOne(free);
    const naming = imports.filter((each) => hasName(each.text, name));
    if (naming.length > 0)
      return isOne(targets) || targets.filter((each) => naming.some(({ text: own }) => fits(own, each))).length === 1;
    const near = targets.filter((each) => !isMember(each.symbol.kind) && folderOf(each.path) === folderOf(path));
    if (PACKAGE_IS_FOLDER.has(language)) return isOne(near);
    if (INCLUDES.has(language))
      return isOne(targets) || isOne(targets.filter((each) => imports.some(({ text: own }) => fits(own, each))));
    return false;
  }
  if (OWN.test(receiver)) {
    const members = here.filter(({ symbol }) => symbol.container.length > 0);
    return (
      isOne(members.filter(({ symbol }) => encloses(symbol.container, reference, members))) || isUnique(name, targets)
    );
  }
  const owned = targets.filter(({ symbol }) => {
    const owner = symbol.container.at(-1);
    return owner !== undefined && (owner === receiver || isOfType(receiver, owner, reference));
  });
  if (owned.length > 0) return isOne(owned);
  const imported = imports.filter((each) => hasName(each.text, receiver));
  const ofModule = targets.filter(
    (each) => !isMember(each.symbol.kind) && moduleNames(each.path).includes(receiver) && imported.length > 0,
  );
  return isOne(ofModule) || (isUnique(name, targets) && targets.every(({ symbol }) => isMember(symbol.kind)));
}

/** Languages where files of one folder see each other's names, and where an inclusion does not name what it brings. */
const PACKAGE_IS_FOLDER = new Set(['go', 'java', 'kotlin', 'scala', 'csharp', 'swift', 'dart']);
const INCLUDES = new Set(['c', 'cpp', 'objective-c', 'cuda']);
const OWN = /^(?:self|this|cls|Self|@|super(?:\(\))?)$/;

/** Languages that share names. */
const FAMILIES = [
  ['javascript', 'typescript', 'javascriptreact', 'typescriptreact', 'jsx', 'tsx', 'vue', 'svelte', 'astro'],
  ['c', 'cpp', 'objective-c', 'cuda'],
  ['java', 'kotlin', 'scala', 'groovy'],
  ['python', 'cython'],
];

const sameFamily = (a: string, b: string): boolean =>
  a === b || FAMILIES.some((family) => family.includes(a) && family.includes(b));

const isMember = (kind: string): boolean => kind === 'method' || kind === 'field';

/** One target: a single definition, or a definition and declarations of it. */
function isOne(targets: readonly Definition[]): boolean {
  const bodies = targets.filter(({ symbol }) => !symbol.declaration);
  return bodies.length === 1 || (bodies.length === 0 && targets.length === 1);
}

/** A name of several words that one definition has can hardly mean another. */
const isUnique = (name: string, targets: readonly Definition[]): boolean =>
  isOne(targets) && identifierWords(name).length > 1;

const folderOf = (path: string): string => path.slice(0, path.lastIndexOf('/') + 1);

/** Names that an import has for a file: its stem, and its folder. */
function moduleNames(path: string): string[] {
  const parts = path.split('/');
  const stem = (parts.pop() ?? '').replace(/\.[^.]+$/, '');
  const folder = parts.at(-1);
  return [stem, ...(folder === undefined ? [] : [folder])];
}

/** Whether an import statement may bring a definition: it has the name of its file or folder. */
function fits(statement: string, { path, symbol }: Definition): boolean {
  const words = new Set<string>(statement.match(/[\p{L}\p{N}_$-]+/gu));
  return (
    moduleNames(path).some((name) => words.has(name)) ||
    (symbol.container.length > 0 && words.has(symbol.container[0] as string))
  );
}

const importsOfLines = new WeakMap<readonly string[], ReturnType<typeof importStatements>>();

/** The import statements of a file, found once for all its references. */
function importsOf(lines: readonly string[]): ReturnType<typeof importStatements> {
  let found = importsOfLines.get(lines);
  if (!found) {
    found = importStatements(lines).map((each) => ({
      ...each,
      text: lines.slice(each.startLine - 1, each.endLine).join(' '),
    }));
    importsOfLines.set(lines, found);
  }
  return found;
}

const hasName = (text: string, name: string): boolean =>
  new Set<string>(text.match(/[\p{L}_$][\p{L}\p{N}_$]*/gu)).has(name);

/**
 * The word before a member access: `mail` of `mail.deliver(`, `Mail` of `new Mail(x).deliver(`; `other` for another
 * expression; undefined without one.
 */
function receiverOf(text: string, name: string): string | undefined {
  const escaped = name.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
  const found = new RegExp(
    `(?:([\\p{L}_$][\\p{L}\\p{N}_$]*|super\\(\\))?([)\\]]?)\\s*(?:\\?\\.|\\.|->|::)|(@))${escaped}(?![\\p{L}\\p{N}_$])`,
    'u',
  ).exec(text);
  if (!found) return undefined;
  const made = /(\p{Lu}[\p{L}\p{N}_$]*)\([^()]*\)$/u.exec(text.slice(0, found.index + (found[2] ?? '').length))?.[1];
  if (found[2] === ')' && made !== undefined) return made;
  return found[3] ?? (found[2] !== '' || found[1] === undefined ? 'other' : found[1]);
}

/** Whether a line above declares a variable with the type, or assigns a new object of the type to it. */
function isOfType(variable: string, type: string, { lines, line }: Reference): boolean {
  const [name, owner] = [variable, type].map((each) => each.replace(/[.*+?^${}()|[\]\\]/g, '\\$&'));
  const declares = new RegExp(
    `(?<![\\p{L}\\p{N}_$.])${name}\\s*(?::=|[:=])\\s*(?:new\\s+|await\\s+|&|\\*)*` +
      `(?:[\\w.]+(?:\\.|::))?${owner}(?![\\p{L}\\p{N}_$])` +
      `|(?<![\\p{L}\\p{N}_$])${owner}(?:<[^>]*>)?[&*\\s]+${name}\\s*[=;,)(]`,
    'u',
  );
  return lines.slice(0, line).some((text) => declares.test(text));
}

/** Lines above a reference that are looked at for a local name. */
const SCOPE_LINES = 120;

/** Whether the function around a reference has a parameter or a variable of the name. */
function isShadowed(name: string, { lines, line }: Reference): boolean {
  const escaped = name.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
  const local = new RegExp(
    `\\b(?:const|let|var|val|my|local|auto|mut)\\s+(?:[\\w<>*&]+\\s+)?${escaped}\\s*[=:;,]` +
      `|^\\s+${escaped}\\s*(?::=|=(?!=))|\\bfor\\s+\\(?(?:\\w+\\s+)?${escaped}\\s+(?:in|of|:)`,
    'u',
  );
  const parameter = new RegExp(`[(,]\\s*(?:[\\w<>*&:[\\]]+\\s+)?[*&]*${escaped}\\s*(?:[,):=?]|\\s\\w)`, 'u');
  const indentOf = (text: string): number => /^\s*/.exec(text)?.[0].length ?? 0;
  let indent = indentOf(lines[line - 1] ?? '');
  for (let at = line - 1; at > Math.max(0, line - SCOPE_LINES) && indent > 0; at--) {
    const text = lines[at - 1] ?? '';
    if (text.trim() === '') continue;
    const own = indentOf(text);
    if (own <= indent && local.test(text)) return true;
    if (own >= indent) continue;
    indent = own;
    if (
      /\b(?:def|function|func|fn|fun|sub|lambda)\b|=>|\)\s*(?:[\w<>[\]]+\s*)?\{\s*$/.test(text) &&
      parameter.test(text)
    )
      return true;
  }
  return false;
}

/** Whether a reference is within the type that has the member. */
function encloses(container: readonly string[], { lines, line }: Reference, members: readonly Definition[]): boolean {
  if (members.length === 1) return true;
  const owner = container.at(-1) as string;
  const head = new RegExp(`\\b(?:class|struct|trait|impl|interface|object|module|enum)\\b[^{]*\\b(\\w+)`, 'u');
  for (let at = line - 1; at > 0; at--) {
    const text = lines[at - 1] ?? '';
    if (head.test(text) && !/^\s*(?:\/\/|#|\*)/.test(text)) return hasName(text, owner);
  }
  return false;
}
