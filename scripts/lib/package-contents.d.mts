export function checkContents(files: string[]): void;
