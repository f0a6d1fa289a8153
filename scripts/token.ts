/** `pnpm user-token alice`: signs a demo user in to the running system and prints the user's token for API1, for curl. */
import { systemEnvironment } from './system/addresses.ts';
import { signInOverHttp } from './system/sign-in.ts';

const [username = 'alice', password] = process.argv.slice(2);
const { ISSUER = '', WEB_URL = '', API1_RESOURCE = '' } = systemEnvironment(process.env, '');
try {
  const { accessToken } = await signInOverHttp({
    issuer: ISSUER,
    webUrl: WEB_URL,
    resource: API1_RESOURCE,
    username,
    ...(password === undefined ? {} : { password }),
  });
  process.stdout.write(`${accessToken}\n`);
} catch (error) {
  process.stderr.write(`no token from ${ISSUER}: ${(error as Error).message}. Is the system running?\n`);
  process.exitCode = 1;
}
