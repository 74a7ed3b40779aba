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
    history: /\bchange ?log\b|\brelease notes?\b|\bhistory\b|\bwhich (version|release)\b|\bwhen was\b|\bdeprecat/i.test(
      text,
    ),
  };
}
