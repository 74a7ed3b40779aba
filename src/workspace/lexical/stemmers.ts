/**
 * Light stemmers for languages beside English (stem.ts). Each removes the endings of inflection, and a few of
 * derivation, from the longest on, as the light stemmers of Savoy do ("Light stemming approaches", SAC 2006). Forms of
 * a word meet in one stem; the stem itself is no word. The first three letters are kept, as the term filter expects.
 */
import type { WrittenLanguage } from './written-language';

interface Endings {
  /** Letters that a stem keeps before each list of endings is tried. One ending of each list is removed. */
  steps: readonly { least: number; endings: readonly string[] }[];
}

const step = (least: number, endings: string): Endings['steps'][number] => ({
  least,
  endings: endings.split(' ').sort((a, b) => b.length - a.length),
});

const ENDINGS: Readonly<Record<Exclude<WrittenLanguage, 'en'> | 'ru', Endings>> = {
  de: {
    steps: [
      step(3, 'ern em er en es e s'),
      step(5, 'n'),
      step(4, 'en er est st t'),
      step(4, 'ung ungen end ig isch lich heit keit'),
    ],
  },
  fr: {
    steps: [
      step(3, 's x'),
      step(
        4,

        'issement issant ement ateur atrice ation euse able ible ique iste ment eraient erait erons eront ' +
          'erez aient ions iez ait ant ent ees ee er ez es e ir is it',
      ),
      step(4, 'e i at'),
    ],
  },
  es: {
    steps: [
      step(3, 'es s'),
      step(
        4,
        'amiento imiento acion icion mente ando iendo aron ieron aba ian ado ada ido ida ara ira ar er ir an en o a e',
      ),
      step(4, 'o a e i'),
    ],
  },
  pt: {
    steps: [
      step(3, 'oes aes es s'),
      step(
        4,
        'amento imento acao icao mente ando endo indo aram eram iram ava ado ada ido ida ar er ir am em ao o a e',
      ),
      step(4, 'o a e i'),
    ],
  },
  it: {
    steps: [
      step(
        4,

        'amento imento amenti imenti azione azioni mente ando endo arono irono ato ata ati ate uto uta uti ' +
          'ute ito ita iti ite are ere ire ano ono',
      ),
      step(3, 'i o a e'),
      step(4, 'h i'),
    ],
  },
  nl: {
    steps: [step(3, 'heden eren ingen ende en es s e'), step(4, 'ing heid lijk end er t d'), step(4, 'ig')],
  },
  ru: {
    steps: [
      step(3, 'ся сь'),
      step(
        3,

        'ившись ывшись вшись ившими ующими ывавшего остями остях остью иями ими ыми ого его ому ему ыми ' +
          'ими ая яя ое ее ые ие ый ий ой ей ую юю ых их ым им ом ем ами ями ах ях ов ев ам ям ость ости ' +
          'ения ение ению ением ений ание ания анию анием аний ила ыла ена ейте уйте ите или ыли ило ыло ено ' +
          'уют уешь ует ишь ешь нно ала ало али ать ять еть ить ыть уть ают яют ает яет ят ат ит ют ут ла ло ' +
          'ли на но ть й л м н и ы у ю я а о е ь',
      ),
      step(4, 'ость ост ейш ова ева ок ек н в к и ь'),
    ],
  },
};

const ACCENTS = /[\u0300-\u0306\u0308-\u036f]/g;

/** Stem of a lower-case word. */
export function lightStem(word: string, language: Exclude<WrittenLanguage, 'en'> | 'ru'): string {
  let stem =
    language === 'ru'
      ? word.replace(/ё/g, 'е')
      : word.replace(/ß/g, 'ss').normalize('NFD').replace(ACCENTS, '').normalize('NFC');
  for (const { least, endings } of ENDINGS[language].steps) {
    const ending = endings.find((each) => stem.length - each.length >= least && stem.endsWith(each));
    if (ending !== undefined) stem = stem.slice(0, -ending.length);
    // Letters double before endings: "pakketten", "pakket"; "bonne", "bon".
    if (stem.length > 3 && stem.at(-1) === stem.at(-2)) stem = stem.slice(0, -1);
  }
  return stem;
}
