import type { AccessTokenVerifier } from '@behalf/auth';
import { protectedResourceMetadata } from '@behalf/auth/express';
import { isUnavailable } from '@behalf/database';
import { createTokenRequestGuard } from '@behalf/extension-grants';
import {
  allowOrigin,
  headersOf,
  healthRoutes,
  type Logger,
  notFound,
  problemHandler,
  requestLogging,
} from '@behalf/service';
import express, {
  type Express,
  type NextFunction,
  type Request,
  type RequestHandler,
  type Response,
} from 'express';
import helmet from 'helmet';
import { accountRoutes } from './account/routes.ts';
import { type PolicyRouteParts, policyRoutes } from './demo/policy.ts';
import { interactionRoutes } from './interactions/routes.ts';
import type { SignInThrottle } from './interactions/throttle.ts';
import type { CurrentProvider } from './oidc/current-provider.ts';
import { inOriginForm, loggedPath, postAsGet, readSignOutForm } from './oidc/edge.ts';
import { contentSecurityPolicy } from './oidc/pages.ts';
import type { TokenLedger } from './state/ledger.ts';
import type { DemoUser } from './registry/users-and-issuers.ts';
import type { LedgerQueries } from './state/queries.ts';
import type { Revocation } from './state/revocation.ts';
import type { UserStore } from './state/users.ts';

export interface AppDependencies {
  readonly issuer: string;
  /** The one origin whose pages may call the endpoints that browsers use. */
  readonly webOrigin: string;
  readonly trustedProxies: readonly string[];
  readonly logger: Logger;
  /** Epoch seconds. */
  readonly now: () => number;
  readonly host: CurrentProvider;
  readonly users: Pick<UserStore, 'findById' | 'authenticate'>;
  readonly throttle: SignInThrottle;
  readonly demoUsers: readonly DemoUser[];
  readonly verifier: AccessTokenVerifier;
  readonly ledger: TokenLedger;
  readonly queries: LedgerQueries;
  readonly revocation: Revocation;
  /** Left out: there are no routes for demonstrations. */
  readonly experiments: Omit<PolicyRouteParts, 'verifier'> | undefined;
  /** The routes of sign-in with another OpenID provider, and its name; undefined: there is none. */
  readonly federation: { readonly routes: RequestHandler; readonly name: string } | undefined;
  /** Resolves when the database answers. */
  readonly ready: () => Promise<void>;
}

/** Everything oidc-provider answers. Other paths never reach it: it ends every request that it gets. */
const PROVIDER_PATHS = [
  '/connect/{*rest}',
  '/.well-known/openid-configuration{/*rest}',
  '/.well-known/oauth-authorization-server',
];

/** The endpoints that pages of the web client call. */
const BROWSER_PATHS = [
  '/connect/token',
  '/connect/userinfo',
  '/connect/revocation',
  '/connect/par',
  '/account/{*rest}',
  '/experiments/{*rest}',
  '/.well-known/{*rest}',
];

/** A pushed request is kept, also for unauthenticated callers, so it may be no longer than an address. */
const MAXIMUM_PUSHED_BYTES = 16 * 1024;

/** The whole service. Nothing listens yet. */
export function createApp(dependencies: AppDependencies): Express {
  const { issuer, logger, host } = dependencies;
  const app = express();
  // Each address has one spelling.
  app.enable('case sensitive routing').enable('strict routing');
  app.disable('x-powered-by');
  app.set('trust proxy', [...dependencies.trustedProxies]);

  app.use(requestLogging(logger, { describePath: loggedPath }));
  app.use(securityHeaders);
  app.use(setOwnAddress(issuer));
  app.use(
    BROWSER_PATHS,
    allowOrigin({
      origin: dependencies.webOrigin,
      methods: ['GET', 'POST', 'DELETE'],
      requestHeaders: ['Authorization', 'Content-Type', 'DPoP', 'X-Request-Id'],
      exposedHeaders: ['WWW-Authenticate', 'Retry-After', 'X-Request-Id'],
    }),
  );

  const guard = (required: readonly string[], mayRepeat: readonly string[], maximumBytes?: number) =>
    createTokenRequestGuard({
      realm: issuer,
      required,
      mayRepeat,
      ...(maximumBytes === undefined ? {} : { maximumBytes }),
    });
  // First, because it is called most.
  app.all('/connect/token', guard(['grant_type'], ['audience', 'resource']), inOriginForm, host.handle);

  app.use(healthRoutes({ ready: dependencies.ready }));
  if (dependencies.federation !== undefined) app.use(dependencies.federation.routes);
  app.use(
    interactionRoutes({
      ...dependencies,
      provider: () => host.current,
      upstreamName: dependencies.federation?.name,
    }),
  );
  app.use(
    protectedResourceMetadata({
      resource: issuer,
      authorizationServers: [issuer],
      scopes: ['account'],
      name: 'Behalf account',
    }),
  );
  app.use('/account', accountRoutes(dependencies));
  if (dependencies.experiments !== undefined) {
    app.use('/experiments', policyRoutes({ ...dependencies.experiments, verifier: dependencies.verifier }));
  }

  app.all('/connect/introspect', guard(['token'], []));
  app.all('/connect/revocation', guard(['token'], []));
  app.all('/connect/par', guard([], ['resource'], MAXIMUM_PUSHED_BYTES));
  app.post('/connect/endsession/confirm', readSignOutForm);
  app.post(['/connect/authorize', '/connect/endsession'], postAsGet(issuer));
  app.all(PROVIDER_PATHS, inOriginForm, host.handle);

  app.use(notFound());
  app.use(problemHandler(logger, { isOutage: isUnavailable }));
  return app;
}

/** For every answer; pages for people replace the policy by their own. */
const SECURITY_HEADERS = headersOf(
  helmet({
    contentSecurityPolicy: false,
    referrerPolicy: { policy: 'no-referrer' },
    xFrameOptions: { action: 'deny' },
    // Discovery, keys and tokens are read by pages of another origin.
    crossOriginResourcePolicy: { policy: 'cross-origin' },
  }),
);

function securityHeaders(_request: Request, response: Response, next: NextFunction): void {
  for (const [name, value] of SECURITY_HEADERS) response.setHeader(name, value);
  next();
}

/**
 * oidc-provider derives addresses from the request's host. Ours has one address, the issuer, whatever name or proxy a
 * request came by.
 */
function setOwnAddress(issuer: string): RequestHandler {
  const { host, protocol } = new URL(issuer);
  const policy = contentSecurityPolicy([]);
  return (request, response, next) => {
    request.headers.host = host;
    request.headers['x-forwarded-host'] = host;
    request.headers['x-forwarded-proto'] = protocol.slice(0, -1);
    response.setHeader('Content-Security-Policy', policy);
    next();
  };
}
