import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import { runOf, shapeOf } from '../flows/tool/page.ts';
import { RUNS } from '../flows/tool/runs.ts';
import { FLOWS, runFlows } from '../flows/tool/world.ts';

const page = (name: string) => readFileSync(join(FLOWS, `${name}.md`), 'utf8');
/** Text that begins like a credential and is not shortened: no page may hold it. */
const LEAKS = [
  /eyJ[\w-]{10,}/,
  /(client_secret|password)=(?!<secret>)/,
  /(code|code_verifier|refresh_token|xsrf)=[^…\n&]{7,}/,
  /"(access|refresh|id)_token": "(?!<|.{6}…)/,
  /^Cookie: (?!…)|^Set-Cookie: (?![\w.]+=…)/m,
  /^Authorization: (?!(Basic base64\([\w.]+:<secret>\)|Bearer <))/m,
];
const names = Object.keys(RUNS);

describe('docs/flows', () => {
  let fresh: ReadonlyMap<string, string>;
  beforeAll(async () => {
    fresh = await runFlows();
  });

  test('has a page for each flow, and no other', () => {
    const pages = readdirSync(FLOWS).filter((name) => name.endsWith('.md'));
    expect(pages.toSorted()).toEqual(names.map((name) => `${name}.md`).toSorted());
  });

  test.each(names)('%s.md shows what happens in a run of today', (name) => {
    expect(shapeOf(runOf(page(name)))).toEqual(shapeOf(fresh.get(name) ?? ''));
  });

  test.each(names)('%s.md holds no token, no cookie and no secret', (name) => {
    for (const text of [page(name), fresh.get(name) ?? '']) {
      expect(LEAKS.filter((leak) => leak.test(text))).toEqual([]);
    }
  });
});
