/** Finds the calls that a definition makes, if their targets are certain. */
import type { AssistantLibrary, Definition } from './library';
import type { DocumentSymbol, SegmentedDocument } from '../workspace';
import { importsName } from './import-lines';
import { docLines } from './quote/key-lines';
import { identifierWords } from '../search';

export interface Call {
  name: string;
  /** Line of the first call. */
  line: number;
  /** Name of the inner function that makes the call, if the body itself does not call. */
  within?: string;
  definition: Definition;
}

interface Body {
  symbol?: DocumentSymbol;
  lines: readonly string[];
  startLine: number;
  endLine: number;
  document: { file: string };
  /** Definitions of the file. A call made by an inner function does not count as a call of the outer one. */
  segmented: Pick<SegmentedDocument, 'symbols'>;
}

const CALLABLE = new Set(['function', 'method', 'class', 'struct', 'macro', 'constant', 'variable']);
const KEYWORDS = new Set(
  (
    'if for while switch catch return function def class new typeof await super elif with assert not and or in ' +
    'sizeof print len str int isinstance list dict set tuple type range require'
  ).split(' '),
);

/**
 * Finds names followed by `(` in the body whose definition is certain, in order of first call:
 * - a member of the same class, called on `self` or `this`;
 * - the only function of that name in the file, or in the workspace if it is imported by name;
 * - a member of another receiver, if its name has several words and is unique.
 *
 * Ambiguous names are left out.
 */
export async function callsOf(
  body: Body,
  library: Pick<AssistantLibrary, 'definitions'>,
  limit: number,
): Promise<Call[]> {
  const { symbol, lines } = body;
  const isDoc = docLines(body);
  const owner = symbol?.kind === 'method' ? symbol.container[symbol.container.length - 1] : undefined;
  const withinOf = innerFunctions(body);
  const seen = new Set<string>(symbol ? [symbol.name] : []);
  const calls: Call[] = [];
  for (let line = symbol?.startLine ?? body.startLine; line <= body.endLine && calls.length < limit; line++) {
    if (isDoc(line)) continue;
    const within = withinOf(line);
    for (const { name, receiver } of callsIn(lines[line - 1] ?? '')) {
      const known = within === undefined ? calls.find((call) => call.name === name) : undefined;
      if (known) delete known.within;
      if (seen.has(name) || KEYWORDS.has(name) || name.length < 3) continue;
      seen.add(name);
      const definition = certainDefinition(await library.definitions(name), name, receiver, { ...body, owner });
      if (definition && !(symbol && isSame(definition, symbol, body.document.file)))
        calls.push({ name, line, definition, ...(within === undefined ? {} : { within }) });
      if (calls.length === limit) break;
    }
  }
  return calls;
}

/** Returns a function that maps a line to the name of the innermost function around it, inside the body. */
function innerFunctions({ symbol, startLine, endLine, segmented }: Body): (line: number) => string | undefined {
  const first = symbol?.startLine ?? startLine;
  const inner = segmented.symbols.filter(
    (each) => (each.kind === 'function' || each.kind === 'method') && each.startLine > first && each.endLine <= endLine,
  );
  return (line) => inner.findLast((each) => each.startLine <= line && line <= each.endLine)?.name;
}

/**
 * Names before a parenthesis in a line of code, outside strings and comments. The definition of an inner function
 * (`def run(`) is not a call.
 */
function callsIn(line: string): { name: string; receiver: 'self' | 'other' | undefined }[] {
  const text = line.replace(/(["'`])(?:\\.|(?!\1).)*\1/g, '""').replace(/(^|\s)(\/\/|#(?!\w)).*$/, '');
  return [
    ...text.matchAll(
      /(?<!\b(?:def|function|func|fun|fn)\s+\*?\s*)(?:((?<![\p{L}\p{N}_$.])(?:self|this|cls|super\(\))\.|\.|->|::)|(?<![\p{L}\p{N}_$.]))([\p{L}_$][\p{L}\p{N}_$]*)[!?]?\(/gu,
    ),
  ].map(([, before, name = '']) => ({
    name,
    receiver: before === undefined ? undefined : /^(self|this|cls)\.$/.test(before) ? 'self' : 'other',
  }));
}

function certainDefinition(
  all: readonly Definition[],
  name: string,
  receiver: 'self' | 'other' | undefined,
  body: Body & { owner?: string },
): Definition | undefined {
  const { file } = body.document;
  const callable = all.filter(
    (each) => CALLABLE.has(each.symbol.kind) && !/(^|\/)(tests?|spec|examples?|docs?)\//.test(each.path),
  );
  const isMember = ({ symbol }: Definition) => symbol.kind === 'method';
  if (receiver === 'self') {
    const own = callable.find(
      (each) => each.file === file && each.symbol.container[each.symbol.container.length - 1] === body.owner,
    );
    // An inherited member is defined elsewhere. The only function of its name is taken.
    return own ?? (callable.length === 1 && identifierWords(name).length > 1 ? callable[0] : undefined);
  }
  if (receiver === 'other') {
    const [only, ...more] = callable;
    // An inner function can only be called by its bare name, so `router.find()` calls a different one.
    const reachable =
      only !== undefined && (isMember(only) || only.symbol.kind !== 'function' || only.symbol.container.length === 0);
    return more.length === 0 && reachable && identifierWords(name).length > 1 ? only : undefined;
  }
  const free = callable.filter((each) => !isMember(each));
  const here = free.filter((each) => each.file === file);
  if (here.length > 0) return here.length === 1 ? here[0] : undefined;
  // Without an import, a bare `open(` may be a built-in function of the language.
  return free.length === 1 && (identifierWords(name).length > 1 || importsName(name, body.lines)) ? free[0] : undefined;
}

function isSame(definition: Definition, symbol: DocumentSymbol, file: string): boolean {
  return definition.file === file && definition.symbol.startLine === symbol.startLine;
}
