import type { Context, Span, Tracer } from "@opentelemetry/api";
import {
  context,
  isSpanContextValid,
  ProxyTracerProvider,
  ROOT_CONTEXT,
  SpanStatusCode,
  trace,
} from "@opentelemetry/api";
import type { SpanOptions, Tracing } from "../../kernel/tracing.ts";

/** `version-traceId-spanId-flags`: https://www.w3.org/TR/trace-context/#traceparent-header */
const TRACEPARENT = /^00-([\da-f]{32})-([\da-f]{16})-([\da-f]{2})$/;

/** Traces by OpenTelemetry's API. Without an SDK that the app has registered, spans are not begun. */
export function createOpenTelemetry(): Tracing {
  const begin = (name: string, { attributes = {}, parent }: SpanOptions): [Span, Context] | undefined => {
    const tracer = tracerOfApp();
    if (tracer === undefined) {
      return undefined;
    }
    const from = contextOf(typeof parent === "function" ? parent() : parent);
    return [tracer.startSpan(name, { attributes: { ...attributes } }, from), from];
  };
  return {
    span(name, options, work) {
      const begun = begin(name, options);
      return begun === undefined ? work() : runWithin(begun, work);
    },
    moment: (name, options) => begin(name, options)?.[0].end(),
    current() {
      const active = trace.getActiveSpan()?.spanContext();
      if (active === undefined || !isSpanContextValid(active)) {
        return undefined;
      }
      return `00-${active.traceId}-${active.spanId}-${active.traceFlags.toString(16).padStart(2, "0")}`;
    },
  };
}

async function runWithin<T>([span, from]: [Span, Context], work: () => Promise<T>): Promise<T> {
  try {
    return await context.with(trace.setSpan(from, span), work);
  } catch (error) {
    // Without the message: it may quote values of records.
    span.setStatus({ code: SpanStatusCode.ERROR });
    span.setAttribute("error.type", error instanceof Error ? error.name : "unknown");
    throw error;
  } finally {
    span.end();
  }
}

/** The tracer of the SDK that the app has registered, at the start or later; undefined without one. */
function tracerOfApp(): Tracer | undefined {
  const provider = trace.getTracerProvider();
  return provider instanceof ProxyTracerProvider
    ? provider.getDelegateTracer("powercrud-graphql")
    : provider.getTracer("powercrud-graphql");
}

function contextOf(parent: string | null | undefined): Context {
  const [, traceId, spanId, flags] = TRACEPARENT.exec(parent ?? "") ?? [];
  return traceId === undefined || spanId === undefined
    ? context.active()
    : trace.setSpanContext(ROOT_CONTEXT, {
        traceId,
        spanId,
        traceFlags: Number.parseInt(flags ?? "0", 16),
        isRemote: true,
      });
}
