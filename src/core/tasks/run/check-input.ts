import type { StandardSchemaV1 } from "@standard-schema/spec";
import type { Json } from "../../../kernel/json.ts";
import type { Parsed, RecordProblem } from "../../refusals/problems.ts";
import { problem } from "../../refusals/problems.ts";
import type { DefinedTask, TaskRequest } from "../define-task.ts";

/**
 * Checks the input of a task as it is stored, at the launch and before each attempt.
 * @returns what the definition's schema makes of it, or a problem for each of its issues
 */
export async function checkInput(
  { input: schema }: Pick<DefinedTask, "input">,
  stored: Json,
): Promise<Parsed<unknown>> {
  if (schema === undefined) {
    return { value: stored };
  }
  const checked = await schema["~standard"].validate(stored);
  return checked.issues === undefined
    ? { value: checked.value }
    : { problems: checked.issues.map(problemOfIssue) };
}

/**
 * Whether the viewer may launch the task with this input: asked at the launch, and again before attempts that come later. Nothing
 * but true allows it: a function that forgets to return must not.
 */
export async function mayLaunch(own: DefinedTask, request: TaskRequest<unknown>): Promise<boolean> {
  const allowed: unknown = own.access === undefined || (await own.access(request));
  return allowed === true;
}

function problemOfIssue({ message, path = [] }: StandardSchemaV1.Issue): RecordProblem {
  const keys = path.map((segment) => (typeof segment === "object" ? segment.key : segment));
  const field = ["input", ...keys].map(String).join(".");
  return problem(`${field}: ${message}`, field);
}
