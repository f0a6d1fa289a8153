// Starts a script written in TypeScript, once it is sure that this Node can read it: `node scripts/run.mjs dev`.
const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);

if (major < 22 || (major === 22 && minor < 18)) {
  console.error(
    `Behalf needs Node 22.18 or newer; this is Node ${process.versions.node} (${process.execPath}).\n` +
      'On Linux (x64, arm64) `pnpm install` brings one along; elsewhere install Node 24 from https://nodejs.org.',
  );
  process.exit(1);
}

const [script] = process.argv.splice(2, 1);

await import(`./${script}.ts`);
