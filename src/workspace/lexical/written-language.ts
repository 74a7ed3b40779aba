/** Tells the language of a text by its function words. The language chooses the stemmer of prose (stemmers.ts). */

export const WRITTEN_LANGUAGES = ['en', 'de', 'fr', 'es', 'pt', 'it', 'nl'] as const;
export type WrittenLanguage = (typeof WRITTEN_LANGUAGES)[number];

/** Function words, in lower case. Questions do not look them up. Russian needs no telling: its letters show it. */
const FUNCTION_WORDS: Readonly<Record<WrittenLanguage | 'ru', string>> = {
  en:
    'the a an of to and in is it its be by as at on that this these those are was were been or for with ' +
    'which will would should could can has have had does did but so than then there their they them we you ' +
    'your our how what why where when who from if not do',
  de:
    'der die das den dem des ein eine einen einem einer eines und oder aber nicht ist sind war waren wird ' +
    'werden wurde wurden worden hat haben hatte kann können könnte soll sollen sollte muss müssen darf ' +
    'dürfen mit von vom für auf aus bei beim nach vor über unter zu zum zur im am an in um als wie was wer ' +
    'wo wann warum wieso welche welcher welches welchen welchem wenn dass ob sich sie er es wir ich man mein ' +
    'meine ihr ihre sein seine kein keine nur noch auch schon sehr mehr dann so durch gegen ohne bis diese ' +
    'dieser dieses diesen diesem viel viele lange oft',
  fr:
    'le la les l un une des du de d et ou mais ne pas est sont était être a ont avoir avait peut peuvent ' +
    'doit doivent faut avec sans pour par sur sous dans en au aux à qui que qu quoi quel quelle quels ' +
    'quelles où quand comment pourquoi combien si ce cet cette ces il elle ils elles on nous vous je se s ' +
    'son sa ses leur leurs mon ma mes plus moins très aussi comme entre chez fait faire dois puis y n c',
  es:
    'el la los las un una unos unas y o pero no es son era ser ha han haber puede pueden debe deben con sin ' +
    'para por sobre en de del al que qué quién cuál cuáles cuándo cómo dónde cuánto cuánta cuántos cuántas ' +
    'si este esta estos estas ese esa se su sus lo le les más menos muy también como entre hay',
  pt:
    'o a os as um uma uns umas e ou mas não é são era ser foi tem têm pode podem deve devem com sem para por ' +
    'sobre em no na nos nas de do da dos das ao à que quem qual quais quando como onde quanto quantos se ' +
    'este esta estes estas esse essa seu sua seus suas mais menos muito também entre há',
  it:
    'il lo la i gli le un uno una e o ma non è sono era essere ha hanno può possono deve devono con senza ' +
    'per su sul sulla in nel nella di del della dei delle al alla che chi quale quali quando come dove ' +
    'quanto quanti quante se questo questa questi queste si suo sua suoi sue più meno molto anche tra fra c ' +
    'l',
  nl:
    'de het een en of maar niet is zijn was waren wordt worden werd heeft hebben had kan kunnen moet moeten ' +
    'mag mogen met van voor op uit bij naar over onder te tot in aan om als dan dat die deze dit wie wat ' +
    'waar wanneer waarom hoe welke hoeveel er zich zij hij ze wij ik men mijn hun geen nog ook al zeer meer ' +
    'door tegen zonder',
  ru:
    'и в во не что он на я с со как а то все она так его но да ты к у же вы за бы по только ее её мне было ' +
    'вот от меня еще ещё нет о из ему теперь когда даже ну ли если уже или ни быть был него до вас опять вам ' +
    'ведь там потом себя ничего ей может они тут где есть надо ней для мы тебя их чем была сам чтоб чтобы ' +
    'без будто чего раз тоже себе под будет тогда кто этот того потому этого какой какая какое какие каков ' +
    'какова какого совсем ним здесь этом один почти мой тем нее сейчас были куда зачем всех можно при об ' +
    'сколько это эти этой нужно свой своими своих делать',
};

const WORDS: ReadonlyMap<WrittenLanguage | 'ru', ReadonlySet<string>> = new Map(
  (Object.entries(FUNCTION_WORDS) as [WrittenLanguage | 'ru', string][]).map(([language, words]) => [
    language,
    new Set(words.split(' ')),
  ]),
);

/** Characters of a document that are looked at. */
const SAMPLE = 20_000;
/** A document has at least this share of its language's function words, and more of them than of English ones. */
const SHARE = 0.2;
const AHEAD = 1.3;

/** The language of a document's prose; `en` where it is uncertain. */
export function languageOfDocument(text: string): WrittenLanguage {
  const from = Math.floor(Math.min(text.length / 10, SAMPLE));
  const { language, share, english } = counted(text.slice(from, from + SAMPLE));
  return share >= SHARE && share > AHEAD * english ? language : 'en';
}

/** The language of a question; `en` where it is uncertain. */
export function languageOfQuestion(text: string): WrittenLanguage {
  const { language, share, english } = counted(text);
  return share > english ? language : 'en';
}

function counted(text: string): { language: WrittenLanguage; share: number; english: number } {
  const counts = new Map<WrittenLanguage, number>();
  let total = 0;
  for (const [word] of text
    .normalize('NFC')
    .toLowerCase()
    .matchAll(/\p{L}+/gu)) {
    total++;
    for (const language of WRITTEN_LANGUAGES)
      if (WORDS.get(language)?.has(word)) counts.set(language, (counts.get(language) ?? 0) + 1);
  }
  const share = (language: WrittenLanguage): number => (counts.get(language) ?? 0) / Math.max(1, total);
  const language = WRITTEN_LANGUAGES.reduce((best, each) => (share(each) > share(best) ? each : best));
  return { language, share: share(language), english: share('en') };
}

/** Whether a lower-case word is a function word of a language, or of Russian. */
export const isFunctionWord = (word: string, language: WrittenLanguage): boolean =>
  (language !== 'en' && WORDS.get(language)?.has(word) === true) || WORDS.get('ru')?.has(word) === true;
