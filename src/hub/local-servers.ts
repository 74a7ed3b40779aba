/** Programs on this machine that serve models with OpenAI's interface. They are looked for on loopback only. */
import { get } from 'node:http';

export interface LocalServer {
  program: string;
  /** `http://127.0.0.1:11434/v1` */
  base: string;
  models: readonly string[];
}

/** Ports that these programs take by default. */
const KNOWN = [
  { program: 'Ollama', port: 11434 },
  { program: 'LM Studio', port: 1234 },
  { program: 'llama-server', port: 8080 },
] as const;
/** Milliseconds. A server on loopback answers at once or is not there. */
const PATIENCE = 500;
const MOST_BYTES = 1 << 20;
const MOST_MODELS = 100;

/** The servers that run now, with the models that they list. */
export async function findServers(known: readonly { program: string; port: number }[] = KNOWN): Promise<LocalServer[]> {
  const found = await Promise.all(
    known.map(async ({ program, port }) => {
      const base = `http://127.0.0.1:${port}/v1`;
      const models = modelNames(await read(`${base}/models`));
      return models.length > 0 ? [{ program, base, models }] : [];
    }),
  );
  return found.flat();
}

/** Node's own client: no proxies, no redirects. */
function read(url: string): Promise<string> {
  return new Promise((resolve) => {
    const request = get(url, { agent: false, signal: AbortSignal.timeout(PATIENCE) }, (response) => {
      let text = '';
      response.setEncoding('utf8').on('data', (part: string) => {
        text += part;
        if (text.length > MOST_BYTES) request.destroy();
      });
      response.on('end', () => resolve(response.statusCode === 200 ? text : ''));
      response.on('error', () => resolve(''));
      response.on('close', () => resolve(''));
    });
    request.on('error', () => resolve(''));
  });
}

function modelNames(text: string): string[] {
  try {
    const { data } = JSON.parse(text) as { data?: unknown };
    if (!Array.isArray(data)) return [];
    const names = data.map((entry: unknown) => (entry as { id?: unknown } | null)?.id);
    return names.filter((name): name is string => typeof name === 'string' && name !== '').slice(0, MOST_MODELS);
  } catch {
    return [];
  }
}
