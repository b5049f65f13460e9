/** What is told of a span. Names and values have few forms: nothing that clients send. */
export interface SpanOptions {
  readonly attributes?: Readonly<Record<string, string | number | boolean>>;
  /** The span that caused it, as W3C `traceparent`, or what reads it. Default: the one that the caller runs in. */
  readonly parent?: string | null | undefined | (() => string | null | undefined);
}

/** Traces what happens across requests, tasks and processes. Where nobody traces, it does nothing. */
export interface Tracing {
  /** Runs the work within a span, which fails as the work does. */
  span<T>(name: string, options: SpanOptions, work: () => Promise<T>): Promise<T>;
  /** Tells of a moment: a span without duration. */
  moment(name: string, options: SpanOptions): void;
  /** The span that the caller runs in, as W3C `traceparent`; undefined where nothing is traced. */
  current(): string | undefined;
}
