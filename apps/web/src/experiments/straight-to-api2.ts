import type { Experiment } from './experiment.ts';

export const straightToApi2: Experiment = {
  name: 'straight-to-api2',
  title: 'Call API2 straight from the browser',
  idea: 'Leave API1 out: this page asks API2 for your accounts itself.',
  prediction: 'The browser does not even send it: API2 has not agreed to be called from this page.',
  explanation:
    'API2 serves services, not browsers, so it answers no CORS preflight, and the browser stops there. That protects nobody from a program that is no browser; what does is the next refusal: even past the browser, API2 wants a token for itself in which API1 is the actor, and nothing in this browser can get one.',
  source: 'Fetch §3.2, RFC 9068 §4',
  async run({ config }) {
    const url = `${config.api2Url}/accounts`;
    const command = `curl -i -H "Authorization: Bearer $TOKEN" ${url}`;
    try {
      // No real token: what the browser does with the header is the same, and none leaves for a place it is not for.
      const response = await fetch(url, { headers: { Authorization: 'Bearer none' }, credentials: 'omit' });
      return {
        asPredicted: false,
        observations: [{ what: 'This page asks API2', status: response.status }],
        command,
      };
    } catch {
      return {
        asPredicted: true,
        observations: [
          {
            what: 'This page asks API2',
            status: 'blocked by the browser',
            detail:
              'CORS: API2 has not said that this page may call it, so the browser asks no further and shows no answer. A service that is down looks the same from here.',
          },
        ],
        command,
      };
    }
  },
};
