export function packNpm(options: { file: string; minify?: boolean }): Promise<void>;
