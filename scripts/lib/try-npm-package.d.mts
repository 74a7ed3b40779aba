export function tryNpmPackage(file: string): Promise<void>;
