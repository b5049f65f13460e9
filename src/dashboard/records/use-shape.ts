import { useWorkspace } from "../frame/workspace.tsx";
import type { Shape } from "../models/shape.ts";
import type { Answer } from "../parts/use-answer.ts";
import { useAnswer } from "../parts/use-answer.ts";

/** What the pages of a model are drawn from; `data` is undefined while it is read, and where there is no such model. */
export function useShape(name: string): Answer<Shape | undefined> {
  const { models, schema } = useWorkspace();
  const model = models.find((one) => one.name === name);
  const answer = useAnswer(name, async () => (model === undefined ? undefined : schema.shapeOf(model)));
  // Until it is read, the answer has the shape of the page before.
  return answer.data?.model.name === name ? answer : { ...answer, data: undefined };
}
