/** Things that code names in strings: `"http.encoders.gzip"`, `set('etag')`, the flags of a usage text. */
import { splitIdentifier, tokenTerms } from '../../workspace';
import { addItem, type ListFinder } from './group';

const STRING = /(["'`])((?:\\.|(?!\1)[^\\\n])*)\1/g;
/** A part of a string, and the name that follows it. */
const PARTS = /^[\w-]+(?:[./:][\w*-]+)+$/;
/** A flag at the beginning of a string or of a line of a usage text, and its short form. */
const FLAG = /(?:^|["'`]|\\n)\s*((?:-\w(?:,\s*|\s+))?--[a-z][\w-]*)/gi;
/** A call whose first argument is a name. */
const CALL = /([\p{L}_$][\p{L}\p{N}_$]*)\(\s*(["'`])([\p{L}\d][\p{L}\d ._-]*)\2/gu;
const FLAGS = /^(?:options?|flags?|switches|arguments?|parameters?)$/i;

export const findRegistered: ListFinder = ({ document, lines }, { head, headTerm }, groups) => {
  const isFlags = FLAGS.test(head);
  const isSetting = /^(?:settings?|features?|options?)$/i.test(head);
  lines.forEach((line, i) => {
    if (/^\s*(?:\/\/|#(?!\[)|\*)/.test(line)) return;
    const place = { file: document.file, path: document.path, startLine: i + 1, endLine: i + 1 };
    if (isFlags)
      for (const [, text = ''] of line.matchAll(FLAG))
        addItem(
          groups,
          `flags ${document.path}`,
          { about: `options flags ${document.path}`, prior: 0.8 },
          { text, ...place },
        );
    // A string alone is a part of a list of imports.
    if (/^\s*["'`][^"'`]*["'`]\s*$|\bimport\b|\brequire\(/.test(line)) return;
    for (const [, callee = '', , text = ''] of line.matchAll(CALL))
      if (
        splitIdentifier(callee).some((word) => tokenTerms(word).includes(headTerm)) ||
        (isSetting && /^enable$/i.test(callee))
      )
        addItem(groups, `call ${document.path}`, { about: `${head} ${document.path}`, prior: 0.8 }, { text, ...place });
    for (const [, , text = ''] of line.matchAll(STRING)) {
      if (!PARTS.test(text)) continue;
      const parts = text.split(/[./:]/);
      // The thing is the last part, behind its kind.
      const kind = parts.at(-2) as string;
      if (!tokenTerms(kind).includes(headTerm)) continue;
      const prefix = text.slice(0, text.length - (parts.at(-1) as string).length);
      addItem(groups, `registered ${kind}`, { about: `${prefix} ${document.path}`, prior: 1 }, { text, ...place });
    }
  });
};
