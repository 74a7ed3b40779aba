export function rehearsePublish(packages: readonly string[], options?: { ovsx?: boolean }): Promise<string[]>;
