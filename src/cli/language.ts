/** Chooses the language of the terminal's texts before they are read: LC_ALL, LC_MESSAGES, LANG, as in POSIX. */
import { config } from '@vscode/l10n';
import { existsSync } from 'node:fs';
import { join } from 'node:path';

/** Languages that are known by more than their first two letters, with the names that mean them. */
const REGIONAL: readonly (readonly [RegExp, string])[] = [[/^zh(?:$|[-_.@](?!tw|hk|mo|hant))/i, 'zh-cn']];

/** The bundle's name of the language that the environment asks for. Undefined for English and unknown values. */
export function languageOf(env: NodeJS.ProcessEnv): string | undefined {
  const asked = env['LC_ALL'] || env['LC_MESSAGES'] || env['LANG'] || '';
  const regional = REGIONAL.find(([pattern]) => pattern.test(asked))?.[1];
  if (regional) return regional;
  const [language] = /^[a-z]{2,3}(?=$|[-_.@])/i.exec(asked) ?? [];
  return language === undefined || /^(?:en|zh)$/i.test(language) ? undefined : language.toLowerCase();
}

const language = languageOf(process.env);
const bundle = join(__dirname, '..', 'l10n', `bundle.l10n.${language ?? ''}.json`);
if (language !== undefined && existsSync(bundle)) config({ fsPath: bundle });
