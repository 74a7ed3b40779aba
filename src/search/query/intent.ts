/** Kinds of file that a question asks for. Files of these kinds are not ranked down. */
export interface Intent {
  tests: boolean;
  examples: boolean;
  docs: boolean;
  /** Build files, settings, lock files, data. */
  config: boolean;
  types: boolean;
  history: boolean;
  /** Texts in other languages. A question in another language asks for them too. */
  translations: boolean;
  /** Tests or documentation, where they are all that the question asks for. */
  asked: 'tests' | 'docs' | undefined;
}

/**
 * Reads the requested kinds from the wording. The word "test" alone is not enough: it may describe the code ("before
 * each test").
 */
export function readIntent(text: string): Intent {
  return {
    tests:
      /\b(the|this|that|in|any|which|what|are there)\s([\w-]+\s)?tests?\b(?!\s+(if|whether|that))|\btests? (for|of|cover\w*)\b|\btested\b|\btest[_A-Z]\w*|\b(test|spec)\s*(case|suite|file|function|class|method|helper|fixture)s?|\bTest[A-Z]\w+|\b(unit|integration|regression)[- ]tests?|\bfixtures?\b|\bassert(s|ion|ions)?\b|\bMock[A-Z]?\w*|\bmock(s|ed)?\b|\bbenchmarks?\b/.test(
        text,
      ),
    examples: /\bexamples?\b|\btutorials?\b|\bdemos?\b|\bsamples?\b|\bplaygrounds?\b/i.test(text),
    docs: /\b(documentation|docs)\b(?=\W*$|[,;:.]|\s+(for|of|on|about|that|which|say|says|describe|explain|mention|cover|and|or|is|are)\b)|\breadme\b|\bguides?\b|\bdocumented\b|\bhow (do|can|should|would) (i|we|you)\b|\binstall(ing|ation)?\b|\bgetting started\b|\bcontribut(e|ing)\b/i.test(
      text,
    ),
    config:
      /\bpyproject\b|\bpackage\.json\b|\bsetup\.(py|cfg)\b|\bdockerfile\b|\bci\b|\bworkflows?\b|\blint(er|ing)?\b|\bdependenc(y|ies)\b|\bentry[- ]points?\b|\bbuild (script|system|config\w*)\b/i.test(
        text,
      ),
    types:
      /\b(type|TS|typescript) (definition|declaration)s?\b|\.d\.ts\b|\bin types\b|\btypings?\b|\b(missing|wrong|incorrect) types?\b|\bpermitted\b/i.test(
        text,
      ),
    translations:
      /\btranslat|\blocali[sz]|\bi18n\b|\bl10n\b|\blocales?\b|\blanguages?\b/i.test(text) ||
      /[^\P{L}\p{Script=Latin}]/u.test(text),
    asked: ASKED_TESTS.test(text) ? 'tests' : ASKED_DOCS.test(text) ? 'docs' : undefined,
    history: /\bchange ?log\b|\brelease notes?\b|\bhistory\b|\bwhich (version|release)\b|\bwhen was\b|\bdeprecat/i.test(
      text,
    ),
  };
}

const ASKED_TESTS =
  /^\W*(?:which|what|find|list|show(?: me)?|are there|is there)(?: (?:the|any|a))?(?: [\w-]+)? tests?\b(?!\s+(?:if|whether|that))|^\W*where (?:is|are)\b.*(?:\btested\b|\btests? (?:for|of)\b)/i;
const ASKED_DOCS =
  /^\W*where (?:is|are)\b.*\b(?:documented\b|(?:documentation|docs)(?: (?:of|for|on|about)\b|\W*$))|^\W*(?:which|what) (?:page|guide|chapter|docs|documentation)\b|^\W*(?:is there|find|show(?: me)?) (?:any )?(?:documentation|docs)\b/i;
