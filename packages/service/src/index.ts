export { decodeClaims, stepsToldBy, type CallStep } from './call-step.ts';
export { createCallTrace, type CallTrace, type ObservedExchange } from './call-trace.ts';
export { reportSteps, stepsOf, traceOf, type ReportStepsOptions } from './report-steps.ts';
export { createLogger, pathOf, type Logger, type LoggerOptions } from './logger.ts';
export { CENSORED, redactMembers, redactText } from './redaction.ts';
export { currentRequestId, fetchWithRequestId, requestIdOf, requestIds } from './request-id.ts';
export { requestLogging, type RequestLoggingOptions } from './request-logging.ts';
export { problem, Problem, problemType, sendProblem, type ProblemOptions } from './problem.ts';
export { allowOnly, notFound, problemHandler, type ProblemHandlerOptions } from './problem-handler.ts';
export { idempotencyKeyOf, requireIdempotencyKey } from './idempotency-key.ts';
export { jsonBody } from './json-body.ts';
export { apiHeaders } from './headers.ts';
export {
  createUpstream,
  pathSegment,
  upstreamFailure,
  type Upstream,
  type UpstreamAnswer,
  type UpstreamOptions,
  type UpstreamRequest,
} from './upstream.ts';
export { allowOrigin, type CorsOptions } from './cors.ts';
export { healthRoutes, type HealthOptions } from './health.ts';
export { runMain, startService, stopServer, type StartServiceOptions } from './start-service.ts';
export {
  insecureTransport,
  isPlainHttpElsewhere,
  refuseInProduction,
  unwantedExperiments,
} from './production.ts';
export {
  certificateCheckSetting,
  databaseUrlSetting,
  loadSettings,
  logLevelSetting,
  nodeEnvironmentSetting,
  optionalSwitchSetting,
  optionalUrlSetting,
  portSetting,
  SettingsError,
  switchSetting,
  urlSetting,
  type Environment,
  type LoadSettingsOptions,
} from './settings.ts';
