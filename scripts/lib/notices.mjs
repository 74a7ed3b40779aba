/**
 * Makes THIRD-PARTY-NOTICES.txt: every package, font, grammar and model that the extension ships, with the full
 * licence. The list comes from esbuild's metafiles and the copied folders, not from package.json.
 */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';

/** Licence texts for packages that include none: package name → file in scripts/licences. */
const SUPPLIED = {
  'onnxruntime-node': 'onnxruntime.txt',
  'onnxruntime-web': 'onnxruntime.txt',
  '@vscode/l10n': 'vscode-l10n.txt',
  'onnxruntime-common': 'onnxruntime.txt',
  isarray: 'isarray.txt',
};

const installed = (name, file = 'LICENSE') => `../../node_modules/${name}/${file}`;

/** Other works inside a package whose licence its own file does not give. The text is that of a development package. */
const CARRIED = {
  unpdf: [
    {
      what: 'pdf.js, Copyright Mozilla Foundation, Apache License 2.0',
      text: installed('typescript', 'LICENSE.txt'),
    },
  ],
  '@modelcontextprotocol/server': [
    ...['ajv', 'fast-deep-equal', 'json-schema-traverse'].map((name) => ({
      what: `${name}, MIT`,
      text: installed(name),
    })),
    // No package of the lock file has these.
    { what: 'ajv-formats, MIT', text: 'ajv-formats.txt' },
    { what: 'content-type, MIT', text: 'content-type.txt' },
    { what: 'fast-uri, BSD 3-Clause', text: installed('fast-uri') },
  ],
};

const LICENCE_FILE = /^(licen[cs]e|copying)/i;
const NOTICE_FILE = /^(notice|third-?party-?notices?)/i;
const RULE = '='.repeat(100);

/**
 * Lists the packages whose code is in the bundles.
 * @param {import('esbuild').Metafile[]} metafiles
 * @param {string} base The folder to which the metafiles' paths are relative.
 * @returns {string[]} Absolute folders of the packages, without duplicates.
 */
export function bundledPackages(metafiles, base) {
  const directories = new Set();
  for (const { outputs } of metafiles) {
    for (const { inputs } of Object.values(outputs)) {
      for (const [input, { bytesInOutput }] of Object.entries(inputs)) {
        // The last node_modules in the path, because a package may have nested ones.
        const found = /^(.*\bnode_modules\/(?:@[^/]+\/)?[^/]+)\//.exec(input);
        if (found && bytesInOutput > 0) directories.add(path.resolve(base, found[1]));
      }
    }
  }
  return [...directories].sort();
}

/**
 * @param {string} directory A package's folder.
 * @param {string} supplied The folder of licence texts for packages that include none.
 * @returns {import('./notices.mjs').Notice}
 * @throws Error if there is no licence text
 */
export function packageNotice(directory, supplied) {
  const { name, version, license, homepage, repository } = readJson(path.join(directory, 'package.json'));
  const own = textsIn(directory, LICENCE_FILE);
  const file = SUPPLIED[name];
  if (own.length === 0 && !file) {
    throw new Error(
      `${name} ${version} is shipped without its licence text (${license}). ` +
        `Put the text into scripts/licences and name the file in scripts/lib/notices.mjs.`,
    );
  }
  const texts = own.length > 0 ? own : [readFileSync(path.join(supplied, file), 'utf8')];
  for (const { what, text } of CARRIED[name] ?? [])
    texts.push(`${what}\n\n${readFileSync(path.join(supplied, text), 'utf8').trim()}`);
  const url = homepage ?? (typeof repository === 'string' ? repository : repository?.url);
  return { name, version, licence: String(license), url, texts: [...texts, ...textsIn(directory, NOTICE_FILE)] };
}

/**
 * @param {string} directory A folder of models/.
 * @param {string} projectLicence Licence text for the project's own models.
 * @returns {import('./notices.mjs').Notice}
 * @throws Error if neither a licence file nor the `licence` row of the model card gives the licence
 */
export function modelNotice(directory, projectLicence) {
  const name = `models/${path.basename(directory)}`;
  const card = path.join(directory, 'MODEL_CARD.md');
  const row = existsSync(card) && /^\|\s*licence\s*\|\s*(.+?)\s*\|$/m.exec(readFileSync(card, 'utf8'));
  const own = textsIn(directory, LICENCE_FILE);
  const ofProject = row && /as the repository/.test(row[1]);
  if (own.length === 0 && !ofProject) {
    throw new Error(`${name} is shipped without its licence text. Put a LICENSE file beside its weights.`);
  }
  const texts = [...(own.length > 0 ? own : [projectLicence]), ...textsIn(directory, NOTICE_FILE)];
  return { name, version: '', licence: row ? row[1] : 'see below', url: undefined, texts };
}

/**
 * @param {import('./notices.mjs').Notice[]} notices
 * @returns {string} A list of the shipped components, then each with its texts.
 */
export function formatNotices(notices) {
  const sorted = [...notices].sort((a, b) => (a.name < b.name ? -1 : 1));
  const title = ({ name, version, licence }) => `${[name, version].filter(Boolean).join(' ')} (${licence})`;
  const section = (notice) => {
    const head = [title(notice), notice.contents, notice.url].filter(Boolean).join('\n');
    return `${RULE}\n${head}\n${RULE}\n\n${notice.texts.join('\n\n')}\n`;
  };
  const list = sorted.map((notice) => `- ${title(notice)}`).join('\n');
  return (
    `Anchorage ships the following packages, fonts, grammars and ` +
    `models.\n\n${list}\n\n${sorted.map(section).join('\n')}`
  );
}

function textsIn(directory, pattern) {
  return readdirSync(directory, { withFileTypes: true })
    .filter((entry) => entry.isFile() && pattern.test(entry.name))
    .map(({ name }) => readFileSync(path.join(directory, name), 'utf8').trim())
    .filter((text) => text !== '');
}

function readJson(file) {
  return JSON.parse(readFileSync(file, 'utf8'));
}
