/** Which server writes: its address, and whether text may be sent there. */
import { AppError } from '../../base';

/** A server with OpenAI's chat interface, and one of its models. */
export interface ServerChoice {
  /** Address up to the version, without a slash at the end: `http://127.0.0.1:11434/v1`. */
  base: string;
  host: string;
  model: string;
  /** False: text that is sent leaves this machine. */
  isLoopback: boolean;
}

/**
 * Reads `http://127.0.0.1:11434/v1#model`. Servers on this machine are accepted; another host only where the user has
 * allowed it by name.
 *
 * @throws AppError('modelFailed') with the reason
 */
export function parseServer(text: string, allowedHosts: readonly string[]): ServerChoice {
  let url: URL;
  try {
    url = new URL(text);
  } catch {
    throw refused(
      `“${text.slice(0, 200)}” is not the address of a server. Write it as http://127.0.0.1:11434/v1#model.`,
    );
  }
  if (url.protocol !== 'http:' && url.protocol !== 'https:')
    throw refused(`${text.slice(0, 200)}: the address of a server begins with http:// or https://.`);
  if (url.username !== '' || url.password !== '')
    throw refused(`${url.host}: an address with a name or a password is not used.`);
  const model = decodeURIComponent(url.hash.slice(1));
  if (model === '') throw refused(`${text.slice(0, 200)} names no model. Write it behind a #.`);
  const isLoopback = isLoopbackHost(url.hostname);
  if (!isLoopback && !allowedHosts.some((host) => host.toLowerCase() === url.hostname.toLowerCase()))
    throw new AppError(
      'modelFailed',
      `${url.hostname} is not this machine, so no text is sent to it.`,
      'To allow it, add the name to the setting anchorage.model.allowedHosts (terminal: --allow-host).',
    );
  const path = url.pathname.replace(/\/+$/, '');
  return { base: `${url.origin}${path === '' ? '/v1' : path}`, host: url.host, model, isLoopback };
}

/** Whether a name or address always means this machine. */
export function isLoopbackHost(hostname: string): boolean {
  return hostname === 'localhost' || hostname === '[::1]' || /^127(?:\.\d{1,3}){3}$/.test(hostname);
}

function refused(message: string): AppError {
  return new AppError('modelFailed', message);
}
