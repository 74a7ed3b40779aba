import { html, nothing, type TemplateResult } from 'lit';
import { splitPath } from '../../base';
import type { Citation } from '../../protocol';
import * as l10n from '@vscode/l10n';
import { openCitation } from './citation';
import { citationLabel, sourcePlace } from './citation-label';

/** Number of citations listed before "show more". */
const LISTED = 8;

/** The parts of the list that the reader has expanded. */
export interface OpenedSources {
  quotes: ReadonlySet<number>;
  all: boolean;
}

/** The list of citations of an answer. `change` receives the parts that the reader expands or collapses. */
export function sourceList(
  citations: readonly Citation[],
  opened: OpenedSources,
  change: (opened: OpenedSources) => void,
): TemplateResult {
  const sorted = [...citations].sort((a, b) => a.number - b.number);
  const listed = opened.all ? sorted : sorted.slice(0, LISTED);
  const toggle = (number: number): void => {
    const quotes = new Set(opened.quotes);
    if (!quotes.delete(number)) quotes.add(number);
    change({ ...opened, quotes });
  };
  return html`<div class="sources">
    <h3 id="sources">${l10n.t('Sources')}</h3>
    <ol aria-labelledby="sources">
      ${listed.map((citation) => source(citation, opened.quotes.has(citation.number), toggle))}
    </ol>
    ${listed.length < sorted.length ? html`<button class="link" @click=${() => change({ ...opened, all: true })}>${l10n.t('Show {0} more', sorted.length - listed.length)}</button>` : nothing}
  </div>`;
}

function source(citation: Citation, open: boolean, toggle: (number: number) => void): TemplateResult {
  const { folder, name } = splitPath(citation.path);
  return html`<li>
    <div class="source">
      <button
        class="row"
        data-citation=${citation.number}
        @click=${() => openCitation(citation)}
        title=${citationLabel(citation)}
      >
        <span class="hidden">${l10n.t('Open citation')}</span><span class="number">${citation.number}</span>
        <span class="where">
          <span class="ellipsis">${citation.label || name}</span>
          <span class="path dim ellipsis">${sourcePlace(name, citation)}${folder ? html` · ${folder}` : nothing}</span>
        </span>
      </button>
      <button
        class="quiet"
        aria-expanded=${open ? 'true' : 'false'}
        aria-label=${l10n.t('Quoted lines of citation {0}', citation.number)}
        title=${l10n.t('Show the quoted lines')}
        @click=${() => toggle(citation.number)}
      >
        <vscode-icon name=${open ? 'chevron-up' : 'chevron-down'}></vscode-icon>
      </button>
    </div>
    ${open ? html`<pre class="quote" tabindex="0" role="group" aria-label=${l10n.t('Quoted lines of citation {0}', citation.number)}>${citation.text}</pre>` : nothing}
  </li>`;
}
