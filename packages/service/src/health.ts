import { Router } from 'express';

export interface HealthOptions {
  /** Resolves when this process can do its work (its database answers, say); rejects when it cannot. It asks no other service. */
  readonly ready: () => Promise<void> | void;
}

const READY_TIMEOUT_MS = 2_000;

/**
 * `GET /health/live`: the process answers. `GET /health/ready`: it can do its work, 503 when not, or not known within
 * two seconds. Neither says why: that is in the log of whatever failed.
 */
export function healthRoutes({ ready }: HealthOptions): Router {
  const routes = Router();
  routes.get('/health/live', (_request, response) => {
    response.set('Cache-Control', 'no-store').json({ status: 'live' });
  });
  routes.get('/health/ready', async (_request, response) => {
    const isReady = await settlesInTime(ready);
    response
      .set('Cache-Control', 'no-store')
      .status(isReady ? 200 : 503)
      .json({ status: isReady ? 'ready' : 'unavailable' });
  });
  return routes;
}

async function settlesInTime(ready: HealthOptions['ready']): Promise<boolean> {
  const { promise: tooLate, reject } = Promise.withResolvers<never>();
  const timer = setTimeout(() => reject(new Error('not known in time')), READY_TIMEOUT_MS);
  try {
    await Promise.race([Promise.resolve().then(ready), tooLate]);
    return true;
  } catch {
    return false;
  } finally {
    clearTimeout(timer);
  }
}
