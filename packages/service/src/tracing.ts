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

/** What a crash may lose. */
const EXPORT_EVERY_MS = 1_000;

/**
 * Traces every request that comes in (`node:http`) and goes out (`fetch`), across services by `traceparent` (W3C Trace
 * Context), and exports to the OTLP endpoint of the environment. Headers, bodies
 * and queries are not recorded. Every trace is kept: to sample is the collector's part.
 */
export function startTracing(serviceName: string): void {
  register('@opentelemetry/instrumentation/hook.mjs', import.meta.url);
  const provider = new TracerProvider({
    resource: defaultResource().merge(resourceFromAttributes({ 'service.name': serviceName })),
    spanProcessors: [
      withoutQueries,
      new BatchSpanProcessor({ exporter: new OTLPTraceExporter(), scheduledDelayMillis: EXPORT_EVERY_MS }),
    ],
  });
  context.setGlobalContextManager(new AsyncLocalStorageContextManager());
  propagation.setGlobalPropagator(new W3CTraceContextPropagator());
  trace.setGlobalTracerProvider(provider);
  registerInstrumentations({ instrumentations: [new HttpInstrumentation(), new UndiciInstrumentation()] });
  process.once('SIGTERM', () => void provider.forceFlush());
}

/** Queries carry codes, `id_token_hint` and `request_uri`; the instrumentations cut out names of other protocols alone. */
const withoutQueries: SpanProcessor = {
  onStart: (span) =>
    void span.setAttributes({ 'url.query': '', 'url.full': '', 'http.url': '', 'http.target': '' }),
  onEnd: () => undefined,
  forceFlush: () => Promise.resolve(),
  shutdown: () => Promise.resolve(),
};
