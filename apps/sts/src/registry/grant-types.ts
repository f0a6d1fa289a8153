import { TOKEN_EXCHANGE_GRANT } from '@behalf/extension-grants';

/** `grant_type` values of the extension grants that are ours alone. */
export const DELEGATION_GRANT = 'delegation';
export const TRANSLATION_GRANT = 'translation';

/** Every grant that a client can be registered for. A test holds this against the discovery document. */
export const GRANT_TYPES: readonly string[] = [
  'authorization_code',
  'refresh_token',
  'client_credentials',
  DELEGATION_GRANT,
  TRANSLATION_GRANT,
  TOKEN_EXCHANGE_GRANT,
];
