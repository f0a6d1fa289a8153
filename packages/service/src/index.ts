export {
  decodeClaims,
  stepsToldBy,
  type CallStep,
  createCallTrace,
  type CallTrace,
  type ObservedExchange,
  reportSteps,
  stepsOf,
  traceOf,
  type ReportStepsOptions,
} from './call-steps.ts';
export {
  createLogger,
  pathOf,
  type Logger,
  type LoggerOptions,
  CENSORED,
  redactMembers,
  redactText,
} from './logging.ts';
export {
  currentRequestId,
  fetchWithRequestId,
  requestIdOf,
  requestIds,
  requestLogging,
  type RequestLoggingOptions,
} from './request-logging.ts';
export {
  problem,
  Problem,
  problemType,
  sendProblem,
  type ProblemOptions,
  allowOnly,
  notFound,
  problemHandler,
  type ProblemHandlerOptions,
} from './problem.ts';
export {
  idempotencyKeyOf,
  requireIdempotencyKey,
  jsonBody,
  apiHeaders,
  allowOrigin,
  type CorsOptions,
} from './api.ts';
export {
  createUpstream,
  pathSegment,
  upstreamFailure,
  type Upstream,
  type UpstreamAnswer,
  type UpstreamOptions,
  type UpstreamRequest,
} from './upstream.ts';
export {
  healthRoutes,
  type HealthOptions,
  runMain,
  startService,
  stopServer,
  type StartServiceOptions,
} from './start-service.ts';
export {
  insecureTransport,
  isPlainHttpElsewhere,
  refuseInProduction,
  unwantedExperiments,
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
