import type { Tool } from '../tool';
import { ask } from './ask';
import { explain } from './explain';
import { findRelated } from './find-related';
import { readSpan } from './read-span';
import { search } from './search';
import { summarize } from './summarize';
import { whyNotIndexed } from './why-not-indexed';

/** The tools in the order in which they are listed: for questions and places first. */
export const TOOLS: readonly Tool[] = [ask, search, explain, summarize, readSpan, findRelated, whyNotIndexed];
