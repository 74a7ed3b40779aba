/**
 * The content of a hover: the definition of the name under the cursor, its comment and its uses. It never waits for a
 * model.
 */
import { splitLines, textOfLines } from '../base';
import { pathKind } from '../workspace';
import type { HoverInfo, Author, Span } from '../protocol';
import { ExplanationCache } from './explanation/explanation-cache';
import { labelOf } from './facts';
import { importsName } from './import-lines';
import type { AssistantLibrary, Definition } from './library';
import { tellingFirst } from './uses';

export interface HoverRequest {
  file: string;
  line: number;
  /** 0-based UTF-16 offset in the line. */
  character: number;
}

export interface HoverTools {
  library: AssistantLibrary;
  cache?: ExplanationCache;
  /** Author of the cached explanation to show. */
  author?: Author | undefined;
  signal?: AbortSignal;
}

const USERS_SHOWN = 5;
/** Maximum number of uses that the shown ones are chosen from. */
const USERS_LOOKED_AT = 200;
/** Maximum number of uses whose lines are read: only certain ones are shown. */
const USERS_READ = 40;
/** Milliseconds that the hover waits for the search of uses. */
const USERS_PATIENCE = 30;

/** Null if there is no name at the position, or the workspace does not define it. */
export async function hover(
  request: HoverRequest,
  { library, cache, author = { kind: 'extractive' }, signal }: HoverTools,
): Promise<HoverInfo | null> {
  const document = await library.read(request.file);
  const lines = splitLines(document.text);
  const word = wordAt(lines[request.line - 1] ?? '', request.character, document.language);
  if (!word) return null;
  const isHere = ({ file, symbol }: Definition): boolean => file === request.file && symbol.startLine === request.line;
  // An imported name is not a member: `clone` from a library is not the method `clone` of a class.
  const imported = word.receiver === undefined && importsName(word.name, lines);
  const definitions = (await library.definitions(word.name)).filter(
    (each) => isHere(each) || !(imported && isMember(each)),
  );
  const definition = closest(definitions, request, word.receiver, document.language);
  if (!definition) return null;
  const [{ users, more }, explanation] = await Promise.all([
    usersWithin(library, word.name, definition, definitions, signal),
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
    explanation: explanation?.markdown,
    explanationAuthor: explanation?.author,
  };
}

const NAME = /[\p{L}_$][\p{L}\p{N}_$]*/gu;
/** Matches names. In Ruby, `save!` and `empty?` are names, but `a!` in `a!=b` is not. */
const RUBY_NAME = /[\p{L}_$][\p{L}\p{N}_$]*(?:[!?](?![=~]))?/gu;

/** The identifier at a position, and its receiver ("self", "app") if any. */
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
 * The most likely definition: the one under the cursor, else the one in the receiver's type, this file, this language,
 * or at the shortest path.
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
  definitions: readonly Definition[],
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
    // Code comes before tests.
    const rank = ({ span }: (typeof outside)[number]): number => (pathKind(span.path).test ? 1 : 0);
    outside.sort((a, b) => rank(a) - rank(b));
    const read = await tellingFirst(outside.slice(0, USERS_READ), name, library, definitions, signal);
    const certain = read.filter(({ isCertain }) => isCertain).map(({ use }) => use);
    return { users: certain.slice(0, USERS_SHOWN), more: Math.max(0, certain.length - USERS_SHOWN) };
  } catch {
    return { users: [], more: 0 };
  }
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

/** The lines of a definition, including its comment. Undefined if the file no longer exists. */
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
