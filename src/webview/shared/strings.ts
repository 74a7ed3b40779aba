/** Configures the translations from the host's document. Imported before anything that has a text. */
import { config } from '@vscode/l10n';

const bundle = document.getElementById('strings')?.textContent;
if (bundle) config({ contents: bundle });
