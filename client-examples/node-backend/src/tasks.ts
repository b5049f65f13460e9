// What every task has in common: it is followed, and its errors are read.
import { graphql } from "./gql/index.ts";
import type { FollowSubscription } from "./gql/graphql.ts";
import { request, subscribe } from "./service.ts";

const FOLLOW = graphql(`
  subscription Follow($id: ID!) {
    taskProgress(id: $id) {
      id
      label
      status
      message
      progress {
        total
        processed
        succeeded
        failed
        percent
      }
    }
  }
`);

const ERRORS = graphql(`
  query TaskErrors($id: ID!, $after: String) {
    task(id: $id) {
      errors(first: 1000, after: $after) {
        nodes {
          index
          recordId
          code
          field
          message
        }
        pageInfo {
          hasNextPage
          endCursor
        }
      }
    }
  }
`);

/** Follows a task to its end. @returns its last state */
export async function follow(
  id: string,
  show: (task: FollowSubscription["taskProgress"]) => void = () => undefined,
): Promise<FollowSubscription["taskProgress"]> {
  let last: FollowSubscription["taskProgress"] | undefined;
  for await (const { taskProgress } of subscribe(FOLLOW, { id })) {
    show(taskProgress);
    last = taskProgress;
  }
  if (last === undefined) {
    throw new Error(`nothing was heard of task ${id}`);
  }
  return last;
}

/** The records that a task did not change, and why. */
export async function* errorsOf(id: string) {
  let after: string | null | undefined;
  do {
    const { task } = await request(ERRORS, { id, after });
    yield* task?.errors.nodes ?? [];
    after = task?.errors.pageInfo.hasNextPage ? task.errors.pageInfo.endCursor : undefined;
  } while (after);
}
