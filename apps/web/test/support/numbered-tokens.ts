import type { TokenSource } from '../../src/api/api-client.ts';

/** Tokens `token-1`, `token-2` …: the present one again, until it is given back as rejected. */
export function numberedTokens(): TokenSource {
  let number = 1;
  return {
    accessToken: async (_resource, rejected) => {
      if (rejected === `token-${number}`) number++;
      return `token-${number}`;
    },
  };
}
