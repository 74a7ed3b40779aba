/**
 * `node scripts/bench-documents.mjs DIR`: brings the documents of `npm run bench -- documents` into DIR, a folder for
 * each document and form (`policy/pdf`). It needs git, and the tools of Debian 12 (`apt-get download`, `dpkg`). The
 * documents themselves are no part of the project.
 */
import { execFileSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { basename, join, resolve } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { strToU8, zipSync } from 'fflate';

const REPOSITORIES = {
  express: ['expressjs/express', 'a3714473feb3d2908add734d340e7755fd85e0a3'],
  rfcs: ['rust-lang/rfcs', '354518a8c9025f40be6f730452c1bfe71a12dc22'],
  airbnb: ['airbnb/javascript', '8ed19247bef145e3cc41b24a02dd1fe6d9b5e681'],
  gin: ['gin-gonic/gin', 'dcaa4296d111981ffb31ac3eba90bb63e1eb5ab9'],
  petclinic: ['spring-projects/spring-petclinic', 'edf4db28affcc4741c79850a3d95bc3f177b5ff9'],
  notebooks: ['jakevdp/PythonDataScienceHandbook', 'd66231454ef753818dc9213c9b5942e067266966'],
};

const policy = 'debian-policy/usr/share/doc/debian-policy';
const reference = (language) => {
  const own = language === 'en' ? 'developers-reference' : `developers-reference-${language}`;
  return `${own}/usr/share/developers-reference${language === 'en' ? '' : `/${language}`}`;
};
const guide = (language) => `installation-guide-amd64/usr/share/doc/installation-guide-amd64/${language}`;
const install = guide('en');
const git = 'git-doc/usr/share/doc/git-doc';
const bash = 'bash-doc/usr/share/doc/bash-doc';
const chinese = 'debian-reference-zh-cn/usr/share/debian-reference';

/** Document and form: the files or the folder of a package, and the ends of their names. */
const PACKAGED = {
  'policy/txt': [policy, /^policy\.txt\.gz$/],
  'policy/rst': [`${policy}/policy.html/_sources`, /\.rst\.txt$/],
  'policy/html': [`${policy}/policy.html`, /\.html$/],
  'policy/pdf': [policy, /^policy\.pdf\.gz$/],
  'policy/epub': [policy, /^policy\.epub$/],
  'devref/txt': [reference('en'), /\.txt\.gz$/],
  'devref/rst': [`${reference('en')}/_sources`, /\.rst\.txt$/],
  'devref/html': [reference('en'), /\.html$/],
  'devref/pdf': [reference('en'), /\.pdf$/],
  'devref/epub': [reference('en'), /\.epub$/],
  'install/txt': [install, /^install\.en\.txt\.gz$/],
  'install/html': [install, /\.html$/],
  'install/pdf': [install, /\.pdf\.gz$/],
  'git/asciidoc': [git, /\.txt$/],
  'git/html': [git, /\.html$/],
  'sqlite/html': ['sqlite3-doc/usr/share/doc/sqlite3', /\.html$/],
  'bash/html': [bash, /^bashref\.html$/],
  'bash/pdf': [bash, /^bashref\.pdf$/],
  'devref.de/txt': [reference('de'), /\.txt\.gz$/],
  'devref.de/html': [reference('de'), /\.html$/],
  'devref.fr/txt': [reference('fr'), /\.txt\.gz$/],
  'devref.fr/pdf': [reference('fr'), /\.pdf$/],
  'devref.ja/txt': [reference('ja'), /\.txt\.gz$/],
  'devref.ja/html': [reference('ja'), /\.html$/],
  'devref.ru/txt': [reference('ru'), /\.txt\.gz$/],
  'devref.ru/epub': [reference('ru'), /\.epub$/],
  'install.de/txt': [guide('de'), /\.txt\.gz$/],
  'install.de/html': [guide('de'), /\.html$/],
  'install.fr/txt': [guide('fr'), /\.txt\.gz$/],
  'install.fr/html': [guide('fr'), /\.html$/],
  'install.ja/txt': [guide('ja'), /\.txt\.gz$/],
  'install.ja/html': [guide('ja'), /\.html$/],
  // In KOI8-R.
  'install.ru/txt': [guide('ru'), /\.txt\.gz$/],
  'install.ru/html': [guide('ru'), /\.html$/],
  'install.zh/html': [guide('zh_CN'), /\.html$/],
  'debref.zh/txt': [chinese, /zh-cn\.txt\.gz$/],
  'debref.zh/html': [chinese, /zh-cn\.html$/],
};

/** Pages that generators make from the others. */
const GENERATED = /^(?:genindex|search|index)\.html$/;

const [target] = process.argv.slice(2);
if (target === undefined) {
  console.error('Usage: node scripts/bench-documents.mjs DIR');
  process.exit(2);
}
const folder = resolve(target);
const packages = join(folder, '.packages');
for (const [path, [from, name]] of Object.entries(PACKAGED))
  if (!existsSync(join(folder, path))) bring(path, from, name);
if (!existsSync(join(folder, 'policy/docx'))) {
  mkdirSync(join(folder, 'policy/docx'));
  writeFileSync(
    join(folder, 'policy/docx/policy.docx'),
    docxOf(readFileSync(join(folder, 'policy/txt/policy.txt'), 'utf8')),
  );
}
for (const [name, [repository, commit]] of Object.entries(REPOSITORIES)) {
  const form = name === 'notebooks' ? 'ipynb' : 'md';
  const own = join(folder, name, form);
  if (existsSync(own)) continue;
  execFileSync('git', ['clone', '-q', `https://github.com/${repository}`, own], { stdio: 'inherit' });
  execFileSync('git', ['-C', own, 'checkout', '-q', commit], { stdio: 'inherit' });
}

function bring(path, from, name) {
  const [own] = from.split('/');
  const unpacked = join(packages, own);
  if (!existsSync(unpacked)) {
    mkdirSync(packages, { recursive: true });
    execFileSync('apt-get', ['download', own], { cwd: packages, stdio: 'inherit' });
    const archive = readdirSync(packages).find((file) => file.startsWith(`${own}_`) && file.endsWith('.deb'));
    execFileSync('dpkg', ['-x', archive, own], { cwd: packages });
  }
  const source = join(packages, from);
  mkdirSync(join(folder, path), { recursive: true });
  for (const file of readdirSync(source)) {
    if (!name.test(file) || GENERATED.test(file)) continue;
    const copy = join(folder, path, basename(file).replace(/\.gz$|(?<=\.rst)\.txt$/, ''));
    if (file.endsWith('.gz')) writeFileSync(copy, gunzipSync(readFileSync(join(source, file))));
    else cpSync(join(source, file), copy, { dereference: true });
  }
}

/** A DOCX file of a text with underlined headings, as a word processor writes it: a heading style for each level. */
function docxOf(text) {
  const levels = ['*', '=', '-', '~'];
  const blocks = text.split(/\n\s*\n/).flatMap((block) => {
    const lines = block.split('\n').filter((line) => line.trim() !== '');
    const parts = [];
    while (lines.length >= 2 && /^([*=~-])\1{2,}$/.test(lines[1])) {
      parts.push({ level: levels.indexOf(lines[1][0]) + 1, text: lines[0].trim() });
      lines.splice(0, 2);
    }
    if (lines.length > 0) parts.push({ level: 0, text: lines.map((line) => line.trim()).join(' ') });
    return parts;
  });
  const escape = (value) => value.replace(/&/g, '&amp;').replace(/</g, '&lt;').replace(/>/g, '&gt;');
  const body = blocks
    .map(({ level, text: own }) => {
      const style = level > 0 ? `<w:pPr><w:pStyle w:val="Heading${level}"/></w:pPr>` : '';
      return `<w:p>${style}<w:r><w:t xml:space="preserve">${escape(own)}</w:t></w:r></w:p>`;
    })
    .join('');
  const main = 'application/vnd.openxmlformats-officedocument.wordprocessingml.document.main+xml';
  const head = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>';
  const w = 'http://schemas.openxmlformats.org/wordprocessingml/2006/main';
  const office = 'http://schemas.openxmlformats.org/officeDocument/2006/relationships/officeDocument';
  const styles = levels
    .map(
      (_, i) => `<w:style w:type="paragraph" w:styleId="Heading${i + 1}"><w:name w:val="heading ${i + 1}"/></w:style>`,
    )
    .join('');
  return zipSync({
    '[Content_Types].xml': strToU8(
      `${head}<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types"><Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/><Default Extension="xml" ContentType="application/xml"/><Override PartName="/word/document.xml" ContentType="${main}"/></Types>`,
    ),
    '_rels/.rels': strToU8(
      `${head}<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships"><Relationship Id="rId1" Type="${office}" Target="word/document.xml"/></Relationships>`,
    ),
    'word/styles.xml': strToU8(`${head}<w:styles xmlns:w="${w}">${styles}</w:styles>`),
    'word/document.xml': strToU8(`${head}<w:document xmlns:w="${w}"><w:body>${body}</w:body></w:document>`),
  });
}
