import type { ReadDocument } from '../../workspace';
import type { ListSubject } from './subject';

/** A thing of the asked kind, and the lines that name it. Lines are 1-based and inclusive. */
export interface ListItem {
  text: string;
  file: string;
  path: string;
  startLine: number;
  endLine: number;
  /** True for a sentence or title of a document, which is no code. */
  isProse?: boolean;
}

/** Things that belong together: values of one prefix, subtypes of one type, items of one list. */
export interface ListGroup {
  /** Words around the things that tell what they are. */
  about: string;
  items: ListItem[];
  /** Prior (0…1) of the way in which they were found. */
  prior: number;
}

export interface ListDocument extends ReadDocument {
  lines: readonly string[];
}

/** Finds things of the asked kind in one document and adds them to groups, by key. */
export type ListFinder = (document: ListDocument, subject: ListSubject, groups: Map<string, ListGroup>) => void;

/** Adds an item to a group, once for each text. */
export function addItem(
  groups: Map<string, ListGroup>,
  key: string,
  { about, prior }: Omit<ListGroup, 'items'>,
  item: ListItem,
): void {
  let group = groups.get(key);
  if (!group) groups.set(key, (group = { about, prior, items: [] }));
  if (!group.items.some(({ text }) => text === item.text)) group.items.push(item);
}
