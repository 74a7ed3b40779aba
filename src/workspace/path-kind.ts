/** Kinds of file, recognized from the path alone by the conventions of many ecosystems. */
export interface PathKind {
  test: boolean;
  example: boolean;
  docs: boolean;
  /** Change logs, release notes, news. */
  history: boolean;
  /** Declarations without bodies: `.d.ts`, `.pyi`. */
  declaration: boolean;
  /** Files that mostly re-export names: `__init__.py`, `index.ts`, `mod.rs`. */
  entry: boolean;
  /** Third-party, generated or minified. */
  foreign: boolean;
  /** Settings, build files, lock files, data. */
  config: boolean;
  /** Lock files and checksums written by a package manager. */
  lock: boolean;
  /** Texts in another language than English: catalogues of messages, translated documentation. */
  translation: boolean;
  /** Continuous-integration and tooling folders, benchmarks. */
  tooling: boolean;
}

const TEST_FOLDER =
  /^(t|tests?|testing|specs?|__tests__|__mocks__|testdata|test[-_]?data|test[-_]?(suite|utils?|helpers?)|fixtures?|e2e|integration[-_]tests?|[\w-]+[-_]tests?)$/;
const TEST_NAME =
  /(^|[._-])(tests?|spec|specs|e2e)[._-]|^(test|conftest)[._]|[._-](test|spec)s?\.[^.]+$|(Test|Tests|TestCase|Spec)\.(java|kt|cs|scala|swift|php|groovy)$|^test_|\.(\w{2,}test|phpt|bats)$/;
const EXAMPLE_FOLDER = /^(examples?|samples?|demos?|tutorials?|playgrounds?|sandbox|snippets?|cookbook|quickstart)$/;
const DOCS_FOLDER = /^(docs?|documentation|website|site|wiki|guides?|man|manual)$/;
const HISTORY_NAME =
  /^(change(s|log)|history|news|releases?|release[-_]?notes?|whats[-_]?new|migration|upgrading)([._-]|$)/;
const FOREIGN_FOLDER =
  /^(vendor|vendored|_vendor|third[-_]?party|extern(al)?|node_modules|bower_components|dist|build|out|generated|__generated__|gen|single_include|deps|site-packages|\.yarn)$/;
const FOREIGN_NAME = /\.min\.(js|css)$|[._-](generated|gen|pb|pb2|pb2_grpc)\.[^.]+$|\.bundle\.js$|\.map$/;
const LOCK_NAME =
  /^(package-lock|pnpm-lock|yarn|uv|poetry|cargo|composer|gemfile)[.-]?lock|^go\.(work\.)?sum$|^npm-shrinkwrap\.json$|\.(lock|lockfile|resolved)$|lock\.(json|ya?ml)$/;
const CONFIG_NAME =
  /\.(json|jsonc|ya?ml|toml|ini|cfg|conf|lock|properties|editorconfig|xml|csv|tsv|svg|snap)$|^\.|^(makefile|dockerfile|license|licence|notice|authors|codeowners)/;
const CATALOGUE_NAME = /\.(po|pot|mo|xlf|xliff|arb)$/;
const TRANSLATIONS_FOLDER =
  /^(locales?|i18n|l10n|lang|langs|languages?|translations?|docs?|content|readmes?|\.github)$/;
/** Language codes that are no common names of folders or files. English is the original. */
const LANGUAGE =
  /^(ar|az|bg|bn|ca|cs|da|de|el|es|et|fa|fi|fr|he|hi|hr|hu|hy|ja|ka|ko|lt|lv|ms|nb|nl|nn|pl|pt|ro|ru|sk|sl|sr|sv|ta|th|tr|uk|ur|uz|vi|zh)([-_](\w{2,4}))?$/;
const TOOLING_FOLDER = /^(\.[\w-]+|ci|scripts?|tools?|hack|benchmarks?|benches|bench|asv_bench|perf|docker|packaging)$/;
const ENTRY_NAME =
  /^(__init__\.pyi?|index\.[cm]?[jt]sx?|mod\.rs|lib\.rs|package-info\.java|doc\.go|exports?\.[jt]s|public[-_]api\.ts)$/;

export function pathKind(path: string): PathKind {
  // Folders of packages say nothing about the kind of their files: `src/main/java/org/springframework/samples`.
  const folders = path
    .toLowerCase()
    .replace(/((?:^|\/)src\/main\/(?:java|kotlin|scala|groovy)\/).*(?=\/)/, '$1')
    .split('/');
  const name = path.slice(path.lastIndexOf('/') + 1);
  const lowerName = folders.pop() ?? '';
  const prose = /\.(md|mdx|rst|adoc|txt|tex|ipynb)$/.test(lowerName) || /^readme/.test(lowerName);
  return {
    test: folders.some((folder) => TEST_FOLDER.test(folder)) || TEST_NAME.test(lowerName) || TEST_NAME.test(name),
    example: folders.some((folder) => EXAMPLE_FOLDER.test(folder)),
    docs: prose || folders.some((folder) => DOCS_FOLDER.test(folder)),
    history:
      HISTORY_NAME.test(lowerName) || folders.some((folder) => HISTORY_NAME.test(folder) || folder === '.changeset'),
    declaration: /\.d\.[cm]?ts$|\.pyi$/.test(lowerName),
    entry: ENTRY_NAME.test(lowerName),
    foreign:
      folders.some((folder) => FOREIGN_FOLDER.test(folder)) ||
      FOREIGN_NAME.test(lowerName) ||
      LOCK_NAME.test(lowerName),
    config: CONFIG_NAME.test(lowerName) && !prose,
    lock: LOCK_NAME.test(lowerName),
    translation: CATALOGUE_NAME.test(lowerName) || isTranslated(folders, lowerName),
    tooling: folders.some((folder) => TOOLING_FOLDER.test(folder)),
  };
}

/** Whether a folder or a part of the name is a language within a folder of texts: `docs/zh/a.md`, `README.fr.md`. */
function isTranslated(folders: readonly string[], name: string): boolean {
  const stems = name.split('.');
  const isProse = /\.(md|mdx|rst|adoc|txt)$/.test(name);
  if (isProse && stems.length > 2 && LANGUAGE.test(stems.at(-2) ?? '')) return true;
  const texts = folders.findIndex((folder) => TRANSLATIONS_FOLDER.test(folder));
  if (texts < 0) return false;
  return LANGUAGE.test(stems[0] ?? '') || folders.slice(texts + 1).some((folder) => LANGUAGE.test(folder));
}
