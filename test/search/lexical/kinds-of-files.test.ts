/** Names as people write them, kinds of file that a question asks for or not, and copies that crowd out the rest. */
import { beforeAll, expect, it } from 'vitest';
import { LexicalRanker } from '../../../src/search/lexical/lexical-ranker';
import { analyseQuestion } from '../../../src/search/query/analysis';
import { indexedFiles } from '../indexed-files';

const dialect = (name: string): string => `class ${name}SelectStatement(Segment):
    """A select statement of ${name}, with its clauses in order."""

    match_grammar = Sequence("SELECT", Ref("ColumnList"), Ref("FromClause"))
    parse_mode = ParseMode.GREEDY_ONCE_STARTED
    terminators = [Ref("SetOperator"), Ref("OrderByClause")]

    def iter_clauses(self):
        for child in self.recursive_crawl("clause"):
            yield child.normalized(self.match_grammar)
`;

const FILES: Record<string, string> = {
  ...Object.fromEntries(
    ['Ansi', 'Duck', 'Hive', 'Maria', 'Oracle', 'Spark', 'Sqlite', 'Trino'].map((name) => [
      `src/dialects/${name.toLowerCase()}.py`,
      dialect(name),
    ]),
  ),
  'src/parser/clauses.py': `def order_clauses(statement):
    """Puts the clauses of a select statement into the order of the grammar."""
    return sorted(statement.clauses, key=rank_of_clause)
`,
  'src/tree/changes.py': `def diff(before, after):
    """Returns what two trees do not share."""
    return [node for node in after if node not in before]
`,
  'src/net/redirects.py': `def resolve_redirects(response):
    """Follows a response to its last address."""
    return response
`,
  'src/ui/about_dialog.ts': `export class AboutDialog {\n  /** Shows name and version. */\n  open(): void {}\n}\n`,
  'src/ui/messages.py': `SAVED = "The document has been saved"

def show_saved(window):
    """Tells that the document has been saved."""
    window.show(SAVED)
`,
  'locale/de/messages.po': `msgid "The document has been saved"\nmsgstr "Das Dokument ist gespeichert"\n`,
  'locale/fr/messages.po': `msgid "The document has been saved"\nmsgstr "Le document est enregistré"\n`,
  'src/text/wrap.js': `// Wraps lines of text at a width.\nexport function wrapLines(text, width) {\n  return split(text, width);\n}\n`,
  'vendor/wrap/wrap.js': `// Wraps lines of text at a width.\nexport function wrapLines(text, width) {\n  return split(text, width);\n}\n`,
  'docs/deployment-overview.svg': `<svg xmlns="http://www.w3.org/2000/svg"><title>Deployment</title><path d="M0 0L10 10"/></svg>\n`,
  'docs/wrapping.md': '# Wrapping\n\nLines of text are wrapped at a width.\n',
  'src/docs/locations.py': `def read_locations(config):
    """Reads where the documentation lies."""
    return config["documentation"]["locations"]
`,
  'pyproject.toml': '[project]\nname = "sample"\ndependencies = ["click>=8"]\n',
};

let ranker: LexicalRanker;

async function files(question: string): Promise<string[]> {
  const spans = await ranker.search(analyseQuestion(question), {
    scope: { kind: 'workspace' },
    limit: 20,
    pathOf: (file) => file.replace('/w/', ''),
  });
  return [...new Set(spans.map(({ path }) => path))];
}

beforeAll(async () => {
  const { index, documents } = await indexedFiles(FILES);
  ranker = new LexicalRanker(index, { read: (path) => documents.get(path) });
});

it.each([
  ['Where is the "diff" function defined?', 'src/tree/changes.py'],
  ['Where does resolveRedirects end?', 'src/net/redirects.py'],
  ['how is ResolveRedirects done', 'src/net/redirects.py'],
  ['Where is the About dialog?', 'src/ui/about_dialog.ts'],
  ['how is the about-dialog shown', 'src/ui/about_dialog.ts'],
  ['where are documentation locations read', 'src/docs/locations.py'],
  ['Where is the documentation of wrapping lines?', 'docs/wrapping.md'],
  ['What dependencies does the project have?', 'pyproject.toml'],
  ['Where is the deployment overview?', 'docs/deployment-overview.svg'],
  ['who tells that the document has been saved', 'src/ui/messages.py'],
  ['how are lines of text wrapped', 'src/text/wrap.js'],
])('leads %j to %s', async (question, path) => expect((await files(question))[0]).toBe(path));

it('shows another place before the rest of many look-alikes', async () => {
  const found = await files('How is a select statement with its clauses put in order?');
  expect(found.indexOf('src/parser/clauses.py')).toBeLessThan(3);
  expect(found.filter((path) => path.startsWith('src/dialects/')).length).toBeGreaterThan(3);
});

it('leaves no translation between the code that was asked for', async () => {
  const found = await files('where does the text "The document has been saved" come from');
  expect(found[0]).toBe('src/ui/messages.py');
  expect((await files('Where does it say "Das Dokument ist gespeichert"?'))[0]).toBe('locale/de/messages.po');
});
