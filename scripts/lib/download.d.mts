export interface Download {
  what: string;
  command: string;
  args: string[];
  logFile: string;
  cwd?: string;
  env?: Record<string, string | undefined>;
}

export function failureReason(output: string): string;
export function runDownload(given: Download): void;

export class DownloadError extends Error {
  constructor(line: string, logFile: string);
  readonly logFile: string;
}
