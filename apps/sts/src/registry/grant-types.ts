/** `grant_type` values of the extension grants. */
export const DELEGATION_GRANT = 'delegation';
export const TRANSLATION_GRANT = 'translation';
/** RFC 8693 §2.1. */
export const TOKEN_EXCHANGE_GRANT = 'urn:ietf:params:oauth:grant-type:token-exchange';
