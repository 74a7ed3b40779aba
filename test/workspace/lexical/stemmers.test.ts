import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { lightStem } from '../../../src/workspace/lexical/stemmers';
import { tokenTerms, wordTerm } from '../../../src/workspace/lexical/terms';
import { languageOfDocument, languageOfQuestion } from '../../../src/workspace/lexical/written-language';

describe('lightStem', () => {
  it.each([
    ['de', 'paket pakete paketen pakets'],
    ['de', 'schlüssel schlüsseln schlüssels'],
    ['de', 'veröffentlichung veröffentlichungen'],
    ['fr', 'paquet paquets'],
    ['fr', 'développeur développeurs'],
    ['es', 'paquete paquetes'],
    ['pt', 'pacote pacotes'],
    ['it', 'pacchetto pacchetti'],
    ['nl', 'pakket pakketten'],
    ['ru', 'пакет пакета пакетов пакетами пакету'],
    ['ru', 'очередь очереди очередью'],
    ['ru', 'ошибка ошибки ошибку ошибок'],
    ['ru', 'список списка списке'],
    ['ru', 'рассылка рассылки рассылок'],
  ] as const)('%s: %s have one stem', (language, forms) => {
    expect(new Set(forms.split(' ').map((form) => lightStem(form, language))).size).toBe(1);
  });

  it('keeps at least three letters of any word', () => {
    fc.assert(
      fc.property(
        fc.stringMatching(/^[a-zäöüéèñß]{3,20}$/),
        fc.constantFrom('de', 'fr', 'es', 'it'),
        (word, language) => {
          expect(lightStem(word, language).length).toBeGreaterThanOrEqual(3);
        },
      ),
    );
  });
});

describe('the language of a text', () => {
  it.each([
    ['How long does a package wait before it moves?', 'en'],
    ['Wie lange wartet ein Paket, bevor es wandert?', 'de'],
    ['Combien de temps un paquet attend-il avant de partir ?', 'fr'],
    ['¿Cuánto tiempo espera un paquete antes de pasar?', 'es'],
    ['Quanto tempo um pacote espera antes de passar?', 'pt'],
    ['Quanto tempo aspetta un pacchetto prima di passare alla fase?', 'it'],
    ['Hoe lang wacht een pakket voordat het verhuist?', 'nl'],
    ['parse_config default value', 'en'],
  ])('%s is %s', (question, language) => expect(languageOfQuestion(question)).toBe(language));

  it('of a document needs many function words', () => {
    expect(languageOfDocument('Der Brief liegt in der Schublade, und die Karte liegt auf dem Tisch. '.repeat(5))).toBe(
      'de',
    );
    expect(
      languageOfDocument('Apple der banana die cherry plum grape lemon orange melon fig kiwi pear date. '.repeat(5)),
    ).toBe('en');
  });
});

describe('terms of any script', () => {
  it('keep the long vowel mark within a word', () => {
    expect(tokenTerms('ローダー')).toEqual(['ローダ', 'ーダー', 'ロー…', '…ダー']);
  });
  it('are equal for composed, decomposed and wide letters', () => {
    expect(wordTerm('cafe\u0301')).toBe(wordTerm('café'));
    expect(wordTerm('ＡＰＩ')).toBe(wordTerm('api'));
    expect(tokenTerms('ｶﾞｲﾄﾞ')).toEqual(tokenTerms('ガイド'));
  });
  it('of Cyrillic words have stems in any document', () => {
    expect(wordTerm('очереди')).toBe(wordTerm('очередь'));
  });
});
