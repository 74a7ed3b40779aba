import { entryOf } from '../../languages';
import type { Language } from '../../types';

export interface EmbeddedScript {
  language: Language;
  /** Offsets of the scripts' texts, in order. */
  ranges: { start: number; end: number }[];
}

const SCRIPT = /<script\b([^>]*)>/gi;
const SCRIPT_END = /<\/script/gi;
const MAX_SCRIPTS = 50;

/** Astro's script: the lines between two rulers at the top of a file. */
const FRONTMATTER = /^\s*---[^\n]*\n([\s\S]*?)^---[ \t]*\r?$/m;

/** Returns the script blocks of a component or page (Vue, Svelte, Astro, HTML). Undefined where there are none. */
export function embeddedScript(text: string, language: Language): EmbeddedScript | undefined {
  const { scripts, frontmatter } = entryOf(language);
  if (!scripts) return undefined;
  const ranges: { start: number; end: number }[] = [];
  let typed = false;
  const head = frontmatter ? FRONTMATTER.exec(text) : null;
  if (head?.index === 0 && head[1]) {
    const start = head[0].indexOf(head[1], head[0].indexOf('\n'));
    ranges.push({ start, end: start + head[1].length });
    typed = true;
  }
  SCRIPT.lastIndex = ranges[0]?.end ?? 0;
  for (let match = SCRIPT.exec(text); match && ranges.length < MAX_SCRIPTS; match = SCRIPT.exec(text)) {
    const start = match.index + match[0].length;
    // Names of tags have no case.
    SCRIPT_END.lastIndex = start;
    const close = SCRIPT_END.exec(text)?.index;
    if (close === undefined) break;
    const attributes = match[1] ?? '';
    if (/\btype\s*=\s*["']?(?!module|text\/(?:java|type)script|application\/javascript)/i.test(attributes)) continue;
    if (/\blang\s*=\s*["']?ts/i.test(attributes)) typed = true;
    if (close > start) ranges.push({ start, end: close });
    SCRIPT.lastIndex = close;
  }
  return ranges.length > 0 ? { language: typed ? 'typescript' : 'javascript', ranges } : undefined;
}
