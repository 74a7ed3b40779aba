/** Values: questions that ask for a number, a length or a time, and texts that give one. */

/** `\\b` knows ASCII letters alone: "wie groß" and "à quelle" need these. */
const QUANTITY =
  /(?<!\p{L})(?:how (?:many|much|long|large|big|deep|often|old|far|fast|high|soon|wide)|(?:what|which) (?:number|percentage|size|share|port|mode|year)|(?:maximum|minimum|largest|smallest|longest|least|most) (?:number|size|length|delay)|wie (?:viele?n?|lange?|oft|groß|hoch|tief|schnell)|wieviele?|innerhalb welcher|(?:größte|kleinste|höchste|längste)\p{L}*|combien|quelle (?:longueur|taille|durée|fréquence)|quel (?:délai|nombre)|taille (?:minimale|maximale)|cuánt[oa]s?|quant[oaie]s?|hoeveel|hoe (?:lang|vaak|groot))(?!\p{L})|сколько|как (?:часто|долго)|как(?:ой|ого) (?:длины|размера)|какова|каков(?!\p{L})|наибольш|наименьш|за какое время|何(?:日|回|文字|週間|時間|人|個)|どのくらい|どれくらい|いくつ|(?:最小|最大)(?:サイズ|値)|多少|几个|几天|多久|多长|多大/u;

/** Whether a question (in lower case) asks for a number, a length or a time. */
export const asksQuantity = (plain: string): boolean => QUANTITY.test(plain);

/** Whether a question (in lower case) asks for a value: a quantity, a default, a limit, a version. */
export const asksForValue = (plain: string): boolean =>
  /\b(?:defaults?|value of|what value|limit|constant|which port|(?:which|what|latest|oldest|minimum|lowest|highest|required)(?: (?!does|do|is|are|can|of|in\b)[\w.-]+){0,2} versions?|version number)\b/.test(
    plain,
  ) || asksQuantity(plain);

/** Digits within a name (`sqlite3_limit`) are no number. */
const NUMBER =
  /(?<![\p{L}_\d])\d(?![\d.]*_)|\b(?:one|two|three|four|five|six|seven|eight|nine|ten|twelve|twenty|thirty|hundred|once|twice|half|zwei|drei|vier|f[üu]nf|sechs|sieben|acht|neun|zehn|deux|trois|quatre|cinq|six|sept|huit|neuf|dix)\b|дв(?:а|е|ух)|тр(?:и|ёх|ех)|четыре|пять|шесть|семь|восемь|девять|десять|[一二三四五六七八九十百千]+(?:个|天|周|年|月|週|日)/iu;

/** Whether a text gives a number. The number of a list's item is none. */
export const givesNumber = (text: string): boolean => NUMBER.test(text.replace(/^\s*\d+[.)]\s/, ''));

/** Kinds of values that questions ask for, and texts that give one of the kind. */
const KINDS: readonly { asked: RegExp; given: RegExp }[] = [
  {
    asked:
      /(?<!\p{L})(?:how (?:long|often|soon|old)|(?:maximum|minimum|longest) delay|wie (?:lange|oft)|innerhalb welcher|wie vielen? (?:tag|woche|stunde|minute)\p{L}*|combien de (?:temps|jours|semaines|minutes)|quel délai|quelle (?:durée|fréquence))(?!\p{L})|как (?:часто|долго)|за какое время|сколько (?:дней|недель|времени|часов)|задержк|頻度|何(?:日|週間|時間|年|分)|多久|多长时间|几天/u,
    given:
      /(?:[\d½]|\p{L})\s?(?:seconds?|minutes?|hours?|days?|weeks?|months?|years?|sekunden?|minuten?|stunden?|tag(?:en?)?|wochen?|monat(?:en?)?|jahr(?:en?)?|secondes?|heures?|jours?|semaines?|mois|ans)(?!\p{L})|(?:once|daily|weekly|monthly|täglich|wöchentlich|monatlich|quotidien|hebdomadaire|mensuel)|секунд|минут|час(?:а|ов)?(?!\p{L})|дн(?:я|ей|ям)|день|недел|месяц|лет(?!\p{L})|[\d一二三四五六七八九十]\s?(?:ヶ月|か月|月に|秒|分|時間|日|週|月|年|回|小时|天|周|个月|个小时|分钟)|毎[日週月年]|每(?:天|日|周|月|年|个)/iu,
  },
  {
    asked:
      /(?<!\p{L})(?:how (?:large|big|much (?:memory|space|disk))|(?:what|which|minimum|maximum) size|wie groß|wie viel (?:arbeitsspeicher|speicher|platz)|quelle taille|taille (?:minimale|maximale)|combien de (?:mémoire|place|espace))(?!\p{L})|как(?:ой|ого) размера|(?:наибольш|наименьш)\p{L}+ размер|сколько (?:памяти|места)|サイズ|大きさ|メモリ|容量|多大|多少(?:内存|空间|硬盘)/u,
    given:
      /\d\s?(?:[kmgt]i?b?(?!\p{L})|[KMGT]o(?!\p{L})|[кмгт]и?б|bytes?|\p{L}*octets?|\p{L}*byte|\p{L}*байт|バイト|メガ|ギガ|字节|兆|%)/iu,
  },
];

/** Whether a text gives a number of the kind that a question (in lower case) asks for: a time, a size, or any. */
export function givesAsked(plain: string): (text: string) => boolean {
  const kind = KINDS.find(({ asked }) => asked.test(plain));
  return kind ? (text) => givesNumber(text) && kind.given.test(text) : givesNumber;
}
