/** `grant_type` values of the extension grants that are ours alone. */
export const DELEGATION_GRANT = 'delegation';
export const TRANSLATION_GRANT = 'translation';
