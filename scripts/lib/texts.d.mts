export const LANGUAGES: readonly string[];
export function bundleFile(language?: string): string;
export function manifestFile(language?: string): string;
export function readTexts(file: string): Record<string, string>;
export function textsOfSources(): Record<string, string>;
export function differences(wanted: Record<string, string>, translated: Record<string, string>): string[];
