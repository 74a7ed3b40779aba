/** The texts of the interface and their translations. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import ts from 'typescript';
import { root } from './install.mjs';

/** Languages of the interface beside English, as VS Code names them. */
export const LANGUAGES = ['de', 'es', 'fr', 'ja', 'zh-cn'];

const suffix = (language) => (language === undefined ? '' : `.${language}`);

/** Texts of the code. Without a language: the English ones. */
export const bundleFile = (language) => path.join('l10n', `bundle.l10n${suffix(language)}.json`);
/** Texts of package.json. */
export const manifestFile = (language) => `package.nls${suffix(language)}.json`;

/** @returns {Record<string, string>} empty if there is no file */
export function readTexts(file) {
  const absolute = path.join(root, file);
  return existsSync(absolute) ? JSON.parse(readFileSync(absolute, 'utf8')) : {};
}

/** The texts that src/ translates with `l10n.t`, sorted, each by itself. */
export function textsOfSources() {
  const texts = new Set();
  for (const name of readdirSync(path.join(root, 'src'), { recursive: true })) {
    if (!name.endsWith('.ts')) continue;
    const source = readFileSync(path.join(root, 'src', name), 'utf8');
    if (source.includes('l10n.t(')) collect(ts.createSourceFile(name, source, ts.ScriptTarget.Latest), texts);
  }
  return Object.fromEntries([...texts].sort().map((text) => [text, text]));
}

/** Adds the literal first argument of each `l10n.t(…)` or `vscode.l10n.t(…)`. Lint refuses other arguments. */
function collect(node, texts) {
  if (ts.isCallExpression(node) && ts.isPropertyAccessExpression(node.expression)) {
    const { name, expression } = node.expression;
    const owner = ts.isPropertyAccessExpression(expression) ? expression.name : expression;
    const [text] = node.arguments;
    if (name.text === 't' && owner.text === 'l10n' && text && ts.isStringLiteralLike(text)) texts.add(text.text);
  }
  ts.forEachChild(node, (child) => collect(child, texts));
}

const placeholders = (text) => [...new Set(text.match(/\{\d+\}/g) ?? [])].sort().join(' ');
/** Code, links and commands, which a translation keeps. */
const literals = (text) =>
  [...text.matchAll(/`[^`]*`|\]\([^)]*\)|#[a-z][\w.]*\.[\w.]+#|--[a-z-]{3,}|https?:\/\/[\w.:/#-]+/gi)]
    .map(([literal]) => literal)
    .sort()
    .join(' ');

/**
 * @param {Record<string, string>} wanted
 * @param {Record<string, string>} translated
 * @returns {string[]} what is missing, unused, empty, or has other placeholders, code or links than the English text
 */
export function differences(wanted, translated) {
  const faults = [];
  for (const [key, text] of Object.entries(wanted)) {
    const own = translated[key];
    if (own === undefined || own.trim() === '') faults.push(`“${key}” is not translated`);
    else if (placeholders(own) !== placeholders(text)) faults.push(`“${key}” has other placeholders: “${own}”`);
    else if (literals(own) !== literals(text)) faults.push(`“${key}” has other code or links: “${own}”`);
  }
  for (const key of Object.keys(translated)) if (!(key in wanted)) faults.push(`“${key}” is not used`);
  return faults;
}
