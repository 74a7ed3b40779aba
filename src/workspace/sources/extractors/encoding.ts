import { analyse } from 'chardet';

/** The encoding that a text was read in. */
export interface DetectedEncoding {
  /** Label of the Encoding Standard: `shift_jis`. */
  name: string;
  /** False where another encoding is nearly as likely. */
  sure: boolean;
}

/** Bytes that detection looks at: those around the first ones that are not ASCII. */
const SAMPLE_BYTES = 32 << 10;
/** A best score below this, or this close to the next one, is unsure. */
const SURE_SCORE = 0.55;
const SURE_LEAD = 0.1;
/** So few characters beyond ASCII fit many encodings. */
const FEW = 6;
const SURE_LEAD_OF_FEW = 0.3;
/** Bytes beyond ASCII above this share, with a lower score than this, are no text. */
const MAX_BEYOND = 0.3;
const MIN_SCORE = 0.3;
/** Weight of chardet's confidence beside the characters that an encoding gives. */
const DETECTOR_WEIGHT = 0.35;

/** Encodings that files have today, by the name that chardet gives them; the Encoding Standard's labels. */
const CANDIDATES: Readonly<Record<string, string>> = {
  Shift_JIS: 'shift_jis',
  'EUC-JP': 'euc-jp',
  'EUC-KR': 'euc-kr',
  GB18030: 'gb18030',
  Big5: 'big5',
  'KOI8-R': 'koi8-r',
  'windows-1250': 'windows-1250',
  'windows-1251': 'windows-1251',
  'windows-1252': 'windows-1252',
  'windows-1253': 'windows-1253',
  'windows-1254': 'windows-1254',
  'ISO-8859-9': 'windows-1254',
  'ISO-8859-8': 'windows-1255',
  'windows-1255': 'windows-1255',
  'windows-1256': 'windows-1256',
  'ISO-8859-1': 'windows-1252',
  'ISO-8859-2': 'iso-8859-2',
  'ISO-8859-5': 'iso-8859-5',
  'ISO-8859-7': 'iso-8859-7',
};
const LABELS = [...new Set(Object.values(CANDIDATES))];
/** The more common one of two encodings that read a text alike. */
const TIE_BREAK: Readonly<Record<string, number>> = { 'windows-1252': 0.03, 'windows-1251': 0.02 };

/** Characters of windows-1252 at 80–9F. */
const WINDOWS_1252 = '€\u0081‚ƒ„…†‡ˆ‰Š‹Œ\u008DŽ\u008F\u0090‘’“”•–—˜™š›œ\u009DžŸ';

/** Decodes by an encoding's label. Node 20 reads windows-1252 as Latin-1, with control characters at 80–9F. */
export function decodeAs(bytes: Uint8Array, label: string, fatal = false): string {
  const text = new TextDecoder(label, { fatal }).decode(bytes);
  if (label !== 'windows-1252') return text;
  return text.replace(/[\u0080-\u009F]/g, (control) => WINDOWS_1252[control.charCodeAt(0) - 0x80] ?? control);
}

/** Names of the editor's setting `files.encoding` that the Encoding Standard spells otherwise. */
const EDITOR_LABELS: Readonly<Record<string, string>> = {
  utf16le: 'utf-16le',
  utf16be: 'utf-16be',
  shiftjis: 'shift_jis',
  eucjp: 'euc-jp',
  euckr: 'euc-kr',
  gb2312: 'gbk',
  big5hkscs: 'big5',
  koi8r: 'koi8-r',
  koi8u: 'koi8-u',
  cp866: 'ibm866',
  macroman: 'macintosh',
};

/** The Encoding Standard's label of a value of `files.encoding`; undefined for UTF-8 and what cannot be decoded. */
export function labelOfSetting(encoding: string): string | undefined {
  if (/^utf8/.test(encoding)) return undefined;
  const label =
    EDITOR_LABELS[encoding] ??
    encoding.replace(/^windows(\d+)$/, 'windows-$1').replace(/^iso8859(\d+)$/, 'iso-8859-$1');
  try {
    return new TextDecoder(label).encoding;
  } catch {
    return undefined;
  }
}

/** Whether all bytes are valid in an encoding. */
export function isValidAs(bytes: Uint8Array, label: string): boolean {
  try {
    new TextDecoder(label, { fatal: true }).decode(bytes);
    return true;
  } catch {
    return false;
  }
}

/** The likeliest encoding of bytes that are not UTF-8; undefined where none gives text. */
export function detectEncoding(bytes: Uint8Array): DetectedEncoding | undefined {
  const sample = sampleOf(bytes);
  const confidences = new Map<string, number>();
  for (const { name, confidence } of analyse(sample)) {
    const label = CANDIDATES[name];
    if (label !== undefined) confidences.set(label, Math.max(confidences.get(label) ?? 0, confidence / 100));
  }
  const scored = LABELS.flatMap((name) => {
    const likeness = likenessOf(sample, name);
    if (likeness === undefined) return [];
    const weight = DETECTOR_WEIGHT * Math.min(1, likeness.total / FEW);
    const score = likeness.share * (1 - weight) + (confidences.get(name) ?? 0) * weight;
    return [{ name, score: score + (TIE_BREAK[name] ?? 0), text: likeness.text, total: likeness.total }];
  }).sort((a, b) => b.score - a.score);
  const [best] = scored;
  // Mostly beyond ASCII and like no language: not a text.
  const beyond = sample.reduce((count, byte) => count + (byte >= 0x80 ? 1 : 0), 0);
  if (!best || (best.score < MIN_SCORE && beyond > MAX_BEYOND * sample.length)) return undefined;
  const rival = scored.find(({ text }) => text !== best.text);
  const lead = best.total < FEW ? SURE_LEAD_OF_FEW : SURE_LEAD;
  const sure = best.score >= SURE_SCORE && (!rival || best.score - rival.score >= lead);
  return { name: best.name, sure };
}

/** Whole lines where possible, so that no character is cut. */
function sampleOf(bytes: Uint8Array): Uint8Array {
  if (bytes.length <= SAMPLE_BYTES) return bytes;
  const odd = Math.max(
    0,
    bytes.findIndex((byte) => byte >= 0x80),
  );
  const start = bytes.lastIndexOf(10, odd) + 1;
  const end = bytes.lastIndexOf(10, Math.min(bytes.length, start + SAMPLE_BYTES));
  return bytes.subarray(start, end > start ? end : start + SAMPLE_BYTES);
}

/**
 * How much the characters beyond ASCII look like a written language, 0…1; undefined where the bytes are invalid.
 */
function likenessOf(sample: Uint8Array, label: string): { share: number; total: number; text: string } | undefined {
  let text: string;
  try {
    text = decodeAs(sample, label, true);
  } catch {
    return undefined;
  }
  let total = 0;
  let good = 0;
  let before = 0;
  for (const character of text) {
    const code = character.codePointAt(0) ?? 0;
    if (code >= 0x80) {
      total++;
      good += goodness(code, before, label);
    }
    before = code;
  }
  return total === 0 ? undefined : { share: Math.max(0, good / total), total, text };
}

/** 1 for a character as it is written in the encoding's languages, below 0 for one that shows a wrong guess. */
function goodness(code: number, before: number, label: string): number {
  if (code < 0xa0 || (code >= 0xe000 && code <= 0xf8ff) || code > 0xffff) return -2;
  if (isHan(code)) return commonHan(code, label);
  if (code >= 0x3040 && code <= 0x30ff) return label === 'shift_jis' || label === 'euc-jp' ? 1.1 : 0.1;
  if (code >= 0xff61 && code <= 0xff9f) return -0.5;
  if (code >= 0xac00 && code <= 0xd7a3) return 1;
  if (code >= 0x3000 && code <= 0x303f) return 0.9;
  if (code >= 0xff01 && code <= 0xff5e) return 0.7;
  if (code >= 0x0400 && code <= 0x045f) return cyrillic(code, before);
  if (code >= 0x0370 && code <= 0x03ff)
    return label === 'windows-1253' || label === 'iso-8859-7' ? greek(code, before) : 0;
  if (code >= 0x05d0 && code <= 0x05ea) return 0.9;
  if (code >= 0x0620 && code <= 0x064a) return 0.9;
  if (code >= 0xc0 && code <= 0x17f && code !== 0xd7 && code !== 0xf7) return latin(code, before, label);
  // Quotation marks, dashes, the euro: as they stand in prose.
  if (code >= 0x2010 && code <= 0x2026) return 0.6;
  if ([0xa0, 0xa7, 0xa9, 0xab, 0xae, 0xb0, 0xb5, 0xb7, 0xbb, 0xa3, 0x20ac, 0x2122].includes(code)) return 0.5;
  return -0.3;
}

const isHan = (code: number): boolean => code >= 0x4e00 && code <= 0x9fff;
const isLetter = (code: number): boolean =>
  (code >= 0x41 && code <= 0x5a) || (code >= 0x61 && code <= 0x7a) || (code >= 0xc0 && code <= 0x17f);
const isLower = (code: number): boolean =>
  (code >= 0x61 && code <= 0x7a) || (code >= 0xdf && code <= 0xff) || (code > 0x100 && code <= 0x17f && code % 2 === 1);

/** Characters of texts in many fields, some of each language's most frequent. */
const FREQUENT_HAN: Readonly<Record<string, string>> = {
  gb18030: [
    '的一是不了在人有我他这个们中来上大为和国地到以说时要就出会可也你对生能而子那得于着下自之年过发后作里用道行所然家种事成方多经么去法学如都同现当没动面起看定天分还进好小部其些主样理心她本前开但因只从想实',
    '日军者意无力它与长把机十民第公此已工使情明性知全三又关点正业外将两高间由问很最重并物手应战向头文体政美相见被利什二等产或新己制身果加西斯月话合回特代内信表化老给世位次度门任常先海通教儿原东声提立及比员',
    '解水名真论处走义各入几口认条平系气题活尔更别打女变四神总何电数安少报才结反受目太量再感建务做接必场件计管期市直德资命山金指克许统区保至队形社便空决治展马科司五基眼书非则听白却界达光放强即像难且权思王象',
    '完设式色路记南品住告类求据程北边死张该交规万取拉格望觉术领共确传师观清今切院让识候带导争运',
  ].join(''),
  big5: [
    '的一是不了在人有我他這個們中來上大為和國地到以說時要就出會可也你對生能而子那得於著下自之年過發後作里用道行所然家種事成方多經麼去法學如都同現當沒動面起看定天分還進好小部其些主樣理心她本前開但因只從想實',
    '日軍者意無力它與長把機十民第公此已工使情明性知全三又關點正業外將兩高間由問很最重並物手應戰向頭文體政美相見被利什二等產或新己制身果加西斯月話合回特代內信表化老給世位次度門任常先海通教兒原東聲提立及比員',
    '解水名真論處走義各入幾口認條平系氣題活爾更別打女變四神總何電數安少報才結反受目太量再感建務做接必場件計管期市直德資命山金指克許統區保至隊形社便空決治展馬科司五基眼書非則聽白卻界達光放強即像難且權思王象',
    '完設式色路記南品住告類求據程北邊死張該交規萬取拉格望覺術領共確傳師觀清今切院讓識候帶導爭運',
  ].join(''),
  shift_jis: [
    '日一国会人年大十二本中長出三同時政事自行社見月分議後前民生連五発間対上部東者党地合市業内相方四定今回新場金員九入選立開手米力学問高代明実円関決子動京全目表戦経通外最言氏現理調体化田当八六約主題下首意法',
    '不来作性的要用制治度務強気小七成期公野協取都和統以機平総加山思家話世受区領多県続進正安設保改数記院女初北午指権心界支第産結百派点教報済書府活原先共得解名交資予川向際査勝面委告軍文反元重近千考判認画海参',
    '売利組知案道信策集在件団別物側任引使求所次水半品昨論計死官増係感特情投示変打男基私各始島直両朝革価式確村提運終挙果西勢減台広容必応演電歳住争談能無再位置企真流格有疑口過局少放税検藤町常校料沢裁状工建語',
    '球営空職証土与急止送援供可役構木割聞身費付施切由説転食比難防補車優夫研収断井何南石足違消境神番規術護展態導鮮備宅害配副算視条幹独警宮究育席輸訪楽起万着乗店述残想線率病農州武声質念待試族象銀域助労例衛然',
    '早張映限親額監環験追審商葉義伝働形景落欧担好退準賞訴辺造英被株頭技低毎医復仕去姿味負閣韓渡失移差衆個門写評課末守若脳極種美岡影命含福蔵量望松非撃佐核観察整段横融型白深字答夜製票況音申様財港識注呼渉達処',
    '納',
  ].join(''),
};

const frequent = new Map<string, ReadonlySet<string>>();

function commonHan(code: number, label: string): number {
  const key = label === 'euc-jp' ? 'shift_jis' : label;
  const list = FREQUENT_HAN[key];
  if (list === undefined) return label === 'euc-kr' ? 0.2 : 0;
  let set = frequent.get(key);
  if (!set) frequent.set(key, (set = new Set(list)));
  return set.has(String.fromCharCode(code)) ? 1.1 : 0.35;
}

/** Words are in lower case, or begin with a capital. KOI8-R read as windows-1251, or the reverse, swaps the cases. */
function cyrillic(code: number, before: number): number {
  const isUpper = code <= 0x042f;
  if (isLetter(before)) return MIXED;
  if (code === 0x0401 || code === 0x0451) return 0.9;
  if (code < 0x0410 || code > 0x044f) return 0.3;
  if (!isUpper) return 1;
  return before >= 0x0430 && before <= 0x044f ? -0.6 : 0.6;
}

function greek(code: number, before: number): number {
  if (isLetter(before)) return MIXED;
  return code >= 0x03ac ? 0.9 : 0.5;
}

/** A word has letters of one script. */
const MIXED = -0.8;
/** These stand together in German, Finnish and Turkish; elsewhere, letters with marks stand alone. */
const TOGETHER = new Set([...'äöüßığş']);

/** Letters of Western Europe, between letters of their case. */
const WESTERN = new Set([...'äöüßÄÖÜéèêëàâçùûîïôœæÆøØåÅñáíóúÁÉÍÓÚìòãõÇÀÈÊÑ']);
const CENTRAL = new Set([...'ąćęłńóśźżŁŚŻáčďéěíňřšťúůýžČŘŠŽőűăâîșțşţĂŞŢäöüßđĐéá']);
const TURKISH = new Set([...'ğışçöüİĞŞ']);

function latin(code: number, before: number, label: string): number {
  const own = label === 'windows-1252' ? WESTERN : label === 'windows-1254' ? TURKISH : CENTRAL;
  const known = own.has(String.fromCharCode(code));
  const fits = isLetter(before) ? isLower(code) === isLower(before) || isLower(code) : true;
  const alone = before < 0xc0 || TOGETHER.has(String.fromCharCode(code));
  return (known ? 0.9 : 0.2) - (fits ? 0 : 0.8) - (alone ? 0 : 0.35);
}
