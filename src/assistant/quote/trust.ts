/** Score factors for the kind of file and definition a passage comes from. */
import { textOfLines } from '../../base';
import { type DocumentSymbol, entryOf, pathKind } from '../../workspace';
import type { Question } from '../../search';
import type { Passage } from './passages';
import { isFunction } from './subject';

const TEST_FACTOR = 0.5;
/** A lock file contains every package name and explains none. */
const LOCK_FILE_FACTOR = 0.2;
const STUB_FACTOR = 0.6;
const IMPORTS_FACTOR = 0.4;
/** Fields, types and constants of one or two lines seldom show how or why something is done. */
const DATA_FACTOR = 0.7;
/** Longer constants are tables, which may answer how something is done. */
const MAX_CONSTANT_LINES = 2;
/** A definition shows how something works. A declaration only shows that it exists. */
const DECLARATION_FACTOR = 0.75;
/** Benchmarks, build scripts and examples use the code that a question is about. */
const TOOLING_FACTOR = 0.7;

/**
 * Product of the factors that apply. Questions more often ask about working code than about tests, stubs and imports.
 */
export function trust(
  question: Question,
  {
    document,
    lines: all,
    symbol,
    startLine,
    endLine,
  }: Pick<Passage, 'document' | 'lines' | 'symbol' | 'startLine' | 'endLine'>,
): number {
  const lines = all.slice(startLine - 1, endLine);
  let factor = 1;
  const kind = pathKind(document.path);
  if (!question.wants.tests && (kind.test || isInlineTest(symbol, document.language))) factor *= TEST_FACTOR;
  if (kind.lock && !/\block|checksum|\bpinned\b/i.test(question.text)) factor *= LOCK_FILE_FACTOR;
  if (symbol && isBesideThePoint(question, symbol)) factor *= DATA_FACTOR;
  if (kind.declaration || (symbol && isDeclared(symbol, all, document.language))) factor *= DECLARATION_FACTOR;
  if ((kind.tooling || kind.example) && !/\b(benchmark|example|script|build|sample|demo|tool)/i.test(question.text))
    factor *= TOOLING_FACTOR;
  if (
    lines.filter((line) => /^\s*(import|from|use|using|#include|export \*|\/\*\* @import)\b|^\s*[\w$]+,\s*$/.test(line))
      .length >
    lines.length / 2
  )
    factor *= IMPORTS_FACTOR;
  if (
    lines.length <= 12 &&
    lines.some((line) =>
      /^\s*(raise NotImplementedError|throw new Error\(["'`](not implemented|abstract))|\)[^=]*=\s*(default|delete|0);/i.test(
        line,
      ),
    )
  )
    factor *= STUB_FACTOR;
  return factor;
}

/** True for a definition in a `tests` module: Rust keeps unit tests in the tested file. */
function isInlineTest(symbol: DocumentSymbol | undefined, language: string): boolean {
  return (
    language === 'rust' &&
    symbol !== undefined &&
    [...symbol.container, symbol.name].some((name) => /^tests?$/.test(name))
  );
}

/** True for a definition that only holds data, if the question asks how something is done. */
function isBesideThePoint({ form, names }: Question, { name, kind, startLine, endLine }: DocumentSymbol): boolean {
  if (form === 'value' || form === 'what' || names.includes(name)) return false;
  return (
    ['field', 'type', 'interface'].includes(kind) ||
    (['constant', 'variable'].includes(kind) && endLine - startLine < MAX_CONSTANT_LINES)
  );
}

/** True for a function without a body: a prototype or an interface method. */
export function isDeclared(symbol: DocumentSymbol, lines: readonly string[], language: string): boolean {
  if (symbol.declaration) return true;
  return (
    isFunction(symbol) &&
    symbol.kind !== 'macro' &&
    !entryOf(language).braceless &&
    !/\{|=/.test(textOfLines(lines, symbol.startLine, symbol.endLine))
  );
}
