/** Forms of questions. The form decides what an answer leads with. */
import { asksForValue } from './values';

/**
 * `users`: who uses a name. `list`: all things of a kind. `compare`: two things beside each other. `outcome`: what
 * happens in some case. `value`: a number, a default, a limit. The others are their first words.
 */
export type QuestionForm =
  'where' | 'how' | 'what' | 'why' | 'users' | 'value' | 'list' | 'compare' | 'outcome' | 'other';

const USERS =
  /\b(who|what|which|where)\b[^?]*\b(calls?|uses|used|called|invoked|invokes|references?|referenced|depends on|imports?|imported)\b/;

const OUTCOME =
  /\bwhat (?:happens|will happen|would happen|occurs|(?:is|are|gets?) (?:checked|validated|verified|rejected|refused))\b|\bwas (?:passiert|geschieht)\b|\bque se passe-t-il\b|\bqu'arrive-t-il\b|\bqué (?:pasa|ocurre|sucede)\b|\bcosa (?:succede|accade)\b|\bo que acontece\b|\bwat gebeurt er\b|что (?:происходит|произойд[её]т|будет)\s+(?:если|когда|при|с)|どうな(?:る|り)|会(?:怎样|怎么样|发生什么)|发生什么/;

const LIST =
  /^\W*(?:please\s+)?(?:list|enumerate|name|show me|give me|tell me|show|give)\s+(?:me\s+)?(?:all|every|each|the\s+(?:\p{L}+\s+)?\p{L}+s\b|\p{L}+s\b)|^\W*list\b|\b(?:what|which)\s+are\s+(?:all\s+)?(?:the\s+)?(?:available|supported|possible|built-?in|different|valid|known|existing|allowed)?\s*[\p{L}-]+s\b|\b(?:what|which)\s+[^?]*\b(?:are there|exist|are (?:supported|available|provided|built in|defined|implemented|offered|allowed))\b|^\W*(?:what|which)\s+(?:(?!does|do)[\p{L}-]+\s+){0,3}[\p{L}-]+s\s+(?:does|do)\s+[^?]*\b(?:provide|support|offer|include|contain|ship(?: with)?|come with|have|define|expose|recogni[sz]e|understand)\W*$|^\W*all\s+(?:the\s+)?[\p{L}-]+s\b|^\W*(?:liste|zähle|nenne|zeige)\b[^?]*\balle\b|^\W*welche\b[^?]*\bgibt es\b|^\W*(?:énumère|énumérez|liste|listez|donne|quels sont|quelles sont)\b|^\W*(?:lista|enumera|cuáles son|quali sono|elenca|quais são|liste|lijst|noem)\b|^\W*(?:перечисли|назови|какие (?:есть|существуют))|一覧|すべて.*(?:挙げ|列挙|教え)|(?:列出|列举|有哪些|所有的?.*是什么)/u;

export function formOf(plain: string, namesCode: boolean): QuestionForm {
  if (namesCode && USERS.test(plain)) return 'users';
  if (comparedIn(plain)) return 'compare';
  if (OUTCOME.test(plain)) return 'outcome';
  if (LIST.test(plain)) return 'list';
  if (asksForValue(plain) && !/^\W*why\b/.test(plain)) return 'value';
  if (/^\W*(where|which (file|module|class|function|method|part))\b|\bwhere (is|are|does|do|in)\b/.test(plain))
    return 'where';
  if (/\bhow\b/.test(plain)) return 'how';
  if (
    /\bwhy\b|\bwarum\b|\bwieso\b|\bpourquoi\b|\bpor qué\b|\bperché\b|\bpor que\b|\bwaarom\b|почему|зачем|なぜ|为什么/.test(
      plain,
    )
  )
    return 'why';
  if (/\bwhat\b|\bwhich\b/.test(plain)) return 'what';
  return 'other';
}

/** The two sides, as groups 1 and 2. */
const COMPARED: readonly RegExp[] = [
  /\bcompare\s+(.+?)\s+(?:and|with|to|against|versus|vs\.?)\s+(.+)/iu,
  /\b(?:differences?|distinction)\s+between\s+(.+?)\s+and\s+(.+)/iu,
  /\bhow\s+(?:do|does|is|are)\s+(.+?)\s+(?:differ(?:ent)?\s+from|compare\s+(?:to|with))\s+(.+)/iu,
  /^\W*(?:what\s+about\s+)?(.+?)\s+(?:vs\.?|versus)\s+(.+)/iu,
  /\bunterschied\w*\s+zwischen\s+(.+?)\s+und\s+(.+)/iu,
  /\bvergleiche\s+(.+?)\s+(?:und|mit)\s+(.+)/iu,
  /\bdifférences?\s+entre\s+(.+?)\s+et\s+(.+)/iu,
  /\bcompare[rz]?\s+(.+?)\s+(?:et|avec|à|y|con)\s+(.+)/iu,
  /\bdiferencias?\s+entre\s+(.+?)\s+y\s+(.+)/iu,
  /\bdifferenz[ae]\s+(?:tra|fra)\s+(.+?)\s+e\s+(.+)/iu,
  /\bdiferenças?\s+entre\s+(.+?)\s+e\s+(.+)/iu,
  /\bverschil(?:len)?\s+tussen\s+(.+?)\s+en\s+(.+)/iu,
  /(?:разниц[аы]|отличи[ея])\s+между\s+(.+?)\s+и\s+(.+)/iu,
  /(\S+?)と(\S+?)の(?:違い|比較|差)/u,
  /(\S+?)(?:和|与|跟)(\S+?)(?:的区别|有什么(?:区别|不同)|之间的)/u,
];

const ARTICLES = /^(?:the|an?|using|der|die|das|dem|den|la|le|les|el|los|las)\s+/iu;

/**
 * Returns the two sides of a comparison, as written. The nouns that follow the second one belong to both ("the ip_hash
 * and the client_ip_hash policies"), so they are added to a shorter first one. Undefined for other questions.
 */
export function comparedIn(question: string): readonly [string, string] | undefined {
  for (const pattern of COMPARED) {
    const found = pattern.exec(question);
    if (!found) continue;
    const [first, second] = found.slice(1, 3).map((side) =>
      side
        .replace(/[?!.。？\s]+$/u, '')
        .replace(ARTICLES, '')
        .trim(),
    );
    if (!first || !second) continue;
    // "reset --hard and --keep": the command of the first option is the second one's too.
    const command = /^(.+?)\s+--?\w\S*$/u.exec(first)?.[1];
    if (command !== undefined && /^--?\w\S*$/u.test(second)) return [first, `${command} ${second}`];
    const tail = second.split(/\s+/).slice(first.split(/\s+/).length);
    const isShared = tail.length > 0 && tail.length <= 2 && /^[\p{L}-]+s$/u.test(tail.at(-1) as string);
    return [isShared ? `${first} ${tail.join(' ')}` : first, second];
  }
  return undefined;
}
