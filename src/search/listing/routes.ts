/** Addresses that a program serves: decorators, annotations and calls that register a path. */
import { addItem, type ListFinder } from './group';

const SUBJECT = /^(?:urls?|routes?|endpoints?|paths?|addresses|pages|handlers|views|apis?)$/i;

const ANNOTATION =
  /@(?:(Get|Post|Put|Delete|Patch|Request|Head|Options|All)(?:Mapping)?|Path|Route|[\w.]*\.(route|get|post|put|delete|patch))\s*\(/i;
const ATTRIBUTE = /\[(?:Http(Get|Post|Put|Delete|Patch)|Route)\s*\(/;
const CALL =
  /(?:^|[\s.(;=])(?:[\w$]+\.)?(get|post|put|delete|patch|all|any|head|options|route|handle|handleFunc|match|path|re_path|resources|scope|group|mount)\s*\(?\s*(?=["'`/])/i;
const PATH = /["'`](\/[^"'`\s]*|\^[^"'`\s]*)["'`]/g;

export const findRoutes: ListFinder = ({ document, lines, segmented }, { head }, groups) => {
  if (!SUBJECT.test(head)) return;
  lines.forEach((line, i) => {
    const method = (ANNOTATION.exec(line) ?? ATTRIBUTE.exec(line) ?? CALL.exec(line))?.slice(1).find(Boolean);
    if (method === undefined && !ANNOTATION.test(line) && !ATTRIBUTE.test(line)) return;
    if (/^\s*(?:\/\/|#(?!\[)|\*)/.test(line)) return;
    const at = i + 1;
    // An annotation of a class is the beginning of the addresses of its methods.
    const owner = segmented.symbols.findLast(
      ({ kind, startLine, endLine }) =>
        ['class', 'interface'].includes(kind) && startLine <= at && at <= endLine && startLine < at,
    );
    const isOfClass =
      segmented.symbols.some(({ kind, startLine }) => kind === 'class' && startLine >= at && startLine <= at + 3) &&
      /RequestMapping|@Path|@Controller|\[Route/.test(line);
    if (isOfClass) return;
    const prefix = owner ? prefixOf(lines, owner.startLine) : '';
    for (const [, path = ''] of line.matchAll(PATH)) {
      const verb =
        method && !/^(?:request|route|path|match|handle|handlefunc|re_path|all|any|scope|group|mount)$/i.test(method)
          ? `${method.toUpperCase()} `
          : '';
      addItem(
        groups,
        'routes',
        { about: 'routes urls endpoints addresses paths served', prior: 1 },
        { text: `${verb}${prefix}${path}`, file: document.file, path: document.path, startLine: at, endLine: at },
      );
    }
  });
};

/** The path in the annotations above a class. */
function prefixOf(lines: readonly string[], startLine: number): string {
  for (let line = startLine + 2; line >= Math.max(1, startLine - 4); line--) {
    const text = lines[line - 1] ?? '';
    if (!/@RequestMapping|@Path\(|@Controller\(|\[Route\(/.test(text)) continue;
    const [found] = [...text.matchAll(PATH)];
    return (found?.[1] ?? '').replace(/\/$/, '');
  }
  return '';
}
