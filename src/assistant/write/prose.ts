/**
 * Writes prose from units. Each sentence is verified when it is complete, and shown only if lines carry it. Of a small
 * model those lines are shown instead (pointing.ts).
 */
import type { ChatMessage, Citation, Span, Writer, Written } from '../../protocol';
import { checkMarkdown, CitationList, sentencesOf } from '../citations';
import type { AssistantLibrary } from '../library';
import { Attribution, type Carried } from './attribution';
import { BARE } from './faithful';
import { answerForm } from './prompt';
import { pointAt, wholeStatements } from './pointing';
import type { Unit } from './units';

export interface ProseRequest {
  chat: ChatMessage[];
  units: readonly Unit[];
  /** Its words are no grounds for a sentence. */
  question: string;
  /** Citations that are shown already. Sentences that rest on their lines reuse their numbers. */
  shown: readonly Citation[];
  /** Quotes the lines that carry a sentence, instead of the sentence. */
  points?: boolean;
}

export interface ProseListener {
  signal?: AbortSignal | undefined;
  onRead?: ((read: number, total: number) => void) | undefined;
  /** More verified text, with its citations. */
  onProse?: ((markdown: string, citations: readonly Citation[]) => void) | undefined;
}

export interface Prose {
  /** Verified text; empty if no sentence is carried. */
  markdown: string;
  /** The shown citations and those of the text. */
  citations: readonly Citation[];
  /** Sentences that nothing carries. */
  dropped: readonly string[];
  written: Written;
}

const MAX_NEW_TOKENS = 220;
/** A draft with this many sentences in a row that nothing carries is given up. */
const GIVE_UP = 4;
/** A sentence that leans on the one before it. */
const LEANS =
  /^(it|its|this|that|these|those|they|their|he|she|such|here|then|also|so|thus|therefore|however|additionally|in addition|otherwise)\b/i;
/** Talk about the excerpts, which the reader has not seen: "The excerpts state that …", "Based on the context, …". */
const ABOUT_EXCERPTS =
  /^(?:(?:according to|based on|from|in|as (?:stated|mentioned|shown) in) (?:the|these|this) (?:(?:provided|given|above) )?(?:excerpts?|context|text|files?|code|documentation|information|snippets?)(?: (?:provided|given|above))?,\s*|the (?:(?:provided|given|above) )?(?:excerpts?|context|text|documentation|code)(?: (?:provided|given|above))? (?:states?|says?|shows?|mentions?|indicates?|explains?|suggests?|specif(?:y|ies)) that\s+)/i;
/** Most places that are quoted instead of sentences. */
const MOST_POINTED = 3;
/** A shown citation stands for a sentence if it has at most this many lines more than the sentence's own. */
const WIDER = 12;

export async function writeProse(
  { chat, units, question, shown, points = false }: ProseRequest,
  writer: Writer,
  library: Pick<AssistantLibrary, 'read'>,
  { signal, onRead, onProse }: ProseListener,
): Promise<Prose> {
  const enough = new AbortController();
  // A comparison is told whole or not at all: what is left of one often says of one side what the other does.
  const isWhole = answerForm(question) === 'compare';
  const held: [markdown: string, citations: readonly Citation[]][] = [];
  const emit = (markdown: string, citations: readonly Citation[]): void => {
    if (isWhole) held.push([markdown, citations]);
    else onProse?.(markdown, citations);
  };
  const draft = new Draft(units, question, shown, points, emit);
  const written = await writer.write(chat, {
    maxNewTokens: MAX_NEW_TOKENS,
    signal: signal ? AbortSignal.any([signal, enough.signal]) : enough.signal,
    quotes: units.map(({ quote }) => quote),
    ...(onRead ? { onRead } : {}),
    onText: (text) => {
      draft.push(text);
      if (draft.isListBroken || draft.inVain >= (isWhole ? 1 : GIVE_UP)) enough.abort();
    },
  });
  // A sentence that was cut off may lack its point.
  if (written.stopped === 'end') draft.end();
  draft.endList(written.stopped === 'end');
  if (isWhole) {
    if (draft.dropped.length > 0 || written.stopped !== 'end')
      return { markdown: '', citations: shown, dropped: draft.dropped, written };
    for (const [markdown, citations] of held) onProse?.(markdown, citations);
  }
  const checked = await checkMarkdown(draft.markdown.trim(), draft.citations, library, { renumber: false });
  const used = new Set([...checked.markdown.matchAll(/\[(\d+)\]/g)].map(([, number]) => Number(number)));
  const citations = draft.citations.filter((each) => shown.includes(each) || used.has(each.number));
  return { markdown: checked.markdown, citations, dropped: draft.dropped, written };
}

/** A draft while it is written: text in, carried sentences out. */
class Draft {
  markdown = '';
  readonly dropped: string[] = [];
  /** Sentences dropped since the last one that is carried. */
  inVain = 0;
  /** An item of the list is dropped. */
  isListBroken = false;
  /** A list from its first item or the line before it, with what follows: it is shown if no item is missing. */
  private readonly items: [shown: string, citations: readonly Citation[]][] = [];
  private pending = '';
  private inFence = false;
  /** The unit that carries the sentence before. */
  private before: Unit | undefined;
  /** White space and list marks before the next sentence, and a heading of a list. */
  private lead = '';
  private readonly attribution: Attribution;
  private readonly list: CitationList;
  private readonly said = new Set<string>();
  private readonly pointed: Span[] = [];

  constructor(
    units: readonly Unit[],
    question: string,
    shown: readonly Citation[],
    private readonly points: boolean,
    private readonly emit: (markdown: string, citations: readonly Citation[]) => void,
  ) {
    this.attribution = new Attribution(units, question);
    this.list = new CitationList(shown);
  }

  get citations(): readonly Citation[] {
    return this.list.all;
  }

  push(text: string): void {
    this.pending += text;
    for (let end = this.pending.indexOf('\n'); end >= 0; end = this.pending.indexOf('\n')) {
      const line = this.pending.slice(0, end);
      this.pending = this.pending.slice(end + 1);
      this.line(line);
      if (this.markdown !== '' || this.items.length > 0) this.lead += '\n';
    }
    const sentences = sentencesOf(this.pending);
    // The last one may go on.
    while (!this.inFence && !/^\s*[`~]{3}/.test(this.pending) && sentences.length > 1) {
      const sentence = sentences.shift() as string;
      this.pending = this.pending.slice(sentence.length);
      this.sentence(sentence);
    }
  }

  end(): void {
    this.line(this.pending);
    this.pending = '';
  }

  /** Shows the list, if it is complete. */
  endList(isComplete: boolean): void {
    const items = this.items.splice(0);
    if (!isComplete || this.isListBroken) this.dropped.push(...items.map(([shown]) => shown.trim()));
    else for (const [shown, citations] of items) this.show(shown, citations);
  }

  private show(shown: string, citations: readonly Citation[]): void {
    this.markdown += shown;
    this.emit(shown, citations);
  }

  /** Code is left out: the quotes show it, with its lines. */
  private line(line: string): void {
    if (/^\s*(```|~~~)/.test(line)) this.inFence = !this.inFence;
    else if (!this.inFence) for (const sentence of sentencesOf(line)) this.sentence(sentence);
  }

  private sentence(raw: string): void {
    const [, mark = '', body = ''] = /^(\s*(?:[-*+]|\d+[.)]|#+)?\s*)([\s\S]*)$/.exec(raw) ?? [];
    const text = plainSentence(body);
    if (text === '') return;
    // Without the sentence before it, a pronoun has lost its meaning.
    const isLoose =
      BARE.test(text) || (this.inVain > 0 && (LEANS.test(text) || !this.attribution.isAboutQuestion(text)));
    const isItem = /[-*+\d]/.test(mark);
    const carried = this.said.has(text) || isLoose ? undefined : this.attribution.attribute(text, this.before);
    if (!carried) {
      this.dropped.push(text);
      this.inVain += 1;
      this.isListBroken ||= isItem && !this.points;
      return;
    }
    this.inVain = 0;
    this.before = carried.span.unit;
    this.said.add(text);
    if (this.points) return this.point(carried.span);
    const marker = `[${this.cite(carried.span)}]`;
    const [, words = text, stop = ''] = /^([\s\S]*?)([.!?:;]*)$/.exec(text) ?? [];
    const isFirst = this.markdown === '' && this.items.length === 0;
    const gap = isFirst ? '' : this.lead.includes('\n') || isItem ? separator(this.lead, isItem) : ' ';
    this.lead = '';
    const shown = `${gap}${isItem ? mark.trimStart() : ''}${words} ${marker}${stop}`;
    if (isItem || stop === ':' || this.items.length > 0) this.items.push([shown, this.citations]);
    else this.show(shown, this.citations);
  }

  /** Quotes a place once. */
  private point({ unit, ...place }: Carried['span']): void {
    const span = { ...place, ...wholeStatements(unit, place) };
    const isQuoted = this.pointed.some(
      ({ file, startLine, endLine }) => file === span.file && startLine <= span.endLine && endLine >= span.startLine,
    );
    if (isQuoted || this.pointed.length === MOST_POINTED) return;
    this.pointed.push(span);
    this.show(
      `${this.markdown === '' ? '' : '\n\n'}${pointAt(unit, span, this.cite({ ...span, unit }))}`,
      this.citations,
    );
  }

  private cite({ unit, ...place }: Carried['span']): number {
    const wider = this.list.all.find(
      (each) =>
        each.file === place.file &&
        each.startLine <= place.startLine &&
        each.endLine >= place.endLine &&
        each.endLine - each.startLine <= place.endLine - place.startLine + WIDER,
    );
    if (wider) return wider.number;
    const lines = unit.text.split('\n').slice(place.startLine - unit.startLine, place.endLine - unit.startLine + 1);
    return this.list.cite({ ...place, text: lines.join('\n'), label: unit.label }).number;
  }
}

/** Without the model's own markers and talk about the excerpts. */
function plainSentence(body: string): string {
  const unmarked = body.replace(/\s*\[\d+\]/g, '').trim();
  const rest = unmarked.replace(ABOUT_EXCERPTS, '');
  // A name at the beginning keeps its case ("After_request functions …").
  if (/^\p{Lu}\p{Ll}*_/u.test(rest)) return rest.charAt(0).toLowerCase() + rest.slice(1);
  return rest === unmarked ? rest : rest.charAt(0).toUpperCase() + rest.slice(1);
}

function separator(lead: string, isItem: boolean): string {
  return isItem && !lead.includes('\n\n') ? '\n' : '\n\n';
}
