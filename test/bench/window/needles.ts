import { generator } from '../../../src/engine/generate/sampling';

/** A sentence that is hidden in a long text, the question about it, and the beginning of the answer. */
export interface Needle {
  sentence: string;
  question: string;
  lead: string;
  /** The value that must be told. */
  value: string;
}

/** Subjects: no two share a noun, so that a question names one place of the text only. */
const SUBJECTS: readonly (readonly [thing: string, unit: string])[] = [
  ['the door code of the Lisbon office', ''],
  ["Maria's locker number", ''],
  ['the serial number of the red bicycle', ''],
  ['the price of the oak table', ' dollars'],
  ['the telephone extension of the night porter', ''],
  ['the population of Tarvik', ' people'],
  ['the flight number to Nairobi', ''],
  ['the combination of the bank vault', ''],
  ['the number of the winning lottery ticket', ''],
  ['the weight of the bronze bell', ' kilograms'],
  ['the port of the mail server', ''],
  ['the postal code of Ashford Lane', ''],
  ['the yearly budget of the library', ' euros'],
  ['the length of the northern pipeline', ' metres'],
  ['the patient number of Mr. Okafor', ''],
  ['the room number of Dr. Lindqvist', ''],
  ['the altitude of the weather station', ' feet'],
  ['the invoice number of the piano', ''],
  ['the licence number of the blue van', ''],
  ['the membership number of the chess club', ''],
];

/** `count` needles (at most as many as there are subjects) with numbers of five digits. */
export function needles(count: number, seed: number): Needle[] {
  const random = generator(seed);
  const subjects = SUBJECTS.map((subject) => ({ subject, order: random() }))
    .sort((a, b) => a.order - b.order)
    .slice(0, count);
  return subjects.map(({ subject: [thing, unit] }) => {
    const value = String(10_000 + Math.floor(random() * 90_000));
    const start = thing.charAt(0).toUpperCase() + thing.slice(1);
    return {
      sentence: `${start} is ${value}${unit}.`,
      question: `What is ${thing}?`,
      lead: `${start} is`,
      value,
    };
  });
}

/**
 * The tokens of a text with needles at even depths, each between two paragraphs, and the depth (0 to 1) of each.
 *
 * @param tokens of the whole
 */
export function haystack(
  text: string,
  hidden: readonly Needle[],
  tokens: number,
  encode: (text: string) => number[],
): { ids: number[]; places: number[] } {
  const sentences = hidden.map(({ sentence }) => encode(`\n\n${sentence}\n\n`));
  const own = sentences.reduce((sum, each) => sum + each.length, 0);
  // Paragraphs in order, as many as there is room for.
  const paragraphs: number[][] = [];
  let room = tokens - own;
  for (const paragraph of text.split(/\n\s*\n/)) {
    const ids = encode(`${paragraph}\n\n`);
    paragraphs.push(ids.slice(0, room));
    room -= Math.min(room, ids.length);
    if (room === 0) break;
  }
  const filler = tokens - own;
  const ids: number[] = [];
  const places: number[] = [];
  // Each needle stands behind the paragraph in which its depth lies.
  const due = (read: number): boolean =>
    places.length < hidden.length && read >= (filler * (places.length + 0.5)) / hidden.length;
  let read = 0;
  for (const paragraph of paragraphs) {
    ids.push(...paragraph);
    read += paragraph.length;
    while (due(read)) {
      const sentence = sentences[places.length] as number[];
      places.push(ids.length);
      ids.push(...sentence);
    }
  }
  if (room > 0) throw new Error('the text is too short for so many tokens');
  return { ids, places };
}
