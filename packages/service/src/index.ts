export { commonSettings, loadApiConfig } from './api-config.ts';
export {
  allowOrigin,
  apiHeaders,
  headersOf,
  idempotencyKeyOf,
  jsonBody,
  requireIdempotencyKey,
} from './http.ts';
export { openChannel, type SharedChannel } from './channel.ts';
export { createLogger, type Logger, pathOf, redactText } from './logging.ts';
export { allowOnly, notFound, problem, Problem, problemHandler, sendProblem } from './problem.ts';
export { DEVELOPMENT_SECRET, isWeakSecret, refuseInProduction, unsafeSettings } from './production.ts';
export { currentRequestId, fetchWithRequestId, requestIdOf, requestLogging } from './request-logging.ts';
export {
  addressOf,
  addressSetting,
  databaseUrlSetting,
  type Environment,
  identifierSetting,
  listenHosts,
  loadSettings,
  logLevelSetting,
  nodeEnvironmentSetting,
  optionalAddressSetting,
  optionalSwitchSetting,
  portSetting,
  SettingsError,
  switchSetting,
} from './settings.ts';
export { epochSeconds, healthRoutes, runMain, runService, startService } from './start-service.ts';
export {
  createUpstream,
  jsonOf,
  looksLikeObject,
  pathSegment,
  type Upstream,
  type UpstreamAnswer,
  type UpstreamCall,
  upstreamFailure,
  type UpstreamRequest,
} from './upstream.ts';
