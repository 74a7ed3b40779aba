/** What a definition calls, as far as it is certain where that is defined. */
import type { AssistantLibrary, Definition } from './library';
import type { DocumentSymbol } from '../library/types';
import { docLines } from './keyLines';

export interface Call {
  name: string;
  /** Line of the first call. */
  line: number;
  definition: Definition;
}

interface Body {
  symbol?: DocumentSymbol;
  lines: readonly string[];
  startLine: number;
  endLine: number;
  document: { file: string };
}

const CALLABLE = new Set(['function', 'method', 'class', 'struct', 'macro', 'constant', 'variable']);
const KEYWORDS = new Set('if for while switch catch return function def class new typeof await super elif with assert not and or in sizeof print len str int isinstance list dict set tuple type range require'.split(' '));

/**
 * Names followed by `(` in the body, in order of first call, whose definition is certain: the only one in the workspace, the only one
 * in the same file, or a member of the same class called on `self`/`this`. Ambiguous names are left out, never guessed.
 */
export async function callsOf(body: Body, library: Pick<AssistantLibrary, 'definitions'>, limit: number): Promise<Call[]> {
  const { symbol, lines } = body;
  const isDoc = docLines(body);
  const owner = symbol?.kind === 'method' ? symbol.container[symbol.container.length - 1] : undefined;
  const seen = new Set<string>(symbol ? [symbol.name] : []);
  const calls: Call[] = [];
  for (let line = symbol?.startLine ?? body.startLine; line <= body.endLine && calls.length < limit; line++) {
    if (isDoc(line)) continue;
    const text = (lines[line - 1] ?? '').replace(/(["'`])(?:\\.|(?!\1).)*\1/g, '""').replace(/(^|\s)(\/\/|#(?!\w)).*$/, '');
    for (const match of text.matchAll(/((?:self|this|cls)\.|(?:\.|->|::))?([\p{L}_$][\p{L}\p{N}_$]*)[!?]?\(/gu)) {
      const name = match[2] ?? '';
      if (seen.has(name) || KEYWORDS.has(name) || name.length < 3) continue;
      seen.add(name);
      const definition = certainDefinition(await library.definitions(name), body.document.file, match[1], owner);
      if (definition && !(symbol && isSame(definition, symbol, body.document.file))) calls.push({ name, line, definition });
      if (calls.length === limit) break;
    }
  }
  return calls;
}

function certainDefinition(all: readonly Definition[], file: string, receiver: string | undefined, owner: string | undefined): Definition | undefined {
  const callable = all.filter((each) => CALLABLE.has(each.symbol.kind) && !/(^|\/)(tests?|spec|examples?|docs?)\//.test(each.path));
  const onSelf = receiver !== undefined && /^(self|this|cls)\.$/.test(receiver);
  if (onSelf && owner) {
    const own = callable.filter((each) => each.file === file && each.symbol.container[each.symbol.container.length - 1] === owner);
    if (own.length >= 1) return own[0];
  }
  if (callable.length === 1) return callable[0];
  // A bare call, not a method of something else, means the one in this file.
  if (receiver === undefined) {
    const here = callable.filter((each) => each.file === file && each.symbol.kind !== 'method');
    if (here.length === 1) return here[0];
  }
  return undefined;
}

function isSame(definition: Definition, symbol: DocumentSymbol, file: string): boolean {
  return definition.file === file && definition.symbol.startLine === symbol.startLine;
}
