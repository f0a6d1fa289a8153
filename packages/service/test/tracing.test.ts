import { TracerProvider } from '@opentelemetry/sdk-trace';
import { describe, expect, it } from 'vitest';
import { withoutSecrets } from '../src/tracing.ts';

const TOKEN = 'eyJhbGciOiJFUzI1NiJ9.eyJzdWIiOiJ1c3JfMSJ9.c2lnbmF0dXJlLW9mLXRoaXMtdG9rZW4';

const attributesOf = (attributes: Record<string, string>): unknown => {
  const provider = new TracerProvider({ spanProcessors: [withoutSecrets] });
  const span = provider.getTracer('test').startSpan('GET', { attributes });
  return (span as unknown as { attributes: unknown }).attributes;
};

describe('a span', () => {
  it.each([
    ['the id of a sign-in', '/interaction/n3vEr-5Een/login', '/interaction/:uid/login'],
    ['the id of an authorization request', '/connect/authorize/n3vEr-5Een', '/connect/authorize/:uid'],
    ['a token', `/users/${TOKEN}`, '/users/[redacted]'],
  ])('has no path with %s, as a log has none', (_what, path, cut) => {
    expect(attributesOf({ 'url.path': path })).toMatchObject({ 'url.path': cut });
  });

  it('has no query and no whole address', () => {
    const attributes = {
      'url.path': '/callback',
      'url.query': 'code=x',
      'url.full': 'http://localhost/callback?code=x',
      'http.target': '/callback?code=x',
      'http.url': 'http://localhost/callback?code=x',
    };
    expect(JSON.stringify(attributesOf(attributes))).not.toContain('code=x');
  });
});
