/** The server's instructions, which clients add to the prompt of their model. */
export const INSTRUCTIONS =
  'Anchorage indexes this workspace on the user’s machine. A question that begins with how, why, when, what happens ' +
  'or is there goes to ask, whole. To find places, by where, which, find or list, use search. A function or class ' +
  'whose name you know: explain. A file whose path you know: summarize for its outline, read_span for its lines. ' +
  'Cite results as path:line. Ignored and secret files are never returned.';
