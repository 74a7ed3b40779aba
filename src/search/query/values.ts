/** Values: questions that ask for a number, a length or a time, and texts that give one. */

const QUANTITY =
  /\b(?:how (?:many|much|long|large|big|deep|often|old|far|fast|high|soon|wide)|(?:what|which) (?:number|percentage|size|share|port|mode|year)|(?:maximum|minimum|largest|smallest|longest|least|most) (?:number|size|length|delay)|wie (?:viele?|lange?|oft|groß|hoch|tief|schnell)|wieviel|innerhalb welcher|combien|quelle (?:longueur|taille|durée)|quel (?:délai|nombre)|à quelle fréquence|cuánt[oa]s?|quant[oaie]s?|hoeveel|hoe (?:lang|vaak|groot))\b|сколько|как (?:часто|долго)|какой длины|какова|за какое время|何(?:日|回|文字|週間|時間|人|個)|どのくらい|どれくらい|いくつ|多少|几个|多久|多长|多大/u;

/** Whether a question (in lower case) asks for a number, a length or a time. */
export const asksQuantity = (plain: string): boolean => QUANTITY.test(plain);

/** Whether a question (in lower case) asks for a value: a quantity, a default, a limit, a version. */
export const asksForValue = (plain: string): boolean =>
  /\b(?:defaults?|value of|what value|limit|constant|which port|(?:which|what|latest|oldest|minimum|lowest|highest|required)(?: (?!does|do|is|are|can|of|in\b)[\w.-]+){0,2} versions?|version number)\b/.test(
    plain,
  ) || asksQuantity(plain);

/** Digits within a name (`sqlite3_limit`) are no number. */
const NUMBER =
  /(?<![\p{L}_\d])\d(?![\d.]*_)|\b(?:one|two|three|four|five|six|seven|eight|nine|ten|twelve|twenty|thirty|hundred|once|twice|half|zwei|drei|vier|f[üu]nf|sechs|sieben|acht|neun|zehn|deux|trois|quatre|cinq|six|sept|huit|neuf|dix)\b|дв[ае]|три|четыре|пять|шесть|семь|восемь|девять|десять|[一二三四五六七八九十百千]+(?:个|天|周|年|月|週|日)/iu;

/** Whether a text gives a number. The number of a list's item is none. */
export const givesNumber = (text: string): boolean => NUMBER.test(text.replace(/^\s*\d+[.)]\s/, ''));
