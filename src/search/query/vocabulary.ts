/** Words of questions and of programmers, for every workspace. No word comes from a particular repository. */
import { stem, wordTerm } from '../../workspace';

/**
 * Stop words of questions, in addition to those that the index omits from every text (terms.ts). They are not looked
 * up.
 */
const QUESTION_STOP_WORDS =
  'what how why where when which who whom whose does did do is are was were can could should would will may ' +
  'might must shall has have had been being ' +
  ('there here about into onto over under between among through during before after above below up down out ' +
    'off again further once any some all both each few more most ') +
  ('other such only own same too very just also than then because while if whether not no nor please tell ' +
    'show me explain describe find give list get us let i you we they ') +
  ('please want wants need needs like work works working happen happens happening make makes made use uses ' +
    'used using see look mean means meaning');

/** Words of design talk: frequent in questions, rare as names in the code. They have a lower weight. */
const TALK =
  'purpose role relationship mechanism responsibility responsible semantic semantics significance ' +
  'architectural architecture design rationale impact affect affects effect ' +
  ('determine determines determining ensure ensures ensuring enable enables enabling provide provides ' +
    'providing handle handles handling implement implements implemented implementation ') +
  ('behavior behaviour logic flow process processes functionality feature features approach strategy ' +
    ('strategies difference distinction distinguish differ interact interaction interactions coordinate ' +
      'coordinates coordination ')) +
  ('maintain maintains maintaining achieve achieves achieving allow allows allowing support supports perform ' +
    'performs performed occur occurs specific various different multiple certain ') +
  ('code codebase repository project system framework library module component components class classes ' +
    ('method methods function functions file files variable variables parameter parameters argument arguments ' +
      'object objects value values ')) +
  ('instance instances attribute attributes property properties call calls called calling invoke invokes ' +
    'invoked return returns returned returning define defines defined definition ') +
  ('correctly properly actually exactly directly automatically explicitly internally instead rather ' +
    'specifically respectively particular consistent consistency ') +
  ('performance efficient efficiency overhead optimization concern concerns separation abstraction pattern ' +
    'patterns principle consequence consequences implication implications reason ') +
  ('prevent prevents avoid avoids require requires required represent represents contain contains involve ' +
    'involves rely relies depend depends dependency dependencies ') +
  ('first second last one two new existing given based within across without via per when fix fixes fixed bug ' +
    'issue error wrong');

/** Short forms of words, compared by stem. The first word of a group matches each of the others, and the reverse. */
const SHORT_FORMS =
  'config configuration configure|param parameter|arg argument|args arguments|kwargs keyword|dir directory ' +
  ('folder|func function fn|auth authentication authorization authenticate authorize|init initialization ' +
    'initialize initializer constructor|') +
  ('env environment environ|attr attribute|attrs attributes|str string|int integer|num number|bool ' +
    ('boolean|dict dictionary mapping|obj object|ctx context|req request|resp response|msg message|err ' +
      'error|exc exception|doc documentation document|docs documentation|')) +
  ('impl implementation implement|iter iterator iterate iteration|async asynchronous|sync synchronous ' +
    ('synchronize|coord coordinate|coords coordinates|dim dimension|dims dimensions|var variable|vars ' +
      'variables|val value|vals values|idx index|elem element|el element|')) +
  ('expr expression|stmt statement|decl declaration declare|ident identifier|id identifier identify|ref ' +
    ('reference|refs references|ptr pointer|src source|dst destination|dest destination|tmp temporary|temp ' +
      'temporary|prev previous|cur current|curr current|')) +
  ('max maximum|min minimum|avg average|len length|cnt count|pos position|loc location locate|spec ' +
    ('specification|repr representation represent|fmt format|conn connection connect|db database|sql ' +
      'query|cmd command|cmds commands|opt option|opts options|')) +
  ('util utility|utils utilities|lib library|pkg package|mod module|ns namespace|cls class|meth method|prop ' +
    ('property|props properties|tpl template|tmpl template|eval evaluate evaluation|exec execute ' +
      'execution|calc calculate calculation|')) +
  ('gen generate generator generation|concat concatenate concatenation|del delete remove|cfg ' +
    ('configuration|addr address|buf buffer|char character|chars characters|ver version|perf performance|proc ' +
      'process|sess session|sig signature|')) +
  ('tok token|lex lexer lexical|regex regular|regexp regular|url uri|urls uris|http https|enc encode ' +
    ('encoding|dec decode decoding|ser serialize serialization|deser deserialize deserialization|dump ' +
      'serialize|dumps serialize|load deserialize|loads deserialize|sep separator|')) +
  ('alloc allocate allocation|dealloc deallocate|sub subtract|mul multiply|div divide|neg negative|pos ' +
    ('positive|abs absolute|rel relative|desc description|info information|stat statistic|stats ' +
      'statistics|std standard|sys system|lang language|')) +
  ('nav navigation|btn button|img image|txt text|bg background|fg foreground|ui interface|api interface|cb ' +
    ('callback|evt event|fs filesystem|io input|os platform|subclass inherit|super parent|mutex lock|chan ' +
      'channel|goroutine concurrent|ws websocket|cert certificate|')) +
  ('enum enumeration|struct structure|tuple pair|nan null|none null|nil null|undefined null|rand random|seq ' +
    ('sequence|vec vector|mat matrix|col column|cols columns|row line|ops operations|op operation ' +
      'operator|dtype type|typ type|meta metadata|agg aggregate aggregation|')) +
  ('recv receive|snd send|rm remove|mk make|cp copy|mv move rename|ls list|pwd password|usr user|grp ' +
    ('group|perm permission|priv private|pub public|dep dependency|deps dependencies|ext extension|subst ' +
      'substitute|lookup find search|parse parser parsing|async await'));

/** Related words with different stems (subscribe, subscription). */
const FAMILIES =
  'subscribe subscription subscriber|describe description descriptor|transcribe transcription|destroy ' +
  ('destruction destructor|resolve resolution|dissolve dissolution|receive reception receipt|decide ' +
    'decision|expand expansion|extend extension|') +
  ('compare comparison comparator|analyze analyse analysis|delete deletion|invoke invocation|revoke ' +
    ('revocation|convert conversion|invert inversion|permit permission|omit omission|submit submission|emit ' +
      'emission|transmit transmission|')) +
  ('produce production|reduce reduction|deduce deduction|retrieve retrieval|proceed procedure|exceed ' +
    ('excess|succeed success|apply application|modify modification|notify notification|verify ' +
      'verification|specify specification|')) +
  ('classify classification|simplify simplification|multiply multiplication|qualify qualification|identify ' +
    ('identification|normalize normal|include inclusion|exclude exclusion|conclude conclusion|collide ' +
      'collision|divide division|')) +
  ('respond response|suspend suspension|defend defense|append appendix|choose choice|choose chosen|write ' +
    ('written|break broken|throw thrown|send sent|find found|hold held|keep kept|lose loss|lose lost|build ' +
      'built|bind bound|wrap wrapped|')) +
  ('depth deep|width wide|length long|strength strong|height high|valid validity|recurse recursion ' +
    ('recursive|iterate iterable|optional optionally|infer inference|refer reference|prefer preference|confer ' +
      'conference|occur occurrence|recur recurrence|')) +
  ('exist existence|persist persistence|depend dependency|maintain maintenance|perform performance|appear ' +
    ('appearance|inherit inheritance|acquire acquisition|require requirement|define definition|compose ' +
      'composition|impose imposition|')) +
  ('absorb absorption|corrupt corruption|interrupt interruption|intercept interception|except ' +
    ('exception|accept acceptance|detect detection|protect protection|collect collection|select ' +
      'selection|inject injection|reject rejection|project projection'));

const toSet = (words: string): ReadonlySet<string> => new Set(words.split(' '));

const stopWords = toSet(QUESTION_STOP_WORDS);
const talk = new Set([...toSet(TALK)].map(stem));

/** Whether the index lookup skips a lower-case word of a question. */
export const isStopWord = (word: string): boolean => stopWords.has(word) || wordTerm(word) === undefined;

/** Whether a stem is a word of design talk. */
export const isTalkWord = (stemmed: string): boolean => talk.has(stemmed);

const alternatives = new Map<string, Set<string>>();
for (const group of `${SHORT_FORMS}|${FAMILIES}`.split('|')) {
  const [short, ...long] = group.split(' ').map(stem);
  for (const other of long) {
    if (short === undefined || other === short) continue;
    for (const [from, to] of [
      [short, other],
      [other, short],
    ] as const) {
      const known = alternatives.get(from);
      if (known) known.add(to);
      else alternatives.set(from, new Set([to]));
    }
  }
}

/** Returns stems that code may use in place of a given stem. */
export const shortForms = (stemmed: string): readonly string[] => [...(alternatives.get(stemmed) ?? [])];
