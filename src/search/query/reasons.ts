/** Reasons: texts that say why. */

const BECAUSE =
  /\b(?:because|since|so that|so (?:we|it|they|you|as) |in order to|the reason|reasons?:|therefore|otherwise|hence|thus|to (?:avoid|allow|prevent|ensure|protect|mitigate|make sure|reduce|help|keep|let|guard|support|enable|work around|preserve|not)|due to|as (?:it|this|that|we|they) |motivat\w+|rationale|problem|confus\w+|workaround|weil|damit|denn|da sonst|um\b[^.]*\bzu|parce que|afin|pour|car|porque|para que|perché|affinché|omdat|zodat|потому|чтобы|так как)\b|ため|から|ので|因为|以便|为了/iu;

/** Whether a text gives a reason or a purpose. */
export const givesReason = (text: string): boolean => BECAUSE.test(text);
