/**
 * For the tests of a project; see docs/embedding.md.
 * @module
 */
export { createTestPowerCrud, runInline, untilSettled } from "./compose/testing.ts";
export type { ExecuteOptions, TestPowerCrud, TestPowerCrudOptions } from "./compose/testing.ts";
