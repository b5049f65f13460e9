/**
 * The contract of everything that runs until it is stopped. `start` and `stop` may be called any number of times and
 * concurrently; `stop` waits until nothing of the service runs any more, even if `start` is still under way.
 */
export interface Service {
  /** For logs. */
  readonly name: string;
  start(): Promise<void>;
  stop(): Promise<void>;
}

/** The body of a {@link Service}: each function is called once, in order, never overlapping. */
export interface ServiceBody {
  readonly name: string;
  start(): Promise<void>;
  stop(): Promise<void>;
}

/** Makes a service of a body whose start and stop are not idempotent. A stopped service stays stopped. */
export function createService(body: ServiceBody): Service {
  let starting: Promise<void> | undefined;
  let stopping: Promise<void> | undefined;
  return {
    name: body.name,
    start() {
      starting ??= stopping === undefined ? body.start() : Promise.resolve();
      return starting;
    },
    stop() {
      stopping ??= (async () => {
        if (starting === undefined) {
          return;
        }
        // A start that failed half-way may hold resources; the body's stop must release them.
        await starting.catch(() => undefined);
        await body.stop();
      })();
      return stopping;
    },
  };
}

/** Makes one service of many: started in order, stopped in reverse. If a start fails, the caller stops the whole. */
export function composeServices(name: string, services: readonly Service[]): Service {
  return createService({
    name,
    async start() {
      for (const service of services) {
        await service.start();
      }
    },
    async stop() {
      const errors: unknown[] = [];
      for (const service of services.toReversed()) {
        await service.stop().catch((error: unknown) => errors.push(error));
      }
      if (errors.length > 0) {
        throw new AggregateError(errors, `${name}: ${errors.length} services did not stop cleanly`);
      }
    },
  });
}
