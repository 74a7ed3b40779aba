/** Definitions whose names share the asked noun (`jsonBinding`, `DebugMode`), subtypes of such a type, its members. */
import { splitIdentifier, tokenTerms } from '../../workspace';
import { addItem, type ListFinder } from './group';

const TYPES = ['class', 'struct', 'interface', 'enum', 'trait', 'type'];

export const findNames: ListFinder = ({ document, segmented, lines }, { headTerm }, groups) => {
  for (const symbol of segmented.symbols) {
    const { name, kind, container, startLine } = symbol;
    if (symbol.declaration || kind === 'heading' || kind === 'namespace' || kind === 'key') continue;
    const place = { file: document.file, path: document.path, startLine, endLine: startLine };
    const isHead = (word: string | undefined): boolean => word !== undefined && tokenTerms(word).includes(headTerm);
    const words = splitIdentifier(name);
    const folder = document.path.slice(0, document.path.lastIndexOf('/') + 1);
    if (words.length > 1 && (isHead(words.at(-1)) || isHead(words[0]))) {
      const side = isHead(words.at(-1)) ? 'last' : 'first';
      const family = TYPES.includes(kind) ? 'type' : kind;
      const owner = container.join('.');
      const item = { text: [...container, name].join('.'), ...place };
      addItem(
        groups,
        `named ${side} ${family} ${folder} ${owner}`,
        {
          about: `${words.join(' ')} ${folder} ${owner}`,
          prior: (family === 'type' || kind === 'constant' ? 0.7 : 0.4) - (side === 'first' ? 0.2 : 0),
        },
        item,
      );
    }
    const isCallable = kind === 'method' || kind === 'function';
    if (container.length > 0 && isHead(splitIdentifier(container.at(-1) as string).at(-1)))
      addItem(
        groups,
        `member ${document.path} ${container.join('.')} ${isCallable}`,
        { about: `${container.join(' ')} ${document.path}`, prior: 0.6 },
        { text: name, ...place },
      );
  }
  lines.forEach((line, i) => {
    const found = SUBTYPE.map((pattern) => pattern.exec(line)).find((match) => match !== null);
    const [, name = '', bases = ''] = found ?? [];
    if (name === '') return;
    const place = { file: document.file, path: document.path, startLine: i + 1, endLine: i + 1 };
    for (const base of bases.match(/[\p{L}_$][\p{L}\p{N}_$]*/gu) ?? [])
      if (base !== name && tokenTerms(splitIdentifier(base).at(-1) ?? '').includes(headTerm))
        addItem(
          groups,
          `subtypes ${base}`,
          { about: `${splitIdentifier(base).join(' ')}`, prior: 0.8 },
          { text: name, ...place },
        );
  });
};

/** A type and the types that it extends or implements. */
const SUBTYPE: readonly RegExp[] = [
  /\b(?:class|interface|struct|record|object|trait)\s+([\p{L}_$][\p{L}\p{N}_$]*)(?:<[^>]*>)?\s*(?:\([^)]*\)\s*)?(?:extends|implements|:|<)\s*([^{]*)/u,
  /^\s*class\s+([\p{L}_][\p{L}\p{N}_]*)\s*\(([^)]*)\)/u,
  /^\s*(?:var\s+)?_\s+(?=[\w.]+\s*=\s*\(?[*&]?(\w+)\)?)([\w.]+)\s*=/u,
  /^\s*_\s+(?=[\w.]+\s*=\s*\(\*(\w+)\)\(nil\))([\w.]+)/u,
];
