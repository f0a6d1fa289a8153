/**
 * `node --import @behalf/service/telemetry src/main.ts`: OpenTelemetry, which has to come before what it watches. Without
 * `OTEL_EXPORTER_OTLP_ENDPOINT` (or `OTEL_EXPORTER_OTLP_TRACES_ENDPOINT`) nothing of it is loaded. `OTEL_SERVICE_NAME`
 * and the exporter's other variables (`OTEL_EXPORTER_OTLP_HEADERS`, `…_TIMEOUT`, …) mean what OpenTelemetry says.
 */

import { readFileSync } from 'node:fs';

const { OTEL_EXPORTER_OTLP_ENDPOINT, OTEL_EXPORTER_OTLP_TRACES_ENDPOINT, OTEL_SERVICE_NAME } = process.env;

if (OTEL_EXPORTER_OTLP_ENDPOINT || OTEL_EXPORTER_OTLP_TRACES_ENDPOINT) {
  const { startTracing } = await import('./tracing.ts');
  startTracing(OTEL_SERVICE_NAME || nameOfThisService());
}

/** As the package in the working directory is called. */
function nameOfThisService(): string {
  const { name } = JSON.parse(readFileSync('package.json', 'utf8')) as { name: string };
  return name.slice(name.indexOf('/') + 1);
}
