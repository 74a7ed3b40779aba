import MarkdownIt from 'markdown-it';

/** A citation's label, for the renderer. */
export interface CitationLabel {
  number: number;
  /** Screen reader label and tooltip: "src/retry.ts, lines 10 to 20". */
  label: string;
}

interface Environment {
  citations?: ReadonlyMap<number, CitationLabel>;
}

/**
 * Renders Markdown of answers. An answer may quote any workspace text, so HTML is shown as text, pictures are left out,
 * and links show their address but cannot be followed. `[3]` becomes a button if citation 3 is known.
 */
const markdown = new MarkdownIt({ html: false, linkify: false, typographer: false, breaks: false });
markdown.disable(['image', 'autolink', 'html_inline', 'html_block', 'reference']);

markdown.inline.ruler.before('link', 'citation', (state, silent) => {
  const match = /^\[(\d{1,3})\](?!\()/.exec(state.src.slice(state.pos, state.pos + 6));
  const number = Number(match?.[1]);
  const known = match && (state.env as Environment).citations?.has(number);
  if (!match || !known) return false;
  // Closing punctuation stays with the button, so that it does not wrap to the next line.
  const close = /^[.,;:!?)\]”’]*/.exec(state.src.slice(state.pos + match[0].length, state.posMax))?.[0] ?? '';
  if (!silent) state.push('citation', '', 0).meta = { number, close };
  state.pos += match[0].length + close.length;
  return true;
});

const escape = markdown.utils.escapeHtml;

markdown.renderer.rules['citation'] = (tokens, index, _options, env) => {
  const number = Number(tokens[index]?.meta?.['number']);
  const label = (env as Environment).citations?.get(number)?.label ?? '';
  const button =
    `<button class="citation" type="button" data-citation="${number}" title="${escape(label)}" ` +
    `aria-label="${escape(`Citation ${number}: ${label}`)}">${number}</button>`;
  const close = String(tokens[index]?.meta?.['close'] ?? '');
  return close ? `<span class="kept">${button}${escape(close)}</span>` : button;
};
markdown.renderer.rules['link_open'] = () => '';
markdown.renderer.rules['link_close'] = (tokens, index) => {
  let open = index;
  for (let depth = 1; depth > 0 && open > 0;) {
    open--;
    if (tokens[open]?.type === 'link_close') depth++;
    if (tokens[open]?.type === 'link_open') depth--;
  }
  const address = String(tokens[open]?.attrGet('href') ?? '');
  return address ? ` <span class="address">(${escape(address)})</span>` : '';
};
markdown.renderer.rules['fence'] = (tokens, index) => {
  const token = tokens[index];
  const language = token?.info.trim().split(/\s+/)[0] ?? '';
  const name = language ? ` aria-label="${escape(language)}"` : '';
  return (
    `<pre tabindex="0" ` +
    `role="group"${name || ' aria-label="code"'}><code>${escape(token?.content ?? '')}</code></pre>`
  );
};
// Markdown-it sets column alignment as a style attribute, which the panel's policy forbids.
for (const rule of ['th_open', 'td_open']) {
  markdown.renderer.rules[rule] = (tokens, index, options, _env, self) => {
    const token = tokens[index];
    if (token) token.attrs = (token.attrs ?? []).filter(([name]) => name !== 'style');
    return self.renderToken(tokens, index, options);
  };
}

/** @returns HTML with only Markdown's elements and the citation buttons */
export function renderMarkdown(text: string, citations: ReadonlyMap<number, CitationLabel>): string {
  return markdown.render(text, { citations } satisfies Environment);
}

/** The plain text of Markdown, for screen reader announcements. */
export function plainText(text: string): string {
  return text
    .replace(/```[\s\S]*?(```|$)/g, ' code ')
    .replace(/\[(\d{1,3})\]/g, '')
    .replace(/[*_`#>|]/g, '')
    .replace(/\s+/g, ' ')
    .trim();
}
