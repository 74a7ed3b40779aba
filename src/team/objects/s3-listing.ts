/** Reads the XML of `ListObjectsV2`: names, sizes and times. */
import type { ListedObject } from './object-store';

const ENTITIES: Readonly<Record<string, string>> = { lt: '<', gt: '>', amp: '&', quot: '"', apos: "'" };

export function listedIn(xml: string): ListedObject[] {
  return [...xml.matchAll(/<Contents>([\s\S]*?)<\/Contents>/g)].map(([, entry = '']) => ({
    name: textOf(entry, 'Key'),
    bytes: Number(textOf(entry, 'Size')) || 0,
    modifiedMs: Date.parse(textOf(entry, 'LastModified')) || 0,
  }));
}

function textOf(xml: string, element: string): string {
  const [, text = ''] = new RegExp(`<${element}>([\\s\\S]*?)</${element}>`).exec(xml) ?? [];
  return text.replace(/&(?:#(\d+)|#x([0-9a-f]+)|(\w+));/gi, (whole, decimal?: string, hex?: string, name?: string) =>
    name === undefined
      ? String.fromCodePoint(decimal === undefined ? parseInt(hex ?? '', 16) : Number(decimal))
      : (ENTITIES[name] ?? whole),
  );
}
