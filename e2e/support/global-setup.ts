import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { buildWeb } from '@behalf/scripts/system';

/** Builds the client once for all workers: what is tested is what is deployed, its content security policy included. */
export default function setup(): () => void {
  const folder = mkdtempSync(join(tmpdir(), 'behalf-web-'));
  buildWeb(folder);
  process.env['BUILT_WEB_ROOT'] = folder;
  return () => rmSync(folder, { recursive: true, force: true });
}
