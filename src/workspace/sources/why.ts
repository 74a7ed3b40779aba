import { statSync } from 'node:fs';
import { basename, dirname, join, relative } from 'node:path';
import type { WhyFile } from '../../protocol';
import { binaryContent, headOf } from './binary';
import { maxBytesOf } from './extractors';
import type { WorkspaceFolders } from './folders';
import type { Rule } from './ignore-file';
import { isWithin, posix, realOf } from './paths';
import { FolderRules } from './rules';
import { isPrivateKey, secretRule, SECRETS_SETTING } from './secrets';
import type { SkipReason } from './skip-reason';

export interface WhyOptions {
  filesExclude: readonly string[];
  maxFileBytes: number;
  followLinks?: boolean;
  secrets?: boolean;
}

/** Tells whether a file belongs to the index, and which rule decides. Applies the rules of the walk along one path. */
export function whyFile(file: string, folders: WorkspaceFolders, options: WhyOptions): WhyFile {
  const folder = folders.folderOf(file);
  const path = folders.pathOf(file) ?? file;
  const answer = (indexed: boolean, reason: string, rule?: Rule): WhyFile => ({
    file,
    path,
    indexed,
    reason,
    ...(rule ? { rule } : {}),
  });
  if (!folder) return answer(false, 'It is outside the workspace folders.');

  const rules = new FolderRules({
    folder: folder.directory,
    filesExclude: folder.filesExclude ?? options.filesExclude,
    ...(options.secrets ? { secrets: true } : {}),
  });
  let here = rules.root;
  let reincluded: Rule | undefined;
  const parts = posix(relative(folder.directory, file)).split('/');
  for (const [i, name] of parts.entries()) {
    const isDirectory = i < parts.length - 1;
    const verdict = rules.decide(here, name, isDirectory);
    if (verdict.excluded && !(isDirectory && rules.mayReinclude(here, name))) {
      const what = isDirectory ? posix(relative(folder.directory, join(here.directory, name))) : '';
      return answer(false, describe(verdict.reason, what, verdict.rule, folder.directory), verdict.rule);
    }
    if (!verdict.excluded && verdict.rule) reincluded = verdict.rule;
    if (isDirectory) here = rules.enter(here, name, verdict);
  }
  const link = linkTrouble(file, folder.directory, folders, options);
  if (link) return answer(false, link);
  const trouble = fileTrouble(file, options);
  if (trouble) return answer(false, trouble);
  if (reincluded) return answer(true, `Re-included by ${place(reincluded, folder.directory)}.`, reincluded);
  return answer(true, 'No rule excludes it.');
}

function place(rule: Rule, folder: string): string {
  if (rule.line === 0) return `the setting ${rule.file}: ${rule.pattern}`;
  return (
    `${isWithin(rule.file, folder) ? posix(relative(folder, rule.file)) : rule.file} line ${rule.line}: ` +
    `${rule.pattern}`
  );
}

const WORDS: Readonly<Partial<Record<SkipReason, string>>> = {
  'git folder': "is git's own data",
  'dependency folder': 'holds dependencies or build products; a line such as !FOLDER/ in .anchorageignore includes it',
  submodule: 'is a submodule; a line such as !FOLDER/ in .anchorageignore includes it',
  'nested work tree': 'is another work tree of a repository; a line such as !FOLDER/ in .anchorageignore includes it',
  'nested repository': 'is a repository of its own; a line such as !FOLDER/ in .anchorageignore includes it',
};

function describe(reason: SkipReason, directory: string, rule: Rule | undefined, folder: string): string {
  const subject = directory === '' ? 'It' : `Its folder ${directory}`;
  if (reason === 'secret' && rule)
    return (
      `${subject} usually holds secrets (${rule.pattern}). The setting ${SECRETS_SETTING} or a line such as !NAME in ` +
      `.anchorageignore includes it.`
    );
  if (rule) return `${subject} is ignored by ${place(rule, folder)}`;
  return `${subject} ${WORDS[reason] ?? `is excluded (${reason})`}.`;
}

/**
 * Describes why a link is not followed. Links are judged by their real path, so that a link cannot include an excluded
 * file.
 */
function linkTrouble(
  file: string,
  directory: string,
  folders: WorkspaceFolders,
  { followLinks, secrets }: WhyOptions,
): string | undefined {
  const real = realOf(file);
  const home = folders.all.find((folder) => isWithin(real, realOf(folder.directory)));
  const own = join(realOf(directory), relative(directory, file));
  // A missing file in a folder reached through a link has no real path.
  if (real === own || real === file) return undefined;
  if (home) return `It is a link to ${posix(relative(realOf(home.directory), real))}. The rules for that path apply.`;
  if (followLinks && !secrets && secretRule(dirname(real), basename(real), false))
    return `It is a link to ${real}, which usually holds secrets (setting ${SECRETS_SETTING}).`;
  if (followLinks) return undefined;
  return `It is a link out of the workspace, to ${real}. The setting anchorage.index.followLinks includes such links.`;
}

function fileTrouble(file: string, { maxFileBytes, secrets }: WhyOptions): string | undefined {
  try {
    const info = statSync(file);
    if (info.isDirectory()) return 'It is a folder.';
    if (!info.isFile()) return 'It is not a regular file.';
    if (info.size > maxBytesOf(file, maxFileBytes))
      return (
        `It has ${info.size.toLocaleString('en')} bytes, more than the setting anchorage.index.maxFileSizeKB ` +
        `allows (${maxFileBytes.toLocaleString('en')}).`
      );
    const head = headOf(file);
    const binary = binaryContent(file, head);
    if (binary !== undefined) return `It ${binary}.`;
    if (!secrets && isPrivateKey(head.toString('utf8')))
      return `It is a private key; the setting ${SECRETS_SETTING} decides about secrets.`;
    return undefined;
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code;
    return code === 'ENOENT' ? 'It is not on disk.' : `It cannot be read (${code ?? String(error)}).`;
  }
}

/** Says in which encoding a file is read. */
export const encodingNote = ({ name, sure }: { name: string; sure: boolean }): string =>
  sure ? `It is read as ${name}.` : `Its encoding is uncertain; it is read as ${name}. Save it as UTF-8 to be sure.`;
