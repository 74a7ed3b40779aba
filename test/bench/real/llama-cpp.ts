/** llama.cpp writes an answer as people use it: the best spans pasted before the question, and no verification. */
import type { Answer } from '../../../src/protocol';
import { loadLlama } from '../engine/llama';

const SPANS = 4;
const MOST_TOKENS = 220;
/** Characters of a pasted span: four of them fit the context. */
const SPAN_CHARACTERS = 2_500;

interface Session {
  prompt(text: string, options: object): Promise<string>;
}
interface Module {
  LlamaChatSession: new (options: object) => Session;
}

export interface LlamaWriter {
  write(answer: Answer): Promise<{ text: string; seconds: number; firstWord: number }>;
  close(): Promise<void>;
}

export async function openLlamaWriter(modelPath: string): Promise<LlamaWriter> {
  const module = await loadLlama();
  const { LlamaChatSession } = module as unknown as Module;
  const llama = await module.getLlama({ gpu: false, build: 'never', logLevel: 'error' });
  const model = await llama.loadModel({ modelPath });
  return {
    write: async ({ question, spans }) => {
      const context = await model.createContext({ contextSize: 8_192, flashAttention: true, threads: 2 });
      const session = new LlamaChatSession({
        contextSequence: context.getSequence(),
        systemPrompt: 'You are a helpful assistant.',
      });
      const pasted = spans.slice(0, SPANS).map(({ path, text }) => `${path}:\n${text.slice(0, SPAN_CHARACTERS)}`);
      const started = performance.now();
      let firstWord = 0;
      const text = await session.prompt(`${pasted.join('\n\n')}\n\nAnswer the question: ${question}`, {
        maxTokens: MOST_TOKENS,
        temperature: 0,
        onTextChunk: () => (firstWord ||= performance.now() - started),
      });
      const seconds = (performance.now() - started) / 1_000;
      await context.dispose();
      return { text, seconds, firstWord: firstWord / 1_000 };
    },
    close: async () => {
      await model.dispose();
      await llama.dispose();
    },
  };
}
