/**
 * What a hover shows at once: the definition of the name under the cursor, its comment, and who uses it. It waits for
 * no model.
 */
import { pathKind } from '../search/paths';
import type { HoverInfo, Author, Span } from '../protocol';
import { ExplanationCache } from './explanation-cache';
import { labelOf } from './facts';
import type { GistCache, Gister } from './write/gist';
import { importsName } from './import-lines';
import type { AssistantLibrary, Definition } from './library';
import { splitLines, textOfLines } from '../base';

export interface HoverRequest {
  file: string;
  line: number;
  /** 0-based UTF-16 offset in the line. */
  character: number;
}

export interface HoverTools {
  library: AssistantLibrary;
  cache?: ExplanationCache;
  /** Whose cached explanation is looked for. */
  author?: Author | undefined;
  /** Says in a line what a definition without a comment is about. */
  gists?: { cache: GistCache; gister: Gister } | undefined;
  signal?: AbortSignal;
}

const USERS_SHOWN = 5;
/** Uses of which those are chosen. */
const USERS_LOOKED_AT = 200;
/** Milliseconds for "who uses it"; the rest of the hover does not wait longer. */
const USERS_PATIENCE = 30;
/** The same for a gist; one that comes later is there the next time. */
const GIST_PATIENCE = 30;
/** Definitions with fewer lines say what they do themselves. */
const LEAST_LINES = 4;

/** Null where there is no name, or none that the workspace defines. */
export async function hover(
  request: HoverRequest,
  { library, cache, author = { kind: 'extractive' }, gists, signal }: HoverTools,
): Promise<HoverInfo | null> {
  const document = await library.read(request.file);
  const lines = splitLines(document.text);
  const word = wordAt(lines[request.line - 1] ?? '', request.character, document.language);
  if (!word) return null;
  const isHere = ({ file, symbol }: Definition): boolean => file === request.file && symbol.startLine === request.line;
  // What a file imports is no member of anything: `clone` of a library is not the method `clone` of some class.
  const imported = word.receiver === undefined && importsName(word.name, lines);
  const definitions = (await library.definitions(word.name)).filter(
    (each) => isHere(each) || !(imported && isMember(each)),
  );
  const definition = closest(definitions, request, word.receiver, document.language);
  if (!definition) return null;
  const [{ users, more }, gist, explanation] = await Promise.all([
    usersWithin(library, word.name, definition, signal),
    gists && gistWithin(definition, library, gists, signal),
    cache && cachedFor(definition, library, cache, author),
  ]);
  return {
    name: labelOf(definition.symbol),
    kind: definition.symbol.kind,
    signature: definition.symbol.signature,
    doc: definition.symbol.doc,
    language: definition.language,
    definedAt: spanOf(definition),
    others: definitions
      .filter((each) => each !== definition)
      .slice(0, 10)
      .map(spanOf),
    usedBy: users,
    moreUsers: more,
    gist,
    explanation: explanation?.markdown,
    explanationAuthor: explanation?.author,
  };
}

const NAME = /[\p{L}_$][\p{L}\p{N}_$]*/gu;
/** In Ruby `save!` and `empty?` are names; `a!=b` is none. */
const RUBY_NAME = /[\p{L}_$][\p{L}\p{N}_$]*(?:[!?](?![=~]))?/gu;

/** The identifier at a position, and what it is a member of ("self", "app"), if anything. */
export function wordAt(
  line: string,
  character: number,
  language = '',
): { name: string; receiver?: string } | undefined {
  for (const match of line.matchAll(language === 'ruby' ? RUBY_NAME : NAME)) {
    if (character < match.index || character > match.index + match[0].length) continue;
    const receiver = /([\p{L}_$][\p{L}\p{N}_$]*)(?:\.|->|::)$/u.exec(line.slice(0, match.index))?.[1];
    return { name: match[0], receiver };
  }
  return undefined;
}

/**
 * The definition meant: the one under the cursor, else of the receiver's type, this file, this language, shortest path.
 */
function closest(
  definitions: readonly Definition[],
  { file, line }: HoverRequest,
  receiver: string | undefined,
  language: string,
): Definition | undefined {
  const cost = ({ file: there, language: itsLanguage, symbol, path }: Definition): number => {
    if (there === file && symbol.startLine === line) return -1_000;
    let sum = path.split('/').length + (/(^|\/)(tests?|spec|examples?|vendor)\//.test(path) ? 30 : 0);
    const owner = symbol.container[symbol.container.length - 1];
    if (receiver && owner && owner.toLowerCase() === receiver.toLowerCase()) sum -= 200;
    if (there === file) sum -= 100;
    if ((receiver !== undefined) !== isMember({ symbol })) sum += 20;
    if (itsLanguage !== language) sum += 50;
    if (!symbol.exported) sum += 5;
    return sum;
  };
  return [...definitions].sort((a, b) => cost(a) - cost(b))[0];
}

function isMember({ symbol: { kind } }: Pick<Definition, 'symbol'>): boolean {
  return kind === 'method' || kind === 'field';
}

async function usersWithin(
  library: AssistantLibrary,
  name: string,
  definition: Definition,
  signal?: AbortSignal,
): Promise<{ users: HoverInfo['usedBy']; more: number }> {
  const patience = AbortSignal.timeout(USERS_PATIENCE);
  try {
    const found = await library.users(name, {
      limit: USERS_LOOKED_AT,
      signal: signal ? AbortSignal.any([signal, patience]) : patience,
    });
    const outside = found.users.filter(
      ({ span }) => span.file !== definition.file || span.startLine !== definition.symbol.startLine,
    );
    // Code before tests, and a manual or change log last.
    const rank = ({ span }: (typeof outside)[number]): number => {
      const { docs, history, test } = pathKind(span.path);
      return docs || history ? 2 : test ? 1 : 0;
    };
    outside.sort((a, b) => rank(a) - rank(b));
    return { users: outside.slice(0, USERS_SHOWN), more: found.more + Math.max(0, outside.length - USERS_SHOWN) };
  } catch {
    return { users: [], more: 0 };
  }
}

/** A comment says it better than a small model: only what has none gets a gist. */
async function gistWithin(
  definition: Definition,
  library: AssistantLibrary,
  { cache, gister }: NonNullable<HoverTools['gists']>,
  signal?: AbortSignal,
): Promise<HoverInfo['gist']> {
  const { symbol } = definition;
  if (symbol.doc || symbol.endLine - symbol.startLine + 1 < LEAST_LINES) return undefined;
  const own = await textOf(definition, library);
  const text = own && (await cache.get(own, gister, GIST_PATIENCE, signal));
  return text ? { text, author: gister.author } : undefined;
}

async function cachedFor(
  definition: Definition,
  library: AssistantLibrary,
  cache: ExplanationCache,
  author: Author,
): Promise<{ markdown: string; author: Author } | undefined> {
  const text = await textOf(definition, library);
  return text === undefined ? undefined : cache.get(ExplanationCache.key(text, labelOf(definition.symbol), author));
}

/** A definition's lines, its comment included; undefined when the file has gone. */
async function textOf({ file, symbol }: Definition, library: AssistantLibrary): Promise<string | undefined> {
  const document = await library.read(file).catch(() => undefined);
  return (
    document &&
    textOfLines(
      splitLines(document.text),
      Math.min(symbol.docLine ?? symbol.startLine, symbol.startLine),
      symbol.endLine,
    )
  );
}

function spanOf({ file, path, symbol }: Definition): Span {
  return { file, path, startLine: symbol.startLine, endLine: symbol.endLine };
}
