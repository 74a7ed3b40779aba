import * as l10n from '@vscode/l10n';
import { statSync } from 'node:fs';
import { basename, dirname, join, relative } from 'node:path';
import type { WhyFile } from '../../protocol';
import { binaryContent, headOf } from './binary';
import { maxBytesOf } from './extractors';
import type { WorkspaceFolders } from './folders';
import type { Rule } from './ignore-file';
import { isWithin, posix, realOf } from './paths';
import { type DirectoryRules, FolderRules, type Verdict } from './rules';
import { isPrivateKey, secretRule, SECRETS_SETTING } from './secrets';
import type { SkipReason } from './skip-reason';
import type { WorkspaceFolder } from '../types';

export interface WhyOptions {
  filesExclude: readonly string[];
  maxFileBytes: number;
  followLinks?: boolean;
  secrets?: boolean;
}

/** Rules of folders and directories, each read once: for files that are asked about together. */
export class RulesOnce {
  private readonly folders = new Map<string, FolderRules>();
  private readonly directories = new Map<string, DirectoryRules>();

  of(folder: WorkspaceFolder, { filesExclude, secrets }: WhyOptions): FolderRules {
    const { directory } = folder;
    const made =
      this.folders.get(directory) ??
      new FolderRules({
        folder: directory,
        filesExclude: folder.filesExclude ?? filesExclude,
        ...(secrets ? { secrets: true } : {}),
      });
    this.folders.set(directory, made);
    return made;
  }

  inside(rules: FolderRules, here: DirectoryRules, name: string, verdict: Verdict): DirectoryRules {
    const directory = join(here.directory, name);
    const made = this.directories.get(directory) ?? rules.enter(here, name, verdict);
    this.directories.set(directory, made);
    return made;
  }
}

/** Tells whether a file belongs to the index, and which rule decides. Applies the rules of the walk along one path. */
export function whyFile(
  file: string,
  folders: WorkspaceFolders,
  options: WhyOptions,
  known = new RulesOnce(),
): WhyFile {
  const folder = folders.folderOf(file);
  const path = folders.pathOf(file) ?? file;
  const answer = (indexed: boolean, reason: string, rule?: Rule): WhyFile => ({
    file,
    path,
    indexed,
    reason,
    ...(rule ? { rule } : {}),
  });
  if (!folder) return answer(false, l10n.t('It is outside the workspace folders.'));

  const rules = known.of(folder, options);
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
    if (isDirectory) here = known.inside(rules, here, name, verdict);
  }
  const link = linkTrouble(file, folder.directory, folders, options);
  if (link) return answer(false, link);
  const trouble = fileTrouble(file, options);
  if (trouble) return answer(false, trouble);
  if (reincluded) return answer(true, l10n.t('Re-included by {0}.', place(reincluded, folder.directory)), reincluded);
  return answer(true, l10n.t('No rule excludes it.'));
}

function place(rule: Rule, folder: string): string {
  if (rule.line === 0) return l10n.t('the setting {0}: {1}', rule.file, rule.pattern);
  const file = isWithin(rule.file, folder) ? posix(relative(folder, rule.file)) : rule.file;
  return l10n.t('{0} line {1}: {2}', file, rule.line, rule.pattern);
}

/** Why a folder is excluded without a rule of the user, and what includes it. */
const WITHOUT_RULE: Partial<Record<SkipReason, (subject: string) => string>> = {
  'git folder': (subject) => l10n.t("{0} is git's own data.", subject),
  'dependency folder': (subject) =>
    l10n.t(
      '{0} holds dependencies or build products; a line such as !FOLDER/ in .anchorageignore includes it.',
      subject,
    ),
  submodule: (subject) =>
    l10n.t('{0} is a submodule; a line such as !FOLDER/ in .anchorageignore includes it.', subject),
  'nested work tree': (subject) =>
    l10n.t(
      '{0} is another work tree of a repository; a line such as !FOLDER/ in .anchorageignore includes it.',
      subject,
    ),
  'nested repository': (subject) =>
    l10n.t('{0} is a repository of its own; a line such as !FOLDER/ in .anchorageignore includes it.', subject),
};

function describe(reason: SkipReason, directory: string, rule: Rule | undefined, folder: string): string {
  const subject = directory === '' ? l10n.t('It') : l10n.t('Its folder {0}', directory);
  if (reason === 'secret' && rule)
    return l10n.t(
      '{0} usually holds secrets ({1}). The setting {2} or a line such as !NAME in .anchorageignore includes it.',
      subject,
      rule.pattern,
      SECRETS_SETTING,
    );
  if (rule) return l10n.t('{0} is ignored by {1}', subject, place(rule, folder));
  return WITHOUT_RULE[reason]?.(subject) ?? l10n.t('{0} is excluded ({1}).', subject, reason);
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
  if (home)
    return l10n.t('It is a link to {0}. The rules for that path apply.', posix(relative(realOf(home.directory), real)));
  if (followLinks && !secrets && secretRule(dirname(real), basename(real), false))
    return l10n.t('It is a link to {0}, which usually holds secrets (setting {1}).', real, SECRETS_SETTING);
  if (followLinks) return undefined;
  return l10n.t(
    'It is a link out of the workspace, to {0}. The setting anchorage.index.followLinks includes such links.',
    real,
  );
}

function fileTrouble(file: string, { maxFileBytes, secrets }: WhyOptions): string | undefined {
  try {
    const info = statSync(file);
    if (info.isDirectory()) return l10n.t('It is a folder.');
    if (!info.isFile()) return l10n.t('It is not a regular file.');
    if (info.size > maxBytesOf(file, maxFileBytes))
      return l10n.t(
        'It has {0} bytes, more than the setting anchorage.index.maxFileSizeKB allows ({1}).',
        info.size.toLocaleString('en'),
        maxFileBytes.toLocaleString('en'),
      );
    const head = headOf(file);
    const binary = binaryContent(file, head);
    if (binary !== undefined) return `It ${binary}.`;
    if (!secrets && isPrivateKey(head.toString('utf8')))
      return l10n.t('It is a private key; the setting {0} decides about secrets.', SECRETS_SETTING);
    return undefined;
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code;
    return code === 'ENOENT' ? l10n.t('It is not on disk.') : l10n.t('It cannot be read ({0}).', code ?? String(error));
  }
}

/** Says in which encoding a file is read. */
export const encodingNote = ({ name, sure }: { name: string; sure: boolean }): string =>
  sure
    ? l10n.t('It is read as {0}.', name)
    : l10n.t('Its encoding is uncertain; it is read as {0}. Save it as UTF-8 to be sure.', name);
