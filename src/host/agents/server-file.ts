/** The text of `.mcp.json`, in which agents look for the servers of a workspace. */

interface Entry {
  command: string;
  args: readonly string[];
  env?: Readonly<Record<string, string>>;
}

/**
 * Adds a server to the text of a file, or replaces the one of the same name. Other servers and keys stay.
 * @param before text of the file; undefined where there is none
 * @throws Error when the text is not a JSON object
 */
export function withServer(before: string | undefined, name: string, entry: Entry): string {
  const file = before === undefined || before.trim() === '' ? {} : parsed(before);
  const servers = isObject(file['mcpServers']) ? file['mcpServers'] : {};
  return `${JSON.stringify({ ...file, mcpServers: { ...servers, [name]: entry } }, null, 2)}\n`;
}

function parsed(text: string): Record<string, unknown> {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw new Error('.mcp.json is not valid JSON. Correct it first, or add the server by hand.');
  }
  if (!isObject(value)) throw new Error('.mcp.json has no JSON object. Correct it first, or add the server by hand.');
  return value;
}

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
