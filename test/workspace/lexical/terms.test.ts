import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { MAGIC } from '../../../src/workspace/lexical/pack-file';
import { stem } from '../../../src/workspace/lexical/stem';
import {
  definitionTerm,
  scanTokens,
  splitIdentifier,
  textTerms,
  tokenTerms,
  wordTerm,
} from '../../../src/workspace/lexical/terms';
import { TokenTable } from '../../../src/workspace/lexical/token-table';

describe('splitIdentifier', () => {
  it.each([
    ['getEnvironProxies', ['get', 'Environ', 'Proxies']],
    ['HTTPServer', ['HTTP', 'Server']],
    ['XMLHttpRequest2', ['XML', 'Http', 'Request', '2']],
    ['parseURLs', ['parse', 'URLs']],
    ['snake_case_name', ['snake', 'case', 'name']],
    ['__init__', ['init']],
    ['$$renderer', ['renderer']],
    ['create-subscriber', ['create', 'subscriber']],
    ['SCREAMING_SNAKE', ['SCREAMING', 'SNAKE']],
    ['sha256sum', ['sha', '256', 'sum']],
    ['größeÄndern', ['größe', 'Ändern']],
    ['имяФайла', ['имя', 'Файла']],
    ['_', []],
  ])('%s', (token, parts) => expect(splitIdentifier(token)).toEqual(parts));

  it('loses no letter or digit of any token', () => {
    fc.assert(
      fc.property(fc.stringMatching(/^[A-Za-z0-9_$-]{1,40}$/), (token) => {
        expect(splitIdentifier(token).join('')).toBe(token.replace(/[_$-]/g, ''));
      }),
    );
  });
});

describe('tokenTerms', () => {
  it('gives stems of the parts and the whole without separators, the same for every naming style', () => {
    expect(tokenTerms('getEnvironProxies')).toEqual(['getenvironproxies', 'get', 'environ', 'proxi']);
    expect(tokenTerms('get_environ_proxies')).toEqual(tokenTerms('getEnvironProxies'));
    expect(tokenTerms('get-environ-proxies')).toEqual(tokenTerms('getEnvironProxies'));
  });
  it('matches prose through the stem', () => {
    expect(tokenTerms('serialize')).toEqual(tokenTerms('Serialization'));
    expect(wordTerm('validation')).toBe(wordTerm('validate'));
  });
  it('drops stop words and single letters but keeps identifiers that contain them', () => {
    expect(tokenTerms('the')).toEqual([]);
    expect(tokenTerms('x')).toEqual([]);
    expect(tokenTerms('is_a')).toEqual(['isa']);
  });
  it('keeps a hash whole and drops tokens too long to be a name', () => {
    expect(tokenTerms('9f86d081884c7d659a2feaa0c55ad015')).toEqual(['9f86d081884c7d659a2feaa0c55ad015']);
    expect(tokenTerms('A'.repeat(81))).toEqual([]);
  });
  it('pairs ideographs', () => {
    expect(textTerms('検索エンジン')).toEqual(['検索', '索エ', 'エンジ', 'ンジン', 'エン…', '…ジン']);
    expect(textTerms('用getName取')).toEqual(['用', 'getname', 'get', 'name', '取']);
  });
  it('marks the name of a definition', () => expect(definitionTerm('get_Name')).toBe('=getname'));
});

describe('scanTokens', () => {
  const tokensOf = (text: string): string[] => {
    const tokens: string[] = [];
    scanTokens(text, 0, text.length, (start, end) => void tokens.push(text.slice(start, end)));
    return tokens;
  };
  it('joins kebab-case and no other hyphens', () => {
    expect(tokensOf('create-subscriber.js i-- a->b 3-4 utf-8 -x x-')).toEqual([
      'create-subscriber',
      'js',
      'i',
      'a',
      'b',
      '3',
      '4',
      'utf-8',
      'x',
      'x',
    ]);
  });
  it('scans tokens in order without overlap, and TokenTable agrees with tokenTerms, for any text', () => {
    const table = new TokenTable();
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 200 }), fc.nat(20), (text, from) => {
        let last = Math.min(from, text.length);
        scanTokens(text, last, text.length, (start, end, hash) => {
          expect(start).toBeGreaterThanOrEqual(last);
          expect(end).toBeGreaterThan(start);
          last = end;
          const terms = [...table.lookup(text, start, end, hash)].map((id) => table.terms[id]);
          expect(terms).toEqual(tokenTerms(text.slice(start, end)));
        });
      }),
      { numRuns: 500 },
    );
  });
});

describe('stem', () => {
  // Pairs from Porter's paper, at least one for each step.
  it.each([
    ['caresses', 'caress'],
    ['ponies', 'poni'],
    ['cats', 'cat'],
    ['feed', 'feed'],
    ['agreed', 'agre'],
    ['plastered', 'plaster'],
    ['bled', 'bled'],
    ['motoring', 'motor'],
    ['sing', 'sing'],
    ['conflated', 'conflat'],
    ['troubled', 'troubl'],
    ['sized', 'size'],
    ['hopping', 'hop'],
    ['falling', 'fall'],
    ['hissing', 'hiss'],
    ['filing', 'file'],
    ['happy', 'happi'],
    ['sky', 'ski'],
    ['relational', 'relat'],
    ['conditional', 'condit'],
    ['digitizer', 'digit'],
    ['vietnamization', 'vietnam'],
    ['predication', 'predic'],
    ['operator', 'oper'],
    ['feudalism', 'feudal'],
    ['decisiveness', 'decis'],
    ['hopefulness', 'hope'],
    ['formaliti', 'formal'],
    ['sensibiliti', 'sensibl'],
    ['triplicate', 'triplic'],
    ['formative', 'form'],
    ['electrical', 'electr'],
    ['goodness', 'good'],
    ['revival', 'reviv'],
    ['allowance', 'allow'],
    ['inference', 'infer'],
    ['airliner', 'airlin'],
    ['adjustable', 'adjust'],
    ['replacement', 'replac'],
    ['adoption', 'adopt'],
    ['communism', 'commun'],
    ['activate', 'activ'],
    ['effective', 'effect'],
    ['probate', 'probat'],
    ['rate', 'rate'],
    ['cease', 'ceas'],
    ['controll', 'control'],
    ['roll', 'roll'],
  ])('%s → %s', (word, expected) => expect(stem(word)).toBe(expected));

  it.each([
    ['exceed', 'exceeds', 'exceeded', 'exceeding'],
    ['proceed', 'proceeds', 'proceeded'],
    ['try', 'tries', 'tried'],
    ['retry', 'retries', 'retried'],
    ['say', 'says'],
    ['play', 'plays', 'playing'],
  ])('gives the forms of %s one stem', (...forms) => {
    expect(new Set(forms.map(stem)).size).toBe(1);
  });

  it('leaves non-English words alone and lengthens a word by at most one letter', () => {
    for (const word of ['größe', 'x1', 'Ab', 'is']) expect(stem(word)).toBe(word);
    fc.assert(
      fc.property(fc.stringMatching(/^[a-z]{1,30}$/), (word) => {
        expect(stem(word).length).toBeLessThanOrEqual(word.length + 1);
      }),
    );
  });
});

describe('the format of packs', () => {
  it('needs a new name whenever the terms of a text change: change MAGIC together with this list', () => {
    const terms = textTerms(
      'class HTTPServer2: def get_environ_proxies(self, noProxy) # Reads the configuration of create-subscriber, utf-8, 検索する, größeÄndern, URLs, ローダーは, 404, exceeds exceeded, try tries',
    );
    expect([MAGIC, terms.join(' ')]).toEqual([
      'ANLXPK05',
      'class httpserver2 http server def getenvironproxies get environ proxi self noproxy no proxi read configur createsubscriber creat subscrib utf8 utf 検索 索す する größeändern größe ändern url ーは ローダ ーダー ロー… …ダー 404 exceed exceed tri tri',
    ]);
  });
});
