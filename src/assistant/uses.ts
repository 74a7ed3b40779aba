/** The lines that use a name, told apart by what they are: a call says more than a comment, a comment more than a manual. */
import { pathKind } from '../library/retrieve/paths';
import { throwIfCancelled } from './errors';
import type { AssistantLibrary, Use } from './library';
import { splitLines, textOfLines } from './lines';

/** In the order in which they are told. */
const KINDS = ['call', 'code', 'import', 'comment', 'prose'] as const;

export interface ReadUse {
  use: Use;
  /** The line as it stands in the file. */
  text: string;
  kind: (typeof KINDS)[number];
}

/** Uses that a telling is chosen from; a name of one common word has thousands. */
export const USES_LOOKED_AT = 200;

/** Languages whose lines call nothing. */
const PROSE = new Set(['yaml', 'json', 'jsonc', 'toml', 'ini', 'markdown', 'mdx', 'restructuredtext', 'plaintext', 'asciidoc', 'latex']);

/** Calls, then other code, imports, comments, and last prose and data; tests after the rest of their kind. Files that have gone are left out. */
export async function tellingFirst(uses: readonly Use[], name: string, library: Pick<AssistantLibrary, 'read'>, signal?: AbortSignal): Promise<ReadUse[]> {
  const files = new Map<string, { lines: string[]; isProse: boolean } | undefined>();
  const called = new RegExp(`(?<![\\p{L}\\p{N}_$])${name.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')}\\s*\\(`, 'u');
  const found: ReadUse[] = [];
  for (const use of uses) {
    const { file, startLine, endLine } = use.span;
    if (!files.has(file)) {
      throwIfCancelled(signal);
      files.set(file, await library.read(file).then((each) => ({ lines: splitLines(each.text), isProse: PROSE.has(each.language) }), () => undefined));
    }
    const read = files.get(file);
    if (!read) continue;
    const text = textOfLines(read.lines, startLine, endLine);
    const isComment = /^\s*(\/\/|\/?\*|#(?!\w)|--\s|"""|''')/.test(text);
    const isImport = /^\s*(import|from|use|using|#include|export \*|export \{)\b|\brequire\(/.test(text);
    found.push({ use, text, kind: read.isProse ? 'prose' : isComment ? 'comment' : isImport ? 'import' : called.test(text) ? 'call' : 'code' });
  }
  const rank = ({ kind, use }: ReadUse): number => KINDS.indexOf(kind) + (pathKind(use.span.path).test ? 0.5 : 0);
  return found.sort((a, b) => rank(a) - rank(b));
}
