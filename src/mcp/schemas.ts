/** Parts of the tools' JSON schemas. */
import { fromJsonSchema, type JsonSchemaType } from '@modelcontextprotocol/server';

type Schemas = Record<string, JsonSchemaType>;

/**
 * A schema whose check is compiled when it is first needed. To compile those of all tools takes an eighth of a second,
 * and a client calls few of them.
 */
export function checked<T>(schema: JsonSchemaType): ReturnType<typeof fromJsonSchema<T>> {
  let made: ReturnType<typeof fromJsonSchema<T>> | undefined;
  return {
    '~standard': {
      version: 1,
      vendor: 'anchorage',
      jsonSchema: { input: () => schema, output: () => schema },
      validate: (data) => (made ??= fromJsonSchema<T>(schema))['~standard'].validate(data),
    },
  };
}

/** An object whose properties are required, except the `optional` ones. */
export function object(properties: Schemas, optional: Schemas = {}): JsonSchemaType {
  return {
    type: 'object',
    properties: { ...properties, ...optional },
    required: Object.keys(properties),
    additionalProperties: false,
  };
}

export const text = (description: string): JsonSchemaType => ({ type: 'string', description });
export const list = (items: JsonSchemaType): JsonSchemaType => ({ type: 'array', items });
export const wholeNumber = (description: string, minimum: number, maximum?: number): JsonSchemaType => ({
  type: 'integer',
  description,
  minimum,
  ...(maximum === undefined ? {} : { maximum }),
});
export const yesOrNo = (description: string): JsonSchemaType => ({ type: 'boolean', description });

export const PATH = text('Path of the file, relative to the workspace or absolute.');
export const FIRST_LINE = wholeNumber('First line, from 1.', 1);
export const LAST_LINE = wholeNumber('Last line, inclusive.', 1);

/** Lines of a file, as every result names them. */
const SPAN: Schemas = {
  path: text('Path relative to the workspace.'),
  startLine: wholeNumber('First line, from 1.', 1),
  endLine: wholeNumber('Last line, inclusive.', 1),
  uri: text('Resource with these lines.'),
};
const PLACE: Schemas = { place: text('Page, section or notebook cell; lines then count within the extracted text.') };

export const FOUND_SPAN = object(
  {
    ...SPAN,
    score: { type: 'number' },
    definitions: list(text('Enclosing definition or heading, outermost first.')),
    reasons: list(text('Why it was found.')),
    text: text('The lines.'),
    language: text('Language id.'),
  },
  PLACE,
);

export const CITATION = object(
  {
    number: wholeNumber('As written in the answer: [1].', 1),
    ...SPAN,
    label: text('Definition or heading around it.'),
    text: text('The lines as they were read.'),
  },
  { ...PLACE, commit: text('Hash of the commit whose message is quoted, in place of lines of a file.') },
);

export const COVERAGE = object({
  filesIndexed: wholeNumber('Files that could be searched.', 0),
  filesKnown: wholeNumber('Files of the workspace.', 0),
  complete: yesOrNo('False while the first indexing is still running: ask again later for the rest.'),
});
