import { describe, expect, it } from 'vitest';
import { runnerPids } from '../dev/ancestors.ts';

describe('runnerPids', () => {
  it('reaches from the parent up to the topmost package runner, and not to the shell above', () => {
    const ancestors = [
      { pid: 50, command: 'sh -c node scripts/run.mjs dev' },
      { pid: 40, command: '/usr/lib/pnpm dev' },
      { pid: 30, command: 'sh -c pnpm dev' },
      { pid: 20, command: 'npm exec pnpm@12.21.0 dev' },
      { pid: 10, command: '-bash' },
    ];
    expect(runnerPids(ancestors)).toEqual([50, 40, 30, 20]);
  });

  it.each([
    'node /usr/lib/node_modules/npm/bin/npx-cli.js --yes pnpm dev',
    '/opt/node/bin/node /home/u/.cache/pnpm.cjs dev',
    'npx pnpm dev',
    'pnpm dev',
  ])('knows the runner in: %s', (command) => {
    expect(runnerPids([{ pid: 7, command }])).toEqual([7]);
  });

  it.each(['bash -c npx pnpm dev &', 'node harness.js npx', 'pnpmish', 'sshd: u@pts/0'])(
    'does not take for a runner: %s',
    (command) => {
      expect(runnerPids([{ pid: 7, command }])).toEqual([]);
    },
  );
});
