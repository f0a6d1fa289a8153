import { register } from 'node:module';
import { context, propagation, trace } from '@opentelemetry/api';
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks';
import { W3CTraceContextPropagator } from '@opentelemetry/core';
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-http';
import { registerInstrumentations } from '@opentelemetry/instrumentation';
import { HttpInstrumentation } from '@opentelemetry/instrumentation-http';
import { UndiciInstrumentation } from '@opentelemetry/instrumentation-undici';
import { defaultResource, resourceFromAttributes } from '@opentelemetry/resources';
import { BatchSpanProcessor, TracerProvider, type SpanProcessor } from '@opentelemetry/sdk-trace';

import { pathOf, redactText } from './logging.ts';

/** A crash may lose as much. */
const EXPORT_EVERY_MS = 1_000;

/**
 * Traces every request that comes in (`node:http`) and goes out (`fetch`), across services by `traceparent` (W3C Trace
 * Context), and exports to the OTLP endpoint of the environment. Headers, bodies and queries are not recorded, and paths are
 * cut as in logs. Every trace is kept, because sampling is the collector's part.
 */
export function startTracing(serviceName: string): void {
  register('@opentelemetry/instrumentation/hook.mjs', import.meta.url);
  const provider = new TracerProvider({
    resource: defaultResource().merge(resourceFromAttributes({ 'service.name': serviceName })),
    spanProcessors: [
      withoutSecrets,
      new BatchSpanProcessor({ exporter: new OTLPTraceExporter(), scheduledDelayMillis: EXPORT_EVERY_MS }),
    ],
  });
  context.setGlobalContextManager(new AsyncLocalStorageContextManager());
  propagation.setGlobalPropagator(new W3CTraceContextPropagator());
  trace.setGlobalTracerProvider(provider);
  registerInstrumentations({ instrumentations: [new HttpInstrumentation(), new UndiciInstrumentation()] });
  process.once('SIGTERM', () => void provider.forceFlush());
}

/**
 * Queries carry codes, `id_token_hint` and `request_uri`, and paths carry ids of sign-ins: the instrumentations cut out the
 * names of other protocols alone.
 */
export const withoutSecrets: SpanProcessor = {
  onStart(span) {
    const path = span.attributes['url.path'] ?? span.attributes['http.target'];
    span.setAttributes({ 'url.query': '', 'url.full': '', 'http.url': '', 'http.target': '' });
    if (typeof path === 'string') span.setAttribute('url.path', redactText(pathOf(path)));
  },
  onEnd: () => undefined,
  forceFlush: () => Promise.resolve(),
  shutdown: () => Promise.resolve(),
};
