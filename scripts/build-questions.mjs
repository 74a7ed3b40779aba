/**
 * Builds training questions for the ranking from repositories with their history:
 * `node scripts/build-questions.mjs OUT.jsonl NAME,GIT_DIR,BASE,TREE …`. TREE holds the files of the commit BASE.
 *
 * Each line is {id, repo, kind, question, gold: [{path, spans}], mask?}. Kinds:
 *
 * change   subject of a later commit → the source files that it changed
 * heading  heading of the documentation → the source file that defines what the section names
 * comment  first sentence of a doc comment → its file; `mask` has the lines of the comment, which a bench must blank
 * error    text of an error → the file that raises it
 * name     a name that one file defines → that file
 * scope    a question about tests or documentation → files of that kind that say the name most often
 */
import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { extname, join } from 'node:path';

const MOST = { change: 120, heading: 40, comment: 90, error: 40, name: 50, scope: 30 };
const CODE = new Set(
  '.py .js .ts .tsx .jsx .mjs .go .rs .c .h .cc .cpp .hpp .java .cs .php .rb .kt .svelte'.split(' '),
);
const PROSE = new Set(['.md', '.mdx', '.rst', '.adoc']);
const SKIPPED = /(^|\/)(\.git|node_modules|vendor|third_party|dist|build|\.github)(\/|$)/;
const TEST =
  /(^|\/)(tests?|__tests__|testdata|specs?|fixtures?|benchmarks?|benches|examples?|samples?|bench)(\/|$)|([._-]|^)(test|spec|tests)[._-]|_test\.go$|Tests?\.(cs|java|php)$/i;
const DEFINITION =
  /^[ \t]*(?:(?:export|pub(?:\([a-z]+\))?|public|private|protected|internal|static|final|abstract|async|default|inline|sealed|unsafe|const)\s+)*(?:def|class|function\*?|fn|func(?:\s*\([^)]*\))?|struct|enum|trait|interface|type|record)\s+([A-Za-z_]\w{2,})/gm;

const [out, ...repositories] = process.argv.slice(2);
if (!out || repositories.length === 0) {
  console.log('Usage: node scripts/build-questions.mjs OUT.jsonl NAME,GIT_DIR,BASE,TREE …');
  process.exit(2);
}
const lines = repositories.flatMap((each) => questionsOf(...each.split(',')));
writeFileSync(out, lines.map((line) => `${JSON.stringify(line)}\n`).join(''));
const kinds = Object.keys(MOST).map((kind) => `${kind} ${lines.filter((line) => line.kind === kind).length}`);
console.log(`${lines.length} questions about ${repositories.length} repositories: ${kinds.join(', ')}`);

function questionsOf(name, git, base, tree) {
  const files = readdirSync(tree, { recursive: true, encoding: 'utf8' })
    .filter((path) => !SKIPPED.test(path) && (CODE.has(extname(path)) || PROSE.has(extname(path))))
    .filter((path) => statSync(join(tree, path)).isFile() && statSync(join(tree, path)).size < 400_000)
    .sort()
    .map((path) => ({ path, text: readFileSync(join(tree, path), 'utf8') }));
  const sources = files.filter(({ path }) => CODE.has(extname(path)) && !TEST.test(path));
  const definers = new Map();
  for (const { path, text } of sources)
    for (const [, defined] of text.matchAll(DEFINITION))
      definers.set(defined, (definers.get(defined) ?? new Set()).add(path));
  const random = generator(name);
  const made = {
    change: changes(git, base, sources),
    heading: headings(files, definers),
    comment: comments(sources),
    error: errors(sources),
    name: names(definers, random),
    scope: scopes(files, definers, random),
  };
  return Object.entries(made).flatMap(([kind, all]) =>
    shuffled(unique(all), random)
      .slice(0, MOST[kind])
      .map(({ question, gold, mask }, i) => ({
        id: `${name}-${kind}-${i}`,
        repo: name,
        kind,
        question,
        gold: gold.map((path) => ({ path, spans: [] })),
        ...(mask ? { mask } : {}),
      })),
  );
}

function changes(git, base, sources) {
  const known = new Set(sources.map(({ path }) => path));
  const log = execFileSync(
    'git',
    ['-C', git, 'log', '--no-merges', '--diff-filter=AM', '--name-only', '--format=%x01%s', `${base}..HEAD`],
    { encoding: 'utf8', maxBuffer: 1 << 28 },
  );
  return log.split('\x01').flatMap((entry) => {
    const [subject = '', ...changed] = entry.split('\n').filter((line) => line !== '');
    const question = subject
      .replace(/\s*\(#\d+\)/g, '')
      .replace(/^\w+(\([^)]*\))?!?:\s*/, '')
      .trim();
    const gold = changed.filter((path) => known.has(path));
    const isTelling =
      question.split(/\s+/).length >= 4 && !/^(bump|release|version|update changelog|merge|revert)/i.test(question);
    return isTelling && gold.length > 0 && gold.length <= 4 && changed.length <= 12 ? [{ question, gold }] : [];
  });
}

function headings(files, definers) {
  return files
    .filter(({ path }) => PROSE.has(extname(path)) && !/change|history|news|release/i.test(path))
    .flatMap(({ text }) => {
      const parts = text.split(/^(?:#{1,4} +(.+)|(\S.+)\n[=\-~^]{4,})$/m);
      const found = [];
      for (let i = 1; i + 2 < parts.length; i += 3) {
        const title = (parts[i] ?? parts[i + 1] ?? '').replace(/[`*#]|\{.*\}|\[|\]\(.*\)/g, '').trim();
        const body = parts[i + 2] ?? '';
        const counts = new Map();
        for (const [, mentioned] of body.matchAll(/`+(?:[\w.]*[.:])?([A-Za-z_]\w{2,})(?:\(\))?`/g)) {
          const own = definers.get(mentioned);
          if (own?.size === 1) counts.set([...own][0], (counts.get([...own][0]) ?? 0) + 1);
        }
        const [best, next] = [...counts].sort((a, b) => b[1] - a[1]);
        const words = title.split(/\s+/).length;
        if (best && best[1] >= 2 && best[1] > 2 * (next?.[1] ?? 0) && words >= 2 && words <= 12)
          found.push({ question: title, gold: [best[0]] });
      }
      return found;
    });
}

function comments(sources) {
  return sources.flatMap(({ path, text }) => {
    const found = [];
    const offer = (comment, index, length) => {
      const said = comment
        .replace(/^\s*(\/\/[/!]?|\*|#)\s?/gm, '')
        .replace(/<[^>]+>/g, '')
        .trim();
      const [sentence] = /^[A-Z][^.@:`{}]{24,140}(?=\.(\s|$)|\n\s*\n|$)/.exec(said) ?? [];
      if (!sentence || !/\s\S+\s\S+\s\S+/.test(sentence)) return;
      const startLine = text.slice(0, index).split('\n').length;
      const endLine = startLine + text.slice(index, index + length).split('\n').length - 1;
      found.push({ question: sentence.replace(/\s+/g, ' '), gold: [path], mask: { path, startLine, endLine } });
    };
    for (const match of text.matchAll(/"""([\s\S]*?)"""/g)) offer(match[1], match.index, match[0].length);
    for (const match of text.matchAll(/\/\*\*([\s\S]*?)\*\//g)) offer(match[1], match.index, match[0].length);
    for (const match of text.matchAll(
      /(?:^[ \t]*\/\/[/]? .*\n){1,12}(?=[ \t]*(?:pub|func|public|internal|fn|struct|export))/gm,
    ))
      offer(match[0], match.index, match[0].length - 1);
    return found.slice(0, 6);
  });
}

function errors(sources) {
  return sources.flatMap(({ path, text }) => {
    const found = [];
    for (const [, , said] of text.matchAll(
      /(?:raise \w+|throw new \w+|throw \w+|Error|Exception|errors\.New|fmt\.Errorf|panic!?|bail!|jv_string(?:_fmt)?)\(\s*[a-z]*(["'`])((?:(?!\1)[^\\\n]){24,160})\1/g,
    )) {
      const question = said
        .replace(/%[a-z]+|\$?\{[^}]*\}/g, '')
        .replace(/\s+/g, ' ')
        .trim();
      if (question.split(' ').length >= 4) found.push({ question, gold: [path] });
    }
    return found;
  });
}

function names(definers, random) {
  const ask = [
    (n) => `Where is ${n} defined?`,
    (n) => `What does \`${n}\` do?`,
    (n) => `where is the "${n}" function defined?`,
    (n) => `how does ${n} work`,
    (n) => n,
  ];
  return [...definers]
    .filter(([, paths]) => paths.size === 1)
    .map(([defined, paths], i) => ({ question: ask[Math.floor(random() * ask.length)](defined, i), gold: [...paths] }));
}

function scopes(files, definers, random) {
  const about = [
    { ask: (n) => `Which tests cover ${n}?`, of: ({ path }) => TEST.test(path) && /test|spec/i.test(path) },
    {
      ask: (n) => `Where is ${n} documented?`,
      of: ({ path }) => PROSE.has(extname(path)) && !/change|history|news|release/i.test(path),
    },
  ];
  const wanted = shuffled(
    [...definers.keys()].filter((each) => each.length > 5),
    random,
  ).slice(0, 150);
  return about.flatMap(({ ask, of }) => {
    const kind = files.filter(of);
    return wanted.flatMap((defined) => {
      const word = new RegExp(`\\b${defined}\\b`, 'g');
      const counts = kind
        .map(({ path, text }) => ({ path, count: text.match(word)?.length ?? 0 }))
        .filter(({ count }) => count > 0)
        .sort((a, b) => b.count - a.count);
      if (counts.length === 0 || counts.length > 4) return [];
      const spoken =
        random() < 0.5
          ? defined
          : defined
              .replace(/([a-z])([A-Z])/g, '$1 $2')
              .replace(/_/g, ' ')
              .toLowerCase();
      return [{ question: ask(spoken), gold: counts.map(({ path }) => path) }];
    });
  });
}

function unique(all) {
  return [...new Map(all.map((each) => [each.question.toLowerCase(), each])).values()];
}

function shuffled(values, random) {
  return values
    .map((value) => ({ value, key: random() }))
    .sort((a, b) => a.key - b.key)
    .map(({ value }) => value);
}

/** Numbers in [0, 1), the same for the same name. */
function generator(name) {
  let state = [...name].reduce((sum, letter) => (Math.imul(sum, 31) + letter.charCodeAt(0)) >>> 0, 7);
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32;
  };
}
