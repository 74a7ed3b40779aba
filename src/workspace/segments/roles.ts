/**
 * Roles of reStructuredText and MyST, which mark what a name or a text is: `:class:`Flask``, `{exc}`click.Abort``,
 * `:ref:`the guide <guide>``. A reader wants the name or the text alone.
 */
const ROLE = /(?<![\w`$])(?::[a-z][\w+.-]*(?::[\w+.-]+)*:|\{[a-z][\w:+.-]*\})(`{1,2})(?=[^\s`])([^`]{1,400}?)\1(?!`)/gi;
/** A link of reStructuredText: a text and an address, or the name of a place. */
const LINK = /(?<![\w`])`([^`<]{1,300}?)(?:\s+<[^`<>]{1,400}>)?`_{1,2}(?!\w)/g;

/** Text whose roles and links are replaced by what they show. Names stay code, texts do not. */
export function withoutRoles(text: string): string {
  if (!text.includes('`')) return text;
  return text.replace(ROLE, (_, _ticks, content: string) => shown(content)).replace(LINK, '$1');
}

/** `~click.Abort` shows its last part, `a text <target>` the text, and the number of an issue stands as one. */
function shown(content: string): string {
  if (/^\d+$/.test(content)) return `#${content}`;
  const titled = /^([^<]*\S)\s*<[^<>]*>$/.exec(content)?.[1];
  const name = (titled ?? content).replace(/^!/, '');
  const plain = name.startsWith('~') ? name.slice(name.lastIndexOf('.') + 1).replace(/^~/, '') : name;
  return plain === '' || /\s/.test(plain) ? plain : `\`${plain}\``;
}
