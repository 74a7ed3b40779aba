import { describe, expect, it } from 'vitest';
import type { Answer, HostMessage } from '../../src/protocol';
import { Conversation } from '../../src/host/answers/conversation';
import { heardText, reduceThread, shownText, type Turn } from '../../src/webview/answer/thread';

function answer(id: string, question: string): Answer {
  return {
    id,
    question,
    scope: { kind: 'workspace' },
    markdown: `About ${question}`,
    citations: [],
    spans: [],
    author: { kind: 'extractive' },
    notices: [],
    coverage: { filesIndexed: 1, filesKnown: 1, indexing: false },
    ledger: { groups: [], capacityRows: 1, bytesPerRow: 1 },
    timing: { retrieve: 1, splice: 0, read: 0, decode: 0, firstToken: 1, total: 2 },
  };
}

const draw = (messages: readonly HostMessage[]): readonly Turn[] => messages.reduce<readonly Turn[]>(reduceThread, []);

describe('Conversation', () => {
  it('replays the content of the old panel to a new one', () => {
    const conversation = new Conversation();
    const live: HostMessage[] = [
      conversation.startAnswer('1', 'why?', { kind: 'workspace' }, false),
      ...conversation.event('1', { type: 'phase', phase: 'writing' }),
      ...conversation.event('1', { type: 'delta', markdown: 'Be' }),
      ...conversation.event('1', { type: 'delta', markdown: 'cause' }),
    ];
    expect(draw(conversation.replay())).toEqual(draw(live));
    expect(draw(live)[0]).toMatchObject({ state: 'pending', phase: 'writing', markdown: 'Because' });
    live.push(
      ...conversation.event('1', { type: 'reading', read: 128, total: 300 }),
      ...conversation.event('1', { type: 'reading', read: 300, total: 300 }),
      ...conversation.event('1', { type: 'prose', markdown: 'It ' }),
      ...conversation.event('1', { type: 'prose', markdown: 'is.' }),
    );
    expect(draw(conversation.replay())).toEqual(draw(live));
    const [written] = draw(live);
    expect(written).toMatchObject({ reading: { read: 300, total: 300 }, prose: 'It is.' });
    expect(shownText(written as Turn)).toBe('It is.\n\nBecause');
    // A screen reader hears the quotes first, because they come first.
    expect(heardText(written as Turn)).toBe('Because\n\nIt is.');
    live.push(...conversation.finish({ type: 'answerDone', answer: answer('1', 'why?') }, '1'));
    live.push(
      conversation.startAnswer('3', 'how?', { kind: 'workspace' }, true),
      ...conversation.event('3', { type: 'delta', markdown: 'half' }),
    );
    live.push(...conversation.finish({ type: 'answerFailed', id: '3', message: 'no', cancelled: true }, '3'));
    live.push(conversation.startExplanation('2', { file: '/a', path: 'a', startLine: 1, endLine: 2 }, true));
    live.push(...conversation.finish({ type: 'answerFailed', id: '2', message: 'no', cancelled: true }, '2'));
    expect(draw(conversation.replay())).toEqual(draw(live));
    expect(draw(live).map(({ state }) => state)).toEqual(['done', 'stopped', 'stopped']);
    expect(draw(live)[1]?.markdown).toBe('half');
  });

  it('starts a new thread unless a question is a follow-up', () => {
    const conversation = new Conversation();
    conversation.startAnswer('1', 'a', { kind: 'file', file: '/a' }, false);
    conversation.finish({ type: 'answerDone', answer: answer('1', 'a') }, '1');
    expect(conversation.latestScope()).toEqual({ kind: 'file', file: '/a' });
    conversation.startAnswer('2', 'b', { kind: 'file', file: '/a' }, true);
    expect(conversation.previous(4)).toEqual([{ question: 'a', answer: 'About a' }]);
    conversation.startAnswer('3', 'c', { kind: 'workspace' }, false);
    expect(conversation.previous(4)).toEqual([]);
    expect(draw(conversation.replay()).map(({ id }) => id)).toEqual(['3']);
  });

  it('ignores messages for a turn that has ended or was removed', () => {
    const conversation = new Conversation();
    conversation.startAnswer('1', 'a', { kind: 'workspace' }, false);
    conversation.finish({ type: 'answerFailed', id: '1', message: 'died', cancelled: false }, '1');
    expect(conversation.event('1', { type: 'delta', markdown: 'late' })).toEqual([]);
    expect(conversation.event('0', { type: 'delta', markdown: 'lost' })).toEqual([]);
    expect(conversation.latestAnswer()).toBeUndefined();
  });

  it('restores a whole conversation, and goes on from its last answer', () => {
    const conversation = new Conversation();
    const stored = [answer('1', 'why?'), answer('2', 'how?')];
    const drawn = draw(conversation.restore(stored));
    expect(drawn.map(({ title, state }) => [title, state])).toEqual([
      ['why?', 'done'],
      ['how?', 'done'],
    ]);
    expect(conversation.answers()).toEqual(stored);
    expect(conversation.latestAnswer()?.id).toBe('2');
    expect(conversation.previous(4)).toEqual([
      { question: 'why?', answer: 'About why?' },
      { question: 'how?', answer: 'About how?' },
    ]);
  });
});
